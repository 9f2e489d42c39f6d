"""The HTML stage in fragment mode: cases, promises on generated text, hostile inputs."""

import html
import json
import time
from pathlib import Path

import pytest
from html_texts import HOSTILE, TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep.edits import apply
from vnlp_prep.stages.html import HtmlStage
from vnlp_prep.stages.html_references import decode_number

CASES = json.loads((Path(__file__).parents[1] / "cases" / "html.json").read_text(encoding="utf-8"))
STAGE = HtmlStage()


def clean(text: str) -> str:
    return apply(text, STAGE.propose(text))


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["label"])
def test_markup_goes(case):
    assert clean(case["original"]) == case["fixed"]
    assert clean(case["fixed"]) == case["fixed"]


@pytest.mark.parametrize("case", CASES["negative"], ids=lambda case: case["label"])
def test_what_only_looks_like_markup_stays(case):
    assert clean(case["text"]) == case["text"]


def test_negative_cases_together():
    """What must not change does not change either where other markup stands around it."""
    kept = [case["text"] for case in CASES["negative"] if not case["label"].startswith(("open", "truncated", "mention"))]
    text = "\n\n".join(kept)
    assert clean(text) == text
    assert clean("<p class='x'>Hello</p>\n\n" + text) == "Hello\n\n" + text


def test_rules_are_named():
    text = "<!-- c --><p>a &lt;x&gt; &amp;amp;</p><script>s</script><table><tr><td>a</td><td>b</td></tr></table>"
    assert {edit.rule for edit in STAGE.propose(text)} == {
        "comment", "block", "entity", "double-escape", "script", "cell", "tag",
    }  # fmt: skip


def test_one_edit_for_each_tag_and_reference():
    edits = STAGE.propose("<b>a</b> &amp; <i>c</i>")
    assert [edit.before for edit in edits] == ["<b>", "</b>", "&amp;", "<i>", "</i>"]
    assert all(edit.confidence == 1.0 and edit.stage == "html" for edit in edits)


def test_code_spans():
    text = "Run <code>ls -l</code> or <pre><code>a\nb</code></pre>"
    spans = STAGE.scan(text).code
    assert [text[start:end] for start, end in spans] == ["ls -l", "<code>a\nb</code>"]


def test_code_spans_of_escaped_html():
    text = "&lt;p&gt;Run &lt;code&gt;ls -l&lt;/code&gt;&lt;/p&gt;"
    spans = STAGE.scan(text).code
    assert [text[start:end] for start, end in spans] == ["ls -l"]
    assert apply(text, STAGE.scan(text, {spans[0][0]}).edits) == "Run `ls -l`"


def test_kept_code_marks():
    text = "Run <code>ls</code>, <code>a`b</code> or <pre>a\nb</pre>x"
    starts = {start for start, _ in STAGE.scan(text).code}
    marked = apply(text, STAGE.scan(text, starts).edits)
    assert marked == "Run `ls`, ``a`b`` or \n\n```\na\nb\n```\nx"
    assert clean(marked) == marked


def test_code_that_reaches_out_of_its_cell_was_never_closed():
    text = "<table><tr><td>a <code>b</cod></td>\n<td>much text</td></tr><tr><td>c</code> d</td></tr></table>"
    markup = STAGE.scan(text)
    assert markup.code == []
    assert "much text" in apply(text, markup.edits)


def test_kept_marks_pair_with_each_other():
    text = "it`s <code>ls</code>; `` it is"
    starts = {start for start, _ in STAGE.scan(text).code}
    assert apply(text, STAGE.scan(text, starts).edits) == "it`s ```ls```; `` it is"


def test_fences_of_indented_code_elements_stand_alike():
    text = "<p>a</p>\n  <pre>\nb\nc\n  </pre>\n<p>d</p>"
    starts = {start for start, _ in STAGE.scan(text).code}
    assert apply(text, STAGE.scan(text, starts).edits) == "a\n  ```\nb\nc\n  \n  ```\nd"


def test_number_of_any_length():
    assert decode_number("9" * 6_000) == decode_number("x" + "f" * 6_000) == "\ufffd"
    assert decode_number("0" * 6_000 + "65") == "A"


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_promises(text):
    markup = STAGE.scan(text)
    at = 0
    for edit in markup.edits:
        assert at <= edit.start < edit.end
        assert edit.before != edit.after
        at = edit.end
    result = apply(text, markup.edits)
    assert STAGE.propose(result) == []
    end = 0
    for start, stop in markup.code:
        assert end <= start < stop <= len(text)
        end = stop
    marked = apply(text, STAGE.scan(text, {start for start, _ in markup.code}).edits)
    assert STAGE.propose(marked) == []


@given(st.text(alphabet=st.characters(exclude_characters="<&")))
def test_plain_text_is_untouched(text):
    assert STAGE.propose(text) == []


@given(st.text(alphabet=st.characters(exclude_characters="`~", exclude_categories=["Cs"]), max_size=80))
def test_escaping_is_undone(text):
    """A text without markup comes back from one level of escaping."""
    if clean(text) == text and "\n    " not in text and "\n\t" not in text:
        assert clean(html.escape(text)) == text


def test_agrees_with_beautifulsoup_on_documents():
    from bs4 import BeautifulSoup

    page = (
        "<!DOCTYPE html><html><head><title>T &amp; U</title></head><body class='x'><h1>Head<b>line</b></h1>\n"
        "<p>Some <em>text</em> &mdash; with <a href='#'>links</a>.<p>More&hellip;\n<ul><li>one</li><li>two</li></ul>"
        "<table border=1><tr><th>k</th><td>v &lt; 3</td></tr></table><!-- no --><hr><div>end</div></body></html>"
    )
    got = clean(page).split()
    want = BeautifulSoup(page, "html.parser").get_text(" ").split()
    assert "".join(got) == "".join(want)
    assert "Headline" in got


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_quick(name):
    text = HOSTILE[name]
    begin = time.perf_counter()
    edits = STAGE.propose(text)
    assert time.perf_counter() - begin < 30  # about a second; a quadratic step takes minutes
    assert STAGE.propose(apply(text, edits)) == []
