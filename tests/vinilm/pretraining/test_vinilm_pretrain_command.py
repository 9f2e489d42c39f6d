"""``vinilm pretrain`` as a user has it, with a small random model."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from safetensors.torch import load_file, save_file  # noqa: E402
from training_runs import TWO_PROCESSES, figures, files, kill_after, metrics, process, vinilm  # noqa: E402

from vinilm import FeatureExtractor  # noqa: E402
from vinilm.models import open_model  # noqa: E402
from vinilm.pretraining.model import LanguageModel  # noqa: E402
from vinilm.vocabulary import Term, TermChooser, add_terms  # noqa: E402
from vinilm.vocabulary.folder import MARKER  # noqa: E402
from vinilm.vocabulary.record import RECORD  # noqa: E402

SENTENCES = [
    "the virtual machine is stored in the datastore of the cluster",
    "a snapshot of the disk is taken before the upgrade begins",
    "vcenter reports that the host has lost its connection to the storage",
    "hypervisors rebalance the load of unsupported guests &amp; resume",
]
SMALL = ["--phase", "16:4", "--phase", "32:4:6", "--batch-size", "8", "--evaluation-rows", "8", "--heldout", "0.2"]
SMALL += ["--device", "cpu", "--evaluate-every", "4", "--checkpoint-every", "3", "--learning-rate", "0.002"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    chance = random.Random(2)
    path = tmp_path_factory.mktemp("corpus") / "in.jsonl"
    texts = [" . ".join(chance.choices(SENTENCES, k=chance.randint(1, 6))) + f" {number}" for number in range(120)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


@pytest.fixture(scope="module")
def trained(tiny, corpus, tmp_path_factory):
    """A model that was trained for a few steps."""
    folder = tmp_path_factory.mktemp("models") / "trained"
    assert vinilm("pretrain", corpus, "-m", tiny, "-o", folder, *SMALL, "-q") == 0
    return folder


def test_it_learns(trained):
    told = metrics(trained)
    held_out = [line["evaluation"] for line in told if "evaluation" in line]
    assert [line["length"] for line in told if "loss" in line] == [16] * 4 + [32] * 4
    assert held_out[-1]["loss"] < held_out[0]["loss"] - 0.2
    assert all(0 <= line["accuracy"] <= 1 for line in held_out)


def test_the_model_is_whole(trained, tiny):
    from transformers import AutoTokenizer, BertForMaskedLM, BertModel

    head = BertForMaskedLM.from_pretrained(trained)
    assert head.get_output_embeddings().weight is head.bert.embeddings.word_embeddings.weight
    own = LanguageModel.load(open_model(trained), 0)
    assert not own.has_new_head
    for name, tensor in own.model.state_dict().items():
        torch.testing.assert_close(head.state_dict()[name], tensor, rtol=0, atol=0)
    encoder, before = BertModel.from_pretrained(trained), BertModel.from_pretrained(tiny)
    assert not torch.equal(encoder.embeddings.word_embeddings.weight, before.embeddings.word_embeddings.weight)
    assert torch.equal(encoder.pooler.dense.weight, before.pooler.dense.weight)  # which nothing trains
    extractor = FeatureExtractor.from_pretrained(trained)
    assert extractor.model.preprocessor == trained  # what texts were cleaned with comes with it
    assert extractor.encode(["soooo slow &amp; late"]).shape == (1, 64)
    words = AutoTokenizer.from_pretrained(trained)
    assert words("rebalance")["input_ids"] == AutoTokenizer.from_pretrained(tiny)("rebalance")["input_ids"]
    assert {"config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "SHA256SUMS"} <= {
        f.name for f in trained.iterdir()
    }


def test_what_is_told(tiny, corpus, tmp_path, capsys):
    bad = tmp_path / "in.jsonl"
    bad.write_text(corpus.read_text() + '{"text": null}\n{"text": 3}\n')
    assert vinilm("pretrain", bad, "-m", tiny, "-o", tmp_path / "out", *SMALL) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("120 texts, ")
    assert told[1] == f"2 records rejected, see {tmp_path}/out/training/rejects.jsonl"
    assert told[2] == "8 rows of 32 to evaluate on"
    assert [line.split(":")[0] for line in told[3:5]] == ["rows of 16", "rows of 32"]
    assert told[5].startswith("the model has no language-model head")
    assert [line.split("  ")[0] for line in told[6:9]] == [f"step {step} of 8" for step in (0, 4, 8)]
    assert told[9].startswith(f"{tmp_path}/out: 8 steps in ")
    assert "held out: loss 1" in told[9]
    assert vinilm("pretrain", bad, "-m", tiny, "-o", tmp_path / "out", *SMALL, "--resume") == 1
    assert "done before, nothing is left to do; 2 records rejected" in capsys.readouterr().err


def test_records_without_a_text_can_be_passed_over(tiny, corpus, tmp_path, capsys):
    bad = tmp_path / "in.jsonl"
    bad.write_text(corpus.read_text() + '{"text": null}\n{"body": "b"}\n')
    options = [*SMALL[2:], "--on-missing", "pass"]
    assert vinilm("pretrain", bad, "-m", tiny, "-o", tmp_path / "out", *options) == 0
    assert capsys.readouterr().err.splitlines()[1] == "2 records without a text passed over"
    assert not (tmp_path / "out/training/rejects.jsonl").exists()
    assert vinilm("pretrain", bad, "--field", "title", "-m", tiny, "-o", tmp_path / "none", *options) == 2
    assert "0 of them held out; 122 records without a text)" in capsys.readouterr().err


def test_done_before_is_done_again(trained, tiny, corpus, capsys):
    before = files(trained)
    assert vinilm("pretrain", corpus, "-m", tiny, "-o", trained, *SMALL, "--resume") == 0
    assert capsys.readouterr().err == f"{trained}: done before, nothing is left to do\n"
    index = json.loads((trained / "training/run.json").read_text())
    del index["rejected"]  # as an earlier version wrote it
    (trained / "training/run.json").write_text(json.dumps(index))
    assert vinilm("pretrain", corpus, "-m", tiny, "-o", trained, *SMALL, "--resume") == 0
    assert files(trained) == before


def test_a_head_that_is_there_is_trained_further(trained, corpus, tmp_path, capsys):
    assert vinilm("pretrain", corpus, "-m", trained, "-o", tmp_path / "out", *SMALL, "--phase", "16:1") == 0
    assert "language-model head" not in capsys.readouterr().err
    # It begins where the other run has ended.
    assert metrics(tmp_path / "out")[0]["evaluation"] == pytest.approx(metrics(trained)[-1]["evaluation"], rel=1e-5)


def test_all_that_the_source_has_is_kept(minilm, corpus, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(minilm, source)
    (source / "tokenizer.json").unlink()  # vocab.txt is left
    (source / "SHA256SUMS").unlink(missing_ok=True)
    options = ["--phase", "16:1", "--batch-size", "2", "--evaluation-rows", "2", "--device", "cpu", "--no-clean", "-q"]
    assert vinilm("pretrain", corpus, "-m", source, "-o", tmp_path / "out", *options) == 0
    before, after = open_model(minilm), open_model(tmp_path / "out")
    for name in ("shape", "pooling", "normalize", "max_tokens", "lower_case", "prompts", "similarity", "preprocessor"):
        assert getattr(after, name) == getattr(before, name), name
    ids = [FeatureExtractor.from_pretrained(f, preprocess=False).tokenizer.ids(SENTENCES) for f in (minilm, tmp_path / "out")]
    assert ids[0] == ids[1]


def test_the_record_of_terms_comes_along_from_an_old_layout(minilm, tiny, corpus, tmp_path):
    """Of sentence-transformers, with the encoder in a folder of its own."""
    source, with_terms = tmp_path / "source", tmp_path / "terms"
    shutil.copytree(tiny, source / "0_Transformer")
    shutil.copytree(minilm / "1_Pooling", source / "1_Pooling")
    pooling = json.loads((source / "1_Pooling/config.json").read_text())
    (source / "1_Pooling/config.json").write_text(json.dumps(pooling | {"word_embedding_dimension": 64}))
    modules = json.loads((minilm / "modules.json").read_text())[:2]
    (source / "modules.json").write_text(json.dumps([modules[0] | {"path": "0_Transformer"}, modules[1]]))
    add_terms(source, [Term("datastore", ("datas", "##tore"), 9, 9, 9)], with_terms)
    options = ["--phase", "16:1", "--batch-size", "2", "--evaluation-rows", "2", "--device", "cpu", "--no-clean", "-q"]
    assert vinilm("pretrain", corpus, "-m", with_terms, "-o", tmp_path / "out", *options) == 0
    assert (tmp_path / "out" / RECORD).read_bytes() == (with_terms / RECORD).read_bytes()
    assert TermChooser.of(open_model(tmp_path / "out")).known[0].term.term == "datastore"
    assert not (tmp_path / "out" / MARKER).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--phase", "256:5"], "phase 256:5: sequences of 256 tokens, but tiny reads 128 at most"),
        (["--phase", "128"], "LENGTH:STEPS or LENGTH:STEPS:BATCH is needed"),
        (["--heldout", "0"], "none of 120 texts is held out"),
        (["--heldout", "1.5"], "heldout=1.5 is out of range"),
        (["--mask", "1"], "mask share 1.0 is out of range"),
        (["--learning-rate", "0"], "learning_rate=0.0 is out of range"),
        (["--no-clean", "--preprocess", "x"], "--no-clean and --preprocess exclude each other"),
        (["--device", "cuda"], "there is no GPU that PyTorch can use here"),
    ],
)
def test_settings_that_cannot_be(tiny, corpus, tmp_path, capsys, options, message):
    if "cuda" in options and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert vinilm("pretrain", corpus, "-m", tiny, "-o", tmp_path / "out", "-q", *options) == 2
    told = capsys.readouterr().err
    assert told.startswith("vinilm: error: ")
    assert message in told
    assert told.count("\n") == 1


def test_inputs_that_cannot_be(tiny, corpus, tmp_path, capsys):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    for path, message in (
        (empty, "no text to train on (0 texts"),
        (tmp_path / "none.jsonl", "none.jsonl"),
        (tmp_path, "no text"),
    ):
        assert vinilm("pretrain", path, "-m", tiny, "-o", tmp_path / "out", "-q") == 2
        assert message in capsys.readouterr().err
    assert vinilm("pretrain", corpus, "-m", tiny, "-o", tiny, "-q") == 2
    assert "is not empty" in capsys.readouterr().err


def test_inputs_in_the_folder_of_the_run_are_left_alone(tiny, corpus, tmp_path, capsys):
    (tmp_path / "out/training/corpus").mkdir(parents=True)
    mine = shutil.copy(corpus, tmp_path / "out/training/corpus/docs.jsonl")
    (tmp_path / "link.jsonl").symlink_to(mine)
    for name in (mine, tmp_path / "link.jsonl", tmp_path / "out/training", tmp_path / "out/training/*/*.jsonl"):
        assert vinilm("pretrain", name, "-m", tiny, "-o", tmp_path / "out", *SMALL, "-q", "--resume") == 2
        assert "which belongs to the run; choose another place" in capsys.readouterr().err
    assert vinilm("pretrain", corpus, "-m", tiny, "-o", tmp_path / "out", *SMALL, "-q") == 2
    assert "is of no training run" in capsys.readouterr().err
    assert mine.read_bytes() == corpus.read_bytes()


@pytest.mark.parametrize("name", ["out", "out/training/corpus", "out/training/checkpoints/r.jsonl", "out/training/model/r.jsonl"])
def test_rejects_that_would_be_lost_are_refused_at_once(tiny, corpus, tmp_path, capsys, name):
    assert vinilm("pretrain", corpus, "-m", tiny, "-o", tmp_path / "out", "--rejects", tmp_path / name, *SMALL) == 2
    assert "rejects cannot be kept there" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_a_pipe_brings_is_read_in_each_run(tiny, corpus, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.jsonl")
    for content, status in (('{"text": "one"}\n', 2), (corpus.read_text(), 0)):
        writer = threading.Thread(target=(tmp_path / "pipe.jsonl").write_text, args=(content,))
        writer.start()
        assert vinilm("pretrain", tmp_path / "pipe.jsonl", "-m", tiny, "-o", tmp_path / "out", *SMALL, "-q") == status
        writer.join()
    assert "none of 1 texts is held out" in capsys.readouterr().err


def test_models_that_cannot_be(tiny, corpus, tmp_path, capsys):
    for name, change, message in (
        ("cut", {"bert.embeddings.word_embeddings.weight": torch.zeros(9, 64)}, "shape (9, 64)"),
        ("head", {f"cls.predictions.{name}": torch.zeros(3) for name in HEAD}, "the language-model head does not fit"),
    ):
        folder = tmp_path / name
        shutil.copytree(tiny, folder)
        weights = {f"bert.{key}": value for key, value in load_file(tiny / "model.safetensors").items()}
        save_file(weights | change, folder / "model.safetensors")
        assert vinilm("pretrain", corpus, "-m", folder, "-o", tmp_path / "out", "-q", *SMALL) == 2
        assert message in capsys.readouterr().err


HEAD = ("bias", "transform.dense.weight", "transform.dense.bias", "transform.LayerNorm.weight", "transform.LayerNorm.bias")


def test_another_corpus_cannot_be_gone_on_with(tiny, corpus, tmp_path, capsys):
    mine = tmp_path / "in.jsonl"
    shutil.copy(corpus, mine)
    assert vinilm("pretrain", mine, "-m", tiny, "-o", tmp_path / "out", *SMALL, "-q", "--max-minutes", "1e-9") == 2
    assert "the time is up" in capsys.readouterr().err
    mine.write_text(corpus.read_text() + '{"text": "one more"}\n')
    assert vinilm("pretrain", mine, "-m", tiny, "-o", tmp_path / "out", *SMALL, "-q", "--resume") == 2
    assert "cannot go on with the interrupted run: size of input 1 was " in capsys.readouterr().err


def test_a_run_does_not_go_on_with_damaged_tokens(tiny, corpus, tmp_path, capsys):
    options = ["pretrain", corpus, "-m", tiny, "-o", tmp_path / "out", *SMALL, "-q", "--resume"]
    index = tmp_path / "out/training/corpus/corpus.json"
    assert vinilm(*options, "--max-minutes", "1e-9") == 2
    index.write_bytes(index.read_bytes()[:-9])
    capsys.readouterr()
    assert vinilm(*options) == 2
    assert f"{index}: the tokens there are damaged (" in capsys.readouterr().err
    index.unlink()
    assert vinilm(*options) == 0


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bits(tiny, corpus, tmp_path):
    """With dropout, as the model has it; killed twice, wherever it is."""
    options = ["pretrain", corpus, "-m", tiny, *SMALL, "--phase", "16:40"]
    with process(*options, "-o", tmp_path / "whole") as whole:
        assert whole.wait(300) == 0
    for steps in (5, 23):
        with process(*options, "-o", tmp_path / "run", "--resume") as killed:
            kill_after(killed, tmp_path / "run", steps)
        assert killed.returncode == -signal.SIGKILL
        assert not (tmp_path / "run" / "config.json").exists()
    with process(*options, "-o", tmp_path / "run", "--resume") as last:
        assert last.wait(300) == 0
        assert "going on after step " in last.stderr.read()
    assert metrics(tmp_path / "run") == metrics(tmp_path / "whole")
    assert files(tmp_path / "run") == files(tmp_path / "whole")


@pytest.mark.slow
def test_interrupted_it_says_what_to_do(tiny, corpus, tmp_path):
    with process("pretrain", corpus, "-m", tiny, "-o", tmp_path / "run", *SMALL, "--phase", "16:100000") as run:
        while not (tmp_path / "run/training/checkpoints").is_dir():
            assert run.poll() is None, run.stderr.read()
        run.terminate()
        assert run.wait(60) == 128 + signal.SIGTERM
        assert run.stderr.read().splitlines()[-1] == f"{tmp_path}/run: interrupted; go on with --resume"


@pytest.mark.slow
def test_two_processes_do_as_one(tiny, corpus, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(tiny, model)
    config = json.loads((model / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (model / "config.json").write_text(json.dumps(config))
    with process("pretrain", corpus, "-m", model, "-o", tmp_path / "two", *SMALL, launcher=TWO_PROCESSES) as two:
        said = two.communicate(timeout=600)[1]
    assert two.returncode == 0, said
    assert said.count("120 texts") == 1
    assert vinilm("pretrain", corpus, "-m", model, "-o", tmp_path / "one", *SMALL, "-q") == 0
    one, two = figures(tmp_path / "one"), figures(tmp_path / "two")
    assert len(one) == len(two) > 8
    for a, b in zip(one, two, strict=True):
        assert a == pytest.approx(b, abs=1e-6, rel=1e-5)
    models = [load_file(tmp_path / name / "model.safetensors") for name in ("one", "two")]
    for name, tensor in models[0].items():
        torch.testing.assert_close(tensor, models[1][name], atol=1e-5, rtol=1e-4)
