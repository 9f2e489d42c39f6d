"""Search, measures, classifiers and the bootstrap, against what is worked out in another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vinilm.evaluation import bm25
from vinilm.evaluation.bootstrap import difference, interval, macro_f1, mean_of, resampled
from vinilm.evaluation.conditions import Conditions, pairs
from vinilm.evaluation.results import Key, Result
from vinilm.evaluation.retrieval import _measured
from vinilm.evaluation.search import Search
from vinilm.similarity import similarity
from vnlp_prep.errors import SettingsError


@pytest.mark.parametrize("measure", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("block", [1, 7, 100])
def test_search_in_blocks_finds_what_a_sort_of_all_finds(measure, block):
    chance = np.random.default_rng(3)
    queries, documents = (chance.normal(size=(n, 8)).astype(np.float32) for n in (600, 50))
    documents[20] = documents[4]  # a tie: the first one goes first
    search = Search(queries, 10, measure)
    for first in range(0, 50, block):
        search.add(documents[first : first + block])
    scores, places = search.best()
    whole = similarity(queries, documents, measure)
    whole[:, 20] = whole[:, 4]
    assert np.allclose(scores, -np.sort(-whole, axis=1)[:, :10], atol=1e-5)
    assert (places == np.argsort(-whole, axis=1, kind="stable")[:, :10]).mean() > 0.999


@pytest.mark.parametrize("block", [30, 100])
def test_of_equal_documents_the_first_are_found(block):
    search = Search(np.eye(2, 4, dtype=np.float32), 5, "cosine")
    documents = np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (90, 1))
    documents[50:53] = [1, 1, 0, 0]
    for first in range(0, 90, block):
        search.add(documents[first : first + block])
    assert search.best()[1].tolist() == [[0, 1, 2, 3, 4], [50, 51, 52, 0, 1]]


def test_search_in_fewer_documents_than_are_asked_for():
    search = Search(np.eye(2, dtype=np.float32), 10, "dot")
    search.add(np.eye(2, dtype=np.float32))
    assert search.best()[1].tolist() == [[0, 1], [1, 0]]


def test_measures_are_those_of_their_definitions():
    qrels = {"q": {"a": 2, "b": 1, "c": 1}, "r": {"z": 1}, "s": {"z": 1}}
    run = {"q": {"x": 3.0, "a": 2.0, "b": 1.0, "y": 0.5}, "r": {f"d{i}": 200.0 - i for i in range(99)} | {"z": 1.0}, "s": {}}
    found = _measured(qrels, run)
    gained = 2 / math.log2(3) + 1 / math.log2(4)
    ideal = 2 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found["nDCG@10"] == pytest.approx([gained / ideal, 0, 0])
    assert found["MRR@10"] == pytest.approx([1 / 2, 0, 0])
    assert found["Recall@100"] == pytest.approx([2 / 3, 1, 0])


def test_bm25_finds_rare_words_first_and_nothing_in_nothing():
    documents = [["the cat sat on the mat", "the dog ate the cat"], ["a bird", "zebra crossing zebra"]]
    scores, places = bm25.ranked(documents, ["zebra", "cat dog", "nowhere"], 3)
    assert places[0, 0] == 3
    assert places[1, :2].tolist() == [1, 0]
    assert (scores[2] == 0).all()
    assert bm25.ranked([["", " "]], ["a"], 3)[0].shape == (1, 0)


def test_macro_f1_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    chance = np.random.default_rng(1)
    truth, said = chance.choice(list("abcd"), 200, p=[0.6, 0.2, 0.1, 0.1]), chance.choice(list("abcd"), 200)
    assert macro_f1(truth, said).value == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    assert mean_of(truth == said).value == pytest.approx(metrics.accuracy_score(truth, said))
    # A label that was predicted and does not occur.
    truth, said = np.array(list("aabb")), np.array(list("aabc"))
    assert macro_f1(truth, said).value == pytest.approx(metrics.f1_score(truth, said, average="macro"))


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(2).normal(5, 2, 400)
    found = resampled([mean_of(values)], 4000)
    low, high = interval(found[0])
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_a_small_difference_of_pairs_is_seen_though_the_intervals_overlap():
    chance = np.random.default_rng(4)
    a = chance.normal(0, 1, 300)
    b = a + chance.normal(0.05, 0.1, 300)
    a_drawn, b_drawn = resampled([mean_of(a), mean_of(b)], 4000)
    found = difference(b.mean(), a.mean(), b_drawn, a_drawn)
    assert interval(a_drawn)[1] > interval(b_drawn)[0]
    assert found.low > 0
    assert found.p < 0.001
    assert found.value == pytest.approx((b - a).mean())
    none = difference(a.mean(), a.mean(), a_drawn, a_drawn)
    assert (none.value, none.low, none.high, none.p) == (0, 0, 0, 1)


def test_without_a_difference_p_is_as_often_small_as_it_says():
    chance = np.random.default_rng(5)
    found = []
    for _ in range(200):
        a, b = (mean_of(values) for values in chance.normal(size=(2, 60)))
        found.append(difference(a.value, b.value, *resampled([a, b], 500)).p)
    assert 0.01 < np.mean(np.array(found) < 0.05) < 0.11


def result(**means):
    """A result whose conditions have these means, for 400 queries that differ in the same way."""
    names = [name.replace("_", "-") for name in means]
    spread = np.random.default_rng(0).normal(0, 0.1, 400)
    spread -= spread.mean()
    found = Result("retrieval", "set", {}, ["m"], ["m"], names, ["nDCG@10"], [str(i) for i in range(400)])
    found.figures = {
        Key("m", n, "nDCG@10"): mean_of(mean + spread * (1 + i / 10))
        for i, (n, mean) in enumerate(zip(names, means.values(), strict=True))
    }
    return found


def test_what_cleaning_brings_back():
    found = result(raw=0.8, cleaned=0.9, damaged=0.6, damaged_cleaned=0.75).recovery("m", "nDCG@10")
    assert found is not None
    assert found.share == pytest.approx(0.75)
    assert found.low < 0.75 < found.high
    to_cleaned = result(raw=0.8, cleaned=0.9, damaged=0.6, damaged_cleaned=0.75).recovery("m", "nDCG@10", reference="cleaned")
    assert to_cleaned is not None
    assert to_cleaned.share == pytest.approx(0.5)


def test_of_a_loss_that_is_none_there_is_no_share():
    assert result(raw=0.8, damaged=0.8001, damaged_cleaned=0.9).recovery("m", "nDCG@10") is None
    assert result(raw=0.8, damaged=0.7).recovery("m", "nDCG@10") is None


def test_which_conditions_there_are():
    assert [c.name for c in Conditions(("cleaned", "raw")).each()] == ["raw", "cleaned"]
    each = Conditions(by_kind=True, kinds=("html", "typos")).each()
    assert [c.name for c in each][4:] == ["damaged:html", "damaged-cleaned:html", "damaged:typos", "damaged-cleaned:typos"]
    assert each[4].damager is not None
    assert each[4].damager.kinds == ("html",)
    assert ("damaged-cleaned:typos", "damaged:typos") in pairs(c.name for c in each)
    with pytest.raises(SettingsError, match="dirty"):
        Conditions(("dirty",))
    with pytest.raises(SettingsError, match="damage"):
        Conditions(damage=2)
