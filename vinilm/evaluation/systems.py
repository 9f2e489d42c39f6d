"""The models that are evaluated: loaded once, each under a name of its own; and the names of sets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vinilm.features import FeatureExtractor

#: A model: loaded, or its folder or name.
Model: TypeAlias = Union["FeatureExtractor", str, "os.PathLike[str]"]
#: One model, several, or each under the name that it is to have.
Models: TypeAlias = Model | Sequence[Model] | Mapping[str, Model]


def loaded(models: Models, options: Mapping[str, Any] | None = None) -> dict[str, FeatureExtractor]:
    """Return name -> extractor, in the order given.

    ``options``: for ``FeatureExtractor.from_pretrained``. Every extractor has a preprocessor: that which the model carries, else
    the shipped one. Raises ModelError, BackendError, SettingsError.
    """
    from vinilm.features import FeatureExtractor

    if isinstance(models, Mapping):
        named = dict(models)
    else:
        several = [models] if isinstance(models, (str, os.PathLike, FeatureExtractor)) else list(models)
        named = dict(zip(_names([_place(model) for model in several]), several, strict=True))
    if not named:
        raise SettingsError("there is no model to evaluate")
    found = {
        name: model if isinstance(model, FeatureExtractor) else FeatureExtractor.from_pretrained(model, **dict(options or {}))
        for name, model in named.items()
    }
    for name, extractor in found.items():
        if extractor.preprocessor is None:
            raise SettingsError(f"{name}: has no preprocessor; load it with one, texts are cleaned only where that is said")
        if extractor.pooling == "none":
            raise SettingsError(f"{name}: the pooling is 'none': there is no vector for a text; choose mean, cls or max")
    return found


def set_name(path: Path, task: str) -> str:
    """Return what a set is called: the name of its folder or file, behind that of the folder above if it is but the task's name.

    >>> set_name(Path("/kb/retrieval"), "retrieval"), set_name(Path("/sets/tickets.jsonl.gz"), "classification")
    ('kb/retrieval', 'tickets')
    """
    path = path.resolve()
    name = path.name.split(".jsonl")[0]
    return f"{path.parent.name}/{name}" if name == task and path.parent.name else name


def _place(model: Model) -> str:
    return os.fspath(model) if isinstance(model, (str, os.PathLike)) else str(model.model.path)


def _names(places: Sequence[str]) -> list[str]:
    """Return the last parts of the places, as many of each as make it differ from the others. Raises SettingsError.

    >>> _names(["models/small", "runs/a/small", "runs/b/large/"])
    ['models/small', 'a/small', 'large']
    """
    parts = [Path(os.path.normpath(place)).parts for place in places]
    if len(set(parts)) < len(parts):
        raise SettingsError("a model is named twice")
    names = []
    for own in parts:
        count = 1
        while count < len(own) and any(other[-count:] == own[-count:] for other in parts if other is not own):
            count += 1
        names.append("/".join(own[-count:]))
    return names
