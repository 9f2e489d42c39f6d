"""Parquet in, Parquet out: the texts change, and nothing else."""

from __future__ import annotations

import base64
import datetime
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.corpus.crashing import small_chunks

N = 40
SCHEMA = pa.schema(
    [
        pa.field("id", pa.uint64(), nullable=False, metadata={"key": "yes"}),
        pa.field("text", pa.string(), metadata={"about": "the body"}),
        pa.field("big", pa.large_string()),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
        pa.field("at", pa.timestamp("ns", "UTC")),
        pa.field("price", pa.decimal128(12, 2)),
        pa.field("vector", pa.list_(pa.float32())),
        pa.field("meta", pa.struct([pa.field("title", pa.string()), pa.field("n", pa.int8())])),
        pa.field("tags", pa.map_(pa.string(), pa.int64())),
        pa.field("raw", pa.binary()),
        pa.field("day", pa.date32()),
        pa.field("half", pa.float16()),
    ],
    metadata={"huggingface": '{"info": 1}', "who": "me"},
)


def row(i):
    return {
        "id": 2**63 + i,
        "text": None if i % 10 == 9 else "BOOM" if i % 10 == 8 else f"teh {i} é" if i % 2 else "fine",
        "big": f"teh big {i}",
        "kind": ["teh a", "b", None][i % 3],
        "at": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=i),
        "price": Decimal(i).scaleb(-2),
        "vector": [0.5 * i] * (i % 3) if i % 4 else None,
        "meta": {"title": f"teh title {i}", "n": i} if i % 5 else None,
        "tags": [("teh", i)],
        "raw": b"\xff" * (i % 3),
        "day": datetime.date(2024, 1, 1),
        "half": None,
    }


ROWS = [row(i) for i in range(N)]


def kept(rows, *changed):
    """The rows that come out, with ``changed`` fields cleaned."""

    def fix(value):
        return value.replace("teh", "the") if isinstance(value, str) else value

    good = [r for r in rows if r["text"] not in (None, "BOOM")]
    return [{k: fix(v) if k in ("text", *changed) else v for k, v in r.items()} for r in good]


@pytest.fixture
def table(tmp_path):
    made = pa.Table.from_pylist(ROWS, SCHEMA)
    pq.write_table(
        made, tmp_path / "x.parquet", row_group_size=15,
        compression={name: ["zstd", "snappy", "none", "gzip", "brotli"][i % 5] for i, name in enumerate(SCHEMA.names)},
        use_dictionary=["kind", "text"],
    )  # fmt: skip
    return made


def columns_of(path):
    """What the file says of how each column is stored."""
    metadata = pq.ParquetFile(path).metadata
    group = metadata.row_group(0)
    columns = [group.column(i) for i in range(metadata.num_columns)]
    return [(c.path_in_schema, c.physical_type, c.compression, c.has_dictionary_page) for c in columns]


def groups_of(path):
    metadata = pq.ParquetFile(path).metadata
    return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


@pytest.mark.parametrize(("chunk", "workers"), [(300, "1"), (300, "2"), (1_000_000, "1")])
def test_only_the_texts_change(vnlp, tmp_path, table, chunk, workers):
    with small_chunks(chunk):
        result = vnlp("x.parquet", "-o", "out.parquet", "--workers", workers)
    assert result.status == 1
    out = pq.read_table(tmp_path / "out.parquet")
    out.validate(full=True)
    assert out.schema.equals(pq.read_schema("x.parquet"), check_metadata=True)
    assert out.to_pylist() == pa.Table.from_pylist(kept(ROWS), SCHEMA).to_pylist()
    assert groups_of(tmp_path / "out.parquet") == [13, 11, 8]
    assert columns_of(tmp_path / "out.parquet") == columns_of(tmp_path / "x.parquet")
    assert pq.read_schema("x.parquet").metadata == SCHEMA.metadata
    assert "40 records" in result.err
    assert "4 field-null" in result.err
    assert "4 internal-error" in result.err


