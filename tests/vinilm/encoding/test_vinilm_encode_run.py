"""A run over chunks, with an engine that needs no model: what is written, what is rejected, what an interrupted run leaves."""

from __future__ import annotations

import gzip
import hashlib
import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vinilm.encoding.chunks import read_chunks
from vinilm.encoding.engine import Encoded
from vinilm.encoding.journal import Journal
from vinilm.encoding.outputs import DTYPES, Layout, output_kind
from vinilm.encoding.run import Run
from vnlp_prep.corpus.documents import sources
from vnlp_prep.corpus.journal import CannotResumeError
from vnlp_prep.corpus.run import Options
from vnlp_prep.errors import OutputError

SUFFIXES = (".parquet", ".npy", ".safetensors")
DIMENSIONS = 6


class Interrupted(BaseException):
    pass


def vector(text: str) -> np.ndarray:
    """Numbers that depend on every character of the text."""
    return np.frombuffer(hashlib.sha256(text.encode()).digest()[:DIMENSIONS], np.uint8).astype(np.float32) / 7


class Engine:
    """Counts what it is given, and is interrupted before it yields chunk ``stop_at``."""

    def __init__(self, stop_at: int | None = None, dtype: str = "float32", bad: str | None = None) -> None:
        self.stop_at = stop_at
        self.dtype = DTYPES[dtype]
        self.bad = bad
        self.computed: list[int] = []

    def __call__(self, chunks):
        for chunk in chunks:
            if chunk.number == self.stop_at:
                raise Interrupted
            digest, texts = chunk.digest(), chunk.texts
            failed = [(i, "ValueError: bad text") for i, text in enumerate(texts) if text == self.bad]
            chunk.reject(failed)
            self.computed.append(chunk.number)
            rows = np.array([vector(t) for t in chunk.texts], np.float32).reshape(-1, DIMENSIONS).astype(self.dtype)
            yield Encoded(chunk, digest, rows, sum(map(len, texts)), 0, failed)


@contextmanager
def journal_of(path: Path):
    journal = Journal(path)
    finished = False
    try:
        yield journal
        finished = True
    finally:
        journal.close(keep=bool(journal.entries) and not finished)


def encode(output: Path, *inputs, engine=None, resume=False, fields=("text",), id_field=None, records=4, changed=(), **options):
    """Run the engine over the inputs as the command does."""
    engine = engine or Engine()
    kind = output_kind(str(output))
    layout = Layout(DIMENSIONS, engine.dtype, {"model": "none"})
    corpus = sources([str(path) for path in inputs], Options(fields, **options), None, id_field or "id")
    with journal_of(output) as journal:
        run = Run(
            corpus,
            engine,
            kind(output, layout),
            journal,
            f"{output}.rejects.jsonl",
            {"model": "none", "chunk-records": records, **dict(changed)},
            records,
            id_field,
        )
        return run.run(resume=resume)


def read(output: Path) -> tuple[list, np.ndarray]:
    """The ids and vectors of an output, read by the library of its format."""
    if output.suffix == ".parquet":
        table = pytest.importorskip("pyarrow.parquet").read_table(output)
        column = table["vector"].combine_chunks()
        flat = column.values.to_numpy() if len(column) else np.empty(0, np.float32)
        return table["id"].to_pylist(), flat.reshape(-1, DIMENSIONS)
    if output.suffix == ".npy":
        vectors = np.load(output, allow_pickle=False)
    else:
        vectors = pytest.importorskip("safetensors.numpy").load_file(output)["vectors"]
    return [json.loads(line) for line in Path(f"{output}.ids.jsonl").read_bytes().splitlines()], vectors


def write_jsonl(path: Path, records) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "in.jsonl"
    lines = [json.dumps({"id": i, "text": f"text {i}"}).encode() for i in range(30)]
    lines[5] = b'{"id": 5, "text": null}'
    lines[11] = b""
    lines[17] = b'{"id": 17, "text": "\xff"}'
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


# What comes out


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_every_good_record_has_its_vector_and_id(records, out, suffix, dtype):
    summary = encode(out / f"v{suffix}", records, engine=Engine(dtype=dtype))
    ids, vectors = read(out / f"v{suffix}")
    good = [i for i in range(30) if i not in (5, 11, 17)]
    assert ids == good
    assert vectors.dtype == dtype
    np.testing.assert_array_equal(vectors, np.array([vector(f"text {i}") for i in good]).astype(dtype))
    assert (summary.records, summary.blank_lines, dict(summary.rejects)) == (27, 1, {"field-null": 1, "invalid-utf-8": 1})
    rejects = [json.loads(line) for line in (out / f"v{suffix}.rejects.jsonl").read_bytes().splitlines()]
    assert [(r["line"], r["reason"]) for r in rejects] == [(6, "field-null"), (18, "invalid-utf-8")]
    assert not [name for name in files(out) if name.startswith(".")]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"\n\n", b"bad\n"])
