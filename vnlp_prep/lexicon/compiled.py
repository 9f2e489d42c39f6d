"""Compiled tables: strings in a trie, what is known of each in flat arrays, all in one file that is mapped, not loaded.

A dictionary of a word list costs a process a tenth of a second and twenty megabytes; a MARISA trie (S. Yata, 2011; package
``marisa-trie``) holds the same words in a twentieth of that, answers in about a microsecond and is ready once it is mapped, and
all processes share it. The number that the trie gives to a string is its row in the arrays.

The file: a line with the format, a BLAKE2b digest of all that follows, the length of the directory, the directory as JSON (the
key that the file was made for, remarks, and where each section lies), the sections. Nothing is used before the digest is right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from vnlp_prep.lexicon.cache import cache_folder, leave, mapped

FORMAT = b"vnlp-prep tables 2\n\0"
_DIGEST = 32  # bytes
_HEAD = len(FORMAT) + _DIGEST + 8
_ALIGN = 8
# How many answers a table remembers: looking up again what was just looked up is most of its work.
_REMEMBERED = 1 << 12


class Compiled(NamedTuple):
    """What a file holds: ``remarks`` of its maker, and sections, each with the type code of its items (``B`` for bytes)."""

    remarks: Mapping[str, str]
    sections: Mapping[str, memoryview]

    def text(self, name: str) -> str:
        """Return a section that is text."""
        return str(self.sections[name], "utf-8")


class Table:
    """Numbers by string: ``table.reader("zipf")("word")``; 0 for a string that is not in it."""

    def __init__(self, compiled: Compiled, name: str) -> None:
        """``name`` as it was given to ``packed_table``."""
        import marisa_trie

        self._compiled, self._name = compiled, name
        self._trie = marisa_trie.Trie().map(compiled.sections[f"{name}.trie"])
        self._get: Callable[[str, int], int] = self._trie.get
        self._longest = int(compiled.remarks[f"{name}.longest"])
        self._row = lru_cache(_REMEMBERED)(self._find)

    def __len__(self) -> int:
        return len(self._trie)

    def reader(self, column: str) -> Callable[[str], int]:
        """Return what gives the number that a column has for a string."""
        numbers, row, longest = self._compiled.sections[f"{self._name}.{column}"], self._row, self._longest

        def read(key: str) -> int:
            # What is longer is not there, and must not be remembered: it may be a megabyte.
            return numbers[row(key)] if len(key) <= longest else 0

        return read

    def _find(self, key: str) -> int:
        """Return the row of a string; -1, the last one, which is all zeros, if it has none."""
        if "\0" in key:
            return -1  # where the library would end the string
        try:
            return self._get(key, -1)
        except UnicodeEncodeError:
            return -1  # lone surrogates


def packed_table(name: str, columns: Mapping[str, tuple[str, Mapping[str, int]]]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the remarks and sections of a table: each column a type code (as of ``array``) and numbers by string.

    Raises KeyError for a string with a NUL.
    """
    from array import array

    import marisa_trie

    keys = list(dict.fromkeys(chain.from_iterable(numbers for _, numbers in columns.values())))
    trie = marisa_trie.Trie(keys)  # the same in whatever order they come
    rows = {key: trie[key] for key in keys}
    sections: dict[str, Any] = {f"{name}.trie": trie.tobytes()}
    for column, (code, numbers) in columns.items():
        values = array(code, bytes(array(code).itemsize * (len(keys) + 1)))
        for key, number in numbers.items():
            values[rows[key]] = number
        sections[f"{name}.{column}"] = values
    return {f"{name}.longest": str(max(map(len, keys), default=0))}, sections


def opened(name: str, key: str, make: Callable[[], tuple[dict[str, str], dict[str, Any]]]) -> Compiled:
    """Return what ``make`` returns as remarks and sections (``bytes`` or ``array``): from the cache, where it is left for others.

    ``key``: what the content depends on; a file that was made for another key is not used. A file that is damaged is made anew.
    """
    path = cache_folder() / f"{name}-{hashlib.sha256(FORMAT + key.encode()).hexdigest()[:32]}.bin"
    compiled = unpacked(mapped(path), key)
    if compiled is None:
        content = packed(key, *make())
        if leave(path, content):
            compiled = unpacked(mapped(path), key)
        if compiled is None:  # no cache folder to be had: the next process makes it again
            compiled = unpacked(memoryview(content), key)
            assert compiled is not None
    return compiled


def packed(key: str, remarks: Mapping[str, str], sections: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file; ``unpacked`` reads them back."""
    places: dict[str, tuple[str, int, int]] = {}
    pieces: list[bytes] = []
    at = 0
    for name, section in sections.items():
        data = bytes(section)
        places[name] = (getattr(section, "typecode", "B"), at, len(data))
        pieces.append(data + bytes(-len(data) % _ALIGN))
        at += len(pieces[-1])
    directory = json.dumps({"key": key, "remarks": remarks, "sections": places}).encode()
    directory += b" " * (-(_HEAD + len(directory)) % _ALIGN)
    body = b"".join([len(directory).to_bytes(8, "little"), directory, *pieces])
    return FORMAT + hashlib.blake2b(body, digest_size=_DIGEST).digest() + body


def unpacked(data: memoryview | None, key: str) -> Compiled | None:
    """Return what is in the bytes of a file; None if there are none, they are damaged, or made for another key."""
    if data is None or len(data) < _HEAD or bytes(data[: len(FORMAT)]) != FORMAT:
        return None
    body = data[len(FORMAT) + _DIGEST :]
    if hashlib.blake2b(body, digest_size=_DIGEST).digest() != data[len(FORMAT) : len(FORMAT) + _DIGEST]:
        return None
    length = int.from_bytes(body[:8], "little")
    directory = json.loads(bytes(body[8 : 8 + length]))
    if directory["key"] != key:
        return None
    body = body[8 + length :]
    sections = {name: body[at : at + size].cast(code) for name, (code, at, size) in directory["sections"].items()}
    return Compiled(directory["remarks"], sections)
