"""Groups of equal changes: what is one group, examples, weight; bounded memory; the same from a corpus and from its log."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep import Edit, Preprocessor
from vnlp_prep.corpus.run import Options
from vnlp_prep.corpus.summary import Summary
from vnlp_prep.errors import InputError
from vnlp_prep.review.collect import collect
from vnlp_prep.review.figures import Figures, Timeline
from vnlp_prep.review.groups import CONTEXT, MAX_EXAMPLES, Groups, Place
from vnlp_prep.review.logged import collect_logged, is_edit_log

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = str(ROOT / "data" / "sample.jsonl")


def edit(before: str, after: str, *, stage: str = "spelling", start: int = 0, confidence: float = 0.9) -> Edit:
    return Edit(stage, "rule", start, start + len(before), before, after, confidence)


def groups_of(*changes: Edit) -> Groups:
    groups = Groups()
    for line, e in enumerate(changes, 1):
        groups.add(Place("f", line, "text"), e.before, [e])
    return groups


def found(groups: Groups) -> list[dict]:
    return [g.to_dict() for g in groups.ranked()]


# --- What is one group -----------------------------------------------------------------------------------------------


def test_the_case_of_a_word_makes_no_group_and_the_most_frequent_form_is_shown():
    (group,) = groups_of(edit("teh", "the"), edit("Teh", "The"), edit("Teh", "The"), edit("TEH", "THE")).ranked()
    assert (group.before, group.after, group.count) == ("Teh", "The", 4)
    assert group.forms == [("Teh", "The", 2), ("TEH", "THE", 1), ("teh", "the", 1)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (edit("&Auml;", "Ä", stage="html"), edit("&auml;", "ä", stage="html")),
        (edit("noo", "no", stage="repeats"), edit("noo", "no", stage="spelling")),
        (edit("api", "API"), edit("aPi", "Api")),  # nothing but the case changes
        (edit("noo", "no"), edit("noo", "nor")),
    ],
)
def test_what_differs_stays_apart(one: Edit, other: Edit):
    assert len(groups_of(one, other)) == 2


def test_tags_are_alike_whatever_their_attributes():
    changes = ['<a href="x">', "<a href='y' id=z>", "<a>", "<b class=x>"]
    groups = groups_of(*(edit(tag, "", stage="html", confidence=1.0) for tag in changes))
    assert sorted((g.before, g.count) for g in groups.ranked()) == [("<a …>", 2), ("<a>", 1), ("<b …>", 1)]
    assert {e.before for g in groups.ranked() for e in g.examples} == set(changes)


def test_a_suggestion_is_no_change_and_two_stages_that_suggest_the_same_make_one():
    groups = Groups()
    same = [edit("fkag", "flag", confidence=0.5), edit("fkag", "flag", stage="repeats", confidence=0.6)]
    groups.add(Place("f", 1, None), "fkag", [edit("fkag", "flag")], same)
    assert [(g.stage, g.is_suggestion) for g in groups.ranked()] == [("repeats", True), ("spelling", False)]
    assert len(groups.ranked(is_suggestion=True)) == len(groups.ranked(stages=["spelling"])) == 1


# --- Weight, counts, examples ----------------------------------------------------------------------------------------


def test_what_is_frequent_and_not_sure_comes_first_and_what_is_sure_still_shows_when_it_is_frequent():
    times = {("a", 0.5): 2, ("c", 0.9): 20, ("e", 1.0): 3000, ("g", 0.95): 2, ("i", 1.0): 1}
    changes = [edit(before, "x", confidence=confidence) for (before, confidence), n in times.items() for _ in range(n)]
    assert [(g.before, g.count) for g in groups_of(*changes).ranked()] == [("c", 20), ("a", 2), ("e", 3000), ("g", 2), ("i", 1)]


def test_records_are_counted_once_with_all_their_fields():
    groups = Groups()
    for name in ("title", "body"):
        groups.add(Place("f", 1, name), "teh teh", [edit("teh", "the"), edit("teh", "the", start=4)])
    groups.add(Place("f", 2, "title"), "teh", [edit("teh", "the")])
    (group,) = groups.ranked()
    assert (group.count, group.records, len(group.examples)) == (5, 2, 2)


def test_examples_have_their_context_and_come_from_many_files():
    groups = Groups()
    for file in "aaaaaaaabcdefg":
        for line in range(3):
            raw = f"{file * 100}{line} teh {file * 100}"
            groups.add(Place(file, line, "text"), raw, [edit("teh", "the", start=102 + len(str(line)) - 1)])
    (group,) = groups.ranked()
    assert len(group.examples) == MAX_EXAMPLES
    assert len({e.file for e in group.examples}) == MAX_EXAMPLES
    example = group.examples[0]
    assert (example.before, example.after, example.field) == ("teh", "the", "text")
    assert example.before_context == "a" * (CONTEXT - 2) + "0 "
    assert example.after_context == " " + "a" * (CONTEXT - 1)


def test_the_same_sentence_is_one_example():
    groups = Groups()
    for line in range(9):
        groups.add(Place("f", line, None), "teh host", [edit("teh", "the")])
    assert len(groups.ranked()[0].examples) == 1


def test_memory_is_bounded_and_what_is_forgotten_is_counted():
    groups = Groups(limit=100)
    for line in range(1000):
        word = f"w{line}"
        groups.add(Place("f", line, None), word, [edit(word, "word", confidence=0.5 if line == 7 else 0.9)])
    assert len(groups) <= 100
    assert groups.forgotten == groups.forgotten_changes == 1000 - len(groups)
    assert groups.ranked()[0].before == "w7"


def test_a_replacement_of_a_megabyte_is_cut():
    groups = groups_of(edit("<script>" + "x" * 1_000_000 + "</script>", "", stage="html"))
    (group,) = groups.ranked()
    assert len(group.before) <= 200
    assert len(group.examples[0].before) <= 200


@given(st.lists(st.tuples(st.sampled_from("abcA"), st.sampled_from("xyX"), st.floats(0, 1)), max_size=40), st.integers(0, 40))
def test_parts_put_together_are_the_whole(changes, cut):
    def of(some, first):
        groups = Groups()
        for line, (before, after, confidence) in enumerate(some, first):
            groups.add(Place("f", line, None), before, [edit(before, after, confidence=confidence)])
        return groups

    parts = of(changes[:cut], 0)
    parts.merge(of(changes[cut:], len(changes[:cut])))
    for one, whole in zip(sorted(found(parts), key=str), sorted(found(of(changes, 0)), key=str), strict=True):
        assert one["confidence"] == pytest.approx(whole["confidence"])
        assert {k: v for k, v in one.items() if isinstance(v, (str, int))} == {
            k: v for k, v in whole.items() if isinstance(v, (str, int))
        }


@given(st.integers(1, 5000), st.integers(1, 700))
def test_a_timeline_keeps_every_count(records, step):
    timeline = Timeline()
    wanted = range(0, records, step)
    for record in wanted:
        timeline.add(record, {"html": 2})
    bars = timeline.bars(60)
    assert len(bars) <= 60
    assert sum(counts["html"] for _, _, counts in bars) == 2 * len(wanted)
    assert bars[0][0] == 1
    assert bars[-1][1] == timeline.records == wanted[-1] + 1
    assert all(one[1] + 1 == other[0] for one, other in pairwise(bars))


# --- Out of a corpus, and out of an edit log -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prep() -> Preprocessor:
    return Preprocessor()


def test_an_edit_log_gives_the_groups_of_its_corpus(prep, tmp_path, monkeypatch):
    (tmp_path / "kb.jsonl").write_bytes(Path(SAMPLE).read_bytes() + b'{"text": null}\n{"no": "text"}\n')
    (tmp_path / "notes.txt").write_text("Teh host\n\nI recieve a fkag\n")
    monkeypatch.chdir(tmp_path)
    inputs = ["kb.jsonl", "notes.txt"]
    command = [sys.executable, "-m", "vnlp_prep", *inputs, "-o", "out.jsonl", "--edits", "edits.jsonl", "-q"]
    assert subprocess.run(command, check=False).returncode == 1
    assert is_edit_log("edits.jsonl", Options())
    assert not is_edit_log("kb.jsonl", Options())
    first, second = (Summary(), Figures()), (Summary(), Figures())
    of_corpus = collect(inputs, Options(), prep, first[0], figures=first[1])
    of_log = collect_logged(["edits.jsonl"], Options(), second[0], figures=second[1])
    assert found(of_log) == found(of_corpus)
    assert first[0].rejects == second[0].rejects == {"field-null": 1, "field-missing": 1}
    assert first[0].records == second[0].records - 1  # a log does not tell a blank line from one that did not change
    for name in ("changed", "suggestions", "edits"):
        assert getattr(first[0], name) == getattr(second[0], name)
    for name in ("edit_rules", "suggestion_rules", "edit_confidences", "doubts"):
        assert getattr(first[1], name) == pytest.approx(getattr(second[1], name))
    assert first[1].files["kb.jsonl"] == second[1].files["kb.jsonl"]


def test_without_the_raw_file_or_with_another_one_there_are_no_examples(tmp_path):
    entry = {"file": "kb.jsonl", "line": 1, "edits": [{"field": "text", **edit("Teh", "The").to_dict()}]}
    (tmp_path / "edits.jsonl").write_text(json.dumps(entry) + "\n")
    for raw, examples in ((None, 0), ('{"text": "Another"}', 0), ('{"text": "Teh host"}', 1), ('{"text": 7}', 0), ("{", 0)):
        if raw is not None:
            (tmp_path / "kb.jsonl").write_text(raw + "\n")
        (group,) = collect_logged([str(tmp_path / "edits.jsonl")], Options(), Summary()).ranked()
        assert (group.count, len(group.examples)) == (1, examples)


@pytest.mark.parametrize(
    "change",
    [
        {"line": 0},
        {"line": "1"},
        {"edits": [{}]},
        {"edits": [7]},
        {"edits": [{"field": 1, **edit("a", "b").to_dict()}]},
        {"edits": [{"field": None, **edit("a", "b").to_dict(), "confidence": 7}]},
        {"edits": [{"field": None, **edit("a", "b").to_dict(), "after": None}]},
        {"edits": [{"field": None, **edit("a", "b").to_dict(), "start": -1}]},
        {"suggestions": [[]]},
        {"rejected": 1},
    ],
)
def test_a_log_that_is_none_is_refused_with_its_line(tmp_path, change):
    log = tmp_path / "edits.jsonl"
    good = {"file": "f", "line": 1, "edits": []}
    log.write_text(json.dumps(good) + "\n" + json.dumps({**good, "line": 2, **change}) + "\n")
    with pytest.raises(InputError, match=r"edits\.jsonl:2: "):
        collect_logged([str(log)], Options(), Summary())


def test_two_processes_find_what_one_finds(prep, tmp_path):
    lines = Path(SAMPLE).read_bytes() + b"{}\nnot JSON\n\n"
    (tmp_path / "kb.jsonl").write_bytes(lines * 4)
    results = []
    for workers in (1, 2):
        summary, figures = Summary(), Figures()
        groups = collect([str(tmp_path)], Options(workers=workers), prep, summary, figures=figures)
        results.append((found(groups), summary.to_dict(), figures.edit_rules, figures.timeline.bars(64), figures.files))
    assert results[0] == results[1]
    assert results[0][1]["rejects"] == {"field-missing": 4, "invalid-json": 4}
    assert results[0][1]["blank_lines"] == 4


def test_a_record_that_cannot_be_cleaned_costs_no_other(tmp_path):
    class Failing:
        def clean(self, text: str):
            if "bad" in text:
                raise RuntimeError(text)
            return Preprocessor().clean(text)

    (tmp_path / "kb.jsonl").write_text('{"text": "bad"}\n{"text": "Teh host"}\n')
    summary = Summary()
    groups = collect([str(tmp_path / "kb.jsonl")], Options(), Failing(), summary)
    assert [g.before for g in groups.ranked()] == ["Teh"]
    assert summary.rejects == {"internal-error": 1}
