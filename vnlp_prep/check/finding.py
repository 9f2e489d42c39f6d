"""A finding: a place in a file where a text is not clean, and what it would become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vnlp_prep.check.rules import INPUT, rule_of
from vnlp_prep.terminal import shortened, visible

_SHOWN = 60  # code points of a text in a message


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. Lines and columns count from 1, columns are code points; an end is the place behind the last one.

    ``line`` and ``column`` in a text file are those of the file. In JSON lines ``line`` is the line of the file, ``column`` the
    position in the text of ``field``, escapes decoded, whatever line breaks are in it. ``file_column`` and ``file_end_column``
    are always those of the file as it is written, and ``written`` is what a fix puts there: ``after``, escaped as JSON needs it.

    ``safe``: an edit that cleaning makes; otherwise only a suggestion, or nothing that could be fixed (``message`` says what).
    ``left`` and ``right`` are what stands around it in its line.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    field: str | None
    stage: str
    rule: str
    before: str
    after: str
    confidence: float
    safe: bool
    file_column: int
    file_end_column: int
    written: str = ""
    left: str = ""
    right: str = ""
    message: str | None = None

    @property
    def rule_id(self) -> str:
        """``stage/rule``."""
        return rule_of(self.stage, self.rule).id

    @property
    def is_problem(self) -> bool:
        """True for what is wrong with the file or record itself; there is no text to fix."""
        return self.stage == INPUT

    @property
    def place(self) -> str:
        """``file:line:column``, with the field before the column if there is one."""
        parts = [visible(self.file), str(self.line)]
        if self.field is not None:
            parts.append(visible(self.field))
        return ":".join([*parts, str(self.column)])

    @property
    def sentence(self) -> str:
        """What is found and what it would become, on one line, nothing in it that a terminal would obey."""
        if self.message is not None:
            return visible(self.message)
        after = f'"{visible(shortened(self.after, _SHOWN))}"' if self.after else "nothing"
        return f'"{visible(shortened(self.before, _SHOWN))}" -> {after}'

    def to_dict(self) -> dict[str, Any]:
        """The finding for people's programs: ``--format json``."""
        entry = {name: getattr(self, name) for name in _PUBLIC}
        if self.message is not None:
            entry["message"] = self.message
        return entry


_PUBLIC = (
    "file", "line", "field", "column", "end_line", "end_column", "stage", "rule", "before", "after", "confidence", "safe",
    "file_column", "file_end_column", "left", "right",
)  # fmt: skip