def test_nothing_to_encode_gives_an_output_without_rows(tmp_path, out, suffix, content):
    (tmp_path / "x.jsonl").write_bytes(content)
    encode(out / f"v{suffix}", tmp_path / "x.jsonl")
    ids, vectors = read(out / f"v{suffix}")
    assert (ids, vectors.shape) == ([], (0, DIMENSIONS))


def test_a_number_of_records_that_fills_the_last_chunk(tmp_path, out):
    source = write_jsonl(tmp_path / "x.jsonl", [{"text": str(i)} for i in range(8)])
    assert encode(out / "v.npy", source, records=4).records == 8
    assert read(out / "v.npy")[1].shape == (8, DIMENSIONS)


def test_ids_are_kept_as_they_are(tmp_path, out):
    names = [7, "seven", 2**63, -1, "\u00fc", "", None, True, 0.5, ["x"]]
    source = write_jsonl(tmp_path / "x.jsonl", [{"id": name, "text": "t"} for name in names] + [{"text": "t"}])
    for suffix in SUFFIXES:
        encode(out / f"v{suffix}", source)
    places = [f"{source}:{line}" for line in range(7, 12)]
    assert read(out / "v.npy")[0] == [*names[:6], *places]
    # A column has one type.
    assert read(out / "v.parquet")[0] == ["7", "seven", str(2**63), "-1", "\u00fc", "", *places]


def test_integers_are_a_column_of_integers(tmp_path, out):
    source = write_jsonl(tmp_path / "x.jsonl", [{"id": 2**62 + i, "text": "t"} for i in range(3)])
    encode(out / "v.parquet", source)
    assert read(out / "v.parquet")[0] == [2**62, 2**62 + 1, 2**62 + 2]


def test_a_field_of_your_own_names_the_records_or_they_are_rejected(tmp_path, out):
    names = ["a", 1, None, 0.5]
    source = write_jsonl(tmp_path / "x.jsonl", [{"meta": {"key": name}, "text": "t"} for name in names] + [{"text": "t"}])
    summary = encode(out / "v.npy", source, id_field="meta.key")
    assert read(out / "v.npy")[0] == ["a", 1]
    assert dict(summary.rejects) == {"id-missing": 2, "id-not-usable": 1}


def test_several_fields_are_one_text(tmp_path, out):
    rows = [{"title": "a", "body": "b"}, {"body": "b"}, {"title": "a", "body": ""}, {}]
    source = write_jsonl(tmp_path / "x.jsonl", rows)
    encode(out / "v.npy", source, fields=("title", "body"))
    np.testing.assert_array_equal(read(out / "v.npy")[1], [vector("a\nb"), vector("a\n")])
    summary = encode(out / "w.npy", source, fields=("title", "body"), on_missing="pass")
    np.testing.assert_array_equal(read(out / "w.npy")[1], [vector("a\nb"), vector("b"), vector("a\n")])
    assert dict(summary.rejects) == {"field-missing": 1}


def test_several_inputs_of_all_kinds_are_one_output(tmp_path, out):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    lines = [json.dumps({"id": f"{kind}{i}", "text": f"{kind} {i}"}) + "\n" for kind in "ab" for i in range(5)]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("".join(lines[:5]).encode()))
    (tmp_path / "b.jsonl.zst").write_bytes(zstandard.compress("".join(lines[5:]).encode()))
    (tmp_path / "c.txt").write_text("c 0\n\nc 1\n")
    parquet.write_table(pa.table({"id": ["d0", "d1"], "text": ["d 0", "d 1"]}), tmp_path / "d.parquet")
    names = ("a.jsonl.gz", "b.jsonl.zst", "c.txt", "d.parquet")
    encode(out / "v.npy", *(tmp_path / name for name in names))
    ids, vectors = read(out / "v.npy")
    assert ids[:10] == [f"{kind}{i}" for kind in "ab" for i in range(5)]
    assert ids[10:] == [f"{tmp_path}/c.txt:1", f"{tmp_path}/c.txt:3", "d0", "d1"]
    texts = [*(f"{kind} {i}" for kind in "ab" for i in range(5)), "c 0", "c 1", "d 0", "d 1"]
    np.testing.assert_array_equal(vectors, [vector(t) for t in texts])