def test_rejects_and_edits_name_the_row(vnlp, tmp_path, table):
    with small_chunks(300):
        result = vnlp(
            "x.parquet", "-o", "out.parquet", "--edits", "e.jsonl", "--workers", "1", rejects="out.parquet.rejects.jsonl"
        )
    assert [(r["line"], r["reason"], r["field"]) for r in result.rejects[:3]] == [
        (9, "internal-error", "text"),
        (10, "field-null", "text"),
        (19, "internal-error", "text"),
    ]
    shown = json.loads(base64.b64decode(result.rejects[1]["raw"]))
    assert (shown["id"], shown["text"], shown["meta"]["title"]) == (2**63 + 9, None, "teh title 9")
    entries = [json.loads(line) for line in (tmp_path / "e.jsonl").read_bytes().splitlines()]
    assert [entry["line"] for entry in entries] == [i + 1 for i in range(N) if i % 2 or i % 10 == 8] + [None]
    first = entries[0]["edits"][0]
    assert (first["field"], first["start"], first["before"], first["after"]) == ("text", 0, "teh", "the")
    assert (entries[-1]["lines"], entries[-1]["output"]) == (None, "out.parquet")


def test_several_fields_nested_ones_and_dictionaries(vnlp, tmp_path, table):
    fields = [arg for name in ("text", "big", "kind", "meta.title") for arg in ("--field", name)]
    with small_chunks(300):
        assert vnlp("x.parquet", "-o", "out.parquet", "--on-missing", "pass", "--workers", "1", *fields).status == 1  # BOOM
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.schema.equals(pq.read_schema("x.parquet"), check_metadata=True)
    wanted = json.loads(json.dumps([r for r in ROWS if r["text"] != "BOOM"], default=str).replace("teh", "the"))
    found = json.loads(json.dumps(out.to_pylist(), default=str))
    for name in ("id", "text", "big", "kind", "meta", "vector"):
        assert [r[name] for r in found] == [r[name] for r in wanted], name
    assert [r["tags"] for r in out.to_pylist()] == [r["tags"] for r in ROWS if r["text"] != "BOOM"]


def test_several_files_go_into_one(vnlp, tmp_path, table):
    pq.write_table(table.slice(0, 5), tmp_path / "y.parquet", compression="zstd")
    with small_chunks(300):
        assert vnlp("x.parquet", "y.parquet", "x.parquet", "-o", "out.parquet", "--workers", "1").status == 1
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.to_pylist() == pa.Table.from_pylist(kept(ROWS + ROWS[:5] + ROWS), SCHEMA).to_pylist()
    assert groups_of(tmp_path / "out.parquet") == [13, 11, 8, 5, 13, 11, 8]
    assert columns_of(tmp_path / "out.parquet") == columns_of(tmp_path / "x.parquet")


def test_files_that_are_not_alike_do_not_go_into_one(vnlp, tmp_path, table):
    pq.write_table(table.drop_columns(["id"]), tmp_path / "y.parquet")
    result = vnlp("x.parquet", "y.parquet", "-o", "out.parquet")
    assert result.status == 2
    assert "y.parquet: has other columns than x.parquet" in result.err
    (tmp_path / "out").mkdir()
    assert vnlp("x.parquet", "y.parquet", "-o", "out").status == 1
    assert sorted(path.name for path in (tmp_path / "out").glob("*.parquet")) == ["x.parquet", "y.parquet"]


@pytest.mark.parametrize("rows", [0, 3])
def test_a_file_without_rows_and_one_of_which_none_is_left(vnlp, tmp_path, rows):
    pq.write_table(pa.Table.from_pylist([{**ROWS[9], "text": None}] * rows, SCHEMA), tmp_path / "x.parquet")
    assert vnlp("x.parquet", "-o", "out.parquet").status == bool(rows)
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.num_rows == 0
    assert out.schema.equals(pq.read_schema("x.parquet"), check_metadata=True)


def test_a_file_without_row_groups(vnlp, tmp_path):
    pq.ParquetWriter(tmp_path / "x.parquet", SCHEMA).close()
    assert pq.ParquetFile(tmp_path / "x.parquet").metadata.num_row_groups == 0
    assert vnlp("x.parquet", "-o", "out.parquet").status == 0
    assert pq.read_table(tmp_path / "out.parquet").schema.equals(pq.read_schema("x.parquet"), check_metadata=True)


