"""A part of an input -> its shard, its rejects, and the record that it is done. This is what an actor does; it can be done again.

What is written does not depend on who writes it or how often, and stands under its name whole or not at all. The record comes
last: a part with a record is done.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vnlp_prep.corpus.chunks import Chunk
from vnlp_prep.corpus.cleaning import ChunkCleaner, Task
from vnlp_prep.corpus.packing import packed
from vnlp_prep.corpus.parquet import read_batches, row_group_chunks, writing_options
from vnlp_prep.corpus.readers import split_name
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.run import Job, Options
from vnlp_prep.corpus.summary import Summary
from vnlp_prep.engines.parts import Part, PartReader, table_file
from vnlp_prep.engines.storage import WORK, Folder
from vnlp_prep.errors import WorkerError

if TYPE_CHECKING:
    import pyarrow as pa

    from vnlp_prep.corpus.cleaning import Cleaner, Written

#: The folder, in that of the output, for the rejects.
REJECTS = "_rejects"
#: Where it is counted how often a part was begun.
TRIES = f"{WORK}/tries"
#: How often a part may cost its process its life. (A machine that is taken away costs each part a try as well.)
_MOST_TRIES = 3


def record_name(part: Part) -> str:
    """Return where the record of a part stands."""
    return f"{WORK}/done/{part.shard}.json"


def raw_rejects_name(part: Part) -> str:
    """Return where the rejects of a part stand as long as the numbers of their lines count from its beginning."""
    return f"{WORK}/rejects/{part.shard}.jsonl"


def rejects_name(part: Part) -> str:
    """Return where the rejects of a part stand in the end."""
    return f"{REJECTS}/{part.shard.split('.')[0]}.jsonl"


@dataclass
class Done:
    """The record of a part: how many lines it had, what was done with them, what is wrong with its archive."""

    shard: str
    lines: int
    summary: dict[str, Any]
    damage: str | None = None

    def to_json(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(vars(self)).encode("ascii")

    @classmethod
    def from_json(cls, data: bytes) -> Done:
        """Return what ``to_json`` wrote."""
        return cls(**json.loads(data))


class PartCleaner:
    """Cleans parts into a folder; travels to the actors.

    An engine begins again what a process that died was at. So that a part that kills its process does not do so for ever, it is
    counted how often it was begun.
    """

    def __init__(self, cleaner: Cleaner, options: Options, folder: str) -> None:
        self._cleaner = cleaner
        self._options = options
        self._folder = folder

    def __call__(self, part: Part) -> Done:
        """Clean a part and return its record. Raises InputError, OutputError; WorkerError for one that was begun too often."""
        folder = Folder(self._folder)
        if known := folder.read(record_name(part), b""):  # by an actor that died before it could say so
            return Done.from_json(known)
        self._count_try(part, folder)
        job = Job(part.file.path, part.format, part.shard, "")
        work = _Work(ChunkCleaner(self._cleaner, self._options, [job], log_edits=False))
        with contextlib.ExitStack() as stack:
            work.rejects = _Late(stack, folder, raw_rejects_name(part))
            if part.format == "parquet":
                done = self._table(part, folder, work)
            else:
                done = self._lines(part, folder, work)
        folder.write(record_name(part), done.to_json())
        return done

    def _count_try(self, part: Part, folder: Folder) -> None:
        name = f"{TRIES}/{part.shard}"
        tries = int(folder.read(name, b"0"))
        if tries >= _MOST_TRIES:
            where = f"{shown(part.file.path)} from {'row group' if part.format == 'parquet' else 'byte'} {part.start:,} on"
            raise WorkerError(
                f"{where}: {tries} processes ended at it, all for lack of memory perhaps; give them more, or say a smaller "
                "--max-line-bytes; --resume goes on with the run"
            )
        folder.write(name, b"%d" % (tries + 1))

    def _lines(self, part: Part, folder: Folder, work: _Work) -> Done:
        reader = PartReader(part, self._options)
        is_midline = False
        with folder.writing(part.shard) as file:
            for chunk in reader.chunks():
                written = work.clean(chunk)
                file.write(written.output)
                if written.is_midline is not None:
                    is_midline = written.is_midline
            if is_midline and part.is_followed:
                file.write(packed(b"\n", split_name(part.shard)[1]))
        return Done(part.shard, reader.lines, work.summary.to_dict(), reader.damage)

    def _table(self, part: Part, folder: Folder, work: _Work) -> Done:
        import pyarrow as pa
        import pyarrow.parquet as pq

        row = part.first_row
        with table_file(part.file.path) as table, folder.writing(part.shard) as file:
            schema = table.schema_arrow
            with pq.ParquetWriter(file, schema, **writing_options(table)) as writer:
                for group in range(part.start, part.end or 0):
                    chunks = row_group_chunks(table, group, row, part.file.path)
                    cleaned = pa.Table.from_batches(
                        [batch for chunk in chunks for batch in read_batches(work.clean(chunk).output)], schema
                    )
                    if cleaned.num_rows:
                        writer.write_table(cleaned, row_group_size=cleaned.num_rows)
                    row += table.metadata.row_group(group).num_rows
        return Done(part.shard, 0, work.summary.to_dict())


class _Work:
    """Cleans the chunks of one part, counts, and writes the rejects."""

    def __init__(self, cleaner: ChunkCleaner) -> None:
        self.summary = Summary()
        self.rejects: _Late | None = None
        self._cleaner = cleaner

    def clean(self, chunk: Chunk) -> Written:
        """Return what is written for a chunk."""
        written = self._cleaner(Task(0, chunk, ""))
        self.summary.add(written.summary)
        if written.rejects:
            assert self.rejects is not None
            self.rejects.write(written.rejects)
        return written


class _Late:
    """A file that is there only if something is written to it."""

    def __init__(self, stack: contextlib.ExitStack, folder: Folder, name: str) -> None:
        self._stack = stack
        self._folder = folder
        self._name = name
        self._file: pa.NativeFile | None = None

    def write(self, data: bytes) -> None:
        """Add to the file."""
        if self._file is None:
            self._file = self._stack.enter_context(self._folder.writing(self._name))
        self._file.write(data)
