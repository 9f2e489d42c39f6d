"""Compounds for an encoder's vocabulary: closed compounds and camel case that WordPiece breaks come apart at their parts.

An encoder that has no piece for ``namespace`` reads ``names ##pace``, and ``PowerShell`` as ``powers ##hell``: pieces that have
nothing to do with the word, though it knows ``name``, ``space``, ``power`` and ``shell``. Only used where a vocabulary was given.

>>> from vnlp_prep.lexicon import Lexicon
>>> from vnlp_prep.lexicon.wordpiece import WordPieces
>>> pieces = "name names space host power powers shell ##name ##pace ##hell".split()
>>> stage = VocabularyCompoundStage(Lexicon.shipped(), WordPieces(pieces))
>>> [(e.after, e.confidence) for e in stage.propose("PowerShell asks for the hostname and the namespace of the host")]
[('Power Shell', 0.6), ('name space', 0.95)]
"""

from __future__ import annotations

import re
from itertools import accumulate

from vnlp_prep.edits import Edit
from vnlp_prep.lexicon.context import fit
from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.lexicon.morphology import stems
from vnlp_prep.lexicon.wordpiece import WordPieces
from vnlp_prep.stages.compounds import CompoundStage, only_word
from vnlp_prep.stages.tokens_seen import Change, Changes, Token

_MIN_PART = 3  # letters; of two, pieces that are words by chance are as many as words
_MAX_LETTERS = 40
_HUMP = re.compile(r"[A-Z][a-z]+")
# Camel case that prose uses as a name; in code marks, brackets or with a dot within it is code.
_CAMEL = re.compile(r"""["'(“‘*]*(?P<name>[A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:['’]s)?["')”’*.,;:!?…]*""")
_WORD_NEARBY = re.compile(r"(?<!\S)[A-Z]?[a-z]{2,}(?=[\s.,;:!?)]|\Z)")
_NEARBY = 80  # code points to either side
_LEAST = 3.5  # Zipf: words, not pieces
_LEAST_FIT = 0.5  # powers of ten more often next to each other than by chance: people write it as two words
# What begins words more often than compounds: "understudy", "oversubscribed", "foreach", "notEmpty".
_NO_PARTS = frozenset(("for", "not", "over", "under", "non", "pre", "sub"))
# No probabilities: measured by finding documents (docs/vocabulary.md), the split of compounds costs nothing and makes up for two
# spellings; that of names costs something with an encoder that was not trained on it, so it is only suggested.
_COMPOUND, _NAME = 0.95, 0.6


class VocabularyCompoundStage(CompoundStage):
    """As CompoundStage; then also splits known words and names that the vocabulary breaks. See the module."""

    looks_at_known = True

    def __init__(self, lexicon: Lexicon, vocabulary: WordPieces) -> None:
        """``lexicon`` says what is known, ``vocabulary`` how the encoder will cut it."""
        super().__init__(lexicon)
        self.vocabulary = vocabulary

    def decide(self, token: Token) -> Changes:
        """Return the split of a run-together word, else that of a compound or a name that the vocabulary breaks."""
        return super().decide(token) or self._camel(token.text) or self._closed(token)

    def place(self, edit: Edit, change: Change, text: str) -> Edit | None:
        """Camel case is split among words only: names by themselves, in lists and settings, are as they have to be typed."""
        if change.rule == "encoder-camel" and not _among_words(text, edit.start, edit.end):
            return None
        return super().place(edit, change, text)

    def splits_name(self, token: str, threshold: float) -> bool:
        """True if ``token`` is a name in camel case that is split where it stands among words."""
        return any(change.confidence >= threshold for change in self._camel(token))

    def _camel(self, token: str) -> Changes:
        m = _CAMEL.fullmatch(token)
        if m is None or len(m["name"]) > _MAX_LETTERS:
            return ()
        name = m["name"]
        humps = _HUMP.findall(name)
        if not all(self._is_part(hump) for hump in humps) or not self._crosses(name, humps):
            return ()
        return (Change(*m.span("name"), " ".join(humps), "encoder-camel", _NAME),)

    def _closed(self, token: Token) -> Changes:
        start, end = only_word(token)
        word = token.text[start:end]
        if not 2 * _MIN_PART <= len(word) <= _MAX_LETTERS or not word.isalpha() or not word[1:].islower():
            return ()
        if word not in self.lexicon:
            return ()
        cut, confidence = self._best_cut(word)
        # "backends" stays as long as "backend" does, or the two would have nothing in common any more.
        if not cut or any(stem in self.lexicon and self._best_cut(stem)[0] != cut for stem in stems(word.lower())):
            return ()
        return (Change(start, end, f"{word[:cut]} {word[cut:]}", "encoder-compound", confidence),)

    def _best_cut(self, word: str) -> tuple[int, float]:
        """Return where the compound comes apart, and how sure that is; 0 where it does not."""
        if word in self.vocabulary:
            return 0, 0.0
        low = word.lower()
        humps = _HUMP.findall(self.lexicon.spelling(low))
        if len(humps) == 2 and "".join(humps).lower() == low:  # "powershell" is split as "PowerShell" is
            cut = len(humps[0])
            return (cut, _NAME) if self._may_cut(word, cut) and self._crosses(word, humps) else (0, 0.0)
        best = (_LEAST_FIT, 0)
        for cut in range(_MIN_PART, len(word) - _MIN_PART + 1):
            if self._may_cut(word, cut):
                # "namespaces" is split if "namespace" is.
                lasts = (low[cut:], *stems(low[cut:]))
                best = max(best, (max(fit(low[:cut], last, self.lexicon) for last in lasts), cut))
        return best[1], _COMPOUND

    def _may_cut(self, word: str, cut: int) -> bool:
        parts = [word[:cut], word[cut:]]
        return all(self._is_part(part) for part in parts) and self._breaks(word, parts)

    def _is_part(self, part: str) -> bool:
        low = part.lower()
        return (
            len(part) >= _MIN_PART and low not in _NO_PARTS and part in self.vocabulary and self.lexicon.known_zipf(low) >= _LEAST
        )

    def _breaks(self, word: str, parts: list[str]) -> bool:
        """True if the vocabulary cuts the word elsewhere than between its parts."""
        return not self.vocabulary.cuts(word) <= set(accumulate(map(len, parts)))

    def _crosses(self, word: str, parts: list[str]) -> bool:
        """True if a piece of the word reaches over the border of two parts. Names that only fall into more pieces stay."""
        cuts = self.vocabulary.cuts(word)
        return len(cuts) > 1 and not cuts >= set(accumulate(map(len, parts)))


def _among_words(text: str, start: int, end: int) -> bool:
    """True in a title, a query or a sentence: a plain word is near in the line, and it is no row of a table and no setting."""
    before = text[max(0, start - _NEARBY) : start].rpartition("\n")[2]
    after = text[end : end + _NEARBY].partition("\n")[0]
    if before.rstrip(" \"'").endswith((":", "=")) or any(border in part for border in "|\t" for part in (before, after)):
        return False
    return any(_WORD_NEARBY.search(part) for part in (before, after))
