"""The five stages, one file each, all of one shape: they propose edits and never rewrite.

A stage is cheap to build, has no state that changes its answers, and may be shared between threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vnlp_prep.edits import Edit

#: The stages in the order in which they run.
STAGES = ("html", "unicode", "repeats", "compounds", "spelling")
#: Those that undo damage below the level of words: they come first, until they find nothing more.
DECODING = frozenset(("html", "unicode"))


class Stage(Protocol):
    """What every stage can do."""

    name: str

    def propose(self, text: str, code: Sequence[tuple[int, int]] = ()) -> list[Edit]:
        """Return edits of ``text``: sorted, disjoint, each with its confidence.

        ``code`` are spans of ``text`` that are known to be program text although nothing in the text shows it any more (the
        body of a ``<pre>`` whose tags are gone): sorted and disjoint. Stages that work on words leave them alone.
        """
        ...
