"""Peers are set up as the page says: what a gate keeps out, what stays whole, files in one run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import checkers
import fixers_of_files as fixers
import pytest
import splitters
from hypothesis import given
from hypothesis import strategies as st

CASES = json.loads((Path(__file__).parents[1] / "cases" / "bench_on_text.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c["label"]))
def test_checkers_on_text(case: dict[str, str]) -> None:
    def shout(word: str) -> str:  # a checker that knows no word
        return word.upper()

    assert checkers.OnText(shout, gated=False)(case["text"]) == case["all"]
    assert checkers.OnText(shout, gated=True)(case["text"]) == case["gated"]


@given(st.text(), st.booleans())
def test_a_checker_that_knows_all_words_changes_nothing(text: str, gated: bool) -> None:
    if "’" not in text:
        assert checkers.OnText(lambda word: word, gated)(text) == text


def test_symspellpy_corrects_and_leaves_known_words() -> None:
    assert checkers.SYMSPELL("recieve") == "receive"
    assert checkers.SYMSPELL("Recieve") == "Receive"
    assert checkers.SYMSPELL("receive") == "receive"


@given(st.lists(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1), min_size=1))
def test_recut_keeps_the_word_and_cuts_where_the_parts_end(parts: list[str]) -> None:
    word = "".join(parts).swapcase()
    cut = splitters.recut(word, parts)
    assert cut.replace(" ", "") == word
    assert [len(p) for p in cut.split(" ")] == [len(p) for p in parts]


def test_a_splitter_with_a_gate_leaves_words_of_its_list() -> None:
    systems = splitters.splitter(splitters.wordsegment_split, splitters.knows_wordsegment)
    assert systems["split"]()("virtualmachine") == "virtual machine"
    assert systems["gated split"]()("therefore") == "therefore"


def test_codespell_fixes_all_texts_in_one_run() -> None:
    texts = ["Teh host\nis avaliable", "fine", "ther"]  # the last has several corrections: left alone
    assert fixers.codespell_fix(texts) == ["The host\nis available", "fine", "ther"]
    assert fixers.codespell_first(["ther", "host"]) == ["there", "host"]


def test_a_batch_runs_once_for_each_new_text() -> None:
    runs: list[list[str]] = []

    def fix(texts: Sequence[str]) -> list[str]:
        runs.append(list(texts))
        return [t.upper() for t in texts]

    batch = fixers.Batch(fix)
    batch.prepare(["b", "a", "b"])
    batch.prepare(["a", "c"])
    assert runs == [["a", "b"], ["c"]]
    assert [batch(t) for t in "abc"] == ["A", "B", "C"]
