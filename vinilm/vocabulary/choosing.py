"""Terms for a model, chosen by the texts that it is to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING

from vinilm.errors import ModelError
from vinilm.models import open_model
from vinilm.vocabulary.adding import cleaner_of, splitter_of
from vinilm.vocabulary.candidates import OTHER_LETTERS, find_candidates
from vinilm.vocabulary.counting import CorpusCounts, DocumentCounter
from vinilm.vocabulary.record import read_record
from vinilm.vocabulary.selection import Term, select
from vinilm.vocabulary.tokenizer_files import TokenizerFiles, read_tokenizer
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from vinilm.models import ModelFolder
    from vinilm.vocabulary.record import Entry

#: Documents in whose prose a term stands at least.
MIN_DOCUMENTS = 5
#: Of the documents, those that are held out to measure with.
HELDOUT = 0.05


@dataclass(frozen=True)
class Choice:
    """The terms for a model, best first, and what they were chosen by."""

    terms: tuple[Term, ...]
    counts: CorpusCounts
    #: Words of the corpus that the vocabulary breaks and that are no terms: reason -> words.
    left_out: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class TermChooser:
    """Counts texts, and chooses terms for a model by them."""

    model: ModelFolder
    files: TokenizerFiles
    #: What an earlier run has given to the model.
    known: tuple[Entry, ...]
    counter: DocumentCounter

    @classmethod
    def of(cls, model: ModelFolder, *, clean: bool = True, heldout: float = HELDOUT) -> TermChooser:
        """Return one for ``model``. ``clean``: texts are cleaned as the model asks before they are counted.

        Raises ModelError for a tokenizer that no term can be added to.
        """
        files = read_tokenizer(model)
        known = tuple(read_record(model.path, files.tokens))
        if not files.slots and not known:
            raise ModelError(
                f"{files.folder}: the vocabulary has no places left for terms: none of its {len(files.tokens):,} tokens is named "
                "[unused0] or so; use a model that has them, as those of BERT's own vocabulary do"
            )
        prep = cleaner_of(model)
        counter = DocumentCounter(splitter_of(files), files.pieces, prep.lexicon, prep if clean else None, heldout)
        return cls(model, files, known, counter)

    def choose(self, counts: CorpusCounts, *, terms: int | None = None, min_documents: int = MIN_DOCUMENTS) -> Choice:
        """Return the terms to add. ``terms``: how many the model shall have, with those that it has; None: all places.

        Raises InputError if there were no documents to choose by, or no term among their words.
        """
        if not counts.words.documents:
            held = f": all {counts.heldout.documents:,} were held out" if counts.heldout.documents else ""
            raise InputError(f"the corpus has no documents to choose terms by{held}")
        slots = len(self.files.slots)
        count = slots if terms is None else max(0, min(slots, terms - len(self.known)))
        found = find_candidates(counts, self.files.pieces, self.counter.lexicon, min_documents)
        chosen = select(counts.words.types, self.files.pieces, found.words, count)
        if not chosen and not self.known:
            raise InputError(_no_terms(counts.words.documents, found.left_out, min_documents))
        return Choice(tuple(chosen), counts, found.left_out)


def _no_terms(documents: int, left_out: dict[str, list[str]], min_documents: int) -> str:
    reasons = ", ".join(f"{len(words):,} {reason}" for reason, words in sorted(left_out.items(), key=lambda i: -len(i[1])))
    only = "; terms are of the letters a to z" if OTHER_LETTERS in left_out else ""
    left = f" (left out: {reasons})" if reasons else ""
    return (
        f"no new terms: {documents:,} documents to choose by, and of the words that the vocabulary breaks none can be a term and "
        f"stands in the prose of {min_documents:,} of them{left}{only}; give more documents of the domain, or a smaller "
        "--min-documents"
    )


def choose_terms(
    texts: Iterable[str],
    model: str | PathLike[str] | ModelFolder,
    *,
    terms: int | None = None,
    min_documents: int = MIN_DOCUMENTS,
    clean: bool = True,
    heldout: float = 0.0,
) -> Choice:
    """Return the terms that ``model`` would gain most from, chosen by ``texts``, one a document.

    ``terms``: how many the model shall have, with those that an earlier run added; None: as many as there are places.
    ``min_documents``: in the prose of so many documents a term stands. ``clean``: clean the texts first, as the model asks.
    ``heldout``: the share of documents that are counted apart, to measure with.

    Raises ModelError for a model that cannot be used or that has no places left, InputError without a document or a term.
    """
    chooser = TermChooser.of(open_model(model) if isinstance(model, (str, PathLike)) else model, clean=clean, heldout=heldout)
    counts = CorpusCounts()
    for text in texts:
        chooser.counter.add(counts, [text])
    return chooser.choose(counts, terms=terms, min_documents=min_documents)
