"""Patterns for paths: which files are left out, and for which ones some rules do not hold.

``*`` and ``?`` stay within a name, ``**`` stands for any folders, ``[...]`` for one of some characters. A pattern without a
slash means a file or folder of that name anywhere below; one with a slash is a path from the folder that it is written for.
What matches a folder matches all that is in it.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path


class Glob:
    """A pattern, and the folder from which its paths are counted."""

    def __init__(self, pattern: str, base: Path) -> None:
        self.pattern = pattern
        self._base = base
        self._matches = _compiled(pattern.strip("/") if pattern.strip("/") else pattern).match
        self._anywhere = "/" not in pattern.rstrip("/")

    def matches(self, path: str) -> bool:
        """Return True if the pattern means a file, or a folder that it is in; ``path`` may be relative to the current folder."""
        relative = os.path.relpath(Path.cwd() / path, self._base).replace(os.sep, "/")
        parts = relative.split("/")
        if self._anywhere:
            return any(self._matches(part) for part in parts)
        return any(self._matches("/".join(parts[: i + 1])) for i in range(len(parts)))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    out, i = [], 0
    while i < len(pattern):
        if pattern.startswith("**/", i):
            out.append("(?:[^/]+/)*")
            i += 3
        elif pattern.startswith("**", i):
            out.append(".*")
            i += 2
        elif pattern[i] == "*":
            out.append("[^/]*")
            i += 1
        elif pattern[i] == "?":
            out.append("[^/]")
            i += 1
        elif pattern[i] == "[" and (end := pattern.find("]", i + 2)) > 0:
            inside = pattern[i + 1 : end]
            negated = inside[0] == "!"
            # A dash makes a range, as in a shell; everything else is itself.
            quoted = re.sub(r"([^-\w])", r"\\\1", inside[negated:])
            out.append(f"[{'^/' if negated else ''}{quoted}]")
            i = end + 1
        else:
            out.append(re.escape(pattern[i]))
            i += 1
    try:
        return re.compile("".join(out) + r"\Z", re.DOTALL)
    except re.error:  # "[z-a]" is a range of nothing: the pattern means what is written
        return re.compile(re.escape(pattern) + r"\Z")
