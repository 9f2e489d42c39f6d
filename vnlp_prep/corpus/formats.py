"""What a line is: a JSON object with text fields, or plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.json_fields import Path, parse_object, replace_strings, type_name
from vnlp_prep.corpus.records import BOM, Line, Problem, Record
from vnlp_prep.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Sequence

_BOM_EDIT = Edit("input", "byte-order-mark", 0, 1, "\ufeff", "", 1.0)


class Format(Protocol):
    """How the texts of a line are found, and put back."""

    def read(self, line: Line) -> Record:
        """Return the record in ``line``. Raises Problem if it cannot be cleaned."""

    def write(self, record: Record, texts: Sequence[str]) -> bytes:
        """Return the line with ``texts`` for the record's own. Raises Problem."""


class JsonLines:
    """A line is a JSON object; the texts are string values in it.

    A field is named by its key, or by the keys that lead to it with dots between (``meta.title``); a key that itself
    has the dots goes first. ``on_missing`` says what becomes of a record in which a field is missing or no string:
    ``reject`` or ``pass`` (its other fields are still cleaned).
    """

    def __init__(self, fields: Sequence[str] = ("text",), on_missing: str = "reject", encoding: str = "utf-8") -> None:
        self.fields = tuple(dict.fromkeys(fields))
        self.on_missing = on_missing
        self.decoder = Decoder(encoding)

    def read(self, line: Line) -> Record:
        """Return the record in ``line``. Raises Problem if it is not strictly JSON, not an object, or lacks a field."""
        raw = line.raw
        record = Record(line, *((raw[:-1], b"\n") if raw.endswith(b"\n") else (raw, b"")))
        if raw.startswith(BOM):  # inside a file too: files are put together with `cat`
            record.body = record.body[len(BOM) :]
            record.notes = [_BOM_EDIT]
        if not record.body.strip(b" \t\r"):
            record.is_blank = True
            return record
        try:
            value = parse_object(record.body)
        except Problem as problem:
            if problem.code != "invalid-utf-8":
                raise
            text, record.encoding = self.decoder.decode(record.body)
            record.body = text.encode("utf-8")
            value = parse_object(record.body)
        for name in self.fields:
            try:
                path, text = _text_at(value, name)
            except Problem:
                if self.on_missing == "reject":
                    raise
            else:
                record.paths.append(path)
                record.texts.append(text)
        return record

    def write(self, record: Record, texts: Sequence[str]) -> bytes:
        """Return the line with ``texts`` for the record's own, every other byte as it was."""
        changed = {p: new for p, old, new in zip(record.paths, record.texts, texts, strict=True) if new != old}
        if not changed:
            return record.unchanged()
        return replace_strings(record.body, changed) + record.end


def _text_at(record: dict[str, Any], name: str) -> tuple[Path, str]:
    """Return the keys that lead to the field ``name`` and its text. Raises Problem if there is none."""
    path = (name,) if name in record else tuple(name.split("."))
    value: Any = record
    for depth, key in enumerate(path):
        if not isinstance(value, dict):
            where = ".".join(path[:depth])
            raise Problem("field-missing", f"no field {name!r}: {where!r} is {type_name(value)}, not an object", name)
        if key not in value:
            raise Problem("field-missing", f"no field {name!r}", name)
        value = value[key]
    if value is None:
        raise Problem("field-null", f"the field {name!r} is null", name)
    if not isinstance(value, str):
        raise Problem("field-not-text", f"the field {name!r} is {type_name(value)}, not a string", name)
    return path, value


class TextLines:
    """A line is a text; or, with ``whole_file``, the whole file is one.

    One line comes out for one that goes in: line breaks that cleaning makes inside a line (``<br>``) become spaces.
    """

    def __init__(self, encoding: str = "utf-8", whole_file: bool = False) -> None:
        self.decoder = Decoder(encoding)
        self.whole_file = whole_file

    def read(self, line: Line) -> Record:
        """Return the record in ``line``. Raises Problem if it cannot be decoded."""
        body, end = line.raw, b""
        for newline in () if self.whole_file else (b"\r\n", b"\n"):
            if body.endswith(newline):
                body, end = body[: -len(newline)], newline
                break
        record = Record(line, body, end)
        if line.number == 1 and body.startswith(BOM):
            record.body = body[len(BOM) :]
            record.notes = [_BOM_EDIT]
        if not record.body.strip(b" \t\r\n"):
            record.is_blank = True
            return record
        text, record.encoding = self.decoder.decode(record.body)
        if record.encoding:
            record.body = text.encode("utf-8")
        record.paths, record.texts = [()], [text]
        return record

    def write(self, record: Record, texts: Sequence[str]) -> bytes:
        """Return the line with ``texts`` for the record's own."""
        if list(texts) == record.texts:
            return record.unchanged()
        text = texts[0]
        if not self.whole_file:
            text = text.replace("\r", " ").replace("\n", " ")
        return text.encode("utf-8") + record.end
