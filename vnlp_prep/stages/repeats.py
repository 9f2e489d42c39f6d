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
from vnlp_prep.stages.rulers import is_ruler, removal
from vnlp_prep.stages.words_stage import Change, WordStage
from vnlp_prep.words import Guard, word_spans

_RUN = re.compile(r"([a-z])\1+")
_LONG = re.compile(r"(\w)\1\1", re.ASCII)
_MARKS = re.compile(r"([!?])\1{2,}|(?:[!?]{4,})|\.{4,}|,{4,}|…{2,}")
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
        if is_ruler(token):
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
        if m.start() and not any(map(str.isalnum, trimmed[: m.start()])):
            return None  # "(.....)" is a pattern
        if len(trimmed) < len(token) and not word_spans(trimmed[: m.start()]):
            return None  # what closes it may belong to whatever this is
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
            return removal(edit, text) if guard.allows(edit.start, edit.end) else None
        if edit.rule == "punctuation" and _is_layout(edit, text):
            return None
        return super().place(edit, change, text, guard)

    def propose(self, text: str, code: Sequence[tuple[int, int]] = ()) -> list[Edit]:
        """Return the edits of ``text``; texts without three equal characters in a row cost one search."""
        return super().propose(text, code) if _ANY_RUN.search(text) else []


def _is_layout(edit: Edit, text: str) -> bool:
    """True if marks are no emphasis: they open a block ("!!! note") or lead the eye ("Index ........ 5")."""
    if not text[max(0, edit.start - _INDENT) : edit.start].rpartition("\n")[2].strip():
        return edit.before[0] in "!?" or text[edit.end : edit.end + 1] in ("", "\r", "\n")
    if edit.before[0] != ".":
        return False
    alone = text[edit.start - 1].isspace()
    return _LEADER.match(text, edit.end) is not None or (alone and len(edit.before) > _MOST_DOTS)


# What dots lead to: a page number, a percentage, the end of a progress line.
_LEADER = re.compile(r"[ \t]{0,20}(?:\d{1,5}%?|\.{3,}|done|ok|OK|\[)(?:\s|$)")
_MOST_DOTS = 8
_INDENT = 40  # no block is indented deeper
_ANY_RUN = re.compile(r"(\S)\1\1|[!?]{4}|……")
