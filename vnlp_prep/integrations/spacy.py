"""Cleaning for spaCy: ``nlp.add_pipe("vnlp_prep", first=True)``.

spaCy tokenises before any component runs, and the text of a Doc cannot change. So the component cleans the text, has the
pipeline's own tokenizer make a new Doc of it, and hands that on. What leads back to the raw text stays with the Doc, as strings
in ``user_data``, which spaCy writes and sends to other processes.

==================== =================================================================
``doc._.vnlp``       the ``Cleaned``: edits, suggestions, ``raw_span``, ``restore``
``doc._.vnlp_raw``   the raw text
``span._.raw_span``  start and end of the span in the raw text; also of a token
``token._.raw_idx``  where the token begins in the raw text, as ``token.idx`` in the clean one
==================== =================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span, Token

from vnlp_prep.edits import Cleaned, Edit
from vnlp_prep.errors import SettingsError
from vnlp_prep.pipeline import DEFAULT_THRESHOLD, SAVED_FILES, Preprocessor

if TYPE_CHECKING:
    import os

#: The keys of ``Doc.user_data``: the raw text, and edits and suggestions as JSON.
_RAW, _EDITS = "vnlp_prep.raw", "vnlp_prep.edits"


class VnlpComponent:
    """The component: a Doc of the raw text -> a Doc of the cleaned text."""

    def __init__(self, nlp: Language, name: str = "vnlp_prep", **options: Any) -> None:
        """Set up for a pipeline; ``options`` are those of ``Preprocessor``.

        A lexicon or vocabulary that is named is read when it is first needed: a pipeline that is read from disk brings its own.
        Raises SettingsError for other options that are out of range.
        """
        self.name = name
        self._nlp: Language | None = nlp
        self._tokenizer: Callable[[str], Doc] | None = None
        self._options = options
        self._prep: Preprocessor | None = None
        Preprocessor(**{key: value for key, value in options.items() if key not in ("lexicon", "vocabulary")})

    @property
    def preprocessor(self) -> Preprocessor:
        """The preprocessor. Raises what ``Preprocessor`` raises, the first time."""
        if self._prep is None:
            self._prep = Preprocessor(**self._options)
        return self._prep

    def __call__(self, doc: Doc) -> Doc:
        """Return a new Doc with the cleaned text; the same one if there is nothing to clean.

        Raises ValueError for a Doc that has annotations: they would be lost.
        """
        if _RAW in doc.user_data:
            return doc
        cleaned = self.preprocessor.clean(doc.text)
        if cleaned.edits:
            _check_bare(doc, self.name)
            made = self._tokenize(cleaned.text)
            made.user_data.update(doc.user_data)
            made.cats = doc.cats
            made._context = doc._context  # of nlp.pipe(..., as_tuples=True)
            doc = made
        doc.user_data[_RAW] = cleaned.raw
        doc.user_data[_EDITS] = json.dumps([cleaned.edits, cleaned.suggestions])
        return doc

    def _tokenize(self, text: str) -> Doc:
        # Of the pipeline as it is now: its tokenizer may have been replaced.
        tokenizer = self._nlp.tokenizer if self._nlp is not None else self._tokenizer
        assert tokenizer is not None
        doc: Doc = tokenizer(text)
        return doc

    def to_disk(self, path: str | os.PathLike[str], *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        """Save settings, terms and vocabulary to the folder ``path``, as text."""
        self.preprocessor.save(path)

    def from_disk(self, path: str | os.PathLike[str], *, exclude: Iterable[str] = ()) -> VnlpComponent:  # noqa: ARG002
        """Load what ``to_disk`` saved. Raises SettingsError or LexiconError."""
        self._prep = Preprocessor.load(path)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:  # noqa: ARG002
        """Return what ``to_disk`` saves, as bytes."""
        with TemporaryDirectory() as folder:
            self.to_disk(folder)
            files = {name: file.read_bytes() for name in SAVED_FILES if (file := Path(folder, name)).exists()}
        data: bytes = srsly.msgpack_dumps(files)
        return data

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> VnlpComponent:  # noqa: ARG002
        """Load what ``to_bytes`` returned. Raises SettingsError or LexiconError."""
        files = srsly.msgpack_loads(data)
        if not isinstance(files, dict) or not set(files) <= set(SAVED_FILES):
            raise SettingsError("these bytes are not those that to_bytes() returns")
        with TemporaryDirectory() as folder:
            for name, content in files.items():
                Path(folder, name).write_bytes(content)
            return self.from_disk(folder)

    def __getstate__(self) -> dict[str, Any]:
        # Not the whole pipeline, for a process that is to run this part of it.
        tokenizer = self._nlp.tokenizer if self._nlp is not None else self._tokenizer
        return {**self.__dict__, "_nlp": None, "_tokenizer": tokenizer}


@Language.factory(
    "vnlp_prep",
    default_config={
        "stages": None,
        "lexicon": None,
        "html": "fragment",
        "threshold": DEFAULT_THRESHOLD,
        "vocabulary": None,
    },
    assigns=["doc._.vnlp", "doc._.vnlp_raw", "span._.raw_span", "token._.raw_span", "token._.raw_idx"],
    retokenizes=True,
)
def make_component(
    nlp: Language,
    name: str,
    stages: list[str] | None,
    lexicon: str | None,
    html: str,
    threshold: float,
    vocabulary: str | None,
) -> VnlpComponent:
    """Make the component, for ``nlp.add_pipe("vnlp_prep", config={...})``."""
    return VnlpComponent(nlp, name, stages=stages, lexicon=lexicon, html=html, threshold=threshold, vocabulary=vocabulary)


def _check_bare(doc: Doc, name: str) -> None:
    # A Doc of one token is always one sentence.
    wanted = ("TAG", "POS", "LEMMA", "DEP", "ENT_IOB", *(["SENT_START"] if len(doc) > 1 else []))
    has = [what for what in wanted if doc.has_annotation(what)]
    if has or len(doc.spans):
        raise ValueError(
            f"{name} makes a new Doc of the cleaned text, and what this one has already "
            f"({', '.join(has) or 'spans'}) would be lost; put it before the others: nlp.add_pipe('vnlp_prep', first=True)"
        )


@lru_cache(maxsize=32)
def _cleaned(raw: str, edits: str) -> Cleaned:
    made, suggested = (tuple(Edit(*edit) for edit in some) for some in json.loads(edits))
    return Cleaned(raw, made, suggested)


def _of_doc(doc: Doc) -> Cleaned:
    raw = doc.user_data.get(_RAW)
    if raw is None:
        return Cleaned(doc.text)
    cleaned = _cleaned(raw, doc.user_data[_EDITS])
    length = doc[-1].idx + len(doc[-1].text_with_ws) if len(doc) else 0
    if length != len(cleaned.text):
        raise ValueError("this Doc is a part of one that was cleaned, or was put together; ask the Doc that vnlp_prep made")
    return cleaned


def _raw_text(doc: Doc) -> str:
    return _of_doc(doc).raw


def _span_in_raw(span: Span) -> tuple[int, int]:
    return _of_doc(span.doc).raw_span(span.start_char, span.end_char)


def _token_in_raw(token: Token) -> tuple[int, int]:
    return _of_doc(token.doc).raw_span(token.idx, token.idx + len(token))


def _token_start(token: Token) -> int:
    return _token_in_raw(token)[0]


Doc.set_extension("vnlp", getter=_of_doc, force=True)
Doc.set_extension("vnlp_raw", getter=_raw_text, force=True)
Span.set_extension("raw_span", getter=_span_in_raw, force=True)
Token.set_extension("raw_span", getter=_token_in_raw, force=True)
Token.set_extension("raw_idx", getter=_token_start, force=True)
