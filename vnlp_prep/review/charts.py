"""Charts as SVG inside the page: they take its width and its colours, and have their figures as text beside them.

No chart holds text: what is stretched to the width of a phone could not be read there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vnlp_prep.review.markup import Markup, join, marked, tag
from vnlp_prep.stages import STAGES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_STACK_WIDTH = 1000
_GRID_LINES = 4


def stage_class(stage: str) -> str:
    """Return the class that has the colour of a stage; stages nobody knows share one."""
    return f"s-{stage}" if stage in STAGES or stage == "input" else "s-other"


def _svg(width: float, height: float, kind: str, label: str | None, *children: Markup) -> Markup:
    hidden = {"aria_hidden": "true"} if label is None else {"role": "img", "aria_label": label}
    title = None if label is None else tag("title", label)
    box = f"0 0 {width:g} {height:g}"
    return tag("svg", title, *children, class_=kind, viewBox=box, preserveAspectRatio="none", **hidden)


def bar(share: float, kind: str, more: float = 0.0) -> Markup:
    """A bar of that share of the full length, 0 to 1, and behind it ``more``; its figure stands beside it."""
    parts = [tag("rect", width=100 * share, height=8, class_=kind)]
    if more > 0:
        parts.append(tag("rect", x=100 * share, width=100 * more, height=8, class_=f"{kind} faint"))
    return _svg(100, 8, "bar", None, *parts)


def stacked(counts: Mapping[str, int], label: str) -> Markup:
    """One bar in which each stage has its share."""
    total = sum(counts.values())
    at = 0.0
    parts = []
    for stage, count in counts.items():
        width = _STACK_WIDTH * count / total
        title = tag("title", f"{stage}: {count:,} ({100 * count / total:.0f} %)")
        parts.append(tag("rect", title, x=at, width=max(0.0, width - 2), height=16, class_=stage_class(stage)))
        at += width
    return _svg(_STACK_WIDTH, 16, "stack", label, *parts)


def timeline(
    bars: Sequence[tuple[int, int, Mapping[str, int]]], stages: Collection[str], borders: Sequence[float], label: str
) -> tuple[Markup, float]:
    """Changes for each record, along the corpus, and the value at the top of the chart.

    ``bars``: the first record, the last, the changes by stage. ``borders``: where files begin, as shares of the width.
    """
    means = [sum(counts.values()) / (last - first + 1) for first, last, counts in bars]
    top = _round_up(max(means, default=0))
    width = float(len(bars))
    parts = [
        tag("line", x1=0, x2=width, y1=y, y2=y, class_="grid") for y in (100 * i / _GRID_LINES for i in range(_GRID_LINES + 1))
    ]
    parts += [tag("line", x1=width * x, x2=width * x, y1=0, y2=100, class_="border") for x in borders]
    for i, (first, last, counts) in enumerate(bars):
        y = 100.0
        rects = []
        for stage in stages:
            if counts.get(stage):
                height = 100 * counts[stage] / (last - first + 1) / top
                y -= height
                rects.append(tag("rect", x=i + 0.08, y=y, width=0.84, height=height, class_=stage_class(stage)))
        said = ", ".join(f"{stage} {counts[stage]:,}" for stage in stages if counts.get(stage)) or "no changes"
        records = f"record {first:,}" if first == last else f"records {first:,} to {last:,}"
        hit = tag("rect", x=i, width=1, height=100, class_="hit")
        parts.append(tag("g", tag("title", f"{records}: {said}"), hit, *rects))
    return _svg(width, 100, "time", label, *parts), top


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 4, 8, 10, 20, ... (or a tenth of these, ...)."""
    if value <= 0:
        return 1.0
    power = float(10 ** math.floor(math.log10(value)))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value * 0.999)


def legend(stages: Collection[str]) -> Markup:
    """The colours of the stages."""
    items = [tag("li", dot(stage), stage) for stage in stages]
    return tag("ul", join(*items), class_="legend")


def dot(stage: str) -> Markup:
    """A dot in the colour of a stage."""
    circle = Markup('<circle cx="5" cy="5" r="5"/>')
    return tag("svg", circle, class_=f"dot {stage_class(stage)}", viewBox="0 0 10 10", aria_hidden="true")


def named_rule(stage: str, rule: str) -> tuple[Markup, Markup, Markup]:
    """A rule, with its stage as a colour and, for who does not see that, as a word."""
    return dot(stage), tag("span", marked(rule)), tag("span", f" ({stage})", class_="vh")
