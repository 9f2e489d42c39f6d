"""The loop: read, clean, write, count. It knows neither the command line nor a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.formats import Format, JsonLines, TextLines
from vnlp_prep.corpus.logs import LineLog
from vnlp_prep.corpus.readers import Input, Limits
from vnlp_prep.corpus.records import Line, Problem, Record, field_name, reject_dict, shown
from vnlp_prep.corpus.summary import Summary
from vnlp_prep.corpus.writers import Output, open_output

if TYPE_CHECKING:
    from vnlp_prep.edits import Cleaned, Edit

#: Bytes of lines that are cleaned at a time for each worker, when there are several.
_CHUNK_BYTES = 2 * 1024 * 1024


class Cleaner(Protocol):
    """What cleans: a Preprocessor, or anything of that shape."""

    def clean(self, text: str) -> Cleaned:
        """Return ``text`` cleaned, with its edits."""


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


@dataclass(frozen=True)
class Job:
    """One input, its format (``jsonl`` or ``text``), where it goes (``-``: standard output), where its rejects go.

    ``size`` is the size of the input in bytes, None for a stream.
    """

    input: str
    format: str
    output: str
    rejects: str
    size: int | None = None


#: Called after each batch with what was done so far and the input that is being read.
Watcher = Callable[[Summary, Input], None]


def run(
    jobs: Sequence[Job], cleaner: Cleaner, options: Options, *, edits: str | None = None, watch: Watcher | None = None
) -> Summary:
    """Clean the inputs of ``jobs`` and return what was done.

    A record that cannot be cleaned goes to the rejects. Raises InputError and OutputError for what stops the run: the
    output of the job it happened in does not appear, those of the jobs before stay, with their rejects and edits.
    """
    runner = _Run(cleaner, options, edits, watch)
    runner.rejects = {job.rejects: LineLog(job.rejects) for job in jobs}
    try:
        for i, job in enumerate(jobs):
            runner.clean(job, is_last=all(later.rejects != job.rejects for later in jobs[i + 1 :]))
    finally:
        runner.close()
    return runner.summary


class _Run:
    """The state of one run."""

    def __init__(self, cleaner: Cleaner, options: Options, edits: str | None, watch: Watcher | None) -> None:
        self.cleaner = cleaner
        self.options = options
        self.watch = watch
        self.summary = Summary()
        self.rejects: dict[str, LineLog] = {}
        self.edits = LineLog(edits, always=True) if edits else None
        self._midline: set[str] = set()  # outputs whose last line has no end yet
        self._last_input = ""
        self._started = time.perf_counter()

    def clean(self, job: Job, is_last: bool) -> None:
        """Clean one input. ``is_last`` tells that no later job writes to the same rejects file."""
        output = open_output(job.output)
        try:
            source = Input(job.input, self.options.limits, Decoder(self.options.encoding))
            lines = self.options.format(job.format)
            for batch in self._batches(source, job):
                for piece in self._cleaned(batch, lines, job, source):
                    self._write(piece, job, output)
                output.flush()
                self._count_bytes(batch)
                if self.watch:
                    self.watch(self.summary, source)
            if source.damage:
                self.summary.damaged.append((source.name, source.damage))
            # The rejects first: if we are killed between the two, no record is lost.
            self.rejects[job.rejects].keep()
            if is_last:
                self._close_rejects(job.rejects)
            if self.edits:
                self.edits.keep()
            output.commit()
        except BaseException:
            output.abort()
            raise

    def _write(self, piece: bytes, job: Job, output: Output) -> None:
        # Inputs that share standard output must not share a line there.
        if job.input != self._last_input and job.output in self._midline:
            output.write(b"\n")
        self._last_input = job.input
        output.write(piece)
        (self._midline.discard if piece.endswith(b"\n") else self._midline.add)(job.output)

    def close(self) -> None:
        """Finish the logs with what the jobs that were done wrote."""
        for path in list(self.rejects):
            self._close_rejects(path)
        if self.edits:
            self.edits.close()
        self.summary.seconds = time.perf_counter() - self._started

    def _close_rejects(self, path: str) -> None:
        if self.rejects.pop(path).close():
            self.summary.reject_files.append(path)

    def _count_bytes(self, batch: Sequence[Line]) -> None:
        self.summary.bytes_read += sum([line.length for line in batch])
        self.summary.seconds = time.perf_counter() - self._started

    def _batches(self, source: Input, job: Job) -> Iterator[list[Line]]:
        """Yield the lines of ``source``: as they come, so that a pipe is not held up; more at a time for workers."""
        batches = source.whole() if job.format == "text" and self.options.whole_file else source.batches()
        if self.options.workers == 1:
            yield from batches
            return
        waiting: list[Line] = []
        size = 0
        for batch in batches:
            waiting += batch
            size += sum([line.length for line in batch])
            if size >= _CHUNK_BYTES * self.options.workers:
                yield waiting
                waiting, size = [], 0
        if waiting:
            yield waiting

    def _cleaned(self, batch: Sequence[Line], lines: Format, job: Job, source: Input) -> Iterator[bytes]:
        """Yield the lines of ``batch`` as they are to be written; those that cannot be cleaned go to the rejects."""
        read = [self._read(line, lines, source) for line in batch]
        texts = [text for record in read if isinstance(record, Record) for text in record.texts]
        results = self._clean_texts(texts)
        for line, record in zip(batch, read, strict=True):
            try:
                if isinstance(record, Problem):
                    raise record
                docs = [_good(next(results), field_name(path)) for path in record.paths]
                yield lines.write(record, [doc.text for doc in docs]) if docs else record.unchanged()
            except Problem as problem:
                self.summary.rejects[problem.code] += 1
                self.rejects[job.rejects].write(reject_dict(shown(job.input), line, problem))
            else:
                self._count(job, record, docs)

    def _read(self, line: Line, lines: Format, source: Input) -> Record | Problem:
        if line.is_cut:
            cap = self.options.limits.max_line_bytes
            return Problem("line-too-long", f"{line.length:,} bytes are more than --max-line-bytes ({cap:,})")
        if source.damage and (self.options.whole_file or not line.raw.endswith(b"\n")):
            return Problem("truncated-archive", source.damage)
        try:
            return lines.read(line)
        except Problem as problem:
            return problem

    def _clean_texts(self, texts: Sequence[str]) -> Iterator[Cleaned | Exception]:
        """Clean ``texts`` in order; what goes wrong with one of them is its result, and no other's."""
        for text in texts:
            try:
                yield self.cleaner.clean(text)
            except Exception as error:
                yield error

    def _count(self, job: Job, record: Record, docs: Sequence[Cleaned]) -> None:
        summary = self.summary
        if record.is_blank:
            summary.blank_lines += 1
        else:
            summary.records += 1
            summary.passed += not docs
        if record.encoding:
            summary.encodings[record.encoding] += 1
        changed = bool(record.notes)
        if record.notes:
            self._count_edits(job, record, None, record.notes, ())
        for path, doc in zip(record.paths, docs, strict=True):
            if doc.edits or doc.suggestions:
                changed = changed or doc.text != doc.raw
                self._count_edits(job, record, field_name(path), doc.edits, doc.suggestions)
        summary.changed += changed

    def _count_edits(
        self, job: Job, record: Record, name: str | None, edits: Sequence[Edit], suggestions: Sequence[Edit]
    ) -> None:
        for e in edits:
            self.summary.edits[e.stage] += 1
        self.summary.suggestions += len(suggestions)
        self.summary.changes.add(edits)
        if self.edits:
            entry = {"file": shown(job.input), "line": record.line.number, "field": name}
            entry["edits"] = [e.to_dict() for e in edits]
            if suggestions:
                entry["suggestions"] = [e.to_dict() for e in suggestions]
            self.edits.write(entry)


def _good(result: Cleaned | Exception, name: str | None) -> Cleaned:
    if isinstance(result, Exception):
        text = f"{type(result).__name__}: {result}"[:500]
        raise Problem("internal-error", text, name) from result
    return result
