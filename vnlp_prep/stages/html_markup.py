"""Which tags are markup, and which only look like it: `<b>bold</b>` against `cp <source> <target>`.

A tag counts as markup by what stands around it: attributes, a closing partner, other markup. In doubt it is text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import Final

from vnlp_prep.stages.html_names import BLOCK, CELL, CODE, STRUCTURE, SURE, VOID
from vnlp_prep.stages.html_scan import Scan, Tag, is_mention
from vnlp_prep.stages.html_shown import SourceStrings, is_named

_BLANK_LINE: Final = re.compile(r"\n[ \t]*\r?\n")
_LOOK_AROUND: Final = 200
_SHOWN_RULES: Final = frozenset(("script", "comment"))
_HEAD_ONLY: Final = frozenset(("base", "link", "meta"))


def mark(text: str, found: Scan) -> bool:
    """Set ``markup`` of every tag in ``found``; return True if there is any."""
    tags = found.tags
    strings = SourceStrings(text)
    shown = {r.start for r in found.removals if r.rule in _SHOWN_RULES and strings.holds(r.start)}
    if shown:
        found.removals[:] = [r for r in found.removals if r.start not in shown]
    if not tags:
        return False
    strings = SourceStrings(text)
    # Unknown elements in an HTML document are custom ones.
    xml = [] if any(tag.name == "html" for tag in tags) else _xml_spans(found.unknown)
    closed_voids = _pair_voids(tags)
    blank_lines: list[int] | None = None
    stacks: dict[str, list[Tag]] = {}
    candidates: list[Tag] = []
    for tag in tags:
        if strings.holds(tag.start):
            continue
        # In a shown XML file <source>, <address> and the like are that file's, whatever HTML calls so.
        if tag.name in _HEAD_ONLY and is_mention(text, tag.start, tag.end):
            continue  # "add <meta charset=...> to the head": what belongs into a page's head is no part of a sentence
        if tag.name not in SURE and (tag.name in closed_voids or (xml and _covered(xml, tag.start))):
            continue
        candidates.append(tag)
        if tag.name in VOID:
            continue  # paired already, or without a partner
        stack = stacks.setdefault(tag.name, [])
        if not tag.closing:
            stack.append(tag)
        elif stack:
            partner = stack.pop()
            if partner.bare and tag.name not in SURE and tag.name not in BLOCK and tag.name not in CODE:
                if blank_lines is None:
                    blank_lines = [match.start() for match in _BLANK_LINE.finditer(text)]
                i = bisect_left(blank_lines, partner.end)
                if i < len(blank_lines) and blank_lines[i] < tag.start:
                    continue  # two placeholders of one name, paragraphs apart
            tag.partner, partner.partner = partner, tag
    strong = False
    doubtful: list[Tag] = []
    for tag in candidates:
        if tag.closing and tag.partner is not None:
            tag.markup = tag.partner.markup
            continue
        tag.markup = _is_strong(text, tag)
        if tag.markup:
            strong = True
        else:
            doubtful.append(tag)
    if not strong:
        return False
    for tag in doubtful:
        tag.markup = _is_supported(text, tag)
        if tag.markup and tag.partner is not None:
            tag.partner.markup = True
    if doubtful:
        _spread(text, candidates)
    return True


def _pair_voids(tags: list[Tag]) -> set[str]:
    """Pair `<link ...></link>`; return the void names with a closing tag behind content, as only XML has them."""
    closed: set[str] = set()
    last: Tag | None = None
    for tag in tags:
        if tag.closing and tag.name in VOID and tag.name != "br":
            if last is not None and last.name == tag.name and not last.closing and last.end == tag.start:
                tag.partner, last.partner = last, tag
            else:
                closed.add(tag.name)
        last = tag
    return closed


def _is_strong(text: str, tag: Tag) -> bool:
    """Return True if the tag (an opening one, or a closing one without partner) shows by itself that it is markup."""
    if _is_named(text, tag):
        return False
    if not tag.bare or tag.name == "br":
        return True
    mention = is_mention(text, tag.start, tag.end)
    partner = tag.partner
    if partner is not None:
        return not (mention and is_mention(text, partner.start, partner.end))
    if mention:
        return False
    if text[tag.end - 2] == "/" and (tag.name in VOID or tag.name == "p"):
        return True  # <input/>: nobody writes a placeholder so
    before, after = _neighbours(text, tag)
    if tag.closing:
        return tag.name not in VOID and (tag.name in SURE or before.isalnum() or before in ".!?)")
    if tag.name == "p":
        return before in "\n>.!?)" and not after.isspace()
    if tag.name == "hr":
        return _is_alone(text, tag)
    return tag.name in SURE and not _is_glued(before) and not _is_glued(after, behind=True)


def _is_supported(text: str, tag: Tag) -> bool:
    """Return True if a doubtful tag is markup in a text that certainly holds other markup."""
    if _is_named(text, tag):
        return False
    mention = is_mention(text, tag.start, tag.end)
    before, after = _neighbours(text, tag)
    if tag.partner is not None:
        return tag.name in SURE or tag.name == "p"  # <strong> text </strong>
    if tag.closing:
        return tag.name not in VOID and (not mention or after in "\r\n")
    if mention or before in "=-@/$":
        return False
    return tag.name in SURE or (tag.name == "p" and (after.isalnum() or not before.isalnum()))


def _is_named(text: str, tag: Tag) -> bool:
    """Return True if a tag without partner, or a pair with nothing between, is what a sentence speaks of."""
    if tag.partner is None:
        return is_named(text, tag.start, tag.end)
    return tag.partner.start == tag.end and is_named(text, tag.start, tag.partner.end)


def _spread(text: str, tags: list[Tag]) -> None:
    """Let lone structure tags be markup that stand next to a block that is markup: `<html><body><p class="x">`."""
    for step in (1, -1):
        last: Tag | None = None
        for tag in tags[::step]:
            if not tag.markup and last is not None and tag.name in STRUCTURE and tag.partner is None:
                between = text[last.end : tag.start] if step == 1 else text[tag.end : last.start]
                tag.markup = not between or (between.isspace() and "\n" in between)
            last = tag if tag.markup and (tag.name in BLOCK or tag.name in CELL) else None


def _neighbours(text: str, tag: Tag) -> tuple[str, str]:
    """Return the characters on both sides of the tag; the ends of the text count as line breaks."""
    return (text[tag.start - 1] if tag.start else "\n"), (text[tag.end] if tag.end < len(text) else "\n")


def _is_glued(char: str, *, behind: bool = False) -> bool:
    """Return True if a placeholder stands so: `--dl=<dl>`, `<dt>.log`, `Map<tr>`."""
    return char in "=:/@-_.$#|[{" if behind else (char.isalnum() or char in "=:/@-_$#|[{")


def _is_alone(text: str, tag: Tag) -> bool:
    """Return True if nothing else stands on the tag's line."""
    before = text[max(0, tag.start - _LOOK_AROUND) : tag.start].rstrip(" \t")
    after = text[tag.end : tag.end + _LOOK_AROUND].lstrip(" \t\r")
    return (not before or before[-1] == "\n") and (not after or after[0] == "\n")


def _xml_spans(unknown: list[tuple[int, int, str, bool]]) -> list[tuple[int, int]]:
    """Return the spans of elements that are not of HTML and have both tags: shown XML. Sorted and disjoint.

    Names with a capital are components (`<TabItem>`) and hold HTML.
    """
    spans: list[tuple[int, int]] = []
    stacks: dict[str, list[int]] = {}
    for start, end, name, closing in unknown:
        if name[0].isupper():
            continue
        if not closing:
            stacks.setdefault(name, []).append(start)
        elif stacks.get(name):
            begin = stacks[name].pop()
            while spans and spans[-1][0] > begin:
                spans.pop()
            spans.append((begin, end))
    merged: list[tuple[int, int]] = []
    for begin, end in spans:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _covered(spans: list[tuple[int, int]], at: int) -> bool:
    i = bisect_right(spans, (at, 1 << 62)) - 1
    return i >= 0 and at < spans[i][1]
