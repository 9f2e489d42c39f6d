"""Features of text: cleaned, tokenized, run through a BERT encoder, pooled.

>>> from vinilm import FeatureExtractor                                      # doctest: +SKIP
>>> fx = FeatureExtractor.from_pretrained("path/to/model")                   # doctest: +SKIP
>>> fx.encode(["Teh vSphere client&#39;s log", "a second text"]).shape       # doctest: +SKIP
(2, 384)
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vinilm.ahead import ahead, progress_bar
from vinilm.backends import Backend, load_backend
from vinilm.batches import pack, plan
from vinilm.errors import BackendError
from vinilm.models import ModelFolder, open_model
from vinilm.pooling import POOLINGS, Floats, normalized
from vinilm.precision import quantized
from vinilm.similarity import similarity
from vinilm.tokens import Span, Tokenizer
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vnlp_prep import Preprocessor

#: What becomes of a text that is longer than the model reads: its end is left out, or it is read in windows.
LONG = ("truncate", "chunk")
#: What a text is for in a search -> the prompts that a model may have for it, the first that it has is taken.
ROLES = {"query": ("query",), "document": ("document", "passage", "corpus")}
#: Texts that are cleaned and tokenized together, while those before them are computed.
CHUNK_TEXTS = 4096

_log = logging.getLogger(__name__)


class Features(NamedTuple):
    """What the encoder says of one text, token by token."""

    #: The encoder's output for each token: (tokens, hidden), float32.
    last_hidden_state: Floats
    #: The word pieces, [CLS] and [SEP] included.
    tokens: list[str]
    #: Where each token stands in the raw text (code points); (0, 0) for [CLS] and [SEP].
    spans: list[Span]
    #: The text that the encoder was given: cleaned, after the prompt.
    text: str
    #: Whether the end of the text was left out, for it was longer than the model reads.
    truncated: bool


@dataclass(frozen=True)
class Prepared:
    """Texts that were cleaned and tokenized: what is left to do needs only the encoder."""

    #: Token ids of all sequences; a long text in windows is several of them, one behind the other.
    sequences: list[list[int]]
    #: How many of the sequences belong to each text.
    counts: list[int]
    #: Texts whose end was left out.
    truncated: int

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.counts)

    @property
    def tokens(self) -> int:
        """Number of tokens, special ones included."""
        return sum(map(len, self.sequences))


class FeatureExtractor:
    """Text in, features out: a preprocessor, a tokenizer, an encoder and a pooling that belong together.

    Made by :meth:`from_pretrained`. May be used by one thread at a time; :meth:`prepare` by any number.
    """

    def __init__(
        self,
        model: ModelFolder,
        backend: Backend,
        tokenizer: Tokenizer,
        preprocessor: Preprocessor | None,
        *,
        pooling: str | None = None,
        max_tokens: int | None = None,
        long: str = "truncate",
    ) -> None:
        """Put the parts together; see :meth:`from_pretrained`. Raises SettingsError for a setting that is out of range."""
        self.model = model
        self.backend = backend
        self.tokenizer = tokenizer
        #: Cleans each text before it is tokenized; None: texts are taken as they are.
        self.preprocessor = preprocessor
        self.pooling = model.pooling if pooling is None else pooling
        #: Whether each vector is brought to length 1: the model's own setting.
        self.normalize = model.normalize
        #: Tokens that are read of a text, [CLS] and [SEP] included.
        self.max_tokens = model.max_tokens if max_tokens is None else max_tokens
        self.long = long
        self.prompts = dict(model.prompts)
        if self.pooling not in POOLINGS:
            raise SettingsError(f"pooling={pooling!r} is unknown; it is one of {', '.join(POOLINGS)}")
        if not 3 <= self.max_tokens <= model.shape.max_position_embeddings:
            most = model.shape.max_position_embeddings
            raise SettingsError(f"max_tokens={max_tokens} must be from 3 to {most}, the positions that the model has")
        _long(long, long)

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike[str],
        *,
        backend: str = "auto",
        device: str | None = None,
        dtype: str | None = None,
        pooling: str | None = None,
        preprocess: bool | Preprocessor = True,
        max_tokens: int | None = None,
        long: str = "truncate",
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> FeatureExtractor:
        """Return an extractor with the model ``name``: a folder, or a hub id that is cached or installed; never downloaded.

        ``backend``: ``auto`` (torch), ``torch``, ``openvino``, ``onnx`` or ``tensorflow``. ``device``: as torch names it
        (default: a GPU if there is one). ``dtype``: ``float32`` (default), ``bfloat16``, ``float16``, ``int8`` where the backend
        has it, or ``auto``: the fastest that keeps a cosine of 0.9999. ``pooling``: ``mean``, ``cls``, ``max`` or ``none``
        (default: the model's). ``preprocess``: True (the preprocessor that was saved with the model, else the shipped one),
        False, or a Preprocessor. ``max_tokens``: of a text (default: the model's). ``long``: ``truncate`` or ``chunk``, what
        becomes of longer ones. ``cache_dir``: where hub models are cached, if not in the usual place.

        Raises ModelError for a model that cannot be found or used, BackendError for a backend, device or type that is not to be
        had, SettingsError for a setting that is unknown or out of range.
        """
        try:
            model = open_model(name, cache_dir=cache_dir)
            encoder = load_backend(backend, model.encoder, model.shape, device=device, dtype=dtype)
            tokenizer = Tokenizer.load(model.tokenizer, lower_case=model.lower_case)
        except ImportError as error:
            raise BackendError(
                f'a model needs {error.name or "a library"}, which is not installed: pip install "vnlp-prep[vinilm]"'
            ) from error
        prep = _preprocessor(preprocess, model)
        return cls(model, encoder, tokenizer, prep, pooling=pooling, max_tokens=max_tokens, long=long)

    @property
    def hidden_size(self) -> int:
        """Dimensions of a vector."""
        return self.model.shape.hidden_size

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of all that vectors depend on: model, cleaning, pooling, length, backend, type."""
        cleaning = self.preprocessor.fingerprint if self.preprocessor else None
        how = [self.pooling, self.normalize, self.max_tokens, self.long, self.backend.name, self.backend.dtype]
        return hashlib.sha256(json.dumps([self.model.fingerprint, cleaning, *how]).encode()).hexdigest()

    # --- vectors ------------------------------------------------------------------------------------------------------

    def encode(
        self,
        inputs: str | Sequence[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        *,
        batch_tokens: int | None = None,
        long: str | None = None,
    ) -> Any:
        """Return a vector for each text: (n, hidden) float32; for a single string (hidden,).

        The parameters are those of sentence-transformers' ``encode``, where they exist there. ``prompt_name``, ``prompt``: what
        is put before each (cleaned) text: a name among ``prompts``, or the words. ``batch_size``: most texts in a batch;
        ``batch_tokens``: most tokens in a batch (default: what is fastest for the backend); neither changes a result by more than
        rounding. ``show_progress_bar``: default: if this module's logger is at INFO or below. ``output_value``:
        ``sentence_embedding``, ``token_embeddings`` (a list of (tokens, hidden)), or None (a list of dictionaries with both and
        the ids). ``precision``: see :func:`vinilm.precision.quantized`. ``convert_to_tensor``: a torch tensor, not an array;
        ``convert_to_numpy=False``: a list of tensors. ``normalize_embeddings``: bring vectors to length 1 (done anyway if the
        model has it so). ``truncate_dim``: keep that many dimensions. ``long``: ``truncate`` or ``chunk``, else as the extractor
        was made.

        Texts that are cut are counted in one warning of the logger. Raises TypeError, with the place, for an item that is no
        string, SettingsError for a setting that is unknown or out of range.
        """
        texts = [inputs] if isinstance(inputs, str) else _checked(inputs)
        words = self.prompt_text(prompt_name, prompt)
        if output_value not in ("sentence_embedding", "token_embeddings", None):
            raise SettingsError(f"output_value={output_value!r} is unknown; it is sentence_embedding, token_embeddings or None")
        if truncate_dim is not None and not 1 <= truncate_dim <= self.hidden_size:
            raise SettingsError(f"truncate_dim={truncate_dim} must be from 1 to {self.hidden_size}")
        if output_value == "sentence_embedding" and self.pooling != "none":
            limits = {"batch_tokens": batch_tokens, "batch_size": batch_size}
            vectors = self._vectors(texts, words, limits, _long(long, self.long), show_progress_bar)[:, :truncate_dim]
            result: Any = quantized(normalized(vectors) if normalize_embeddings else np.ascontiguousarray(vectors), precision)
            if convert_to_tensor or not convert_to_numpy:
                import torch

                result = torch.from_numpy(result)
                result = result if convert_to_tensor else list(result)
        else:
            result = self._token_outputs(texts, words, everything=output_value is None)
        return result[0] if isinstance(inputs, str) else result

    def encode_query(self, inputs: str | Sequence[str], **options: Any) -> Any:
        """As :meth:`encode`, with the prompt named ``query`` if the model has one and no other is given."""
        return self.encode(inputs, **self._with_prompt(options, *ROLES["query"]))

    def encode_document(self, inputs: str | Sequence[str], **options: Any) -> Any:
        """As :meth:`encode`, with the prompt named ``document`` (or ``passage``, ``corpus``) if the model has one."""
        return self.encode(inputs, **self._with_prompt(options, *ROLES["document"]))

    def similarity(self, a: Any, b: Any) -> Floats:
        """Return the similarity of each vector of ``a`` to each of ``b`` by the model's measure: (n, m)."""
        return similarity(a, b, self.model.similarity)

    def features(
        self, text: str, *, prompt_name: str | None = None, prompt: str | None = None, long: str | None = None
    ) -> Features:
        """Return the encoder's output for every token of ``text``, with the place of each in the raw text.

        A text that is longer than ``max_tokens`` is cut (``truncated`` tells), or with ``long="chunk"`` read in windows, whose
        tokens come one behind the other. Raises TypeError for anything but a string.
        """
        [raw] = _checked([text])
        words = self.prompt_text(prompt_name, prompt)
        cleaned = self.preprocessor.clean(raw) if self.preprocessor else None
        whole = words + (cleaned.text if cleaned else raw)
        ids, tokens, spans = self.tokenizer.tokenized(whole)
        windows = [(1, min(len(ids), self.max_tokens) - 1)]
        if _long(long, self.long) == "chunk":
            windows = self.tokenizer.windows(ids, self.max_tokens)
        states = self._states([self.tokenizer.window(ids, w) for w in windows])
        # Of windows in the middle the special tokens at their borders are left out, so that each token has one row.
        rows = [s[0 if i == 0 else 1 : len(s) if i == len(states) - 1 else -1] for i, s in enumerate(states)]
        end = windows[-1][1]
        places: list[Span] = []
        for start, stop in [*spans[:end], spans[-1]]:
            start, stop = max(start - len(words), 0), max(stop - len(words), 0)
            places.append(cleaned.raw_span(start, stop) if cleaned and stop else (start, stop))
        return Features(np.concatenate(rows), [*tokens[:end], tokens[-1]], places, whole, end < len(ids) - 1)

    # --- the two halves, for those who overlap them ---------------------------------------------------------------------

    def prepare(self, texts: Sequence[str], *, prompt: str = "", long: str | None = None, clean: bool = True) -> Prepared:
        """Return the texts cleaned, behind ``prompt``, and tokenized. Any number of threads may do this at a time.

        ``clean=False``: they are clean already, for the preprocessor has been at work elsewhere. Raises TypeError, with the
        place, for an item that is no string.
        """
        cleaned = _checked(texts)
        if clean and self.preprocessor:
            cleaned = self.preprocessor(cleaned)
        if prompt:
            cleaned = [prompt + t for t in cleaned]
        sequences: list[list[int]] = []
        counts: list[int] = []
        truncated = 0
        for ids in self.tokenizer.ids(cleaned):
            if len(ids) > self.max_tokens and _long(long, self.long) == "chunk":
                windows = self.tokenizer.windows(ids, self.max_tokens)
                sequences += [self.tokenizer.window(ids, w) for w in windows]
                counts.append(len(windows))
            else:
                truncated += len(ids) > self.max_tokens
                sequences.append(self.tokenizer.cut(ids, self.max_tokens))
                counts.append(1)
        return Prepared(sequences, counts, truncated)

    def compute(self, prepared: Prepared, *, batch_tokens: int | None = None, batch_size: int | None = None) -> Floats:
        """Return a vector for each of the texts: (n, hidden) float32, as the model pools and normalizes them.

        Windows of one text are put together as the pooling would have it: by their mean, weighted by tokens, or their maximum.
        ``batch_tokens`` and ``batch_size`` as in :meth:`encode`. Raises SettingsError if one is below 1.
        """
        for name, most in (("batch_tokens", batch_tokens), ("batch_size", batch_size)):
            if most is not None and most < 1:
                raise SettingsError(f"{name}={most} must be at least 1")
        lengths = [len(s) for s in prepared.sequences]
        vectors = np.empty((len(lengths), self.hidden_size), dtype=np.float32)
        for numbers in plan(lengths, batch_tokens or self.backend.batch_tokens, batch_size):
            vectors[numbers] = self.backend.embeddings(pack([prepared.sequences[i] for i in numbers]), self.pooling)
        if len(lengths) > prepared.count:
            vectors = _joined(vectors, np.asarray(lengths), np.asarray(prepared.counts), self.pooling)
        return normalized(vectors) if self.normalize else vectors

    # --- saving -------------------------------------------------------------------------------------------------------

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Save model, tokenizer, pooling and preprocessor to ``folder``, so that the cleaning travels with the model.

        What is there is read by this class, by transformers (the model and its tokenizer, without the cleaning) and by
        sentence-transformers (with the cleaning, where this package is installed). Raises OSError.
        """
        from vinilm.saving import save

        save(self, Path(folder))

    def close(self) -> None:
        """Let go of the model's memory; the extractor cannot be used any more."""
        self.__dict__.clear()

    def __repr__(self) -> str:
        """The parts that matter, in a line."""
        size = f"{self.model.shape.num_hidden_layers} x {self.hidden_size}"
        parts = [self.model.path.name, size, f"{self.backend.name} {self.backend.dtype}", self.pooling]
        return f"FeatureExtractor({', '.join(parts)}, {'cleaning' if self.preprocessor else 'no cleaning'})"

    # --- inside -------------------------------------------------------------------------------------------------------

    def _vectors(
        self, texts: list[str], prompt: str, limits: dict[str, int | None], long: str, show_progress: bool | None
    ) -> Floats:
        """Return the vectors of the texts, chunk by chunk; the next chunk is prepared while one is computed."""
        out = np.empty((len(texts), self.hidden_size), dtype=np.float32)
        if show_progress is None:
            show_progress = _log.isEnabledFor(logging.INFO)
        done = truncated = 0
        chunks = (texts[i : i + CHUNK_TEXTS] for i in range(0, len(texts), CHUNK_TEXTS))
        with progress_bar(len(texts), show_progress) as advance:
            for prepared in ahead(lambda chunk: self.prepare(chunk, prompt=prompt, long=long), chunks):
                out[done : done + prepared.count] = self.compute(prepared, **limits)
                done += prepared.count
                truncated += prepared.truncated
                advance(prepared.count)
        if truncated:
            _log.warning(
                "%d of %d texts are longer than %d tokens: their ends were left out; long='chunk' reads them whole",
                truncated,
                len(texts),
                self.max_tokens,
            )
        return out

    def _states(self, sequences: list[list[int]]) -> list[Floats]:
        """Return the hidden states of each sequence: (tokens, hidden)."""
        states: list[Floats] = [np.empty(0, np.float32)] * len(sequences)
        for numbers in plan([len(s) for s in sequences], self.backend.batch_tokens):
            batch = pack([sequences[i] for i in numbers])
            for i, rows in zip(numbers, np.split(self.backend.hidden_states(batch), batch.starts[1:]), strict=True):
                states[i] = rows
        return states

    def _token_outputs(self, texts: list[str], prompt: str, *, everything: bool) -> list[Any]:
        """Return the hidden states of each text, cut to what the model reads, alone or in a dictionary with ids and vector."""
        prepared = self.prepare(texts, prompt=prompt, long="truncate")
        states = self._states(prepared.sequences)
        if not everything:
            return list(states)
        vectors: Sequence[Floats | None] = [None] * len(states) if self.pooling == "none" else list(self.compute(prepared))
        keys = ("input_ids", "token_embeddings", "sentence_embedding")
        return [dict(zip(keys, item, strict=True)) for item in zip(prepared.sequences, states, vectors, strict=True)]

    def prompt_text(self, name: str | None = None, words: str | None = None) -> str:
        """Return what is put before each text for these two arguments of ``encode``: ``prompt_name`` and ``prompt``.

        Raises SettingsError for a name that the model has not.
        """
        if words is not None:
            return words
        name = name or self.model.default_prompt_name
        if name is None:
            return ""
        if name not in self.prompts:
            known = ", ".join(map(repr, self.prompts)) or "none"
            raise SettingsError(f"the model has no prompt named {name!r}; it has {known}")
        return self.prompts[name]

    def role_prompt(self, role: str) -> str:
        """Return what :meth:`encode_query` (``query``) or :meth:`encode_document` (``document``) puts before each text."""
        return self.prompt_text(next((n for n in ROLES[role] if n in self.prompts), None), None)

    def _with_prompt(self, options: dict[str, Any], *names: str) -> dict[str, Any]:
        if options.get("prompt") is None and options.get("prompt_name") is None:
            name = next((n for n in names if n in self.prompts), None)
            return {**options, "prompt_name": name}
        return options


def _preprocessor(wanted: bool | Preprocessor, model: ModelFolder) -> Preprocessor | None:
    """Return the preprocessor that ``from_pretrained`` was asked for."""
    from vnlp_prep import Preprocessor

    if wanted is True:
        return Preprocessor.load(model.preprocessor) if model.preprocessor else Preprocessor()
    if wanted is False:
        return None
    if not isinstance(wanted, Preprocessor):
        raise TypeError(f"preprocess must be True, False or a Preprocessor, not {type(wanted).__name__}")
    return wanted


def _checked(texts: Iterable[Any]) -> list[str]:
    """Return the texts as a list. Raises TypeError, with the place, for an item that is no string."""
    if isinstance(texts, (bytes, dict)) or not isinstance(texts, Iterable):
        raise TypeError(f"expected a string or a sequence of strings, not {type(texts).__name__}")
    found = list(texts)
    for i, text in enumerate(found):
        if not isinstance(text, str):
            raise TypeError(f"expected strings, but item {i} is {type(text).__name__}")
    return found


def _long(asked: str | None, own: str) -> str:
    """Return what becomes of long texts. Raises SettingsError for an unknown word."""
    long = own if asked is None else asked
    if long not in LONG:
        raise SettingsError(f"long={long!r} is unknown; it is one of {', '.join(LONG)}")
    return long


def _joined(vectors: Floats, lengths: Any, counts: Any, pooling: str) -> Floats:
    """Return one vector for each text out of those of its windows: (windows, hidden) -> (texts, hidden)."""
    firsts = np.cumsum(counts) - counts
    if pooling == "max":
        return np.maximum.reduceat(vectors, firsts, axis=0)
    sums = np.add.reduceat(vectors * lengths[:, None], firsts, axis=0)
    return np.asarray(sums / np.add.reduceat(lengths, firsts)[:, None], dtype=np.float32)
