"""Sections: headings by the rules of each markup."""

from __future__ import annotations

import time

import pytest

from vinilm.evaluation.sections import format_of, sections

CASES = {
    "md": (
        "---\ntitle: x\n---\nIntro\n# One #\na\n```sh\n# no heading\n```\nb\n\nTwo words\n---------\nc\n"
        "<h3 id='x'>Three <b>t</b></h3>\nd\n"
        "#hash\n\na paragraph that\ngoes on\n---\n~~~\n## no\n~~~\n## [Four](x.md) {#four}\n",
        [("", "Intro\n"), ("One", "a\n```sh\n# no heading\n```\nb\n\n"), ("Two words", "c\n")],
        ["Three t", "Four"],
    ),
    "rst": (
        ".. note\n\n=====\nTitle\n=====\n\ntext\n\nPart one\n--------\nmore\n\n::\n\n    code\n    ----\n\nshort\n--\n",
        [("", ".. note\n\n"), ("Title", "\ntext\n\n")],
        ["Part one"],
    ),
    "adoc": (
        "= Title\n\n== Part `one`\ntext\n----\n== no\n----\n=== [[id]]Part two\nmore\n",
        [("Title", "\n"), ("Part one", "text\n----\n== no\n----\n")],
        ["Part two"],
    ),
    "html": (
        "<html><h1>Title</h1><p>text</p><h2 class='x'>Part <i>one</i> &amp;\n two</h2><p>more</p>",
        [("", "<html>"), ("Title", "<p>text</p>")],
        ["Part one & two"],
    ),
    "txt": ("Title\n=====\ntext\n# no heading\n", [("Title", "text\n# no heading\n")], []),
}


@pytest.mark.parametrize("format", CASES)
def test_headings_of(format):
    text, first, headings = CASES[format]
    found = sections(text, format)
    assert [tuple(section) for section in found[: len(first)]] == first
    assert [section.heading for section in found[len(first) :]] == headings


def test_line_ends_do_not_matter():
    assert sections("# a\r\nb\r\n", "md") == sections("# a\nb\n", "md")


@pytest.mark.parametrize(
    ("name", "text", "format"),
    [
        ("a/b.rst", "", "rst"),
        ("b.html.md.erb", "", "md"),
        ("x.HTM", "", "html"),
        ("7", "<!DOCTYPE html>", "html"),
        ("7", "# a", "md"),
    ],
)
def test_format_by_name_and_text(name, text, format):
    assert format_of(name, text) == format


@pytest.mark.parametrize("piece", ["<h1>", "```\n", "a\n", "# ", "===\n", "----\n", "[", "<!--", "{{", " ", "#", "="])
def test_time_is_linear(piece):
    began = time.process_time()
    for format in CASES:
        for start in ("", "# a", "= a"):
            sections(f"{start}{piece * 50_000}x", format)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("line", "heading"),
    [("# a #", "a"), ("# a ##  ", "a"), ("# a#", "a#"), ("# C# #", "C#"), ("## ##", ""), ("# a \\#", "a #"), ("# # a", "# a")],
)
def test_marks_that_close_a_heading_of_markdown(line, heading):
    assert sections(f"{line}\nbody\n", "md")[-1].heading == heading
