"""Charts are well-formed, the same for the same figures, and their labels do not cover each other."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import charts
import pytest
from charts import Point
from hypothesis import given, settings
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=12)
POINTS = st.lists(st.builds(Point, NAMES, st.floats(0, 500), st.floats(0, 1), st.booleans()), min_size=1, max_size=8)


def labels(svg: str) -> list[ET.Element]:
    return [t for t in ET.fromstring(svg).iter(f"{SVG}text") if t.get("class") in (None, "own") and not t.get("transform")]


@settings(max_examples=40, deadline=None)
@given(POINTS)
def test_a_scatter_chart_is_well_formed_and_repeatable(points: list[Point]) -> None:
    svg = charts.scatter("Title & <more>", "below", "x", "y", points, 0.05)
    assert svg == charts.scatter("Title & <more>", "below", "x", "y", list(points), 0.05)
    circles = list(ET.fromstring(svg).iter(f"{SVG}circle"))
    assert len(circles) == len(points)
    for circle in circles:
        assert 70 <= float(circle.get("cx", "nan")) <= charts.WIDTH - 30
        assert 70 <= float(circle.get("cy", "nan")) <= 450
    assert {p.label.strip() for p in points} <= {(t.text or "").strip() for t in labels(svg)}


def test_labels_of_points_in_one_place_are_apart() -> None:
    svg = charts.scatter("t", "s", "x", "y", [Point(f"tool {i}", 10, 0.5) for i in range(6)], 0.05)
    places = [(float(t.get("x", "")), float(t.get("y", ""))) for t in labels(svg) if (t.text or "").startswith("tool")]
    assert len(places) == 6
    for i, (x, y) in enumerate(places):
        for other_x, other_y in places[i + 1 :]:
            assert abs(y - other_y) >= 14 or abs(x - other_x) >= 40


@pytest.mark.parametrize("svg", [
    charts.bars("t", "s", {"a": (1.0, 2.0), "own": (0.0, 0.1)}, ("changed", "split"), ["own"]),
    charts.groups("t", "s", {"set": {"own": 50.0, "other": 25.0}}, ("own", "other")),
    charts.log_bars("t", "s", {"own": 5.0, "other": 0.2}, ["own"]),
    charts.lines("t", "s", "x", "y", {"own": [(1, 5.0), (10, 6.0)], "other": [(1, 2.0)]}),
])  # fmt: skip
def test_colours_follow_the_readers_scheme(svg: str) -> None:
    assert "prefers-color-scheme: dark" in svg
    root = ET.fromstring(svg)
    used = {name for element in root.iter() for name in (element.get("class") or "").split()}
    style = "".join(element.text or "" for element in root.iter(f"{SVG}style"))
    assert "card" in used
    assert all(f".{name} {{" in style for name in used)


def test_bars_are_as_long_as_their_values() -> None:
    root = ET.fromstring(charts.bars("t", "s", {"long": (10.0, 0.0), "short": (2.5, 2.5)}, ("changed", "split"), ["long"]))
    widths = [float(r.get("width", "")) for r in root.iter(f"{SVG}rect") if r.get("height") == "16"]
    assert len(widths) == 3
    assert math.isclose(widths[0], 4 * widths[1], rel_tol=0.01)
    assert math.isclose(widths[1], widths[2], rel_tol=0.01)


def test_logarithmic_bars_grow_by_the_same_for_every_factor() -> None:
    root = ET.fromstring(charts.log_bars("t", "s", {"a": 100.0, "b": 10.0, "c": 1.0, "d": 0.2}, ["b"]))
    widths = [float(r.get("width", "")) for r in root.iter(f"{SVG}rect") if r.get("height") == "16"]
    assert len(widths) == 4
    assert math.isclose(widths[0] - widths[1], widths[1] - widths[2], abs_tol=0.2)
    assert math.isclose(widths[2] - widths[3], (widths[0] - widths[1]) * math.log10(5), abs_tol=0.2)
    assert widths[3] > 0


LINES = st.lists(st.tuples(st.floats(0.1, 5000), st.floats(0.01, 1000)), min_size=1, max_size=6, unique_by=lambda p: p[0])


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, LINES, min_size=1, max_size=5))
def test_a_line_chart_is_well_formed_and_inside_of_its_card(series: dict[str, list[tuple[float, float]]]) -> None:
    svg = charts.lines("Title & <more>", "below", "x", "y", series)
    assert svg == charts.lines("Title & <more>", "below", "x", "y", {name: line[::-1] for name, line in series.items()})
    root = ET.fromstring(svg)
    assert len(list(root.iter(f"{SVG}polyline"))) == len(series)
    circles = list(root.iter(f"{SVG}circle"))
    assert len(circles) == sum(map(len, series.values()))
    for circle in circles:
        assert 70 <= float(circle.get("cx", "nan")) <= charts.WIDTH - 30
        assert 88 <= float(circle.get("cy", "nan")) <= 308
    right = max((float(t.get("x", "")) + len(t.text or "") * 7 for t in labels(svg)), default=0)
    assert right <= charts.WIDTH + 20


TICKS = [(0.9, 1.0, 0.2), (1.0, 1.2, 0.2), (4.2, 5, 1), (15.3, 20, 5), (95, 120, 20), (130, 150, 50), (999, 1200, 200)]


@pytest.mark.parametrize(("most", "end", "step"), TICKS)
def test_an_axis_ends_above_its_largest_value(most: float, end: float, step: float) -> None:
    assert charts._ticks(most) == pytest.approx((end, step))
