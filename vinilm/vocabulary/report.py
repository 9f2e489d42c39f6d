"""What the terms are worth: word pieces per word, before and after, on the documents that were held out and on the others.

A *word* is what the tokenizer splits texts into before it looks at its vocabulary (at white space and punctuation), if it has a
letter. ``ipv6`` is one, ``vmware-tanzu`` is two, ``2024`` is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vinilm.vocabulary.selection import Segmentation
from vnlp_prep.terminal import BOLD, DIM, counted

if TYPE_CHECKING:
    from vinilm.vocabulary.choosing import Choice, TermChooser
    from vinilm.vocabulary.record import Entry
    from vinilm.vocabulary.selection import Term
    from vinilm.vocabulary.words import WordCounts
    from vnlp_prep.lexicon.wordpiece import WordPieces
    from vnlp_prep.terminal import Paint

_SHOWN = 15
_LEFT_OUT = 20  # words that are named for each reason


@dataclass(frozen=True)
class Fragmentation:
    """How a vocabulary cuts the words of some documents."""

    documents: int
    words: int
    #: Pieces of these words.
    pieces: int
    #: Words that are one piece.
    whole: int
    #: All tokens: pieces of words, of numbers and of punctuation.
    tokens: int

    @property
    def pieces_per_word(self) -> float:
        """Word pieces per word; there has to be a word."""
        return self.pieces / self.words

    @property
    def whole_share(self) -> float:
        """The share of words that are one piece; there has to be a word."""
        return self.whole / self.words

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "words": self.words,
            "pieces": self.pieces,
            "pieces_per_word": round(self.pieces_per_word, 4),
            "one_piece": round(self.whole_share, 4),
            "tokens": self.tokens,
        }


def fragmentation(counts: WordCounts, vocabulary: WordPieces, terms: Sequence[Term] = ()) -> tuple[Fragmentation, Fragmentation]:
    """Return how ``vocabulary`` cuts the words that were counted, without ``terms`` and with them.

    Words that were forgotten while counting, the rarest, are taken to be cut as before.
    """
    segmentation = Segmentation(counts.types, vocabulary)
    before = _cut(counts, segmentation)
    for term in terms:
        segmentation.add(term.term)
    return before, _cut(counts, segmentation)


def _cut(counts: WordCounts, segmentation: Segmentation) -> Fragmentation:
    words, pieces, whole = counts.other_words, counts.other_pieces, 0
    for word, (_, times) in counts.types.items():
        n = segmentation.pieces_of(word)
        words += times
        pieces += times * n
        whole += times * (n == 1)
    return Fragmentation(counts.documents, words, pieces, whole, pieces + counts.other_tokens)


@dataclass(frozen=True)
class Report:
    """What a choice of terms is worth."""

    model: str
    entries: tuple[Entry, ...]
    #: Terms that the model had been given before, and places that are left.
    known: int
    slots_left: int
    #: Before and after, on the documents that terms were chosen by, and on those that were held out.
    corpus: tuple[Fragmentation, Fragmentation]
    heldout: tuple[Fragmentation, Fragmentation]
    #: Words that were broken and that are no terms: reason -> words, those in most documents first.
    left_out: dict[str, list[str]]
    #: Word types that were forgotten while counting.
    forgotten: int

    @classmethod
    def of(cls, chooser: TermChooser, choice: Choice, entries: Sequence[Entry]) -> Report:
        """Measure a choice."""
        vocabulary, counts = chooser.files.pieces, choice.counts
        types = counts.words.types
        return cls(
            model=str(chooser.model.path),
            entries=tuple(entries),
            known=len(chooser.known),
            slots_left=len(chooser.files.slots) - len(entries),
            corpus=fragmentation(counts.words, vocabulary, choice.terms),
            heldout=fragmentation(counts.heldout, vocabulary, choice.terms),
            left_out={reason: sorted(words, key=lambda w: (-types[w][0], w)) for reason, words in choice.left_out.items()},
            forgotten=counts.words.forgotten,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "model": self.model,
            "terms": {"added": len(self.entries), "had": self.known, "places_left": self.slots_left},
            "heldout": _both(self.heldout),
            "corpus": _both(self.corpus),
            "forgotten_word_types": self.forgotten,
            "added": [
                {
                    "id": e.id,
                    "slot": e.slot,
                    "term": e.term.term,
                    "pieces": list(e.term.pieces),
                    "documents": e.term.documents,
                    "score": e.term.score,
                    "saved": e.term.saved,
                }
                for e in self.entries
            ],
            "left_out": {reason: {"words": len(w), "first": w[:_LEFT_OUT]} for reason, w in sorted(self.left_out.items())},
        }

    def lines(self, paint: Paint) -> list[str]:
        """Return what a person wants to see of it."""
        had = f", {self.known:,} were there" if self.known else ""
        lines = [paint(f"{counted(len(self.entries), 'term')} added{had}, {counted(self.slots_left, 'place')} left", BOLD)]
        if self.entries:
            lines += _table(self.heldout, "held out", paint)
            lines += _table(self.corpus, "chosen by", paint)
            lines += self._best(paint)
        left_out = sorted(self.left_out.items(), key=lambda item: -len(item[1]))
        if left_out:
            lines.append(paint("broken, but no terms", BOLD))
            lines += [f"{len(words):>9,}  {reason:<14} {', '.join(words[:6])}" for reason, words in left_out]
        if self.forgotten:
            lines.append(f"{self.forgotten:,} rare words were forgotten while counting")
        return lines

    def _best(self, paint: Paint) -> list[str]:
        more = f"  ({_SHOWN} of {len(self.entries):,})" if len(self.entries) > _SHOWN else ""
        lines = [paint("what saves most", BOLD) + paint(more, DIM), paint("documents   tokens saved  term", DIM)]
        for e in self.entries[:_SHOWN]:
            lines.append(f"{e.term.documents:>9,}  {e.term.saved:>13,}  {e.term.term:<18} {' '.join(e.term.pieces)}")
        return lines


def _both(pair: tuple[Fragmentation, Fragmentation]) -> dict[str, Any] | None:
    before, after = pair
    if not before.words:
        return None
    less = {
        "pieces_per_word": round(1 - after.pieces_per_word / before.pieces_per_word, 4),
        "tokens": round(1 - after.tokens / before.tokens, 4),
    }
    return {"documents": before.documents, "before": before.to_dict(), "after": after.to_dict(), "less": less}


def _table(pair: tuple[Fragmentation, Fragmentation], name: str, paint: Paint) -> list[str]:
    before, after = pair
    if not before.words:
        return []
    rows = (
        (
            "word pieces per word",
            f"{before.pieces_per_word:.3f}",
            f"{after.pieces_per_word:.3f}",
            _less(*(f.pieces_per_word for f in pair)),
        ),
        ("words that are one piece", f"{before.whole_share:.1%}", f"{after.whole_share:.1%}", ""),
        ("tokens", f"{before.tokens:,}", f"{after.tokens:,}", _less(before.tokens, after.tokens)),
    )
    head = f"{name}: {counted(before.documents, 'document')}, {counted(before.words, 'word')}"
    lines = [paint(f"{head:<44}", BOLD) + paint(f"{'before':>12}{'after':>12}", DIM)]
    return lines + [f"  {label:<42}{a:>12}{b:>12}{change:>9}" for label, a, b, change in rows]


def _less(before: float, after: float) -> str:
    return f"{after / before - 1:+.1%}"
