"""Whether a place of a text may be changed."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from vnlp_prep.words.lines import Vocabulary, english, line_kind, plain_words
from vnlp_prep.words.regions import (
    Protected,
    code_regions,
    code_spans,
    fences,
    front_matter,
    inline_regions,
    literal_blocks,
    merged,
    outermost,
    paragraph_at,
)
from vnlp_prep.words.tokens import Span, classify

_FLAG = re.compile(r"--?[A-Za-z]")
_COMMAND_REACH = 60
_TARGET_REACH = 200
_REACH = 1000  # code points to either side that count as the paragraph or the line of a place


class Guard:
    """Answers, for one text, whether a place may be changed. Looks at no more of the text than the answer needs."""

    def __init__(self, text: str, code: Sequence[Span], vocabulary: Vocabulary) -> None:
        """``code``: spans known to be program text; ``vocabulary``: the lexicon."""
        self._text = text
        self._code = code
        self._vocabulary = vocabulary
        self._inline: list[tuple[Span, list[Span]]] = []
        self._paragraphs: dict[Span, list[Protected]] = {}
        self._verdicts: dict[Span, bool] = {}

    def in_code(self, start: int, end: int) -> bool:
        """True if the span touches program text, a template, a link target, a placeholder or front matter."""
        if _touches(self._blocks, start, end) or _touches(self._inline_code(start, end), start, end):
            return True
        # The lines around the place that no blank line parts.
        paragraph = self._between(start, "\n\n")
        regions = self._paragraphs.get(paragraph)
        if regions is None:
            regions = self._paragraphs[paragraph] = inline_regions(self._text, *paragraph)
        return any(p.start < end and start < p.end for p in regions)

    @cached_property
    def _has_ticks(self) -> bool:
        return "`" in self._text

    @cached_property
    def _fences(self) -> list[Span]:
        return list(fences(self._text))

    @cached_property
    def _blocks(self) -> list[Span]:
        """Code whose marks may stand far from it, sorted and disjoint."""
        head = front_matter(self._text)
        return merged([*([head] if head else []), *literal_blocks(self._text), *self._fences, *self._code])

    def _inline_code(self, start: int, end: int) -> list[Span]:
        """The inline code of the paragraph of a place that no fence has."""
        if not self._has_ticks:
            return []
        i = bisect_right(self._inline, start, key=lambda known: known[0][0]) - 1
        if i >= 0 and start < self._inline[i][0][1]:
            return self._inline[i][1]
        j = bisect_right(self._fences, (start, end))
        left = self._fences[j - 1][1] if j else 0
        right = self._fences[j][0] if j < len(self._fences) else len(self._text)
        paragraph = paragraph_at(self._text, start, left, right)
        spans = list(code_spans(self._text, *paragraph))
        self._inline.insert(i + 1, (paragraph, spans))
        return spans

    def _between(self, at: int, border: str) -> Span:
        """The text around a position up to the next ``border`` on either side.

        Where there is none for long (a minified page, a book in one line) the neighbourhood counts: blocks of fixed places, so
        that all positions in one share its answer and the whole text is looked at a bounded number of times.
        """
        low = max(0, at // _REACH - 1) * _REACH
        high = low + 3 * _REACH
        left = self._text.rfind(border, low, at)
        right = self._text.find(border, at, high)
        return low if left < 0 else left + len(border), min(high, len(self._text)) if right < 0 else right

    def in_prose(self, start: int) -> bool:
        """True if the line around a position is English prose, or too short to tell."""
        left, right = self._between(start, "\n")
        verdict = self._verdicts.get((left, right))
        if verdict is None:
            line = self._text[left:right]
            verdict = not self._in_grid(line, left, right) and line_kind(line) is None
            verdict = verdict and english(plain_words(line), self._vocabulary)
            self._verdicts[left, right] = verdict
        return verdict

    def _in_grid(self, line: str, left: int, right: int) -> bool:
        """True for a row of a table that a program drew, between lines of ``+---+``."""
        if not line.lstrip().startswith("|"):
            return False
        neighbours = self._text[max(0, left - _REACH) : max(0, left - 1)].rpartition("\n")[2], self._text[right + 1 : right + 80]
        return any(other.lstrip().startswith(("+-", "+=")) for other in neighbours)

    def allows(self, start: int, end: int) -> bool:
        """True if a stage may rewrite the words in the span."""
        if self.in_code(start, end) or self._is_address(start, end):
            return False
        return self.in_prose(start) and not self._in_command(start, end)

    def _is_address(self, start: int, end: int) -> bool:
        """True if the span is the text of a link that has it in its target, too: ``[ofrobots](https://github.com/ofrobots)``."""
        if not self._text.startswith("](", end) or self._text[start - 1 : start] != "[":
            return False
        target = self._text[end + 2 : end + _TARGET_REACH].partition(")")[0]
        return self._text[start:end].lower() in target.lower()

    def _in_command(self, start: int, end: int) -> bool:
        """True if flags follow soon in the line, or one goes before: a command that a sentence quotes without marks."""
        before = self._text[max(0, start - _COMMAND_REACH) : start].rpartition("\n")[2].split()
        # What stands in backticks is quoted with marks: its flags say nothing about the words before it.
        after = self._text[end : end + _COMMAND_REACH].partition("\n")[0].partition("`")[0]
        # The rest of the token itself ("-known") is no flag.
        following = after.split()[0 if after[:1].isspace() else 1 :][:4]
        return any(_FLAG.match(token) for token in (*before[-1:], *following))


def _touches(spans: Sequence[Span], start: int, end: int) -> bool:
    """True if one of the spans (sorted, disjoint) shares text with a place."""
    i = bisect_right(spans, (end, 0)) - 1
    return i >= 0 and spans[i][1] > start


def protected(text: str, vocabulary: Vocabulary) -> list[Protected]:
    """Return every protected span of ``text`` with its kind, sorted and disjoint: what ``explain --show-protected`` shows."""
    found = code_regions(text)
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        kind = line_kind(text[at:end])
        if kind:
            found.append(Protected(at, end, kind))
        elif not english(plain_words(text[at:end]), vocabulary):
            found.append(Protected(at, end, "not English prose"))
        at = end + 1
    for m in re.finditer(r"\S+", text):
        token = classify(m.group())
        if token:
            start, end, kind = token
            found.append(Protected(m.start() + start, m.start() + end, kind))
    return outermost(found)
