"""The records of the user's files as documents to count: read, and rejected, exactly as the cleaning does; and Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson

from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.parquet import cannot_read, parquet_file
from vnlp_prep.corpus.readers import Input, format_of
from vnlp_prep.corpus.records import Line, Problem, Record, shown
from vnlp_prep.corpus.tables import plain_value
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from vnlp_prep.corpus.chunks import Chunk
    from vnlp_prep.corpus.run import Options

_PARQUET_ROWS = 256  # read at a time


@dataclass
class Document:
    """One record: where it stands, its texts (none if it is blank, bad, or passed on without its fields), its name.

    ``paths`` are the keys that lead to each of the texts (empty for plain text).
    """

    file: str
    line: Line
    texts: list[str] = field(default_factory=list)
    paths: list[tuple[str, ...]] = field(default_factory=list)
    is_blank: bool = False
    #: The value of the field that names the record or its source: as JSON has it, None if there is none.
    name: Any = None
    problem: Problem | None = None
    #: What was read of a line; None for a bad one, and for the row of a table.
    record: Record | None = None


class Source:
    """One input of the corpus. Raises InputError when it is made if it cannot be read."""

    def __init__(self, path: str, options: Options, format: str | None, name_field: str | None) -> None:
        """``format``: ``jsonl``, ``text`` or ``parquet``; None goes by the name."""
        self.path = path
        self.options = options
        self.name_field = name_field
        self.input = Input(path, options.limits, Decoder(options.encoding))
        self.format = format or format_of(path)
        if self.format == "parquet":
            with parquet_file(path) as file:
                self.options.table().check(file.schema_arrow, self.input.name)
        else:
            self.input.check()
            self._reader = options.format(self.format)

    def documents(self) -> Iterator[Document]:
        """Yield the records in their order, bad ones with their problem. Raises InputError."""
        if self.format == "parquet":
            yield from self._rows()
            return
        for chunk in self._chunks():
            for line in chunk.lines():
                yield self._document(line)

    def document_at(self, number: int) -> Document | None:
        """Return the record in line (of Parquet: row) ``number``, counted from 1; None behind the last. Raises InputError."""
        if self.format == "parquet":
            return next((document for document in self._rows() if document.line.number == number), None)
        for chunk in self._chunks():
            for line in chunk.lines():
                if line.number == number:
                    return self._document(line)
        return None

    @property
    def _is_whole(self) -> bool:
        return self.format == "text" and self.options.whole_file

    def _chunks(self) -> Iterator[Chunk]:
        return self.input.chunks(None, is_whole=self._is_whole)

    def _document(self, line: Line) -> Document:
        document = Document(shown(self.path), line)
        try:
            self._check(line, self._is_whole)
            record = self._reader.read(line)
            document.texts, document.paths, document.is_blank = record.texts, record.paths, record.is_blank
            document.record = record
            document.name = self._name_of(record)
        except Problem as problem:
            document.problem = problem
        return document

    def _check(self, line: Line, is_whole: bool) -> None:
        cap = self.options.limits.max_line_bytes
        if line.is_cut:
            raise Problem("line-too-long", f"{line.length:,} bytes are more than --max-line-bytes ({cap:,})")
        if self.input.damage and (is_whole or not line.raw.endswith(b"\n")):
            raise Problem("truncated-archive", self.input.damage)

    def _name_of(self, record: Record) -> Any:
        if self.name_field is None or self.format != "jsonl" or not record.texts:
            return None
        return _name_in(orjson.loads(record.body), self.name_field)

    def _rows(self) -> Iterator[Document]:
        """Yield the rows of a Parquet file; a row counts as a line, and what is kept of a bad one is its text as JSON."""
        pyarrow = import_module("pyarrow")
        file = parquet_file(self.path)
        table = self.options.table()
        wanted = [*self.options.fields, *([self.name_field] if self.name_field else [])]
        names = file.schema_arrow.names
        columns = list(dict.fromkeys(c for name in wanted if (c := name if name in names else name.split(".")[0]) in names))
        number = 1
        try:
            for batch in file.iter_batches(_PARQUET_ROWS, columns=columns):
                # What a row takes in the file cannot be told: they count as equal.
                self.input.packed = (self.input.size or 0) * (number - 1 + batch.num_rows) // file.metadata.num_rows
                for row, name in zip(table.read(batch, number), self._row_names(batch), strict=True):
                    texts = row.texts if row.problem is None else []
                    yield Document(shown(self.path), row.line, texts, row.paths, name=name, problem=row.problem)
                number += batch.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise cannot_read(self.path, error) from None
        finally:
            file.close()

    def _row_names(self, batch: Any) -> list[Any]:
        """Return what names each row, as a document has it."""
        name, columns = self.name_field, batch.schema.names
        if name is None or (column := name if name in columns else name.split(".")[0]) not in columns:
            return [None] * batch.num_rows
        return [_name_in({column: plain_value(value)}, name) for value in batch.column(column)]


_MISSING = object()


def _value_at(record: dict[str, Any], name: str) -> Any:
    """Return the value of a field (``a.b``: in the object ``a``; a key with the dot goes first), or _MISSING."""
    if name in record:
        return record[name]
    value: Any = record
    for key in name.split("."):
        if not isinstance(value, dict) or key not in value:
            return _MISSING
        value = value[key]
    return value


def _name_in(record: dict[str, Any], name: str) -> Any:
    value = _value_at(record, name)
    return None if value is _MISSING else value


def source_name(value: Any) -> str | None:
    """Return the name of a record's source, if ``value`` is one: a string or a number."""
    return str(value) if isinstance(value, (str, int, float)) and value != "" else None


def sources(paths: Sequence[str], options: Options, format: str | None, name_field: str | None) -> list[Source]:
    """Return the inputs of a corpus, all checked before any is read; ``name_field`` see Document. Raises InputError."""
    if list(paths).count("-") > 1:
        raise InputError("standard input can be read only once")
    return [Source(path, options, format, name_field) for path in paths]
