"""From chunks to vectors on this machine: reading, cleaning and tokenizing go on in a thread while the encoder computes.

An engine is called with chunks and yields what :class:`Encoded` says of each, in the same order. It is all that a run
knows of computing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from vinilm.ahead import ahead
from vinilm.encoding.cleaning import clean_chunks
from vinilm.pooling import normalized
from vnlp_prep.errors import VnlpError

if TYPE_CHECKING:
    import numpy.typing as npt

    from vinilm.encoding.chunks import Chunk
    from vinilm.features import FeatureExtractor, Prepared

#: Chunks that are ready while another is computed.
_AHEAD = 2


class Encoded(NamedTuple):
    """A chunk and its vectors."""

    chunk: Chunk
    #: What was read for it, see :meth:`vinilm.encoding.chunks.Chunk.digest`: before any record failed.
    digest: str
    #: One row for each good record of the chunk; shape (records, dimensions).
    vectors: npt.NDArray[Any]
    #: Tokens that were computed, special ones included.
    tokens: int
    #: Texts whose ends were left out.
    truncated: int
    #: Records that turned out bad when they were prepared: the place among the good ones, and why.
    failed: list[tuple[int, str]]


class Ready(NamedTuple):
    """A chunk that is cleaned and tokenized."""

    chunk: Chunk
    digest: str
    prepared: Prepared
    failed: list[tuple[int, str]]


#: Chunks in, vectors out, in order.
Engine: TypeAlias = Callable[[Iterable["Chunk"]], Generator[Encoded, None, None]]


@dataclass(frozen=True)
class LocalEngine:
    """Runs a feature extractor in this process."""

    extractor: FeatureExtractor
    #: What is put before each text.
    prompt: str = ""
    #: Most tokens in a batch; None: what is fastest for the backend.
    batch_tokens: int | None = None
    #: Dimensions that are kept; None: all.
    truncate_dim: int | None = None
    #: What vectors are stored as.
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype("<f4"))
    #: Processes that clean; 1: the thread that tokenizes cleans as well.
    workers: int = 1

    def __call__(self, chunks: Iterable[Chunk]) -> Generator[Encoded, None, None]:
        """Yield the vectors of each chunk, in order."""
        preprocessor = self.extractor.preprocessor
        if preprocessor is not None and self.workers > 1:
            items: Iterator[tuple[Chunk, list[str] | None]] = clean_chunks(chunks, preprocessor, self.workers)
        else:
            items = ((chunk, None) for chunk in chunks)
        with closing(ahead(self.prepare, items, _AHEAD)) as ready:
            for item in ready:
                yield self.compute(item)

    def compute(self, item: Ready) -> Encoded:
        """Return the vectors of a chunk that is prepared."""
        vectors = self.extractor.compute(item.prepared, batch_tokens=self.batch_tokens)
        if self.truncate_dim is not None:
            vectors = vectors[:, : self.truncate_dim]
            if self.extractor.normalize:
                vectors = normalized(vectors)
        rows = np.ascontiguousarray(vectors, dtype=self.dtype)
        return Encoded(item.chunk, item.digest, rows, item.prepared.tokens, item.prepared.truncated, item.failed)

    def prepare(self, item: tuple[Chunk, list[str] | None]) -> Ready:
        """Clean a chunk, unless that was done, and tokenize it; a record that this fails for is rejected, with the reason."""
        chunk, cleaned = item
        digest, texts, failed = chunk.digest(), chunk.texts, []
        try:
            if cleaned is not None:
                return Ready(chunk, digest, self.extractor.prepare(cleaned, prompt=self.prompt, clean=False), [])
            prepared = self.extractor.prepare(texts, prompt=self.prompt)
        except (VnlpError, MemoryError):
            raise
        except Exception:
            # One of the texts did it: find it, and go on without it.
            failed = [(i, reason) for i, text in enumerate(texts) if (reason := self._failure(text))]
            bad = {i for i, _ in failed}
            prepared = self.extractor.prepare([t for i, t in enumerate(texts) if i not in bad], prompt=self.prompt)
            chunk.reject(failed)
        return Ready(chunk, digest, prepared, failed)

    def _failure(self, text: str) -> str | None:
        """Return what goes wrong when ``text`` is prepared, None if nothing does."""
        try:
            self.extractor.prepare([text], prompt=self.prompt)
        except MemoryError:
            raise
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:500]
        return None
