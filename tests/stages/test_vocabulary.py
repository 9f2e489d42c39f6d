"""Compounds for an encoder's vocabulary: what comes apart, what stays whole, and the promises."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.lexicon.files import Term
from vnlp_prep.lexicon.wordpiece import WordPieces

CASES = json.loads((Path(__file__).parents[1] / "cases" / "vocabulary.json").read_text(encoding="utf-8"))
LETTERS = [*string.ascii_lowercase, *(f"##{c}" for c in string.ascii_lowercase)]
VOCABULARY = WordPieces([*CASES["pieces"], *LETTERS])
PREP = Preprocessor(vocabulary=VOCABULARY)
NAMES_TOO = Preprocessor(stages=["compounds"], vocabulary=VOCABULARY, threshold=0.6)
WITHOUT = Preprocessor()
WORDS = "in the namespace filesystem PowerShell NetworkPolicy Powershell's (namespace) `namespace` hostname teh aa --x \n".split(
    " "
)


def names(case):
    return case["label"]


@pytest.mark.parametrize("case", CASES["fixed"], ids=names)
def test_what_the_vocabulary_breaks_comes_apart(case):
    assert PREP(case["original"]) == case["fixed"]
    doc = Preprocessor(stages=["compounds"], vocabulary=VOCABULARY).clean(case["original"])
    assert doc.text == case["fixed"]
    assert {e.stage for e in doc.edits} == {"compounds"}
    assert {e.rule for e in doc.edits} <= {"encoder-compound", "encoder-camel", "run-together"}


@pytest.mark.parametrize("case", CASES["names"], ids=names)
def test_names_are_suggested_and_split_from_a_lower_threshold_on(case):
    assert PREP(case["original"]) == case["original"]
    assert len(PREP.clean(case["original"]).suggestions) == 1
    assert NAMES_TOO(case["original"]) == case["fixed"]


@pytest.mark.parametrize("case", CASES["fixed"], ids=names)
def test_without_a_vocabulary_it_stays(case):
    assert WITHOUT(case["original"]) == case["original"].replace("specifiedin", "specified in")


@pytest.mark.parametrize("case", CASES["kept"], ids=names)
def test_what_must_stay_stays(case):
    assert PREP(case["text"]) == case["text"]
    assert NAMES_TOO(case["text"]) == case["text"]


def test_a_split_word_is_whole_pieces():
    for case in CASES["fixed"] + CASES["names"]:
        for e in NAMES_TOO.clean(case["original"]).edits:
            if e.rule.startswith("encoder"):
                assert len(VOCABULARY.pieces(e.before.replace(" ", ""))) > 1
                assert all(part in VOCABULARY for part in e.after.split())


def test_a_word_that_the_vocabulary_has_is_never_touched():
    learnt = WordPieces([*CASES["pieces"], *LETTERS, "namespace", "powershell"])
    text = "You see the namespace in PowerShell, and on the filesystem"
    assert Preprocessor(vocabulary=learnt, threshold=0.6)(text) == text.replace("filesystem", "file system")


def test_a_cased_vocabulary_is_asked_as_the_word_is_written():
    cased = WordPieces([*CASES["pieces"], *LETTERS, *string.ascii_uppercase, "Power", "PowerS"], lower_case=False)
    text = "You can use PowerShell for the namespace of it"
    assert Preprocessor(vocabulary=cased, threshold=0.6)(text) == text.replace("namespace", "name space")  # "Shell" is no piece
    cased = WordPieces([*CASES["pieces"], *LETTERS, "Power", "Shell", "PowerS"], lower_case=False)
    assert Preprocessor(vocabulary=cased, threshold=0.6)("You can use PowerShell for this") == "You can use Power Shell for this"


def test_a_vocabulary_that_cannot_write_a_word_does_not_split_it():
    few = WordPieces(["name", "space", "##s"])
    assert Preprocessor(vocabulary=few)("in the namespace of it") == "in the namespace of it"


def test_the_threshold_counts():
    text = "in the namespace of the pod"
    assert Preprocessor(vocabulary=VOCABULARY, threshold=0.999)(text) == text
    assert [e.after for e in Preprocessor(vocabulary=VOCABULARY, threshold=0.999).clean(text).suggestions] == ["name space"]


def test_protection_says_which_names_are_split():
    text = "You can use PowerShell or GitHub for it"
    assert [text[p.start : p.end] for p in WITHOUT.protected(text)] == ["PowerShell", "GitHub"]
    assert [text[p.start : p.end] for p in PREP.protected(text)] == ["PowerShell", "GitHub"]
    assert [text[p.start : p.end] for p in NAMES_TOO.protected(text)] == ["GitHub"]
    assert len(Preprocessor(stages=["html"], vocabulary=VOCABULARY).protected(text)) == 2


def test_the_users_correction_and_terms_are_heard():
    lexicon = Lexicon([Term("frobspace", count=500)])
    text = "in the frobspace of the namespace"
    assert Preprocessor(vocabulary=VOCABULARY, lexicon=lexicon)(text) == "in the frobspace of the name space"


@given(st.lists(st.sampled_from(WORDS), max_size=20))
def test_the_promises_hold(words):
    text = " ".join(words)
    for prep in (PREP, NAMES_TOO):
        doc = prep.clean(text)
        assert doc.restore() == text
        assert all(text[e.start : e.end] == e.before for e in doc.edits)
        assert prep(doc.text) == doc.text
    assert NAMES_TOO(text).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["PowerShell " * 20_000, "NetworkPolicy" * 5000, "namespace" * 5000, "Aa" * 50_000])
def test_no_input_is_too_much(text):
    assert PREP.clean(text).restore() == text
