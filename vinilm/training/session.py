"""A training command from its settings to its exit status: the folder, what is said meanwhile, what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinilm.training.folder import RunFolder
from vinilm.training.loop import Outcome, Task, train
from vinilm.training.metrics import evaluations
from vinilm.training.progress import TrainingProgress, figures
from vnlp_prep.command_line import DONE, REJECTS, SignalledError
from vnlp_prep.corpus.records import shown
from vnlp_prep.terminal import counted, duration

if TYPE_CHECKING:
    from accelerate import Accelerator

    from vinilm.training.corpus import Corpus
    from vinilm.training.settings import TrainingSettings
    from vinilm.training.tokens import TokenStore


@dataclass(frozen=True)
class Prepared:
    """What is trained, on what, and what is to be said of it before."""

    task: Task
    store: TokenStore
    lines: Sequence[str]


def run(
    output: str,
    identity: Mapping[str, Any],
    prepare: Callable[[Path], Prepared],
    corpus: Corpus,
    settings: TrainingSettings,
    accelerator: Accelerator,
    *,
    resume: bool,
    quiet: bool,
) -> int:
    """Train in the folder ``output`` and return the exit status. Every process calls this.

    ``identity``: all that the run depends on, beside ``settings``. ``prepare``: returns the task; it is given the folder for the
    tokens of the corpus. Raises what ``RunFolder``, ``prepare`` and ``train`` raise.
    """
    main = accelerator.is_main_process
    with (
        RunFolder(Path(output), identity, resume=resume, is_main=main) as folder,
        TrainingProgress(quiet=quiet or not main) as progress,
    ):
        accelerator.wait_for_everyone()
        if folder.finished:
            rejected = folder.rejected
            more = f"; {counted(rejected, 'record')} rejected" if rejected else ""
            progress.say(f"{shown(output)}: done before, nothing is left to do{more}")
            return REJECTS if rejected else DONE
        if main and corpus.is_stream:
            folder.forget_corpus()
        prepared = prepare(folder.corpus)
        counts = prepared.store.counts
        folder.remember_rejects(counts.rejects.total())
        progress.say(_corpus_line(prepared.store))
        if counts.rejects:
            progress.say(f"{counted(counts.rejects.total(), 'record')} rejected, see {shown(corpus.rejects)}")
        if counts.passed:
            progress.say(f"{counted(counts.passed, 'record')} without a text passed over")
        for line in prepared.lines:
            progress.say(line)
        try:
            outcome = train(prepared.task, settings, folder, accelerator, watch=progress, notice=progress.say)
        except SignalledError:
            progress.say(f"{shown(output)}: interrupted; go on with --resume")
            raise
        if main:
            progress.say(_end(folder, outcome))
    return REJECTS if counts.rejects else DONE


def _corpus_line(store: TokenStore) -> str:
    counts = store.counts
    return f"{counted(counts.texts, 'text')}, {counts.held_out:,} of them held out; {len(store.train.ids):,} tokens to train on"


def _end(folder: RunFolder, outcome: Outcome) -> str:
    """Return what the run has brought."""
    before = evaluations(folder.metrics)[0]
    return (
        f"{shown(folder.root)}: {outcome.steps:,} steps in {duration(outcome.seconds)}; held out: "
        f"{figures(before)} before, {figures(outcome.figures)} after"
    )
