"""What the layout of an explanation promises for any text: nothing is lost, no row is too wide."""

from __future__ import annotations

import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep import Edit
from vnlp_prep.edits import apply
from vnlp_prep.explain.pieces import (
    ADDED,
    CONTEXT,
    CUT,
    PROTECTED,
    REMOVED,
    SAME,
    SUGGESTED,
    Piece,
    lines_of,
    parts_of,
    with_cuts,
)
from vnlp_prep.explain.wrapping import BREAK_MARK, wrap
from vnlp_prep.terminal import visible
from vnlp_prep.words import Protected

LETTERS = st.text(st.sampled_from("ab  \n\t\u200b日本é\u0301👩\u200d💻\ufe0f<>"), max_size=80)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    text = draw(LETTERS)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    edits = [
        Edit("html", "tag", start, end, text[start:end], draw(LETTERS), 1.0)
        for start, end in zip(places[::2], places[1::2], strict=False)
    ]
    return text, edits


@given(edited())
def test_the_pieces_are_the_text_before_and_after(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    parts = parts_of(text, edits, (), [Protected(0, len(text) // 2, "url")])
    assert "".join(part.before.text for part in parts) == text
    assert "".join(part.after.text for part in parts) == apply(text, edits)
    lines = lines_of(parts)
    assert "\n".join("".join(part.after.text for part in line.parts) for line in lines) == apply(text, edits)


@given(LETTERS, LETTERS, st.integers(2, 30))
def test_wrapping_loses_nothing_but_the_spaces_at_which_it_breaks(first: str, second: str, width: int) -> None:
    rows = wrap([Piece(first, SAME), Piece(second, REMOVED)], width)
    shown = "".join(piece.text for row, _ in rows for piece in row)
    wanted = visible((first + second).replace("\n", BREAK_MARK))
    assert shown.replace(" ", "") == wanted.replace(" ", "")
    for row, used in rows:
        assert used <= width
        assert used == sum(wcwidth.wcswidth(piece.text) for piece in row)


def test_a_wide_character_is_never_cut() -> None:
    assert [row for row, _ in wrap([Piece("日本語", SAME)], 3)] == [[Piece(c, SAME)] for c in "日本語"]
    assert wrap([], 10) == [([], 0)]


def test_spans_that_are_protected_or_suggested_are_pieces_of_their_own() -> None:
    text = "see http://x.y the fkag"
    fkag = Edit("spelling", "wrong-letter", 19, 23, "fkag", "flag", 0.5)
    the = Edit("spelling", "lexicon", 15, 18, "the", "a", 1.0)
    kinds = [(part.before.text, part.before.kind) for part in parts_of(text, [the], [fkag], [Protected(4, 14, "url")])]
    assert kinds == [
        ("see ", SAME), ("http://x.y", PROTECTED), (" ", SAME), ("the", REMOVED), (" ", SAME), ("fkag", SUGGESTED),
    ]  # fmt: skip


@pytest.mark.parametrize("at", [0, 500, 999])
def test_what_is_far_from_an_edit_is_cut(at: int) -> None:
    text = "x" * 1000
    parts = with_cuts(parts_of(text, [Edit("html", "tag", at, at + 1, "x", "new", 1.0)]))
    kinds = [part.after.kind for part in parts]
    assert kinds == {0: [ADDED, SAME, CUT], 500: [CUT, SAME, ADDED, SAME, CUT], 999: [CUT, SAME, ADDED]}[at]
    assert all(len(part.after.text) == CONTEXT for part in parts if part.after.kind == SAME)


def test_a_long_text_without_edits_shows_its_beginning() -> None:
    parts = with_cuts(parts_of("x" * 1000, []))
    assert [(part.before.kind, len(part.before.text)) for part in parts] == [(SAME, 2 * CONTEXT), (CUT, 3)]
