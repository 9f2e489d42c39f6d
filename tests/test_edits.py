"""Edits: applied, composed, undone and located, on any text and any edits."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vnlp_prep.edits import Alignment, Cleaned, Edit, apply, compose, moved_to_raw

LETTERS = st.text(st.sampled_from("abc é🚀\n"), max_size=40)


@st.composite
def edits_of(draw: st.DrawFn, text: str, stage: str = "s") -> list[Edit]:
    """Valid edits of ``text``: sorted, disjoint (often adjacent), no insertion; some delete, some grow, some shrink."""
    edits = []
    at = 0
    while at < len(text) and len(edits) < 12:
        start = at + draw(st.integers(0, 4))
        end = start + draw(st.integers(1, 4))
        if end > len(text):
            break
        before = text[start:end]
        after = draw(st.one_of(st.just(""), st.text(st.sampled_from("abcX"), max_size=6)))
        if after != before:
            confidence = draw(st.sampled_from((0.5, 0.95, 1.0)))
            edits.append(Edit(stage, f"r{len(edits)}", start, end, before, after, confidence))
        at = end
    return edits


@st.composite
def chains(draw: st.DrawFn, stages: int = 2) -> tuple[str, list[list[Edit]], str]:
    """A text, edits of it, edits of the result, and so on; and the end result."""
    raw = text = draw(LETTERS)
    chain = []
    for i in range(stages):
        edits = draw(edits_of(text, f"stage{i}"))
        chain.append(edits)
        text = apply(text, edits)
    return raw, chain, text


def check_valid(text: str, edits: list[Edit]) -> None:
    at = 0
    for e in edits:
        assert at <= e.start < e.end <= len(text)
        assert text[e.start : e.end] == e.before != e.after
        at = e.end


# --- apply ------------------------------------------------------------------------------------------------------------


@given(chains(1))
def test_apply_replaces_each_span_and_nothing_else(given_: tuple[str, list[list[Edit]], str]) -> None:
    raw, [edits], text = given_
    by_hand = raw
    for e in reversed(edits):
        by_hand = by_hand[: e.start] + e.after + by_hand[e.end :]
    assert text == by_hand


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([Edit("s", "r", 0, 2, "xx", "y", 1.0)], id="other text"),
        pytest.param([Edit("s", "r", 1, 1, "", "y", 1.0)], id="insertion"),
        pytest.param([Edit("s", "r", 2, 1, "", "y", 1.0)], id="reversed"),
        pytest.param([Edit("s", "r", 2, 9, "cd", "y", 1.0)], id="beyond the end"),
        pytest.param([Edit("s", "r", 0, 2, "ab", "y", 1.0), Edit("s", "r", 1, 3, "bc", "y", 1.0)], id="overlap"),
        pytest.param([Edit("s", "r", 2, 3, "c", "y", 1.0), Edit("s", "r", 0, 1, "a", "y", 1.0)], id="out of order"),
    ],
)
def test_apply_refuses_edits_that_do_not_fit(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        apply("abcd", edits)


# --- compose ----------------------------------------------------------------------------------------------------------


@settings(max_examples=500)
@given(chains(2))
def test_compose_is_one_after_the_other(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, [first, second], text = chain
    both = compose(raw, first, second)
    check_valid(raw, both)
    assert apply(raw, both) == text


@settings(max_examples=200)
@given(chains(4))
def test_compose_of_many_stages(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, stages, text = chain
    edits: list[Edit] = []
    for stage in stages:
        edits = compose(raw, edits, stage)
    check_valid(raw, edits)
    assert apply(raw, edits) == text


@given(chains(2))
def test_compose_keeps_edits_that_meet_no_other(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, [first, second], _ = chain
    alignment = Alignment(first)
    touched = set()
    for e in second:
        start, end = alignment.old_span(e.start, e.end)
        touched |= {f for f in first if f.start < end and start < f.end}
    both = compose(raw, first, second)
    assert set(first) - touched <= set(both)


@given(chains(2))
def test_compose_never_raises_confidence(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, [first, second], _ = chain
    alignment = Alignment(first)
    for e in compose(raw, first, second):
        parts = [f for f in first if f.start >= e.start and f.end <= e.end]
        parts += [s for s in second if alignment.old_span(s.start, s.end) == (e.start, e.end)]
        assert e.confidence <= min((p.confidence for p in parts), default=1.0)


@given(chains(1))
def test_compose_with_nothing(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, [edits], _ = chain
    assert compose(raw, edits, []) == edits
    assert compose(raw, [], edits) == edits


def test_compose_of_edit_and_its_undoing_is_nothing() -> None:
    first = [Edit("a", "r", 1, 2, "b", "xy", 1.0)]
    second = [Edit("b", "r", 1, 3, "xy", "b", 1.0)]
    assert compose("abc", first, second) == []


def test_compose_merges_what_meets_under_the_later_name() -> None:
    first = [Edit("html", "entity", 3, 8, "&#39;", "'", 1.0), Edit("html", "tag", 9, 12, "<b>", "", 1.0)]
    second = [Edit("spelling", "typo", 0, 6, "dno'tX", "don't", 0.95)]
    raw = "dno&#39;t<b>X rest"
    assert compose(raw, first, second) == [Edit("spelling", "typo", 0, 13, "dno&#39;t<b>X", "don't", 0.95)]


def test_compose_costs_linear_time() -> None:
    raw = "ab" * 100_000
    first = [Edit("a", "r", i, i + 1, "a", "xx", 1.0) for i in range(0, len(raw), 2)]
    between = apply(raw, first)
    second = [Edit("b", "r", i, i + 1, "b", "", 1.0) for i in range(2, len(between), 3)]
    began = time.perf_counter()
    assert apply(raw, compose(raw, first, second)) == "xx" * 100_000
    assert time.perf_counter() - began < 60


# --- spans ------------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(chains(1))
def test_spans_of_kept_text_are_exact(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, [edits], text = chain
    doc = Cleaned(raw, tuple(edits))
    covered = [False] * len(raw)
    for e in edits:
        covered[e.start : e.end] = [True] * (e.end - e.start)
    for i, hidden in enumerate(covered):
        if not hidden:
            start, end = doc.clean_span(i, i + 1)
            assert text[start:end] == raw[i]
            assert doc.raw_span(start, end) == (i, i + 1)


@settings(max_examples=300)
@given(chains(1))
def test_spans_of_replacements_are_exact(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, [edits], text = chain
    doc = Cleaned(raw, tuple(edits))
    shift = 0
    for e in edits:
        start, end = e.start + shift, e.start + shift + len(e.after)
        shift += len(e.after) - len(e.before)
        assert text[start:end] == e.after
        if e.after:
            assert doc.raw_span(start, end) == (e.start, e.end)
            assert doc.clean_span(e.start, e.end) == (start, end)
        else:
            assert doc.clean_span(e.start, e.end) == (start, start)


@settings(max_examples=200)
@given(chains(1), st.data())
def test_spans_are_monotone_and_within_the_text(chain: tuple[str, list[list[Edit]], str], data: st.DataObject) -> None:
    raw, [edits], text = chain
    doc = Cleaned(raw, tuple(edits))
    for source, target, span in ((text, raw, doc.raw_span), (raw, text, doc.clean_span)):
        a, b, c = sorted(data.draw(st.tuples(*[st.integers(0, len(source))] * 3)))
        assume(a < b < c)
        inner, outer = span(a, b), span(a, c)
        assert 0 <= inner[0] <= inner[1] <= len(target)
        assert outer[0] == inner[0]
        assert outer[1] >= inner[1]
        assert span(b, c)[0] >= inner[0]
        assert span(b, c)[1] == outer[1]


@given(chains(1))
def test_the_whole_is_the_whole(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, [edits], text = chain
    doc = Cleaned(raw, tuple(edits))
    if text:
        start, end = doc.raw_span(0, len(text))
        # Only what was deleted at the ends may stay outside.
        outside = [e for e in edits if e.end <= start or e.start >= end]
        assert all(not e.after for e in outside)
        assert sum(e.end - e.start for e in outside) == start + len(raw) - end


def test_a_deletion_at_the_edge_stays_outside_the_span() -> None:
    raw = "<b>word</b>"
    doc = Cleaned(raw, (Edit("html", "tag", 0, 3, "<b>", "", 1.0), Edit("html", "tag", 7, 11, "</b>", "", 1.0)))
    assert doc.raw_span(0, 4) == (3, 7)
    assert doc.clean_span(3, 7) == doc.clean_span(0, 11) == (0, 4)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 1), (0, 5), (5, 5)])
def test_spans_outside_the_text_are_refused(start: int, end: int) -> None:
    doc = Cleaned("abcd")
    with pytest.raises(ValueError, match="not within"):
        doc.raw_span(start, end)
    with pytest.raises(ValueError, match="not within"):
        doc.clean_span(start, end)


@settings(max_examples=200)
@given(chains(2))
def test_edits_moved_to_raw_stand_on_the_text_they_meant(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, [first, second], _ = chain
    alignment = Alignment(first)
    at = 0
    for e in second:
        moved = moved_to_raw(e, alignment, raw)
        assert moved.before == raw[moved.start : moved.end]
        assert at <= moved.end
        at = moved.start
        if not any(f.start < moved.end and moved.start < f.end for f in first):
            assert moved.before == e.before


# --- Cleaned ----------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(chains(2))
def test_restore_gives_back_the_raw_text(chain: tuple[str, list[list[Edit]], str]) -> None:
    raw, [first, second], text = chain
    doc = Cleaned(raw, tuple(compose(raw, first, second)))
    assert (doc.text, str(doc), doc.restore()) == (text, text, raw)


def test_an_edit_as_dictionary() -> None:
    edit = Edit("html", "entity", 4, 9, "&#39;", "'", 1.0)
    assert list(edit.to_dict().items()) == [
        ("stage", "html"),
        ("rule", "entity"),
        ("start", 4),
        ("end", 9),
        ("before", "&#39;"),
        ("after", "'"),
        ("confidence", 1.0),
    ]
