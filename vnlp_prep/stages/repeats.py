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

from vnlp_prep.edits import Edit
from vnlp_prep.lexicon.elongation import resolve
from vnlp_prep.lexicon.suggestions import candidates
from vnlp_prep.stages.rulers import is_ruler, removal
from vnlp_prep.stages.tokens_seen import Change, Changes, Token
from vnlp_prep.stages.words_stage import WordStage
from vnlp_prep.words import word_spans

_DOUBLE = re.compile(r"([a-z])\1")
_LONG = re.compile(r"([a-z])\1\1")
_MARK = frozenset("!?.,…")
_MARKS = re.compile(r"([!?])\1{2,}|(?:[!?]{4,})|\.{4,}|,{4,}|…{2,}")
# What punctuation may follow: words, also with digits or hyphens, quoted or in brackets; not addresses or code.
_BEFORE_MARKS = re.compile(r"[\"'(\[*_“‘]*(?:\w[\w.'’-]{0,60})?[\"')\]*_”’,;:]*")
_EXTRA_LETTER = "extra-letter"
_RIVAL = 0.5  # what is as likely a slip of another word is half as sure
_LONG_WORD = 6  # letters; shorter ones that stretch are mostly words of chat
_FLOOR = 0.3  # below this a proposal is noise and not even suggested


class RepeatStage(WordStage):
    """Undoes repetition for emphasis and decoration; see the module."""

    name = "repeats"

    def decide(self, token: Token) -> Changes:
        """Return the shortened word and punctuation of one token."""
        text = token.text
        if len(text) < 3:
            return ()
        if is_ruler(text):
            return (Change(0, len(text), "", "ruler", 0.95),)
        changes = []
        for start, end in token.unknown:
            change = self._word(text[start:end], start, end)
            if change:
                changes.append(change)
        tail = self._marks(text)
        if tail:
            changes.append(tail)
        return tuple(changes)

    def _word(self, word: str, start: int, end: int) -> Change | None:
        """Return the known word that an elongated one, which is not known, stands for."""
        low = word.lower()
        if not _DOUBLE.search(low) or low in self.lexicon.replacements:
            return None
        is_long = _LONG.search(low) is not None
        if not (is_long or word.islower()):
            return None  # "Winn", "Deann": names; a slip at the start of a sentence is left to the spelling stage
        if not is_long and low.rstrip("s").endswith("dd"):
            return None  # "buildd", "buildds": the daemon that builds
        found = resolve(low, self.lexicon)
        if found is None or found[1] < _FLOOR:
            return None
        best, confidence = found
        # People stretch words at their end; three letters there are hardly a slip.
        if (not is_long or low[0] == low[1]) and self._has_rival(low, best.word):
            confidence *= _RIVAL
        short = best.word.capitalize() if word[0].isupper() else best.word
        return Change(start, end, short, "elongation" if is_long else _EXTRA_LETTER, confidence)

    def _has_rival(self, low: str, short: str) -> bool:
        """True if the word is as likely a slip of another one: "recommendd" of "recommended", "ccount" of "account"."""
        near = candidates(low, self.lexicon) if len(low) >= _LONG_WORD else []
        return bool(near) and near[0].term != short and near[0].slips == 1

    @staticmethod
    def _marks(token: str) -> Change | None:
        """Return the shortened run of punctuation at the end of a token (or that is the token)."""
        trimmed = token.rstrip("\"')]*_”’")
        if not trimmed or trimmed[-1] not in _MARK or trimmed[-2:-1] not in _MARK:
            return None
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

    def place(self, edit: Edit, change: Change, text: str) -> Edit | None:
        """Leave rulers and punctuation that mean something."""
        del change
        if edit.rule == "ruler":
            return removal(edit, text)
        return None if edit.rule == "punctuation" and _is_layout(edit, text) else edit


def _is_layout(edit: Edit, text: str) -> bool:
    """True if marks are no emphasis: they open a block ("!!! note"), lead the eye ("Index ..... 5") or count ("a.py ....")."""
    before = text[max(0, edit.start - _INDENT) : edit.start].rpartition("\n")[2]
    if not before.strip():
        rest = text[edit.end : edit.end + _INDENT].partition("\n")[0]
        return edit.before[0] in "!?" or not rest.strip()
    if edit.before[0] != ".":
        return False
    alone = text[edit.start - 1].isspace()
    if alone and (len(edit.before) > _MOST_DOTS or not _ENDS_WORD.search(before)):
        return True
    return _LEADER.match(text, edit.end) is not None


# What dots lead to: a page number, a percentage, the end of a progress line.
_LEADER = re.compile(r"[ \t]{0,20}(?:\d{1,5}%?|\.{3,}|done|ok|OK|\[)(?:\s|$)")
_MOST_DOTS = 8
# A word of a sentence, not the name of a file whose tests are run.
_ENDS_WORD = re.compile(r"(?:^|[\s\"'(])[A-Za-z'’-]+[\"'),;:?!]*\s+$")
_INDENT = 40  # no block is indented deeper
