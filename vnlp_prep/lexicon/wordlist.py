"""A long list of words that costs little: one text, and where each word begins in it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import overload


class WordList(Sequence[str]):
    """Words by number, as in a list, in a twentieth of the memory of as many strings.

    >>> words = WordList.of(["the", "of", "and"])
    >>> words[1], len(words), list(words), words.at([2, 0])
    ('of', 3, ['the', 'of', 'and'], ['and', 'the'])
    """

    def __init__(self, text: str, starts: Sequence[int]) -> None:
        """``starts``: where each word begins in ``text``, and behind them the end of the text."""
        self.text, self.starts = text, starts

    @classmethod
    def of(cls, words: Iterable[str]) -> WordList:
        """Make a list of ``words``."""
        words = list(words)
        return cls("".join(words), array("I", accumulate(map(len, words), initial=0)))

    def at(self, numbers: Iterable[int]) -> list[str]:
        """Return the words with these numbers, none of which may be negative."""
        text, starts = self.text, self.starts
        return [text[starts[n] : starts[n + 1]] for n in numbers]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> list[str]: ...
    def __getitem__(self, number: int | slice) -> str | list[str]:
        numbers = range(len(self))[number]
        return self.at([numbers])[0] if isinstance(numbers, int) else self.at(numbers)

    def __iter__(self) -> Iterator[str]:
        text = self.text
        return (text[a:b] for a, b in pairwise(self.starts))
