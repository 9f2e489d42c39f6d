"""What is read and where it goes, decided and checked before anything is read or written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.readers import Input, format_of, split_name
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.run import Job, Options
from vnlp_prep.corpus.writers import check_output, is_device
from vnlp_prep.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def plan(
    inputs: Sequence[str],
    options: Options,
    *,
    output: str = "-",
    rejects: str | None = None,
    edits: str | None = None,
    format: str | None = None,
) -> list[Job]:
    """Return a job for each of ``inputs``.

    ``output`` is ``-``, a file (for one input) or a folder; rejects go to ``rejects``, else beside the output, and
    without one to the current folder. ``format`` None means: by the name of the input. Raises InputError and
    OutputError for what cannot be done, or must not be: an output that is a link or would replace an input, two
    outputs of one name.
    """
    into_folder = output != "-" and (output.endswith("/") or Path(output).is_dir())
    if into_folder and not Path(output).is_dir():
        raise OutputError(f"{shown(output)}: there is no such folder; make it first")
    if output != "-" and not into_folder and len(inputs) > 1:
        raise OutputError(f"{shown(output)}: several inputs need a folder; make one and say -o {shown(output)}/")
    jobs: list[Job] = []
    sources: list[Input] = []
    for path in inputs:
        source = Input(path, options.limits, Decoder(options.encoding))
        kind = format or format_of(path)
        source.check()
        sources.append(source)
        name = "stdin" if path == "-" else Path(path).name
        target = output
        if into_folder:
            target = str(Path(output) / (name if path != "-" else {"jsonl": "stdin.jsonl", "text": "stdin.txt"}[kind]))
        is_direct = target == "-" or is_device(target)
        jobs.append(Job(path, kind, target, rejects or f"{name if is_direct else target}.rejects.jsonl", source.size))
    if list(inputs).count("-") > 1:
        raise InputError("standard input can be read only once")
    outputs = [job.output for job in jobs if job.output != "-"]
    check_outputs(sources, outputs, rejects=list(dict.fromkeys(job.rejects for job in jobs)), logs=[edits] if edits else [])
    return jobs


def check_outputs(sources: Sequence[Input], outputs: Sequence[str], *, rejects: Sequence[str], logs: Sequence[str] = ()) -> None:
    """Raise OutputError for a file that cannot be written, would replace an input, or has the name of another."""
    read = {source.identity for source in sources if source.size is not None}
    written: set[str] = set()
    for path in [*outputs, *rejects, *logs]:
        # Where rejects would go need not be writable as long as there are none.
        if path not in rejects:
            check_output(path)
        if is_device(path):
            continue
        if path not in outputs and split_name(path)[1]:
            raise OutputError(f"{shown(path)}: rejects and edit logs are not packed; leave {split_name(path)[1]} off")
        if _identity(path) in read:
            raise OutputError(f"{shown(path)}: would replace an input; choose another name")
        real = str(Path(path).resolve())
        if real in written:
            raise OutputError(f"{shown(path)}: two outputs would have this name")
        written.add(real)


def _identity(path: str) -> tuple[int, int] | None:
    """Return what tells whether two names are one file, None if there is no file."""
    try:
        there = Path(path).stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino
