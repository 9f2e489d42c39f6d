"""Cleaning inside sentence-transformers: ``SentenceTransformer(folder)`` cleans by itself where the folder says so.

``modules.json`` of a folder that ``FeatureExtractor.save_pretrained`` wrote names the class of this module as its first one. From
version 6 on, sentence-transformers takes no class of another package on a folder's word: it wants ``trust_remote_code=True``,
which would allow code in the folder too. Importing this module is enough instead: it makes this one class known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from sentence_transformers import SentenceTransformer

from vinilm.integrations.modules_json import CLEANING_TRANSFORMER, write_modules
from vnlp_prep import Preprocessor
from vnlp_prep.pipeline import SAVED_FILES

try:
    from sentence_transformers.base.modules import Transformer
except ImportError:  # before 5.4
    from sentence_transformers.models import Transformer  # type: ignore[import-not-found,no-redef]

__all__ = ["CLEANING_TRANSFORMER", "CleaningTransformer", "add_cleaning", "write_modules"]

_SETTINGS_FILE, *_OTHER_FILES = SAVED_FILES


class CleaningTransformer(Transformer):
    """A Transformer module that cleans texts before it tokenizes them; the prompt is put before the cleaned text."""

    #: What cleans. The shipped one, if none was saved with the model.
    preprocessor: Preprocessor

    def __init__(self, *args: Any, preprocessor: Preprocessor | None = None, **kwargs: Any) -> None:
        """Set up the module; every other argument is Transformer's."""
        super().__init__(*args, **kwargs)
        self.preprocessor = Preprocessor() if preprocessor is None else preprocessor

    def preprocess(  # type: ignore[override]  # the rest of its parameters are in kwargs
        self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Clean ``inputs``, then do what Transformer does. Strings, pairs, and the ``text`` of dictionaries are cleaned."""
        features: dict[str, Any] = super().preprocess([self._cleaned(i) for i in inputs], prompt=prompt, **kwargs)
        return features

    if not hasattr(Transformer, "preprocess"):  # before 5.4; the prompt stands before the texts already, and is cleaned with them

        def tokenize(self, texts: Sequence[Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
            """Clean ``texts``, then do what Transformer does."""
            features: dict[str, Any] = super().tokenize([self._cleaned(t) for t in texts], *args, **kwargs)
            return features

    def _cleaned(self, item: Any) -> Any:
        if isinstance(item, str):
            return self.preprocessor(item)
        if isinstance(item, (list, tuple)):
            return type(item)(self._cleaned(i) for i in item)
        if isinstance(item, dict) and isinstance(item.get("text"), str):
            return {**item, "text": self.preprocessor(item["text"])}
        return item

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Save the model, the tokenizer, and the preprocessor's settings beside them."""
        super().save(output_path, *args, **kwargs)
        self.preprocessor.save(output_path)

    @classmethod
    def load(cls, model_name_or_path: str, *args: Any, **kwargs: Any) -> Self:
        """Load the module, and the preprocessor that was saved with it. Arguments as in Transformer.

        Raises SettingsError or LexiconError for a preprocessor's file that is not as it was written.
        """
        module: Self = super().load(model_name_or_path, *args, **kwargs)
        place = {k: v for k, v in kwargs.items() if k in ("subfolder", "token", "cache_folder", "revision", "local_files_only")}
        settings = cls.load_file_path(model_name_or_path, _SETTINGS_FILE, **place)
        if settings is not None:
            for name in _OTHER_FILES:  # a model on a hub: brings them into the cache, beside the settings
                cls.load_file_path(model_name_or_path, name, **place)
            module.preprocessor = Preprocessor.load(Path(settings).parent)
        return module


def add_cleaning(model: Any, preprocessor: Preprocessor | None = None) -> None:
    """Make a SentenceTransformer clean its texts from now on, in place; saved and loaded again, it still does.

    ``preprocessor``: what cleans; None: ``Preprocessor()``. Raises TypeError for a model that does not begin with a Transformer.
    """
    first = model[0]
    if type(first) not in (Transformer, CleaningTransformer):
        raise TypeError(f"the model begins with a {type(first).__name__}; only a Transformer can be made to clean")
    # The module stays the object that it is, since a trainer or an optimiser may hold it already.
    first.__class__ = CleaningTransformer
    first.preprocessor = Preprocessor() if preprocessor is None else preprocessor


# Where SentenceTransformer looks for a class before it asks for trust. Before 6 it asks for none, and nothing reads this.
_known = getattr(SentenceTransformer, "_module_classes", {})
SentenceTransformer._module_classes = {**_known, CLEANING_TRANSFORMER: CleaningTransformer}
