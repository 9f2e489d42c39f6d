"""The figures as a chart: bars with their intervals, as SVG; the same bytes for the same figures, for light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from vinilm.evaluation.results import Cell, Key, Result
from vinilm.evaluation.tables import MAIN

_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
# A class for each condition; the card behind the chart follows the reader's colour scheme, as its ink does.
_CLASSES = {"raw": "raw", "cleaned": "cleaned", "damaged": "damaged", "damaged-cleaned": "mended"}
_STYLE = f"""<style>
text {{ font: 13px {_FONT}; fill: #1f2328 }}
.title {{ font-size: 15px; font-weight: 600 }} .small {{ font-size: 12px; fill: #59636e }}
.card {{ fill: #ffffff; stroke: #d1d9e0 }} .grid {{ stroke: #d1d9e0 }} .error {{ stroke: #1f2328; stroke-width: 1.2 }}
.raw {{ fill: #8c959f }} .cleaned {{ fill: #0969da }} .damaged {{ fill: #d4762c }} .mended {{ fill: #2c974b }}
.mark {{ stroke: #59636e; stroke-dasharray: 4 3 }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #f0f6fc }} .small {{ fill: #9198a1 }}
.card {{ fill: #0d1117; stroke: #3d444d }} .grid {{ stroke: #2a313a }} .error {{ stroke: #f0f6fc }} .mark {{ stroke: #9198a1 }}
.raw {{ fill: #6e7681 }} .cleaned {{ fill: #4493f8 }} .damaged {{ fill: #f0883e }} .mended {{ fill: #3fb950 }}
}}
</style>"""
_WIDTH = 860
_BAR, _STEP, _GAP = 15, 18, 12
_LETTER = 7.2  # about the width of a letter

#: A group of bars: its name, and (condition, figure) for each.
Group = tuple[str, list[tuple[str, Cell]]]


def chart(results: Iterable[Result]) -> str:
    """Return a chart with a panel for each set, and one more where each kind of damage was evaluated alone."""
    body: list[str] = []
    y = 62.0
    for result in results:
        for title, groups, mark in _panels(result):
            panel, y = _panel(title, groups, mark, y)
            body += panel
    title = "What cleaning is worth: figures with their 95 % intervals"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_n(y)}" width="{_WIDTH}" height="{_n(y)}" '
        f'role="img" aria-label="{escape(title)}">'
    )
    card = f'<rect x="0.5" y="0.5" width="{_WIDTH - 1}" height="{_n(y - 1)}" rx="6" class="card"/>'
    legend, x = [], 20.0
    for condition, kind in _CLASSES.items():
        legend += [_rect(x, 41, 12, 12, kind), _text(x + 17, 52, condition, "small")]
        x += 40 + len(condition) * _LETTER
    parts = (head, f"<title>{escape(title)}</title>", _STYLE, card, _text(20, 27, title, "title"), *legend, *body, "</svg>")
    return "\n".join(parts) + "\n"


def _panels(result: Result) -> list[tuple[str, list[Group], float | None]]:
    """Return title, groups and the place of a mark for each panel of a set."""
    main = MAIN[result.task]
    plain = [condition for condition in result.conditions if ":" not in condition]
    groups: list[Group] = []
    for system in result.systems:
        shown = plain if system in result.readers else plain[:1]
        groups.append((system, [(c, result.cells[Key(system, c, main)]) for c in shown]))
    panels: list[tuple[str, list[Group], float | None]] = [(f"{result.name}: {main}", groups, None)]
    if result.kinds:
        system = result.systems[0]
        names = ("damaged", "damaged-cleaned")
        kinds: list[Group] = []
        for kind in result.kinds:
            keys = {name: Key(system, f"{name}:{kind}", main) for name in names}
            kinds.append((kind, [(name, result.cells[key]) for name, key in keys.items() if key in result.cells]))
        raw = result.cells.get(Key(system, "raw", main))
        panels.append((f"{result.name}: {main} of {system}, each kind of damage alone", kinds, raw.value if raw else None))
    return panels


def _panel(title: str, groups: Sequence[Group], mark: float | None, top: float) -> tuple[list[str], float]:
    """Return the parts of a panel that begins at ``top``, and where it ends. ``mark``: where a dashed line is."""
    left = max(150.0, 34 + _LETTER * max(len(name) for name, _ in groups))
    width = _WIDTH - left - 70
    lowest, highest, step = _axis([cell for _, bars in groups for _, cell in bars], mark)

    def at(value: float) -> float:
        return left + width * (value - lowest) / (highest - lowest)

    start = top + (34 if mark is None else 50)
    end = start + sum(len(bars) * _STEP + _GAP for _, bars in groups)
    out = [_text(20, top + 18, title, "title")]
    for i in range(round((highest - lowest) / step) + 1):
        x = at(lowest + i * step)
        out += [_line(x, start - 4, x, end, "grid"), _text(x, end + 15, f"{lowest + i * step:.2f}", "small", "middle")]
    y = start
    for name, bars in groups:
        out.append(_text(left - 10, y + len(bars) * _STEP / 2 + 3, name, "", "end"))
        for condition, cell in bars:
            out.append(_rect(left, y, at(cell.value) - left, _BAR, _CLASSES[condition]))
            middle = y + _BAR / 2
            out += [_line(at(cell.low), middle, at(cell.high), middle, "error")]
            out += [_line(at(x), middle - 4, at(x), middle + 4, "error") for x in (cell.low, cell.high)]
            out.append(_text(at(cell.high) + 7, y + 12, f"{cell.value:.3f}", "small"))
            y += _STEP
        y += _GAP
    if mark is not None:
        out += [
            _line(at(mark), start - 4, at(mark), end, "mark"),
            _text(at(mark), start - 8, f"raw {mark:.3f}", "small", "middle"),
        ]
    return out, end + 34


def _axis(cells: Sequence[Cell], mark: float | None) -> tuple[float, float, float]:
    """Return where the axis begins and ends, and the step between its ticks: from 0, so that bars do not mislead."""
    most = max([cell.high for cell in cells] + ([mark] if mark is not None else []) + [0.05])
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2) if most / step <= 6 or step == 0.2)
    return 0.0, math.ceil(most / step - 1e-9) * step, step


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    of = f' class="{kind}"' if kind else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{of} text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" class="{kind}"/>'


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 1))}" height="{_n(height)}" class="{kind}"/>'
