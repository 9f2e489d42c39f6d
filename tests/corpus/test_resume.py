"""Runs that are interrupted, anywhere, and gone on with: the same bytes as of a run that was not; else they are refused."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.corpus.crashing import Died, dying, small_chunks
from tests.corpus.fake import Fake
from vnlp_prep.corpus.journal import CannotResumeError, journal_path
from vnlp_prep.corpus.plan import plan
from vnlp_prep.corpus.run import Options, run
from vnlp_prep.corpus.writers import partial_path
from vnlp_prep.errors import OutputError, VnlpError

LINES = [
    b'{"id": 1, "text": "teh first"}\n',
    b'{"id": 2, "text": "fine"}\n',
    b"bad\n",
    b'{"id": 3, "text": "BOOM"}\n',
    b"\n",
    b'{"id": 4, "text": "a<br>b teh"}\r\n',
    b'{"id": 5, "text": "teh \\u00e9"}\n',
    b'{"id": 6, "text": "teh last"}',
]
BAD = b"bad\n" * 40


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the inputs, and chunks of about three lines."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl").write_bytes(b"".join(LINES))
    (tmp_path / "in/b.jsonl").write_bytes(BAD + b"".join(LINES[:3]))
    (tmp_path / "in/c.jsonl").write_bytes(b"")
    (tmp_path / "in/d.txt").write_bytes(b"teh\n\xff\nfine")
    for name, start in (("p", 1), ("q", 9)):
        texts = [f"teh {i}" if i % 4 else None if i % 8 else "BOOM" for i in range(start, start + 8)]
        pq.write_table(pa.table({"id": range(8), "text": texts}), tmp_path / f"in/{name}.parquet", row_group_size=5)
    with small_chunks():
        yield tmp_path


#: What is run: inputs and where they go.
RUNS = {
    "jsonl": (["a.jsonl"], {"output": "out.jsonl"}),
    "gz": (["a.jsonl"], {"output": "out.jsonl.gz"}),
    "zst": (["a.jsonl"], {"output": "out.jsonl.zst"}),
    "parquet": (["p.parquet"], {"output": "out.parquet"}),
    "several in one": (["a.jsonl", "b.jsonl", "c.jsonl", "a.jsonl"], {"output": "out.jsonl"}),
    "several in one, packed": (["c.jsonl", "a.jsonl", "c.jsonl"], {"output": "out.jsonl.gz"}),
    "several tables in one": (["p.parquet", "q.parquet"], {"output": "out.parquet"}),
    "a folder": (["a.jsonl", "c.jsonl", "d.txt", "p.parquet"], {"output": "out/"}),
    "a folder and shared rejects": (["a.jsonl", "c.jsonl", "d.txt"], {"output": "out/", "rejects": "r.jsonl"}),
    "no edit log": (["b.jsonl", "a.jsonl"], {"output": "out.jsonl.zst", "edits": None}),
}


def clean(name, *, resume=False, workers=1, cleaner=None, notice=lambda _: None, **options):
    """Run ``name`` of RUNS with the edit log; return what was done."""
    inputs, where = RUNS[name]
    where = {"edits": "edits.jsonl", **where}
    Path("out").mkdir(exist_ok=True)
    made = Options(workers=workers, **options)
    jobs = plan([f"in/{path}" for path in inputs], made, **where)
    return run(jobs, cleaner or Fake(), made, edits=where["edits"], resume=resume, notice=notice)


def written(hidden=True):
    """All that runs have written: name -> bytes."""
    files = [path for path in Path().rglob("*") if path.is_file() and path.parts[0] != "in"]
    return {str(path): path.read_bytes() for path in files if hidden or not path.name.startswith(".")}


def clear():
    for name in written():
        Path(name).unlink()


def numbers(summary):
    """What a summary counts."""
    return summary.to_dict() | {"reject_files": summary.reject_files, "damaged": summary.damaged}


def reference(name):
    """What an uninterrupted run writes and counts, and how many steps it takes."""
    with dying() as steps:
        summary = clean(name)
    files = written()
    assert not any(Path(path).name.startswith(".") for path in files)
    clear()
    return files, numbers(summary), steps.count


def die(name, step, *, is_torn=False, **options):
    """Run ``name`` and have it die at ``step``; return False if it was done before."""
    with dying(step, is_torn=is_torn) as steps:
        try:
            clean(name, **options)
        except (Died, VnlpError):
            assert steps.has_died
    return steps.has_died


def check_names(name, files):
    """What has its name is whole, and an output has its name only if its rejects and edits have theirs."""
    named = written(hidden=False)
    assert all(files.get(path) == data for path, data in named.items())
    if RUNS[name][1]["output"] in named:
        assert named == files


def check_every_death(name, is_torn, how_many=sys.maxsize):
    """Die at each step, or at ``how_many`` of them, twice: the run that goes on dies as well, at another one."""
    files, counts, steps = reference(name)
    assert steps > 10
    for step in range(1, steps + 1, max(1, steps // how_many)):
        assert die(name, step, is_torn=is_torn)
        check_names(name, files)
        die(name, step * 7 % steps + 1, is_torn=is_torn, resume=True)
        check_names(name, files)
        assert numbers(clean(name, resume=True)) == counts
        assert written() == files
        clear()


@pytest.mark.parametrize("is_torn", [False, True], ids=["whole", "torn"])
@pytest.mark.parametrize("name", RUNS)
def test_whenever_it_dies_a_run_ends_with_the_same_bytes(name, is_torn):
    check_every_death(name, is_torn, 8)


def test_at_every_single_step():
    check_every_death("jsonl", False)


@pytest.mark.slow
@pytest.mark.parametrize("is_torn", [False, True], ids=["whole", "torn"])
@pytest.mark.parametrize("name", RUNS)
def test_at_every_single_step_of_every_run(name, is_torn):
    check_every_death(name, is_torn)


@pytest.mark.parametrize("name", ["several in one", "parquet"])
def test_workers_make_no_difference(name):
    files, counts, steps = reference(name)
    assert die(name, steps // 2, workers=2)
    assert numbers(clean(name, resume=True, workers=2)) == counts
    assert written() == files


def test_an_old_output_stays_until_the_new_one_is_whole():
    files, _, steps = reference("jsonl")
    for step in range(1, steps, 3):
        Path("out.jsonl").write_bytes(b"old")
        die("jsonl", step)
        assert written()["out.jsonl"] in (b"old", files["out.jsonl"])
        clean("jsonl", resume=True)
        assert written() == files
        clear()


def test_without_resume_a_run_begins_from_the_beginning():
    for name in ("several in one", "a folder"):
        files, counts, steps = reference(name)
        for step in range(1, steps, steps // 8):
            die(name, step)
            notices = []
            summary = clean(name, notice=notices.append)
            assert numbers(summary) == counts
            assert summary.resumed == 0
            assert written() == files
            assert all("no --resume" in notice for notice in notices)
            clear()


@pytest.mark.parametrize("before", ["nothing", "a finished run"])
def test_with_nothing_to_go_on_with_it_begins_from_the_beginning(before):
    files, counts, _ = reference("several in one")
    if before != "nothing":
        clean("several in one")
    summary = clean("several in one", resume=True)
    assert (numbers(summary), summary.resumed) == (counts, 0)
    assert written() == files


def test_what_was_done_is_not_done_again(monkeypatch):
    """And the digest of what was read is all that is needed of it."""
    cleaned = []
    monkeypatch.setattr(Fake, "clean", lambda self, text, clean=Fake.clean: cleaned.append(text) or clean(self, text))
    _, counts, steps = reference("several in one")
    whole = len(cleaned)
    die("several in one", steps - 5)
    cleaned.clear()
    summary = clean("several in one", resume=True)
    assert len(cleaned) < whole // 4
    assert summary.resumed > 40
    assert summary.resumed_bytes > 100
    assert numbers(summary) == counts


# --- What a run that goes on finds changed ----------------------------------------------------------------------------


def interrupted(name="several in one"):
    """Interrupt a run in its second half; return what it left."""
    _, _, steps = reference(name)
    assert die(name, steps * 2 // 3)
    left = written()
    assert len(journal_path(next(iter(plan_of(name))).output).read_bytes().splitlines()) > 3
    return left


def plan_of(name):
    inputs, where = RUNS[name]
    return plan([f"in/{path}" for path in inputs], Options(), output=where["output"])


def touched(path, data=None):
    """Change a file: its contents, or its time alone."""
    there = Path(path).stat()
    Path(path).write_bytes(Path(path).read_bytes() if data is None else data)
    os.utime(path, ns=(there.st_atime_ns, there.st_mtime_ns + (1_000_000_000 if data is None else 0)))


class Other(Fake):
    fingerprint = "b" * 64
    settings = {"stages": ["html"]}  # noqa: RUF012


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda patch: touched("in/a.jsonl"), "time of change of input 1 was"),
        (lambda patch: touched("in/a.jsonl", Path("in/a.jsonl").read_bytes() + b"\n"), "size of input 1 was"),
        (lambda patch: patch.setattr("vnlp_prep.__version__", "99.1"), "and is 99.1"),
        (lambda patch: {"fields": ("title",)}, "fields was text and is title"),
        (lambda patch: {"on_missing": "pass"}, "on-missing was reject and is pass"),
        (lambda patch: {"encoding": "auto"}, "encoding was utf-8 and is auto"),
        (lambda patch: {"cleaner": Other()}, "stages was not set and is html"),
        (lambda patch: patch.setitem(RUNS, "several in one", (["a.jsonl", "b.jsonl"], RUNS["several in one"][1])),
         "inputs was 4 and is 2"),
        (lambda patch: patch.setitem(RUNS, "several in one", (RUNS["several in one"][0], {"output": "out.jsonl", "edits": None})),
         "edits was edits.jsonl and is not set"),
        (lambda patch: patch.setitem(
            RUNS, "several in one", (RUNS["several in one"][0], {"output": "out.jsonl", "rejects": "r.jsonl"})),
         "rejects of input 1 was out.jsonl.rejects.jsonl and is r.jsonl"),
        (lambda patch: Path(".out.jsonl.vnlp-prep.tmp").unlink(), "what it wrote there is not all there any more"),
        (lambda patch: touched(".out.jsonl.vnlp-prep.tmp", b"x" * 300), "what it wrote there is not all there any more"),
        (lambda patch: Path(".edits.jsonl.vnlp-prep.tmp").unlink(), "edits.jsonl: cannot go on"),
    ],
)  # fmt: skip
def test_what_has_changed_is_named(monkeypatch, change, reason):
    interrupted()
    options = change(monkeypatch) or {}
    left = written()
    for _ in range(2):  # the refusal does no harm
        with pytest.raises(CannotResumeError) as caught:
            clean("several in one", resume=True, **options)
        message = str(caught.value)
        assert reason in message
        assert "--resume off" in message
        assert "\n" not in message
        assert written() == left


@pytest.mark.parametrize("change", [lambda data: data.replace(b"first", b"frist"), lambda data: data[:50] + data[51:] + b"\n"])
def test_an_input_of_the_same_size_and_time_is_told_by_what_was_read_of_it(change):
    files, counts, steps = reference("jsonl")
    die("jsonl", steps // 2)
    data = Path("in/a.jsonl").read_bytes()
    touched("in/a.jsonl", change(data))
    for _ in range(2):
        with pytest.raises(CannotResumeError, match=r"in/a\.jsonl: is not what the interrupted run read"):
            clean("jsonl", resume=True)
    touched("in/a.jsonl", data)
    assert numbers(clean("jsonl", resume=True)) == counts
    assert written() == files


def test_what_has_changed_in_a_run_that_had_no_input_done_is_done_again():
    """Chunks are lost with their file, but nothing has its name yet: it is begun anew, with the same result."""
    files, counts, steps = reference("jsonl")
    die("jsonl", steps // 2)
    assert journal_path("out.jsonl").read_bytes().count(b"\n") > 1
    partial_path("out.jsonl").unlink()
    summary = clean("jsonl", resume=True)
    assert (numbers(summary), summary.resumed) == (counts, 0)
    assert written() == files


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_a_finished_output_that_is_not_what_it_was_is_named(harm):
    _, _, steps = reference("a folder")
    for step in range(1, steps):
        die("a folder", step)
        if Path("out/a.jsonl").exists():
            break
        clear()
    if harm == "gone":
        Path("out/a.jsonl").unlink()
    else:
        Path("out/a.jsonl").write_bytes(b"something else")
    with pytest.raises(CannotResumeError, match=r"out/a\.jsonl: cannot go on"):
        clean("a folder", resume=True)


def test_many_changes_are_not_all_listed():
    interrupted("a folder")
    for path in ("a.jsonl", "c.jsonl", "d.txt", "p.parquet"):
        touched(f"in/{path}")
    with pytest.raises(CannotResumeError) as caught:
        clean("a folder", resume=True, cleaner=Other(), on_missing="pass")
    assert str(caught.value).count(" was ") == 4
    assert "and 2 more" in str(caught.value)
    assert "cleaning was" not in str(caught.value)


def test_the_journal_of_someone_else_is_begun_anew():
    files, counts, _ = reference("jsonl")
    for junk in (b"", b"\n", b"[]\n[]\n", b"{}\n{}\n", b"\xff\n", b'{"a": 1}\n{"job": 0}\n', b"[" * 100_000 + b"\n"):
        journal_path("out.jsonl").write_bytes(junk)
        assert numbers(clean("jsonl", resume=True)) == counts
        assert written() == files
        clear()


def test_bytes_that_a_crash_lost_are_done_again():
    """After a power cut a file may have its length but zeros in it, or end earlier than the journal says."""
    files, counts, steps = reference("jsonl")
    for harm in ("zeros", "short", "journal"):
        die("jsonl", steps // 2)
        partial = partial_path("out.jsonl" if harm != "journal" else "edits.jsonl")
        data = partial.read_bytes()
        assert len(data) > 20
        if harm == "zeros":
            partial.write_bytes(data[:10] + bytes(len(data) - 10))
        elif harm == "short":
            partial.write_bytes(data[:-5])
        else:
            journal = journal_path("out.jsonl")
            journal.write_bytes(journal.read_bytes().rstrip()[:-20])
        assert numbers(clean("jsonl", resume=True)) == counts
        assert written() == files
        clear()


# --- Two runs at a time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_run_on_the_same_output_is_refused(resume):
    class Second(Fake):
        def clean(self, text):
            with pytest.raises(OutputError, match=r"out\.jsonl: another run is writing it"):
                clean("several in one", resume=resume)
            return super().clean(text)

    files, counts, _ = reference("several in one")
    assert numbers(clean("several in one", cleaner=Second())) == counts
    assert written() == files


def test_a_second_run_with_the_same_log_is_refused_and_takes_nothing_away(monkeypatch):
    class Second(Fake):
        def clean(self, text):
            with pytest.raises(OutputError, match=r"edits\.jsonl: another run is writing it"):
                clean("zst")
            return super().clean(text)

    files, _, _ = reference("gz")
    clean("gz", cleaner=Second())
    assert written() == files


def test_rejects_on_a_device_do_not_hinder(monkeypatch):
    monkeypatch.setitem(RUNS, "device", (["a.jsonl"], {"output": "out.jsonl", "rejects": "/dev/null"}))
    files, counts, steps = reference("device")
    assert die("device", steps // 2)
    assert numbers(clean("device", resume=True)) == counts
    assert written() == files


# --- The command line: real processes, killed -------------------------------------------------------------------------

COMMAND = [sys.executable, "-m", "vnlp_prep"]
SUFFIXES = [".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet"]


@pytest.fixture
def corpus(folder, monkeypatch):
    """Some chunks of texts that keep the real cleaning busy, as lines and as a table."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    chance = random.Random(3)
    words = ["The", "vSphere", "client", "log", "is", "slow", "virtual", "machine", "datastore", "x1", "and", "that"]
    dirty = ["client&#39;s", "sooooo", "slow!!!!!", "<br>"]
    texts = [" ".join([*chance.choices(words, k=100), *chance.choices(dirty, k=2)]) + f" {i}" for i in range(9_000)]
    with Path("big.jsonl").open("w") as file:
        for i, text in enumerate(texts):
            file.write("bad\n" if i % 500 == 7 else json.dumps({"id": i, "text": text}) + "\n")
    table = pa.table({"id": range(len(texts)), "text": [None if i % 500 == 7 else text for i, text in enumerate(texts)]})
    pq.write_table(table, "big.parquet", row_group_size=4_000)
    return folder


