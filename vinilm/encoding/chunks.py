"""The records of the inputs, in chunks: the unit of computing, of the journal, and of memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import orjson

from vnlp_prep.corpus.records import Problem, reject_dict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from vnlp_prep.corpus.documents import Document, Source

#: What names a record: a string or an integer, as it stands in the JSON.
Id: TypeAlias = str | int

#: The field that names a record, if no other was asked for.
ID_FIELD = "id"
#: A chunk ends here, however few its records: code points of texts, and bytes of rejected lines.
CHUNK_SIZE = 16 * 1024 * 1024


@dataclass
class Chunk:
    """Some records in a row, good and bad, and what was read to get to them."""

    number: int
    documents: list[Document] = field(default_factory=list)
    blank_lines: int = 0
    #: Bytes of these records and blank lines, unpacked.
    bytes_read: int = 0
    #: Bytes of all inputs so far, as they are packed.
    packed: int = 0
    #: The input that was being read.
    source: str = ""

    @property
    def good(self) -> list[Document]:
        """The records that have a vector, or shall have one."""
        return [d for d in self.documents if d.problem is None]

    @property
    def texts(self) -> list[str]:
        """The text of each good record: its fields, with a line break between."""
        return ["\n".join(d.texts) for d in self.good]

    @property
    def ids(self) -> list[Id]:
        """The name of each good record."""
        return [d.name for d in self.good]

    @property
    def rejects(self) -> Iterator[dict[str, Any]]:
        """What the rejects file says of each bad record."""
        for d in self.documents:
            if d.problem is not None:
                yield reject_dict(d.file, d.line, d.problem)

    def digest(self) -> str:
        """Return the SHA-256 (hexadecimal) of ids and texts: chunks that are equal have equal vectors under equal names."""
        return hashlib.sha256(orjson.dumps([self.ids, self.texts])).hexdigest()

    def reject(self, places: Iterable[tuple[int, str]]) -> None:
        """Make bad ones of good records, by their place among these and the reason."""
        good = self.good
        for place, reason in places:
            good[place].problem = Problem("internal-error", reason)


def read_chunks(sources: Sequence[Source], records: int, id_field: str | None) -> Iterator[Chunk]:
    """Yield the records of all ``sources`` in chunks of so many, the last one smaller; blank lines do not count.

    ``id_field`` names each record; a record without it is rejected. None: the field ``id`` where there is one, else the
    place, ``FILE:LINE``. Raises InputError.
    """
    chunk = Chunk(0)
    size = packed = 0
    for source in sources:
        for document in source.documents():
            chunk.bytes_read += document.line.length
            if document.is_blank:
                chunk.blank_lines += 1
                continue
            _check(document, source, id_field)
            if document.problem is None:
                size += sum(map(len, document.texts))
                document.line.raw = b""  # the texts are all that is needed now
            else:
                document.texts = []
                size += len(document.line.raw)
            chunk.documents.append(document)
            if len(chunk.documents) == records or size >= CHUNK_SIZE:
                chunk.packed, chunk.source = packed + source.input.packed, source.input.name
                yield chunk
                chunk, size = Chunk(chunk.number + 1), 0
        packed += source.input.size or 0
        chunk.source = source.input.name
    chunk.packed = packed
    yield chunk  # the last one may be empty: it counts the blank lines behind the others


def _check(document: Document, source: Source, id_field: str | None) -> None:
    """Give the record its name, or a problem if it has no text or no name."""
    if document.problem is not None:
        return
    if not document.texts:
        fields = ", ".join(map(repr, source.options.fields))
        document.problem = Problem("field-missing", f"none of the fields {fields} has a text")
    elif isinstance(document.name, bool) or not isinstance(document.name, (str, int)):
        if id_field is None:
            document.name = f"{document.file}:{document.line.number}"
        elif document.name is None:
            document.problem = Problem("id-missing", f"no field {id_field!r}, or it is null", id_field)
        else:
            document.problem = Problem("id-not-usable", f"the field {id_field!r} is no string and no integer", id_field)
