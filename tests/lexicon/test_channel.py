"""What slips cost, what sounds alike, what looks like a slip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep.lexicon.channel import cost
from vnlp_prep.lexicon.letters import slip_gain
from vnlp_prep.lexicon.sounds import sound_key

WORDS = st.text(st.sampled_from("abcdehirst'é 7"), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("likely", "unlikely", "right"),
    [
        ("teh", "tge", "the"),  # swapped letters rather than a wrong one
        ("adress", "aderess", "address"),  # a double letter left out rather than a letter put in
        ("recieve", "receixe", "receive"),  # ie for ei rather than any letter
        ("seperate", "sepbrate", "separate"),  # a vowel for a vowel
        ("comit", "cmmit", "commit"),
        ("existance", "existbnce", "existence"),
    ],
)
def test_slips_that_people_make_are_cheap(likely, unlikely, right):
    assert 0 < cost(likely, right) < cost(unlikely, right)


@given(WORDS)
def test_no_slip_costs_nothing(word):
    assert cost(word, word) == 0


@given(WORDS, WORDS)
def test_a_slip_costs_something(wrong, right):
    assert wrong == right or cost(wrong, right) > 0


@given(WORDS, WORDS, st.sampled_from(["", "con", "in"]), st.sampled_from(["", "ing", "s"]))
def test_what_both_share_far_from_the_slip_costs_nothing(wrong, right, head, tail):
    assert cost(f"{head}xx{wrong}xx{tail}", f"{head}xx{right}xx{tail}") == cost(f"xx{wrong}xx", f"xx{right}xx")


@pytest.mark.parametrize(
    ("one", "other"), [("fone", "phone"), ("necesary", "necessary"), ("nife", "knife"), ("seks", "sex"), ("jujment", "judgment")]
)
def test_words_that_sound_alike_share_a_key(one, other):
    # The first letter counts as it is written: few people get it wrong.
    assert sound_key(one)[1:] == sound_key(other)[1:]
    assert sound_key("cluster") != sound_key("client")


def test_slips_look_like_english_and_names_do_not():
    assert slip_gain("configuratoin") > slip_gain("vmdk")
    assert slip_gain("日本") == 0


@given(st.text(max_size=30))
def test_any_string_has_a_gain_and_a_key(text):
    assert isinstance(slip_gain(text), float)
    assert isinstance(sound_key(text), str)
