"""Recipes of real commands, run as a user runs them: what is done is not done again, and what is interrupted goes on."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WORDS = "Teh vSphere client&#39;s log is sooooo slow recieve the virtual machine datastore of cluster host !!!!!".split()
RECIPE = """\
[recipe]
inputs = ["kb"]

[collect]
inputs = "{inputs}"
label.vm = "kb/vm*"

[clean]
inputs = "{collect}"
workers = 1

[again]
command = "clean"
inputs = ["{clean}", "{collect}"]
stages = "html"
workers = 1
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name in ("NO_COLOR", "FORCE_COLOR", "VINILM_MODEL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "vm.md").write_text("# A virtual machine\n\nTeh client&#39;s log is sooooo slow\n")
    (tmp_path / "kb" / "net.html").write_text("<p>I recieve a mesage</p>\n")
    (tmp_path / "r.toml").write_text(RECIPE)
    return tmp_path


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "vinilm", "recipe", *args]


def recipe(*args: str, file: str = "r.toml") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(file, *args), capture_output=True, text=True, timeout=300, check=False)


def outputs(folder: Path) -> dict[str, bytes]:
    return {
        f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file() and f.parent.name != "steps"
    }


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of the table at the end: step, what became of it."""
    return [" ".join(line.split()[:2]) for line in done.stderr.split("\n\n")[-1].splitlines()[1:-1]]


def test_steps_run_once_and_again_when_what_they_depend_on_changes(folder):
    first = recipe()
    assert first.returncode == 0, first.stderr
    assert first.stdout == ""
    assert said(first) == ["collect done", "clean done", "again done"]
    records = [json.loads(line) for line in (folder / "out" / "r" / "clean.jsonl").read_bytes().splitlines()]
    assert records == [
        {"id": "kb/net.html", "title": "net", "format": "html", "text": "I receive a message\n"},
        {"id": "kb/vm.md", "title": "A virtual machine", "format": "md", "product": "vm", "text": records[1]["text"]},
    ]
    assert records[1]["text"] == "# A virtual machine\n\nThe client's log is so slow\n"
    before = {name: f.stat().st_mtime_ns for name, f in ((f.name, f) for f in (folder / "out" / "r").iterdir()) if f.is_file()}

    second = recipe()
    assert second.returncode == 0
    assert said(second) == ["collect done", "clean done", "again done"]
    assert second.stderr.count("done before in ") == 3
    assert "$ " not in second.stderr
    after = {name: f.stat().st_mtime_ns for name, f in ((f.name, f) for f in (folder / "out" / "r").iterdir()) if f.is_file()}
    assert {k: v for k, v in after.items() if k != "recipe.log"} == {k: v for k, v in before.items() if k != "recipe.log"}

    # A file that is touched, but is the same; then another option, another input, an output that is gone.
    os.utime(folder / "kb" / "vm.md")
    assert recipe().stderr.count("done before in ") == 3
    changed = recipe("--set", "again.stages=unicode")
    assert "again: runs again: its command line changed (html -> unicode); an earlier again.jsonl is kept" in changed.stderr
    assert said(changed) == ["collect done", "clean done", "again done"]
    assert changed.stderr.count("done before in ") == 2
    (folder / "kb" / "vm.md").write_text("# A virtual machine\n\nAnother text\n")
    third = recipe("--set", "again.stages=unicode")
    assert [line for line in third.stderr.splitlines() if " runs again: " in line] == [
        "collect: runs again: kb changed; an earlier collect.jsonl is kept as collect.jsonl.before",
        "clean: runs again: out/r/collect.jsonl changed; an earlier clean.jsonl is kept as clean.jsonl.before",
        "again: runs again: out/r/clean.jsonl changed; an earlier again.jsonl is kept as again.jsonl.before",
    ]
    assert b"sooooo" in (folder / "out" / "r" / "collect.jsonl.before").read_bytes()
    assert b"Another" in (folder / "out" / "r" / "again.jsonl").read_bytes()
    (folder / "out" / "r" / "clean.jsonl").unlink()
    assert "clean: runs again: out/r/clean.jsonl is gone\n" in recipe("--set", "again.stages=unicode").stderr


def test_the_log_has_command_lines_that_can_be_run(folder):
    assert recipe().returncode == 0
    log = (folder / "out" / "r" / "recipe.log").read_text()
    lines = re.findall(r"^\$ (.*)$", log, re.MULTILINE)
    assert [line.split()[:2] for line in lines] == [["python", "-m"], ["vnlp-prep", "clean"], ["vnlp-prep", "clean"]]
    assert log.count("# exit status 0, ") == 3
    assert "2 records, 2 changed in " in log  # what a step said
    assert re.search(r"^# clean +done +\d+\.\d s +out/r/clean\.jsonl$", log, re.MULTILINE)
    before = outputs(folder / "out" / "r")
    for name in ("collect.jsonl", "clean.jsonl", "again.jsonl"):
        (folder / "out" / "r" / name).unlink()
    for line in lines:
        words = shlex.split(line.replace("vnlp-prep", "python -m vnlp_prep"))
        subprocess.run([sys.executable, *words[1:]], check=True, capture_output=True)
    after = outputs(folder / "out" / "r")
    assert after == before


def test_a_dry_run_prints_and_writes_nothing(folder):
    before = sorted(folder.rglob("*"))
    done = recipe("--dry-run")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "# collect: runs",
        "python -m vinilm.recipes.collect kb -o out/r/collect.jsonl --label 'vm=kb/vm*'",
        "# clean: runs",
        "vnlp-prep clean out/r/collect.jsonl -o out/r/clean.jsonl --workers 1 --resume",
        "# again: runs",
        "vnlp-prep clean out/r/clean.jsonl out/r/collect.jsonl -o out/r/again.jsonl --stages html --workers 1 --resume",
    ]
    assert sorted(folder.rglob("*")) == before
    assert recipe().returncode == 0
    (folder / "kb" / "vm.md").write_text("new")
    assert [line for line in recipe("--dry-run").stdout.splitlines() if line.startswith("#")] == [
        "# collect: runs again: kb changed; an earlier collect.jsonl is kept as collect.jsonl.before",
        "# clean: if its inputs change",
        "# again: if its inputs change",
    ]


def test_one_step_and_from_a_step_on(folder):
    assert recipe("--only", "collect").returncode == 0
    assert outputs(folder / "out" / "r").keys() == {"collect.jsonl", "recipe.log"}
    assert recipe().returncode == 0
    only = recipe("--only", "clean")
    assert said(only) == ["clean done"]
    assert "clean: runs again: as asked for" in only.stderr
    done = recipe("--from", "clean")
    assert done.stderr.count("runs again: as asked for") == 2
    assert done.stderr.count("done before") == 2  # in the line, and in the table
    wrong = recipe("--from", "claen")
    assert wrong.returncode == 2
    assert wrong.stderr == "vinilm: error: --from: no step 'claen'; did you mean clean? (steps: collect, clean, again)\n"


def test_rejects_do_not_stop_it_and_are_told(folder):
    (folder / "kb" / "bad.md").write_bytes(b"a caf\xe9\n")
    done = recipe()
    assert done.returncode == 1
    assert said(done) == ["collect rejects", "clean done", "again done"]
    assert (folder / "out" / "r" / "collect.jsonl.rejects.jsonl").is_file()
    assert recipe().returncode == 1  # also when nothing is left to do


def test_a_step_that_fails_stops_it_and_it_goes_on_there(folder):
    (folder / "r.toml").write_text(RECIPE.replace('"{collect}"]', '"{collect}", "more.jsonl"]'))
    done = recipe()
    assert done.returncode == 2
    assert said(done) == ["collect done", "clean done", "again failed"]
    assert "vnlp-prep: error: more.jsonl: no such file" in done.stderr
    assert "again: failed with status 2; what it said is in out/r/recipe.log" in done.stderr
    (folder / "more.jsonl").write_text('{"text": "Teh end"}\n')
    done = recipe()
    assert done.returncode == 0
    assert done.stderr.count("done before in ") == 2
    assert (folder / "out" / "r" / "again.jsonl").read_bytes().count(b"\n") == 5


def test_documents_that_no_benchmark_can_be_made_of_end_it_at_once(folder):
    (folder / "in.jsonl").write_text('{"text": "# A log\\n\\nTeh log"}\n')
    done = recipe("-i", "in.jsonl", "-o", "out", file=str(ROOT / "recipes" / "vinilm-large.toml"))
    assert done.returncode == 2
    assert said(done)[:3] == ["benchmark failed", "clean -", "vocab -"]
    assert "in.jsonl, line 1: no field 'id' (fields: 'text')" in done.stderr


@pytest.mark.parametrize("kind", ["parquet", "txt"])
def test_documents_that_are_no_json_lines(folder, kind):
    texts = [f"The vCenterish host of network {i} is down" for i in range(30)]
    if kind == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.table({"text": texts}), "in.parquet")
    else:
        Path("in.txt").write_text("".join(f"{text}\n" for text in texts))
    Path("t.toml").write_text(
        f'[clean]\ninputs = "in.{kind}"\noutput = "clean.{kind}"\n\n'
        '[learn]\ninputs = "{clean}"\noutput = "terms.tsv"\n\n[benchmark]\ncommand = "evaluate"\nmake = "{clean}"\n'
    )
    done = recipe(file="t.toml")
    assert "30 documents in " in done.stderr
    assert said(done) == ["clean done", "learn done", "benchmark failed"]


def test_what_is_there_already_is_not_overwritten(folder):
    (folder / "out" / "r").mkdir(parents=True)
    (folder / "out" / "r" / "clean.jsonl").write_text("mine")
    done = recipe()
    assert done.returncode == 2
    assert "out/r/clean.jsonl: is there, but the step clean of this recipe did not make it" in done.stderr
    assert (folder / "out" / "r" / "clean.jsonl").read_text() == "mine"


def wait_for(condition):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 60 s")


@pytest.fixture
def long_recipe(folder):
    """A recipe with a step of some seconds, which keeps a journal: the file, and where the journal is."""
    chance = random.Random(5)
    texts = (" ".join(f"{w}{chance.randint(0, 9999)}x {w}" for w in chance.choices(WORDS, k=40)) for _ in range(2400))
    (folder / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    (folder / "long.toml").write_text(
        '[clean]\ninputs = "in.jsonl"\nworkers = 1\n\n[last]\ncommand = "clean"\ninputs = "{clean}"\n'
    )
    return folder / "out" / "long" / ".clean.jsonl.vnlp-prep.journal"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_an_interrupted_recipe_goes_on_in_the_middle_of_its_step(folder, long_recipe, number, status):
    journal = long_recipe
    process = subprocess.Popen(
        command("long.toml"),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 1)
    if number == signal.SIGKILL:
        child = int(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()[0])
        os.kill(child, signal.SIGKILL)
        wait_for(lambda: (folder / "out" / "long" / "steps" / "clean.json").exists())
    process.send_signal(number)
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode in (status, 137 if number == signal.SIGKILL else status)
    if number != signal.SIGKILL:
        assert "clean: interrupted; the same command goes on\n" in stderr
    assert not (folder / "out" / "long" / "clean.jsonl").exists()
    stamp = json.loads((folder / "out" / "long" / "steps" / "clean.json").read_text())
    assert stamp["exit_status"] is None
    assert not (folder / "out" / "long" / "steps" / "last.json").exists()
    done = recipe(file="long.toml")
    assert done.returncode == 0, done.stderr
    assert "clean: goes on, for it was interrupted\n" in done.stderr
    assert "went on behind " in done.stderr
    expected = subprocess.run(
        [sys.executable, "-m", "vnlp_prep", "clean", "in.jsonl", "--workers", "1"], capture_output=True, check=True
    ).stdout
    assert (folder / "out" / "long" / "clean.jsonl").read_bytes() == expected
    assert (folder / "out" / "long" / "last.jsonl").read_bytes() == expected


def test_a_signal_that_is_ignored_stays_ignored(long_recipe):
    """As nohup does it: a terminal that goes away ends nothing."""
    process = subprocess.Popen(
        command("long.toml"),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    wait_for(lambda: long_recipe.exists() and long_recipe.read_bytes().count(b"\n") > 1)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(120) == 0


def killed_in_the_middle(journal: Path) -> None:
    """Run the long recipe until its first step has done something, then kill that."""
    process = subprocess.Popen(command("long.toml"), stderr=subprocess.DEVNULL)
    wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 1)
    child = int(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()[0])
    os.kill(child, signal.SIGKILL)
    assert process.wait(60) == 137


def test_an_interrupted_step_begins_anew_when_it_is_another_one(folder, long_recipe):
    killed_in_the_middle(long_recipe)
    # A journal keeps to the time of its input; a recipe, to the content: so the step refuses to go on.
    os.utime(folder / "in.jsonl", (1, 1))
    refused = recipe(file="long.toml")
    assert refused.returncode == 2
    assert "cannot go on with the interrupted run: time of change of input 1 was " in refused.stderr
    assert "what it said is in out/long/recipe.log; --from clean begins it anew\n" in refused.stderr
    (folder / "in.jsonl").write_text('{"text": "Teh end"}\n')
    done = recipe("--set", "clean.threshold=0.9", file="long.toml")
    assert done.returncode == 0, done.stderr
    assert "clean: runs again: its command line changed (nothing -> --threshold 0.9)\n" in done.stderr
    assert (folder / "out" / "long" / "clean.jsonl").read_bytes() == b'{"text": "The end"}\n'
    names = [file.name for file in (folder / "out" / "long").iterdir()]
    assert sorted(names) == ["clean.jsonl", "last.jsonl", "recipe.log", "steps"]


def test_two_runs_on_one_folder(folder, long_recipe):
    process = subprocess.Popen(command("long.toml"), stderr=subprocess.DEVNULL)
    wait_for(lambda: (folder / "out" / "long" / "steps" / "clean.json").exists())
    second = recipe(file="long.toml")
    assert second.returncode == 2
    assert second.stderr == "vinilm: error: out/long: another run of a recipe has it\n"
    process.terminate()
    assert process.wait(60) == 143


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_recipe_with_a_model(folder, tiny):
    pytest.importorskip("openvino")
    (folder / "m.toml").write_text(
        '[recipe]\nname = "tiny-vm"\noutput = "models"\n\n[clean]\ninputs = "in.jsonl"\n\n'
        f'[export]\nmodel = "{tiny}"\nformat = ["openvino"]\nname = "{{name}}"\nrecipe = "{{recipe}}"\n\n'
        '[encode]\ninputs = "{clean}"\nmodel = "{export}"\noutput = "vectors.npy"\n'
    )
    (folder / "in.jsonl").write_text('{"text": "Teh log"}\n{"text": "a disk"}\n')
    done = recipe(file="m.toml")
    assert done.returncode == 0, done.stderr
    card = (folder / "models" / "export" / "README.md").read_text()
    assert "# tiny-vm\n" in card
    assert '[export]\nmodel = "' in card
    import numpy

    assert numpy.load(folder / "models" / "vectors.npy").shape == (2, 64)
    assert recipe(file="m.toml").stderr.count("done before in ") == 3
    # The model is known by its content: other weights, and what reads them runs again.
    stamp = json.loads((folder / "models" / "steps" / "export.json").read_text())
    assert list(stamp["inputs"]) == [str(tiny), "m.toml"]
