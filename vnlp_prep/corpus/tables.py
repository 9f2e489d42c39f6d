"""Rows of Arrow tables (Parquet, Ray, `datasets`) as records: the texts in them, and how they are put back.

What ``formats.py`` does for lines. pyarrow (the extra ``parquet``) is imported when it is needed, not with this module.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vnlp_prep.corpus.json_fields import Path
from vnlp_prep.corpus.records import CUT_BYTES, Line, Problem
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

#: The most bytes that a code point takes in UTF-8.
_BYTES_PER_CHARACTER = 4
#: Columns that a message lists.
_SHOWN_COLUMNS = 10


@dataclass(slots=True)
class Row:
    """One row of a batch: a Record of a table.

    ``line`` has the number of the row, counted from 1, and its offset is 0; its bytes are there only if the row is rejected:
    the row as JSON. ``index`` is the place of the row in its batch. A row without texts is passed on as it is.
    """

    line: Line
    index: int
    paths: list[Path] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    #: Why the row is rejected, None if it is not.
    problem: Problem | None = None


class TableFormat:
    """Finds the texts of rows, and puts them back.

    A field is the name of a column, or names with dots between that lead into structs (``meta.title``); a column whose own name
    has the dots goes first. Its type is a string of any kind, also in a dictionary. ``on_missing`` says what becomes of a row
    in which a field is null: ``reject`` or ``pass`` (its other fields are still cleaned). A text of more than
    ``max_text_bytes`` as UTF-8 rejects its row.
    """

    def __init__(self, fields: Sequence[str], on_missing: str = "reject", max_text_bytes: int = 64 * 1024 * 1024) -> None:
        self.fields = tuple(dict.fromkeys(fields))
        self.on_missing = on_missing
        self.max_text_bytes = max_text_bytes

    def check(self, schema: pa.Schema, name: str) -> None:
        """Raise InputError if a field names no column, or one that holds no strings; ``name`` is what is being read.

        With ``on_missing="pass"`` columns may lack as long as one is there. A column that is null in every row, and so has no
        other type, is one of strings.
        """
        import pyarrow as pa

        there = 0
        for wanted in self.fields:
            path = _path_in(schema, wanted)
            if path is not None:
                kind = _type_at(schema, path)
                if not (_is_text(kind) or pa.types.is_null(kind)):
                    raise InputError(f"{name}: the column {wanted!r} holds {kind}, not strings")
                there += 1
            elif self.on_missing == "reject":
                raise InputError(f"{name}: no column {wanted!r}{_hint(schema, wanted)}")
        if not there:
            wanted = self.fields[0] if self.fields else ""
            raise InputError(f"{name}: none of the columns {', '.join(map(repr, self.fields))}{_hint(schema, wanted)}")

    def read(self, batch: pa.RecordBatch, first_row: int) -> list[Row]:
        """Return the rows of ``batch``, the first of which has the number ``first_row`` (from 1); bad ones with their problem."""
        rows = [Row(Line(first_row + i, 0, b"", 0), i) for i in range(batch.num_rows)]
        for name in self.fields:
            path = _path_in(batch.schema, name)
            values: Iterable[Any] = [None] * len(rows) if path is None else _texts(_column_at(batch, path))
            for row, value in zip(rows, values, strict=True):
                if row.problem is not None:
                    continue
                if isinstance(value, str):
                    if path is not None and not (problem := self._too_long(value, name)):
                        row.paths.append(path)
                        row.texts.append(value)
                        continue
                    row.problem = problem
                elif value is not None:
                    row.problem = Problem("invalid-utf-8", f"the field {name!r} is not UTF-8", name)
                elif self.on_missing == "reject":
                    row.problem = _why_null(batch, row.index, path, name)
        for row in rows:
            if row.problem is not None:
                self.reject(batch, row, row.problem)
        return rows

    def reject(self, batch: pa.RecordBatch, row: Row, problem: Problem) -> None:
        """Give ``row``, which is one of ``batch``, a problem, and its line the bytes that the rejects file shows."""
        row.problem = problem
        values = {name: plain_value(column[row.index]) for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        raw = json.dumps(values, default=str).encode("ascii")
        held = len(raw) if len(raw) <= self.max_text_bytes else min(CUT_BYTES, self.max_text_bytes)
        row.line = Line(row.line.number, 0, raw[:held], len(raw))

    def write(self, batch: pa.RecordBatch, rows: Sequence[Row], cleaned: Sequence[Sequence[str]]) -> pa.RecordBatch:
        """Return ``batch`` without the rows that have a problem, and with ``cleaned`` for the texts of the others.

        ``rows`` are all of the batch; ``cleaned`` has an entry for each, which for a row with a problem does not matter. Only a
        column in which a text changed is made anew; the schema with all its metadata stays as it was.
        """
        import pyarrow as pa

        good = [(row, texts) for row, texts in zip(rows, cleaned, strict=True) if row.problem is None]
        columns = batch.columns
        if len(good) < len(rows):
            runs = _runs([row.index for row, _ in good])
            columns = [pa.concat_arrays([column.slice(start, size) for start, size in runs]) for column in columns]
        changed: dict[Path, dict[int, str]] = {}
        for place, (row, texts) in enumerate(good):
            for path, old, new in zip(row.paths, row.texts, texts, strict=True):
                if old != new:
                    changed.setdefault(path, {})[place] = new
        if not changed and len(good) == len(rows):
            return batch
        for path, texts_at in changed.items():
            at = batch.schema.get_field_index(path[0])
            columns[at] = _replaced(columns[at], path[1:], texts_at)
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)

    def _too_long(self, text: str, name: str) -> Problem | None:
        cap = self.max_text_bytes
        if len(text) * _BYTES_PER_CHARACTER <= cap or (size := len(text.encode("utf-8"))) <= cap:
            return None
        return Problem("line-too-long", f"{size:,} bytes are more than --max-line-bytes ({cap:,})", name)


def plain_value(scalar: pa.Scalar) -> Any:
    """Return a value as Python has it; one that it cannot hold (a date in the year 300,000, a string not in UTF-8) as text."""
    try:
        return scalar.as_py()
    except Exception:
        try:
            return scalar.as_buffer().to_pybytes().decode("utf-8", "surrogateescape")
        except Exception:
            return f"({scalar.type} that cannot be shown)"


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    view = getattr(pa.types, "is_string_view", None)  # not in the oldest pyarrow that will do
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or (view and view(kind)))


def _path_in(schema: pa.Schema, name: str) -> Path | None:
    """Return the names that lead to the column of a field, None if there is none (or more than one of a name)."""
    if schema.get_field_index(name) >= 0:
        return (name,)
    path = tuple(name.split("."))
    return path if _type_at(schema, path) is not None else None


def _type_at(schema: pa.Schema, path: Path) -> pa.DataType | None:
    import pyarrow as pa

    at = schema.get_field_index(path[0])
    kind = schema.field(at).type if at >= 0 else None
    for key in path[1:]:
        if kind is None or not pa.types.is_struct(kind) or (at := kind.get_field_index(key)) < 0:
            return None
        kind = kind.field(at).type
    return kind


def _hint(schema: pa.Schema, name: str) -> str:
    """Return which column may have been meant, or which there are."""
    from vnlp_prep.corpus.settings import did_you_mean

    names = [name for column in schema for name in _names(column, "")]
    if meant := did_you_mean(name, names):
        return meant
    more = ", ..." if len(names) > _SHOWN_COLUMNS else ""
    return f" (columns: {', '.join(names[:_SHOWN_COLUMNS])}{more})"


def _names(column: pa.Field, before: str) -> Iterable[str]:
    import pyarrow as pa

    yield before + column.name
    if pa.types.is_struct(column.type):
        for child in column.type:
            yield from _names(child, f"{before}{column.name}.")


def _column_at(batch: pa.RecordBatch, path: Path) -> pa.Array:
    """Return the column at ``path``; where a struct around it is null, so is it."""
    array = batch.column(batch.schema.get_field_index(path[0]))
    for key in path[1:]:
        array = array.flatten()[array.type.get_field_index(key)]
    return array


def _texts(array: pa.Array) -> list[Any]:
    """Return the strings of a column; None for null, False for what is not UTF-8 (Arrow does not look when it reads Parquet)."""
    try:
        values: list[Any] = array.to_pylist()
    except UnicodeDecodeError:
        values = [_text(scalar) for scalar in array]
    return values


def _text(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return False


def _why_null(batch: pa.RecordBatch, index: int, path: Path | None, name: str) -> Problem:
    """Return why a row has no text at ``path``: the same as JsonLines says of such a record."""
    if path is None:
        return Problem("field-missing", f"no field {name!r}", name)
    for depth in range(1, len(path)):
        if not _column_at(batch, path[:depth])[index].is_valid:
            return Problem("field-missing", f"no field {name!r}: {'.'.join(path[:depth])!r} is null, not an object", name)
    return Problem("field-null", f"the field {name!r} is null", name)


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return ascending places as runs: first place, how many. Arrow can slice every type, but not filter it."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((place, 1))
    return runs or [(0, 0)]


def _replaced(array: pa.Array, path: Path, texts: dict[int, str]) -> pa.Array:
    """Return ``array`` with the texts at ``path`` in it replaced in some rows; type and nulls stay."""
    import pyarrow as pa

    if path:
        children = [array.field(i) for i in range(array.type.num_fields)]
        at = array.type.get_field_index(path[0])
        children[at] = _replaced(children[at], path[1:], texts)
        mask = array.is_null() if array.null_count else None
        return pa.StructArray.from_arrays(children, fields=list(array.type), mask=mask)
    # What is not UTF-8 here belongs to a struct that is null.
    values = ["" if value is False else value for value in _texts(array)]
    for i, text in texts.items():
        values[i] = text
    if not pa.types.is_dictionary(array.type):
        return pa.array(values, array.type)
    # Of the values that are left: those that were cleaned are never more than before, so the type of the index still does.
    kinds = {value: i for i, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
    indices = pa.array([None if v is None else kinds[v] for v in values], array.type.index_type)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(kinds), array.type.value_type), ordered=array.type.ordered)
