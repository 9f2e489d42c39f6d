"""Charts as SVG: small, the same bytes for the same figures, legible on light and on dark pages.

The card behind a chart and its ink follow the reader's colour scheme, so that text never stands on an unknown ground.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
STYLE = f"""<style>
text {{ font: 13px {FONT}; fill: #1f2328 }}
.title {{ font-size: 15px; font-weight: 600 }} .small {{ font-size: 12px; fill: #59636e }} .own {{ font-weight: 700 }}
.card {{ fill: #ffffff; stroke: #d1d9e0 }} .grid {{ stroke: #d1d9e0 }} .axis {{ stroke: #59636e }}
.c0 {{ fill: #0969da }} .c1 {{ fill: #bf5700 }} .c2 {{ fill: #6e7781 }} .c3 {{ fill: #a475c9 }} .c4 {{ fill: #2c974b }}
.leader {{ stroke: #8c959f; stroke-width: 0.8 }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #f0f6fc }} .small {{ fill: #9198a1 }}
.card {{ fill: #0d1117; stroke: #3d444d }} .grid {{ stroke: #2a313a }} .axis {{ stroke: #9198a1 }}
.c0 {{ fill: #4493f8 }} .c1 {{ fill: #f0883e }} .c2 {{ fill: #9198a1 }} .c3 {{ fill: #c297eb }} .c4 {{ fill: #3fb950 }}
}}
</style>"""
#: Of the charts that have lines; their colours are those of the points.
LINE_STYLE = """<style>
polyline { fill: none; stroke-width: 2 }
.l0 { stroke: #0969da } .l1 { stroke: #bf5700 } .l2 { stroke: #6e7781 } .l3 { stroke: #a475c9 } .l4 { stroke: #2c974b }
@media (prefers-color-scheme: dark) {
.l0 { stroke: #4493f8 } .l1 { stroke: #f0883e } .l2 { stroke: #9198a1 } .l3 { stroke: #c297eb } .l4 { stroke: #3fb950 }
}
</style>"""
WIDTH = 820
_LINE = 18  # from one line of text to the next
_LETTER = 7.2  # about the width of a letter


class Point(NamedTuple):
    """One system in a scatter chart; ``own`` is the project."""

    label: str
    x: float
    y: float
    own: bool = False


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start", more: str = "") -> str:
    of = f' class="{kind}"' if kind else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{of} text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" class="{kind}"/>'


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 1))}" height="{_n(max(height, 1))}" class="{kind}"/>'


def _svg(height: float, title: str, subtitle: str, body: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {_n(height)}" width="{WIDTH}" height="{_n(height)}" '
        f'role="img" aria-label="{escape(title)}">'
    )
    card = f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{_n(height - 1)}" rx="6" class="card"/>'
    titles = [_text(20, 28, title, "title"), _text(20, 47, subtitle, "small")]
    return "\n".join((head, f"<title>{escape(title)}</title>", STYLE, card, *titles, *body, "</svg>")) + "\n"


def scatter(title: str, subtitle: str, x_label: str, y_label: str, points: Sequence[Point], least: float) -> str:
    """Points over a logarithmic x axis that starts at ``least`` (smaller values stand there), y in shares of 1."""
    left, top, width, height = 70.0, 70.0, WIDTH - 100.0, 380.0
    decades = math.log10(least), math.ceil(math.log10(max(10 * least, *(p.x for p in points))))
    # A tenth that leaves room for a label below the lowest point.
    lowest = max(0.0, math.floor(min(p.y for p in points) * 10 - 0.2) / 10)

    def at_x(value: float) -> float:
        return left + width * (math.log10(max(value, least)) - decades[0]) / (decades[1] - decades[0])

    def at_y(value: float) -> float:
        return top + height * (1 - (value - lowest) / (1 - lowest))

    body = []
    for i in range(round((1 - lowest) * 10) + 1):
        y = lowest + i / 10
        body += [_line(left, at_y(y), left + width, at_y(y), "grid"), _text(left - 8, at_y(y) + 4, f"{y:.1f}", "small", "end")]
    for d in range(math.ceil(decades[0]), decades[1] + 1):
        body += [_line(at_x(10**d), top, at_x(10**d), top + height, "grid")]
        body += [_text(at_x(10**d), top + height + 18, f"{10**d:g}", "small", "middle")]
    body += [_text(left, top + height + 18, f"≤ {least:g}", "small", "middle")]
    body += [_line(left, top + height, left + width, top + height, "axis"), _line(left, top, left, top + height, "axis")]
    body += [_text(left + width / 2, top + height + 40, x_label, "", "middle")]
    middle = top + height / 2
    body += [_text(20, middle, y_label, "", "middle", f' transform="rotate(-90 20 {_n(middle)})"')]
    dots = [(p, at_x(p.x), at_y(p.y)) for p in points]
    taken = [(x - 7, y - 7, x + 7, y + 7) for _, x, y in dots]
    for p, x, y in sorted(dots, key=lambda d: (not d[0].own, d[2])):
        body.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{8 if p.own else 5}" class="{"c0" if p.own else "c2"}"/>')
        box = _free(x, y, len(p.label) * _LETTER, taken, (left + 2, top, left + width, top + height))
        taken.append(box)
        if abs(box[1] + 8 - y) > 14:
            body.append(_line(x, y, min(max(x, box[0]), box[2]), box[1] + 8, "leader"))
        body.append(_text(box[0], box[1] + 12, p.label, "own" if p.own else ""))
    return _svg(top + height + 60, title, subtitle, body)


Box = tuple[float, float, float, float]


def _free(x: float, y: float, width: float, taken: Sequence[Box], room: Box) -> Box:
    """A place for a label near a point that overlaps no other: right, left, then farther and farther above and below."""
    for step in range(0, 200, 4):
        for dy in (-step, step):
            for dx in (11.0, -11.0 - width):
                box = (x + dx, y + dy - 8, x + dx + width, y + dy + 8)
                inside = box[0] >= room[0] and box[2] <= room[2] and box[1] >= room[1] and box[3] <= room[3]
                if inside and not any(box[0] < t[2] and t[0] < box[2] and box[1] < t[3] and t[1] < box[3] for t in taken):
                    return box
    return (x + 11, y - 8, x + 11 + width, y + 8)


def bars(title: str, subtitle: str, rows: Mapping[str, Sequence[float]], series: Sequence[str], own: Collection[str]) -> str:
    """Horizontal bars of stacked series, one row a label, with their sum; the rows ``own`` are the project's."""
    left, top, step = max(190.0, 30 + _LETTER * max(map(len, rows))), 90.0, 24.0
    most = max(sum(values) for values in rows.values())
    width = WIDTH - left - 80
    body, x = [], left
    for i, name in enumerate(series):
        body += [_rect(x, 60, 12, 12, f"c{i + 1}"), _text(x + 18, 71, name, "small")]
        x += 30 + len(name) * _LETTER
    for k, (label, values) in enumerate(rows.items()):
        y = top + k * step
        body.append(_text(left - 10, y + 13, label, "own" if label in own else "", "end"))
        at = left
        for i, value in enumerate(values):
            if value:
                body.append(_rect(at, y, width * value / most, 16, f"c{i + 1}"))
            at += width * value / most
        body.append(_text(at + 6, y + 13, f"{sum(values):.2f}" if sum(values) < 10 else f"{sum(values):.0f}", "small"))
    return _svg(top + len(rows) * step + 16, title, subtitle, body)


def log_bars(title: str, subtitle: str, rows: Mapping[str, float], own: Collection[str]) -> str:
    """Horizontal bars on a logarithmic scale that starts at a power of ten below the least value; ``own`` are the project's."""
    left = max(190.0, *(30 + _LETTER * len(label) * (1.12 if label in own else 1) for label in rows))
    top, step = 64.0, 24.0
    width, height = WIDTH - left - 80, len(rows) * step
    lowest = math.floor(math.log10(min(rows.values())) - 0.01)
    highest = max(lowest + 1.0, math.log10(max(rows.values())))

    def at(value: float) -> float:
        return left + width * (math.log10(value) - lowest) / (highest - lowest)

    body = []
    for decade in range(lowest, math.floor(highest) + 1):
        x = at(10.0**decade)
        body += [_line(x, top, x, top + height, "grid"), _text(x, top + height + 16, f"{10.0**decade:g}", "small", "middle")]
    for k, (label, value) in enumerate(rows.items()):
        y = top + k * step
        body.append(_text(left - 10, y + 17, label, "own" if label in own else "", "end"))
        body.append(_rect(left, y + 4, at(value) - left, 16, "c0" if label in own else "c2"))
        body.append(_text(at(value) + 6, y + 17, _short(value), "small"))
    return _svg(top + height + 28, title, subtitle, body)


def lines(title: str, subtitle: str, x_label: str, y_label: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lines over a logarithmic x axis, y from zero; the name of a series stands at the end of its line."""
    left, top, width, height = 70.0, 88.0, WIDTH - 100.0, 220.0
    xs = sorted({x for line in series.values() for x, _ in line})
    most, step = _ticks(max(y for line in series.values() for _, y in line))
    room = _LETTER * max(map(len, series)) + 20 if len(series) > 1 else 20.0

    def at_x(value: float) -> float:
        span = math.log10(xs[-1]) - math.log10(xs[0])
        return left + 20 + (width - 20 - room) * ((math.log10(value) - math.log10(xs[0])) / span if span else 0.5)

    def at_y(value: float) -> float:
        return top + height * (1 - value / most)

    body = [LINE_STYLE]
    for i in range(round(most / step) + 1):
        y = at_y(i * step)
        body += [_line(left, y, left + width, y, "grid"), _text(left - 8, y + 4, f"{i * step:,g}", "small", "end")]
    for x in xs:
        body.append(_text(at_x(x), top + height + 18, f"{float(f'{x:.3g}'):,g}", "small", "middle"))
    body += [_line(left, top + height, left + width, top + height, "axis"), _text(left - 8, top - 14, y_label, "small", "end")]
    body.append(_text(left + width / 2, top + height + 40, x_label, "", "middle"))
    for k, (name, line) in enumerate(series.items()):
        places = [(at_x(x), at_y(y)) for x, y in sorted(line)]
        body.append(f'<polyline points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in places)}" class="l{k}"/>')
        for (x, y), (_, value) in zip(places, sorted(line), strict=True):
            body.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="4" class="c{k}"/>')
            if len(series) == 1:
                body.append(_text(x, y - 10, _short(value), "small", "middle"))
        if len(series) > 1:
            body.append(_text(places[-1][0] + 10, places[-1][1] + 4, name))
    return _svg(top + height + 60, title, subtitle, body)


def _ticks(most: float) -> tuple[float, float]:
    """Return the end of an axis that shows ``most`` with room for a label above it, and the step between its ticks."""
    step = 10.0 ** math.floor(math.log10(most))
    step = next(step * part for part in (0.2, 0.5, 1.0, 2.0) if most * 1.1 <= 6 * step * part)
    return math.ceil(most * 1.1 / step) * step, step


def groups(title: str, subtitle: str, rows: Mapping[str, Mapping[str, float]], series: Sequence[str]) -> str:
    """Groups of horizontal bars (0 to 100): one group a row, one bar a series; the first series is the project."""
    left, top, step = 170.0, 90.0, 14.0
    width = WIDTH - left - 70
    body, x, y = [], left, top
    for i, name in enumerate(series):
        body += [_rect(x, 60, 12, 12, f"c{i}"), _text(x + 18, 71, name, "small")]
        x += 34 + len(name) * _LETTER
    for label, values in rows.items():
        shown = [(i, values[name]) for i, name in enumerate(series) if name in values]
        body.append(_text(left - 10, y + step * len(shown) / 2 + 4, label, "", "end"))
        for i, value in shown:
            body.append(_rect(left, y, width * value / 100, step - 3, f"c{i}"))
            body.append(_text(left + width * value / 100 + 5, y + step - 4, f"{value:.0f}", "own" if i == 0 else "small"))
            y += step
        y += 10
    body.append(_line(left, top - 4, left, y - 4, "axis"))
    return _svg(y + 12, title, subtitle, body)


def reliability(title: str, subtitle: str, bins: Sequence[tuple[float, float, int]]) -> str:
    """A reliability diagram: for each share of the cases (what was said, how often it was so, how many), beside the diagonal."""
    left, top, size = 70.0, 70.0, 380.0
    body = []
    for i in range(0, 11, 2):
        at = i / 10 * size
        body += [_line(left, top + size - at, left + size, top + size - at, "grid")]
        body += [_line(left + at, top, left + at, top + size, "grid")]
        body += [_text(left - 8, top + size - at + 4, f"{i / 10:.1f}", "small", "end")]
        body += [_text(left + at, top + size + 18, f"{i / 10:.1f}", "small", "middle")]
    body += [_line(left, top + size, left + size, top, "axis")]
    body += [_text(left + size / 2, top + size + 40, "said: confidence of the edit", "", "middle")]
    middle = f' transform="rotate(-90 20 {_n(top + size / 2)})"'
    body += [_text(20, top + size / 2, "was: share of edits that were right", "", "middle", middle)]
    table = left + size + 60
    body += [_text(table, top + 14, "said", "small"), _text(table + 90, top + 14, "was", "small")]
    body += [_text(table + 180, top + 14, "edits", "small")]
    for row, (said, was, n) in enumerate(bins):
        x, y = left + said * size, top + (1 - was) * size
        body.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(4 + math.log10(max(1, n)))}" class="c0"/>')
        at = top + 38 + row * 24
        body += [_text(table, at, f"{said:.2f}"), _text(table + 90, at, f"{was:.2f}"), _text(table + 180, at, str(n))]
    return _svg(top + size + 60, title, subtitle, body)
