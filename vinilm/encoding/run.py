"""The loop: read, encode, write, count. It knows neither the command line nor a terminal, nor what computes the vectors."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vinilm.encoding.chunks import Chunk, read_chunks
from vinilm.encoding.journal import Entry, Journal
from vinilm.encoding.outputs import Ids, Output
from vnlp_prep.corpus.journal import CannotResumeError, check_same
from vnlp_prep.corpus.logs import LineLog
from vnlp_prep.corpus.records import shown

if TYPE_CHECKING:
    from vinilm.encoding.engine import Encoded, Engine
    from vnlp_prep.corpus.documents import Source


@dataclass
class Summary:
    """What a run did."""

    #: Records that have a vector, those of an interrupted run included.
    records: int = 0
    #: Records that an interrupted run had done.
    resumed: int = 0
    blank_lines: int = 0
    #: Bytes read, unpacked.
    bytes_read: int = 0
    #: Tokens of this run and of the interrupted one, special ones included.
    tokens: int = 0
    #: Tokens that an interrupted run had done.
    resumed_tokens: int = 0
    #: Texts whose ends were left out.
    truncated: int = 0
    #: Seconds of this run, without those for loading the model and for reading again what was done.
    seconds: float = 0.0
    rejects: Counter[str] = field(default_factory=Counter)
    #: Files to which rejects were written.
    reject_files: list[str] = field(default_factory=list)
    #: Inputs that could not be read to their end, with the reason.
    damaged: list[tuple[str, str]] = field(default_factory=list)


#: Called after each chunk with what was done so far and the chunk.
Watcher = Callable[[Summary, Chunk], None]


@dataclass(frozen=True)
class Run:
    """One run: the inputs, what computes their vectors, and where these go."""

    sources: Sequence[Source]
    engine: Engine
    output: Output
    #: The partial output, which this run has to itself.
    journal: Journal
    #: Where rejected records go.
    rejects: str
    #: All that the output depends on, see :func:`vinilm.encoding.settings.run_settings`.
    settings: dict[str, Any]
    #: Records in a chunk.
    chunk_records: int
    id_field: str | None = None

    def run(self, *, resume: bool, watch: Watcher | None = None) -> Summary:
        """Encode the inputs and return what was done.

        ``resume``: go on where an interrupted run of the same settings and inputs stopped, if there is one. Raises
        CannotResumeError if they have changed since, InputError and OutputError for what stops the run; then the chunks that
        are done stay in the journal.
        """
        summary = Summary()
        done = self._done(resume)
        log = LineLog(self.rejects)
        ids = Ids(self.output.path)
        chunks = read_chunks(self.sources, self.chunk_records, self.id_field)
        try:
            for chunk in self._skipped(chunks, done):
                self._settle(chunk, self.journal.entries[chunk.number], ids, log, summary)
            summary.resumed, summary.resumed_tokens = summary.records, summary.tokens
            started = time.perf_counter()
            with closing(self.engine(chunks)) as results:
                for encoded in results:
                    data = encoded.vectors.tobytes()
                    entry = _entry(encoded, data)
                    self.journal.append(data, entry)
                    self._settle(encoded.chunk, entry, ids, log, summary)
                    summary.seconds = time.perf_counter() - started
                    if watch:
                        watch(summary, encoded.chunk)
            summary.damaged = [(s.input.name, s.input.damage) for s in self.sources if s.input.damage]
            log.keep()
            if log.close():
                summary.reject_files.append(self.rejects)
            self.output.finish(self.journal, ids, summary.records)
            summary.seconds = time.perf_counter() - started
        finally:
            log.close()
            ids.close()
        return summary

    def _done(self, resume: bool) -> int:
        """Return the number of chunks that are done, with the partial output ready to go on behind them."""
        header, layout = self.output.header_bytes, self.output.layout
        if resume and self.journal.settings is not None and self.journal.entries:
            check_same(self.journal.settings, self.settings, shown(self.output.path))
            self.journal.go_on(header, layout.row_bytes)
        else:
            self.journal.start(self.settings, header)
        return len(self.journal.entries)

    def _skipped(self, chunks: Iterator[Chunk], done: int) -> Iterator[Chunk]:
        """Read the chunks that are done once more: their ids and rejects are wanted, and nothing else may stand there now."""
        for _ in range(done):
            chunk = next(chunks, None)
            if chunk is None or self.journal.entries[chunk.number].read != chunk.digest():
                where = f"{chunk.source}: changed" if chunk else "the inputs changed"
                raise CannotResumeError(
                    f"{where} since the interrupted run: its records are not those that were read then; "
                    "leave --resume off to begin from the beginning"
                )
            chunk.reject(self.journal.entries[chunk.number].failed)
            yield chunk

    def _settle(self, chunk: Chunk, entry: Entry, ids: Ids, log: LineLog, summary: Summary) -> None:
        """Write the ids and rejects of a chunk whose vectors are written, and count it."""
        ids.add(chunk.ids)
        for reject in chunk.rejects:
            log.write(reject)
            summary.rejects[reject["reason"]] += 1
        summary.records += entry.rows
        summary.tokens += entry.tokens
        summary.truncated += entry.truncated
        summary.blank_lines += chunk.blank_lines
        summary.bytes_read += chunk.bytes_read


def _entry(encoded: Encoded, data: bytes) -> Entry:
    return Entry(
        rows=len(encoded.vectors),
        tokens=encoded.tokens,
        truncated=encoded.truncated,
        read=encoded.digest,
        written=hashlib.sha256(data).hexdigest(),
        failed=encoded.failed,
    )
