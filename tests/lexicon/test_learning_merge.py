"""A learnt list and the file that is there: what a person did to it stays, and the same corpus gives the same file again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep import Lexicon
from vnlp_prep.errors import LexiconError
from vnlp_prep.lexicon.files import COLUMNS, Row, read_rows, read_terms, row_line
from vnlp_prep.lexicon.learning.decide import Decision
from vnlp_prep.lexicon.learning.merge import Learnt, mark_of, merged, read_learnt


def decision(term, kind="term", count=9, documents=5, of="", variants=(), why="because"):
    return Decision(term, kind, count, documents, 2, of, variants, why)


def write(path, learnt):
    path.write_text("\n".join(learnt.lines()) + "\n", encoding="utf-8")


FOUND = [
    decision("vSphere", variants=(("v Sphere", 3),)),
    decision("zork", documents=3),
    decision("managment", "misspelling", of="management"),
    decision("the", "known", documents=90),
]


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "domain.tsv"
    write(target, merged(Learnt(), FOUND))
    return target


def edited(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_learnt_list_is_a_term_list(path):
    assert [t.term for t in read_terms(path)] == ["vSphere", "zork", "the"]
    lexicon = Lexicon.load(path)
    assert "zork" in lexicon
    assert "managment" not in lexicon
    assert lexicon.replacements == {}


def test_learning_twice_is_learning_once(path):
    before = path.read_bytes()
    write(path, merged(read_learnt(path), FOUND))
    assert path.read_bytes() == before


def test_rows_are_sorted_terms_first(path):
    rows = [row for row in read_rows(path) if isinstance(row, Row)]
    assert [row.decision for row in rows] == ["term", "term", "misspelling", "known"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("vSphere\t9", "VSphere\t9", "VSphere\t9\t5\t\tterm\t\t2\tv Sphere 3\tbecause"),
        ("zork\t9\t3\t\tterm", "zork\t9\t3\t\treject", "zork\t9\t3\t\treject\t\t2\t\tbecause"),
        ("zork\t9\t3\t", "zork\t9\t3\tgizmo", "zork\t9\t3\tgizmo\tterm\t\t2\t\tbecause"),
        ("managment\t9\t5\t\tmisspelling", "managment\t9\t5\t\tterm", "managment\t9\t5\t\tterm\tmanagement\t2\t\tbecause"),
        ("zork\t9\t", "zork\t70\t", "zork\t70\t3\t\tterm\t\t2\t\tbecause"),
    ],
    ids=["spelling", "reject", "replace", "accept", "count"],
)
def test_a_changed_row_stays(path, old, new, line):
    edited(path, old, new)
    for _ in range(2):
        write(path, merged(read_learnt(path), FOUND))
        lines = path.read_text(encoding="utf-8").split("\n")
        assert line in lines
        assert len(read_rows(path)) == len(FOUND) + 2  # two comments of ours


def test_what_a_person_rejects_stays_rejected(path):
    edited(path, "zork\t9\t3\t\tterm", "zork\t9\t3\t\treject")
    write(path, merged(read_learnt(path), [decision("Zork", documents=500)]))
    assert "zork" not in Lexicon.load(path)


def test_added_rows_and_comments_stay_in_their_order(path):
    with path.open("a", encoding="utf-8") as out:
        out.write("# names of our team\nzorkmid\ngizmoo\t\t\tgizmo\n")
    write(path, merged(read_learnt(path), FOUND))
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[3:6] == ["# names of our team", "zorkmid\t1\t1", "gizmoo\t1\t1\tgizmo"]
    assert Lexicon.load(path).replacements == {"gizmoo": "gizmo"}


def test_a_list_that_was_never_learnt_is_a_persons(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text("# mine\nzork\t5\nvsphere\t1\t1\tvSphere\n", encoding="utf-8")
    write(path, merged(read_learnt(path), FOUND))
    assert [row.term for row in read_learnt(path).your_rows] == ["zork", "vsphere"]
    assert [row.term for row in read_learnt(path).rows] == ["managment", "the"]


def test_a_smaller_corpus_takes_nothing_back(path):
    write(path, merged(read_learnt(path), [decision("VSPHERE", documents=2), decision("new")]))
    assert {row.term: row.documents for row in read_learnt(path).rows} == {
        "vSphere": 5, "zork": 3, "managment": 5, "the": 90, "new": 5,
    }  # fmt: skip
    write(path, merged(read_learnt(path), [decision("zork", documents=30)]))
    assert {row.term: row.documents for row in read_learnt(path).rows}["zork"] == 30


def test_a_mark_is_letters_and_tells_every_change():
    row = Row("zork", 9, 3, decision="term")
    assert mark_of(row).isalpha()
    others = [
        replace(row, **change)
        for change in (
            {"term": "Zork"},
            {"count": 8},
            {"documents": 4},
            {"replace_by": "x"},
            {"decision": "reject"},
            {"meant": "x"},
        )
    ]
    assert mark_of(row) not in {mark_of(other) for other in others}


TERMS = st.from_regex(r"[A-Za-z]{1,8}(-[A-Za-z]{1,5})?", fullmatch=True)
DECISIONS = st.lists(
    st.builds(
        decision, TERMS, st.sampled_from(["term", "known", "misspelling", "run-together"]), st.integers(1, 99), st.integers(1, 99)
    ),
    unique_by=lambda d: d.term.lower(),
    max_size=12,
)
EDITS = st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["reject", "replace", "count", "delete"])), max_size=5)
ADDED = st.lists(TERMS, max_size=4, unique=True)


@settings(max_examples=150, deadline=None)
@given(DECISIONS, DECISIONS, EDITS, ADDED)
def test_a_persons_rows_survive_any_learning(tmp_path_factory, first, second, edits, added):
    path = tmp_path_factory.mktemp("learn") / "domain.tsv"
    write(path, merged(Learnt(), first))
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    touched = set()
    for number, kind in edits:
        at = 3 + number % max(1, len(lines) - 3)
        if at >= len(lines) or at in touched:
            continue
        touched.add(at)
        cells = lines[at].split("\t")
        if kind == "delete":
            lines[at] = ""
            continue
        cells[{"reject": 4, "replace": 3, "count": 1}[kind]] = {"reject": "reject", "replace": "right", "count": "123456"}[kind]
        lines[at] = "\t".join(cells)
    there = {line.split("\t")[0] for line in lines[3:]}
    lines += [f"{term}\t7" for term in added if term not in there]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def yours():
        return [row_line(replace(row, mark="")) for row in read_learnt(path).your_rows]

    mine = yours()
    write(path, merged(read_learnt(path), second))
    assert yours() == mine
    once = path.read_bytes()
    write(path, merged(read_learnt(path), second))
    assert path.read_bytes() == once
    lexicon = Lexicon.load(path)
    for row in read_learnt(path).your_rows:
        others = [r for r in read_learnt(path).your_rows if r.term.lower() == row.term.lower()]
        if row.decision == "reject" and len(others) == 1 and row.term.lower() not in Lexicon.shipped():
            assert row.term not in lexicon


def test_what_a_row_says_is_read_back():
    row = Row("vSphere", 3, 2, "x y", "misspelling", "m n", 4, "v sphere 3, v-sphere 1", "one slip", "abcd", 0)
    assert row_line(row).split("\t") == [
        "vSphere",
        "3",
        "2",
        "x y",
        "misspelling",
        "m n",
        "4",
        "v sphere 3, v-sphere 1",
        "one slip",
        "abcd",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("zork\t1\t1\t\tmaybe", "decision 'maybe' is none of"),
        ("zork\t1\t1\t\tterm\t\t-3", "sources '-3'"),
        ("zork\t0", "count '0'"),
        ("zork\t1\t1\t\tterm\t\t\t\t" + "x" * 501, "why is longer than 500"),
        ("zork\t1\t1\t\tterm\t\t\tv\x1b[31m", "variants is longer than 500 characters or has control characters"),
        ("zork\t1\nzork\t2", "stands already in line 2"),
        ("zo rk", "is no term"),
        ("zork" + "\t" * 10, "11 columns"),
    ],
)
def test_a_bad_row_is_refused_with_file_and_line(tmp_path, line, message):
    path = tmp_path / "bad.tsv"
    path.write_text("\t".join(COLUMNS) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"bad\.tsv:[23]: ") as error:
        read_learnt(path)
    assert message in str(error.value)
    with pytest.raises(LexiconError):
        Lexicon.load(path)
