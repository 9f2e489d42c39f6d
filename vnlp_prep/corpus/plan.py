"""What is read and where it goes, decided and checked before anything is read or written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.inputs import find_inputs
from vnlp_prep.corpus.parquet import check_alike, parquet_file
from vnlp_prep.corpus.readers import Input, format_of, known_format, split_name
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.run import Job, Options
from vnlp_prep.corpus.writers import cannot_write, check_output, is_device
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
    """Return a job for each of ``inputs``, in order; folders and patterns among them stand for the files in them.

    ``output`` is ``-``, a file (for all inputs together) or a folder; rejects go to ``rejects``, else beside the
    output, and without one to the current folder. ``format`` None means: by the name of the input. Raises InputError and
    OutputError for what cannot be done, or must not be: an output that is a link or would replace an input, two outputs of one
    name.
    """
    into_folder = output != "-" and (output.endswith("/") or Path(output).is_dir())
    found = find_inputs(inputs, format=format, outputs=output if into_folder else None)
    if [source.path for source in found].count("-") > 1:
        raise InputError("standard input can be read only once")
    if into_folder and not Path(output).is_dir():
        raise OutputError(f"{shown(output)}: there is no such folder; make it first")
    jobs: list[Job] = []
    sources: list[Input] = []
    for named in found:
        source = Input(named.path, options.limits, Decoder(options.encoding))
        kind = format or format_of(named.path)
        if kind == "parquet":
            with parquet_file(named.path) as file:
                options.table().check(file.schema_arrow, source.name)
        else:
            source.check()
        sources.append(source)
        target = output
        if into_folder:
            name = named.name if named.path != "-" else {"jsonl": "stdin.jsonl", "text": "stdin.txt"}[kind]
            target = str(Path(output) / name)
        is_direct = target == "-" or is_device(target)
        beside = Path(named.name).name if is_direct else target
        jobs.append(Job(named.path, kind, target, rejects or f"{beside}.rejects.jsonl", source.size))
    _check_kinds(jobs)
    outputs = list(dict.fromkeys(job.output for job in jobs if job.output != "-"))
    if into_folder and len(outputs) < len(jobs):
        twice = next(job.output for i, job in enumerate(jobs) if job.output in [other.output for other in jobs[:i]])
        raise OutputError(f"{shown(twice)}: two outputs would have this name")
    if into_folder:
        _make_folders(Path(output), outputs)
    check_outputs(sources, outputs, rejects=list(dict.fromkeys(job.rejects for job in jobs)), logs=[edits] if edits else [])
    return jobs


def _check_kinds(jobs: Sequence[Job]) -> None:
    """Raise OutputError where an output cannot have the format of what goes into it: nothing is converted."""
    tables: dict[str, list[str]] = {}
    for job in jobs:
        is_table = known_format(job.output) == "parquet"
        if job.format == "parquet":
            tables.setdefault(job.output, []).append(job.input)
            if job.output == "-" or is_device(job.output):
                raise OutputError(f"{shown(job.input)}: Parquet cannot go to standard output or a device; say -o FILE.parquet")
            if not is_table:
                raise OutputError(f"{shown(job.output)}: the rows of {shown(job.input)} go into a Parquet file; name it .parquet")
        elif is_table:
            raise OutputError(f"{shown(job.output)}: {shown(job.input)} is no Parquet file, and nothing is converted")
    for paths in tables.values():
        check_alike(paths)


def _make_folders(top: Path, outputs: Sequence[str]) -> None:
    """Make the folders in the folder of the outputs. Raises OutputError, also for a path that leads out of it."""
    for path in outputs:
        parent = Path(path).parent
        if not parent.resolve().is_relative_to(top.resolve()):
            raise OutputError(f"{shown(path)}: leads out of the folder {shown(top)}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(shown(parent), error) from None


def check_outputs(sources: Sequence[Input], outputs: Sequence[str], *, rejects: Sequence[str], logs: Sequence[str] = ()) -> None:
    """Raise OutputError for a file that cannot be written, would replace an input, or has the name of another."""
    read = {source.identity for source in sources if source.size is not None}
    are_outputs, are_rejects = set(outputs), set(rejects)
    written: set[str] = set()
    for path in [*outputs, *rejects, *logs]:
        # Where rejects would go need not be writable as long as there are none.
        if path not in are_rejects:
            check_output(path)
        if is_device(path):
            continue
        if path not in are_outputs and split_name(path)[1]:
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
