"""Counts of words and of pairs of words on the web: the lists that come with wordsegment, out of the Google web corpus.

Both are read on first use. Counts stay text until they are asked for: nearly all of them never are.
"""

from __future__ import annotations

import importlib.resources
from functools import lru_cache

#: Words in the corpus that both lists were counted in (wordsegment's own constant).
TOTAL = 1_024_908_267_229


@lru_cache(maxsize=1)
def web_counts() -> dict[str, str]:
    """333,000 words and how often the web has them, most frequent first."""
    return _counts("unigrams.txt")


@lru_cache(maxsize=1)
def web_pairs() -> dict[str, str]:
    """286,000 pairs of neighbouring words, with a space between, and how often the web has them."""
    return _counts("bigrams.txt")


def _counts(name: str) -> dict[str, str]:
    text = (importlib.resources.files("wordsegment") / name).read_text(encoding="utf-8")
    return dict(line.split("\t") for line in text.split("\n") if line)
