"""Files of JSON lines beside the output: the rejects and the edit log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vnlp_prep.corpus.records import json_line
from vnlp_prep.corpus.writers import Output, check_output, open_output


class LineLog:
    """A log that grows job by job.

    What a job wrote counts once :meth:`keep` was called; what a job wrote that then failed is taken back. With
    ``always`` the file is there even if it is empty, else only if there is something in it.
    """

    def __init__(self, path: str, always: bool = False) -> None:
        self.path = path
        self._always = always
        self._kept = False
        self._mark = 0
        self._output: Output | None = open_output(path) if always else None

    def write(self, entry: dict[str, Any]) -> None:
        """Add a line. Raises OutputError."""
        if self._output is None:
            check_output(self.path)
            self._output = open_output(self.path)
        self._output.write(json_line(entry))

    def keep(self) -> None:
        """Have what was written so far stay. Raises OutputError."""
        self._kept = True
        if self._output is not None:
            self._mark = self._output.mark()

    def close(self) -> bool:
        """Finish with what was kept; return True if there is a file with lines in it. Raises OutputError."""
        output, kept = self._output, self._kept
        self._output, self._kept = None, False  # closing twice does no harm
        if output is not None:
            output.rollback(self._mark)
            if self._mark or (self._always and kept):
                output.commit()
                return self._mark > 0
            output.abort()
        elif kept and Path(self.path).is_file() and not Path(self.path).is_symlink():
            Path(self.path).unlink()  # of an earlier run: it tells of lines that are fine now
        return False
