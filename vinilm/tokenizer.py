"""A BERT tokenizer that cleans: raw text in, the word pieces of the cleaned text out, at their places in the raw text.

Importing this module makes the class known to ``AutoTokenizer``; nothing is ever loaded from code that lies in a model's folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, BatchEncoding, BertTokenizer, CharSpan, PreTrainedConfig

from vinilm.errors import ModelError
from vnlp_prep import Cleaned, Preprocessor
from vnlp_prep.pipeline import SAVED_FILES

#: What a sequence of a tokenized sample was made from: one text, or words that the caller had split.
Source = Cleaned | list[Cleaned]
# What Preprocessor.save writes beside the tokenizer's own files. Listed as files of the vocabulary, they are found wherever the
# tokenizer is: in a folder, in a subfolder, or in the cache of a hub.
_PREPROCESSOR_FILES = dict(zip(("preprocessor_file", "lexicon_file", "vocabulary_file"), SAVED_FILES, strict=True))


class RawEncoding(BatchEncoding):
    """What ``VnlpTokenizer`` returns: a BatchEncoding whose characters are those of the raw text.

    ``token_to_chars``, ``word_to_chars``, ``char_to_token`` and ``char_to_word`` agree with ``offset_mapping``. The objects in
    ``encodings`` are of the library ``tokenizers`` and know the cleaned text only: their ``offsets`` are places in it.
    """

    #: For each encoding, the texts that its sequences come from.
    sources: list[tuple[Source, ...]]

    def raw_offsets(self, batch_index: int = 0) -> list[tuple[int, int]]:
        """Return for each token its span (start, end; code points) in the raw text, or in the word that it is from.

        Special tokens have (0, 0).
        """
        encoding, sources = self[batch_index], self.sources[batch_index]
        spans: list[tuple[int, int]] = encoding.offsets
        if not any(piece.edits for source in sources for piece in _pieces(source)):
            return spans
        return [
            (0, 0) if sequence is None or span == (0, 0) else _piece(sources[sequence], word).raw_span(*span)
            for span, sequence, word in zip(spans, encoding.sequence_ids, encoding.word_ids, strict=True)
        ]

    def token_to_chars(self, batch_or_token_index: int, token_index: int | None = None) -> CharSpan | None:
        """Return the span of a token in the raw text; None for a special token. Arguments as in BatchEncoding."""
        batch, token = (0, batch_or_token_index) if token_index is None else (batch_or_token_index, token_index)
        if super().token_to_chars(batch, token) is None:
            return None
        return CharSpan(*self.raw_offsets(batch)[token])

    def word_to_chars(self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0) -> CharSpan:
        """Return the span in the raw text of a word of the cleaned text. Arguments as in BatchEncoding."""
        batch, word = (0, batch_or_word_index) if word_index is None else (batch_or_word_index, word_index)
        span = super().word_to_chars(batch, word, sequence_index)
        return CharSpan(*_piece(self.sources[batch][sequence_index], word).raw_span(*span))

    def char_to_token(  # type: ignore[override]  # there it says int, and returns None as well
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the first token whose span in the raw text holds the character, or None. Arguments as in BatchEncoding."""
        batch, char = (0, batch_or_char_index) if char_index is None else (batch_or_char_index, char_index)
        spans, sequences = self.raw_offsets(batch), self.sequence_ids(batch)
        held = (i for i, (start, end) in enumerate(spans) if sequences[i] == sequence_index and start <= char < end)
        return next(held, None)

    def char_to_word(  # type: ignore[override]  # as above
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the word (of the cleaned text) that a character of the raw text went into, or None."""
        batch, char = (0, batch_or_char_index) if char_index is None else (batch_or_char_index, char_index)
        token = self.char_to_token(batch, char, sequence_index)
        return None if token is None else self.word_ids(batch)[token]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "sources": self.sources}  # type: ignore[no-untyped-call]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.sources = state["sources"]


class VnlpTokenizer(BertTokenizer):
    """A BertTokenizer (in transformers 5 also named BertTokenizerFast) that cleans its text first.

    The ids are those of ``BertTokenizer`` for the cleaned text; offsets are in the raw text.
    The settings of the preprocessor are saved and loaded with the tokenizer. ``clean=False``, for one call or as the attribute,
    leaves the text as it is.
    """

    vocab_files_names = {**BertTokenizer.vocab_files_names, **_PREPROCESSOR_FILES}  # noqa: RUF012  (as in transformers)

    def __init__(self, *args: Any, preprocessor: Preprocessor | None = None, clean: bool = True, **kwargs: Any) -> None:
        """Set up the tokenizer; every other argument is BertTokenizer's.

        ``preprocessor``: what cleans; None: the one saved with the tokenizer, else ``Preprocessor()``. ``clean``: whether texts
        are cleaned where a call does not say. Raises SettingsError or LexiconError for saved settings that are not as they were
        written, ModelError for a folder without a vocabulary.
        """
        saved, *_ = [kwargs.pop(name, None) for name in _PREPROCESSOR_FILES]
        folder = kwargs.get("name_or_path")
        if folder and not any(kwargs.get(name) for name in ("vocab", "vocab_file", "tokenizer_file", "tokenizer_object")):
            raise ModelError(f"{folder}: no tokenizer.json or vocab.txt there; get the tokenizer's files, all of them")
        # Written down, for where this class is not known and another has to load what was saved.
        kwargs.setdefault("model_input_names", list(BertTokenizer.model_input_names))
        super().__init__(*args, clean=clean, **kwargs)
        self.clean = clean
        if preprocessor is None:
            preprocessor = Preprocessor() if saved is None else Preprocessor.load(Path(saved).parent)
        self.preprocessor = preprocessor

    def _encode_plus(  # type: ignore[override]  # the rest of its parameters are in kwargs
        self,
        text: Any,
        text_pair: Any = None,
        *,
        is_split_into_words: bool = False,
        return_offsets_mapping: bool = False,
        return_overflowing_tokens: bool = False,
        return_tensors: Any = None,
        clean: bool | None = None,
        **kwargs: Any,
    ) -> BatchEncoding:
        """Tokenize cleaned text. ``__call__``, ``encode`` and ``tokenize`` all come through here."""
        kwargs |= {
            "is_split_into_words": is_split_into_words,
            "return_offsets_mapping": return_offsets_mapping,
            "return_overflowing_tokens": return_overflowing_tokens,
            "return_tensors": return_tensors,
        }
        # A chat that is marked for its template is no text of the user's any more.
        if not (self.clean if clean is None else clean) or kwargs.get("sanitize_control_tokens"):
            return super()._encode_plus(text, text_pair, **kwargs)
        batched = _is_list(text) and (not is_split_into_words or (bool(text) and _is_list(text[0])))
        first = self._cleaned(text, is_split_into_words)
        second = None if text_pair is None else self._cleaned(text_pair, is_split_into_words)
        out = super()._encode_plus(_texts(first), None if second is None else _texts(second), **kwargs)

        if not batched:
            first, second = [first], None if second is None else [second]
        samples = list(_samples(first, second, is_split_into_words))
        if return_overflowing_tokens:
            samples = [samples[int(i)] for i in out["overflow_to_sample_mapping"]]
        raw = RawEncoding(out.data, out.encodings, n_sequences=out.n_sequences)
        raw.sources = samples
        if return_offsets_mapping:
            spans = [raw.raw_offsets(i) for i in range(len(samples))]
            one = not batched and return_tensors is None and not return_overflowing_tokens
            raw["offset_mapping"] = spans[0] if one else BatchEncoding({"s": spans}, tensor_type=return_tensors)["s"]
        return raw

    def _cleaned(self, text: Any, words: bool) -> Any:
        """Return ``text`` with a Cleaned for each string, nested as it is; ``words``: its inmost lists are split texts."""
        if isinstance(text, str):
            return self.preprocessor.clean(text)
        if not _is_list(text):
            raise TypeError(f"expected a str or lists of str, not {type(text).__name__}")
        if words and text and isinstance(text[0], str):
            return clean_words(self.preprocessor, text)
        return type(text)(self._cleaned(t, words) for t in text)

    def _save_pretrained(self, save_directory: Any, file_names: tuple[str, ...], *args: Any, **kwargs: Any) -> tuple[str, ...]:
        """Save the preprocessor's settings beside the tokenizer (here, so that they are also pushed with it)."""
        names: tuple[str, ...] = super()._save_pretrained(save_directory, file_names, *args, **kwargs)
        self.preprocessor.save(save_directory)
        files = (Path(save_directory) / name for name in _PREPROCESSOR_FILES.values())
        return (*names, *(str(f) for f in files if f.exists()))

    def train_new_from_iterator(self, text_iterator: Iterable[Any], *args: Any, **kwargs: Any) -> VnlpTokenizer:
        """Train a new tokenizer, with this preprocessor, on cleaned texts. Arguments as in transformers."""
        texts = (_texts(self._cleaned(batch, words=False)) for batch in text_iterator) if self.clean else text_iterator
        new: VnlpTokenizer = super().train_new_from_iterator(texts, *args, **kwargs)  # type: ignore[no-untyped-call]
        new.preprocessor = self.preprocessor
        return new


def clean_words(preprocessor: Preprocessor, words: Sequence[str]) -> list[Cleaned]:
    """Clean a text that was split into words, and return each word cleaned: as many as were given.

    The words are cleaned together, joined by spaces, since many a decision depends on its neighbours. An edit that reaches over
    the end of a word is left out: words are labelled, so that none may be joined or removed with another.
    """
    edits = preprocessor.clean(" ".join(words)).edits
    out: list[Cleaned] = []
    start = at = 0
    for word in words:
        end = start + len(word)
        while at < len(edits) and edits[at].start < start:
            at += 1
        own = []
        while at < len(edits) and edits[at].start < end:
            if edits[at].end <= end:
                own.append(edits[at]._replace(start=edits[at].start - start, end=edits[at].end - start))
            at += 1
        out.append(Cleaned(word, tuple(own)))
        start = end + 1
    return out


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def _texts(cleaned: Any) -> Any:
    """Return the strings in the place of each Cleaned."""
    return cleaned.text if isinstance(cleaned, Cleaned) else type(cleaned)(_texts(c) for c in cleaned)


def _samples(first: Sequence[Any], second: Sequence[Any] | None, words: bool) -> Iterator[tuple[Source, ...]]:
    """Yield for each sample of a batch its one or two sources. Pairs come as two batches, or as one batch of pairs."""
    for i, item in enumerate(first):
        if second is not None:
            yield item, second[i]
        elif isinstance(item, Cleaned) or (words and not (item and _is_list(item[0]))):
            yield (item,)
        else:
            yield tuple(item)


def _pieces(source: Source) -> list[Cleaned]:
    return [source] if isinstance(source, Cleaned) else source


def _piece(source: Source, word: int | None) -> Cleaned:
    """Return the text that a token with this word index is in."""
    if isinstance(source, Cleaned):
        return source
    assert word is not None  # in a text that came in words, every token that is not special is of one
    return source[word]


class _VnlpTokenizerConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """Never saved: AutoTokenizer keeps its classes by a configuration, and BERT's belongs to BertTokenizer."""

    model_type = "vnlp_tokenizer"


AutoTokenizer.register(_VnlpTokenizerConfig, fast_tokenizer_class=VnlpTokenizer, exist_ok=True)  # type: ignore[no-untyped-call]
