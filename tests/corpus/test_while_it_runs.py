"""What happens to a run from outside: the disk fills up, folders and inputs are changed under it, nobody reads what it writes."""

from __future__ import annotations

import gzip
import itertools
import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.corpus.crashing import small_chunks
from vnlp_prep import clean_command


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def at_text(monkeypatch, number, action):
    """Do something when text ``number`` is cleaned, in this process."""
    make = clean_command.make_preprocessor

    def made(options):
        cleaner = make(options)
        count = itertools.count(1)

        def clean(text, clean=cleaner.clean):
            if next(count) == number:
                action()
            return clean(text)

        cleaner.clean = clean
        return cleaner

    monkeypatch.setattr(clean_command, "make_preprocessor", made)


# --- A disk that is full ----------------------------------------------------------------------------------------------


@contextmanager
def no_file_above(size):
    """Have the system refuse more in a file, as it does when the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def data(tmp_path):
    """An input of lines, and one of rows, that do not pack well."""
    texts = [f"teh {os.urandom(40).hex()}" for _ in range(600)]
    (tmp_path / "x.jsonl").write_bytes(b"".join(b'{"text": "%s"}\nbad\n' % text.encode() for text in texts))
    (tmp_path / "y.jsonl").write_bytes(b"".join(b'{"text": "%s"}\n' % text.encode() for text in texts))
    pq.write_table(pa.table({"text": [*texts, None]}), tmp_path / "x.parquet", row_group_size=200, compression="zstd")


@pytest.mark.parametrize(
    ("source", "output", "chunk", "limit", "what_is_full"),
    [
        ("x.jsonl", "out.jsonl", 5_000, 30_000, "out.jsonl.rejects.jsonl"),
        ("y.jsonl", "out.jsonl", 5_000, 30_000, "out.jsonl"),
        ("y.jsonl", "out.jsonl.gz", 5_000, 15_000, "out.jsonl.gz"),
        ("y.jsonl", "out.jsonl.zst", 5_000, 15_000, "out.jsonl.zst"),
        ("y.jsonl", "out.jsonl", 200, 30_000, ".out.jsonl.vnlp-prep.journal"),
        ("x.jsonl", "e.jsonl", 5_000, 70_000, "edits.jsonl"),
        ("x.parquet", "out.parquet", 5_000, 15_000, "out.parquet"),
    ],
)
def test_a_full_disk_keeps_what_is_done(vnlp, tmp_path, data, source, output, chunk, limit, what_is_full):
    args = [source, "-o", output, "--workers", "1", *(["--edits", "edits.jsonl"] if output == "e.jsonl" else [])]
    before = names(tmp_path)
    with small_chunks(chunk):
        status = vnlp(*args).status
        written = [name for name in names(tmp_path) if name not in before]
        expected = {name: (tmp_path / name).read_bytes() for name in written}
        for name in written:
            (tmp_path / name).unlink()
        (tmp_path / output).write_bytes(b"old")
        for resume in ([], ["--resume"]):
            with no_file_above(limit):
                result = vnlp(*args, *resume)
            assert result.status == 2
            said, error = result.err.splitlines()[-2:]
            assert said.endswith("records are done; --resume goes on behind them")
            assert error.startswith(f"vnlp-prep: error: {what_is_full}: cannot be written: file too large")
            assert {name for name in names(tmp_path) if not name.startswith(".")} == {*before, output}
            assert (tmp_path / output).read_bytes() == b"old"
        result = vnlp(*args, "--resume")
    assert result.status == status
    assert "went on behind" in result.err
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path) if name not in before} == expected


def test_a_table_that_does_not_fit_any_more_keeps_what_is_done(vnlp, tmp_path, data):
    """The rows are there, but not the file that they are put into in the end; what there is of that makes room."""
    args = ["x.parquet", "-o", "out.parquet", "--workers", "1"]
    texts = [f"teh {'x' * 2000}" for _ in range(2000)]  # which the rows on their way pack, and the output does not
    pq.write_table(
        pa.table({"text": texts}), tmp_path / "x.parquet", row_group_size=500, compression="none", use_dictionary=False
    )
    with no_file_above(1_000_000):
        result = vnlp(*args)
    assert result.status == 2
    assert "out.parquet: cannot be written: " in result.err
    assert "2,000 records are done; --resume goes on" in result.err
    assert names(tmp_path) == [".out.parquet.vnlp-prep.journal", ".out.parquet.vnlp-prep.tmp", "x.jsonl", "x.parquet", "y.jsonl"]
    assert vnlp(*args, "--resume").status == 0
    assert pq.read_table(tmp_path / "out.parquet").column("text").to_pylist() == [t.replace("teh", "the") for t in texts]
    assert names(tmp_path) == ["out.parquet", "x.jsonl", "x.parquet", "y.jsonl"]


# --- Folders and inputs that are changed ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_a_folder_of_outputs_that_is_removed(vnlp, tmp_path, monkeypatch, data, name):
    (tmp_path / "out").mkdir()
    at_text(monkeypatch, 300, lambda: shutil.rmtree(tmp_path / "out"))
    with small_chunks(5_000):
        result = vnlp("x" + Path(name).suffix, "-o", f"out/{name}", "--workers", "1")
    assert result.status == 2
    assert result.err.startswith(f"vnlp-prep: error: out/{name}")
    assert "cannot be written" in result.err or "there is no folder" in result.err
    assert result.err.count("\n") == 1  # nothing is left that --resume could go on with
    assert names(tmp_path) == ["x.jsonl", "x.parquet", "y.jsonl"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_input_that_is_cut_while_it_is_read(vnlp, tmp_path, monkeypatch, workers):
    line = b'{"text": "teh %06d %s"}\n'
    whole = b"".join(line % (i, b"x" * 80) for i in range(30_000))
    (tmp_path / "x.jsonl").write_bytes(whole)
    size = len(whole) // 2 + 7
    from vnlp_prep.corpus import run

    def cut(*args, digest_of=run.digest_of):
        os.truncate(tmp_path / "x.jsonl", size)  # once a chunk was read
        return digest_of(*args)

    monkeypatch.setattr(run, "digest_of", cut)
    with small_chunks(100_000):
        result = vnlp("x.jsonl", "-o", "out.jsonl", "--workers", workers, rejects="out.jsonl.rejects.jsonl")
    assert result.status == 2
    assert f"x.jsonl: it was cut to {size:,} bytes while it was read; what was read before is kept" in result.err
    out = (tmp_path / "out.jsonl").read_bytes()
    assert whole.replace(b"teh", b"the").startswith(out)
    assert len(out) == whole[:size].rindex(b"\n") + 1
    assert [r["line"] for r in result.rejects] == [out.count(b"\n") + 1]


def test_an_archive_that_is_cut_while_it_is_read(vnlp, tmp_path, monkeypatch):
    lines = b"".join(b'{"text": "teh %s"}\n' % os.urandom(40).hex().encode() for _ in range(9_000))
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(lines))
    at_text(monkeypatch, 1, lambda: os.truncate(tmp_path / "x.jsonl.gz", 300_000))
    with small_chunks(10_000):
        result = vnlp("x.jsonl.gz", "-o", "out.jsonl", "--workers", "1")
    assert result.status == 2
    assert "x.jsonl.gz: " in result.err
    assert lines.replace(b"teh", b"the").startswith((tmp_path / "out.jsonl").read_bytes())


def test_a_table_that_is_cut_while_it_is_read(vnlp, tmp_path, monkeypatch, data):
    texts = [os.urandom(200).hex() for _ in range(9_000)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "x.parquet", row_group_size=1_000)
    at_text(monkeypatch, 1, lambda: os.truncate(tmp_path / "x.parquet", 1_000_000))
    with small_chunks(10_000):
        result = vnlp("x.parquet", "-o", "out.parquet", "--workers", "1")
    assert result.status == 2
    assert "x.parquet: cannot be read as Parquet" in result.err
    assert result.err.count("\n") == 1
    assert names(tmp_path) == ["x.jsonl", "x.parquet", "y.jsonl"]


def test_an_input_that_grows_is_read_to_its_end(vnlp, tmp_path, monkeypatch):
    line = b'{"text": "teh ' + b"x" * 2000 + b'"}\n'
    (tmp_path / "x.jsonl").write_bytes(line * 900)

    def grow():
        with (tmp_path / "x.jsonl").open("ab") as file:
            file.write(b'{"text": "more"}\n')

    at_text(monkeypatch, 1, grow)
    result = vnlp("x.jsonl", "-o", "out.jsonl", "--workers", "1")
    assert result.status == 0
    assert (tmp_path / "out.jsonl").read_bytes() == line.replace(b"teh", b"the") * 900 + b'{"text": "more"}\n'


# --- Memory -----------------------------------------------------------------------------------------------------------


def family(pid):
    """The process and its children."""
    found = [pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(path.parent.name))
    return found


def ticks(pids):
    """What the processes have computed so far."""
    return [sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])) for pid in pids]


def most_memory_unread(args):
    """Run the command, read nothing of its output, and return the most that its processes ever had in memory, in MB."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-m", "vnlp_prep", *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        assert process.stdout.read(1)
        pids, before = family(process.pid), None
        while before != (before := ticks(pids)) or len(pids) != len(pids := family(process.pid)):
            time.sleep(2)
        peaks = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line]
        assert process.poll() is None
        return sum(int(peak.split()[1]) for peak in peaks) / 1000
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_memory_does_not_grow_where_nobody_reads_the_output(tmp_path, workers):
    line = b'{"text": "%s"}\n' % (b"the cat sat on the mat " * 40)
    for name, lines in (("small.jsonl", 8_000), ("large.jsonl", 50_000)):
        (tmp_path / name).write_bytes(line * lines)
    args = ["--workers", workers, "--stages", "html"]
    small, large = (most_memory_unread([str(tmp_path / name), *args]) for name in ("small.jsonl", "large.jsonl"))
    assert large < small + 25, (small, large)
