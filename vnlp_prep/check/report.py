"""Findings written down: for people (``long``, ``concise``), for programs (``json``), for GitHub (``github``)."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from vnlp_prep.check.rules import rule_of
from vnlp_prep.terminal import BOLD, DIM, GREEN, RED, STAGE_COLOURS, Paint, visible

if TYPE_CHECKING:
    from vnlp_prep.check.finding import Finding

_MARGIN = 4  # columns before a snippet
_LONGEST = 40  # code points of a place, and of what comes, that a snippet shows


class Report(ABC):
    """How findings are written down."""

    #: What went wrong on the way: files that could not be read.
    errors: Sequence[str] = ()

    @abstractmethod
    def add(self, findings: Iterable[Finding]) -> Iterator[str]:
        """Yield lines for the findings of a file."""

    def end(self) -> Iterator[str]:
        """Yield the lines behind the last file."""
        return iter(())


class Concise(Report):
    """One line for each finding."""

    def __init__(self, paint: Paint) -> None:
        self._paint = paint

    def add(self, findings: Iterable[Finding]) -> Iterator[str]:
        """See Report."""
        for f in findings:
            doubt = "" if f.safe or f.is_problem else self._paint(" (suggestion)", DIM)
            yield f"{self._paint(f.place, BOLD)}: {_rule(f, self._paint)} {f.sentence}{doubt}"


class Long(Report):
    """Each finding with the line that it stands in, and what would stand there below it."""

    def __init__(self, paint: Paint, width: int) -> None:
        """``width``: columns of the terminal."""
        self._paint = paint
        self._width = max(width, 40)

    def add(self, findings: Iterable[Finding]) -> Iterator[str]:
        """See Report."""
        paint = self._paint
        for f in findings:
            sure = "" if f.is_problem else f"  {f.confidence:.2f}" + ("" if f.safe else "  suggestion")
            yield f"{paint(f.place, BOLD)}  {_rule(f, paint)}{paint(sure, DIM)}"
            if f.message is not None:
                yield " " * _MARGIN + visible(f.message)
            else:
                yield from self._snippet(f)
            yield ""

    def _snippet(self, f: Finding) -> Iterator[str]:
        before = _shortened(visible(f.before))
        after = _shortened(visible(f.after)) if f.after else "(nothing)"
        room = self._width - _MARGIN - cell_len(before) - 2  # two ellipses
        left, right = visible(f.left), visible(f.right)
        if f.end_line > f.line:
            right = ""  # it belongs to another line
        left_room = max(room - min(cell_len(right), room // 2), 0)
        left = _tail(left, left_room)
        right = _head(right, max(room - cell_len(left), 0))
        paint, margin, at = self._paint, " " * _MARGIN, cell_len(left)
        yield f"{margin}{left}{paint(before, RED, BOLD)}{right}"
        carets = "^" * max(cell_len(before), 1)
        if _MARGIN + at + len(carets) + 1 + cell_len(after) <= self._width:
            yield f"{margin}{' ' * at}{paint(carets, RED)} {self._after(f, after)}"
        else:
            yield f"{margin}{' ' * at}{paint(carets, RED)}"
            start = max(0, min(at, self._width - _MARGIN - cell_len(after)))
            yield f"{margin}{' ' * start}{self._after(f, after)}"

    def _after(self, f: Finding, after: str) -> str:
        return self._paint(after, GREEN if f.after else DIM)


class JsonLines(Report):
    """One JSON object for each finding."""

    def add(self, findings: Iterable[Finding]) -> Iterator[str]:
        """See Report."""
        return (json.dumps(f.to_dict()) for f in findings)


class GitHub(Report):
    """Workflow commands: GitHub shows them beside the lines of a change. Suggestions are notices, the rest warnings."""

    def add(self, findings: Iterable[Finding]) -> Iterator[str]:
        """See Report."""
        for f in findings:
            kind = "error" if f.is_problem else "warning" if f.safe else "notice"
            where = {"file": f.file, "line": str(f.line), "endLine": str(f.end_line)}
            if where["line"] == where["endLine"]:  # columns are allowed within one line only
                where |= {"col": str(f.file_column), "endColumn": str(f.file_end_column)}
            where["title"] = f"vnlp-prep {f.rule_id}"
            message = f.sentence if f.field is None else f"{f.sentence} (field {visible(f.field)}, column {f.column})"
            properties = ",".join(f"{name}={_property(value)}" for name, value in where.items())
            yield f"::{kind} {properties}::{_data(message)}"


class Statistics(Report):
    """How often each rule was met, instead of the findings."""

    def __init__(self, paint: Paint, *, as_json: bool) -> None:
        self._paint = paint
        self._as_json = as_json
        self._counts: Counter[tuple[str, str, bool]] = Counter()

    def add(self, findings: Iterable[Finding]) -> Iterator[str]:
        """See Report."""
        self._counts.update((f.stage, f.rule, f.safe) for f in findings)
        return iter(())

    def end(self) -> Iterator[str]:
        """See Report."""
        for (stage, name, safe), count in sorted(self._counts.items(), key=lambda item: (-item[1], item[0])):
            rule = rule_of(stage, name)
            if self._as_json:
                yield json.dumps({"rule": rule.id, "safe": safe, "count": count})
            else:
                what = rule.what + ("" if safe or stage == "input" else " (suggestion)")
                yield f"{count:>9,}  {self._paint(f'{rule.id:<28}', STAGE_COLOURS.get(stage, RED))} {self._paint(what, DIM)}"


def _rule(f: Finding, paint: Paint) -> str:
    return paint(f.rule_id, STAGE_COLOURS.get(f.stage, RED))


def _shortened(text: str) -> str:
    """Return an already visible text, its middle left out if it is long."""
    return text if cell_len(text) <= _LONGEST else f"{_head(text, _LONGEST // 2)[:-1]}…{_tail(text, _LONGEST // 2)[1:]}"


def _head(text: str, room: int) -> str:
    """Return the beginning of a text, as much as fits into ``room`` columns; an ellipsis stands for the rest."""
    if cell_len(text) <= room:
        return text
    while text and cell_len(text) > room - 1:
        text = text[: -max(1, (len(text) - room) // 2)]
    return text + "…" if room else ""


def _tail(text: str, room: int) -> str:
    """Return the end of a text, as ``_head`` the beginning."""
    if cell_len(text) <= room:
        return text
    while text and cell_len(text) > room - 1:
        text = text[max(1, (len(text) - room) // 2) :]
    return "…" + text if room else ""


def _data(text: str) -> str:
    """Escape the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property of a workflow command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
