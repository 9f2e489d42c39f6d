"""Promises 1, 2, 3, 4 and 7 of the whole chain, on generated texts in which the stages meet."""

from __future__ import annotations

import html
import importlib.util
import pickle
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vnlp_prep import Cleaned, Edit, Preprocessor

if TYPE_CHECKING:
    from types import ModuleType


def _load_checks() -> ModuleType:
    """The checks that also run over a corpus; ``bench`` is no package."""
    path = Path(__file__).resolve().parent.parent / "bench" / "promises.py"
    spec = importlib.util.spec_from_file_location("promises", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["promises"] = module
    spec.loader.exec_module(module)
    return module


checks = _load_checks()
PREP = Preprocessor()
DECODE = Preprocessor(stages=("html", "unicode"))

# --- Texts ------------------------------------------------------------------------------------------------------------

WORDS = """
    the virtual machine host is not configured and the cluster has been restarted by an administrator because storage
    latency was very high please check whether your datastore can be reached before you install this update don't
""".split()
DAMAGED = """
    teh recieve occured seperate configuraiton sucessfully databse enviroment sooooo goood yessss whyyy noooo
    specifiedin virtualmachine forthe canbe inthe thehost pleasecheck alot managment Teh OCCURED wich
""".split()
ATOMS = r"""
    https://docs.vmware.com/en/VMware-vSphere/7.0/teh-recieve.html?a=1&copy=2 www.exmaple.com/sooooo
    admin@vspher.local
    /var/log/vmkernell.log C:\Progam\Files ~/.kube/confg $VMWARE_HOEM ${tehVar} {{recieve}} %APPDATTA% --no-verfy
    vSphere esxcli vmkfstools kubectl NSX-T vmdk golang 7.0.2.00200 5000 0xDEADBEEEEF yyyyMMdd XXXX-XXXX AAA www III
    550e8400-e29b-41d4-a716-446655440000 10.0.0.0/24 00:50:56:aa:bb:cc recieve_data getTehValue() std::vector
    com.vmware.vim25.VirtulMachine #teh @recieve 2021-03-04T05:06:07Z e3b0c44298fc1c149afbf4c8996fb924 v1.2.3-rcc1
    `occured` configmap.yaml foo.tar.gz 100GB/s
""".split()
ATOMS.append("`teh recieve`")
MARKUP = (
    "<p>", "</p>", "<br>", "<br/>", "<b>", "</b>", "<code>", "</code>", "<pre>", "</pre>", "<!-- note -->",
    "<div class='x'>", "</div>", "<td>", "<script>x()</script>", "<your-name>", "<title>", "List<String>",
    "a<b", "<", ">", "&", "<int>",
    "&amp;", "&lt;", "&#39;", "&amp;lt;", "&nbsp;", "&quot;", "&copy", "&#0;", "&#xD800;", "&nosuch;", "&rsquo;",
    "&amp;amp;",
)  # fmt: skip
UNICODE = (
    "â€™", "â€œ", "Ã©", "Â\u00a0", "’", "“", "”", "\u200b", "\u00ad", "\ufeff", "\u202e", "\x1b[31m", "\x00", "\x0b",
    "\u00a0",
    "👩‍💻", "⚠️", "🇩🇪", "ﬁ", "Ｔｅｈ", "é", "e\u0301", "日本語", "Привет", "pаypal", "™", "½", "…", "\ud800",
    "\U000e0041",
)  # fmt: skip
REPEATS = (
    "!!!!!",
    "???",
    "......",
    "-----",
    "=====",
    "*****",
    "~~~",
    "___",
    "aaaa",
    "##",
    "||",
    "\n\n\n",
    "   ",
    "\t",
    "\\",
)
MARKDOWN = (
    "`",
    "```",
    "```\n",
    "\n```\n",
    "~~~\n",
    "* ",
    "- ",
    "# ",
    "> ",
    "|",
    "[teh](",
    ")",
    "**",
    "\n    ",
    "\n",
    "\r\n",
    "---\n",
)

PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(WORDS),
    st.sampled_from(DAMAGED),
    st.sampled_from(ATOMS),
    st.sampled_from(MARKUP),
    st.sampled_from(UNICODE),
    st.sampled_from(REPEATS),
    st.sampled_from(MARKDOWN),
    st.text(max_size=4),
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Words, damage, markup and code, with or without a space between; sometimes damaged as a whole."""
    pieces = draw(st.lists(st.tuples(PIECES, st.sampled_from((" ", " ", " ", "", "\n"))), max_size=24))
    text = "".join(piece + gap for piece, gap in pieces)
    whole = draw(st.sampled_from(("", "", "", "escaped", "misread", "upper", "twice")))
    if whole == "escaped":
        return html.escape(text)
    if whole == "misread":
        return text.encode("utf-8", "replace").decode("cp1252", "replace")
    if whole == "upper":
        return text.upper()
    return text + text if whole == "twice" else text


THOROUGH = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# --- 1 and 7 ----------------------------------------------------------------------------------------------------------


@THOROUGH
@given(texts())
def test_1_restore_and_spans(text: str) -> None:
    doc = PREP.clean(text)
    assert doc.raw == text
    assert checks.check_restore(doc) is None


@THOROUGH
@given(texts())
def test_1_edits_say_what_they_are(text: str) -> None:
    doc = PREP.clean(text)
    for e in doc.edits:
        assert e.confidence >= PREP.threshold
        assert e.stage in PREP.stages
        assert e.rule
        assert e.before != e.after
    for e in doc.suggestions:
        assert 0 <= e.confidence < PREP.threshold


@THOROUGH
@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda b: b.decode("utf-8", "surrogateescape")))
def test_7_any_text_comes_out_as_valid_text(text: str) -> None:
    PREP(text).encode("utf-8")


# --- 2 ----------------------------------------------------------------------------------------------------------------


@THOROUGH
@given(texts())
def test_2_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = PREP(text)
    assert PREP(once) == once


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts(), st.sets(st.sampled_from(PREP.stages), min_size=1, max_size=4))
def test_2_for_any_choice_of_stages(text: str, stages: set[str]) -> None:
    prep = Preprocessor(stages=tuple(stages))
    once = prep(text)
    assert prep(once) == once


# --- 3 ----------------------------------------------------------------------------------------------------------------


@THOROUGH
@given(texts())
def test_3_no_word_edit_in_a_protected_span(text: str) -> None:
    assert checks.check_protected(PREP, DECODE, PREP.clean(text)) is None


@THOROUGH
@given(st.lists(st.tuples(st.sampled_from(WORDS + DAMAGED), st.sampled_from(ATOMS)), min_size=1, max_size=12))
def test_3_protected_tokens_in_prose_come_out_as_they_went_in(pairs: list[tuple[str, str]]) -> None:
    out = PREP(" ".join(f"{word} {atom}" for word, atom in pairs))
    at = 0
    for _, atom in pairs:
        found = out.find(atom, at)
        assert found >= 0, atom
        at = found + len(atom)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, *DAMAGED, *ATOMS, "sooooo", "-----", "!!!!!"]), min_size=1, max_size=12))
def test_3_fenced_code_comes_out_as_it_went_in(words: list[str]) -> None:
    code = "\n```\n" + " ".join(w for w in words if "`" not in w) + "\n```\n"
    assert code in PREP(f"Run teh following command:{code}It shoud finish.")


# --- 4 ----------------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(texts(), max_size=6), st.integers(1, 5))
def test_4_order_chunks_and_what_was_cached_do_not_matter(batch: list[str], chunk_size: int) -> None:
    expected = [PREP(text) for text in batch]
    fresh = Preprocessor()
    assert [fresh(text) for text in reversed(batch)] == expected[::-1]
    assert list(PREP.pipe(batch, chunk_size=chunk_size)) == expected
    assert PREP(batch) == expected
    assert pickle.loads(pickle.dumps(PREP))(batch) == expected


def test_4_two_processes_give_what_one_gives() -> None:
    batch = [f"{a} {b} {c}" for a, b, c in zip(DAMAGED * 4, ATOMS * 4, (*MARKUP, *UNICODE[:-2]) * 4, strict=False)]
    expected = [PREP(text) for text in batch]
    for chunk_size in (1, 7, 1000):
        assert list(PREP.pipe(iter(batch), workers=2, chunk_size=chunk_size)) == expected


# --- 7 ----------------------------------------------------------------------------------------------------------------

N = 20_000
HOSTILE = {
    "one token of a million letters": "a" * 1_000_000,
    "one token of a million mixed letters": "abcdefghij" * 100_000,
    "nested elements": "<div>" * N + "x" + "</div>" * N,
    "less-than signs": "<" * N,
    "open tags": "<x " * N,
    "open attributes": "<a href='" * N,
    "open comment": "<!--" * N,
    "open declarations": "<![CDATA[" * N,
    "ampersands": "&" * N,
    "open references": "&#" * N + "&am" * N,
    "escaped many times": "&" + "amp;" * N + "lt;",
    "exclamation marks": "!" * N,
    "elongated words": "sooooo goooood " * 4_000,
    "URL of dots": "http://a" + ".a" * N,
    "mail address of dots": "a." * N + "@" + "b." * N,
    "backticks": "`" * N + " ` `` " * 4_000,
    "brackets": "[" * N + "](" * N + "{{" * N + "${" * N,
    "slashes": "/" * N + "\\" * N + "a/" * N,
    "combining marks": "a" + "\u0301" * 100_000,
    "zero-width": "a\u200b" * N,
    "mojibake": "Ã©â€™" * N,
    "open escapes": "\x1b[" * N,
    "new lines": "\n" * N + "\r\n" * N,
    "spaces": " " * N + "a" + "\t" * N,
    "digits": "1" * N + ".1" * N + ":1" * N,
    "dashes": "-" * N + " -a" * N,
    "quotes": "'" * N + "\"a'" * N,
    "unknown words": " ".join(f"zq{i:x}x".translate(str.maketrans("0123456789", "ghijklmnop")) for i in range(4_000)),
    "run-together words": "thevirtualmachinehost" * 400 + " " + "thevirtualmachinehost " * 400,
    "table rows": "| teh " * (N // 4),
}


@pytest.mark.parametrize("text", [pytest.param(t, id=k) for k, t in HOSTILE.items()])
def test_7_hostile_text_costs_bounded_time(text: str) -> None:
    began = time.perf_counter()
    doc = PREP.clean(text)
    seconds = time.perf_counter() - began
    assert checks.check_restore(doc) is None
    assert seconds < 60  # linear work takes a second or two; quadratic work on these takes minutes to hours


@pytest.mark.parametrize("text", ["", " ", "\n", "\x00", "\ud800", "a", "<", "&", "`", "\u200b"])
def test_7_smallest_texts(text: str) -> None:
    doc = PREP.clean(text)
    assert checks.check_restore(doc) is None
    assert PREP(doc.text) == doc.text


# --- The checks themselves --------------------------------------------------------------------------------------------


def test_check_restore_sees_wrong_edits() -> None:
    wrong = Cleaned("abc", (), (Edit("spelling", "typo", 0, 1, "x", "y", 0.5),))
    assert "stands there" in checks.check_restore(wrong)
    empty = Cleaned("abc", (Edit("spelling", "typo", 1, 2, "b", "y", 1.0),))
    assert checks.check_restore(empty) is None


@pytest.mark.parametrize("raw", ["see https://exmaple.com/teh now", "run `teh` now"])
def test_check_protected_sees_edits_in_protected_spans(raw: str) -> None:
    at = raw.index("teh")
    doc = Cleaned(raw, (Edit("spelling", "typo", at, at + 3, "teh", "the", 1.0),))
    assert checks.check_protected(PREP, DECODE, doc)


def test_check_protected_accepts_edits_in_prose() -> None:
    doc = Cleaned("It is teh host", (Edit("spelling", "typo", 6, 9, "teh", "the", 1.0),))
    assert checks.check_protected(PREP, DECODE, doc) is None
