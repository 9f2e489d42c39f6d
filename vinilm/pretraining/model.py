"""The encoder with its language-model head, from a model folder and back into one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vinilm.errors import BackendError, ModelError
from vinilm.models.weights import read_weights

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import BertForMaskedLM

    from vinilm.models import ModelFolder
    from vnlp_prep import Preprocessor

_HEAD = "cls.predictions."


@dataclass(frozen=True)
class LanguageModel:
    """A BertForMaskedLM, and what else the folder had."""

    model: BertForMaskedLM
    source: ModelFolder
    #: Whether the folder had no language-model head: this one knows nothing yet.
    has_new_head: bool
    #: The pooler, which masked-language modelling does not use: it is kept as it was.
    pooler: dict[str, Tensor]

    @classmethod
    def load(cls, source: ModelFolder, seed: int) -> LanguageModel:
        """Return the model in the folder ``source``, in float32. ``seed``: of a head that has to be made.

        Its output is tied to the embeddings either way. Raises ModelError, BackendError if transformers is not installed.
        """
        try:
            from transformers import BertConfig, BertForMaskedLM

            from vinilm.training.random_state import seeded
        except ImportError as error:
            raise BackendError(
                f'training needs {error.name or "a library"}, which is not installed: pip install "vnlp-prep[train]"'
            ) from error
        config = BertConfig.from_pretrained(source.encoder, local_files_only=True)
        config.architectures, config.dtype, config.tie_word_embeddings = ["BertForMaskedLM"], "float32", True
        with seeded(seed):
            model = BertForMaskedLM(config)
        weights = {name: tensor.float() for name, tensor in read_weights(source.encoder).items()}
        own = {_standard(name) for name in model.state_dict()}
        head = {name for name in own if name.startswith(_HEAD) and not name.startswith(_HEAD + "decoder")}
        has_head = head <= weights.keys()
        wanted = {name for name in own if not name.startswith(_HEAD)} | (head if has_head else set())
        found = {("" if name.startswith(_HEAD) else "bert.") + name: weights[name] for name in wanted if name in weights}
        try:
            missing = [name for name in model.load_state_dict(found, strict=False).missing_keys if _standard(name) in wanted]
        except RuntimeError as error:  # a shape
            raise ModelError(f"{source.encoder}: the language-model head does not fit the encoder: {error}") from error
        if missing:
            raise ModelError(f"{source.encoder}: {missing[0]} is missing; get the model again from its source")
        pooler = {f"bert.{name}": tensor for name, tensor in weights.items() if name.startswith("pooler.")}
        return cls(model, source, not has_head, pooler)

    def save(self, folder: Path, preprocessor: Preprocessor | None) -> None:
        """Write the model to ``folder``, with all else that its source has; ``preprocessor``: see ``save_model``."""
        from vinilm.training.saving import save_model

        save_model(self.model, self.source, folder, preprocessor, more=self.pooler)


def _standard(name: str) -> str:
    return name.removeprefix("bert.")
