"""Terms put into a model: vocabulary, embeddings, and all else of its folder."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.errors import ModelError
from vinilm.models import open_model, write_checksums
from vinilm.vocabulary.embeddings import has_rows, write_with_terms
from vinilm.vocabulary.folder import check_folder, copy_rest, new_folder, write_marker
from vinilm.vocabulary.record import Entry, read_record, write_record
from vinilm.vocabulary.tokenizer_files import TokenizerFiles, read_tokenizer
from vinilm.vocabulary.words import WordSplitter
from vnlp_prep.errors import SettingsError
from vnlp_prep.lexicon.wordpiece import WordPieces
from vnlp_prep.pipeline import Preprocessor

if TYPE_CHECKING:
    from vinilm.models import ModelFolder
    from vinilm.vocabulary.selection import Term

# Occurrences of a term in the text that it is tried in.
_TIMES = 4


@dataclass(frozen=True)
class Added:
    """What became of a model."""

    folder: Path
    #: The terms that were added, with their places.
    entries: tuple[Entry, ...]
    #: Files of the model that are not in the new folder: they hold weights of the old vocabulary.
    left_out: tuple[str, ...]


def add_terms(model: str | PathLike[str] | ModelFolder, terms: Sequence[Term], output: str | PathLike[str]) -> Added:
    """Write ``model`` with ``terms`` in the first unused places of its vocabulary to the folder ``output``.

    Embeddings of the terms, and what a head for masked words has of them, begin as the mean of those of their pieces; no other
    weight changes. Without terms the folder is a copy.

    Raises ModelError for a model that cannot be used, or whose tokenizer would not find a term as one token, SettingsError for
    more terms than places and for a term that is a token already, OutputError for a folder that must not be written.
    """
    model = open_model(model) if isinstance(model, (str, PathLike)) else model
    output = Path(output)
    check_folder(output, model)
    files = read_tokenizer(model)
    slots = files.slots
    if len(terms) > len(slots):
        raise SettingsError(f"{len(terms):,} terms, but the vocabulary of {model.path} has only {len(slots):,} unused places")
    taken = set(files.tokens)
    for term in terms:
        if term.term in taken:
            raise SettingsError(f"the term {term.term!r:.80} is a token of {model.path} already, or given twice")
        taken.add(term.term)
    known = read_record(model.path, files.tokens)
    entries = [Entry(place, files.tokens[place], term) for place, term in zip(slots, terms, strict=False)]
    changed = files.replaced({e.id: e.term.term for e in entries})
    for entry in entries:
        check_term(changed, entry.id, entry.term.term)
    with new_folder(output) as folder:
        left_out = copy_rest(model, folder)
        encoder = folder / model.encoder.relative_to(model.path)
        encoder.mkdir(parents=True, exist_ok=True)
        ids = {token: i for i, token in enumerate(files.tokens)}
        rows = {e.id: [ids[piece] for piece in files.pieces.pieces(e.term.term) or ("[UNK]",)] for e in entries}
        for file in model.weights:
            target = folder / file.relative_to(model.path)
            if rows and has_rows(file):
                write_with_terms(file, target, rows)
            else:
                shutil.copyfile(file, target)
        if entries:
            changed.write(encoder)
            _renew_preprocessor(model, files, changed, folder)
        write_record(folder, [*known, *entries])
        write_checksums(folder)
        write_marker(folder, [file.relative_to(model.path).as_posix() for file in model.weights])
        open_model(folder)  # what is written is a model, or it does not appear
    return Added(output, tuple(entries), tuple(left_out))


def check_term(files: TokenizerFiles, place: int, term: str) -> None:
    """Raise ModelError if a term is not one token, its own, however it is written and whatever stands around it."""
    spellings = {term}
    if files.lower_case:
        normalize = files.tokenizer.normalizer.normalize_str
        # Not those whose capitals are of other letters: "straße" is "STRASSE", which no vocabulary takes for the same word.
        spellings |= {text for text in (term.upper(), term.title()) if normalize(text) == normalize(term)}
    for text in sorted(spellings):
        found = files.tokenizer.encode(f"{text} ({text}), {text}-{text}", add_special_tokens=False)
        if found.ids.count(place) != _TIMES or len(found.ids) != _TIMES + len("(),-"):
            raise ModelError(f"{files.folder}: the term {term!r:.80} would not be one token where it is written {text!r:.80}")


def splitter_of(files: TokenizerFiles) -> WordSplitter:
    """Return what splits texts into words as the tokenizer does."""
    return WordSplitter(files.tokenizer.normalizer, files.tokenizer.pre_tokenizer)


def cleaner_of(model: ModelFolder) -> Preprocessor:
    """Return what cleans texts for the model, but leaves compounds whole that are split only for its old vocabulary."""
    prep = Preprocessor.load(model.preprocessor) if model.preprocessor else Preprocessor()
    if prep.vocabulary is None:
        return prep
    return Preprocessor(stages=prep.stages, lexicon=prep.lexicon, html=prep.html, threshold=prep.threshold)


def _renew_preprocessor(model: ModelFolder, files: TokenizerFiles, changed: TokenizerFiles, folder: Path) -> None:
    """If the saved preprocessor splits compounds that the vocabulary breaks, have it know the new one."""
    if model.preprocessor is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that another version saved it; it is saved by this one now
        prep = Preprocessor.load(model.preprocessor)
    was, becomes = (WordPieces(f.tokens, lower_case=files.lower_case) for f in (files, changed))
    if prep.vocabulary is not None and prep.vocabulary.fingerprint == was.fingerprint:
        renewed = Preprocessor(
            stages=prep.stages, lexicon=prep.lexicon, html=prep.html, threshold=prep.threshold, vocabulary=becomes
        )
        renewed.save(folder / model.preprocessor.relative_to(model.path))
