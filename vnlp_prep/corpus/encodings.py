r"""Lines that are not UTF-8.

Output is always UTF-8, and a line that is valid UTF-8 is always taken as that. What happens to another line is the
user's choice: it is rejected (``utf-8``, the default), decoded from a named encoding, or guessed (``auto``).
Encodings in which a newline or ASCII are written differently (UTF-16, EBCDIC, ISO-2022-JP) are converted as a stream,
before it is split.

>>> Decoder("windows-1252").decode(b"caf\xe9")
('café', 'windows-1252')
>>> Decoder("auto").decode("na\u00efve \u2014 ".encode() + b"caf\xe9")
('naïve — café', 'utf-8+windows-1252')
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from vnlp_prep.corpus.records import BOM, Problem
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_FOR_FILES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7", "mbcs", "oem"}
_ASCII = bytes(range(128))


def wide_encoding(start: bytes) -> str | None:
    """Return the encoding of a file that begins with ``start`` if it is UTF-16 or UTF-32, with or without a mark."""
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    start = start[: min(len(start), 1024) // 4 * 4]
    if len(start) < 4:
        return None
    size = len(start)
    zeros = [start[i::4].count(0) * 4 / size for i in range(4)]  # the share of zeros in each byte of four
    if max(start[2::4]) <= 0x10 and zeros[3] == 1 and zeros[0] < 0.5:
        return "utf-32-le"
    if zeros[0] == 1 and max(start[1::4]) <= 0x10 and zeros[3] < 0.5:
        return "utf-32-be"
    # In JSON and in most text of any language, a good part of the characters is ASCII.
    even, odd = start[0::2].count(0) * 2 / size, start[1::2].count(0) * 2 / size
    if odd >= 0.4 and even < 0.05:
        return "utf-16-le"
    if even >= 0.4 and odd < 0.05:
        return "utf-16-be"
    return None


class Decoder:
    """Decodes lines, by the value of ``--encoding``. Raises SettingsError for a name that is no text encoding."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.name = encoding
        #: True if the input must be converted before it can be split into lines.
        self.is_stream = False
        if encoding == "auto":
            return
        try:
            self.name = codecs.lookup(encoding).name
            if self.name.replace("_", "-") in _NOT_FOR_FILES:
                raise LookupError
            b"a".decode(self.name)
        except UnicodeError:
            pass  # UTF-16, of which one byte is half a character
        except (LookupError, ValueError):
            raise SettingsError(f"unknown encoding {encoding!r}: try utf-8, utf-16, windows-1252 or auto") from None
        if self.name == "cp1252":
            self.name = "windows-1252"
        try:
            self.is_stream = _ASCII.decode(self.name) != _ASCII.decode("ascii")
        except UnicodeError:
            self.is_stream = True

    def decode(self, line: bytes) -> tuple[str, str | None]:
        """Return the text of ``line`` and the encoding it had, None for UTF-8. Raises Problem if there is none."""
        try:
            return line.decode("utf-8"), None
        except UnicodeDecodeError as error:
            if self.name == "utf-8" or self.is_stream:
                where = f"byte 0x{line[error.start]:02x} at byte {error.start + 1}"
                hint = "" if self.is_stream else "; --encoding NAME or --encoding auto decodes such lines"
                raise Problem("invalid-utf-8", f"{where} is not UTF-8{hint}") from None
        if self.name == "auto":
            return _guess(line)
        try:
            return line.decode(self.name), self.name
        except UnicodeDecodeError as error:
            where = f"byte 0x{line[error.start]:02x} at byte {error.start + 1}"
            raise Problem("invalid-encoding", f"{where} is neither UTF-8 nor {self.name}") from None

    def to_utf8(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Convert a stream to UTF-8.

        What cannot be decoded becomes bytes that are not UTF-8, so that only the line in which it stands is rejected.
        """
        errors = "surrogatepass" if self.name.startswith(("utf-16", "utf-32")) else "vnlp-surrogate"
        decoder = codecs.getincrementaldecoder(self.name)(errors)
        first = True
        for block in blocks:
            out = decoder.decode(block).encode("utf-8", "surrogatepass")
            if first and out:
                first, out = False, out.removeprefix(BOM)
            if out:
                yield out
        try:
            out = decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            out = b"\xff"
        if out:
            yield out


def _guess(line: bytes) -> tuple[str, str]:
    # The common case in English: Windows-1252, alone or pasted into a line of UTF-8.
    try:
        return line.decode("utf-8", "vnlp-windows-1252"), "utf-8+windows-1252"
    except UnicodeDecodeError:
        pass
    import logging

    from bs4.dammit import UnicodeDammit

    logging.getLogger("bs4.dammit").setLevel(logging.ERROR)  # it warns of what we check here
    guess = UnicodeDammit(line)
    if guess.unicode_markup is None or guess.contains_replacement_characters:
        raise Problem("invalid-encoding", "no encoding fits the bytes of this line")
    return guess.unicode_markup, str(guess.original_encoding)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    # Raises UnicodeDecodeError for the five bytes that Windows-1252 does not define.
    return error.object[error.start : error.end].decode("windows-1252"), error.end


def _as_surrogate(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff" * (error.end - error.start), error.end


codecs.register_error("vnlp-windows-1252", _as_windows_1252)
codecs.register_error("vnlp-surrogate", _as_surrogate)
