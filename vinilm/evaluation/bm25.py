"""BM25 beside the models: what words alone find (Robertson and Zaragoza 2009; Lucene's variant, k1 = 1.5, b = 0.75)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from vinilm.errors import BackendError

if TYPE_CHECKING:
    import numpy.typing as npt

    from vinilm.pooling import Floats

#: What it is called among the systems.
NAME = "BM25"


def ranked(documents: Iterable[Sequence[str]], queries: Sequence[str], count: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return scores and places of the ``count`` best of the documents for each query: (n, count), the best first.

    ``documents`` come in blocks. Raises BackendError if bm25s is not installed.
    """
    try:
        import bm25s
    except ImportError as error:
        raise BackendError(f'{NAME} needs bm25s, which is not installed: pip install "vnlp-prep[train]"') from error

    def tokens(texts: Sequence[str]) -> list[list[str]]:
        found: list[list[str]] = bm25s.tokenize(list(texts), return_ids=False, show_progress=False)
        return found

    corpus = list(chain.from_iterable(tokens(block) for block in documents))
    if not any(corpus):  # no word anywhere: nothing is ever found
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    index = bm25s.BM25()
    index.index(corpus, show_progress=False)
    places, scores = index.retrieve(tokens(queries), k=min(count, len(corpus)), show_progress=False)
    return np.asarray(scores, dtype=np.float32), np.asarray(places, dtype=np.int64)
