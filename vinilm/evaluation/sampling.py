"""Samples that are the same on every machine, and change little when the collection does: chosen by the hash of a name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

_T = TypeVar("_T")


def share(*names: str) -> float:
    """Return a number from 0 to 1 that depends on nothing but the names (SHA-256).

    >>> round(share("docs/install.md"), 6) == round(share("docs/install.md"), 6), 0 <= share("a", "b") < 1
    (True, True)
    """
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def sample(items: Iterable[_T], count: int | None, key: Callable[[_T], str], purpose: str) -> list[_T]:
    """Return at most ``count`` of the items, in their order: those whose keys have the least hashes; None: all of them."""
    found = list(items)
    if count is None or len(found) <= count:
        return found
    kept = sorted(range(len(found)), key=lambda i: (share(purpose, key(found[i])), i))[:count]
    return [found[i] for i in sorted(kept)]