def test_an_archive_that_ends_too_early_is_encoded_as_far_as_it_goes(tmp_path, out):
    lines = "".join(json.dumps({"text": hashlib.sha256(bytes([i])).hexdigest()}) + "\n" for i in range(200))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-2000])
    summary = encode(out / "v.npy", tmp_path / "a.jsonl.gz")
    assert summary.damaged == [(f"{tmp_path}/a.jsonl.gz", "the archive ends too early")]
    assert 0 < summary.records < 200
    assert len(read(out / "v.npy")[1]) == summary.records


def test_safetensors_say_what_they_were_made_with(records, out):
    encode(out / "v.safetensors", records)
    with pytest.importorskip("safetensors").safe_open(out / "v.safetensors", "numpy") as file:
        assert file.metadata() == {"model": "none"}


def test_a_parquet_file_of_many_row_groups_is_read_by_pandas(tmp_path, out, monkeypatch):
    monkeypatch.setattr("vinilm.encoding.outputs._GROUP_BYTES", 240)
    source = write_jsonl(tmp_path / "x.jsonl", [{"id": f"n{i}", "text": str(i)} for i in range(95)])
    encode(out / "v.parquet", source)
    parquet = pytest.importorskip("pyarrow.parquet")
    file = parquet.ParquetFile(out / "v.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [10] * 9 + [5]
    expected = np.array([vector(str(i)) for i in range(95)])
    frame = pytest.importorskip("pandas").read_parquet(out / "v.parquet")
    np.testing.assert_array_equal(np.stack(frame["vector"]), expected)
    assert list(frame["id"]) == [f"n{i}" for i in range(95)]


# Chunks


@given(
    sizes=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    records=st.integers(1, 5),
    bad=st.sets(st.integers(0, 20)),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_chunks_hold_every_record_once_in_order(tmp_path, sizes, records, bad):
    paths, expected = [], []
    for n, size in enumerate(sizes):
        lines = []
        for _ in range(size):
            number = len(expected)
            expected.append(number)
            lines.append("bad" if number in bad else json.dumps({"id": number, "text": f"t{number}"}))
        paths.append(tmp_path / f"{n}.jsonl")
        paths[-1].write_text("".join(line + "\n\n" for line in lines))
    chunks = list(read_chunks(sources([str(p) for p in paths], Options(), None, "id"), records, None))
    assert [c.number for c in chunks] == list(range(len(chunks)))
    assert all(len(c.documents) == records for c in chunks[:-1])
    assert [name for c in chunks for name in c.ids] == [n for n in expected if n not in bad]
    assert sum(len(list(c.rejects)) for c in chunks) == len(bad & set(expected))
    assert sum(c.blank_lines for c in chunks) == len(expected)
    assert sum(c.bytes_read for c in chunks) == sum(p.stat().st_size for p in paths)
    assert chunks[-1].packed == sum(p.stat().st_size for p in paths)


def test_a_chunk_of_large_texts_ends_early(tmp_path, monkeypatch):
    monkeypatch.setattr("vinilm.encoding.chunks.CHUNK_SIZE", 1000)
    source = write_jsonl(tmp_path / "x.jsonl", [{"text": "x" * 400} for _ in range(7)])
    (tmp_path / "bad.jsonl").write_bytes(b"x" * 600 + b"\n" + b"y" * 600 + b"\nz\n")
    corpus = sources([str(source), str(tmp_path / "bad.jsonl")], Options(), None, "id")
    assert [len(c.documents) for c in read_chunks(corpus, 100, None)] == [3, 3, 2, 2]


# An interrupted run


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("stop_at", [0, 1, 4, 7])
def test_a_run_that_goes_on_ends_with_the_same_bytes(records, tmp_path, out, suffix, stop_at):
    other = tmp_path / "other"
    other.mkdir()
    encode(other / f"v{suffix}", records)
    with pytest.raises(Interrupted):
        encode(out / f"v{suffix}", records, engine=Engine(stop_at))
    assert not (out / f"v{suffix}").exists()
    assert bool(files(out)) == (stop_at > 0)  # nothing is left of a run that had done nothing
    engine = Engine()
    summary = encode(out / f"v{suffix}", records, engine=engine, resume=True)
    assert engine.computed == list(range(stop_at, 8))
    assert files(out) == files(other)
    assert (summary.records, sum(summary.rejects.values())) == (27, 2)
    assert summary.resumed == sum(min(4, 30) for _ in range(stop_at)) - sum(stop_at > n for n in (1, 4))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_whatever_a_crash_did_to_the_partial_files_the_bytes_are_the_same(records, tmp_path, out, suffix):
    other = tmp_path / "other"
    other.mkdir()
    encode(other / f"v{suffix}", records)
    with pytest.raises(Interrupted):
        encode(out / f"v{suffix}", records, engine=Engine(6))
    left = files(out)
    vectors, journal = f".v{suffix}.vinilm.vectors", f".v{suffix}.vinilm.journal"
    for name in (vectors, journal):
        whole = left[name]
        for damaged in (
            *(whole[:size] for size in range(0, len(whole), 37)),
            whole + b"tail",
            whole[: len(whole) // 2] + b"\0" * 40 + whole[len(whole) // 2 + 40 :],
            bytes(len(whole)),
            b"[" * 100_000 + b"\n",
            b"[1]\n{}\n",
            whole.replace(b'"rows": 4', b'"rows": -4'),
            whole.replace(b'"failed": []', b'"failed": [[0]]'),
        ):
            for p in out.iterdir():
                p.unlink()
            for n, content in left.items():
                (out / n).write_bytes(damaged if n == name else content)
            try:
                encode(out / f"v{suffix}", records, resume=True)
            except CannotResumeError:
                assert name == journal  # a first line that is another run's settings
                continue
            assert files(out) == files(other)


def test_without_resume_a_run_begins_from_the_beginning(records, out):
    with pytest.raises(Interrupted):
        encode(out / "v.npy", records, engine=Engine(3))
    engine = Engine()
    assert encode(out / "v.npy", records, engine=engine, changed={"model": "other"}).resumed == 0
    assert engine.computed == list(range(8))


def test_a_setting_that_changed_is_named_and_what_is_done_stays(records, out):
    with pytest.raises(Interrupted):
        encode(out / "v.npy", records, engine=Engine(3))
    left = files(out)
    with pytest.raises(CannotResumeError, match=r"v\.npy: cannot go on .* model was none and is other;.*--resume"):
        encode(out / "v.npy", records, resume=True, changed={"model": "other"})
    with pytest.raises(CannotResumeError, match="prompt was not set and is x"):
        encode(out / "v.npy", records, resume=True, changed={"prompt": "x"})
    assert files(out) == left
    assert encode(out / "v.npy", records, resume=True).resumed == 11


@pytest.mark.parametrize("change", ["text 3", '"id": 3'])
def test_a_record_that_changed_is_found(records, out, change):
    with pytest.raises(Interrupted):
        encode(out / "v.npy", records, engine=Engine(3))
    before = records.read_bytes()
    records.write_bytes(before.replace(change.encode(), change.replace("3", "4").encode()))
    with pytest.raises(CannotResumeError, match=r"in\.jsonl: changed since the interrupted run"):
        encode(out / "v.npy", records, resume=True)
    records.write_bytes(before[: len(before) // 9])
    with pytest.raises(CannotResumeError, match="changed since"):
        encode(out / "v.npy", records, resume=True)
    records.write_bytes(before)
    assert encode(out / "v.npy", records, resume=True).resumed == 11


def test_records_that_failed_are_remembered(records, tmp_path, out):
    other = tmp_path / "other"
    other.mkdir()
    summary = encode(other / "v.npy", records, engine=Engine(bad="text 2"))
    assert summary.rejects["internal-error"] == 1
    assert 2 not in read(other / "v.npy")[0]
    with pytest.raises(Interrupted):
        encode(out / "v.npy", records, engine=Engine(3, bad="text 2"))
    encode(out / "v.npy", records, resume=True)  # it is not computed again
    assert files(out) == files(other)


def test_a_second_run_on_one_output_is_refused(records, out):
    with journal_of(out / "v.npy"), pytest.raises(OutputError, match="another run is writing it"):
        encode(out / "v.npy", records)
    encode(out / "v.npy", records)


def test_an_old_output_stays_until_the_new_one_is_whole(records, out):
    for suffix in SUFFIXES:
        (out / f"v{suffix}").write_bytes(b"old")
        with pytest.raises(Interrupted):
            encode(out / f"v{suffix}", records, engine=Engine(3))
        assert (out / f"v{suffix}").read_bytes() == b"old"
        encode(out / f"v{suffix}", records, resume=True)
        assert (out / f"v{suffix}").read_bytes() != b"old"


def test_a_link_in_the_place_of_a_hidden_file_is_not_followed(records, tmp_path, out):
    (tmp_path / "precious").write_bytes(b"mine")
    for name in ("vectors", "journal", "ids"):
        link = out / f".v.npy.vinilm.{name}"
        link.symlink_to(tmp_path / "precious")
        with pytest.raises(OutputError):
            encode(out / "v.npy", records)
        link.unlink(missing_ok=True)
    assert (tmp_path / "precious").read_bytes() == b"mine"


def test_names_that_cannot_be_written_are_refused(tmp_path):
    for name in ("v.jsonl", "v", "v.npz", ".npy"):
        with pytest.raises(OutputError, match="does not tell"):
            output_kind(name)
    assert output_kind("V.NPY") is output_kind("v.npy")
