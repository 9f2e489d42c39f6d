"""The candidate index: finds what symspellpy finds, survives a damaged cache, is shared by processes that race."""

import random

import pytest

from vnlp_prep.lexicon import sources
from vnlp_prep.lexicon.cache import cache_folder
from vnlp_prep.lexicon.candidates import CandidateIndex


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VNLP_PREP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


WORDS = sorted(w for w in sources.english() if w.startswith(("co", "ab", "z")))[:6000]


def damaged(word, slips, rng):
    for _ in range(slips):
        i = rng.randrange(len(word))
        c = rng.choice("abcdefghijklmnopqrstuvwxyz")
        swapped = word[i : i + 2][::-1]
        before, after = word[:i], word[i + 1 :]
        word = rng.choice([before + after, before + c + word[i:], before + c + after, before + swapped + word[i + 2 :]]) or "a"
    return word


@pytest.mark.parametrize("distance", [1, 2])
def test_finds_what_symspellpy_finds(cache, distance):
    from symspellpy import SymSpell, Verbosity

    reference = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    for word in WORDS:
        reference.create_dictionary_entry(word, 1)
    index = CandidateIndex.open(WORDS, "test")
    rng = random.Random(distance)
    for _ in range(400):
        query = damaged(rng.choice(WORDS), rng.choice([0, 1, 2]), rng)
        expected = {(s.term, s.distance) for s in reference.lookup(query, Verbosity.ALL, max_edit_distance=distance)}
        assert set(index.near(query, distance)) == expected, query


def test_the_cache_is_used_and_a_damaged_one_is_made_anew(cache):
    assert cache_folder() == cache
    expected = CandidateIndex.open(WORDS, "test").near("comand")
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    assert CandidateIndex.open(WORDS, "test").near("comand") == expected
    for broken in (b"", whole[:100], whole[:-4000], b"x" * len(whole), whole[:60] + bytes(len(whole) - 60)):
        path.write_bytes(broken)
        assert CandidateIndex.open(WORDS, "test").near("comand") == expected
        assert path.read_bytes() == whole


def test_without_a_cache_folder_it_still_works(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VNLP_PREP_CACHE", str(tmp_path / "file" / "cache"))
    assert ("command", 1) in CandidateIndex.open(WORDS, "test").near("comand")


def test_far_words_are_found_by_looking_at_every_word():
    index = CandidateIndex.open(WORDS, "far")
    assert index.near("comxxnd") == [w for w in index.near("comxxnd") if w[1] <= 2]
    assert ("command", 3) in index.far("cxxmxnd", 3, 10)
    assert index.far("cxxmxnd", 2, 10) == []
    assert len(index.far("comand", 4, 2)) == 2
