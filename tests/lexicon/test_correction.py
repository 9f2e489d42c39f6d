"""How likely each reading of an unknown word is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep.lexicon import Lexicon
from vnlp_prep.lexicon.context import Neighbours
from vnlp_prep.lexicon.correction import (
    CANDIDATE_FEATURES,
    CANDIDATE_WEIGHTS,
    NOWHERE,
    WORD_FEATURES,
    WORD_WEIGHTS,
    Place,
    at_most,
    candidate_features,
    evidence,
    likeliest,
    rule_of,
    word_features,
)
from vnlp_prep.lexicon.suggestions import candidates

LEXICON = Lexicon.shipped()


def probability(word, place=NOWHERE, *, hyphenated=False):
    found = candidates(word.lower(), LEXICON)[:8]
    best, p = likeliest(found, evidence(word.lower(), found, LEXICON, hyphenated=hyphenated), place, LEXICON)
    return best.term, p


def test_each_feature_has_a_weight():
    found = candidates("cleint", LEXICON)
    assert len(candidate_features("cleint", found[0], 0.0, NOWHERE, LEXICON)) == len(CANDIDATE_FEATURES) == len(CANDIDATE_WEIGHTS)
    assert len(word_features("cleint", NOWHERE, LEXICON, hyphenated=False)) == len(WORD_FEATURES) == len(WORD_WEIGHTS)


@pytest.mark.parametrize(("word", "right"), [("configuratoin", "configuration"), ("virtaul", "virtual"), ("recieve", "receive")])
def test_a_slip_of_a_frequent_word_is_one(word, right):
    term, p = probability(word)
    assert term == right
    assert p > 0.9


@pytest.mark.parametrize("word", ["esxclio", "vmdkx", "hpx", "qemud"])
def test_what_is_built_like_a_name_is_none(word):
    assert probability(word)[1] < 0.5


def test_the_place_counts():
    alone = probability("nodse")[1]
    between = Place(Neighbours("worker", "in"), (), 0, capital=False)
    assert probability("nodse", between)[1] > alone
    assert probability("nodse", between._replace(around=frozenset(["nodes"])))[1] > probability("nodse", between)[1]
    assert probability("nodse", between._replace(repeated=2))[1] < probability("nodse", between)[1]
    assert probability("nodse", between._replace(capital=True))[1] < probability("nodse", between)[1]
    assert probability("nodse", between._replace(noise=0.1))[1] > probability("nodse", between)[1]
    assert probability("nodse", between, hyphenated=True)[1] < probability("nodse", between)[1]


@given(
    st.text("abcdeinorst", min_size=3, max_size=10),
    st.sampled_from(["the", "worker", None]),
    st.sampled_from(["of", "node", None]),
    st.integers(0, 5),
    st.booleans(),
    st.floats(0, 0.5),
)
def test_it_is_a_probability_and_has_its_bound(word, before, after, repeated, capital, noise):
    found = candidates(word, LEXICON)[:8]
    if found:
        place = Place(Neighbours(before, after), frozenset(["node"]), repeated, capital, noise)
        p = probability(word, place)[1]
        assert 0 <= p <= at_most(evidence(word, found, LEXICON, hyphenated=False), repeated, noise) <= 1


@pytest.mark.parametrize(
    ("wrong", "right", "rule"),
    [
        ("teh", "the", "swapped-letters"),
        ("clusterr", "cluster", "extra-letter"),
        ("clustr", "cluster", "missing-letter"),
        ("clustar", "cluster", "wrong-letter"),
        ("clstar", "cluster", "several-slips"),
    ],
)
def test_slips_have_names(wrong, right, rule):
    assert rule_of(wrong, right) == rule
