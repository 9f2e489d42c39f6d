"""Features for scikit-learn: ``VinilmVectorizer`` stands where a ``TfidfVectorizer`` would."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from vinilm.integrations.lazy import LazyExtractor, Model
from vinilm.pooling import Floats
from vnlp_prep import Preprocessor

# Parameters that FeatureExtractor.from_pretrained takes, with what it takes for granted.
_OPTIONS: dict[str, Any] = {
    "backend": "auto",
    "device": None,
    "dtype": None,
    "pooling": None,
    "preprocess": True,
    "max_tokens": None,
    "long": "truncate",
}


class VinilmVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to vectors of a FeatureExtractor: n strings -> (n, hidden) float32.

    Nothing is learnt by ``fit``; the model is loaded when it is first used. Clones share the loaded model; pickled (joblib), the
    model's folder or name travels, not its weights.
    """

    def __init__(
        self,
        model: Model = "VMware/vinilm-2021-from-large",
        *,
        backend: str = "auto",
        device: str | None = None,
        dtype: str | None = None,
        pooling: str | None = None,
        preprocess: bool | Preprocessor = True,
        max_tokens: int | None = None,
        long: str = "truncate",
        prompt_name: str | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        batch_tokens: int | None = None,
    ) -> None:
        """Set the parameters: those of ``FeatureExtractor.from_pretrained``, and from ``prompt_name`` on of its ``encode``.

        ``model``: a FeatureExtractor, a folder or a name. With an extractor the former are its own, and must be left out here.
        """
        self.model = model
        self.backend = backend
        self.device = device
        self.dtype = dtype
        self.pooling = pooling
        self.preprocess = preprocess
        self.max_tokens = max_tokens
        self.long = long
        self.prompt_name = prompt_name
        self.normalize_embeddings = normalize_embeddings
        self.truncate_dim = truncate_dim
        self.batch_tokens = batch_tokens

    def fit(self, X: Iterable[str], y: object = None) -> Self:  # noqa: ARG002, N803
        """Return self: there is nothing to learn. The parameters are checked, the texts are not read."""
        _refuse_string(X)
        _ = self._lazy
        return self

    def transform(self, X: Iterable[str]) -> Floats:  # noqa: N803
        """Return a vector for each text: (n, hidden) float32.

        Raises TypeError, with the place, for an item that is no string, ValueError for one string instead of several.
        """
        _refuse_string(X)
        return self._lazy.encode(
            list(X),
            prompt_name=self.prompt_name,
            normalize_embeddings=self.normalize_embeddings,
            truncate_dim=self.truncate_dim,
            batch_tokens=self.batch_tokens,
        )

    @property
    def _lazy(self) -> LazyExtractor:
        """The model for the parameters as they are now."""
        options = {name: getattr(self, name) for name, default in _OPTIONS.items() if getattr(self, name) != default}
        if "_loaded" not in self.__dict__ or self._loaded[0] != (self.model, options):
            self._loaded: tuple[Any, LazyExtractor] = (self.model, options), LazyExtractor(self.model, options)
        return self._loaded[1]

    @property
    def _n_features_out(self) -> int:
        return self.truncate_dim or self._lazy.extractor.hidden_size

    def __sklearn_clone__(self) -> Self:
        """Return a clone; model and preprocessor are shared, for they do not change."""
        new = type(self)(**self.get_params(deep=False))
        if "_loaded" in self.__dict__:
            new._loaded = self._loaded
        return new

    def __getstate__(self) -> dict[str, Any]:
        state = {k: v for k, v in super().__getstate__().items() if k != "_loaded"}
        if not isinstance(self.model, str):
            # An extractor: what it needs to be made again, on whatever device is there.
            saved = self._lazy.__getstate__()
            state |= {"model": saved["model"], **saved["options"]}
        return state

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _refuse_string(texts: object) -> None:
    if isinstance(texts, str):
        raise ValueError("expected an iterable of texts, not one string; put it into a list")
