"""Compounds: words that were run together come apart again.

Told from words that are just unknown by counts, never by length: every part is a common word, the pair is one that people
write ("specified in"), and together they are far more probable than an unknown word and than a misspelling of a known one.

>>> from vnlp_prep.lexicon import Lexicon
>>> [(e.before, e.after) for e in CompoundStage(Lexicon.shipped()).propose("as specifiedin esxcli and Kubernetes docs")]
[('specifiedin', 'specified in')]
"""

from __future__ import annotations

from itertools import pairwise

from vnlp_prep.lexicon.morphology import is_regular_form
from vnlp_prep.lexicon.segmentation import best_split, pair_count
from vnlp_prep.lexicon.suggestions import candidates
from vnlp_prep.stages.words_stage import Change, WordStage
from vnlp_prep.words import word_spans

_MIN_LETTERS = 5
_MAX_LETTERS = 40
# Words that are run together with their neighbour more often than they are part of a name.
_SMALL = frozenset(
    "a an and are as at be by can for from has have if in into is it its not of on or over so than that the their then "
    "this to under was we were when which will with you your all each any".split()
)
# More than two words by chance are likelier than two: each pair has to be this common.
_MANY_PARTS = 1e7
_LISTED = 0.95  # a list of known misspellings has this very split
# A capital makes it the name of something ("Papertrail"), unless a small word begins it ("Inaddition").
_NAME = 0.85
# A short part must be a common word, or every string comes apart.
_MIN_ZIPF = {1: 6.0, 2: 5.6, 3: 4.6, 4: 3.9}


class CompoundStage(WordStage):
    """Splits words that were run together; see the module."""

    name = "compounds"

    def decide(self, token: str) -> tuple[Change, ...]:
        """Return the split of the token's only word, if it is one to split."""
        spans = word_spans(token)
        if len(spans) != 1:
            return ()
        start, end = spans[0]
        word = token[start:end]
        if word.endswith(("'s", "’s")):
            word, end = word[:-2], end - 2
        if not _MIN_LETTERS <= len(word) <= _MAX_LETTERS or not word.isalpha() or word in self.lexicon:
            return ()
        if is_regular_form(word.lower(), self.lexicon.known_zipf):
            return ()
        found = self._split(word.lower())
        if found is None:
            return ()
        parts, confidence = found
        if word[0].isupper() and parts[0] not in _SMALL:
            confidence *= _NAME
        at, pieces = 0, []
        for part in parts:
            pieces.append(word[at : at + len(part)])
            at += len(part)
        return (Change(start, end, " ".join(pieces), "run-together", confidence),)

    def _split(self, low: str) -> tuple[tuple[str, ...], float] | None:
        """Return the parts of a run-together word and the probability that it is one."""
        split = best_split(low, self.lexicon)
        parts = split.parts
        if not 2 <= len(parts) <= 5:
            return None
        zipf = self.lexicon.general_zipf
        if any(zipf(p) < _MIN_ZIPF.get(len(p), 3.0) or (len(p) == 1 and p != "a") for p in parts):
            return None
        near = candidates(low, self.lexicon)
        best = max((c.score for c in near[:1]), default=-9.0)
        # As a sequence of words: probability of the words, times that of a missing space.
        together = split.score + 9.0
        pairs = [pair_count(a, b) for a, b in pairwise(parts)]
        small = any(p in _SMALL for p in parts)
        seen = self.lexicon.zipf(low)
        confidence = 0.55
        if all(pairs):
            # The shorter the string, the easier it is two words by chance ("histo"), and the commoner they have to be.
            common = 5e7 if len(low) < 7 else 1e7 if len(low) == 7 else 2e6
            confidence = 0.93 if min(pairs) > common or (small and len(low) > 7) else 0.75
            if len(parts) > 2 and min(pairs) < _MANY_PARTS:
                confidence = 0.6
            elif len(low) > 9 and all(len(p) > 3 and zipf(p) > 4.0 for p in parts):
                confidence = max(confidence, 0.88)
        elif small and len(parts) == 2 and min(len(p) for p in parts) >= 2 and max(len(p) for p in parts) >= 6:
            confidence = 0.75
        if near and near[0].listed and near[0].term == " ".join(parts):
            confidence = max(confidence, _LISTED)
        elif near and near[0].listed:
            confidence = min(confidence, 0.3)
        elif best > together - 1.0:
            confidence = min(confidence, 0.4)
        if seen > 2.2:
            confidence *= 0.6
        return parts, confidence
