"""What people and GitHub see of findings."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from vnlp_prep.check.finding import Finding
from vnlp_prep.check.report import Concise, GitHub, Long
from vnlp_prep.terminal import Paint

PLAIN, COLOUR = Paint(False), Paint(True)


def finding(before="Teh", after="The", left="", right=" log", **more):
    values = {
        "file": "a.md", "line": 3, "column": len(left) + 1, "end_line": 3, "end_column": len(left) + len(before) + 1,
        "field": None, "stage": "spelling", "rule": "known-misspelling", "before": before, "after": after,
        "confidence": 0.987, "safe": True, "file_column": 1, "file_end_column": 4, "left": left, "right": right,
    }  # fmt: skip
    return Finding(**{**values, **more})


def test_a_snippet():
    assert list(Long(PLAIN, 80).add([finding(left="Is ")])) == [
        "a.md:3:4  spelling/known-misspelling  0.99",
        "    Is Teh log",
        "       ^^^ The",
        "",
    ]


def test_a_suggestion_and_what_goes():
    lines = list(Long(PLAIN, 80).add([finding(before="\u200b", after="", safe=False)]))
    assert lines == ["a.md:3:1  spelling/known-misspelling  0.99  suggestion", "    \\u200b log", "    ^^^^^^ (nothing)", ""]


@given(st.text(max_size=200), st.text(min_size=1, max_size=90), st.text(max_size=90), st.text(max_size=200), st.integers(40, 120))
def test_a_snippet_fits_its_terminal_and_cannot_steer_it(left, before, after, right, width):
    f = finding(before, after, left.rpartition("\n")[2], right.partition("\n")[0])
    _, snippet, *rest = list(Long(PLAIN, width).add([f]))
    assert all(c.isprintable() for line in (snippet, *rest) for c in line)
    assert cell_len(snippet) <= width
    assert all(cell_len(line) <= width for line in rest)
    carets = rest[0]
    at = carets.index("^")
    marked = carets[at:].split(" ")[0]
    # The carets are below what they mark: as many columns before it as there are spaces before them.
    assert any(cell_len(snippet[:i]) == at for i in range(len(snippet) + 1))
    assert len(marked) <= width - 4


def test_wide_characters_count_twice():
    _, snippet, carets, _ = Long(PLAIN, 80).add([finding(left="日本 ")])
    assert snippet == "    日本 Teh log"
    assert carets == "         ^^^ The"


def test_colours():
    text = "\n".join(Long(COLOUR, 80).add([finding()]))
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == "\n".join(Long(PLAIN, 80).add([finding()]))
    assert "\x1b[31;1mTeh\x1b[0m" in text


def test_concise():
    lines = list(Concise(PLAIN).add([finding(), finding(field="body.a", safe=False, after="")]))
    assert lines == [
        'a.md:3:1: spelling/known-misspelling "Teh" -> "The"',
        'a.md:3:body.a:1: spelling/known-misspelling "Teh" -> nothing (suggestion)',
    ]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, '::warning file=a.md,line=3,endLine=3,col=1,endColumn=4,title=vnlp-prep spelling/known-misspelling::"Teh" -> "The"'),
        ({"file": "a,b:100%.md", "safe": False}, "::notice file=a%2Cb%3A100%25.md,line=3,"),
        ({"end_line": 4}, "::warning file=a.md,line=3,endLine=4,title="),
        ({"before": "1%\n", "file": "x\n::error::y"}, "::warning file=x%0A%3A%3Aerror%3A%3Ay,line=3,"),
    ],
)
def test_github(more, line):
    (written,) = GitHub().add([finding(**more)])
    assert written.startswith(line)
    assert "\n" not in written


def test_github_shows_percent_signs_as_they_are():
    (written,) = GitHub().add([finding(before="100%", after="a\nb")])
    assert written.endswith(r'::"100%25" -> "a\nb"')
