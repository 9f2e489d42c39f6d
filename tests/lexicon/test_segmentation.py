"""``segment``: words, identifiers, hashtags; what is not English letters; its promises on anything."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep import Lexicon, segment
from vnlp_prep.lexicon import segmentation_model as model
from vnlp_prep.lexicon.files import Term
from vnlp_prep.lexicon.segmentation import best_split, pair_count, pair_zipf
from vnlp_prep.lexicon.segmentation_letters import letters_score


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # run-together prose
        ("virtualmachinesettings", "virtual machine settings"),
        ("thequickbrownfoxjumpsoverthelazydog", "the quick brown fox jumps over the lazy dog"),
        ("itwasadarkandstormynight", "it was a dark and stormy night"),
        # identifiers
        ("nodePortRange", "node port range"),
        ("get_vm-name", "get vm name"),
        ("getURLs", "get urls"),
        ("XMLParser", "xml parser"),
        ("HTTPSConnection", "https connection"),
        ("vSphereClient", "vsphere client"),
        ("cfgMgr", "cfg mgr"),
        ("__init__", "init"),
        ("userID", "user id"),
        ("getmsgptr", "get msg ptr"),
        ("C:\\temp\\fileName.txt", "c temp file name txt"),
        # hashtags
        ("#RealMadridFans", "# real madrid fans"),
        ("McDonalds", "mcdonalds"),
        ("top10songs", "top 10 songs"),
        ("olympics2012", "olympics 2012"),
        ("2nd", "2nd"),
        ("3rdparty", "3rd party"),
        # apostrophes, accents, other scripts, symbols
        ("don'tstop", "don't stop"),
        ("it’sagoodday", "it’s a good day"),
        ("CaféBar", "café bar"),
        ("МоскваCity", "москва city"),
        ("日本語テキスト", "日本語テキスト"),
        ("c++", "c ++"),
        ("a->b", "a > b"),
        ("  ", ""),
    ],
)
def test_the_best_split(text, words):
    assert segment(text) == words.split()


@pytest.mark.parametrize("word", ["Kubernetes", "esxcli", "unhandled", "kubelet", "customizer"])
def test_terms_and_regular_forms_stay_whole(word):
    assert segment(word) == [word.lower()]


def test_the_users_own_terms_are_words():
    lexicon = Lexicon([Term("qzorb", count=5000)])
    assert segment("qzorbnow", lexicon=lexicon) == ["qzorb", "now"]
    assert segment("QzorbNow", lexicon=lexicon) == ["qzorb", "now"]
    assert segment("qzorbnow") != ["qzorb", "now"]


@settings(deadline=None)
@given(st.text(max_size=60))
def test_nothing_is_lost_but_separators(text):
    assert "".join(segment(text)) == re.sub(r"[\s_./\\:-]", "", text).lower()


@settings(deadline=None)
@given(st.text(alphabet="abcdeinorstz'’ABCDEINORST0123456789é", min_size=1, max_size=40))
def test_runs_of_letters_and_digits_keep_every_character(text):
    assert "".join(segment(text)) == text.lower()
    assert all(segment(text))


@settings(deadline=None)
@given(st.lists(st.sampled_from("virtual machine the set XML Host 2012 x don't".split()), min_size=1, max_size=8))
def test_splits_come_best_first_and_as_scored(parts):
    text = "".join(parts)
    lexicon = Lexicon.shipped()
    splits = list(model.Splitter(lexicon).best(text, 4))
    assert all("".join(split) == text for split in splits)
    scores = [model.score(model.features(split, lexicon)) for split in splits]
    assert scores == pytest.approx(sorted(scores, reverse=True))
    assert scores[0] >= model.score(model.features([text], lexicon)) - 1e-9 or len(text) > model.MAX_WORD


def test_every_weight_is_of_a_feature_that_exists():
    texts = "BEAParty2012 a1b2c3 e3 ps2 utf8 1st 5k 7up don't tEst ABCdef ABC win10x x2015y ab12345 abc12 abc1234567 ABcDe s x"
    texts += " zqxw sixx unhandled getattribute qz msg vspherehost"
    lexicon = Lexicon.shipped()
    seen = set()
    for text in texts.split():
        seen |= {name for split in model.Splitter(lexicon).best(text, 200) for name in model.features(split, lexicon)}
    assert seen <= set(model.WEIGHTS), seen - set(model.WEIGHTS)


def test_long_input_is_linear_and_whole():
    assert "".join(segment("x" * 100_000)) == "x" * 100_000
    assert "".join(segment("'a" * 5_000)) == "'a" * 5_000
    assert "".join(segment("aB1" * 600)) == "ab1" * 600


def test_letters_tell_words_from_none():
    assert letters_score("strukkers") > letters_score("xkcdqzrtw")
    assert letters_score("") < 0


def test_pairs():
    assert pair_count("of", "the") > pair_count("power", "supply") > 0 == pair_count("qzx", "the")
    assert pair_zipf("of", "the") > pair_zipf("power", "supply") > 0 == pair_zipf("qzx", "the")


def test_the_quick_split_of_the_gate():
    split = best_split("specifiedin", Lexicon.shipped())
    assert split.parts == ("specified", "in")
    assert split.attested
