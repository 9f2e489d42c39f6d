"""The student: chosen layers of its teacher, another model, or a new one; and what it has only while it learns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vinilm.distillation.encoders import load_config, load_encoder
from vinilm.distillation.projections import end_at_projections
from vinilm.tokens import Tokenizer
from vinilm.training.random_state import seeded
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from transformers import BertModel

    from vinilm.models import ModelFolder


@dataclass(frozen=True)
class NewShape:
    """The sizes of a student that is made anew; ``intermediate_size``: None: four times the hidden size.

    Raises SettingsError for sizes that do not fit.
    """

    layers: int
    hidden_size: int
    attention_heads: int
    intermediate_size: int | None = None

    def __post_init__(self) -> None:
        if min(self.layers, self.hidden_size, self.attention_heads, self.intermediate_size or 1) < 1:
            raise SettingsError(f"a student of {self}: all sizes are at least 1")
        if self.hidden_size % self.attention_heads:
            raise SettingsError(f"a hidden size of {self.hidden_size} is no multiple of {self.attention_heads} attention heads")

    @property
    def inner(self) -> int:
        """The size of the feed-forward network."""
        return self.intermediate_size or 4 * self.hidden_size


@dataclass(frozen=True)
class Beginning:
    """Where a student comes from: of ``layers``, ``model`` and ``shape``, one is set.

    Raises SettingsError for more or fewer, for layers that the teacher does not have, and for a model with another vocabulary.
    """

    #: The model whose vocabulary the student has.
    teacher: ModelFolder
    #: Layers of the teacher, counted from 1, in their order in the student.
    layers: tuple[int, ...] | None = None
    #: Another model, whose vocabulary is the teacher's.
    model: ModelFolder | None = None
    #: The sizes of a student that is made anew.
    shape: NewShape | None = None

    def __post_init__(self) -> None:
        if sum(choice is not None for choice in (self.layers, self.model, self.shape)) != 1:
            raise SettingsError("say what the student is: one of --layers, --student and --new is needed")
        if self.layers is not None:
            self._check_layers(self.layers)
        if self.model is not None:
            self._check_vocabulary(self.model)

    def _check_layers(self, layers: tuple[int, ...]) -> None:
        count = self.teacher.shape.num_hidden_layers
        for layer in layers:
            if not 1 <= layer <= count:
                raise SettingsError(f"layers: {self.teacher.path.name} has the layers 1 to {count}, but no layer {layer}")
        if len(set(layers)) < len(layers) or not layers:
            raise SettingsError(f"layers: each of the teacher's layers can be taken once, not {', '.join(map(str, layers))}")

    def _check_vocabulary(self, model: ModelFolder) -> None:
        ours, theirs = (Tokenizer.load(m.tokenizer, lower_case=m.lower_case).vocabulary() for m in (self.teacher, model))
        if ours != theirs or self.teacher.lower_case != model.lower_case:
            different = next((a for a, b in zip(ours, theirs, strict=False) if a != b), "their numbers")
            raise SettingsError(
                f"the student {model.path.name} and the teacher {self.teacher.path.name} have different vocabularies "
                f"({different!r:.40} is the first difference), but must read the same tokens; if the teacher has domain terms, "
                "give the student the same ones: vinilm vocab with the same corpus"
            )

    @property
    def hidden_size(self) -> int:
        """Of the student."""
        if self.shape is not None:
            return self.shape.hidden_size
        return (self.model or self.teacher).shape.hidden_size

    def identity(self) -> Any:
        """Return what tells one beginning from another; a JSON value."""
        if self.model is not None:
            return self.model.fingerprint
        return list(self.layers) if self.layers is not None else asdict(self.shape)  # type: ignore[arg-type]  # one is set

    def encoder(self, seed: int) -> BertModel:
        """Return the student as it begins, in float32. ``seed``: of random weights. Raises ModelError, BackendError."""
        if self.model is not None:
            return load_encoder(self.model)
        if self.layers is not None:
            student = load_encoder(self.teacher)
            student.encoder.layer = nn.ModuleList([student.encoder.layer[layer - 1] for layer in self.layers])
            student.config.num_hidden_layers = len(self.layers)
            return student
        assert self.shape is not None
        return _new(self.teacher, self.shape, seed)


def _new(teacher: ModelFolder, shape: NewShape, seed: int) -> BertModel:
    """Return a student with random weights and the vocabulary of ``teacher``."""
    config = load_config(teacher)
    from transformers import BertModel

    sizes = {
        "num_hidden_layers": shape.layers,
        "hidden_size": shape.hidden_size,
        "num_attention_heads": shape.attention_heads,
        "intermediate_size": shape.inner,
    }
    config.update({"architectures": ["BertModel"], "dtype": "float32", **sizes})
    with seeded(seed):
        return BertModel(config, add_pooling_layer=False)


class Student(nn.Module):
    """The student, and what it has only while it learns."""

    def __init__(
        self, encoder: BertModel, seed: int, *, bridge_to: int | None = None, mlm: bool = False, dropout: float = 0.0
    ) -> None:
        """``seed``: of the weights that begin at random.

        ``bridge_to``: compare vectors of texts with ones of so many dimensions, through a matrix that is learnt if need be.
        ``mlm``: with a head that predicts tokens, its output tied to the embeddings. ``dropout``: share of the activations that
        are dropped; ``config.json`` keeps what it says. What cannot get a gradient is frozen.
        """
        super().__init__()
        self.encoder = encoder
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout
        size = encoder.config.hidden_size
        self.bridge: nn.Linear | None = None
        self.head: nn.Sequential | None = None
        with seeded(seed):
            if bridge_to is not None and bridge_to != size:
                self.bridge = nn.Linear(size, bridge_to, bias=False)
            if mlm:
                self.head = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.LayerNorm(size, eps=encoder.config.layer_norm_eps))
                self.head_bias = nn.Parameter(torch.zeros(encoder.config.vocab_size))
        if bridge_to is None and not mlm:
            # The relations are those of the last layer's queries, keys and values: nothing behind them is learnt, or computed.
            end_at_projections(encoder)
            last: Any = encoder.encoder.layer[-1]
            for part in (last.attention.output, last.intermediate, last.output):
                part.requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.encoder.embeddings.word_embeddings.weight.device

    def bridged(self, vectors: Tensor) -> Tensor:
        """Return vectors of texts in the teacher's space."""
        return vectors if self.bridge is None else self.bridge(vectors)

    def predicted(self, states: Tensor) -> Tensor:
        """Return what the head says of hidden tokens: (tokens, hidden) -> (tokens, vocabulary), logits."""
        assert self.head is not None  # asked for only where there is one
        return functional.linear(self.head(states), self.encoder.embeddings.word_embeddings.weight, self.head_bias)
