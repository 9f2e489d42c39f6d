"""What is protected: every shape of token, regions that reach over white space, lines that are no prose."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.words import Guard, code_spans, english, fences, line_kind, protected, token_kind, word_spans

TOKENS = json.loads((Path(__file__).parent / "cases" / "protected.json").read_text(encoding="utf-8"))
KNOWN = Lexicon.shipped()


@pytest.mark.parametrize("case", TOKENS, ids=lambda c: c["label"])
def test_protected_token(case):
    token = case["token"]
    assert word_spans(token) == ()
    assert token_kind(token) == case["kind"]
    text = f"Please look at {token} in the log of the server."
    assert token in Preprocessor()(text)
    assert any(text[p.start : p.end] == token for p in protected(text, KNOWN))


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("word,", ["word"]),
        ("**Bold**", ["Bold"]),
        ("(see", ["see"]),
        ("don’t", ["don’t"]),
        ("read-only.", ["read", "only"]),
        ("[Managment](links.html),", ["Managment"]),
        ("end…", ["end"]),
        ("“quoted”", ["quoted"]),
        ("this,that", ["this", "that"]),
    ],
)
def test_plain_words_are_found_inside_their_punctuation(token, words):
    assert [token[a:b] for a, b in word_spans(token)] == words


@pytest.mark.parametrize(
    "region",
    [
        "`recieve the`",
        "``recieve ` the``",
        "```\nrecieve the buffer\n```",
        "~~~sh\nrecieve the buffer\n~~~",
        "[source,java]\n----\nrecieve the buffer\n----",
        "{{ recieve the }}",
        "{% recieve the %}",
        "${recieve the}",
        "<your recieve name>",
        '[link](recieve-teh "recieve teh")',
        "C:\\Program Files\\recieve teh\\x.exe",
        "<pre>recieve  teh</pre>",
        "<code>recieve teh</code>",
    ],
)
def test_regions_of_code_keep_their_words(region):
    body = region.replace("<pre>", "").replace("</pre>", "").replace("<code>", "").replace("</code>", "")
    out = Preprocessor()(f"Then you have to run this:\n\n{region}\n\nand wait until it is done.")
    assert body in out
    assert Preprocessor()(out) == out


@pytest.mark.parametrize(
    "line",
    [
        "2021-05-03T10:11:12.123Z INFO recieve teh buffer failed",
        "[ERROR] recieve teh buffer failed",
        "May  3 10:11:12 esx01 vmkernel: recieve teh buffer",
        "    at com.example.Recieve.teh(Recieve.java:12)",
        '  File "recieve.py", line 3, in teh',
        "Caused by: java.lang.Exception: recieve teh",
        "$ recieve teh buffer",
        "user@host:~$ recieve teh buffer",
        "PS C:\\> recieve teh buffer",
        "@@ -1,3 +1,4 @@ recieve teh",
        "SELECT recieve, teh FROM bufer WHERE x;",
        '{"recieve": "teh bufer"}',
        "for (int recieve = 0; recieve < teh; recieve++) {",
        "const recieve = teh => bufer;",
        "recieve: true",
        "a,recieve,teh,bufer",
        "0000000: 5265 6369 6576 6520 7468 65 recieve teh",
    ],
)
def test_lines_that_are_no_prose_stay(line):
    assert line_kind(line) is not None
    assert Preprocessor()(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "Die Instalation wird mit den folgenden Befehlen gestartet und nicht beendet.",
        "Le systeme est tres lent et les utilisateurs ne sont pas contents de la situation.",
        "El servidor no esta disponible para los usuarios y las copias de la maquina.",
    ],
)
def test_other_languages_stay(line):
    assert Preprocessor()(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "Note: the quick brown fox jumps over it.",
        "You can use the `sum()` function in the following video.",
        "## How to clear the local cache {#clear-cache}",
        "WARNING: Do not remove the disk while the job is running.",
        "If it fails, select File, then Open, and try again.",
    ],
)
def test_prose_is_prose(line):
    assert line_kind(line) is None
    assert english(line.lower().split(), KNOWN)


def test_an_unclosed_fence_reaches_to_the_end():
    text = "a\n```\nb\n"
    assert list(fences(text)) == [(2, len(text))]


def test_code_around_other_code_is_code_to_its_end():
    text = "Do this\n\n    ```\n    a\n    ```\n    ```\n    b\n    ```\n    c\n    ```\n    d\n    ```\n    recieve teh\n"
    assert Preprocessor()(text) == text


def test_what_is_protected_in_a_long_paragraph_does_not_depend_on_what_was_asked_before():
    sentence = "The host is up and it is fine. "
    text = sentence * 48 + "\n\n" + sentence * 47
    text += "{{ recieve " + "and so on " * 12 + "}} is it."
    place = text.index("recieve")
    assert place < 3000 < text.index("}}")  # the template reaches over the border of what is looked at from further up
    asked_before = Guard(text, (), KNOWN)
    assert not asked_before.in_code(1600, 1604)
    assert asked_before.in_code(place, place + 7)
    assert Guard(text, (), KNOWN).in_code(place, place + 7)


def test_inline_code_does_not_cross_a_blank_line():
    assert list(code_spans("a `b\n\nc` d")) == []


@given(st.text(alphabet="ab `~\n-<>{}$[](){}%", max_size=200))
def test_protected_spans_are_sorted_disjoint_and_inside(text):
    spans = protected(text, KNOWN)
    assert all(0 <= p.start < p.end <= len(text) for p in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


@given(st.text(max_size=60))
def test_word_spans_hold_letters_only(token):
    token = "".join(token.split())
    for a, b in word_spans(token):
        assert token[a:b].replace("'", "").replace("’", "").isalpha()
