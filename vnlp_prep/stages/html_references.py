"""Character references of HTML: what `&lt;`, `&#8217;` or `&copy` stand for, by the HTML standard.

The tables are those of the standard library (``html.entities``); the rules are those of the standard, section
"Character reference state". Unlike ``html.unescape``, a number that stands for a control character or a noncharacter
gives that character, as the standard asks; ``html.unescape`` gives nothing.
"""

from __future__ import annotations

from html.entities import html5

#: Numbers that browsers have always read as Windows-1252 (the standard's table for 0x80 to 0x9F).
_WINDOWS_1252 = {
    code: bytes([code]).decode("windows-1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)  # bytes without a character: the number stands for itself
}
_LEGACY = {name: value for name, value in html5.items() if not name.endswith(";")}
_LONGEST_LEGACY = max(map(len, _LEGACY))
_NAMED = {name[:-1]: value for name, value in html5.items() if name.endswith(";")}


def decode_named(name: str) -> str | None:
    """Return what ``&name;`` stands for, or None when there is no such name.

    >>> decode_named("rarr"), decode_named("nosuch")
    ('→', None)
    """
    return _NAMED.get(name)


def is_legacy(name: str) -> bool:
    """Return True if ``name`` also works without the semicolon."""
    return name in _LEGACY


def legacy_prefix(name: str) -> tuple[str, str] | None:
    """Return the longest start of ``name`` that is a reference without semicolon, and what it stands for.

    >>> legacy_prefix("copy"), legacy_prefix("notin"), legacy_prefix("rarr")
    (('copy', '©'), ('not', '¬'), None)
    """
    for length in range(min(len(name), _LONGEST_LEGACY), 1, -1):
        value = _LEGACY.get(name[:length])
        if value is not None:
            return name[:length], value
    return None


def decode_number(digits: str) -> str:
    """Return the character for the digits of ``&#digits;`` (hexadecimal ones start with x). Any length, linear time.

    >>> decode_number("8217"), decode_number("x80"), decode_number("0")
    ('’', '€', '\ufffd')
    """
    base = 10
    if digits[0] in "xX":
        base, digits = 16, digits[1:]
    digits = digits.lstrip("0")
    code = int(digits, base) if 0 < len(digits) <= 7 else 0
    if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return _WINDOWS_1252.get(code) or chr(code)


def decode(name: str) -> str | None:
    """Return what ``&name;`` stands for, ``name`` being a name or ``#`` and a number.

    >>> decode("#39"), decode("amp"), decode("nosuch")
    ("'", '&', None)
    """
    return decode_number(name[1:]) if name[0] == "#" else decode_named(name)
