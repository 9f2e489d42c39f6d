"""The figures as tables: the same ones on the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vinilm.evaluation.bootstrap import Difference
from vinilm.evaluation.results import Cell, Key, Recovery, Result

#: The measure of each task that differences are told of.
MAIN = {"retrieval": "nDCG@10", "classification": "probe accuracy"}


@dataclass
class Table:
    """A table: names of the columns, rows of text; the first column is text, the others are figures."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def tables(results: Iterable[Result]) -> list[Table]:
    """Return the tables of all sets, in their order."""
    return [table for result in results for table in _of_set(result)]


def _of_set(result: Result) -> Iterator[Table]:
    yield _figures(result)
    if any(condition.startswith("damaged-cleaned") for condition in result.conditions):
        yield _brought_back(result)
    if len(result.systems) > 1 and result.models:
        yield _between_systems(result)
    yield _speed(result)


def _figures(result: Result) -> Table:
    main = MAIN[result.task]
    size = ", ".join(f"{count:,} {what}" for what, count in result.size.items())
    table = Table(f"{result.name}: {size}", ["system", "text", *result.measures, f"{main} against raw"], notes=list(result.notes))
    others = result.between_conditions()
    for system in result.systems:
        # What does not look at the text has one row.
        conditions = _plain(result.conditions) if system in result.models or result.task == "retrieval" else result.conditions[:1]
        for condition in conditions:
            cells = [_interval(result.cells[Key(system, condition, measure)]) for measure in result.measures]
            found = others.get((Key(system, condition, main), "raw"))
            table.rows.append([system, condition, *cells, signed(found) if found else ""])
    return table


def _brought_back(result: Result) -> Table:
    main = MAIN[result.task]
    columns = ["system", "damage", "raw", "damaged", "damaged-cleaned", "cleaned against damaged", "brought back", "of cleaned"]
    table = Table(f"{result.name}: what cleaning brings back of the {main} that damage costs", columns)
    for system in result.systems if result.task == "retrieval" else result.models:
        for kind in ("", *result.kinds):
            suffix = f":{kind}" if kind else ""
            keys = [Key(system, f"{c}{suffix if c != 'raw' else ''}", main) for c in ("raw", "damaged", "damaged-cleaned")]
            shown = [f"{result.cells[key].value:.3f}" if key in result.cells else "" for key in keys]
            gain = signed(result.difference(keys[2], keys[1])) if keys[1] in result.cells and keys[2] in result.cells else ""
            shares = [_share(result.recovery(system, main, kind, reference)) for reference in ("raw", "cleaned")]
            table.rows.append([system, kind or "all kinds", *shown, gain, *shares])
    return table


def _between_systems(result: Result) -> Table:
    main = MAIN[result.task]
    first = result.systems[0]
    others = [s for s in result.systems if s != first and (s in result.models or result.task == "retrieval")]
    table = Table(f"{result.name}: {main} against {first}", ["system", *_plain(result.conditions)])
    found = result.between_models()
    for system in others:
        table.rows.append([system, *(signed(found[Key(system, c, main)]) for c in _plain(result.conditions))])
    return table


def _speed(result: Result) -> Table:
    table = Table(f"{result.name}: speed", ["system", "text", "texts", "tokens", "cut", "texts/s", "tokens/s", "cleaning, s"])
    for (system, condition), effort in result.efforts.items():
        numbers = [f"{effort[name]:,.0f}" for name in ("texts", "tokens", "cut", "texts_per_second", "tokens_per_second")]
        cleaning = f"{effort['cleaning_seconds']:.1f}" if effort["cleaning_seconds"] else ""
        table.rows.append([system, condition, *numbers, cleaning])
    return table


def _plain(conditions: Sequence[str]) -> list[str]:
    """Return the conditions with all kinds of damage together."""
    return [condition for condition in conditions if ":" not in condition]


def _interval(cell: Cell) -> str:
    return f"{cell.value:.3f} ({cell.low:.3f} to {cell.high:.3f})"


def signed(found: Difference) -> str:
    """Return a difference with its interval, and p."""
    p = "< 0.001" if found.p < 0.001 else f"= {found.p:.3f}"
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f}), p {p}"


def _share(found: Recovery | None) -> str:
    return "" if found is None else f"{found.share:.0%} ({found.low:.0%} to {found.high:.0%})"


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


def show(found: Iterable[Table]) -> None:
    """Print tables on standard output: as wide as they are, where that is no terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Rich
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    for table in found:
        drawn = Rich(title=Text(table.title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for number, column in enumerate(table.columns):
            drawn.add_column(Text(column), justify="left" if number < 2 else "right", overflow="fold")
        before = ""
        for row in table.rows:
            # The name of a system stands once.
            drawn.add_row(*(Text(cell) for cell in ["" if row[0] == before else row[0], *row[1:]]))
            before = row[0]
        console.print(drawn)
        for note in table.notes:
            console.print(Text(note, "dim"))
