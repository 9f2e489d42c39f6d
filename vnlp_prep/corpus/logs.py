"""A file of JSON lines beside the output: the rejects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vnlp_prep.corpus.records import json_line
from vnlp_prep.corpus.writers import DirectOutput, Partial, is_device


class LineLog:
    """A log that is there only if there is something in it.

    What was written counts once :meth:`keep` was called; the rest is taken back.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._output: Partial | DirectOutput = DirectOutput(path) if is_device(path) else Partial(path)
        self._kept: int | None = None

    def write(self, entry: dict[str, Any]) -> None:
        """Add a line. Raises OutputError."""
        self._output.append(json_line(entry))

    def keep(self) -> None:
        """Have what was written so far stay."""
        self._kept = self._output.size

    def close(self) -> bool:
        """Finish with what was kept; return True if there is a file with lines in it. Raises OutputError."""
        kept, self._kept = self._kept, None  # closing twice does no harm
        if not kept:
            self._output.abandon()
            if kept == 0:
                remove_earlier(self.path)
            return False
        if isinstance(self._output, Partial):
            self._output.cut(kept)
        self._output.commit()
        return True


def remove_earlier(path: str) -> None:
    """Remove the log of an earlier run: it tells of lines that are fine now."""
    if Path(path).is_file() and not Path(path).is_symlink():
        Path(path).unlink()