def test_a_damaged_file(vnlp, tmp_path, table):
    data = (tmp_path / "x.parquet").read_bytes()
    for bad in (b"", b"PAR1", data[:-100], b"text\n" * 100, data[:4] + data[5000:]):
        (tmp_path / "bad.parquet").write_bytes(bad)
        result = vnlp("bad.parquet", "-o", "out.parquet")
        assert result.status == 2
        assert result.err.startswith("vnlp-prep: error: bad.parquet: cannot be read as Parquet")
        assert result.err.count("\n") == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.parquet", "x.parquet"]


def test_a_page_that_is_damaged_leaves_nothing(vnlp, tmp_path):
    texts = [f"teh {i} " + "x" * 50 for i in range(4000)]
    pq.write_table(
        pa.table({"text": texts}), tmp_path / "x.parquet", row_group_size=1000, compression="zstd", use_dictionary=False
    )
    data = bytearray((tmp_path / "x.parquet").read_bytes())
    at = pq.ParquetFile(tmp_path / "x.parquet").metadata.row_group(2).column(0).data_page_offset
    data[at + 60 : at + 160] = b"\xff" * 100
    (tmp_path / "x.parquet").write_bytes(data)
    with small_chunks(10_000):
        result = vnlp("x.parquet", "-o", "out.parquet", "--workers", "1")
    assert result.status == 2
    assert "x.parquet: cannot be read as Parquet" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_it_does_not_go_where_a_table_cannot(vnlp, tmp_path, table):
    for args, words in (
        (["x.parquet"], "Parquet cannot go to standard output or a device; say -o FILE.parquet"),
        (["x.parquet", "-o", "/dev/null"], "Parquet cannot go to standard output or a device"),
        (["x.parquet", "-o", "out.jsonl"], "name it .parquet"),
        (["x.parquet", "-o", "out.parquet.gz"], "name it .parquet"),
        (["-", "--format", "parquet", "-o", "out.parquet"], "from a file, not from a stream"),
        (["x.parquet", "-o", "out.parquet", "--field", "id"], "the column 'id' holds uint64, not strings"),
        (["x.parquet", "-o", "out.parquet", "--field", "txt"], "no column 'txt'; did you mean text?"),
    ):
        result = vnlp(*args)
        assert (result.status, result.out) == (2, b"")
        assert words in result.err
        assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_old_times_and_an_old_version_of_the_format_stay(vnlp, tmp_path):
    """As Spark writes them: times in 96 bits, and no Arrow schema in the file."""
    at = pa.array([1_700_000_000_123_456_789], pa.timestamp("ns"))
    table = pa.table({"text": ["teh"], "at": at, "n": pa.array([2**31], pa.uint32())})
    pq.write_table(table, tmp_path / "x.parquet", version="1.0", use_deprecated_int96_timestamps=True, store_schema=False)
    assert vnlp("x.parquet", "-o", "out.parquet").status == 0
    before, after = (pq.ParquetFile(tmp_path / name) for name in ("x.parquet", "out.parquet"))
    assert [c.physical_type for c in after.schema] == [c.physical_type for c in before.schema]
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert after.metadata.metadata == before.metadata.metadata
    assert after.metadata.format_version == before.metadata.format_version
    assert after.read().to_pylist() == [{**before.read().to_pylist()[0], "text": "the"}]


def test_a_text_that_is_many_times_what_it_takes_in_the_file(vnlp, tmp_path, monkeypatch):
    """A value that many rows share stands once in the file: chunks go by what the rows take in memory."""
    sizes = []
    from vnlp_prep.corpus import parquet

    seen = parquet.stream_bytes
    monkeypatch.setattr(parquet, "stream_bytes", lambda batches: sizes.append(sum(b.nbytes for b in batches)) or seen(batches))
    text = "x" * 100_000 + " teh"
    pq.write_table(pa.table({"text": [text] * 600}), tmp_path / "x.parquet")
    assert Path("x.parquet").stat().st_size < 300_000
    assert vnlp("x.parquet", "-o", "out.parquet", "--workers", "1").status == 0
    assert max(sizes) < 3_000_000
    assert pq.read_table(tmp_path / "out.parquet").column("text").to_pylist() == [text.replace("teh", "the")] * 600


def test_a_link_in_the_place_of_the_new_file_is_not_followed(vnlp, tmp_path, table):
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / ".out.parquet.vnlp-prep.new").symlink_to("precious")
    assert vnlp("x.parquet", "-o", "out.parquet").status == 2
    assert (tmp_path / "precious").read_bytes() == b"precious"
