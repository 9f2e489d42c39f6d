"""The tokens of a corpus on the disk: made once for a run, read through memory maps, so that memory does not grow with it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vinilm.models.files import sha256
from vinilm.training.corpus import Corpus, Counts
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write
from vnlp_prep.errors import InputError, OutputError

if TYPE_CHECKING:
    from vinilm.models import ModelFolder
    from vinilm.tokens import Tokenizer

#: Of the files; older ones are made anew.
_FORMAT = 1
#: Written last: without it, what lies there is the rest of a run that was killed.
_INDEX = "corpus.json"
TRAIN, HELD_OUT = "train", "heldout"


@dataclass(frozen=True)
class Tokens:
    """The tokens of many documents, without special tokens, one document behind the other; on the disk."""

    #: Where they lie: other files about the same documents may be put beside.
    folder: Path
    #: ``train`` or ``heldout``.
    name: str
    #: All token ids; shape (tokens,), uint16 or uint32.
    ids: npt.NDArray[Any]
    #: Where each document begins, and where the last one ends; shape (documents + 1,), int64.
    offsets: npt.NDArray[np.int64]

    @classmethod
    def open(cls, folder: Path, name: str) -> Tokens:
        """Return the tokens in ``folder``."""
        ids, offsets = (mapped(folder / f"{name}.{part}.npy") for part in ("ids", "offsets"))
        return cls(folder, name, ids, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def document(self, number: int) -> npt.NDArray[Any]:
        """Return the token ids of a document; shape (tokens,)."""
        return self.ids[self.offsets[number] : self.offsets[number + 1]]


@dataclass(frozen=True)
class TokenStore:
    """A corpus as tokens: documents to train on, documents that are held out."""

    train: Tokens
    heldout: Tokens
    counts: Counts
    #: All that the tokens depend on: name for people -> JSON value.
    identity: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> TokenStore:
        """Return the store that is in ``folder``. Raises OSError, OutputError for files that are not as they were written."""
        try:
            index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
            counts = Counts(**{**index["counts"], "rejects": Counter(index["counts"]["rejects"])})
            return cls(Tokens.open(folder, TRAIN), Tokens.open(folder, HELD_OUT), counts, index["identity"])
        except (ValueError, LookupError, TypeError, EOFError, RecursionError) as error:
            raise OutputError(
                f"{shown(folder / _INDEX)}: the tokens there are damaged ({error}); remove it to have them made anew"
            ) from None


def has_tokens(folder: Path) -> bool:
    """Whether there are tokens in ``folder``, and not only the rest of a run that was killed."""
    return (folder / _INDEX).is_file()


def tokens_identity(corpus: Corpus, model: ModelFolder) -> dict[str, Any]:
    """Return all that the tokens of ``corpus`` depend on: name for people -> JSON value."""
    return {
        "format of tokens": _FORMAT,
        **corpus.identity(),
        "tokenizer": sha256(model.tokenizer),
        "lower-case": model.lower_case,
        "tokenizers": version("tokenizers"),
    }


def token_store(folder: Path, corpus: Corpus, model: ModelFolder, tokenizer: Tokenizer) -> TokenStore:
    """Return the tokens of ``corpus``: those in ``folder`` if they are of it, else they are made, and what is there is removed.

    Only one process may call this. Raises InputError for a corpus without a text to train on, OutputError.
    """
    identity = json.loads(json.dumps(tokens_identity(corpus, model)))  # as it is read back
    if has_tokens(folder):
        with contextlib.suppress(OutputError):  # damaged ones are as good as none
            store = TokenStore.open(folder)
            if store.identity == identity:
                return store
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        counts = _write(folder, corpus, tokenizer, np.dtype(np.uint16 if model.shape.vocab_size < 1 << 16 else np.uint32))
        if not len(Tokens.open(folder, TRAIN)):
            raise InputError(_no_text(corpus, counts))
        write_json(folder / _INDEX, {"identity": identity, "counts": vars(counts)})
    except InputError:
        raise
    except OSError as error:
        raise cannot_write(shown(folder), error) from None
    return TokenStore.open(folder)


def _no_text(corpus: Corpus, counts: Counts) -> str:
    names = ", ".join(source.input.name for source in corpus.sources)
    rejects = f"; {counts.rejects.total():,} records rejected, see {shown(corpus.rejects)}" if counts.rejects else ""
    passed = f"; {counts.passed:,} records without a text" if counts.passed else ""
    return f"{names}: no text to train on ({counts.texts:,} texts, {counts.held_out:,} of them held out{rejects}{passed})"


def _write(folder: Path, corpus: Corpus, tokenizer: Tokenizer, dtype: np.dtype[Any]) -> Counts:
    counts = Counts()
    with Documents(folder, TRAIN, dtype) as train, Documents(folder, HELD_OUT, dtype) as heldout:
        for texts in corpus.texts(counts):
            for (_, is_out), ids in zip(texts, tokenizer.ids([text for text, _ in texts]), strict=True):
                (heldout if is_out else train).add(ids[1:-1])
    return counts


class Documents:
    """Tokens in the making: documents are added one by one. The files are whole when the block has ended without an error."""

    def __init__(self, folder: Path, name: str, dtype: np.dtype[Any]) -> None:
        self._ids = GrowingArray(folder / f"{name}.ids.npy", dtype)
        self._offsets = GrowingArray(folder / f"{name}.offsets.npy", np.dtype(np.int64))
        self._offsets.add([0])

    def __enter__(self) -> Documents:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        for array in (self._ids, self._offsets):
            array.close(finish=kind is None)

    def add(self, ids: Sequence[int]) -> None:
        """Add a document, unless it is empty."""
        if ids:
            self._ids.add(ids)
            self._offsets.add([self._ids.length])


class GrowingArray:
    """A ``.npy`` file of one dimension whose length is not known before: its header is written anew at the end."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self.path = path
        self.length = 0
        self._dtype = dtype
        self._file: BufferedWriter = path.open("wb")
        self._header()
        self._start = self._file.tell()

    def _header(self) -> None:
        description = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self._file, description)

    def add(self, values: npt.ArrayLike) -> None:
        """Add values behind those that are there."""
        array = np.asarray(values, dtype=self._dtype)
        self._file.write(array.tobytes())
        self.length += len(array)

    def close(self, *, finish: bool) -> None:
        """Close the file; ``finish``: with a header that counts all values, and on the disk."""
        with self._file:
            if finish:
                self._file.seek(0)
                self._header()
                # NumPy leaves room in the header for the length to grow.
                assert self._file.tell() == self._start
                self._file.flush()
                os.fsync(self._file.fileno())


def mapped(path: Path) -> npt.NDArray[Any]:
    """Return the array in a ``.npy`` file, read only, mapped into memory (an empty one cannot be). Raises OSError, ValueError."""
    array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file that appears under its name whole or not at all. Raises OSError."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(value, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
