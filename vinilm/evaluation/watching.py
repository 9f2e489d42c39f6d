"""How far an evaluation has come: a bar on a terminal, and a line for what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vnlp_prep.terminal import counted, duration, rate

if TYPE_CHECKING:
    from typing import Self

    from vinilm.evaluation.encoder import Effort


class Watch(Protocol):
    """Is told what an evaluation does."""

    def begin(self, what: str, texts: int) -> None:
        """``texts`` are to be encoded, or ranked, for ``what``."""

    def advance(self, texts: int) -> None:
        """So many of them are done."""

    def end(self, effort: Effort | None) -> None:
        """All of them are; ``effort``: what encoding took, if that is what was done."""


class Silent:
    """Watches, and says nothing."""

    def begin(self, what: str, texts: int) -> None:
        """See Watch."""

    def advance(self, texts: int) -> None:
        """See Watch."""

    def end(self, effort: Effort | None) -> None:
        """See Watch."""


class Progress:
    """Shows it on standard error: a bar where that is a terminal, and a line for each system under each condition."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn())
        self._bar = Bar(*columns, TimeRemainingColumn(compact=True), console=self._console, transient=True)
        self._task = self._bar.add_task("", total=None, visible=False)
        self._what = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, what: str, texts: int) -> None:
        """See Watch."""
        self._what = what
        self._bar.reset(self._task, description=what, total=texts, visible=True)

    def advance(self, texts: int) -> None:
        """See Watch."""
        self._bar.advance(self._task, texts)

    def end(self, effort: Effort | None) -> None:
        """See Watch."""
        said = self._what
        if effort:
            seconds = max(effort.seconds, 1e-9)
            said += (
                f": {counted(effort.texts, 'text')} in {duration(effort.seconds)} ({rate(effort.texts, seconds)} texts/s, "
                f"{rate(effort.tokens, seconds)} tokens/s)"
            )
        self._console.print(said, markup=False, soft_wrap=True)
        self._bar.update(self._task, visible=False)
