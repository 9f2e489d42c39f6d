"""The figures as tables: the same ones on the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vinilm.evaluation.bootstrap import Difference
from vinilm.evaluation.results import Cell, Key, Recovery, Result

#: The measure of each task that differences are told of.
MAIN = {"retrieval": "nDCG@10", "classification": "probe accuracy"}
#: Columns of a terminal that holds the tables with all intervals.
_WIDE = 180


@dataclass
class Table:
    """A table: names of the columns, rows of text; the first column is text, the others are figures."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Cells:
    """How figures are written: with their intervals, or so short that a terminal holds them."""

    is_short: bool = False

    def figure(self, cell: Cell) -> str:
        """Return a figure with its interval; short: with half of its width."""
        if self.is_short:
            return f"{cell.value:.3f} ±{(cell.high - cell.low) / 2:.3f}"
        return f"{cell.value:.3f} ({cell.low:.3f} to {cell.high:.3f})"

    def difference(self, found: Difference | None) -> str:
        """Return a difference with its interval, and p; None: nothing."""
        if found is None:
            return ""
        p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
        return f"{found.value:+.3f}{'' if self.is_short else f' ({found.low:+.3f} to {found.high:+.3f})'}, {p}"

    def share(self, found: Recovery | None) -> str:
        """Return a share in per cent with its interval; None: nothing."""
        if found is None:
            return ""
        return f"{found.share:.0%}{'' if self.is_short else f' ({found.low:.0%} to {found.high:.0%})'}"


def tables(results: Iterable[Result], *, is_short: bool = False) -> list[Table]:
    """Return the tables of all sets, in their order."""
    cells = Cells(is_short)
    return [table for result in results for table in _of_set(result, cells)]


def _of_set(result: Result, cells: Cells) -> Iterator[Table]:
    yield _figures(result, cells)
    if result.kinds or {"damaged", "damaged-cleaned"} <= set(result.conditions):
        yield _brought_back(result, cells)
    others = [system for system in result.readers if system != result.systems[0]]
    if others:
        yield _between_systems(result, others, cells)
    yield _speed(result, cells)


def _figures(result: Result, cells: Cells) -> Table:
    main = MAIN[result.task]
    size = ", ".join(f"{count:,} {what}" for what, count in result.size.items())
    table = Table(f"{result.name}: {size}", ["system", "text", *result.measures], notes=list(result.notes))
    has_others = "raw" in result.conditions and len(_plain(result.conditions)) > 1
    if has_others:
        table.columns.append(f"{main} against raw")
    others = result.between_conditions()
    for system in result.systems:
        # What does not look at the text has one row.
        for condition in _plain(result.conditions) if system in result.readers else result.conditions[:1]:
            row = [cells.figure(result.cells[Key(system, condition, measure)]) for measure in result.measures]
            if has_others:
                row.append(cells.difference(others.get((Key(system, condition, main), "raw"))))
            table.rows.append([system, condition, *row])
    return table


def _brought_back(result: Result, cells: Cells) -> Table:
    main = MAIN[result.task]
    columns = ["system", "damage", "raw", "damaged", "damaged-cleaned", "cleaned against damaged", "brought back", "of cleaned"]
    table = Table(f"{result.name}: what cleaning brings back of the {main} that damage costs", columns)
    for system in result.readers:
        for kind in ("", *result.kinds):
            suffix = f":{kind}" if kind else ""
            raw, damaged, mended = (Key(system, c, main) for c in ("raw", f"damaged{suffix}", f"damaged-cleaned{suffix}"))
            shown = [f"{result.cells[key].value:.3f}" if key in result.cells else "" for key in (raw, damaged, mended)]
            gain = cells.difference(result.difference(mended, damaged) if {mended, damaged} <= result.cells.keys() else None)
            shares = [cells.share(result.recovery(system, main, kind, reference)) for reference in ("raw", "cleaned")]
            table.rows.append([system, kind or "all kinds", *shown, gain, *shares])
    return table


def _between_systems(result: Result, others: Sequence[str], cells: Cells) -> Table:
    main = MAIN[result.task]
    table = Table(f"{result.name}: {main} against {result.systems[0]}", ["system", "text", "difference"])
    found = result.between_models()
    for system in others:
        for condition in _plain(result.conditions):
            table.rows.append([system, condition, cells.difference(found[Key(system, condition, main)])])
    return table


def _speed(result: Result, cells: Cells) -> Table:
    columns = ["system", "text", "computed", "known", "tokens", "cut", "texts/s", "tokens/s", "cleaning, s"]
    table = Table(f"{result.name}: speed", columns)
    for (system, condition), effort in result.efforts.items():
        if cells.is_short and ":" in condition:
            continue
        numbers = [
            f"{effort[name]:,.0f}" for name in ("texts", "known", "tokens", "cut", "texts_per_second", "tokens_per_second")
        ]
        cleaning = f"{effort['cleaning_seconds']:.1f}" if effort["cleaning_seconds"] else ""
        table.rows.append([system, condition, *numbers, cleaning])
    return table


def _plain(conditions: Sequence[str]) -> list[str]:
    """Return the conditions with all kinds of damage together."""
    return [condition for condition in conditions if ":" not in condition]


def markdown(table: Table) -> str:
    """Return a table in Markdown, its title as a heading."""
    lines = [f"## {_escaped(table.title)}", ""]
    lines += ["| " + " | ".join(map(_escaped, table.columns)) + " |"]
    lines += ["|" + "|".join(["---"] * 2 + ["---:"] * (len(table.columns) - 2)) + "|"]
    lines += ["| " + " | ".join(map(_escaped, row)) + " |" for row in table.rows]
    lines += ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def show(results: Sequence[Result]) -> None:
    """Print the tables on standard output: short on a narrow terminal, and as wide as they are where that is none."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Rich
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDE)
    for table in tables(results, is_short=console.width < _WIDE):
        drawn = Rich(title=Text(table.title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for number, column in enumerate(table.columns):
            drawn.add_column(Text(column), justify="left" if number < 2 else "right", no_wrap=number < 2)
        before = ""
        for row in table.rows:
            # The name of a system stands once.
            drawn.add_row(*(Text(cell) for cell in ["" if row[0] == before else row[0], *row[1:]]))
            before = row[0]
        console.print(drawn)
        for note in table.notes:
            console.print(Text(note, "dim"))
