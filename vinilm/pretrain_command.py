"""The command ``vinilm pretrain``: a BERT encoder goes on learning, on the texts of a domain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinilm.training.options import corpus_options, take_corpus, take_settings, training_options
from vnlp_prep.command_line import complete_files

if TYPE_CHECKING:
    from vinilm.pretraining.data import PretrainingData
    from vinilm.pretraining.model import LanguageModel


@click.command(
    epilog="""\b
Examples:
  vinilm pretrain docs.jsonl -m models/vinilm -o models/vinilm-docs
  vinilm pretrain docs/ -m bert-large-uncased -o vbert --phase 128:60000:1024 --phase 512:6000:256 --resume
  accelerate launch --multi_gpu -m vinilm pretrain docs.jsonl -m models/vinilm -o models/vinilm-docs

FOLDER is a model folder at the end; FOLDER/training/metrics.jsonl has a line for each step. A run that was
interrupted, even killed, goes on with --resume and ends with the same model.
Exit status: 0 done, 1 done with rejects, 2 error."""
)
@click.argument("inputs", nargs=-1, required=True, metavar="CORPUS...", shell_complete=complete_files)
@click.option(
    "-m",
    "--model",
    required=True,
    envvar="VINILM_MODEL",
    metavar="NAME",
    shell_complete=complete_files,
    help="Folder or hub id. Default: $VINILM_MODEL.",
)
@click.option("-o", "--output", required=True, metavar="FOLDER", shell_complete=complete_files, help="The model that comes out.")
@training_options(phases="128:1000", learning_rate=5e-5)
@click.option("--mask", type=float, default=0.15, metavar="SHARE", help="Of the tokens, that are hidden. Default: 0.15.")
@click.option("--whole-words/--no-whole-words", default=True, help="Hide all pieces of a word together. Default: --whole-words.")
@click.option("--evaluation-rows", type=click.IntRange(1), default=128, metavar="N", help="Held-out rows. Default: 128.")
@corpus_options
def pretrain(
    inputs: tuple[str, ...],
    *,
    model: str,
    output: str,
    mask: float,
    whole_words: bool,
    evaluation_rows: int,
    resume: bool,
    quiet: bool,
    **rest: Any,
) -> int:
    """Train a BERT encoder further on the texts of CORPUS, by masked-language modelling: it guesses tokens that are hidden.

    CORPUS: JSON lines, plain text or Parquet, packed or not; folders of them; '-' is standard input.
    """
    from vinilm.models import open_model
    from vinilm.pretraining.data import PretrainingData
    from vinilm.pretraining.masking import Masking
    from vinilm.pretraining.model import LanguageModel
    from vinilm.pretraining.task import PretrainingTask
    from vinilm.tokens import Tokenizer
    from vinilm.training.processes import accelerator_for, run_identity
    from vinilm.training.session import Prepared, run
    from vinilm.training.settings import check_phases
    from vinilm.training.tokens import tokens_identity

    settings = take_settings(rest)
    source = open_model(model)
    corpus = take_corpus(inputs, rest, source, output)
    tokenizer = Tokenizer.load(source.tokenizer, lower_case=source.lower_case)
    masking = Masking.of(tokenizer, share=mask, whole_words=whole_words)
    accelerator = accelerator_for(settings)
    check_phases(settings, source, accelerator.num_processes)
    identity = {
        "command": "pretrain",
        "model": source.fingerprint,
        **tokens_identity(corpus, source),
        **run_identity(accelerator, settings),
        "mask": mask,
        "whole-words": whole_words,
        "evaluation-rows": evaluation_rows,
    }

    def prepare(folder: Path) -> Prepared:
        data = PretrainingData.make(folder, corpus, source, tokenizer, settings, accelerator, evaluation_rows=evaluation_rows)
        language_model = LanguageModel.load(source, settings.seed)
        task = PretrainingTask(language_model, data, masking, settings, corpus.preprocessor)
        return Prepared(task, data.store, _beginning(data, language_model))

    return run(output, identity, prepare, corpus, settings, accelerator, resume=resume, quiet=quiet)


def _beginning(data: PretrainingData, language_model: LanguageModel) -> list[str]:
    """Return what is to be known of the rows and of the model."""
    lines = [f"{len(data.heldout.ids):,} rows of {data.heldout.ids.shape[1]:,} to evaluate on"]
    for length, rows in {phase.rows.chunks.length: phase.rows for phase in data.phases}.items():
        lines.append(f"rows of {length:,}: {len(rows):,}, {100 * rows.fill:.1f} % full")
    if language_model.has_new_head:
        lines.append("the model has no language-model head: a new one, tied to its embeddings, is trained with it")
    return lines
