"""The compounds stage: what comes apart, what stays whole, and how the neighbours count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.lexicon.context import Neighbours
from vnlp_prep.lexicon.files import Term
from vnlp_prep.lexicon.joined import FEATURES, WEIGHTS, features, joined, probability

PREP = Preprocessor(stages=["compounds"])
ALONE = Neighbours(None, None)


def sure(word, before=None, after=None):
    found = joined(word, Lexicon.shipped())
    return probability(features(found, Neighbours(before, after), Lexicon.shipped())) if found else 0.0


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("specifiedin", ("specified", "in")),
        ("cannotbe", ("cannot", "be")),
        ("youcannot", ("you", "cannot")),
        ("inorderto", ("in", "order", "to")),
        ("Inaddition", ("in", "addition")),
        ("alongsidethe", ("alongside", "the")),
    ],
)
def test_the_parts_of_a_joined_word(word, parts):
    found = joined(word, Lexicon.shipped())
    assert found is not None
    assert found.parts == parts
    assert sure(word) > 0.5


WHOLE = "esxcli kubeconfig Papertrail Wojciechowski histo xkqzwvtp a misrouted changeit verifyit notexact".split()


@pytest.mark.parametrize("word", WHOLE)
def test_a_word_that_is_whole_is_not_sure(word):
    assert sure(word) < 0.7


def test_the_neighbours_count():
    assert sure("todeploy", "how", "the") > sure("todeploy") > sure("todeploy", "zebra", "gerund")


def test_there_is_a_weight_for_each_feature():
    found = joined("specifiedin", Lexicon.shipped())
    assert len(features(found, ALONE, Lexicon.shipped())) == len(FEATURES) == len(WEIGHTS)
    assert len(set(FEATURES)) == len(FEATURES)


@pytest.mark.parametrize("text", ["'{}'", "({}),", "**{}**", "“{}.”", "see {}!"])
def test_punctuation_around_a_word_stays(text):
    assert PREP(text.format("specifiedin")) == text.format("specified in")


@pytest.mark.parametrize(
    "text",
    [
        "set `specifiedin` to true",
        "--specifiedin",
        "/etc/specifiedin/afterthe",
        "https://example.com/afterthe",
        "the specifiedin_file",
        "#afterthe",
        "theVM isValid onClick",
        "log.afterthe()",
    ],
)
def test_code_and_names_stay(text):
    assert PREP(text) == text


def test_a_text_that_means_a_string_keeps_it():
    once = "as specifiedin the"
    assert PREP(once) == "as specified in the"
    assert PREP(f"{once} {once} {once}") == f"{once} {once} {once}"


def test_the_users_terms_are_never_split_and_are_parts():
    lexicon = Lexicon([Term("specifiedin")])
    assert Preprocessor(stages=["compounds"], lexicon=lexicon)("as specifiedin this") == "as specifiedin this"
    lexicon = Lexicon([Term("qzorbulator", count=50000)])
    assert Preprocessor(stages=["compounds"], lexicon=lexicon)("use the qzorbulatorand go") == "use the qzorbulator and go"


@given(st.lists(st.sampled_from("the in specified applies to power supply qzx ing esxi cannot a".split()), max_size=6))
def test_an_edit_only_adds_spaces_and_is_stable(words):
    text = "see " + "".join(words) + " there"
    out = PREP(text)
    assert out.replace(" ", "") == text.replace(" ", "")
    assert PREP(out) == out


@given(st.text(alphabet="abehinort", max_size=50))
def test_any_letters_can_be_asked(word):
    found = joined(word, Lexicon.shipped())
    if found is not None:
        assert "".join(found.parts) == word
        assert 2 <= len(found.parts) <= 5
        assert 0 <= probability(features(found, ALONE, Lexicon.shipped())) <= 1
