"""What a word sounds like: a key that words share whose consonants sound alike."""

from __future__ import annotations

import re
from functools import lru_cache

# Spellings of one sound, longest first; then the letters that stand for several.
_SPELLINGS = (
    ("tio", "sho"), ("sio", "sho"), ("dg", "j"), ("ph", "f"), ("ck", "k"), ("gh", ""), ("wr", "r"), ("kn", "n"), ("sc", "s"),
)  # fmt: skip
_SOFT_C, _SOFT_G = re.compile("c(?=[eiy])"), re.compile("g(?=[ei])")
_LETTERS = str.maketrans({"c": "k", "q": "k", "z": "s", "x": "ks"})
_SILENT = re.compile("[aeiouyhw]")
_DOUBLE = re.compile(r"(.)\1+")


@lru_cache(maxsize=2048)
def sound_key(word: str) -> str:
    """Return the consonants of ``word`` (lower case) by sound, after its first letter.

    >>> sound_key("fotograf") == sound_key("photograph"), sound_key("necesary") == sound_key("necessary")
    (True, True)
    """
    for spelling, sound in _SPELLINGS:
        word = word.replace(spelling, sound)
    word = _SOFT_G.sub("j", _SOFT_C.sub("s", word).translate(_LETTERS))
    return _DOUBLE.sub(r"\1", word[:1] + _SILENT.sub("", word[1:]))
