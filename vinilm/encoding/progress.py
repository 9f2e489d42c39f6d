"""What people see of a run: progress while it goes on, and its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vnlp_prep.corpus.records import shown
from vnlp_prep.terminal import Paint, counted, duration, rate, rejects_line, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress

    from vinilm.encoding.chunks import Chunk
    from vinilm.encoding.outputs import Output
    from vinilm.encoding.run import Summary

_BOLD = "1"


class EncodingProgress:
    """Progress on standard error: what share is read, records/s, tokens/s, time left, rejects."""

    def __init__(self, sizes: Sequence[int | None]) -> None:
        """``sizes`` are the packed sizes of the inputs in bytes, None for a stream."""
        known = [size for size in sizes if size is not None]
        self._total = sum(known) if len(known) == len(sizes) else None
        self._progress: Progress | None = None

    def __enter__(self) -> EncodingProgress:
        self._progress = self._start()  # the first chunk may take a while
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()

    def _start(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

        progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
            transient=True,
        )
        progress.add_task("", total=self._total, figures="")
        progress.start()
        return progress

    def __call__(self, summary: Summary, chunk: Chunk) -> None:
        """Show where the run is."""
        assert self._progress is not None
        name = shortened(chunk.source.rsplit("/", 1)[-1], 30)
        self._progress.update(
            self._progress.tasks[0].id, description=name, completed=chunk.packed, figures=figures(summary, chunk, self._total)
        )


def figures(summary: Summary, chunk: Chunk, total: int | None) -> str:
    """Return the figures of the progress, ``total`` being the packed bytes of all inputs.

    The time left is what this run took for a record, times those that the rest of the bytes will hold.
    """
    seconds = max(summary.seconds, 1e-9)
    mine = summary.records - summary.resumed
    text = f"{counted(summary.records, 'record')}  {rate(mine, seconds)}/s"
    text += f"  {rate(summary.tokens - summary.resumed_tokens, seconds)} tokens/s"
    if summary.rejects:
        text += f"  {sum(summary.rejects.values()):,} rejected"
    if total and chunk.packed and mine:
        left = summary.records * (total - chunk.packed) / chunk.packed * seconds / mine
        text += f"  {duration(max(left, 0))} left"
    return text


def summary_lines(summary: Summary, output: Output, paint: Paint) -> list[str]:
    """Return the closing summary of a run, as lines."""
    rejects = sum(summary.rejects.values())
    seconds = max(summary.seconds, 1e-9)
    head = f"{counted(summary.records + rejects, 'record')}, {counted(summary.tokens, 'token')}"
    if summary.blank_lines:
        head += f", {counted(summary.blank_lines, 'blank line')}"
    head += (
        f" in {duration(summary.seconds)} ({rate(summary.records - summary.resumed, seconds)} records/s, "
        f"{rate(summary.tokens - summary.resumed_tokens, seconds)} tokens/s)"
    )
    lines = [paint(head, _BOLD)]
    if summary.resumed:
        lines.append(f"went on behind {counted(summary.resumed, 'record')} of an interrupted run")
    if summary.rejects:
        lines.append(rejects_line(summary.rejects, summary.reject_files, paint))
    if summary.truncated:
        lines.append(f"{counted(summary.truncated, 'text')} cut, for the model reads no more of them (see --long)")
    path, *ids = output.files(str(output.path))
    layout = output.layout
    place = f"{shown(path)}: {counted(summary.records, 'vector')} of {layout.dimensions:,} ({layout.dtype.name})"
    lines.append(place + (f", their ids in {shown(ids[0])}" if ids else ""))
    return lines
