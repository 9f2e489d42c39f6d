"""A FeatureExtractor that is loaded at its first use; what the integrations have in common."""

from __future__ import annotations

import os
from collections.abc import Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias

from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vinilm.features import FeatureExtractor
    from vinilm.pooling import Floats

#: What an integration takes for its model: an extractor, or what ``FeatureExtractor.from_pretrained`` finds.
Model: TypeAlias = "FeatureExtractor | str | os.PathLike[str]"


class LazyExtractor:
    """A model to be loaded, or an extractor that is there, for any number of threads: they take turns.

    Pickled, it is the model's name and options; whoever reads it loads the model again, from the same place.
    """

    def __init__(self, model: Model, options: dict[str, Any]) -> None:
        """Keep ``model`` (a FeatureExtractor, a folder or a name) and ``options`` (for ``FeatureExtractor.from_pretrained``).

        Raises TypeError for another model, SettingsError for options beside an extractor, which has its own already.
        """
        self._extractor: FeatureExtractor | None = None
        if not isinstance(model, (str, os.PathLike)):
            from vinilm.features import FeatureExtractor

            if not isinstance(model, FeatureExtractor):
                raise TypeError(f"the model is a FeatureExtractor, a folder or a name, not {type(model).__name__}")
            if options:
                names = ", ".join(options)
                raise SettingsError(f"{names}: only for a model that is yet to be loaded; make the extractor with them")
            self._extractor = model
        self._source: tuple[Model, dict[str, Any]] = model, options
        self._lock = RLock()

    @property
    def extractor(self) -> FeatureExtractor:
        """The extractor; loaded now, if it was not yet. Raises what ``FeatureExtractor.from_pretrained`` raises."""
        with self._lock:
            if self._extractor is None:
                from vinilm.features import FeatureExtractor

                model, options = self._source
                assert isinstance(model, (str, os.PathLike))  # an extractor is there from the beginning
                self._extractor = FeatureExtractor.from_pretrained(model, **options)
            return self._extractor

    @property
    def name(self) -> str:
        """The model's folder or name."""
        model = self._source[0]
        return os.fspath(model) if isinstance(model, (str, os.PathLike)) else str(model.model.path)

    def encode(self, texts: Sequence[str], *, role: str | None = None, **options: Any) -> Floats:
        """Return the vectors of ``texts``: (n, hidden) float32.

        ``role``: ``query`` or ``document``, for models that have a prompt for each. ``options``: those of ``encode``. Raises
        SettingsError for an extractor with the pooling ``none``, TypeError for what is no sequence of strings.
        """
        if isinstance(texts, str):
            raise TypeError("expected a sequence of strings, not one string")
        with self._lock:
            if self.extractor.pooling == "none":
                raise SettingsError("the pooling is 'none': there is no vector for a text; choose mean, cls or max")
            encode = getattr(self.extractor, "encode" if role is None else f"encode_{role}")
            vectors: Floats = encode(texts, **{"show_progress_bar": False, **options})
        return vectors

    def __getstate__(self) -> dict[str, Any]:
        model, options = self._source
        if not isinstance(model, (str, os.PathLike)):
            # Not the device: the machine that reads this may have another.
            options = {
                "backend": model.backend.name,
                "dtype": model.backend.dtype,
                "pooling": model.pooling,
                "preprocess": model.preprocessor or False,
                "max_tokens": model.max_tokens,
                "long": model.long,
            }
            model = str(model.model.path)
        return {"model": model, "options": options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"], state["options"])  # type: ignore[misc]