def arguments(suffix, *more):
    source = "big.parquet" if suffix == ".parquet" else "big.jsonl"
    return [source, "-o", f"big.out{suffix}", "--edits", "big.edits.jsonl", "--stages", "html", *more]


def started(*args):
    # A shell that runs the tests in the background ignores interrupts, and so would all that they start.
    return subprocess.Popen(
        [*COMMAND, *args],
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def outputs():
    return {path.name: path.read_bytes() for path in Path().glob("*big.*") if path.name not in ("big.jsonl", "big.parquet")}


def chunks_done(suffix):
    try:
        return journal_path(f"big.out{suffix}").read_bytes().count(b"\n") - 1
    except OSError:
        return 0


def wait_for(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen within 60 s")


@pytest.fixture(scope="module")
def references():
    """What uninterrupted runs write: suffix -> files."""
    return {}


@pytest.fixture
def finished(corpus, references):
    """What an uninterrupted run writes."""

    def make(suffix):
        if suffix not in references:
            done = subprocess.run([*COMMAND, *arguments(suffix, "--workers", "1")], capture_output=True, timeout=600, check=False)
            assert done.returncode == 1, done.stderr
            references[suffix] = outputs()
            for name in references[suffix]:
                Path(name).unlink()
            assert len(references[suffix]) == 3
        return references[suffix]

    return make


def goes_on_to_the_end(suffix, expected):
    done = subprocess.run([*COMMAND, *arguments(suffix, "--resume")], capture_output=True, timeout=600, check=False)
    assert done.returncode == 1, done.stderr
    assert outputs() == expected
    for name in expected:
        Path(name).unlink()
    return done.stderr.decode()


@pytest.mark.parametrize(("number", "status", "workers"), [(signal.SIGINT, 130, "2"), (signal.SIGTERM, 143, "1")])
def test_a_signal_keeps_what_is_done_and_says_how_to_go_on(finished, number, status, workers):
    expected = finished(".jsonl")
    process = started(*arguments(".jsonl", "--workers", workers))
    wait_for(lambda: chunks_done(".jsonl") > 0)
    os.killpg(process.pid, number)
    err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == status
    assert err.count("\n") == 1
    assert err.startswith("vnlp-prep: big.out.jsonl: ")
    assert err.endswith(" records are done; --resume goes on behind them\n")
    assert all(name.startswith(".") for name in outputs())
    assert "went on behind" in goes_on_to_the_end(".jsonl", expected)


def test_a_run_that_fails_at_once_leaves_nothing(corpus):
    before = sorted(Path().rglob("*"))
    for more in (["--lexicon", "none.tsv"], ["--rejects", "no/folder/r.jsonl", "--field", "nothing"], ["none.jsonl"]):
        done = subprocess.run([*COMMAND, *arguments(".jsonl", *more)], capture_output=True, timeout=60, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(b"vnlp-prep: error: ")
        assert done.stderr.count(b"\n") == 1
        assert sorted(Path().rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_killed_at_any_moment_a_run_ends_with_the_same_bytes(finished, suffix):
    """The process and its workers, again and again: before, while and behind all that it does."""
    expected = finished(suffix)
    chance = random.Random(suffix)
    kills = rounds = 0
    while kills < 15:
        rounds += 1
        process = started(*arguments(suffix, "--resume", "--workers", chance.choice("12")))
        before = chunks_done(suffix)
        if chance.random() < 0.8:  # else also while it starts
            wait_for(lambda process=process, before=before: process.poll() is not None or chunks_done(suffix) != before)
        time.sleep(chance.uniform(0, 0.8))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        if process.returncode != -signal.SIGKILL:
            assert process.returncode == 1
            assert outputs() == expected
            for name in expected:
                Path(name).unlink()
        else:
            assert all(name.startswith(".") or expected[name] == data for name, data in outputs().items())
        assert rounds < 100
    goes_on_to_the_end(suffix, expected)


@pytest.mark.slow
def test_a_changed_lexicon_or_setting_of_the_real_command_is_named(corpus):
    Path("domain.tsv").write_text("vcls\t5\n")
    base = arguments(".jsonl", "--lexicon", "domain.tsv", "--workers", "1")
    process = started(*base)
    wait_for(lambda: chunks_done(".jsonl") > 0)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    for more, reason in (
        (["--threshold", "0.5"], "threshold was 0."),
        (["--stages", "unicode"], "stages was html and is unicode"),
        (["--field", "title"], "fields was text and is title"),
    ):
        done = subprocess.run([*COMMAND, *base, "--resume", *more], capture_output=True, timeout=60, check=False)
        assert done.returncode == 2
        assert reason in done.stderr.decode()
    Path("domain.tsv").write_text("vcls\t6\nvpxd\t9\n")
    done = subprocess.run([*COMMAND, *base, "--resume"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "lexicon was " in done.stderr.decode()
