"""The command ``vnlp-prep clean``, which is what is meant without a command."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vnlp_prep.command_line import DONE, ERROR, REJECTS, complete_files, reading_options, say_error, take_limits
from vnlp_prep.errors import InputError, SettingsError
from vnlp_prep.preprocessing_options import make_preprocessor, preprocessing_options

if TYPE_CHECKING:
    from vnlp_prep.corpus.run import Job, Options
    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.pipeline import Preprocessor


@click.command(
    epilog="""\b
Examples:
  vnlp-prep tickets.jsonl > clean.jsonl
  vnlp-prep --field title --field meta.body kb.jsonl.gz -o kb.clean.jsonl.zst
  vnlp-prep kb/ more.parquet -o cleaned/ --workers 8 --resume
  vnlp-prep 'logs/**/*.txt' -o all.txt.gz --edits edits.jsonl
  zcat dump.gz | vnlp-prep - --format text --encoding auto | less
  vnlp-prep s3://bucket/dump/ -o s3://bucket/clean --engine ray --address auto

A run that was interrupted, even killed, goes on with --resume and ends with the same bytes.

A line that cannot be cleaned goes to the rejects file, with the reason and its bytes:
OUTPUT.rejects.jsonl, or INPUT.rejects.jsonl in this folder if the output is standard output.
Exit status: 0 done, 1 done with rejects, 2 error."""
)
@click.argument("inputs", nargs=-1, required=True, metavar="FILE...", shell_complete=complete_files)
@click.option(
    "-o",
    "--output",
    default="-",
    metavar="FILE|FOLDER/",
    shell_complete=complete_files,
    help="Default: standard output. .gz and .zst pack.",
)
@click.option("--format", type=click.Choice(["jsonl", "text", "parquet"]), help="Default: by the name (.jsonl, .txt).")
@reading_options
@click.option("--rejects", metavar="FILE", shell_complete=complete_files, help="Where rejected lines go.")
@click.option(
    "--edits",
    metavar="FILE",
    shell_complete=complete_files,
    help="Log every edit, as JSON lines; with it 'restore' gives the raw file back.",
)
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped, if there is one.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes. Default: all cores. The output is the same.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help="ray: a cluster; FILE and -o may be URIs.")
@click.option("--address", metavar="ADDRESS", help="Of the Ray cluster. Default: $RAY_ADDRESS, else one on this machine.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but errors on standard error.")
@preprocessing_options
def clean(
    inputs: tuple[str, ...],
    *,
    output: str,
    rejects: str | None,
    edits: str | None,
    resume: bool,
    engine: str,
    address: str | None,
    quiet: bool,
    field: tuple[str, ...],
    whole_file: bool,
    encoding: str,
    on_missing: str,
    workers: int | None,
    **rest: Any,
) -> int:
    """Clean the texts in FILEs: JSON lines, plain text or Parquet, packed or not; folders and patterns; '-' is standard input.

    Everything but the texts stays byte for byte, and every line comes out once, in the output or in the rejects.
    """
    from vnlp_prep import terminal
    from vnlp_prep.corpus.run import Options

    options = Options(
        fields=field,
        whole_file=whole_file,
        on_missing=on_missing,
        encoding=encoding,
        limits=take_limits(rest),
        workers=workers or _cores(),
    )
    format = rest.pop("format")
    show = sys.stderr.isatty() and not quiet
    if engine == "ray":
        if rejects is not None or edits is not None:
            raise SettingsError(
                "--rejects and --edits: not with --engine ray, which puts the rejects into the folder of the output"
            )
        run_options = {"format": format, "address": address, "actors": workers, "resume": resume, "progress": show}
        summary = _clean_on_ray(inputs, output, make_preprocessor(rest), options, **run_options)
    else:
        if address is not None:
            raise SettingsError("--address is that of a Ray cluster; say --engine ray with it")
        jobs = _plan(inputs, options, output=output, rejects=rejects, edits=edits, format=format)
        prep = make_preprocessor(rest)
        if options.workers > 1:
            prep.warm_up()
        from vnlp_prep.corpus.run import run

        shows_progress = show and not (output == "-" and sys.stdout.isatty())
        with terminal.LateProgress([job.size for job in jobs]) if shows_progress else contextlib.nullcontext() as progress:
            summary = run(jobs, prep, options, edits=edits, resume=resume, watch=progress, notice=_quiet if quiet else _say)
    if not quiet:
        paint = terminal.Paint(terminal.wants_colour(sys.stderr))
        for line in terminal.summary_lines(summary, paint, changes=5 if show else 0):
            click.echo(line, err=True, color=True)
    for name, reason in summary.damaged:
        say_error("vnlp-prep", f"{name}: {reason}; what was read before is kept")
    return ERROR if summary.damaged else REJECTS if summary.rejects else DONE


def _plan(inputs: Sequence[str], options: Options, **where: Any) -> list[Job]:
    """Return what is to be done; an input that is not there may have been meant as a command."""
    from vnlp_prep.corpus.plan import plan
    from vnlp_prep.corpus.settings import did_you_mean

    try:
        return plan(inputs, options, **where)
    except InputError as error:
        group = click.get_current_context().find_root().command
        commands = group.commands if isinstance(group, click.Group) else {}
        hint = did_you_mean(inputs[0], commands) if len(inputs[0]) > 2 and not Path(inputs[0]).exists() else ""
        raise InputError(f"{error}{hint}") from None


def _clean_on_ray(inputs: Sequence[str], output: str, prep: Preprocessor, options: Options, **how: Any) -> Summary:
    if output == "-":
        raise SettingsError("--engine ray needs -o FOLDER: it writes many files side by side")
    from vnlp_prep.engines.ray import clean_files

    return clean_files(inputs, output, prep, options, **how)


def _cores() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _say(message: str) -> None:
    with contextlib.suppress(OSError):  # nobody may be there to hear it
        click.echo(f"vnlp-prep: {message}", err=True)


def _quiet(_: str) -> None:
    pass
