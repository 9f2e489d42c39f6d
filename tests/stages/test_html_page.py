"""The HTML stage in page mode."""

import time

import pytest
from html_texts import HOSTILE, TEXTS
from hypothesis import given, settings

from vnlp_prep.edits import apply
from vnlp_prep.stages.html import HtmlStage

STAGE = HtmlStage(page=True)

PAGE = """<!DOCTYPE html>
<html><head><title>Site</title><style>p {}</style><script>var x = "<p>";</script></head>
<body><header><a href="/">Home</a></header><nav><ul><li>Menu one</li></ul></nav>
<main><h1>Restart the   host</h1><p>Log in&nbsp;as <b>root</b>
and run <code>reboot &lt;host&gt;</code>.</p><p hidden>never seen</p>
<table><tr><th>Name</th><th>Value</th></tr><tr><td>a</td><td><p>1</p></td></tr></table>
<ul><li>first<li>second</ul><pre>keep
   this</pre><div style="display:none">not this</div></main>
<footer>Copyright</footer></body></html>
"""


def clean(text: str) -> str:
    return apply(text, STAGE.propose(text))


def test_main_content():
    assert clean(PAGE) == (
        "Restart the host\n\nLog in\u00a0as root and run reboot <host>.\n\nName\tValue\na\t1\n\n- first\n- second\n\n"
        "keep\n   this"
    )


def test_second_run_changes_nothing():
    assert clean(clean(PAGE)) == clean(PAGE)


def test_edits_are_spans_of_the_page():
    edits = STAGE.propose(PAGE)
    kept = PAGE
    for edit in reversed(edits):
        kept = kept[: edit.start] + "\0" + kept[edit.end :]
    assert "Restart the" in kept
    assert "keep\n   this" in kept
    assert len(edits) > 10


def test_code_spans():
    assert [PAGE[start:end] for start, end in STAGE.scan(PAGE).code] == ["reboot &lt;host&gt;", "keep\n   this"]
    starts = {start for start, _ in STAGE.scan(PAGE).code}
    marked = apply(PAGE, STAGE.scan(PAGE, starts).edits)
    assert "run `reboot <host>`." in marked
    assert "```\nkeep\n   this\n```" in marked


def test_code_that_shows_markup_keeps_a_mark():
    page = "<html><body><main><p>You have to write <code>&lt;b&gt;x&lt;/b&gt;</code> to make this word bold.</p></main>"
    assert clean(page) == "You have to write `<b>x</b>` to make this word bold."


def test_not_a_page():
    text = "cp <source> <target> && List<String> AT&T `<b>x</b>`"
    assert clean(text) == text


def test_scrap_is_the_text_of_the_tree():
    assert clean("<p>foo<div>bar") == "foobar"
    assert clean("<!DOCTYPE html>FOO<!-- BAR --! >BAZ") == "FOO"


def test_all_is_kept_where_little_looks_like_content():
    words = "one two three four five six seven eight nine ten eleven twelve"
    assert clean(f"<html><body><nav><p>{words}</p></nav></body></html>") == words


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_promises(text):
    markup = STAGE.scan(text)
    result = apply(text, markup.edits)
    assert all(edit.before != edit.after for edit in markup.edits)
    assert STAGE.propose(result) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_quick(name):
    begin = time.perf_counter()
    STAGE.propose(HOSTILE[name])
    assert time.perf_counter() - begin < 60


def test_repeated_formatting_does_not_explode():
    text = "".join(f"<b a={i}><p>" for i in range(20_000))
    begin = time.perf_counter()
    STAGE.propose(text)
    assert time.perf_counter() - begin < 60


@pytest.mark.parametrize(
    ("scrap", "text"),
    [
        ("x<table><table>y", "xy"),
        ("<button>1</foo>", "1"),
        ("<a x=y>z", "z"),
        ("<svg><![CDATA[<svg>]]><path>", "<svg>"),  # the text of the page, and what looks like a tag is no page by itself
        ("<svg>", "<svg>"),
        ("v<time>", "v<time>"),
        ("user@<address>", "user@<address>"),
        ("Option<a>, List<object>", "Option<a>, List<object>"),
    ],
)
def test_scraps_with_unpaired_tags(scrap, text):
    assert clean(scrap) == text
    assert clean(text) == text
