"""Unknown words that are names of programs or of people."""

import pytest

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.lexicon.names import counts_up, in_name, is_built

LEXICON = Lexicon.shipped()


@pytest.mark.parametrize(
    ("name", "term"),
    [
        ("hostd", "host"),
        ("overlayfs", "overlays"),
        ("tracefs", "traces"),
        ("kobject", "object"),
        ("bsearch", "search"),
        ("uaccess", "access"),
        ("hostctl", "host"),
        ("hostds", "hosts"),
    ],
)
def test_a_known_word_with_letters_at_its_edge_is_a_name(name, term):
    assert is_built(name, term, LEXICON)


@pytest.mark.parametrize("slip", ["recommendd", "hhost", "clustre", "configuratoin"])
def test_a_slip_is_none(slip):
    assert not is_built(slip, "cluster", LEXICON)


def spans(text, word):
    start = text.index(word)
    return text, start, start + len(word)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("fixed by Dennis Filder.", "Filder"),
        ("thanks to **Filder Dennis**", "Filder"),
        ("as Kowalski says", "Kowalski"),
        ("Nguyen Thi Thuy wrote it", "Thi"),
        ("said Zhomur Qvist", "Qvist"),
    ],
)
def test_parts_of_names_of_people(text, word):
    assert in_name(*spans(text, word), LEXICON)


@pytest.mark.parametrize(
    ("text", "word"),
    [("the Active Direcory schema", "Direcory"), ("the direcory of dennis", "direcory"), ("Direcory", "Direcory")],
)
def test_what_is_no_name(text, word):
    assert not in_name(*spans(text, word), LEXICON)


@pytest.mark.parametrize(
    "text",
    [
        "This was fixed by Dennis Filder in the last release.",
        "Text into the entry using the Windo... and so on",
        "Thanks to [follwing](https://github.com/follwing) for the patch.",
        "The overlayfs and the tracefs are mounted at the start.",
    ],
)
def test_the_chain_leaves_them(text):
    assert Preprocessor()(text) == text


def test_a_mistake_before_an_ellipsis_is_one():
    assert Preprocessor()("the server is donw... and the log is empty") == "the server is down... and the log is empty"


def test_the_text_of_a_link_is_prose_else():
    assert Preprocessor()("See the [follwing page](https://x.example.com/next) for more.").startswith("See the [following page]")


@pytest.mark.parametrize(
    ("word", "around", "expected"),
    [
        ("usera", {"userb"}, True),
        ("Userb", {"usera"}, True),
        ("usera", {"userc", "user"}, False),
        ("hostr", {"hosts"}, False),  # which is a word
        ("qxzva", {"qxzvb"}, False),
        ("user\u0101", {"user\u0100"}, False),
        ("a", {"b"}, False),
    ],
)
def test_names_that_count_up(word, around, expected):
    assert counts_up(word, around, LEXICON) is expected
