"""What is never a finding: words and patterns that the user names."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vnlp_prep.errors import SettingsError
from vnlp_prep.stages import DECODING

if TYPE_CHECKING:
    from vnlp_prep.edits import Edit

#: Seconds that a pattern may look at one text.
PATTERN_SECONDS = 1.0
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


class IgnoredWords:
    """Words that no stage that works on words may change.

    A word in small letters means that word in any case; one with a capital means exactly what is written.

    >>> words = IgnoredWords(["teh", "Hte"])
    >>> [word in words for word in ("Teh", "Hte", "hte")]
    [True, True, False]
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._any_case = frozenset(word for word in words if word.islower() or word.lower() == word)
        self._exact = frozenset(words) - self._any_case

    def __bool__(self) -> bool:
        return bool(self._any_case or self._exact)

    def __contains__(self, word: object) -> bool:
        """True for a word that is to stay."""
        return isinstance(word, str) and (word.lower() in self._any_case or word in self._exact)

    def hold(self, edit: Edit) -> bool:
        """True if the edit would change one of the words."""
        if not self or edit.stage in DECODING:
            return False
        return any(word in self for word in (edit.before, *_WORD.findall(edit.before)))


class IgnoredPatterns:
    """Regular expressions; what they match is not changed.

    They are those of the library ``regex``, which can be told how long it may take: a pattern can be written so that it would
    never end. Raises SettingsError for what is no pattern.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns: list[Any] = []
        if patterns:
            import regex

            for pattern in patterns:
                try:
                    self._patterns.append(regex.compile(pattern, regex.MULTILINE))
                except (regex.error, RecursionError, OverflowError) as error:
                    raise SettingsError(f"ignore-patterns: {pattern!r} is no regular expression: {error}") from None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where the patterns match. Raises SettingsError for one that takes too long."""
        found: list[tuple[int, int]] = []
        for pattern in self._patterns:
            left = time.monotonic() + PATTERN_SECONDS
            try:
                for m in pattern.finditer(text, timeout=PATTERN_SECONDS):
                    found.append(m.span())
                    if time.monotonic() > left:
                        raise TimeoutError
            except TimeoutError:
                raise SettingsError(
                    f"ignore-patterns: {pattern.pattern!r} takes more than {PATTERN_SECONDS:g} s on one text "
                    f"({len(text):,} characters); make it simpler: no repetition inside of a repetition"
                ) from None
        return found
