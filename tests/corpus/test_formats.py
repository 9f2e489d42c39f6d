"""Fields by name, plain text, and that nothing else changes: on given lines and on generated ones."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vnlp_prep.corpus.chunks import read_chunks
from vnlp_prep.corpus.encodings import wide_encoding
from vnlp_prep.corpus.formats import JsonLines, TextLines
from vnlp_prep.corpus.json_fields import find_strings, parse_object, replace_strings
from vnlp_prep.corpus.records import Line, Problem


def line(raw: bytes) -> Line:
    return Line(1, 0, raw, len(raw))


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        (["text"], [("text",)]),
        (["meta.title"], [("meta", "title")]),
        (["a.b"], [("a.b",)]),  # a key with a dot goes first
        (["text", "meta.title", "text"], [("text",), ("meta", "title")]),
        (["meta.deep.er"], [("meta", "deep", "er")]),
    ],
)
def test_fields_are_found_by_key_or_path(fields, paths):
    raw = b'{"meta": {"title": "t", "deep": {"er": "x"}}, "a.b": "dot", "a": {"b": "nested"}, "text": "u"}'
    assert JsonLines(fields).read(line(raw)).paths == paths


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("none", "field-missing"),
        ("meta.none", "field-missing"),
        ("text.more", "field-missing"),
        ("meta", "field-not-text"),
        ("list.0", "field-missing"),
        ("null", "field-null"),
        ("null.x", "field-missing"),
    ],
)
def test_a_field_that_is_not_there_has_its_own_reason(field, code):
    raw = b'{"meta": {"title": "t"}, "text": "u", "list": ["a"], "null": null}'
    with pytest.raises(Problem) as caught:
        JsonLines([field]).read(line(raw))
    assert caught.value.code == code
    assert caught.value.field == field
    assert field.split(".")[0] in caught.value.sentence
    record = JsonLines([field, "text"], on_missing="pass").read(line(raw))
    assert record.texts == ["u"]


def test_a_text_file_has_a_text_in_each_line(vnlp, tmp_path):
    (tmp_path / "x.txt").write_bytes('teh a\r\n\n  teh\u2028b\x0c\x1c\n{"text"\ncaf\xe9\nteh'.encode() + b"\nbad \xff teh\nteh")
    result = vnlp("x.txt")
    assert result.out.decode() == 'the a\r\n\n  the\u2028b\x0c\x1c\n{"text"\ncaf\xe9\nthe\nthe'
    assert [(r["line"], r["reason"]) for r in result.rejects] == [(7, "invalid-utf-8")]


def test_a_line_stays_one_line(vnlp, tmp_path):
    (tmp_path / "x.txt").write_bytes(b"a<br>b\nteh\n")
    assert vnlp("x.txt").out == b"a b\nthe\n"


def test_a_whole_file_is_one_text(vnlp, tmp_path):
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfteh\r\n\r\na<br>b\n")
    result = vnlp("x.txt", "--whole-file")
    assert result.out == b"the\r\n\r\na\nb\n"
    assert "1 record," in result.err
    (tmp_path / "x.txt").write_bytes(b"x" * 300_000)
    result = vnlp("x.txt", "--whole-file", "--max-line-bytes", "200000")
    assert (result.status, result.out) == (1, b"")
    assert result.rejects[0]["length"] == 300_000
    assert len(base64.b64decode(result.rejects[0]["raw"])) == 4096


def test_text_without_change_keeps_its_bytes():
    text = TextLines()
    record = text.read(line(b"caf\xc3\xa9 \r\n"))
    assert text.write(record, record.texts) == b"caf\xc3\xa9 \r\n"


# Generated

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3), max_leaves=8)


@st.composite
def objects(draw):
    """A record with a text, serialized in one of the ways that programs do."""
    record = {**draw(st.dictionaries(st.text(), values, max_size=4)), "text": draw(st.text())}
    record = dict(draw(st.permutations(list(record.items()))))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " : "), (",", "\t:")]))
    try:
        raw = json.dumps(record, ensure_ascii=draw(st.booleans()), separators=separators).encode()
        parse_object(raw)
    except (UnicodeEncodeError, Problem):  # lone surrogates, numbers that only Python can hold
        raw = b'{"text": "a"}'
        record = {"text": "a"}
    return record, raw


@given(objects(), st.text().filter(lambda t: t.isprintable()))
def test_replacing_a_text_changes_nothing_else(record_and_raw, text):
    record, raw = record_and_raw
    out = replace_strings(raw, {("text",): text})
    assert json.loads(out) == {**record, "text": text}
    start, end = find_strings(raw, [("text",)])["text",]
    assert out.startswith(raw[:start])
    assert out.endswith(raw[end:])
    assert json.loads(raw[start:end]) == record["text"]
    assert out.isascii() or not raw.isascii()
    assert parse_object(out)["text"] == text


@given(objects(), st.data())
def test_a_key_that_stands_twice_is_always_seen(record_and_raw, data):
    record, raw = record_and_raw
    key = data.draw(st.sampled_from(sorted(record)))
    written = data.draw(st.sampled_from([json.dumps(key), json.dumps(key, ensure_ascii=False)]))
    space = data.draw(st.sampled_from(["", " ", "\t", "\r"]))
    twice = raw.rstrip()[:-1] + f",{written}{space}:{json.dumps(data.draw(st.text(max_size=5)))}}}".encode()
    with pytest.raises(Problem, match="duplicate-key"):
        parse_object(twice)


blocks = st.lists(st.binary(max_size=6) | st.sampled_from([b"\n", b"\r\n", b"\n\n", b"abcdefgh"]), max_size=20)


@given(blocks, st.integers(1, 12), st.none() | st.integers(1, 20))
def test_lines_are_the_same_however_the_stream_is_cut(pieces, cap, size):
    data = b"".join(pieces)
    lines = [one for chunk in read_chunks(pieces, size, cap) for one in chunk.lines()]
    wanted = data.split(b"\n")
    wanted = [w + b"\n" for w in wanted[:-1]] + ([wanted[-1]] if wanted[-1] else [])
    assert [one.length for one in lines] == [len(w) for w in wanted]
    assert [one.offset for one in lines] == [sum(map(len, wanted[:i])) for i in range(len(wanted))]
    assert [one.number for one in lines] == list(range(1, len(wanted) + 1))
    for one, want in zip(lines, wanted, strict=True):
        assert one.is_cut == (len(want.rstrip(b"\n") if want.endswith(b"\n") else want) > cap)
        assert want.startswith(one.raw) if one.is_cut else one.raw == want


parts = st.binary(max_size=12) | st.sampled_from(
    [b'{"text": "teh"}', b'{"text": "teh", "text": 1}',
     b"\n", b"\r\n", b"\xef\xbb\xbf", b'{"text": "\xe9"}', b"[1]", b" ", b"BOOM"]
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(parts, max_size=15), st.sampled_from(["jsonl", "text"]), st.sampled_from(["utf-8", "auto"]))
def test_every_line_comes_out_once(tmp_path_factory, pieces, kind, encoding):
    """Any bytes: each line is in the output or in the rejects, in order, whatever it is."""
    from tests.corpus.fake import Fake
    from vnlp_prep.corpus.plan import plan
    from vnlp_prep.corpus.run import Options, run

    # Not what would be refused as a whole: archives and wide encodings.
    data = b"".join([b'{"text": "x"}\n', *pieces])
    assume(wide_encoding(data) is None)
    folder = tmp_path_factory.mktemp("run")
    source, target = folder / "in", folder / "out"
    source.write_bytes(data)
    options = Options(encoding=encoding)
    run(plan([str(source)], options, output=str(target), format=kind), Fake(), options)
    lines = data.split(b"\n")
    lines = [w + b"\n" for w in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    log = folder / "out.rejects.jsonl"
    rejects = [json.loads(entry) for entry in log.read_bytes().splitlines()] if log.exists() else []
    numbers = [r["line"] for r in rejects]
    assert numbers == sorted(set(numbers))
    for reject in rejects:
        assert base64.b64decode(reject["raw"]) == lines[reject["line"] - 1]
        assert reject["byte_offset"] == sum(map(len, lines[: reject["line"] - 1]))
    kept = [one for i, one in enumerate(lines, 1) if i not in numbers]
    if encoding == "utf-8":
        kept = [one.removeprefix(b"\xef\xbb\xbf") if kind == "jsonl" or i == 0 else one for i, one in enumerate(kept)]
        assert target.read_bytes() == b"".join(kept).replace(b"teh", b"the")
    else:
        assert target.read_bytes().count(b"\n") == b"".join(kept).count(b"\n")
