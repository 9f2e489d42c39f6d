"""Cutting inputs into parts: every line is in one of them, once, with its bytes and its place."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep.corpus.chunks import read_chunks
from vnlp_prep.corpus.readers import Limits
from vnlp_prep.corpus.run import Options
from vnlp_prep.engines import parts
from vnlp_prep.engines.parts import PartReader, cut
from vnlp_prep.engines.storage import find_files
from vnlp_prep.errors import InputError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def lines_of(found, options):
    """Offset and bytes of all lines of the parts in order, and the lines of each part."""
    lines, counts = [], []
    for part in found:
        reader = PartReader(part, options)
        mine = [line for chunk in reader.chunks() for line in chunk.lines()]
        assert [line.number for line in mine] == list(range(part.first_line, part.first_line + len(mine)))
        assert reader.lines == len(mine)
        lines += [(line.offset, line.raw) for line in mine]
        counts.append(len(mine))
    return lines, counts


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.binary(max_size=12), max_size=12),
    st.booleans(),
    st.integers(1, 40),
    st.integers(1, 9),
    st.sampled_from([3, 10**6]),
)
def test_every_line_is_in_one_part(tmp_path_factory, pieces, has_end, part_bytes, read_bytes, max_line_bytes):
    # Neither an archive nor UTF-16.
    data = b"{" + b"\n".join(pieces).replace(b"\0", b"0") + (b"\n" if has_end else b"")
    path = tmp_path_factory.mktemp("in") / "x.jsonl"
    path.write_bytes(data)
    options = Options(limits=Limits(max_line_bytes=max_line_bytes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "READ_BYTES", read_bytes)
        found = cut(find_files([str(path)], None), options, None, part_bytes)
        lines, _ = lines_of(found, options)
    assert len(found) == max(1, -(-len(data) // part_bytes))
    whole = [line for chunk in read_chunks([data], max_line_bytes=max_line_bytes) for line in chunk.lines()]
    assert lines == [(line.offset, line.raw) for line in whole]


def test_a_line_that_is_longer_than_a_part_is_in_the_one_in_which_it_begins(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"a\n" + b"b" * 50 + b"\nc\n")
    found = cut(find_files([str(path)], None), Options(), None, 10)
    lines, counts = lines_of(found, Options())
    assert lines == [(0, b"a\n"), (2, b"b" * 50 + b"\n"), (53, b"c\n")]
    assert counts == [2, 0, 0, 0, 0, 1]


def test_what_cannot_be_cut_is_one_part(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a"}\n' * 100))
    (tmp_path / "b.txt").write_bytes("text\n".encode("utf-16") * 100)
    (tmp_path / "c.log").write_bytes(gzip.compress(b"x\n" * 1000, 0))  # an archive that does not say so
    names = [str(tmp_path / name) for name in ("a.jsonl.gz", "b.txt", "c.log")]
    utf16 = Options(encoding="utf-16")
    assert [part.end for part in cut(find_files(names[:1], None), Options(), None, 10)] == [None]
    assert [part.end for part in cut(find_files(names[1:2], None), utf16, None, 10)] == [None]
    assert [part.end for part in cut(find_files(names[2:], None), Options(), "text", 10)] == [None]
    whole = Options(whole_file=True)
    (tmp_path / "d.txt").write_bytes(b"one\ntwo\n")
    found = cut(find_files([str(tmp_path / "d.txt")], None), whole, None, 2)
    assert lines_of(found, whole) == ([(0, b"one\ntwo\n")], [1])


def test_a_table_is_cut_between_row_groups(tmp_path):
    path = tmp_path / "x.parquet"
    texts = pa.table({"text": [f"{i:03d}" * 50 for i in range(100)]})
    pq.write_table(texts, path, row_group_size=10, use_dictionary=False, compression="none")
    size = pq.ParquetFile(path).metadata.row_group(0).total_byte_size
    found = cut(find_files([str(path)], None), Options(), None, 3 * size + size // 2)
    assert [(part.start, part.end, part.first_row) for part in found][:2] == [(0, 3, 1), (3, 6, 31)]
    assert found[-1].end == 10
    assert [part.shard for part in found][:2] == ["part-000000.parquet", "part-000001.parquet"]


def test_shards_are_in_the_order_of_the_inputs(tmp_path):
    for name, size in (("b.jsonl", 25), ("a.jsonl", 5), ("c.jsonl", 0)):
        (tmp_path / name).write_bytes(b"{}\n" * size)
    found = cut(find_files([str(tmp_path / "b.jsonl"), str(tmp_path)], None), Options(), None, 30)
    assert [(part.shard, part.file.path[-7:], part.start) for part in found] == [
        ("part-000000.jsonl", "b.jsonl", 0),
        ("part-000001.jsonl", "b.jsonl", 30),
        ("part-000002.jsonl", "b.jsonl", 60),
        ("part-000003.jsonl", "a.jsonl", 0),
        ("part-000004.jsonl", "b.jsonl", 0),
        ("part-000005.jsonl", "b.jsonl", 30),
        ("part-000006.jsonl", "b.jsonl", 60),
        ("part-000007.jsonl", "c.jsonl", 0),
    ]
    assert [part.is_followed for part in found] == [False, False, True, True, False, False, True, False]
    assert sorted(part.shard for part in found) == [part.shard for part in found]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.jsonl", None, "no such file"),
        ("x.csv", b"a,b\n", "the name does not tell the format"),
        ("x.jsonl.gz", b"{}\n", "is not an archive"),
        ("x.jsonl", "{}\n".encode("utf-16"), "is UTF-16"),
        ("x.parquet", b"PAR1" + b"x" * 50, "cannot be read as Parquet"),
        ("-", None, "an engine reads files"),
        ("nosuch://bucket/x.jsonl", None, "no file system can be had"),
        ("file:///nosuch/x.jsonl", None, "no such file"),
    ],
)
def test_an_input_that_is_not_what_it_is_taken_for(tmp_path, name, content, message):
    path = name if "://" in name or name == "-" else str(tmp_path / name)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        cut(find_files([path], None), Options(), None)
    assert str(caught.value).startswith(path if name != "-" else "stdin")


def test_folders_and_patterns_of_a_file_system(tmp_path):
    for name in ("a.jsonl", "b.txt", "sub/c.jsonl.zst", "_work/d.jsonl", ".e.jsonl", "f.rejects.jsonl", "g.doc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    for scheme in ("file", "local"):  # Arrow's own, and fsspec's
        uri = f"{scheme}://{tmp_path}"
        assert [file.path for file in find_files([uri], None)] == [f"{uri}/a.jsonl", f"{uri}/b.txt", f"{uri}/sub/c.jsonl.zst"]
        assert [file.path for file in find_files([f"{uri}/*.jsonl"], None)] == [f"{uri}/a.jsonl"]
        assert [file.path for file in find_files([f"{uri}/sub"], None)] == [f"{uri}/sub/c.jsonl.zst"]
        with pytest.raises(InputError, match="nothing to clean"):
            find_files([f"{uri}/*.csv"], None)
