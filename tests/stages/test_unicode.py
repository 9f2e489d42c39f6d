"""The Unicode stage: its cases, its promises on any text, its agreement with ftfy, its cost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import unicodedata
from itertools import product
from pathlib import Path
from typing import Any

import ftfy
import pytest
from ftfy.badness import MOJIBAKE_CATEGORIES, is_bad
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep.edits import Edit, apply
from vnlp_prep.stages import unicode
from vnlp_prep.stages.unicode import UnicodeStage

CASES: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent.parent / "cases" / "unicode.json").read_text(encoding="utf-8")
)
STAGE = UnicodeStage()


def changes(text: str) -> list[Edit]:
    return [e for e in STAGE.propose(text) if e.confidence == 1.0]


def clean(text: str) -> str:
    return apply(text, changes(text))


def each(name: str) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(c, id=c["label"]) for c in CASES[name]])


@each("cases")
def test_damage_is_repaired(case: dict[str, str]) -> None:
    assert clean(case["original"]) == case["fixed"]


@each("cases")
def test_repaired_text_is_left_alone(case: dict[str, str]) -> None:
    assert changes(case["fixed"]) == []


@each("cases")
def test_repair_does_not_depend_on_the_lines_around(case: dict[str, str]) -> None:
    around = "“first” line\n{}\nlast – line"
    assert clean(around.format(case["original"])) == clean(around.format(case["fixed"]))


@each("negative")
def test_what_is_right_stays(case: dict[str, str]) -> None:
    assert STAGE.propose(case["text"]) == []


@each("reported")
def test_confusable_words_are_reported_and_not_changed(case: dict[str, str]) -> None:
    edits = STAGE.propose(case["text"])
    assert [(e.rule, e.before, e.after, e.confidence) for e in edits] == [("confusable", case["word"], case["looks_like"], 0.5)]


@each("not_reported")
def test_other_mixtures_are_not_reported(case: dict[str, str]) -> None:
    assert STAGE.propose(case["text"]) == []


@each("known_failures")
@pytest.mark.xfail(strict=True, reason="known failure")
def test_known_failures(case: dict[str, str]) -> None:
    assert clean(case["original"]) == case["fixed"]


def test_surrogates_of_a_pair_are_joined() -> None:
    assert clean("\ud83d" + "\ude80 \ude80\ud83d") == "🚀 \ufffd\ufffd"


def test_edits_are_minimal() -> None:
    edits = STAGE.propose("It's naÃ¯ve \u2013 don’t\u00a0trust “cafÃ©” of\ufb01ces")
    assert [(e.rule, e.before, e.after) for e in edits] == [
        ("mojibake", "Ã¯", "ï"),
        ("quote", "’", "'"),
        ("space", "\u00a0", " "),
        ("quote", "“", '"'),
        ("mojibake", "Ã©", "é"),
        ("quote", "”", '"'),
        ("ligature", "\ufb01", "fi"),
    ]


def test_mojibake_keeps_its_name_when_more_was_done_to_it() -> None:
    assert [(e.rule, e.before, e.after) for e in STAGE.propose("itâ€™s")] == [("mojibake", "â€™", "'")]


# --- Any text ---------------------------------------------------------------------------------------------------------

_SPECIAL = (
    "".join(MOJIBAKE_CATEGORIES[k] for k in ("common", "bad", "currency", "start_punctuation", "end_punctuation"))
    + "ÂÃâÅœžŸ€‚ÐÑВЂ°×Œ\x81\x85\x9d\u00ad\u200b\u200c\u200d\u200e\u202e\u2060\ufeff\ufe0f\u2028\u3000\u0301\u0323\u0308"
    "\u1100\u1161\u11a8\x00\x08\x0b\x1b[m;01\x1a\r\n\t _a’“\"'👩🏴\U000e0067\U000e007fﬁＡ：ﾊﾞ中رकก\ud83d\ude80а"
)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=60),
    st.text(st.sampled_from(_SPECIAL), max_size=30),
    st.lists(
        st.one_of(
            st.sampled_from(["the client’s ", "naïve ", "\x1b[31m", "10\u00a0GB ", "\n", "Привет ", "日本語", "👩‍💻", " "]),
            st.text(st.characters(min_codepoint=0xA0, max_codepoint=0x2122), min_size=1, max_size=8).map(
                lambda s: s.encode("utf-8").decode("latin-1")
            ),
            st.text(st.characters(min_codepoint=0xA0, max_codepoint=0x17E), min_size=1, max_size=5).map(
                lambda s: s.encode("utf-8").decode("cp1252", "replace")
            ),
        ),
        max_size=6,
    ).map("".join),
)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_edits_are_valid_and_repair_is_final(text: str) -> None:
    edits = STAGE.propose(text)
    at = 0
    for e in edits:
        assert e.stage == "unicode"
        assert at <= e.start < e.end
        assert e.before == text[e.start : e.end] != e.after
        assert e.confidence in (0.5, 1.0)
        at = e.end
    cleaned = clean(text)
    assert changes(cleaned) == []
    cleaned.encode("utf-8")
    assert not any(c < " " and c not in "\t\n\r" for c in cleaned)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("\t\r\n")))
def test_printable_ascii_is_unchanged(text: str) -> None:
    assert STAGE.propose(text) == []


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_lines_are_independent(lines: list[str]) -> None:
    lines = [line.replace("\n", "") for line in lines]
    assert clean("\n".join(lines)) == "\n".join(map(clean, lines))


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_result_is_in_normal_form(text: str) -> None:
    cleaned = clean(text)
    assert unicodedata.is_normalized("NFC", cleaned)


# --- Agreement with ftfy ----------------------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_mojibake_is_what_ftfy_makes_of_it(text: str) -> None:
    for line in text.split("\n"):
        edits = unicode._mojibake_edits(line)
        assert apply(line, edits) == ftfy.fix_encoding(line)


_WORDS = st.lists(
    st.sampled_from(("The", "client’s", "“naïve”", "café", "–", "Łódź", "Привет", "日本語", "Việt", "…", "™", "½", "🚀")),
    min_size=1,
    max_size=6,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_WORDS, st.sampled_from(("utf-8", "cp1252", "latin-1", "cp1251", "mac-roman"))), max_size=3))
def test_damaged_text_comes_out_as_from_ftfy(parts: list[tuple[str, str]]) -> None:
    text = " ".join(words.encode("utf-8").decode(encoding, "ignore") for words, encoding in parts)
    expected = ftfy.fix_text(text, unescape_html=False, fix_line_breaks=False)
    assert clean(text) == clean(expected)  # no-break spaces and leftover controls are this stage's own affair


def test_no_pair_that_ftfy_calls_bad_is_passed_over() -> None:
    letters = [c for c in map(chr, range(0x80, 0x2600)) if any(c in v for v in MOJIBAKE_CATEGORIES.values())]
    letters += ["Â", "Ã", "â", "à", "в", "Ђ", "a", " ", "ü", "ö", "Ø", "Ù"]
    missed = [
        text
        for x, y in product(letters, repeat=2)
        for text in (f"a{x}{y}a", f" {x}{y} ", f"{x} {y}")
        if is_bad(text) and not unicode._MAYBE_BAD.search(text)
    ]
    assert missed == []


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from(_SPECIAL), max_size=12))
def test_no_text_that_ftfy_calls_bad_is_passed_over(text: str) -> None:
    if is_bad(text):
        assert unicode._MAYBE_BAD.search(text)


# --- Tables -----------------------------------------------------------------------------------------------------------


def test_characters_called_inert_are_inert_in_nfc() -> None:
    for c in map(chr, range(0x20000)):
        if not unicode._CLUSTER.fullmatch(c):
            assert unicodedata.combining(c) == 0
            assert unicodedata.normalize("NFC", c) == c


@pytest.mark.parametrize("marks", ["\u0301", "\u0323\u0301", "\u3099", "\u0345\u0300"])
def test_characters_called_inert_do_not_join_what_stands_before(marks: str) -> None:
    for base in ("a", "A", "\u1100", "\uac00", "\u304b", "\u03b1"):
        for c in map(chr, range(0x300, 0x10000)):
            if not unicode._CLUSTER.fullmatch(c):
                joined = unicodedata.normalize("NFC", base + c)
                assert joined == unicodedata.normalize("NFC", base) + c
        assert unicodedata.normalize("NFC", base + marks + "x") == unicodedata.normalize("NFC", base + marks) + "x"


def test_every_rule_can_begin_at_a_candidate() -> None:
    for i in range(0x110000):
        m = unicode._CHARACTERS.match(chr(i))
        if m:
            assert unicode._CANDIDATE.match(chr(i)), f"U+{i:04X} {m.lastgroup}"


def test_simple_characters_have_no_rule_but_quote_and_space() -> None:
    for i in range(0x110000):
        if unicode._SIMPLE.match(chr(i)):
            m = unicode._CHARACTERS.match(chr(i))
            assert m is None or m.lastgroup in ("quote", "space")
            assert not unicode._MAYBE_BAD.search(f"a{chr(i)}{chr(i)}”")


@pytest.mark.parametrize("form", ["width", "ligature"])
def test_forms_agree_with_ftfy(form: str) -> None:
    table = {"width": ftfy.chardata.WIDTH_MAP, "ligature": ftfy.chardata.LIGATURES}[form]
    for i, plain in table.items():
        if i != 0x3000:
            assert clean(chr(i)) == clean(plain)


# --- Cost -------------------------------------------------------------------------------------------------------------

_HOSTILE = {
    "combining marks, unsorted": ("a" + "\u0301\u0323" * 50_000),
    "combining marks in short runs": ("a" + "\u0301\u0323" * 14) * 4_000,
    "one token": "a" * 1_000_000 + "é",
    "mojibake without a space": "Ã©" * 200_000,
    "mojibake upon mojibake": "ÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢" * 10_000,
    "two encodings in turn": "éÃ©" * 50_000,
    "NUL": "a\x00" * 100_000,
    "open escape sequences": "\x1b[" * 50_000 + "\x1b]" * 50_000 + "\x1b[" + "1;" * 50_000,
    "open flag": "🏴" + "\U000e0061" * 100_000,
    "joiners": "👩\u200d" * 100_000,
    "confusable word": "pаypаl" * 50_000,
    "surrogates": "\ud800" * 100_000,
    "overstrike": "a\b" * 100_000,
    "quotes": "’" * 200_000,
    "damaged lines": "Ã©\n" * 30_000,
    "separators": "\u2028\u00a0" * 50_000,
}


@pytest.mark.parametrize("text", [pytest.param(t, id=k) for k, t in _HOSTILE.items()])
def test_hostile_text_costs_linear_time(text: str) -> None:
    began = time.perf_counter()
    cleaned = clean(text)
    assert changes(cleaned) == []
    assert time.perf_counter() - began < 60  # takes about a second; quadratic work would take hours


def test_ftfy_is_not_imported_for_text_without_mojibake() -> None:
    program = (
        "import sys\nfrom vnlp_prep.stages.unicode import UnicodeStage\n"
        "text = 'don’t trust a “naïve” café – 10\\u00a0GB ™ ├── │ 日本語 👩‍💻 \\x1b[0m'\n"
        "assert UnicodeStage().propose(text)\nassert 'ftfy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
