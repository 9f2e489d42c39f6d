"""A chunk of an input -> what is written for it. All that a worker process does; it touches no file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vnlp_prep.corpus.edit_log import changed_entry, rejected_entry
from vnlp_prep.corpus.packing import packed
from vnlp_prep.corpus.readers import split_name
from vnlp_prep.corpus.records import Problem, Record, field_name, json_line, reject_dict, shown
from vnlp_prep.corpus.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from vnlp_prep.corpus.chunks import Chunk
    from vnlp_prep.corpus.formats import Format
    from vnlp_prep.corpus.records import Line
    from vnlp_prep.corpus.run import Job, Options
    from vnlp_prep.corpus.tables import Row, TableFormat
    from vnlp_prep.edits import Cleaned


class Cleaner(Protocol):
    """What cleans: a Preprocessor, or anything of that shape."""

    def clean(self, text: str) -> Cleaned:
        """Return ``text`` cleaned, with its edits."""


class Task(NamedTuple):
    """A chunk, the number of the job that it belongs to, and what a journal says of what was read."""

    job: int
    chunk: Chunk
    read: str


@dataclass(slots=True)
class Written:
    """What comes of a task: bytes for the output (packed), the rejects and the edit log, and what was done, in numbers."""

    job: int
    read: str
    output: bytes = b""
    rejects: bytes = b""
    edits: bytes = b""
    summary: Summary = field(default_factory=Summary)
    #: True if the last line that was written lacks its end; None if none was written.
    is_midline: bool | None = None


class ChunkCleaner:
    """Cleans the chunks of some jobs; travels to worker processes."""

    def __init__(self, cleaner: Cleaner, options: Options, jobs: Sequence[Job], *, log_edits: bool) -> None:
        self._cleaner = cleaner
        self._options = options
        self._jobs = jobs
        self._log_edits = log_edits
        self._formats: dict[str, Format] = {}

    def __call__(self, task: Task) -> Written:
        """Return what is written for a chunk."""
        job, chunk = self._jobs[task.job], task.chunk
        if job.format == "parquet":
            return self._table(job, task)
        lines = self._formats.get(job.format)
        if lines is None:
            lines = self._formats[job.format] = self._options.format(job.format)
        written = _Collector(task, shown(job.input), log_edits=self._log_edits)
        pieces: list[bytes] = []
        for line in chunk.lines():
            written.summary.bytes_read += line.length
            try:
                record = self._read(line, chunk, lines)
                docs = [self._clean(text, path) for text, path in zip(record.texts, record.paths, strict=True)]
                piece = lines.write(record, [doc.text if doc.edits else doc.raw for doc in docs]) if docs else record.unchanged()
            except Problem as problem:
                written.reject(line, problem)
            else:
                pieces.append(piece)
                written.count(record, docs, piece, is_whole=chunk.is_whole)
        output = b"".join(pieces)
        is_midline = not output.endswith(b"\n") if output else None
        return written.done(packed(output, split_name(job.output)[1]) if output else b"", is_midline)

    def _read(self, line: Line, chunk: Chunk, lines: Format) -> Record:
        """Return the record in a line. Raises Problem."""
        if line.is_cut:
            cap = self._options.limits.max_line_bytes
            raise Problem("line-too-long", f"{line.length:,} bytes are more than --max-line-bytes ({cap:,})")
        if chunk.damage and (chunk.is_whole or not line.raw.endswith(b"\n")):
            raise Problem("truncated-archive", chunk.damage)
        return lines.read(line)

    def _clean(self, text: str, path: tuple[str, ...]) -> Cleaned:
        """Clean a text. Raises Problem: whatever goes wrong with one text must not cost the others."""
        try:
            return self._cleaner.clean(text)
        except MemoryError:
            raise
        except Exception as error:
            raise Problem("internal-error", f"{type(error).__name__}: {error}"[:500], field_name(path)) from error

    def _table(self, job: Job, task: Task) -> Written:
        """Clean some rows of a Parquet file."""
        from vnlp_prep.corpus.parquet import read_batches, stream_bytes

        table = self._options.table()
        written = _Collector(task, shown(job.input), log_edits=self._log_edits)
        number = task.chunk.number
        done = []
        for batch in read_batches(task.chunk.data):
            written.summary.bytes_read += batch.nbytes
            rows = table.read(batch, number)
            number += len(rows)
            cleaned = [self._row(row, batch, table, written) for row in rows]
            done.append(table.write(batch, rows, cleaned))
        return written.done(stream_bytes(done), None)

    def _row(self, row: Row, batch: pa.RecordBatch, table: TableFormat, written: _Collector) -> list[str]:
        """Return the texts of a row cleaned, and count it; none if it is rejected."""
        docs: list[Cleaned] = []
        if row.problem is None:
            try:
                docs = [self._clean(text, path) for text, path in zip(row.texts, row.paths, strict=True)]
            except Problem as problem:
                table.reject(batch, row, problem)
        if row.problem is not None:
            written.reject(row.line, row.problem)
            return []
        written.count(Record(row.line, b"", b"", row.paths, row.texts), docs, b"")
        return [doc.text for doc in docs]


class _Collector:
    """Puts together what is written beside the output, and counts."""

    def __init__(self, task: Task, file: str, *, log_edits: bool) -> None:
        self.summary = Summary()
        self._task = task
        self._file = file
        self._log_edits = log_edits
        self._rejects: list[bytes] = []
        self._edits: list[bytes] = []

    def reject(self, line: Line, problem: Problem) -> None:
        """Take in a line that cannot be cleaned."""
        self.summary.rejects[problem.code] += 1
        self._rejects.append(json_line(reject_dict(self._file, line, problem)))
        if self._log_edits:
            self._edits.append(json_line(rejected_entry(self._file, line, problem)))

    def count(self, record: Record, docs: Sequence[Cleaned], written: bytes, *, is_whole: bool = False) -> None:
        """Take in a record that was cleaned, and how it was written."""
        summary = self.summary
        if record.is_blank:
            summary.blank_lines += 1
        else:
            summary.records += 1
            summary.passed += not docs
        if record.encoding:
            summary.encodings[record.encoding] += 1
        edits = [*record.notes, *(e for doc in docs for e in doc.edits)]
        if edits:
            summary.changed += 1
            summary.edits.update(e.stage for e in edits)
            summary.changes.add(edits)
        summary.suggestions += sum(len(doc.suggestions) for doc in docs)
        if self._log_edits and (entry := changed_entry(self._file, record, docs, written, is_whole=is_whole)):
            self._edits.append(json_line(entry))

    def done(self, output: bytes, is_midline: bool | None) -> Written:
        """Return all of it."""
        rejects, edits = b"".join(self._rejects), b"".join(self._edits)
        return Written(self._task.job, self._task.read, output, rejects, edits, self.summary, is_midline)
