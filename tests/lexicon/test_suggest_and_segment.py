"""``suggest`` and ``segment``: ranked and best, without any gate, on anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep import segment, suggest


@pytest.mark.parametrize(
    ("word", "best"),
    [
        ("recieve", "receive"),
        ("Teh", "The"),
        ("SEPERATE", "SEPARATE"),
        ("vshpere", "vSphere"),
        ("definately", "definitely"),
        ("cluster", "cluster"),
    ],
)
def test_the_best_suggestion(word, best):
    hits = suggest(word)
    assert hits[0].term == best
    assert all(0 <= h.confidence <= 1 for h in hits)
    assert [h.confidence for h in hits] == sorted((h.confidence for h in hits), reverse=True)
    assert sum(h.confidence for h in hits) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("virtualmachinesettings", ["virtual", "machine", "settings"]),
        ("thequickbrownfox", ["the", "quick", "brown", "fox"]),
        ("nodePortRange", ["node", "port", "range"]),
        ("IPAddress2", ["ip", "address", "2"]),
        ("snake_case_name", ["snake", "case", "name"]),
        ("", []),
    ],
)
def test_the_best_split(text, parts):
    assert segment(text) == parts


@settings(deadline=None)
@given(st.text(max_size=40))
def test_anything_may_be_asked(text):
    assert isinstance(suggest(text), list)
    assert isinstance(segment(text), list)


@settings(deadline=None)
@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", max_size=60))
def test_a_split_keeps_every_letter(text):
    assert "".join(segment(text)) == text


def test_long_input_is_bounded():
    assert suggest("a" * 1_000_000) == []
    assert "".join(segment("ab" * 500_000)) == "ab" * 500_000
