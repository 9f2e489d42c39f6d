"""What terms a model has been given: ``domain_terms.tsv`` in its folder, one term a line, in the order of their choice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vinilm.errors import ModelError
from vinilm.vocabulary.selection import Term

#: The file. It goes with the model when that is trained or exported.
RECORD = "domain_terms.tsv"
_COLUMNS = ("id", "slot", "term", "documents", "score", "saved", "pieces")


class Entry(NamedTuple):
    """A term and the place that it has in the vocabulary."""

    id: int
    #: The token that had the place before, as ``[unused0]``.
    slot: str
    term: Term


def read_record(folder: Path, tokens: Sequence[str]) -> list[Entry]:
    """Return the terms that ``folder`` says the vocabulary ``tokens`` was given.

    No file: no terms. Raises ModelError, with the line, for a file that is not as it was written, or not of this vocabulary.
    """
    file = folder / RECORD
    if not file.exists():
        return []
    try:
        lines = file.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{file}: cannot be read: {error}") from error
    if tuple(lines[0].split("\t")) != _COLUMNS:
        raise ModelError(f"{file}, line 1: the columns are not {', '.join(_COLUMNS)}; get the file again, or delete it")
    found = []
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        try:
            place, slot, name, documents, score, saved, pieces = cells
            term = Term(name, tuple(pieces.split(" ")), int(documents), int(score), int(saved))
            at = int(place)
        except ValueError:
            raise ModelError(f"{file}, line {number}: not a term as it was written; get the file again, or delete it") from None
        if not 0 <= at < len(tokens) or tokens[at] != name:
            raise ModelError(
                f"{file}, line {number}: {name!r:.80} is not the token {at} of the vocabulary; the file is of another model: "
                "get the model's files again, or delete this one"
            )
        found.append(Entry(at, slot, term))
    return found


def write_record(folder: Path, entries: Sequence[Entry]) -> None:
    """Write the terms with their places. Raises OSError."""
    lines = ["\t".join(_COLUMNS)]
    for place, slot, t in entries:
        lines.append("\t".join(map(str, (place, slot, t.term, t.documents, t.score, t.saved, " ".join(t.pieces)))))
    (folder / RECORD).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
