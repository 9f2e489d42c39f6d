"""The loop: read, clean, write, count. It knows neither the command line nor a terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol

from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.formats import Format, JsonLines, TextLines
from vnlp_prep.corpus.logs import LineLog
from vnlp_prep.corpus.readers import Input, Limits
from vnlp_prep.corpus.records import Line, Problem, Record, field_name, reject_dict, shown
from vnlp_prep.corpus.summary import Summary
from vnlp_prep.corpus.writers import Output, open_output
from vnlp_prep.errors import VnlpError

if TYPE_CHECKING:
    from vnlp_prep.edits import Cleaned, Edit

#: Texts that travel to a worker together.
_CHUNK_TEXTS = 32
#: How many pools of workers a text that breaks one may cost, before the rest is done without.
_MAX_POOLS = 3


class Cleaner(Protocol):
    """What cleans: a Preprocessor, or anything of that shape."""

    def clean(self, text: str) -> Cleaned:
        """Return ``text`` cleaned, with its edits."""

    def pipe_cleaned(self, texts: Iterable[str], *, workers: int, chunk_size: int) -> Iterator[Cleaned]:
        """Yield each of ``texts`` cleaned, in order."""


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
        self._at_start = True  # nothing of this input was written yet
        self._started = time.perf_counter()

    def clean(self, job: Job, is_last: bool) -> None:
        """Clean one input. ``is_last`` tells that no later job writes to the same rejects file."""
        output = open_output(job.output)
        self._at_start = True
        try:
            source = Input(job.input, self.options.limits, Decoder(self.options.encoding))
            lines = self.options.format(job.format)
            batches = source.whole() if job.format == "text" and self.options.whole_file else source.batches()
            if self.options.workers > 1:
                self._clean_in_processes(batches, lines, job, source, output)
            else:
                self._clean_here(batches, lines, job, source, output)
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
        if self._at_start and job.output in self._midline:
            output.write(b"\n")
        self._at_start = False
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

    def _clean_here(self, batches: Iterable[Sequence[Line]], lines: Format, job: Job, source: Input, output: Output) -> None:
        """Clean line by line, and hand on what came with one block of input before waiting for the next."""
        for batch in batches:
            for line in batch:
                record = self._read(line, lines, source)
                texts = record.texts if isinstance(record, Record) else ()
                self._settle(line, record, [self._clean_text(text) for text in texts], lines, job, output)
            output.flush()
            self._watch(source)

    def _clean_in_processes(
        self, batches: Iterable[Sequence[Line]], lines: Format, job: Job, source: Input, output: Output
    ) -> None:
        """Clean in several processes. The lines in flight wait in a queue; each has at least one text, which bounds it."""
        from concurrent.futures.process import BrokenProcessPool

        unread = chain.from_iterable(batches)
        waiting: deque[tuple[Line, Record | Problem]] = deque()

        def texts() -> Iterator[str]:
            for line in unread:
                record = self._read(line, lines, source)
                waiting.append((line, record))
                yield from (isinstance(record, Record) and record.texts) or ("",)

        for _ in range(_MAX_POOLS):
            results = self.cleaner.pipe_cleaned(texts(), workers=self.options.workers, chunk_size=_CHUNK_TEXTS)
            try:
                while (first := next(results, None)) is not None:
                    line, record = waiting[0]
                    count = len(record.texts) if isinstance(record, Record) else 0
                    docs = [first, *islice(results, count - 1)] if count else []
                    waiting.popleft()
                    self._settle(line, record, docs, lines, job, output)
                    self._watch(source)
            except (VnlpError, BrokenPipeError):
                raise
            except BrokenProcessPool:
                raise VnlpError("a worker process was killed; fewer --workers need less memory") from None
            except Exception:
                # One of the texts in flight did it: do these here, one by one, and go on.
                while waiting:
                    line, record = waiting.popleft()
                    found = record.texts if isinstance(record, Record) else ()
                    self._settle(line, record, [self._clean_text(text) for text in found], lines, job, output)
            else:
                return
        self._clean_here(([line] for line in unread), lines, job, source, output)

    def _clean_text(self, text: str) -> Cleaned | Exception:
        """Clean a text; what goes wrong with it is its result."""
        try:
            return self.cleaner.clean(text)
        except Exception as error:
            return error

    def _settle(
        self,
        line: Line,
        record: Record | Problem,
        results: Sequence[Cleaned | Exception],
        lines: Format,
        job: Job,
        output: Output,
    ) -> None:
        """Write a line to the output or to the rejects, and count it."""
        self.summary.bytes_read += line.length
        try:
            if isinstance(record, Problem):
                raise record
            docs = [_good(result, field_name(path)) for result, path in zip(results, record.paths, strict=True)]
            piece = lines.write(record, [doc.text if doc.edits else doc.raw for doc in docs]) if docs else record.unchanged()
        except Problem as problem:
            self.summary.rejects[problem.code] += 1
            self.rejects[job.rejects].write(reject_dict(shown(job.input), line, problem))
        else:
            self._write(piece, job, output)
            self._count(job, record, docs)

    def _watch(self, source: Input) -> None:
        self.summary.seconds = time.perf_counter() - self._started
        if self.watch:
            self.watch(self.summary, source)

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
                changed = changed or bool(doc.edits)
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
