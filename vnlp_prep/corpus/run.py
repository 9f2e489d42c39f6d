"""The loop: read, clean, write, count. It knows neither the command line nor a terminal.

An input is read in chunks (``chunks.py``). Each is cleaned by itself (``cleaning.py``), here or in another process, and what
comes of it is written in the order of the input (``files.py``). Where all outputs are files, a journal (``journal.py``) says
after each chunk what is done, and a later run can go on from there.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.corpus.chunks import CHUNK_BYTES, Chunk
from vnlp_prep.corpus.cleaning import ChunkCleaner, Cleaner, Task, Written
from vnlp_prep.corpus.edit_log import closing_entry
from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.files import Files
from vnlp_prep.corpus.formats import Format, JsonLines, TextLines
from vnlp_prep.corpus.journal import CannotResumeError, Entry, Journal, Part, check_same, digest_of
from vnlp_prep.corpus.readers import Input, Limits
from vnlp_prep.corpus.records import json_line, shown
from vnlp_prep.corpus.summary import Summary
from vnlp_prep.errors import InputError, SettingsError, VnlpError
from vnlp_prep.workers import Ready, map_in_processes

if TYPE_CHECKING:
    from vnlp_prep.corpus.tables import TableFormat


@dataclass(frozen=True)
class Options:
    """How inputs are read."""

    fields: Sequence[str] = ("text",)
    whole_file: bool = False
    on_missing: str = "reject"
    encoding: str = "utf-8"
    limits: Limits = field(default_factory=Limits)
    workers: int = 1

    def format(self, name: str) -> Format:
        """Return the reader and writer of lines for ``jsonl`` or ``text``."""
        if name == "jsonl":
            return JsonLines(self.fields, self.on_missing, self.encoding)
        return TextLines(self.encoding, self.whole_file)

    def table(self) -> TableFormat:
        """Return the reader and writer of the rows of tables."""
        from vnlp_prep.corpus.tables import TableFormat

        return TableFormat(self.fields, self.on_missing, self.limits.max_line_bytes)


@dataclass(frozen=True)
class Job:
    """One input, its format (``jsonl``, ``text`` or ``parquet``), where it goes (``-``: standard output), where its rejects go.

    ``size`` is the size of the input in bytes, None for a stream. Jobs in a row may have the same output.
    """

    input: str
    format: str
    output: str
    rejects: str
    size: int | None = None


# Inputs smaller than this are done before processes would be ready to help.
_SMALL_BYTES = 4 * 1024 * 1024

#: Called after each chunk with what was done so far and the input that it is of.
Watcher = Callable[[Summary, Input], None]


def run(
    jobs: Sequence[Job],
    cleaner: Cleaner,
    options: Options,
    *,
    edits: str | None = None,
    resume: bool = False,
    watch: Watcher | None = None,
    notice: Callable[[str], None] = lambda _: None,
) -> Summary:
    """Clean the inputs of ``jobs`` and return what was done.

    A record that cannot be cleaned goes to the rejects. ``resume``: go on where an interrupted run stopped, if there was one.
    ``notice`` is told of what is mended on the way, such as a worker process that was killed.

    Raises InputError, OutputError and WorkerError for what stops the run: an output that is not complete does not appear, those
    that are stay. What was done up to there is kept for ``resume``, unless it is an input that cannot be read.
    CannotResumeError: inputs, settings, lexicon or version have changed since the interrupted run.
    """
    return _Run(jobs, cleaner, options, edits, watch, notice).go(resume=resume)


class _End(NamedTuple):
    """The end of an input: what is wrong with it, how many lines it had (None: it is a table), their digest."""

    job: int
    damage: str | None
    lines: int | None
    sha256: str | None


class _Failure(NamedTuple):
    """What stopped the reading; what was read before is still to be written."""

    error: VnlpError


class _Run:
    """The state of one run."""

    def __init__(
        self,
        jobs: Sequence[Job],
        cleaner: Cleaner,
        options: Options,
        edits: str | None,
        watch: Watcher | None,
        notice: Callable[[str], None],
    ) -> None:
        self.jobs = jobs
        self.options = options
        self.summary = Summary()
        self._cleaner = cleaner
        self._clean = ChunkCleaner(cleaner, options, jobs, log_edits=edits is not None)
        self._files = Files(jobs, edits)
        self._journal: Journal | None = None
        self._watch = watch
        self._notice = notice
        self._sources: dict[int, Input] = {}
        self._done: dict[int, list[str]] = {}  # by job: digests of the chunks that an interrupted run had done
        self._ended: set[int] = set()
        self._started = time.perf_counter()

    def go(self, *, resume: bool) -> Summary:
        try:
            if not self._files.has_direct:
                self._journal = Journal(self.jobs[0].output)
            elif resume:
                raise SettingsError("--resume needs -o: what went to standard output or a device cannot be gone on with")
            self._begin(resume=resume)
            with closing(self._results()) as results:
                for outcome in results:
                    if isinstance(outcome, _Failure):
                        raise outcome.error
                    if isinstance(outcome, _End):
                        self._end(outcome)
                    else:
                        self._settle(outcome)
        except BaseException as error:
            may_go_on = self._may_go_on(error)
            self._close(keep=may_go_on)
            if may_go_on and not isinstance(error, CannotResumeError):
                self._say_how_to_go_on()
            raise
        self._close(keep=False)
        return self.summary

    def _may_go_on(self, error: BaseException) -> bool:
        """True if what is done is worth keeping: another run may come further."""
        if isinstance(error, CannotResumeError):
            return True
        return self._journal is not None and not self._journal.is_empty and not isinstance(error, InputError)

    def _say_how_to_go_on(self) -> None:
        if self._journal is not None and self._journal.path.exists():  # its folder may be gone
            done = self.summary.records + self.summary.rejects.total()
            self._notice(f"{self._journal.name}: {done:,} records are done; --resume goes on behind them")

    def _close(self, *, keep: bool) -> None:
        self._files.close(keep=keep)
        if self._journal is not None:
            self._journal.close(keep=keep)
        self.summary.reject_files = self._files.reject_files
        self.summary.seconds = time.perf_counter() - self._started

    # --- Going on -----------------------------------------------------------------------------------------------------

    def _begin(self, *, resume: bool) -> None:
        journal = self._journal
        if journal is None:
            self._files.start()
            return
        settings = self._settings()
        if not (resume and journal.settings is not None and journal.entries):
            if journal.entries:
                self._notice(f"{journal.name}: what an interrupted run had done is done again (no --resume)")
            self._files.start()
            journal.start(settings)
            return
        check_same(journal.settings, settings, journal.name)
        good = self._files.go_on(journal.entries)
        for entry in journal.cut(good):
            if entry.is_end:
                self._ended.add(entry.job)
                self._done.pop(entry.job, None)
                self._note_damage(entry.job, entry.damage)
            else:
                self._done.setdefault(entry.job, []).append(entry.read)
            self.summary.add(Summary.from_dict(entry.summary))
        self.summary.resumed = self.summary.records + self.summary.rejects.total()
        self.summary.resumed_bytes = self.summary.bytes_read

    def _settings(self) -> dict[str, object]:
        """Return all that the outputs depend on: name for people -> value that JSON can hold."""
        from vnlp_prep import __version__

        cleaner = self._cleaner
        options = asdict(self.options)
        options.pop("workers")
        settings: dict[str, object] = {
            "vnlp-prep": __version__,
            "cleaning": getattr(cleaner, "fingerprint", ""),
            **getattr(cleaner, "settings", {}),
            "lexicon": getattr(getattr(cleaner, "lexicon", None), "fingerprint", None),
            "chunk-bytes": CHUNK_BYTES,
            **{name.replace("_", "-"): value for name, value in (options.pop("limits") | options).items()},
            "edits": self._files.edits_path,
            "inputs": len(self.jobs),
        }
        for number, job in enumerate(self.jobs, 1):
            where = f"input {number}"
            settings[where] = shown(job.input)
            settings[f"format of {where}"] = job.format
            settings[f"output of {where}"] = shown(job.output)
            settings[f"rejects of {where}"] = shown(job.rejects)
            if job.size is not None:
                source = self._source(job)
                settings[f"size of {where}"] = source.size
                settings[f"time of change of {where}"] = source.changed_at
        return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}

    # --- Reading and cleaning -----------------------------------------------------------------------------------------

    def _source(self, job: Job) -> Input:
        return Input(job.input, self.options.limits, Decoder(self.options.encoding))

    def _tasks(self) -> Iterator[Task | _End | _Failure]:
        """Yield the chunks that are to be cleaned, and the ends of the inputs. Runs in a thread where there are workers."""
        for number, job in enumerate(self.jobs):
            if number in self._ended:
                continue
            try:
                yield from self._tasks_of(number, job)
            except VnlpError as error:
                yield _Failure(error)
                return

    def _tasks_of(self, number: int, job: Job) -> Iterator[Task | _End]:
        source = self._sources[number] = self._source(job)
        done = self._done.get(number, [])
        whole = hashlib.sha256() if self._files.edits_path is not None and job.format != "parquet" else None
        lines = place = 0
        for place, chunk in enumerate(self._chunks(number, job, source), 1):
            lines += 1 if chunk.is_whole else chunk.data.count(b"\n") + (not chunk.data.endswith(b"\n"))
            if whole is not None and chunk.length == len(chunk.data):
                whole.update(chunk.data)
            else:
                whole = None
            read = digest_of(chunk.data) if self._journal is not None else ""
            if place > len(done):
                yield Task(number, chunk, read)
            elif done[place - 1] != read:
                raise _has_changed(job)
        if place < len(done):
            raise _has_changed(job)
        is_table = job.format == "parquet"
        yield _End(number, source.damage, None if is_table else lines, whole.hexdigest() if whole else None)

    def _chunks(self, number: int, job: Job, source: Input) -> Iterator[Chunk]:
        if job.format == "parquet":
            from vnlp_prep.corpus.parquet import read_chunks

            for chunk in read_chunks(job.input, number):
                # What rows take in the file cannot be told.
                source.packed = min(source.size or 0, source.packed + len(chunk.data))
                yield chunk
            return
        is_whole = job.format == "text" and self.options.whole_file
        yield from source.chunks(None if self._files.is_direct(job) else CHUNK_BYTES, is_whole=is_whole)

    def _results(self) -> Generator[Written | _End | _Failure, None, None]:
        """Yield what comes of each chunk, and the ends of the inputs, in order."""
        tasks = self._tasks()
        if self.options.workers > 1:
            yield from map(self._result, _first(tasks, self._head_bytes()))
            rest: Iterator[Task | Ready[Written | _End | _Failure]]
            rest = (task if isinstance(task, Task) else Ready(task) for task in tasks)
            yield from map_in_processes(
                self._clean,
                rest,
                self.options.workers,
                read_ahead=True,
                place=self._place,
                notice=self._notice,
            )
        else:
            yield from map(self._result, tasks)

    def _result(self, task: Task | _End | _Failure) -> Written | _End | _Failure:
        return self._clean(task) if isinstance(task, Task) else task

    def _head_bytes(self) -> int:
        """Return how much is cleaned here before processes are started, which takes a while: all of what is small."""
        sizes = [job.size for job in self.jobs]
        if None in sizes:
            return CHUNK_BYTES
        return _SMALL_BYTES if sum(filter(None, sizes)) < _SMALL_BYTES else 0

    def _place(self, task: Task) -> str:
        """Name the lines of a task for people."""
        job, chunk = self.jobs[task.job], task.chunk
        if job.format == "parquet":
            return f"{shown(job.input)}, row {chunk.number:,} and those behind it"
        last = chunk.number + max(1, chunk.data.count(b"\n")) - 1
        return f"{shown(job.input)}, lines {chunk.number:,} to {last:,}"

    # --- Writing ------------------------------------------------------------------------------------------------------

    def _settle(self, written: Written) -> None:
        """Write what comes of a chunk, and count it."""
        job = self.jobs[written.job]
        output = self._files.line_end_between(written) + written.output
        self._files.append(job, output, written.rejects, written.edits)
        if self._journal is not None:
            self._journal.append(
                Entry(
                    written.job,
                    read=written.read,
                    output=Part.of(output),
                    rejects=Part.of(written.rejects),
                    edits=Part.of(written.edits),
                    is_midline=written.is_midline,
                    summary=written.summary.to_dict(),
                )
            )
        self.summary.add(written.summary)
        self.summary.seconds = time.perf_counter() - self._started
        if self._watch:
            self._watch(self.summary, self._sources[written.job])

    def _end(self, end: _End) -> None:
        """Finish an input, and give the files that end with it their names."""
        job = self.jobs[end.job]
        edits = b""
        if self._files.edits_path is not None:
            edits = json_line(closing_entry(shown(job.input), end.lines, end.sha256, shown(job.output)))
        output = self._files.end_of_archive(end.job)
        self._files.append(job, output, b"", edits)
        if self._journal is not None:
            # Whatever the journal says to be finished must be on the disk before.
            self._files.sync(job)
            self._journal.append(
                Entry(end.job, is_end=True, output=Part.of(output), edits=Part.of(edits), damage=end.damage),
            )
        self._note_damage(end.job, end.damage)
        self._files.end(end.job)

    def _note_damage(self, number: int, damage: str | None) -> None:
        if damage:
            name = "stdin" if self.jobs[number].input == "-" else shown(self.jobs[number].input)
            self.summary.damaged.append((name, damage))


def _first(tasks: Iterator[Task | _End | _Failure], size: int) -> Iterator[Task | _End | _Failure]:
    """Yield tasks until they have ``size`` bytes."""
    while size > 0 and (task := next(tasks, None)) is not None:
        if isinstance(task, Task):
            size -= len(task.chunk.data)
        yield task


def _has_changed(job: Job) -> CannotResumeError:
    return CannotResumeError(
        f"{shown(job.input)}: is not what the interrupted run read; leave --resume off to begin from the beginning"
    )
