r"""Strict checking of a JSON line, and replacing one string in it without touching the rest.

A line is parsed once by orjson, which is strict (RFC 8259: no NaN, no control characters, no lone surrogates, bounded
depth). What orjson does not report is duplicate keys; :func:`find_strings` does, and finds the bytes of a value. Both
are one pass without recursion.

>>> line = b'{"id": 7.10, "text": "caf\\u00e9", "n": {"text": "x"}}'
>>> find_strings(line, [("text",), ("n", "text")])
{('text',): (21, 32), ('n', 'text'): (48, 51)}
>>> replace_strings(line, {("text",): "café!"})
b'{"id": 7.10, "text": "caf\\u00e9!", "n": {"text": "x"}}'
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import orjson

from vnlp_prep.corpus.records import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Path of a field: the keys from the top of the record.
Path = tuple[str, ...]

_STRUCTURE = re.compile(rb'[\[\]{}"]')
_COLON = re.compile(rb"[ \t\r\n]*:")
_NOT_FINITE = re.compile(r"-?(?:NaN|Infinity|inf)", re.IGNORECASE)

#: Words in orjson's messages -> the stable code of the reason.
_CODES = (
    ("surrogate", "lone-surrogate"),
    ("infinity", "number-out-of-range"),
    ("depth", "too-deep"),
    ("recursion", "too-deep"),
    ("control character", "control-character"),
    ("end of data", "truncated-json"),
)

_TYPE_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
}


def type_name(value: object) -> str:
    """Return what a JSON value is called in messages."""
    return "null" if value is None else _TYPE_NAMES[type(value)]


def parse_object(line: bytes) -> dict[str, Any]:
    """Parse a line that must be one JSON object.

    Raises Problem with a code for everything that is not strictly JSON, for other values and for duplicate keys.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _diagnosis(line, error) from None
    if not isinstance(value, dict):
        raise Problem("not-an-object", f"the record is {type_name(value)}, not an object")
    if not _has_distinct_keys(line, value):
        find_strings(line, ())
    return value


def _has_distinct_keys(line: bytes, value: dict[str, Any]) -> bool:
    r"""Return True if no key of ``value``, parsed from ``line``, stood there twice; False if that needs a closer look.

    Nothing but the end of a key can look like ``":`` in a JSON line, once those with an escaped quote are taken away. So
    the keys are as many as there were if the counts agree. We look closer where that could deceive: at white space
    before a colon, and at ``\\"``, which may be a backslash and the end of a string.
    """
    if b'\\\\"' in line or b" :" in line or b"\t:" in line or b"\r:" in line:
        return False
    return line.count(b'":') - line.count(b'\\":') == _count_keys(value)


def _count_keys(value: Any) -> int:
    count = 0
    stack = [value]
    while stack:
        value = stack.pop()
        if type(value) is dict:
            count += len(value)
            stack += [v for v in value.values() if type(v) is dict or type(v) is list]
        else:
            stack += [v for v in value if type(v) is dict or type(v) is list]
    return count


def _diagnosis(line: bytes, error: orjson.JSONDecodeError) -> Problem:
    """Why orjson refused ``line``, as a Problem with a stable code."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as bad:
        return Problem("invalid-utf-8", f"byte 0x{line[bad.start]:02x} at byte {bad.start + 1} is not UTF-8")
    at = error.pos
    where = f"column {at + 1}"
    if text[at : at + 1] == "\0":
        return Problem("nul-byte", f"a NUL byte at {where}")
    if _NOT_FINITE.match(text, at) or (at and _NOT_FINITE.match(text, at - 1)):
        return Problem("not-a-number", f"NaN and Infinity are not JSON, at {where}")
    message = error.msg.split(": line ")[0]
    if at == 0 and text[0] not in '{["-0123456789':
        return Problem("invalid-json", "not JSON; if the file is plain text, say --format text")
    for words, code in _CODES:
        if words in message.lower():
            return Problem(code, f"{message}, at {where}")
    return Problem("invalid-json", f"{message}, at {where}")


def find_strings(line: bytes, paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Return where the string values at ``paths`` stand in ``line``: spans of bytes, quotes included.

    ``line`` must be valid JSON. Values that are no strings, or are inside a list, are not found. Raises Problem for
    an object that has a key twice, anywhere in the line.
    """
    wanted = set(paths)
    found: dict[Path, tuple[int, int]] = {}
    seen: list[set[str] | None] = []  # the keys of the objects we are in; None for a list
    here: list[str | None] = []  # the key we are at in each of them
    at = 0
    while m := _STRUCTURE.search(line, at):
        at = m.end()
        char = line[at - 1]
        if char == 0x22:  # a quote
            start, at = at - 1, _string_end(line, at)
            if not _COLON.match(line, at):
                if len(here) and None not in here and (path := tuple(here)) in wanted:
                    found[path] = (start, at)  # type: ignore[index]
                continue
            # In valid JSON only keys are followed by a colon.
            key = _decoded(line[start:at])
            keys = seen[-1]
            assert keys is not None
            if key in keys:
                raise Problem("duplicate-key", f"the key {key[:80]!r} stands twice in one object")
            keys.add(key)
            here[-1] = key
        elif char in b"{[":
            seen.append(set() if char == 0x7B else None)
            here.append(None)
        else:
            seen.pop()
            here.pop()
    return found


def _string_end(line: bytes, at: int) -> int:
    """Return the position behind the closing quote of the string whose contents start at ``at``."""
    while True:
        quote = line.index(b'"', at)
        # The quote is escaped if an odd number of backslashes stands before it.
        first = quote
        while first > at and line[first - 1] == 0x5C:
            first -= 1
        at = quote + 1
        if (quote - first) % 2 == 0:
            return at


def _decoded(literal: bytes) -> str:
    return literal[1:-1].decode("utf-8") if b"\\" not in literal else str(orjson.loads(literal))


def string_literal(text: str, ascii_only: bool) -> bytes:
    """``text`` as a JSON string. Raises UnicodeEncodeError for lone surrogates."""
    if ascii_only:
        text.encode("utf-8")  # json would write a lone surrogate
        return json.dumps(text).encode("ascii")
    return json.dumps(text, ensure_ascii=False).encode("utf-8")


def replace_strings(line: bytes, texts: Mapping[Path, str]) -> bytes:
    """Return ``line`` with the string values at the paths in ``texts`` replaced; every other byte stays.

    A line in pure ASCII stays so. Raises Problem for duplicate keys, KeyError if there is no string at a path.
    """
    spans = find_strings(line, texts)
    ascii_only = line.isascii()
    out: list[bytes] = []
    at = 0
    for path in sorted(texts, key=lambda path: spans[path]):
        start, end = spans[path]
        out += [line[at:start], string_literal(texts[path], ascii_only)]
        at = end
    out.append(line[at:])
    return b"".join(out)
