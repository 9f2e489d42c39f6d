"""The command ``vinilm distill``: a small encoder learns from a large one, on the texts of a domain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinilm.training.options import corpus_options, take_corpus, take_settings, training_options
from vnlp_prep.command_line import complete_files
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vinilm.distillation.data import DistillationData
    from vinilm.distillation.plan import Plan
    from vinilm.distillation.student import NewShape


def _shape(value: str) -> NewShape:
    """Return what LAYERSxHIDDEN[xHEADS] stands for, as in 6x384 or 6x768x12. Raises click.BadParameter."""
    from vinilm.distillation.student import NewShape

    numbers = value.split("x")
    if not (2 <= len(numbers) <= 3 and all(n.isascii() and n.isdigit() and len(n) < 6 for n in numbers)):
        raise click.BadParameter(f"{value!r}: LAYERSxHIDDEN or LAYERSxHIDDENxHEADS is needed, as in 6x384x12")
    layers, hidden, *heads = map(int, numbers)
    try:
        return NewShape(layers, hidden, heads[0] if heads else max(1, hidden // 64))
    except SettingsError as error:
        raise click.BadParameter(str(error)) from None


def _layers(value: str) -> tuple[int, ...]:
    """Return the numbers of layers in a list as 1,5,6. Raises click.BadParameter."""
    numbers = value.split(",")
    if not all(n.isascii() and n.isdigit() and len(n) < 6 for n in numbers):
        raise click.BadParameter(f"{value!r}: numbers of layers with commas between are needed, as in 1,5,6")
    return tuple(map(int, numbers))


@click.command(
    epilog="""\b
Examples:
  vinilm distill docs.jsonl --teacher vbert --student minilm -o vinilm-docs --phase 128:20000 --phase 512:2000
  vinilm distill docs/ --teacher models/minilm --layers 1,5,6 --alignment 10 -o models/small
  vinilm distill docs.jsonl --teacher vbert --new 6x384 -o models/small --resume

FOLDER is a model folder at the end; FOLDER/training/metrics.jsonl has a line for each step. A run that was
interrupted, even killed, goes on with --resume and ends with the same model.
Exit status: 0 done, 1 done with rejects, 2 error."""
)
@click.argument("inputs", nargs=-1, required=True, metavar="CORPUS...", shell_complete=complete_files)
@click.option(
    "--teacher",
    required=True,
    metavar="NAME",
    shell_complete=complete_files,
    help="Whose relations are learnt: folder or hub id.",
)
@click.option("-o", "--output", required=True, metavar="FOLDER", shell_complete=complete_files, help="The model that comes out.")
@click.option("--layers", type=_layers, metavar="N,N...", help="The student is these layers of the teacher, counted from 1.")
@click.option("--student", metavar="NAME", shell_complete=complete_files, help="The student is this model: folder or hub id.")
@click.option("--new", "shape", type=_shape, metavar="LAYERSxHIDDEN[xHEADS]", help="The student is made anew, in this shape.")
@click.option("--intermediate-size", type=click.IntRange(1), metavar="N", help="With --new. Default: four times the hidden size.")
@training_options(phases="128:1000", learning_rate=3e-4)
@click.option("--relation-heads", type=int, metavar="N", help="Default: 16 dimensions of the teacher in each, if that fits.")
@click.option("--teacher-layer", type=int, metavar="N", help="Counted from 1. Default: 21 of 24, else the last.")
@click.option("--relations", type=float, default=1.0, metavar="X", help="Weight of the relation loss. Default: 1.")
@click.option(
    "--alignment",
    type=float,
    default=0.0,
    metavar="X",
    help="Weight of the distance of texts' vectors. Default: 0, leave it out.",
)
@click.option(
    "--sentence-teacher",
    metavar="NAME",
    shell_complete=complete_files,
    help="Whose vectors of texts are learnt; its vocabulary may be another. Default: the teacher.",
)
@click.option("--crops", type=int, default=2, metavar="N", help="Short parts of each sequence, aligned as well. Default: 2.")
@click.option(
    "--mlm", type=float, default=0.0, metavar="X", help="Weight of masked-language modelling. Default: 0, leave it out."
)
@click.option("--dropout", type=float, default=0.0, metavar="SHARE", help="In the student, while it learns. Default: 0.")
@corpus_options
def distill(
    inputs: tuple[str, ...],
    *,
    teacher: str,
    output: str,
    layers: tuple[int, ...] | None,
    student: str | None,
    shape: NewShape | None,
    intermediate_size: int | None,
    sentence_teacher: str | None,
    resume: bool,
    quiet: bool,
    **rest: Any,
) -> int:
    """Train a small BERT encoder to relate the tokens of CORPUS to each other as a large one does (MiniLMv2).

    The student is part of the teacher (--layers), another model (--student) or made anew (--new). With --alignment it also learns
    the teacher's vectors of texts, so that it can serve retrieval at once. CORPUS: JSON lines, plain text or Parquet, packed or
    not; folders of them; '-' is standard input.
    """
    from vinilm.distillation.data import DistillationData
    from vinilm.distillation.plan import Plan
    from vinilm.distillation.settings import DistillationSettings
    from vinilm.distillation.student import Beginning
    from vinilm.distillation.task import Distillation
    from vinilm.models import open_model
    from vinilm.tokens import Tokenizer
    from vinilm.training.processes import accelerator_for, run_identity
    from vinilm.training.session import Prepared, run
    from vinilm.training.settings import check_phases
    from vinilm.training.tokens import tokens_identity

    training = take_settings(rest)
    names = ("relation_heads", "teacher_layer", "relations", "alignment", "crops", "mlm", "dropout")
    settings = DistillationSettings(**{name: rest.pop(name) for name in names})
    if intermediate_size is not None:
        if shape is None:
            raise SettingsError("--intermediate-size is for --new; other students have the size that they had")
        shape = replace(shape, intermediate_size=intermediate_size)
    source = open_model(teacher)
    beginning = Beginning(source, layers, open_model(student) if student else None, shape)
    if sentence_teacher and not settings.alignment:
        raise SettingsError("--sentence-teacher needs --alignment, the weight of what is learnt from it (10 is a good one)")
    sentences = open_model(sentence_teacher) if sentence_teacher else None
    corpus = take_corpus(inputs, rest, source, output)
    tokenizer = Tokenizer.load(source.tokenizer, lower_case=source.lower_case)
    plan = Plan.of(settings, training, source, tokenizer, beginning.hidden_size, corpus.preprocessor)
    accelerator = accelerator_for(training)
    for model in (source, beginning.model or source):
        check_phases(training, model, accelerator.num_processes)
    identity = {
        "command": "distill",
        "teacher": source.fingerprint,
        "student": beginning.identity(),
        "sentence-teacher": sentences.fingerprint if sentences else None,
        **tokens_identity(corpus, source),
        **run_identity(accelerator, training),
        **settings.identity(),
    }

    def prepare(folder: Path) -> Prepared:
        data = DistillationData.make(folder, corpus, source, tokenizer, training, accelerator)
        return Prepared(Distillation(plan, beginning, sentences, data), data.store, _beginning(data, plan))

    return run(output, identity, prepare, corpus, training, accelerator, resume=resume, quiet=quiet)


def _beginning(data: DistillationData, plan: Plan) -> list[str]:
    """Return what is to be known of the sequences and of what is learnt."""
    lines = [f"{len(chunks):,} sequences of at most {chunks.length:,} tokens" for chunks in data.phases]
    if plan.settings.relations:
        lines.append(f"relations of layer {plan.teacher_layer} of {plan.source.shape.num_hidden_layers}, in {plan.heads} heads")
    return lines
