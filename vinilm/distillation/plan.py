"""What a distillation is made with, beside the models and the corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vinilm.distillation.texts import Words
from vinilm.pretraining.masking import Masking

if TYPE_CHECKING:
    from vinilm.distillation.settings import DistillationSettings
    from vinilm.models import ModelFolder
    from vinilm.tokens import Tokenizer
    from vinilm.training.settings import TrainingSettings
    from vnlp_prep import Preprocessor


@dataclass(frozen=True)
class Plan:
    """The settings of a distillation, made ready for its models."""

    settings: DistillationSettings
    training: TrainingSettings
    #: The model whose tokenizer, pooling and other modules the student keeps: the teacher of the relations.
    source: ModelFolder
    words: Words
    #: The teacher's layer whose relations are learnt, counted from 1.
    teacher_layer: int
    #: Relation heads.
    heads: int
    #: How tokens are hidden; None: they are not.
    masking: Masking | None
    #: What the texts are cleaned with; it is saved with the student.
    preprocessor: Preprocessor | None

    @classmethod
    def of(
        cls,
        settings: DistillationSettings,
        training: TrainingSettings,
        source: ModelFolder,
        tokenizer: Tokenizer,
        student_size: int,
        preprocessor: Preprocessor | None,
    ) -> Plan:
        """Return the plan for a student of ``student_size`` dimensions. Raises SettingsError for what does not fit the models."""
        return cls(
            settings,
            training,
            source,
            Words.of(tokenizer),
            settings.layer_of(source.shape.num_hidden_layers),
            settings.heads_of(source.shape.hidden_size, student_size),
            Masking.of(tokenizer) if settings.mlm else None,
            preprocessor,
        )
