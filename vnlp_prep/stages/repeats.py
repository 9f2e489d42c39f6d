"""Repeats: elongated words come back to a known word, runs of punctuation to one mark, rulers go.

>>> from vnlp_prep.lexicon import Lexicon
>>> from vnlp_prep.edits import apply
>>> stage = RepeatStage(Lexicon.shipped())
>>> text = "sooooo slow!!!!! see www.x.com, AAA and yyyyMMdd......"
>>> apply(text, stage.propose(text))
'so slow! see www.x.com, AAA and yyyyMMdd...'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from vnlp_prep.edits import Edit
from vnlp_prep.stages.words_stage import Change, WordStage
from vnlp_prep.words import Guard, word_spans

_RUN = re.compile(r"([a-z])\1+")
_LONG = re.compile(r"(\w)\1\1", re.ASCII)
_MARKS = re.compile(r"([!?])\1{2,}|(?:[!?]{4,})|\.{4,}|,{4,}|…{2,}")
_RULER = re.compile(r"([-=*_~#+])\1{4,}")
_HEADING_MARK = re.compile(r"#{1,6}")
# What punctuation may follow: words, also with digits or hyphens, quoted or in brackets; not addresses or code.
_BEFORE_MARKS = re.compile(r"[\"'(\[*_“‘]*(?:\w[\w.'’-]{0,60})?[\"')\]*_”’,;:]*")
_MAX_RUNS = 5
_COMMON = 4.3  # Zipf: the 8,000 commonest words


class RepeatStage(WordStage):
    """Undoes repetition for emphasis and decoration; see the module."""

    name = "repeats"

    def decide(self, token: str) -> tuple[Change, ...]:
        """Return the shortened word and punctuation of one token."""
        if len(token) < 3:
            return ()
        if _RULER.fullmatch(token) and not _HEADING_MARK.fullmatch(token):
            return (Change(0, len(token), "", "ruler", 0.95),)
        changes = []
        if _LONG.search(token):
            for start, end in word_spans(token):
                change = self._word(token, start, end)
                if change:
                    changes.append(change)
        tail = self._marks(token)
        if tail:
            changes.append(tail)
        return tuple(changes)

    def _word(self, token: str, start: int, end: int) -> Change | None:
        """Return the known word that an elongated one stands for."""
        word = token[start:end]
        low = word.lower()
        # Where one letter is stretched, others that stand twice may be so too ("yeeaahhh").
        runs = list(_RUN.finditer(low))
        if not any(len(m.group()) > 2 for m in runs) or len(runs) > _MAX_RUNS or word in self.lexicon:
            return None
        found: list[tuple[float, int, str]] = []
        for lengths in product((1, 2), repeat=len(runs)):
            pieces, at = [], 0
            for m, n in zip(runs, lengths, strict=True):
                pieces += [low[at : m.start()], m.group(1) * n]
                at = m.end()
            pieces.append(low[at:])
            short = "".join(pieces)
            if short in self.lexicon:
                found.append((self.lexicon.zipf(short), sum(lengths), short))
        if not found:
            return None
        # The most frequent one, but "tooo" is "too": a common word with its double letter stands nearer to what was typed.
        frequent = [f for f in found if f[0] >= _COMMON]
        zipf, _, short = max(frequent, key=lambda f: (f[1], f[0])) if frequent else max(found)
        if word[0].isupper():
            short = short.capitalize()
        # People stretch common words, and rarely their first letter; "bbbk" and "ceee" are names of something.
        common = zipf >= (5.5 if len(short) < 3 else 3.0)
        confidence = 0.97 if common and (runs[0].start() > 0 or len(short) > 4) else 0.6
        return Change(start, end, short, "elongation", confidence)

    @staticmethod
    def _marks(token: str) -> Change | None:
        """Return the shortened run of punctuation at the end of a token (or that is the token)."""
        trimmed = token.rstrip("\"')]*_”’")
        m = None
        for m in _MARKS.finditer(trimmed):  # noqa: B007 - the last one counts
            pass
        if m is None or m.end() != len(trimmed) or not _BEFORE_MARKS.fullmatch(trimmed, 0, m.start()):
            return None
        run = m.group()
        if run[0] == ".":
            short = "..."
        elif len(set(run)) > 1:
            short = "?!"
        else:
            short = run[0]
        return Change(m.start(), m.end(), short, "punctuation", 0.97)

    def place(self, edit: Edit, change: Change, text: str, guard: Guard) -> Edit | None:
        """Place a change: rulers by their line, words and punctuation in prose only."""
        if edit.rule == "ruler":
            return _ruler(edit, text) if guard.allows(edit.start, edit.end) else None
        if edit.rule == "punctuation" and text[text.rfind("\n", 0, edit.start) + 1 : edit.start].strip() == "":
            return None  # marks that open a line open a block: "!!! note", "??? question"
        return super().place(edit, change, text, guard)

    def propose(self, text: str, code: Sequence[tuple[int, int]] = ()) -> list[Edit]:
        """Return the edits of ``text``; texts without three equal characters in a row cost one search."""
        return super().propose(text, code) if _ANY_RUN.search(text) else []


_ANY_RUN = re.compile(r"(\S)\1\1|[!?]{4}|……")


def _ruler(edit: Edit, text: str) -> Edit | None:
    """Return the edit that removes a ruler, unless it underlines a heading or belongs to a table."""
    left = text.rfind("\n", 0, edit.start) + 1
    right = text.find("\n", edit.end)
    right = len(text) if right < 0 else right
    before, after = text[left : edit.start].strip(), text[edit.end : right].strip()
    if before or after:
        # Beside words it is decoration ("===== Summary ====="); several rulers in a line are columns.
        if not any(c.isalpha() for c in before + after):
            return None
        start, end = edit.start, edit.end
        if after and text[end] == " ":
            end += 1
        elif not after and start > left and text[start - 1] == " ":
            start -= 1
        return edit._replace(start=start, end=end, before=text[start:end])
    below_end = text.find("\n", right + 1)
    below = text[right + 1 : len(text) if below_end < 0 else below_end].strip()
    above = text[text.rfind("\n", 0, max(0, left - 1)) + 1 : max(0, left - 1)].strip() if left else ""
    if any(c.isalnum() for line in (above, below) for c in line if abs(len(line) - len(edit.before)) <= 3):
        return None  # the line under (or over) a heading
    return edit
