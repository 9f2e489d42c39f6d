"""The table of hashes: what it says of strings that were and were not met, and that it does not grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep.stages import strings_met
from vnlp_prep.stages.strings_met import StringsMet


@given(st.lists(st.sets(st.text(min_size=1)), max_size=20), st.integers(2, 6))
def test_nothing_is_met_that_was_not_added(batches, bits):
    met, added = StringsMet(bits), set()
    for batch in batches:
        found = met.among(batch)
        assert added.issuperset(found)
        assert len(set(found)) == len(found)
        new = batch.difference(found)
        met.add(new)
        added |= new


def test_what_was_added_is_met_as_long_as_there_is_room():
    met = StringsMet(bits=14)
    words = [f"word{i}" for i in range(1_000)]
    met.add(words)
    assert len(met.among(words)) > 995
    assert met.among(f"other{i}" for i in range(10_000)) == []
    met.add(f"more{i}" for i in range(100_000))
    assert len(met.among(words)) < 10


def test_the_string_that_was_met_last_stays(monkeypatch):
    monkeypatch.setattr(strings_met, "hash", len, raising=False)  # all strings of one length in one place
    met = StringsMet(bits=2)
    met.add(["a", "bb", "ccc", "dddd"])
    assert met.among(["a"]) == ["a"]
    met.add(["eeeee"])
    assert [met.among([s]) for s in ("a", "bb", "ccc", "dddd", "eeeee")] == [["a"], [], ["ccc"], ["dddd"], ["eeeee"]]


def test_short_hashes_are_not_trusted(monkeypatch):
    monkeypatch.setattr(strings_met, "_HAS_HASHES", False)
    met = StringsMet(bits=4)
    met.add(["a"])
    assert met.among(["a"]) == []


@pytest.mark.parametrize("bits", [2, 10])
def test_its_size_is_fixed(bits):
    met = StringsMet(bits)
    before = met._hashes.buffer_info()
    met.add(f"{i}" for i in range(5_000))
    assert met._hashes.buffer_info() == before == (before[0], 2**bits)
