"""What engine is asked for, as something that travels: each process makes the engine that it needs of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vinilm.encoding.engine import LocalEngine


@dataclass(frozen=True)
class EnginePlan:
    """The options of an engine."""

    #: Folder or hub id.
    model: str
    #: As :meth:`FeatureExtractor.from_pretrained` takes them.
    extractor: dict[str, Any] = field(default_factory=dict)
    #: None: as the model says.
    normalize: bool | None = None
    prompt: str | None = None
    prompt_name: str | None = None
    batch_tokens: int | None = None
    truncate_dim: int | None = None
    #: What vectors are stored as, a key of ``outputs.DTYPES``.
    precision: str = "float32"
    workers: int = 1

    def made(self) -> LocalEngine:
        """Load the model and return the engine. Raises ModelError, BackendError, SettingsError."""
        from vinilm.encoding.engine import LocalEngine
        from vinilm.encoding.outputs import DTYPES
        from vinilm.features import FeatureExtractor

        extractor = FeatureExtractor.from_pretrained(self.model, **self.extractor)
        if self.normalize is not None:
            extractor.normalize = self.normalize
        if extractor.pooling == "none":
            raise SettingsError("the model has a vector for each token, not for a text; say --pooling mean")
        if self.truncate_dim is not None and self.truncate_dim > extractor.hidden_size:
            raise SettingsError(f"--truncate-dim: the model has only {extractor.hidden_size} dimensions")
        prompt = extractor.prompt_text(self.prompt_name, self.prompt)
        return LocalEngine(extractor, prompt, self.batch_tokens, self.truncate_dim, DTYPES[self.precision], self.workers)
