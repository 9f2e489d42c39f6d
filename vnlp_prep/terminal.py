"""What people see: colours, progress, the summary of a run."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING

from vnlp_prep.corpus.records import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.progress import Progress

    from vnlp_prep.corpus.readers import Input
    from vnlp_prep.corpus.summary import Summary

#: Colour of each stage, and how text can look: parameters of the terminal's "select graphic rendition" (ECMA-48).
STAGE_COLOURS = {"html": "35", "unicode": "36", "repeats": "33", "compounds": "34", "spelling": "32"}
BOLD, DIM, STRUCK, RED, GREEN, YELLOW = "1", "2", "9", "31", "32", "33"
UNDERLINED, DOTTED, REVERSED = "4", "4:4", "7"


def wants_colour(stream: IO[str]) -> bool:
    """Return True if ``stream`` is a terminal and the user has not asked for plain text (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


# Terminals that draw a dotted underline: what they leave in the environment. Others may take the colon for something else.
_DOTS_BY_PROGRAM = {"WezTerm", "iTerm.app", "ghostty", "mintty", "rio", "contour"}
_DOTS_BY_TERM = ("xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty", "contour", "tmux-256color")
_VTE_WITH_DOTS = 5200  # 0.52, of GNOME Terminal and many more


def dotted_underline() -> str:
    """Return how to underline with dots: SGR 4:4 in terminals that are known to draw it, in others a plain underline."""
    vte = os.environ.get("VTE_VERSION", "")
    if (
        os.environ.get("TERM_PROGRAM") in _DOTS_BY_PROGRAM
        or os.environ.get("TERM", "").startswith(_DOTS_BY_TERM)
        or (vte.isdecimal() and int(vte) >= _VTE_WITH_DOTS)
    ):
        return DOTTED
    return UNDERLINED


class Paint:
    """Colours text, or does not."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, *codes: str) -> str:
        """Return ``text`` in the colours ``codes``."""
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self.on and text and codes else text


def visible(text: str, newlines: bool = False) -> str:
    r"""``text`` with everything that a terminal would not show, or would obey, as an escape.

    >>> visible("a\x1b[31m\u200bb c\n")
    'a\\x1b[31m\\u200bb c\\n'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() or (newlines and c == "\n") else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str, length: int = 60) -> str:
    """``text``, its middle left out if it is longer than ``length``."""
    if len(text) <= length:
        return text
    return f"{text[: length // 2 - 1]}…{text[-(length // 2) + 1 :]}"


# Summary


def summary_lines(summary: Summary, paint: Paint, changes: int = 5) -> list[str]:
    """Return the closing summary of a run, as lines; with the ``changes`` most frequent changes of each stage."""
    rejects = sum(summary.rejects.values())
    head = f"{counted(summary.records + rejects, 'record')}, {summary.changed:,} changed"
    if summary.blank_lines:
        head += f", {counted(summary.blank_lines, 'blank line')}"
    head += f" in {duration(summary.seconds)} ({_rates(summary)})"
    lines = [paint(head, BOLD)]
    if summary.resumed:
        lines.append(f"went on behind {counted(summary.resumed, 'record')} of an interrupted run")
    if rejects:
        lines.append(rejects_line(summary.rejects, summary.reject_files, paint))
    if summary.passed:
        lines.append(f"{summary.passed:,} passed on without a text to clean")
    for encoding, count in ranked(summary.encodings):
        lines.append(f"{counted(count, 'line')} decoded from {shown(encoding)} to UTF-8")
    if summary.edits:
        stages = ", ".join(f"{stage} {count:,}" for stage, count in ranked(summary.edits))
        lines.append(f"{counted(sum(summary.edits.values()), 'edit')}: {stages}")
    for stage, _ in ranked(summary.edits) if changes else ():
        lines.append(paint(stage, BOLD, STAGE_COLOURS.get(stage, DIM)))
        for (_, before, after), count in summary.changes.top(changes, stage):
            lines.append(f"  {count:>9,}  {quoted(before, paint, RED)} -> {quoted(after, paint, GREEN)}")
    return lines


def _rates(summary: Summary) -> str:
    """Return how fast this run is: what an interrupted one had done took it no time."""
    seconds = max(summary.seconds, 1e-9)
    records = summary.records + sum(summary.rejects.values()) - summary.resumed
    return f"{rate(records, seconds)} records/s, {rate((summary.bytes_read - summary.resumed_bytes) / 1e6, seconds)} MB/s"


def rejects_line(rejects: dict[str, int], files: Iterable[str], paint: Paint) -> str:
    """Return how many records were rejected, why, and where they are."""
    reasons = ", ".join(f"{count:,} {code}" for code, count in ranked(rejects))
    where = ", ".join(shown(path) for path in files)
    return paint(f"{sum(rejects.values()):,} rejected", BOLD, RED) + f" ({reasons}): see {where}"


def ranked(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Return what was counted, the most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: ``1 record``, ``2,000 records``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def quoted(text: str, paint: Paint, colour: str) -> str:
    """Return one side of an edit, in quotes."""
    return paint(f'"{visible(text)}"', colour) if text else paint("nothing", DIM)


def rate(amount: float, seconds: float) -> str:
    """Return how much it is in a second, in figures."""
    each = amount / seconds
    return f"{each:,.0f}" if each >= 10 else f"{each:.1f}"


def duration(seconds: float) -> str:
    """Return a time as people say it.

    >>> [duration(seconds) for seconds in (3.21, 155.4, 119.7, 7384)]
    ['3.2 s', '2 min 35 s', '2 min 0 s', '2 h 3 min']
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


# Progress


class LateProgress:
    """Progress on standard error: what share is read, records/s, MB/s, time left, rejects.

    It begins after half a second, so that a short run shows nothing and does not wait for a library to load.
    """

    def __init__(self, sizes: Sequence[int | None]) -> None:
        """``sizes`` are the packed sizes of the inputs in bytes, None for a stream."""
        known = [size for size in sizes if size is not None]
        self._total = sum(known) if len(known) == len(sizes) else None
        self._progress: Progress | None = None
        self._done = 0  # packed bytes of the inputs before this one
        self._input: Input | None = None

    def __enter__(self) -> LateProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()

    def _start(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
        )
        progress.add_task("", total=self._total, figures="")
        progress.start()
        return progress

    def __call__(self, summary: Summary, source: Input) -> None:
        """Show where the run is."""
        if source is not self._input:
            if self._input is not None:
                self._done += self._input.size or 0
            self._input = source
        if summary.seconds < 0.5:
            return
        if self._progress is None:
            self._progress = self._start()
        rejects = sum(summary.rejects.values())
        records = summary.records + rejects
        figures = f"{records:,} records  {_rates(summary)}"
        if rejects:
            figures += f"  {rejects:,} rejected"
        name = shortened(source.name.rsplit("/", 1)[-1], 30)
        task = self._progress.tasks[0].id
        self._progress.update(task, description=name, completed=self._done + source.packed, figures=figures)
