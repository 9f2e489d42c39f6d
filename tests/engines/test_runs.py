"""A run into a folder, its parts done one by one in any order: what comes out is what one machine writes."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest
import zstandard

from vnlp_prep.corpus.journal import CannotResumeError
from vnlp_prep.corpus.plan import plan
from vnlp_prep.corpus.readers import Limits
from vnlp_prep.corpus.run import Options, run
from vnlp_prep.edits import Cleaned, Edit
from vnlp_prep.engines.runs import FolderRun
from vnlp_prep.engines.shards import PartCleaner
from vnlp_prep.engines.storage import Folder
from vnlp_prep.errors import InputError, OutputError, WorkerError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


class Fake:
    """Cleans what a test can foresee: ``teh``; fails at ``BOOM``."""

    fingerprint = "1"

    def clean(self, text):
        if "BOOM" in text:
            raise RuntimeError("boom")
        at = text.find("teh")
        return Cleaned(text, (Edit("fake", "r", at, at + 3, "teh", "the", 1.0),) if at >= 0 else ())


def corpus(folder, seed=1):
    """Files of all kinds in ``folder``, good and bad lines in them, some without an end."""
    rng = random.Random(seed)
    kinds = [
        lambda i: b'{"id": %d, "n": 0.10, "text": "teh \\u00e9 %d"}\n' % (10**20 + i, i),
        lambda i: b'{"text": "fine %d"}\r\n' % i,
        lambda i: b"\n",
        lambda i: b"bad %d\n" % i,
        lambda i: b'{"text": "BOOM"}\n',
        lambda i: b'\xef\xbb\xbf{"text": "teh mark"}\n',
        lambda i: b'{"text": "' + b"x" * rng.randrange(300) + b' teh"}\n',
    ]
    for name in ("a.jsonl", "b.jsonl", "c.jsonl.gz", "d.jsonl.zst"):
        data = b"".join(rng.choice(kinds)(i) for i in range(80)) + (b'{"text": "teh end"}' if name < "c" else b"")
        pack = {"z": gzip.compress, "t": zstandard.compress}.get(name[-1], bytes)
        (folder / name).write_bytes(pack(data))
    return [str(folder / name) for name in ("b.jsonl", "a.jsonl", "c.jsonl.gz", "d.jsonl.zst")]


def done_by_hand(folder_run, folder, options, cleaner=None):
    work = PartCleaner(cleaner or Fake(), options, folder)
    parts = folder_run.left
    random.Random(7).shuffle(parts)
    return folder_run.finish([work(part) for part in parts])


def unpacked(path):
    pack = {".gz": gzip.decompress, ".zst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)}
    data = path.read_bytes()
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    return pack.get(path.suffix, bytes)(data)


def shards(folder):
    return sorted(path for path in folder.iterdir() if path.name.startswith("part-"))


def rejects(folder):
    return b"".join(path.read_bytes() for path in sorted((folder / "_rejects").iterdir()))


def locally(tmp_path, inputs, options):
    """What one machine writes: all in one file, its rejects, its summary."""
    output = tmp_path / "local.jsonl"
    summary = run(plan(inputs, options, output=str(output)), Fake(), options)
    return output.read_bytes(), (tmp_path / "local.jsonl.rejects.jsonl").read_bytes(), summary


@pytest.mark.parametrize("scheme", ["", "file://", "local://"])
@pytest.mark.parametrize("part_bytes", [57, 1000, 10**6])
def test_the_shards_joined_are_the_output_of_one_machine(tmp_path, scheme, part_bytes):
    options = Options(limits=Limits(max_line_bytes=250))
    inputs = corpus(tmp_path)
    output, rejected, expected = locally(tmp_path, inputs, options)
    folder = f"{scheme}{tmp_path}/out"
    folder_run = FolderRun([scheme + path for path in inputs], folder, Fake(), options, part_bytes=part_bytes)
    assert (len(folder_run.parts) > 100) == (part_bytes == 57)
    summary = done_by_hand(folder_run, folder, options)
    assert b"".join(unpacked(path) for path in shards(tmp_path / "out")) == output
    assert rejects(tmp_path / "out").replace(scheme.encode() + b"/", b"/") == rejected
    assert summary.to_dict() == expected.to_dict()
    assert {path.name for path in (tmp_path / "out").iterdir()} - {path.name for path in shards(tmp_path / "out")} == {
        "_rejects",
        "_run.json",
    }
    report = json.loads((tmp_path / "out/_run.json").read_bytes())
    assert [shard["shard"] for shard in report["shards"]] == [path.name for path in shards(tmp_path / "out")]


def test_shards_of_a_table_have_its_schema_and_its_rows(tmp_path):
    schema = pa.schema(
        [pa.field("text", pa.large_string(), metadata={"a": "b"}), pa.field("id", pa.uint64(), nullable=False)], {"k": "v"}
    )
    texts = [None if i % 7 == 3 else "BOOM" if i % 50 == 9 else f"teh {i}" for i in range(200)]
    table = pa.table([pa.array(texts, pa.large_string()), pa.array(range(200), pa.uint64())], schema=schema)
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, row_group_size=20, compression="zstd")
    options = Options()
    folder = str(tmp_path / "out")
    folder_run = FolderRun([str(path)], folder, Fake(), options, part_bytes=500)
    assert len(folder_run.parts) > 2
    summary = done_by_hand(folder_run, folder, options)
    found = [pq.read_table(shard) for shard in shards(tmp_path / "out")]
    assert all(shard.schema.equals(schema, check_metadata=True) for shard in found)
    good = [i for i, text in enumerate(texts) if text not in (None, "BOOM")]
    assert pa.concat_tables(found).to_pylist() == [{"text": f"the {i}", "id": i} for i in good]
    assert pq.ParquetFile(shards(tmp_path / "out")[0]).metadata.row_group(0).column(0).compression == "ZSTD"
    lines = [json.loads(line) for line in rejects(tmp_path / "out").splitlines()]
    assert [entry["line"] for entry in lines] == [i + 1 for i in range(200) if i not in good]
    assert (summary.records, sum(summary.rejects.values())) == (len(good), 200 - len(good))


def test_a_run_that_was_interrupted_goes_on(tmp_path):
    options = Options()
    inputs = corpus(tmp_path)
    folder = str(tmp_path / "out")
    output, rejected, expected = locally(tmp_path, inputs, options)
    first = FolderRun(inputs, folder, Fake(), options, part_bytes=1000)
    work = PartCleaner(Fake(), options, folder)
    for part in first.left[1::2]:
        work(part)

    class Dies(Fake):
        def clean(self, text):
            raise KeyboardInterrupt

    torn = first.left[2]
    with pytest.raises(KeyboardInterrupt):
        PartCleaner(Dies(), options, folder)(torn)
    assert not (tmp_path / "out" / torn.shard).exists()
    with pytest.raises(OutputError, match="--resume goes on with it"):
        FolderRun(inputs, folder, Fake(), options, part_bytes=1000)
    second = FolderRun(inputs, folder, Fake(), options, part_bytes=1000, resume=True)
    assert second.left == first.left[0::2]
    summary = done_by_hand(second, folder, options)
    assert b"".join(unpacked(path) for path in shards(tmp_path / "out")) == output
    assert rejects(tmp_path / "out") == rejected
    assert summary.to_dict() == expected.to_dict()
    assert 0 < summary.resumed < summary.records
    again = FolderRun(inputs, folder, Fake(), options, part_bytes=1000, resume=True)
    assert again.finished is not None
    assert again.finished.to_dict() == expected.to_dict()
    with pytest.raises(OutputError, match="a run that is finished"):
        FolderRun(inputs, folder, Fake(), options, part_bytes=1000)


def test_a_run_does_not_go_on_with_something_else(tmp_path):
    inputs = corpus(tmp_path)
    folder = str(tmp_path / "out")
    FolderRun(inputs, folder, Fake(), Options(), part_bytes=1000)

    class Other(Fake):
        fingerprint = "2"

    for more, what in (
        ({"cleaner": Other()}, "cleaning was 1 and is 2"),
        ({"options": Options(fields=("body",))}, "fields was text and is body"),
        ({"part_bytes": 999}, "part-bytes was 1000 and is 999"),
        ({"inputs": inputs[:-1]}, "input 4 was"),
    ):
        given = {"inputs": inputs, "cleaner": Fake(), "options": Options(), "part_bytes": 1000, **more}
        with pytest.raises(CannotResumeError, match=what):
            FolderRun(given["inputs"], folder, given["cleaner"], given["options"], part_bytes=given["part_bytes"], resume=True)
    path = Path(inputs[0])
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(CannotResumeError, match="size of input 1"):
        FolderRun(inputs, folder, Fake(), Options(), part_bytes=1000, resume=True)


def test_a_run_that_was_killed_before_it_had_begun_is_none(tmp_path):
    (tmp_path / "out/_work/new").mkdir(parents=True)
    (tmp_path / "out/_work/new/1f").write_text("torn")
    inputs = corpus(tmp_path)
    folder_run = FolderRun(inputs, str(tmp_path / "out"), Fake(), Options())
    done_by_hand(folder_run, str(tmp_path / "out"), Options())
    assert not (tmp_path / "out/_work").exists()


def test_a_part_that_is_done_is_not_done_again(tmp_path):
    inputs = corpus(tmp_path)
    folder = str(tmp_path / "out")
    part = FolderRun(inputs, folder, Fake(), Options()).parts[0]
    done = PartCleaner(Fake(), Options(), folder)(part)
    Path(inputs[0]).unlink()
    assert PartCleaner(Fake(), Options(), folder)(part) == done


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    inputs = corpus(tmp_path)
    with pytest.raises(OutputError, match="is not empty"):
        FolderRun(inputs, str(tmp_path), Fake(), Options())
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        FolderRun(inputs, str(tmp_path / "file"), Fake(), Options())


def test_a_part_that_costs_too_many_processes_is_named(tmp_path):
    inputs = corpus(tmp_path)
    folder = str(tmp_path / "out")
    folder_run = FolderRun(inputs, folder, Fake(), Options(), part_bytes=1000)

    class Dies(Fake):
        def clean(self, text):
            raise SystemExit

    part = folder_run.parts[1]
    for _ in range(3):
        with pytest.raises(SystemExit):
            PartCleaner(Dies(), Options(), folder)(part)
    with pytest.raises(WorkerError, match=r"b.jsonl from byte 1,000 on: 3 processes ended"):
        PartCleaner(Fake(), Options(), folder)(part)
    FolderRun(inputs, folder, Fake(), Options(), part_bytes=1000, resume=True)
    PartCleaner(Fake(), Options(), folder)(part)


def test_a_damaged_archive_is_cleaned_as_far_as_it_goes(tmp_path):
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(b'{"text": "%d"}\n' % (i * 7**20) for i in range(9000)))[:-2000])
    folder = str(tmp_path / "out")
    summary = done_by_hand(FolderRun([str(path)], folder, Fake(), Options()), folder, Options())
    assert summary.damaged == [(str(path), "the archive ends too early")]
    assert 0 < summary.records < 9000
    again = FolderRun([str(path)], folder, Fake(), Options(), resume=True)
    assert again.finished.damaged == summary.damaged


def test_a_shard_that_cannot_be_seen_is_an_error(tmp_path):
    inputs = corpus(tmp_path)
    folder_run = FolderRun(inputs, str(tmp_path / "out"), Fake(), Options())
    elsewhere = PartCleaner(Fake(), Options(), str(tmp_path / "elsewhere"))
    with pytest.raises(OutputError, match=r"part-000000\.jsonl: was written, and is not there; on several machines"):
        folder_run.finish([elsewhere(part) for part in folder_run.left])


def test_a_file_that_is_gone_is_an_error_that_names_it(tmp_path):
    inputs = corpus(tmp_path)
    folder_run = FolderRun(inputs, str(tmp_path / "out"), Fake(), Options())
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(InputError, match=r"a.jsonl: no such file"):
        PartCleaner(Fake(), Options(), str(tmp_path / "out"))(folder_run.parts[1])
    assert "part-000001.jsonl" not in Folder(str(tmp_path / "out")).names()
