"""The repeats stage beyond its cases: how sure it is of stretched words, and what it costs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.lexicon.elongation import FEATURES, WEIGHTS, resolve, shortenings
from vnlp_prep.lexicon.files import Term

LEXICON = Lexicon.shipped()
COMMON = ("please", "server", "what", "good", "thanks", "little", "awesome", "the", "install", "because", "never")


def test_there_is_one_weight_for_each_feature():
    assert len(WEIGHTS) == len(FEATURES)


@pytest.mark.parametrize(
    ("stretched", "meant"), [("sooooo", "so"), ("tooo", "too"), ("goood", "good"), ("offf", "off"), ("yeeaahhh", "yeah")]
)
def test_the_most_frequent_word_is_meant_but_a_double_letter_is_kept(stretched, meant):
    assert shortenings(stretched, LEXICON)[0].word == meant


@given(st.sampled_from(COMMON), st.integers(0, 10), st.integers(2, 30))
def test_a_common_word_stretched_anywhere_comes_back(word, at, times):
    at %= len(word)
    stretched = word[:at] + word[at] * times + word[at:]
    assert word in {s.word for s in shortenings(stretched, LEXICON)}


@given(st.text("abeos", min_size=1, max_size=40))
def test_a_shortening_is_the_word_without_repetition(word):
    bare = re.sub(r"(.)\1+", r"\1", word)
    for s in shortenings(word, LEXICON):
        assert re.sub(r"(.)\1+", r"\1", s.word) == bare
        assert len(s.word) + sum(s.removed) == len(word)
        assert not re.search(r"(.)\1\1", s.word)


@pytest.mark.parametrize("name", ["ldd", "pprof", "uuid", "ttl", "vss", "mmyyyy", "iteratee", "ccache", "aaii"])
def test_names_are_at_most_suggestions(name):
    found = resolve(name, LEXICON)
    assert found is None or found[1] < 0.8


def test_a_document_that_writes_the_word_often_means_it():
    line = "The serveer is new."
    prep = Preprocessor(stages=("repeats",))
    assert prep(line) == "The server is new."
    assert prep("\n".join([line] * 3)) == "\n".join([line] * 3)


def test_the_users_words_win():
    lexicon = Lexicon([Term("heyy"), Term("youu", replace_by="YOU")])
    assert Preprocessor(lexicon=lexicon)("heyy youu, goood") == "heyy YOU, good"


def test_many_runs_cost_nothing():
    assert shortenings("aabb" * 500, LEXICON) == []
    assert Preprocessor(stages=("repeats",))("aabb" * 500) == "aabb" * 500


@pytest.mark.parametrize(("slip", "right"), [("recommendd", "recommended"), ("dddresses", "addresses"), ("loggging", "logging")])
def test_what_is_as_likely_a_slip_is_left_to_the_spelling_stage(slip, right):
    assert Preprocessor()(f"the {slip} of the host") == f"the {right} of the host"
