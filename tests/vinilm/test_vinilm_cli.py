"""``vinilm`` as a user has it: a process of its own, with a real, if small, model."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vnlp_prep.corpus.records import shown

COMMAND = [sys.executable, "-m", "vinilm"]
ROOT = Path(__file__).resolve().parents[2]
WORDS = "Teh vSphere client&#39;s log is sooooo slow recieve the virtual machine datastore of cluster host !!!!!".split()

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the library that makes the model


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name in ("NO_COLOR", "FORCE_COLOR", "VINILM_MODEL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def corpus(folder):
    """600 records, some of them bad."""
    chance = random.Random(5)
    lines = [
        json.dumps({"id": f"n{i}", "text": " ".join(chance.choices(WORDS, k=chance.randint(1, 40)))}).encode() for i in range(600)
    ]
    lines[100] = b'{"id": "bad", "text": null}'
    lines[300] = b'{"id": "bad", "text": "\xff"}'
    (folder / "in.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return folder / "in.jsonl"


def vinilm(*args, stdin=b"", **options):
    return subprocess.run([*COMMAND, *args], input=stdin, capture_output=True, timeout=120, check=False, **options)


def started(*args, **options):
    return subprocess.Popen([*COMMAND, *args], stderr=subprocess.PIPE, **options)


def wait_for(condition):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 60 s")


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name.lstrip(".").startswith("v.")}


# Help


def test_help_loads_no_heavy_library():
    code = "import sys; from vinilm import cli; cli.main({}) if 0 else None\nfrom vnlp_prep.command_line import exit_status\n"
    code += "for a in ['--help'], ['encode', '--help']: assert exit_status(cli.cli, a, 'vinilm') == 0\nprint(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "Usage: vinilm encode" in done.stdout, done.stderr
    loaded = done.stdout.split("\n")[-2]
    for name in ("torch", "transformers", "numpy", "pyarrow", "tokenizers", "rich", "orjson", "multiprocessing", "asyncio"):
        assert f"'{name}'" not in loaded


def test_help_names_every_command_and_each_has_its_own():
    done = vinilm("--help")
    assert done.returncode == 0
    for name in ("encode", "serve"):
        assert f"\n  {name} ".encode() in done.stdout
        assert f"Usage: vinilm {name} ".encode() in vinilm(name, "--help").stdout
    assert vinilm().returncode == 2
    from vnlp_prep import __version__

    assert vinilm("--version").stdout == f"vinilm {__version__}\n".encode()


def test_the_choices_are_those_of_the_library():
    from vinilm.backends import BACKENDS
    from vinilm.cli import cli
    from vinilm.encoding.outputs import DTYPES
    from vinilm.features import LONG
    from vinilm.pooling import POOLINGS

    params = {p.name: p.type for p in cli.get_command(None, "encode").params}
    assert list(params["backend"].choices) == ["auto", *BACKENDS]
    assert list(params["long"].choices) == list(LONG)
    assert [*params["pooling"].choices, "none"] == list(POOLINGS)
    assert list(params["precision"].choices) == list(DTYPES)


# Encoding


def test_vectors_are_those_of_the_library(corpus, folder, tiny):
    done = vinilm("encode", "in.jsonl", "-m", str(tiny), "-o", "v.npy", "--chunk-records", "128")
    assert done.returncode == 1
    assert b"600 records, " in done.stderr
    assert b" tokens/s)\n2 rejected (1 field-null, 1 invalid-utf-8): see v.npy.rejects.jsonl\n" in done.stderr
    assert b"v.npy: 598 vectors of 64 (float32), their ids in v.npy.ids.jsonl" in done.stderr
    assert b"\x1b" not in done.stderr
    from vinilm import FeatureExtractor

    records = [json.loads(line) for i, line in enumerate(corpus.read_bytes().splitlines()) if i not in (100, 300)]
    fx = FeatureExtractor.from_pretrained(tiny)
    vectors = np.load("v.npy")
    np.testing.assert_allclose(vectors, fx.encode([r["text"] for r in records]), rtol=0, atol=1e-5)
    assert [json.loads(line) for line in Path("v.npy.ids.jsonl").read_bytes().splitlines()] == [r["id"] for r in records]

    Path("half.jsonl").write_bytes(b"".join(corpus.read_bytes().splitlines(keepends=True)[:100]))
    texts = [r["text"] for r in records[:100]]
    raw = FeatureExtractor.from_pretrained(tiny, preprocess=False, pooling="cls")
    args = ["--no-clean", "--pooling", "cls", "--truncate-dim", "16", "--normalize", "--prompt", "query: ", "-q"]
    done = vinilm("encode", "half.jsonl", "-m", str(tiny), "-o", "w.npy", *args)
    assert (done.returncode, done.stderr) == (0, b"")
    expected = raw.encode(texts, prompt="query: ", truncate_dim=16, normalize_embeddings=True)
    np.testing.assert_allclose(np.load("w.npy"), expected, rtol=0, atol=1e-5)
    assert np.abs(expected - fx.encode(texts, truncate_dim=16)).max() > 0.01  # the options made a difference


def test_standard_input_texts_and_long_ones(folder, tiny):
    text = b"a\n\n" + b"word " * 300 + b"\n\xff\n"
    args = ["--format", "text", "-o", "v.npy"]
    done = vinilm("encode", "-", *args, stdin=gzip.compress(text), env={**os.environ, "VINILM_MODEL": str(tiny)})
    assert done.returncode == 1
    assert b"3 records, 131 tokens, 1 blank line" in done.stderr
    assert b"1 text cut" in done.stderr
    assert Path("v.npy.ids.jsonl").read_bytes() == b'"-:1"\n"-:3"\n'
    done = vinilm("encode", "-", *args, "-m", str(tiny), "--long", "chunk", stdin=text)
    assert b"cut" not in done.stderr


def test_a_preprocessor_of_your_own(folder, tiny):
    from vinilm import FeatureExtractor
    from vnlp_prep import Preprocessor

    prep = Preprocessor(stages=("html",))
    prep.save(folder / "prep")
    Path("x.txt").write_bytes(b"Teh vSphere client&#39;s log\n")
    assert vinilm("encode", "x.txt", "-m", str(tiny), "-o", "v.npy", "--preprocess", "prep").returncode == 0
    expected = FeatureExtractor.from_pretrained(tiny, preprocess=prep).encode(["Teh vSphere client&#39;s log"])
    np.testing.assert_allclose(np.load("v.npy"), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nowhere.jsonl", "-o", "v.npy"], "nowhere.jsonl: no such file"),
        (["x.jsonl", "-o", "v.csv"], "v.csv: the name does not tell what to write; end it in .parquet, .npy, .safetensors"),
        (["x.jsonl", "-o", "no/v.npy"], "no/v.npy: there is no folder no; make it first"),
        (["x.jsonl", "-o", "v.npy", "--rejects", "x.jsonl"], "x.jsonl: would replace an input"),
        (["x.jsonl", "-o", "v.npy", "--rejects", "v.npy.ids.jsonl"], "two outputs would have this name"),
        (["-", "-", "-o", "v.npy"], "standard input can be read only once"),
        (["x.txt", "-o", "v.npy", "--id-field", "id"], "--id-field: a line of plain text has no fields"),
        (["x.jsonl", "-o", "v.npy", "--no-clean", "--preprocess", "p"], "exclude each other"),
        (["x.jsonl", "-o", "v.npy", "--prompt", "a", "--prompt-name", "b"], "exclude each other"),
        (["x.jsonl", "-o", "v.npy", "--prompt-name", "b"], "the model has no prompt named 'b'"),
        (["x.jsonl", "-o", "v.npy", "--truncate-dim", "65"], "the model has only 64 dimensions"),
        (["x.jsonl", "-o", "v.npy", "-m", "nowhere"], "nowhere"),
        (["x.jsonl", "-o", "pipe.npy"], "pipe.npy: vectors are written to a file, not to a device or pipe"),
        (["x.jsonl"], "Missing option '-o'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(folder, tiny, args, message, capfd, monkeypatch):
    from vinilm.cli import main

    Path("x.jsonl").write_text('{"text": "a"}\n')
    Path("x.txt").write_text("a\n")
    os.mkfifo("pipe.npy")
    before = {p.name for p in folder.iterdir()}
    monkeypatch.setenv("VINILM_MODEL", str(tiny))
    with pytest.raises(SystemExit) as ended:
        main(["encode", *args])
    said = capfd.readouterr().err
    assert ended.value.code == 2
    assert said.startswith("vinilm: error: ")
    assert said.count("\n") == 1
    assert message in said
    assert {p.name for p in folder.iterdir()} == before


def test_a_command_that_there_is_not(capfd):
    from vinilm.cli import _COMMANDS, main

    with pytest.raises(SystemExit):
        main(["encod", "x.jsonl"])
    assert capfd.readouterr().err == (
        f"vinilm: error: no command 'encod'; did you mean encode? (commands: {', '.join(_COMMANDS)}) (see vinilm --help)\n"
    )


# Interrupted


@pytest.fixture(scope="module")
def references():
    return {}


@pytest.fixture
def reference(corpus, folder, tiny, references):
    """What an uninterrupted run writes: suffix -> files."""

    def make(suffix: str) -> dict[str, bytes]:
        if suffix not in references:
            assert vinilm(*encode_args(tiny, suffix)).returncode == 1
            references[suffix] = files(folder)
            for name in references[suffix]:
                (folder / name).unlink()
            assert not [name for name in references[suffix] if name.startswith(".")]
        return references[suffix]

    return make


def encode_args(model, suffix, *more):
    return ["encode", "in.jsonl", "-m", str(model), "-o", f"v{suffix}", "--chunk-records", "20", *more]


def killed_until_done(folder, tiny, suffix, chance, kills):
    """Start the run again and again and kill it at random moments; then let it end. Return how often it was killed at work."""
    journal = folder / f".v{suffix}.vinilm.journal"
    at_work = 0
    for _ in range(kills):
        process = started(*encode_args(tiny, suffix, "--resume"))
        before = lines_of(journal)
        wait_for(lambda before=before, process=process: lines_of(journal) > before or process.poll() is not None)
        time.sleep(chance.uniform(0, 0.15))
        process.kill()
        at_work += process.wait() == -signal.SIGKILL
        process.stderr.close()
        if process.returncode != -signal.SIGKILL:
            break
    done = vinilm(*encode_args(tiny, suffix, "--resume"))
    assert done.returncode == 1, done.stderr
    return at_work


@pytest.mark.parametrize(("suffix", "seed"), [(".parquet", 1), pytest.param(".npy", 2, marks=pytest.mark.slow)])
def test_killed_again_and_again_a_run_ends_with_the_same_bytes(folder, tiny, reference, suffix, seed):
    expected = reference(suffix)
    assert killed_until_done(folder, tiny, suffix, random.Random(seed), kills=2) > 0
    assert files(folder) == expected


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".parquet", ".npy", ".safetensors"])
def test_killed_at_any_moment_a_run_ends_with_the_same_bytes(folder, tiny, reference, suffix):
    """Also before anything was done, and while the output is put together."""
    expected = reference(suffix)
    chance = random.Random(11)
    ids = folder / f".v{suffix}.vinilm.ids"  # of a run that has loaded the model
    process = started(*encode_args(tiny, suffix))
    wait_for(ids.exists)
    started_at = time.monotonic()
    process.communicate()
    whole = time.monotonic() - started_at
    for _ in range(10):
        for name in files(folder):
            (folder / name).unlink()
        process = started(*encode_args(tiny, suffix))
        wait_for(ids.exists)
        time.sleep(chance.uniform(0, whole))
        process.kill()
        process.communicate()
        assert vinilm(*encode_args(tiny, suffix, "--resume")).returncode == 1
        assert files(folder) == expected


@pytest.mark.parametrize(("number", "status", "workers"), [(signal.SIGINT, 130, "2"), (signal.SIGTERM, 143, "1")])
def test_a_signal_keeps_what_is_done_and_says_how_to_go_on(folder, tiny, reference, number, status, workers):
    expected = reference(".npy")
    process = started(*encode_args(tiny, ".npy", "--workers", workers))
    wait_for(lambda: lines_of(folder / ".v.npy.vinilm.journal") > 2)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == status
    assert b"records are done; --resume goes on behind them\n" in said
    assert said.count(b"\n") == 1
    assert not (folder / "v.npy").exists()
    done = vinilm(*encode_args(tiny, ".npy", "--resume"))
    assert b"went on behind " in done.stderr
    assert files(folder) == expected


def test_a_signal_while_nothing_is_done_leaves_nothing(folder, tiny):
    process = started("encode", "-", "-m", str(tiny), "-o", "v.npy", stdin=subprocess.PIPE)
    wait_for((folder / ".v.npy.vinilm.ids").exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130  # though nobody closes the pipe
    process.stdin.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert files(folder) == {}


def test_what_changed_since_is_refused_with_the_reason(corpus, folder, tiny):
    process = started(*encode_args(tiny, ".npy"))
    wait_for(lambda: lines_of(folder / ".v.npy.vinilm.journal") > 2)
    process.kill()
    process.communicate()
    left = files(folder)
    changed = ["--pooling", "max", "--no-clean", "--max-tokens", "20", "--field", "text", "--field", "id"]
    done = vinilm(*encode_args(tiny, ".npy", "--resume", *changed))
    assert done.returncode == 2
    assert done.stderr.startswith(b"vinilm: error: v.npy: cannot go on with the interrupted run: ")
    assert done.stderr.count(b"\n") == 1
    for reason in (
        b"pooling was mean and is max",
        b"cleaning_sha256 was ",
        b"max_tokens was ",
        b"field was text and is text, id",
    ):
        assert reason in done.stderr
    with corpus.open("ab") as file:
        file.write(b'{"text": "more"}\n')
    done = vinilm(*encode_args(tiny, ".npy", "--resume"))
    assert b"size of input 1 was " in done.stderr
    assert files(folder) == left
    # From the beginning it may go.
    done = vinilm(*encode_args(tiny, ".npy"))
    assert done.returncode == 1
    assert b"records of an interrupted run are done again (no --resume)" in done.stderr
    assert len(np.load("v.npy")) == 599


def test_a_full_disk_leaves_the_old_output_and_what_is_done(folder, tiny, reference):
    expected = reference(".npy")
    (folder / "v.npy").write_bytes(b"old")
    limit = 40 * 20 * 64  # ten chunks of vectors

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = vinilm(*encode_args(tiny, ".npy"), preexec_fn=small_files)
    assert done.returncode == 2
    assert b"vinilm: error: v.npy: cannot be written: file too large\n" in done.stderr
    assert (folder / "v.npy").read_bytes() == b"old"
    assert vinilm(*encode_args(tiny, ".npy", "--resume")).returncode == 1
    assert files(folder) == expected


def test_two_runs_on_one_output(folder, tiny):
    process = started("encode", "-", "-m", str(tiny), "-o", "v.npy", stdin=subprocess.PIPE)
    wait_for((folder / ".v.npy.vinilm.ids").exists)
    (folder / "x.txt").write_text("a\n")
    second = vinilm("encode", "x.txt", "-m", str(tiny), "-o", "v.npy")
    assert second.returncode == 2
    assert second.stderr == f"vinilm: error: {shown('v.npy')}: another run is writing it\n".encode()
    process.communicate(b'{"text": "a"}\n')
    assert process.returncode == 0
    assert np.load("v.npy").shape == (1, 64)


def test_the_examples_of_the_page_read_the_outputs(folder, reference):
    for library in ("polars", "safetensors"):
        pytest.importorskip(library)
    page = (ROOT / "docs" / "encode.md").read_text(encoding="utf-8")
    [example] = [block.split("```")[0] for block in page.split("```py\n")[1:]]
    for suffix in (".parquet", ".npy", ".safetensors"):
        for name, content in reference(suffix).items():
            (folder / name.replace("v.", "kb.", 1)).write_bytes(content)
    names: dict[str, object] = {}
    parts = re.split(r"\n\n(?=import |from )", example)  # one for each format
    assert len(parts) == 3
    found = []
    for part in parts:
        exec(part, names)
        found.append(np.array(names["vectors"]))
    assert found[0].shape == (598, 64)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert names["ids"][:2] == ["n0", "n1"]


def test_every_option_is_on_the_page():
    from vinilm.cli import cli

    page = (ROOT / "docs" / "encode.md").read_text(encoding="utf-8")
    options = [o for p in cli.get_command(None, "encode").params for o in (*p.opts, *p.secondary_opts) if o.startswith("-")]
    assert [o for o in options if f"`{o}" not in page and o not in ("--output", "--model")] == []
