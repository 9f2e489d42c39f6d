"""Cleaning for scikit-learn: ``VnlpPrep`` goes before a vectorizer in a pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin

from vnlp_prep.columns import is_missing
from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.lexicon.wordpiece import WordPieces
from vnlp_prep.pipeline import DEFAULT_THRESHOLD, Preprocessor

_OPTIONS = ("stages", "lexicon", "html", "threshold", "vocabulary")
_CONTAINERS = ("default", "pandas", "polars")


# Texts in one dimension must come out so, whatever kind of table is wished for: a vectorizer would take a data frame for a list
# of its columns. So scikit-learn does not wrap what comes out; ``transform`` does, for tables.
class VnlpPrep(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[misc, call-arg]
    """Cleans texts: n strings in, n strings out; or a table of them, in which each cell is cleaned.

    A list or any other iterable of texts becomes an array of objects, a pandas or Polars series stays one with its index and
    name, and so do data frames. A missing text (None, NaN) stays missing. Nothing is learnt by ``fit``.
    """

    def __init__(
        self,
        *,
        stages: Sequence[str] | None = None,
        lexicon: str | os.PathLike[str] | Lexicon | None = None,
        html: str = "fragment",
        threshold: float = DEFAULT_THRESHOLD,
        vocabulary: str | os.PathLike[str] | WordPieces | None = None,
        workers: int = 1,
    ) -> None:
        """Set the parameters: those of ``Preprocessor``, and ``workers``, the processes that clean; ``fit`` checks them."""
        self.stages = stages
        self.lexicon = lexicon
        self.html = html
        self.threshold = threshold
        self.vocabulary = vocabulary
        self.workers = workers

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002, N803
        """Return self: there is nothing to learn. The parameters are checked; the texts are not read.

        Of a table the number and names of its columns are kept (``n_features_in_``, ``feature_names_in_``). Raises what
        ``Preprocessor`` raises, ValueError for one string instead of several.
        """
        _refuse_string(X)
        _ = self._preprocessor
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if _is_table(X):
            self.n_features_in_ = X.shape[1]
            if (names := _names(X)) is not None:
                self.feature_names_in_ = names
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Return the cleaned texts, in as many dimensions as they came.

        Raises TypeError, with the place, for what is neither a text nor missing, ValueError for one string instead of several.
        """
        _refuse_string(X)
        if not _is_table(X):
            values = X if hasattr(X, "__len__") else list(X)
            return _like_series(X, self._clean(values, "item"))
        rows, width = X.shape
        columns = [self._clean(column, f"column {name!r}, row") for name, column in _columns(X)]
        table = np.empty((rows, width), dtype=object)
        for i, column in enumerate(columns):
            table[:, i] = column
        return self._as_wished(X, table)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the names of the columns, which do not change; ``text`` for texts in one dimension that have none."""
        names = getattr(self, "feature_names_in_", None) if input_features is None else input_features
        if names is None:
            width = getattr(self, "n_features_in_", None)
            names = ["text"] if width is None else [f"x{i}" for i in range(width)]
        return np.asarray(names, dtype=object)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Set what tables become: ``default`` (what they were), ``pandas`` or ``polars``; None leaves it as it is.

        Texts in one dimension stay in one dimension, so that a vectorizer can follow. Raises ValueError for another name.
        """
        if transform is None:
            return self
        if transform not in _CONTAINERS:
            raise ValueError(f"transform={transform!r} is unknown; it is one of {', '.join(_CONTAINERS)}")
        self._sklearn_output_config = {"transform": transform}
        return self

    @property
    def _preprocessor(self) -> Preprocessor:
        """The preprocessor for the parameters as they are now."""
        options = {name: getattr(self, name) for name in _OPTIONS}
        if "_built" not in self.__dict__ or self._built[0] != options:
            if not isinstance(self.workers, int) or self.workers < 1:
                raise ValueError(f"workers={self.workers!r} must be a whole number above 0")
            self._built: tuple[dict[str, Any], Preprocessor] = options, Preprocessor(**options)
        return self._built[1]

    def _clean(self, values: Iterable[Any], where: str) -> list[Any]:
        """Return ``values`` cleaned; ``where`` says in an error what is counted."""
        out = list(values)
        for place, value in enumerate(out):
            if not isinstance(value, str) and not is_missing(value):
                raise TypeError(f"{where} {place} is {type(value).__name__}, not a text")
        there = [place for place, value in enumerate(out) if isinstance(value, str)]
        texts = (str(out[place]) for place in there)
        for place, text in zip(there, self._preprocessor.pipe(texts, workers=self.workers), strict=True):
            out[place] = text
        return out

    def _as_wished(self, original: Any, table: Any) -> Any:
        wished = getattr(self, "_sklearn_output_config", {}).get("transform") or get_config()["transform_output"]
        kind = _library(original) if wished == "default" else wished
        if kind not in ("pandas", "polars"):
            return table
        names = _names(original)
        names = self.get_feature_names_out() if names is None else names
        if kind == "polars":
            import polars

            return polars.DataFrame({str(name): [_or_none(v) for v in table[:, i]] for i, name in enumerate(names)})
        import pandas

        index = original.index if _library(original) == "pandas" else None
        return pandas.DataFrame(table, columns=names, index=index)

    def __sklearn_clone__(self) -> Self:
        """Return a clone; lexicon, vocabulary and preprocessor are shared, for they do not change."""
        new = type(self)(**self.get_params(deep=False))
        for name in ("_built", "_sklearn_output_config"):
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name])
        return new

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_built"}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        # Tables are taken, but only those of texts: what scikit-learn's checks would try are tables of numbers.
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _refuse_string(texts: object) -> None:
    if isinstance(texts, str):
        raise ValueError("expected an iterable of texts, not one string; put it into a list")


def _is_table(X: object) -> bool:  # noqa: N803
    """True for an array or data frame of two dimensions."""
    return len(getattr(X, "shape", ())) == 2


def _library(X: object) -> str:  # noqa: N803
    return type(X).__module__.partition(".")[0]


def _names(X: Any) -> Any:  # noqa: N803
    """Return the names of the columns, None if they have none."""
    columns = getattr(X, "columns", None)
    return None if columns is None else np.asarray(columns, dtype=object)


def _columns(X: Any) -> Iterable[tuple[Any, Iterable[Any]]]:  # noqa: N803
    names = _names(X)
    if names is None:
        return ((i, X[:, i]) for i in range(X.shape[1]))
    # By place: names may stand twice.
    return ((name, X.iloc[:, i] if hasattr(X, "iloc") else X[:, i]) for i, name in enumerate(names))


def _like_series(original: Any, values: list[Any]) -> Any:
    """Return ``values`` as a series like ``original``, or as an array of objects if that is none."""
    library = _library(original)
    if library == "polars":
        import polars

        return polars.Series(original.name, [_or_none(value) for value in values], dtype=polars.String)
    if library == "pandas" and hasattr(original, "index"):
        import pandas

        return pandas.Series(values, index=original.index, name=original.name, dtype=original.dtype)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _or_none(value: Any) -> Any:
    return value if isinstance(value, str) else None
