"""Rows of Arrow tables: which texts are found, what is rejected, and that nothing else changes, on tables of all types."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep.corpus.formats import JsonLines
from vnlp_prep.corpus.records import Line, Problem, reject_dict
from vnlp_prep.corpus.tables import TableFormat
from vnlp_prep.errors import InputError

pa = pytest.importorskip("pyarrow")

TEXT_TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string(), ordered=True),
    pa.dictionary(pa.int16(), pa.large_string()),
    pa.dictionary(pa.uint32(), pa.string_view()),
]


def as_type(values, kind):
    """An array of strings; pyarrow cannot make every kind of dictionary from a list."""
    if not pa.types.is_dictionary(kind):
        return pa.array(values, kind)
    plain = pa.array(values, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        plain.indices.cast(kind.index_type), pa.array(plain.dictionary.to_pylist(), kind.value_type), ordered=kind.ordered
    )


def struct(children, fields, mask=None):
    return pa.StructArray.from_arrays(children, fields=fields, mask=None if mask is None else pa.array(mask, pa.bool_()))


def other_columns(n):
    """Columns of many types that have nothing to do with texts, and must come out as they are."""
    return {
        "id": pa.array([2**63 + i for i in range(n)], pa.uint64()),
        "decimal": pa.array([None if i % 3 else f"{i}.10" for i in range(n)], pa.string()).cast(pa.decimal128(20, 2)),
        "when": pa.array(range(n), pa.timestamp("ns", "UTC")),
        "ended": pa.RunEndEncodedArray.from_arrays(pa.array([n], pa.int32()), pa.array(["run"])),
        "list": pa.array([["teh"] * (i % 3) or None for i in range(n)], pa.list_(pa.string())),
        "map": pa.array([[("teh", i)] for i in range(n)], pa.map_(pa.string(), pa.int64())),
        "union": pa.UnionArray.from_sparse(
            pa.array([i % 2 for i in range(n)], pa.int8()), [pa.array(range(n)), pa.array(["teh"] * n)]
        ),
        "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes([i % 256]) * 16 for i in range(n)], pa.binary(16))),
        "bytes": pa.array([b"\xff"] * n, pa.large_binary()),
        "nothing": pa.nulls(n),
    }


def cleaned(rows):
    return [[text.replace("teh", "the") for text in row.texts] for row in rows]


def codes(rows):
    return [row.problem and row.problem.code for row in rows]


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_only_the_texts_change_whatever_the_type(kind):
    values = ["teh one", "two", None, "teh one", "é teh \U0001f600", ""]
    n = len(values)
    inner = [pa.field("b", kind, metadata={"inner": "yes"}), pa.field("n", pa.int8(), nullable=False)]
    nested = struct([as_type(values, kind), pa.array(range(n), pa.int8())], inner, [False, True, False, False, False, False])
    columns = {"text": as_type(values, kind), "a": nested, **other_columns(n)}
    fields = [pa.field(name, column.type, metadata={name: "kept"}) for name, column in columns.items()]
    schema = pa.schema(fields, metadata={"pandas": "{}", "who": "me"})
    batch = pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)
    table = TableFormat(["text", "a.b"])
    table.check(schema, "x")
    for batch in (batch, batch.slice(1)):  # noqa: B020  (a slice has an offset, also in its children)
        start = n - batch.num_rows
        rows = table.read(batch, 11)
        assert [row.line.number for row in rows] == list(range(11, 11 + batch.num_rows))
        assert codes(rows) == [None, "field-missing", "field-null", None, None, None][start:]
        assert rows[-2].paths == [("text",), ("a", "b")]
        assert rows[-2].texts == ["é teh \U0001f600"] * 2
        out = table.write(batch, rows, cleaned(rows))
        out.validate(full=True)
        assert out.schema.equals(schema, check_metadata=True)
        keep = [i for i in range(start, n) if i not in (1, 2)]
        assert out.column("text").to_pylist() == [values[i].replace("teh", "the") for i in keep]
        assert out.column("a").to_pylist() == [{"b": values[i].replace("teh", "the"), "n": i} for i in keep]
        for name, column in other_columns(n).items():
            assert out.column(name).to_pylist() == [column[i].as_py() for i in keep], name


def test_what_needs_no_change_is_handed_back_itself():
    batch = pa.record_batch({"text": ["the", "fine"], "id": [1, 2]})
    table = TableFormat(["text"])
    rows = table.read(batch, 1)
    assert table.write(batch, rows, cleaned(rows)) is batch
    changed = pa.record_batch({"text": ["teh"], "id": [1]})
    out = table.write(changed, table.read(changed, 1), [["the"]])
    assert out.column("id").buffers()[1].address == changed.column("id").buffers()[1].address


def test_a_column_whose_name_has_the_dot_goes_first():
    batch = pa.record_batch({"a.b": ["dot"], "a": [{"b": "nested"}]})
    assert TableFormat(["a.b"]).read(batch, 1)[0].texts == ["dot"]
    assert TableFormat(["a.b"]).read(batch.select(["a"]), 1)[0].texts == ["nested"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (["txt"], "x.parquet: no column 'txt'; did you mean text?"),
        (["meta.titel"], "x.parquet: no column 'meta.titel'; did you mean meta.title?"),
        (["zzz"], "x.parquet: no column 'zzz' (columns: text, id, meta, meta.title, list, twice, twice)"),
        (["text.more"], "x.parquet: no column 'text.more'"),
        (["twice"], "x.parquet: no column 'twice'"),
        (["id"], "x.parquet: the column 'id' holds int64, not strings"),
        (["meta"], "x.parquet: the column 'meta' holds struct<title: string>, not strings"),
        (["list"], "x.parquet: the column 'list' holds list<item: string>, not strings"),
    ],
)
def test_a_field_that_names_no_column_of_strings_is_refused(fields, message):
    schema = pa.schema(
        [
            ("text", pa.string()),
            ("id", pa.int64()),
            ("meta", pa.struct([("title", pa.string())])),
            ("list", pa.list_(pa.string())),
            ("twice", pa.string()),
            ("twice", pa.string()),
        ]
    )
    with pytest.raises(InputError) as caught:
        TableFormat(fields).check(schema, "x.parquet")
    assert str(caught.value).startswith(message)
    with pytest.raises(InputError, match=r"none of the columns|not strings"):
        TableFormat(fields, "pass").check(schema, "x.parquet")
    if "not strings" not in message:
        TableFormat([*fields, "text"], "pass").check(schema, "x.parquet")
    else:
        with pytest.raises(InputError, match="not strings"):
            TableFormat([*fields, "text"], "pass").check(schema, "x.parquet")


def test_a_column_of_nulls_is_one_of_missing_texts():
    batch = pa.record_batch({"text": pa.nulls(2), "more": ["a teh", None]})
    TableFormat(["text", "more"]).check(batch.schema, "x")
    assert codes(TableFormat(["text", "more"]).read(batch, 1)) == ["field-null"] * 2
    table = TableFormat(["text", "more"], "pass")
    rows = table.read(batch, 1)
    out = table.write(batch, rows, cleaned(rows))
    assert (codes(rows), out.to_pylist()) == ([None, None], [{"text": None, "more": "a the"}, {"text": None, "more": None}])


def test_a_rejected_row_shows_what_it_was():
    far = pa.array([2**62], pa.timestamp("us"))  # a year that Python does not know
    batch = pa.RecordBatch.from_arrays(
        [pa.array([None], pa.string()), pa.array([b"\x00\xff"]), far, pa.array([{"é": [1.5]}])], ["text", "raw", "far", "more"]
    )
    (row,) = TableFormat(["text"]).read(batch, 7)
    entry = reject_dict("x.parquet", row.line, row.problem)
    assert (entry["line"], entry["byte_offset"], entry["reason"], entry["field"]) == (7, 0, "field-null", "text")
    shown = json.loads(row.line.raw)
    assert shown["text"] is None
    assert shown["more"] == {"é": [1.5]}
    assert set(shown) == set(batch.schema.names)


@pytest.mark.parametrize("on_missing", ["reject", "pass"])
def test_a_text_that_is_too_long_or_not_utf8_is_rejected(on_missing):
    bad = pa.Array.from_buffers(
        pa.string(),
        3,
        [None, pa.array([0, 2, 8, 12], pa.int32()).buffers()[1], pa.py_buffer(b"\xff!" + b"teh ok" + b"\xc3\xa9" * 2)],
    )
    batch = pa.RecordBatch.from_arrays([bad, pa.array([1, 2, 3])], ["text", "id"])
    table = TableFormat(["text"], on_missing, max_text_bytes=3)
    rows = table.read(batch, 1)
    assert codes(rows) == ["invalid-utf-8", "line-too-long", "line-too-long"]  # four bytes, two characters
    assert [row.line.is_cut for row in rows] == [True] * 3
    table = TableFormat(["text"], on_missing, max_text_bytes=6)
    rows = table.read(batch, 1)
    assert codes(rows) == ["invalid-utf-8", None, None]
    assert table.write(batch, rows, [[], ["the ok"], ["éé"]]).to_pylist() == [
        {"text": "the ok", "id": 2},
        {"text": "éé", "id": 3},
    ]
    assert json.loads(TableFormat(["text"]).read(batch, 1)[0].line.raw) == {"text": "\udcff!", "id": 1}


def test_a_row_can_be_rejected_after_it_was_read():
    batch = pa.record_batch({"text": ["teh", "BOOM", "teh"], "id": [1, 2, 3]})
    table = TableFormat(["text"])
    rows = table.read(batch, 1)
    table.reject(batch, rows[1], Problem("internal-error", "boom", "text"))
    assert json.loads(rows[1].line.raw) == {"text": "BOOM", "id": 2}
    assert table.write(batch, rows, [["the"], [], ["teh"]]).to_pylist() == [{"text": "the", "id": 1}, {"text": "teh", "id": 3}]


def test_a_batch_of_bad_rows_and_an_empty_one_keep_the_schema():
    schema = pa.schema([pa.field("text", pa.string_view()), pa.field("id", pa.int8(), nullable=False)], metadata={"k": "v"})
    batch = pa.RecordBatch.from_arrays([pa.nulls(2, pa.string_view()), pa.array([1, 2], pa.int8())], schema=schema)
    table = TableFormat(["text"])
    for some in (batch, batch.slice(2)):
        rows = table.read(some, 1)
        out = table.write(some, rows, [[]] * len(rows))
        assert out.num_rows == 0
        assert out.schema.equals(schema, check_metadata=True)


values = (
    st.none()
    | st.sampled_from(["teh", "fine", "", "é teh", "a\u2028b"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
records = st.fixed_dictionaries({"text": values, "n": st.none() | st.fixed_dictionaries({"b": values, "i": st.integers(0, 9)})})


def json_record(lines, line):
    """The record in a line of JSON, or what is wrong with it."""
    try:
        return lines.read(line)
    except Problem as problem:
        return problem


@settings(max_examples=200, deadline=None)
@given(
    st.lists(records, max_size=8),
    st.sampled_from(TEXT_TYPES),
    st.sampled_from(["reject", "pass"]),
    st.sampled_from([["text"], ["n.b"], ["text", "n.b"], ["n.b", "text", "n.b"]]),
    st.integers(0, 3),
)
def test_rows_are_treated_as_the_same_records_in_json_are(rows, kind, on_missing, fields, start):
    inner = [row["n"] or {"b": None, "i": None} for row in rows]
    nested = struct(
        [as_type([v["b"] for v in inner], kind), pa.array([v["i"] for v in inner], pa.int64())],
        [pa.field("b", kind), pa.field("i", pa.int64())],
        [row["n"] is None for row in rows],
    )
    batch = pa.RecordBatch.from_arrays([as_type([row["text"] for row in rows], kind), nested], ["text", "n"]).slice(start)
    table = TableFormat(fields, on_missing)
    lines = JsonLines(fields, on_missing)
    found = table.read(batch, 1)
    out = table.write(batch, found, cleaned(found))
    out.validate(full=True)
    assert out.schema.equals(batch.schema, check_metadata=True)
    expected = []
    for row, source in zip(found, rows[start:], strict=True):
        raw = json.dumps(source).encode()
        wanted = json_record(lines, Line(row.line.number, 0, raw, len(raw)))
        if isinstance(wanted, Problem):
            assert row.problem is not None
            assert (row.problem.code, row.problem.sentence, row.problem.field) == (wanted.code, wanted.sentence, wanted.field)
            assert json.loads(row.line.raw) == source
        else:
            assert row.problem is None
            assert (row.paths, row.texts) == (wanted.paths, wanted.texts)
            expected.append(json.loads(lines.write(wanted, [t.replace("teh", "the") for t in wanted.texts])))
    assert out.to_pylist() == expected


def test_pyarrow_is_not_imported_before_it_is_needed():
    code = "import sys, vnlp_prep, vnlp_prep.corpus.tables, vnlp_prep.corpus.documents; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
