"""The stages that work on words, case by case: what must change, what must not, what is known to fail."""

import json
from pathlib import Path

import pytest

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.lexicon.files import Term

FOLDER = Path(__file__).parents[1] / "cases"
STAGES = ("repeats", "compounds", "spelling")


def cases(kind):
    return [
        pytest.param(name, case, id=f"{name}: {case['label']}")
        for name in STAGES
        for case in json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))[kind]
    ]


@pytest.mark.parametrize(("stage", "case"), cases("fixed"))
def test_damage_is_undone(stage, case):
    prep = Preprocessor(stages=[stage])
    assert prep(case["original"]) == case["fixed"]
    assert {e.stage for e in prep.clean(case["original"]).edits} == {stage}


@pytest.mark.parametrize(("stage", "case"), cases("kept"))
def test_what_is_right_stays(stage, case):
    assert Preprocessor(stages=[stage])(case["text"]) == case["text"]
    assert Preprocessor()(case["text"]) == case["text"]


@pytest.mark.parametrize(("stage", "case"), cases("known_failures"))
@pytest.mark.xfail(strict=True, reason="known failure")
def test_known_failures(stage, case):
    assert Preprocessor(stages=[stage])(case["original"]) == case["fixed"]


def test_a_term_that_the_document_uses_is_left_alone():
    text = "The conneector is new. Install the conneector first. Then start the conneector."
    prep = Preprocessor(threshold=0.7)
    assert prep(text) == text
    assert prep("The conneector is new.") == "The connector is new."


def test_the_users_terms_are_known_and_the_users_corrections_are_made():
    lexicon = Lexicon([Term("conneector"), Term("colour", replace_by="color")])
    assert Preprocessor(lexicon=lexicon)("The conneector has a colour.") == "The conneector has a color."


def test_below_the_threshold_an_edit_is_a_suggestion():
    doc = Preprocessor(threshold=1.0).clean("Teh client")
    assert doc.text == "Teh client"
    assert [(s.before, s.after) for s in doc.suggestions] == [("Teh", "The")]
    assert 0 < doc.suggestions[0].confidence < 1


@pytest.mark.parametrize("least", [0.3, 0.75, 0.98])
def test_what_is_too_little_sure_is_left_out_and_nothing_else(least):
    words = "Teh cleint wsa specifiedin teh nodse sooo tihs recommendd thign!!!! adn hostd nodse, nodse or conneector websrvice"
    prep = Preprocessor()
    for text in (words, f"{words}. {words}", *words.split()):
        for stage in prep._word_stages:
            seen = prep._tokens.look_at(text)
            assert stage.edits(seen, least) == [e for e in stage.edits(seen) if e.confidence >= least]


def test_what_is_remembered_of_tokens_is_bounded_and_changes_nothing(monkeypatch):
    from vnlp_prep.stages import tokens_seen
    from vnlp_prep.stages.spelling import SpellingStage

    monkeypatch.setattr(tokens_seen, "PLAIN", 20)
    monkeypatch.setattr(tokens_seen, "PLAIN_BITS", 4)
    monkeypatch.setattr(tokens_seen, "SUSPICIOUS", 5)
    stage = SpellingStage(Lexicon.shipped())
    texts = [f"word{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10]} cliemt{'s' * (i % 7)} {i} teh" for i in range(100)]
    first = [stage.propose(text) for text in texts]
    assert len(stage.tokens) <= 20 + 3 + 2 * 5
    assert first == [stage.propose(text) for text in texts] == [SpellingStage(Lexicon.shipped()).propose(text) for text in texts]
