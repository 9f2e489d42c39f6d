"""JSON lines that a benchmark is made of: read strictly, packed or not; what is wrong is told with file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.json_fields import parse_object, type_name
from vnlp_prep.corpus.readers import Input, Limits
from vnlp_prep.corpus.records import BOM, Problem, shown
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]


def lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, bytes]]:
    """Yield the number (from 1) and the bytes of every line that is not blank, without its end. Raises InputError."""
    source = Input(str(path), Limits(), Decoder("utf-8"))
    for chunk in source.chunks():
        for line in chunk.lines():
            if line.is_cut:
                raise InputError(f"{source.name}, line {line.number}: {line.length:,} bytes are more than a line may have")
            body = line.raw.removeprefix(BOM).strip(b" \t\r\n")
            if body:
                yield line.number, body
    if source.damage:
        raise InputError(f"{source.name}: {source.damage}")


def records(path: str | os.PathLike[str]) -> Iterator[tuple[int, Json]]:
    """Yield the line number and the object of every record. Raises InputError with file and line."""
    for number, body in lines(path):
        try:
            yield number, parse_object(body)
        except Problem as problem:
            raise InputError(f"{shown(path)}, line {number}: {problem.sentence}") from None


def whole(path: Path) -> Json:
    """Return the object that a file is. Raises InputError."""
    try:
        return parse_object(path.read_bytes())
    except OSError as error:
        raise InputError(f"{shown(path)}: {(error.strerror or str(error)).lower()}") from None
    except Problem as problem:
        raise InputError(f"{shown(path)}: {problem.sentence}") from None


def string(record: Json, field: str, path: str | os.PathLike[str], number: int) -> str:
    """Return the string in ``field`` of a record. Raises InputError with file, line and field."""
    if field not in record:
        known = ", ".join(map(repr, record)) or "none"
        raise InputError(f"{shown(path)}, line {number}: no field {field!r} (fields: {known:.200})")
    value = record[field]
    if not isinstance(value, str):
        raise InputError(f"{shown(path)}, line {number}: the field {field!r} is {type_name(value)}, not a string")
    return value


def name(record: Json, field: str, path: str | os.PathLike[str], number: int) -> str:
    """Return the id in ``field`` of a record, a string or an integer, as a string. Raises InputError."""
    value = record.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = string(record, field, path, number)
    if not text:
        raise InputError(f"{shown(path)}, line {number}: the field {field!r} is empty")
    return text
