"""The loop with a task of milliseconds: killed, interrupted, in parts, in several processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

pytest.importorskip("accelerate")

import safetensors.torch
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from toy_task import ToyTask, run, settings

from vinilm.errors import TrainingError
from vinilm.models.files import expected_sums, sha256
from vinilm.training.schedule import learning_rate
from vnlp_prep.command_line import SignalledError
from vnlp_prep.corpus.journal import CannotResumeError
from vnlp_prep.errors import OutputError, SettingsError

ROOT = Path(__file__).resolve().parents[3]
TOY = Path(__file__).with_name("toy_task.py")
TIMES = ("seconds", "tokens_per_second")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As many threads here as in ``program``: the same bits are promised for the same number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def interrupts_are_not_ignored():
    """A shell that runs the tests in the background has them ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def program(folder, *launcher, **options):
    """Run the toy in a process of its own, or several; return the process that has ended."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, str(TOY), str(folder), json.dumps(options)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def metrics(folder, *, times=False):
    lines = [json.loads(line) for line in (folder / "training" / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if times or k not in TIMES} for line in lines]


def losses(folder):
    return [line["loss"] for line in metrics(folder) if "loss" in line]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    run(folder)
    return folder


def test_it_learns_and_leaves_a_model(whole):
    told = metrics(whole, times=True)
    assert [line["step"] for line in told if "loss" in line] == list(range(1, 21))
    assert [line["step"] for line in told if "evaluation" in line] == [0, 5, 10, 15, 20]
    assert [line["length"] for line in told if "loss" in line] == [8] * 12 + [16] * 8
    assert [line["learning_rate"] for line in told if "loss" in line] == [learning_rate(i, settings()) for i in range(20)]
    assert all(line["tokens_per_second"] > 0 and 0 <= line["worst"] <= 1 for line in told if "loss" in line)
    evaluations = [line["evaluation"]["loss"] for line in told if "evaluation" in line]
    assert evaluations[-1] < evaluations[0]
    found = {file.relative_to(whole).as_posix() for file in whole.rglob("*") if file.is_file()}
    model = {"model.safetensors", "1_Pooling/config.json"}
    assert found == model | {"SHA256SUMS", "training/metrics.jsonl", "training/run.json"}
    assert expected_sums(whole) == {whole / name: sha256(whole / name) for name in model}


@pytest.mark.parametrize("death", [{"die_at": 17}, {"die_in_checkpoint": 14}], ids=["between", "in a checkpoint"])
def test_a_killed_run_goes_on_to_the_same_bits(whole, tmp_path, death):
    folder = tmp_path / "run"
    assert program(folder, **death).returncode == -signal.SIGKILL
    assert not (folder / "model.safetensors").exists()
    assert len(metrics(folder)) > 14  # more than the checkpoint says: what is behind it is done, and told, again
    notices = []
    run(folder, resume=True, notice=notices.append)
    assert notices == ["going on after step 14 of 20" if "die_at" in death else "going on after step 7 of 20"]
    assert metrics(folder) == metrics(whole)
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_a_damaged_checkpoint_is_passed_over(whole, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(SignalledError):
        run(folder, watch=stop_at(16))
    newest = folder / "training" / "checkpoints" / "step-00000016" / "optimizer.safetensors"
    data = bytearray(newest.read_bytes())
    data[-1] ^= 1
    newest.write_bytes(data)
    notices = []
    run(folder, resume=True, notice=notices.append)
    assert "SHA-256" in notices[0]
    assert notices[1] == "going on after step 14 of 20"
    assert metrics(folder) == metrics(whole)


@pytest.mark.parametrize("keep", [1, 2])
def test_damaged_checkpoints_of_later_steps_do_not_cost_the_new_ones(tmp_path, keep):
    folder, checkpoints = tmp_path / "run", tmp_path / "run" / "training" / "checkpoints"
    with pytest.raises(SignalledError):
        run(folder, watch=stop_at(16), keep=2)
    for checkpoint in checkpoints.iterdir():
        (checkpoint / "model.safetensors").write_bytes(b"")
    with pytest.raises(SignalledError):
        run(folder, resume=True, watch=stop_at(9), keep=keep)
    assert [f.name for f in sorted(checkpoints.iterdir())] == ["step-00000007", "step-00000009"][-keep:]
    notices = []
    run(folder, resume=True, notice=notices.append, keep=keep)
    assert notices == ["going on after step 9 of 20"]


def came(number):
    """Call Python's handler itself: libraries that other tests load have handlers below it, which end the process.

    Real signals reach real processes in the tests of the commands.
    """
    signal.getsignal(number)(number, None)


def stop_at(step, number=signal.SIGTERM):
    def watch(progress):
        if progress.step == step and "loss" in progress.values:
            came(number)

    return watch


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_a_checkpoint(whole, tmp_path, number):
    folder = tmp_path / "run"
    before = signal.getsignal(number)
    with pytest.raises(SignalledError) as ended:
        run(folder, watch=stop_at(9, number))
    assert ended.value.number == number
    assert signal.getsignal(number) is before
    assert [f.name for f in sorted((folder / "training" / "checkpoints").iterdir())] == ["step-00000007", "step-00000009"]
    run(folder, resume=True)
    assert metrics(folder) == metrics(whole)


def test_a_second_signal_ends_it_at_once(tmp_path):
    def watch(progress):
        came(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            came(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(SignalledError):
            run(tmp_path / "run", watch=watch)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_is_ignored_stays_ignored(whole, tmp_path, number):
    def watch(progress):
        assert signal.getsignal(number) is signal.SIG_IGN

    before = signal.signal(number, signal.SIG_IGN)
    try:
        run(tmp_path / "run", watch=watch)
    finally:
        signal.signal(number, before)
    assert metrics(tmp_path / "run") == metrics(whole)


def test_time_that_is_up_ends_it_with_a_checkpoint(whole, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(TrainingError, match=r"the time is up after 0 of 20 steps; a checkpoint is written"):
        run(folder, max_minutes=1e-9)
    run(folder, resume=True)
    assert metrics(folder) == metrics(whole)


def test_minutes_between_checkpoints(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(SignalledError):
        run(folder, checkpoint_minutes=1e-9, checkpoint_every=1000, keep=3, watch=stop_at(9))
    assert [f.name for f in sorted((folder / "training" / "checkpoints").iterdir())] == [f"step-{step:08d}" for step in (7, 8, 9)]


def test_the_parts_of_a_step_do_not_matter(tmp_path):
    runs = {}
    for micro in (8, 3, 1):
        run(tmp_path / str(micro), task=ToyTask(micro=micro, dropout=0))
        runs[micro] = losses(tmp_path / str(micro))
    assert runs[3] == pytest.approx(runs[8], abs=1e-6)
    assert runs[1] == pytest.approx(runs[8], abs=1e-6)


def test_two_processes_do_as_one(tmp_path):
    launcher = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--main_process_port", "0")
    done = program(tmp_path / "two", *launcher, dropout=0, micro=3)
    assert done.returncode == 0, done.stderr
    run(tmp_path / "one", task=ToyTask(dropout=0))
    one, two = metrics(tmp_path / "one"), metrics(tmp_path / "two")
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        flat = [line | {f"held-out {name}": value for name, value in line.pop("evaluation", {}).items()} for line in (a, b)]
        assert flat[0] == pytest.approx(flat[1], abs=1e-6, rel=1e-5)
    models = [load_file(tmp_path / name / "model.safetensors") for name in ("one", "two")]
    for name, tensor in models[0].items():
        torch.testing.assert_close(tensor, models[1][name], atol=1e-6, rtol=1e-5)


@pytest.mark.slow
def test_several_processes_can_be_stopped_and_go_on(tmp_path):
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    stopped = program(tmp_path / "a", *launcher, max_minutes=1e-9)
    assert "the time is up after 0 of 20 steps" in stopped.stderr
    assert program(tmp_path / "a", *launcher, resume=True).returncode == 0
    assert program(tmp_path / "b", *launcher).returncode == 0
    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")


def test_weights_that_the_disk_does_not_take_are_an_error_that_says_so(whole, tmp_path):
    folder = tmp_path / "run"
    ended = program(folder, largest_file=1500, checkpoint_every=2)
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("vnlp_prep.errors.OutputError: ")
    assert last.endswith("training/checkpoints/.step-00000002.tmp/optimizer.safetensors: cannot be written: file too large")
    assert list((folder / "training" / "checkpoints").iterdir()) == []
    run(folder, resume=True)
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (folder / "model.safetensors").stat().st_mode == (folder / "SHA256SUMS").stat().st_mode


def test_a_full_disk_is_said_and_the_model_in_the_making_goes(tmp_path, monkeypatch):
    full = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    monkeypatch.setattr(safetensors.torch, "save_file", Mock(side_effect=full))
    message = r"model\.safetensors: cannot be written: no space left on device; make room and run again"
    with pytest.raises(OutputError, match=message):
        run(tmp_path / "run")
    monkeypatch.undo()
    saved = ToyTask.save

    def save(self, folder):
        monkeypatch.setattr(safetensors.torch, "save_file", Mock(side_effect=full))
        saved(self, folder)

    monkeypatch.setattr(ToyTask, "save", save)
    with pytest.raises(OutputError, match=message):
        run(tmp_path / "run")
    assert not (tmp_path / "run" / "training" / "model").exists()
    assert (tmp_path / "run" / "training" / "checkpoints" / "step-00000020").is_dir()


def test_a_loss_that_is_no_number_ends_it(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(TrainingError, match=r"diverged at step 10 \(loss nan.*--learning-rate"):
        run(folder, task=ToyTask(poison=9))
    assert len(losses(folder)) == 9
    assert (folder / "training" / "checkpoints" / "step-00000007").is_dir()


def test_a_batch_that_is_too_small_for_the_processes(tmp_path):
    class Idle(ToyTask):
        def batch(self, step, rank, world):
            return []

    with pytest.raises(SettingsError, match="step 1: the batch is too small"):
        run(tmp_path / "run", task=Idle())


def test_bfloat16_learns_too(tmp_path):
    run(tmp_path / "run", precision="bfloat16", task=ToyTask(dropout=0))
    run(tmp_path / "exact", precision="float32", task=ToyTask(dropout=0))
    low, high = losses(tmp_path / "run"), losses(tmp_path / "exact")
    assert low != high
    assert low == pytest.approx(high, rel=0.1)
    assert load_file(tmp_path / "run" / "model.safetensors")["0.weight"].dtype == torch.float32


# What becomes of the folder


def test_a_run_that_is_there_is_not_lost(whole, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(SignalledError):
        run(folder, watch=stop_at(9))
    with pytest.raises(OutputError, match=r"a run is there, interrupted after 9 steps; go on with --resume"):
        run(folder)
    with pytest.raises(CannotResumeError, match=r"learning-rate was 0.01 and is 0.02; put that back, or name another folder"):
        run(folder, resume=True, learning_rate=0.02)
    run(folder, resume=True)
    assert metrics(folder) == metrics(whole)
    with pytest.raises(OutputError, match="a run is there, finished"):
        run(folder)
    assert run(folder, resume=True) is None


def test_a_run_without_a_checkpoint_begins_again(whole, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(TrainingError, match="diverged at step 3 "):
        run(folder, task=ToyTask(poison=2))
    run(folder)
    assert metrics(folder) == metrics(whole)


def test_folders_that_are_not_for_it(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty"):
        run(tmp_path / "full")
    with pytest.raises(OutputError, match="is no folder"):
        run(tmp_path / "full" / "notes.txt")
    with pytest.raises(OutputError, match="there is no folder"):
        run(tmp_path / "no" / "run")
    assert [f.name for f in tmp_path.rglob("*")] == ["full", "notes.txt"]


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("index", [None, {}, {"finished": True}, {"finished": False, "identity": 3}, [1]])
def test_a_folder_of_others_that_is_called_training_is_left_alone(tmp_path, resume, index):
    mine = {
        "config.json": "k",
        "training/corpus/docs.jsonl": "{}",
        "training/model/x": "",
        "training/checkpoints/step-00000001/a": "",
    }
    if index is not None:
        mine["training/run.json"] = json.dumps(index)
    for name, content in mine.items():
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text(content)
    with pytest.raises(OutputError, match="name a new folder"):
        run(tmp_path / "mine", resume=resume)
    found = {f.relative_to(tmp_path / "mine").as_posix(): f.read_text() for f in (tmp_path / "mine").rglob("*") if f.is_file()}
    assert found == mine


@pytest.mark.parametrize("left", [(), (".lock",), (".lock", ".run.json.tmp")])
def test_what_a_run_leaves_that_was_killed_at_once_is_no_obstacle(whole, tmp_path, left):
    (tmp_path / "run" / "training").mkdir(parents=True)
    for name in left:
        (tmp_path / "run" / "training" / name).touch()
    run(tmp_path / "run")
    assert metrics(tmp_path / "run") == metrics(whole)
    (tmp_path / "mine" / "training").mkdir(parents=True)
    (tmp_path / "mine" / "config.json").touch()
    with pytest.raises(OutputError, match="is not empty"):
        run(tmp_path / "mine")


@pytest.mark.parametrize("content", [b"{", b"\xff", b"null", b'{"finished": false}'])
def test_a_damaged_index_is_named(tmp_path, content):
    with pytest.raises(SignalledError):
        run(tmp_path / "run", watch=stop_at(9))
    (tmp_path / "run" / "training" / "run.json").write_bytes(content)
    for resume in (False, True):
        with pytest.raises(OutputError, match=r"training/run\.json: .*; name a new folder, or remove this one"):
            run(tmp_path / "run", resume=resume)
    assert (tmp_path / "run" / "training" / "checkpoints" / "step-00000009").is_dir()


def test_a_second_run_on_a_folder_is_refused(tmp_path):
    def watch(progress):
        with pytest.raises(OutputError, match="another run has it"):
            run(tmp_path / "run", resume=True)

    run(tmp_path / "run", watch=watch)


def test_a_kill_while_the_model_is_put_in_place(whole, tmp_path, monkeypatch):
    folder = tmp_path / "run"

    class Torn(ToyTask):
        def save(self, folder):
            super().save(folder)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder, task=Torn())
    assert not (folder / "model.safetensors").exists()
    outcome = run(folder, resume=True)
    assert outcome.figures == metrics(whole)[-1]["evaluation"]
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert metrics(folder) == metrics(whole)
