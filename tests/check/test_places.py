"""Where a finding is: in the text, in the file, in both formats."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep.check.passages import WholeText, passages, rewritten
from vnlp_prep.corpus.formats import JsonLines, TextLines
from vnlp_prep.corpus.records import Line

ANY = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\"/\n\t\u2028é😀'), max_size=60)


def line_of(raw: bytes) -> Line:
    return Line(1, 0, raw, len(raw))


@given(ANY, ANY, st.booleans(), st.sampled_from(["{{{}}}\n", "\ufeff{{{}}}", "  {{{}}}\r\n"]), st.data())
def test_a_span_of_a_field_is_found_in_the_line_and_replaced_there(text, other, ascii_only, form, data):
    members = (f'"{key}" : {json.dumps(value, ensure_ascii=ascii_only)}' for key, value in (("o", other), ("text", text)))
    raw = form.format(", ".join(members)).encode()
    record = JsonLines().read(line_of(raw))
    (passage,) = passages(record)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    origin = passage.origin
    body = record.body.decode()
    assert json.loads(f'"{body[origin.offset(start) : origin.offset(end)]}"') == text[start:end]
    new, moved = rewritten(record, [(origin.offset(start), origin.offset(end), origin.written('é"\n'))])
    assert json.loads(new.decode("utf-8-sig")) == {"o": other, "text": text[:start] + 'é"\n' + text[end:]}
    (m,) = moved
    assert raw[: m.start] + new[m.new_start : m.new_end] + raw[m.end :] == new
    assert raw.isascii() == new.isascii()


def test_escapes_that_nobody_needs_stay_as_they_are():
    raw = rb'{"text": "a\/b \u0041 teh \u00e9 \ud83d\ude00 c", "n": 1.0}' + b"\n"
    record = JsonLines().read(line_of(raw))
    (passage,) = passages(record)
    at = passage.text.index("teh")
    new, _ = rewritten(record, [(passage.origin.offset(at), passage.origin.offset(at + 3), "the")])
    assert new == raw.replace(b"teh", b"the")


@given(st.text(st.sampled_from("ab\n\r\u2028é"), max_size=40), st.data())
def test_lines_and_columns_of_a_text(text, data):
    at = data.draw(st.integers(0, len(text)))
    line, column = WholeText(text).place(at)
    lines = text.split("\n")
    assert sum(len(each) + 1 for each in lines[: line - 1]) + column - 1 == at
    assert 1 <= column <= len(lines[line - 1]) + 1


def test_a_byte_order_mark_does_not_count_and_stays():
    raw = "\ufeffTeh é".encode()
    record = TextLines(whole_file=True).read(line_of(raw))
    (passage,) = passages(record)
    assert passage.origin.place(0) == (1, 1)
    assert rewritten(record, [(0, 3, "The")])[0] == "\ufeffThe é".encode()
