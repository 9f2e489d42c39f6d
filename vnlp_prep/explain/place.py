"""``FILE:LINE`` -> the texts that stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep.corpus.documents import Source
from vnlp_prep.corpus.readers import known_format
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from vnlp_prep.corpus.run import Options

# Behind the line may stand the field and the column in it, or only the column: `check` writes places so.
_PLACE = re.compile(r":(?P<line>[0-9]{1,18})(?::(?P<field>[^:\s]*[^:\s0-9][^:\s]*))?(?::[0-9]{1,18})?:?")


class Place(NamedTuple):
    """A line of a file (of Parquet: a row), counted from 1; a field, if one is named."""

    path: str
    line: int
    field: str | None = None


class FieldText(NamedTuple):
    """A text of a record, and the field that it is in; None for plain text."""

    field: str | None
    text: str


def place_in(argument: str) -> Place | None:
    """Return the place that ``argument`` names, if there is such a file; None if it is a text, whatever colons are in it."""
    for colon in re.finditer(":", argument):
        m = _PLACE.fullmatch(argument, colon.start())
        if m and _is_file(argument[: colon.start()]):
            return Place(argument[: colon.start()], int(m["line"]), m["field"])
    return None


def missing_file(argument: str) -> str | None:
    """Return the name of the file that may have been meant by what is taken for a text."""
    m = re.fullmatch(r"([^\s:]+):[0-9]+", argument)
    return m[1] if m and known_format(m[1]) else None


def texts_at(place: Place, options: Options, format: str | None) -> list[FieldText]:
    """Return the texts of the record at ``place``, one for each field of ``options``.

    Raises InputError, with file, line and field, if there is no such line, or no text in it.
    """
    where = f"{shown(place.path)}:{place.line}"
    if place.line < 1:
        raise InputError(f"{where}: lines are counted from 1")
    source = Source(place.path, options, format, None)
    document = source.document_at(place.line)
    if document is None:
        raise InputError(
            f"{where}: the file has not so many lines" + (f" ({source.input.damage})" if source.input.damage else "")
        )
    if document.problem is not None:
        raise InputError(f"{where}: {document.problem.sentence}")
    if document.is_blank:
        raise InputError(f"{where}: the line is blank")
    if source.format == "text":
        return [FieldText(None, document.texts[0])]
    return [FieldText(*pair) for pair in zip(dict.fromkeys(options.fields), document.texts, strict=True)]


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False
