"""Decisions as rows of a list: what each writes, that the cleaner obeys, that taking back leaves nothing, two writers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.corpus.writers import open_locked, partial_path
from vnlp_prep.errors import LexiconError, OutputError
from vnlp_prep.lexicon.files import COLUMNS, Row, read_terms, row_line
from vnlp_prep.lexicon.learning.merge import mark_of, merged, read_learnt
from vnlp_prep.review.decisions import ChangedError, Decision, Decisions, RefusedError

LEARNT = Row("hostt", 5, 4, decision="misspelling", meant="host", why="one slip from host")
LEARNT_LINE = row_line(Row("hostt", 5, 4, decision="misspelling", meant="host", why="one slip from host", mark=mark_of(LEARNT)))
HEAD = "\t".join(COLUMNS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "domain.tsv"


def row_of(path: Path, term: str) -> list[str]:
    return next(line.split("\t") for line in path.read_text().split("\n") if line.startswith(f"{term}\t"))


def test_a_list_is_made(path: Path) -> None:
    decisions = Decisions(path)
    assert read_terms(path) == []
    assert path.read_text().startswith("#")
    assert not decisions.can_undo
    assert decisions.undo() is None


def test_accepted_is_a_correction_in_any_case(path: Path) -> None:
    decisions = Decisions(path)
    assert decisions.decide("Gizmoo", "Gizmo", "accepted", count=7, documents=3) == Decision("accepted", "Gizmo")
    assert row_of(path, "Gizmoo")[:4] == ["Gizmoo", "7", "3", "gizmo"]
    prep = Preprocessor(lexicon=path)
    assert prep("A gizmoo. Gizmoo and gizmoo") == "A gizmo. Gizmo and gizmo"
    assert decisions.decision("gizmoo", "gizmo") == Decision("accepted", "gizmo")
    assert decisions.decision("gizmoo", "gizmos") == Decision("replaced", "gizmo")


def test_a_name_keeps_its_capitals(path: Path) -> None:
    Decisions(path).decide("vspehre", "vSphere", "accepted")
    assert row_of(path, "vspehre")[3] == "vSphere"
    assert Preprocessor(lexicon=path)("the vspehre client") == "the vSphere client"


@pytest.mark.parametrize("kind", ["rejected", "kept"])
def test_rejected_and_kept_words_stay(path: Path, kind: str) -> None:
    text = "We recieve it from the fkagg here"
    assert Preprocessor()(text) != text
    decisions = Decisions(path)
    decisions.decide("recieve", "receive", kind, count=4, documents=2)
    assert row_of(path, "recieve")[1:4] == (["1", "1", ""] if kind == "rejected" else ["4", "2", ""])
    assert "recieve" in Preprocessor(lexicon=path)(text)
    assert Decisions(path).decision("recieve", "receive") == Decision(kind)


def test_replaced_wins_over_the_stage_that_splits(path: Path) -> None:
    assert Preprocessor()("as specifiedin the page") == "as specified in the page"
    Decisions(path).decide("specifiedin", "specified in", "replaced", "given by")
    assert Preprocessor(lexicon=path)("As specifiedin the page. Specifiedin") == "As given by the page. Given by"


def test_a_word_may_be_replaced_by_itself_with_other_capitals(path: Path) -> None:
    decisions = Decisions(path)
    decisions.decide("gizmo", "gizmos", "replaced", "Gizmo")
    decisions.decide("vsanx", "van", "replaced", "vSANx")
    prep = Preprocessor(lexicon=path)
    assert prep("A gizmo and a Gizmo with a vsanx. Teh end") == "A Gizmo and a Gizmo with a vSANx. The end"
    assert prep.clean("the Gizmo").edits == ()


def test_words_of_a_replacement_are_known_as_long_as_they_are_needed(path: Path) -> None:
    decisions = Decisions(path)
    before = path.read_bytes()
    decisions.decide("zorkk", "work", "replaced", "frobnicatr zorkmid")
    prep = Preprocessor(lexicon=path)
    assert prep("the zorkk is here") == "the frobnicatr zorkmid is here"
    assert prep(prep("the zorkk is here")) == prep("the zorkk is here")
    assert "frobnicatr" in Lexicon.load(path)
    with pytest.raises(RefusedError, match="stands in the replacement"):
        decisions.clear("frobnicatr")
    decisions.clear("zorkk")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("before", "by", "said"),
    [
        ("hostt", "", "not by nothing"),
        ("hostt", "  ", "not by nothing"),
        ("hostt", "x" * 121, "longer than 120"),
        ("hostt", "a\x07b", "cannot be seen"),
        ("Hostt", "Hostt", "keep it"),
        ("hostt", "the hostt", "keep it"),
        ("hostt", "gizmoo", "itself replaced"),
        ("two words", "x", "one plain word"),
        ("<b>", "x", "one plain word"),
        ("vMotoin", "x", "one plain word"),
    ],
)
def test_what_would_do_harm_is_refused(path: Path, before: str, by: str, said: str) -> None:
    decisions = Decisions(path)
    decisions.decide("gizmoo", "gizmo", "accepted")
    there = path.read_bytes()
    with pytest.raises(RefusedError, match=said):
        decisions.decide(before, "host", "replaced", by)
    assert path.read_bytes() == there


def test_a_learnt_row_is_changed_and_comes_back(path: Path) -> None:
    path.write_text(f"# ours\n{HEAD}\nmine\t3\n{LEARNT_LINE}\n")
    before = path.read_bytes()
    decisions = Decisions(path)
    assert decisions.decision("hostt", "host") is None
    decisions.decide("hostt", "host", "kept", count=9)
    assert row_of(path, "hostt")[:5] == ["hostt", "5", "4", "", "term"]
    assert "hostt" in Lexicon.load(path)
    assert [row.term for row in read_learnt(path).your_rows] == ["mine", "hostt"]
    decisions.decide("hostt", "host", "accepted")
    assert row_of(path, "hostt")[3:5] == ["host", "misspelling"]
    decisions.clear("hostt")
    assert path.read_bytes() == before
    assert [row.term for row in read_learnt(path).rows] == ["hostt"]


def test_decisions_outlive_learning_anew(path: Path) -> None:
    path.write_text(f"{HEAD}\n{LEARNT_LINE}\n")
    decisions = Decisions(path)
    decisions.decide("hostt", "host", "kept")
    decisions.decide("gizmoo", "gizmo", "rejected")
    path.write_text("\n".join(merged(read_learnt(path), []).lines()) + "\n")
    again = Decisions(path)
    assert again.decision("hostt", "host") == Decision("kept")
    assert again.decision("gizmoo", "gizmo") == Decision("rejected")
    again.clear("hostt")
    again.clear("gizmoo")
    assert read_terms(path) == []
    assert row_of(path, "hostt")[4] == "misspelling"


def test_a_row_by_hand_is_obeyed_and_can_be_changed(path: Path) -> None:
    text = "# by hand\r\ngizmoo\t5\t2\tgizmo\r\nfoo\r\n"
    path.write_bytes(text.encode())
    decisions = Decisions(path)
    assert decisions.decision("gizmoo", "gizmo") == Decision("accepted", "gizmo")
    with pytest.raises(RefusedError, match="by hand"):
        decisions.clear("gizmoo")
    decisions.decide("gizmoo", "gizmo", "kept")
    lines = path.read_bytes().split(b"\r\n")
    assert lines[:2] == [b"# by hand", b"term\tcount\tdocuments\treplace_by\twhy"]
    assert lines[2:] == [b"gizmoo\t5\t2\t\treview: kept [|gizmo]", b"foo", b""]
    decisions.clear("gizmoo")
    assert path.read_bytes().split(b"\r\n")[2:] == [b"gizmoo\t5\t2\tgizmo", b"foo", b""]
    decisions.undo()
    decisions.undo()
    assert path.read_bytes().decode() == text


def test_what_is_decided_is_no_part_of_the_list_for_finding(path: Path) -> None:
    path.write_text(f"{HEAD}\nmine\t3\ngizmoo\t1\t1\tgizmo\n{LEARNT_LINE}\n")
    decisions = Decisions(path)
    before = decisions.terms_before
    for word, after, kind in (("hostt", "host", "kept"), ("teh", "the", "accepted"), ("gizmoo", "gizmo", "rejected")):
        decisions.decide(word, after, kind)
    assert decisions.terms_before == before
    assert Decisions(path).terms_before == before
    assert decisions.terms != before


def test_a_list_that_somebody_else_changed_is_not_written_over(path: Path) -> None:
    decisions = Decisions(path)
    decisions.decide("hostt", "host", "kept")
    theirs = path.read_text() + "other\n"
    path.write_text(theirs)
    with pytest.raises(ChangedError, match="somebody else"):
        decisions.decide("gizmoo", "gizmo", "accepted")
    assert path.read_text() == theirs
    assert not decisions.can_undo
    decisions.decide("gizmoo", "gizmo", "accepted")  # it has been read again
    assert "other" in {term.term for term in read_terms(path)}


def test_a_list_that_another_run_writes_is_left_alone(path: Path) -> None:
    decisions = Decisions(path)
    before = path.read_bytes()
    held = open_locked(partial_path(path))
    try:
        with pytest.raises(OutputError, match="another run"):
            decisions.decide("hostt", "host", "kept")
    finally:
        os.close(held)
    assert path.read_bytes() == before
    decisions.decide("hostt", "host", "kept")


def test_a_list_that_was_spoiled_meanwhile_is_named(path: Path) -> None:
    decisions = Decisions(path)
    path.write_text("a\tb\tc\n")
    with pytest.raises(LexiconError, match=r"domain\.tsv:1"):
        decisions.decide("hostt", "host", "kept")
    assert path.read_text() == "a\tb\tc\n"


KILLED = """
import os, sys
from pathlib import Path
from vnlp_prep.corpus import writers
from vnlp_prep.review.decisions import Decisions
decisions = Decisions(Path(sys.argv[1]))
decisions.decide("hostt", "host", "kept")
writers.put_in_place = lambda *_: os.kill(os.getpid(), 9)
decisions.decide("gizmoo", "gizmo", "accepted")
"""


def test_killed_while_it_writes_the_list_is_whole(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60, check=False)
    assert done.returncode == -9
    again = Decisions(path)
    assert again.decision("hostt", "host") == Decision("kept")
    assert again.decision("gizmoo", "gizmo") is None
    again.decide("gizmoo", "gizmo", "accepted")


WORDS = ("hostt", "Hostt", "gizmoo", "teh", "mine", "frobnicatr")
LINES = st.lists(
    st.sampled_from(
        (
            "# note",
            "",
            "mine\t3\t2",
            "gizmoo\t5\t1\tgizmo",
            "Hostt\t2",
            "frobnicatr\t4\t4\tfrobnicator",
            "  ",
            "teh",
            "hostt\t1\t1\thost",
        )
    ),
    max_size=8,
    unique=True,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(WORDS), st.sampled_from(("accepted", "rejected", "kept")), st.just("")),
        st.tuples(st.sampled_from(WORDS), st.just("replaced"), st.sampled_from(("gizmo", "frobnicator two", "qwertx", "Teh"))),
        st.tuples(st.sampled_from(WORDS), st.just("none"), st.just("")),
    ),
    max_size=8,
)


def lines_of_others(data: bytes, word: str) -> list[bytes]:
    """The lines of a list that are about other words, but those that only a replacement needed."""
    lines = [line.rstrip(b"\r") for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    others = [line for line in lines if line.strip() and line.split(b"\t")[0].lower() not in (b"term", word.lower().encode())]
    return [line for line in others if b"review: needed" not in line]


@settings(max_examples=60, deadline=None)
@given(
    lines=LINES,
    header=st.sampled_from(("", HEAD[:31], HEAD[:31] + "\twhy", HEAD)),
    end=st.sampled_from(("\n", "\r\n")),
    is_ended=st.booleans(),
    bom=st.booleans(),
    steps=STEPS,
)
def test_undoing_all_gives_the_file_back(tmp_path_factory, lines, header, end, is_ended, bom, steps) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("undo") / "d.tsv"
    content = end.join(([header] if header else []) + lines) + (end if is_ended else "")
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + content.encode())
    before = path.read_bytes()
    decisions = Decisions(path)
    states = []
    for word, kind, by in steps:
        states.append(path.read_bytes())
        try:
            if kind == "none":
                decisions.clear(word)
            else:
                decisions.decide(word, "host" if word.lower() == "hostt" else "thing", kind, by)
        except RefusedError:
            pass
        if path.read_bytes() == states[-1]:
            states.pop()
            continue
        assert Decisions(path).terms == decisions.terms
        assert not Counter(lines_of_others(states[-1], word)) - Counter(lines_of_others(path.read_bytes(), word))
    for state in reversed(states):
        assert decisions.undo() is not None
        assert path.read_bytes() == state
    assert path.read_bytes() == before
    assert decisions.undo() is None
