"""Distillation from end to end, with small models: what moves, what stays, what does not depend on company."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from safetensors.torch import load_file  # noqa: E402
from training_runs import TWO_PROCESSES, figures, files, kill_after, metrics, process, vinilm  # noqa: E402

from vinilm import FeatureExtractor  # noqa: E402
from vinilm.distillation.data import DistillationData  # noqa: E402
from vinilm.distillation.encoders import load_encoder  # noqa: E402
from vinilm.distillation.plan import Plan  # noqa: E402
from vinilm.distillation.projections import Projections, end_at_projections  # noqa: E402
from vinilm.distillation.settings import DistillationSettings  # noqa: E402
from vinilm.distillation.student import Beginning, NewShape  # noqa: E402
from vinilm.distillation.task import Distillation, MicroBatch  # noqa: E402
from vinilm.distillation.texts import Texts, Words, crops  # noqa: E402
from vinilm.models import open_model  # noqa: E402
from vinilm.tokens import Tokenizer  # noqa: E402
from vinilm.training.settings import Phase, TrainingSettings  # noqa: E402
from vnlp_prep.errors import SettingsError  # noqa: E402

SENTENCES = [
    "The virtual machine does not start after the datastore was moved to another host.",
    "Set the path of the certificate before you restart the management appliance.",
    "Open the firewall for port 443, then register the cluster with the portal.",
    "A snapshot is kept until the policy removes it; see the log for the reason.",
    "Backups of the database run every night and are kept for thirty days.",
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("corpus") / "docs.jsonl"
    records = [{"text": " ".join(SENTENCES[(n + i) % 5] for i in range(1 + n % 4)) + f" Case {n}."} for n in range(60)]
    file.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return file


SMALL = ("--phase", "16:6", "--batch-size", "8", "--device", "cpu")


def distill(corpus: Path, output: Path, *arguments: object) -> int:
    return vinilm("distill", corpus, "-o", output, *SMALL, *arguments)


def task_of(tiny: Path, settings: DistillationSettings, beginning: Beginning, sentences=None, **training) -> Distillation:
    source = open_model(tiny)
    tokenizer = Tokenizer.load(source.tokenizer, lower_case=source.lower_case)
    plan = Plan.of(
        settings, TrainingSettings((Phase(16, 4),), **training), source, tokenizer, beginning.hidden_size, preprocessor=None
    )
    from vinilm.training.chunks import Chunks
    from vinilm.training.tokens import Tokens

    ids = [i for text in tokenizer.ids(SENTENCES) for i in text[1:-1]]
    tokens = Tokens(tiny, "train", np.array(ids), np.array([0, len(ids)]))
    spans = np.array([[at, min(at + 5 + at % 9, len(ids))] for at in range(0, len(ids), 7)])
    chunks = Chunks(tokens, 16, spans, *tokenizer.ids([""])[0])
    return Distillation(plan, beginning, sentences, DistillationData(None, [chunks], chunks))  # type: ignore[arg-type]


def test_the_student_learns_and_the_teacher_stays(tiny, corpus, tmp_path, capsys):
    before = (tiny / "model.safetensors").read_bytes()
    out = tmp_path / "student"
    assert distill(corpus, out, "--teacher", str(tiny), "--layers", "2", "--alignment", "1", "--learning-rate", "1e-3") == 0
    lines = [json.loads(line) for line in (out / "training" / "metrics.jsonl").read_text().splitlines()]
    figures = [line["evaluation"] for line in lines if "evaluation" in line]
    assert figures[-1]["relations"] < figures[0]["relations"]
    assert figures[-1]["alignment"] < figures[0]["alignment"]
    assert (tiny / "model.safetensors").read_bytes() == before
    assert "relations of layer 2 of 2, in 4 heads" in capsys.readouterr().err
    teacher, student = load_file(tiny / "model.safetensors"), load_file(out / "model.safetensors")
    assert not torch.equal(
        student["encoder.layer.0.attention.self.query.weight"], teacher["encoder.layer.1.attention.self.query.weight"]
    )
    fx = FeatureExtractor.from_pretrained(out)
    assert fx.model.shape.num_hidden_layers == 1
    assert fx.preprocessor is not None
    assert fx.encode(["The cluster"]).shape == (1, 64)


def test_a_new_student_has_the_sizes_that_were_asked_for(tiny, corpus, tmp_path):
    out = tmp_path / "student"
    shape = ("--new", "1x32x2", "--intermediate-size", "48", "--relation-heads", "4", "--alignment", "1", "--mlm", "0.5")
    assert distill(corpus, out, "--teacher", str(tiny), *shape) == 0
    config = json.loads((out / "config.json").read_text())
    assert [config[k] for k in ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size")] == [1, 32, 2, 48]
    assert open_model(out).shape.intermediate_size == 48
    first, line = metrics(out)[:2]
    assert {"relations", "alignment", "mlm"} <= line.keys()
    held_out = first["evaluation"]
    assert held_out["loss"] == pytest.approx(held_out["relations"] + held_out["alignment"] + 0.5 * held_out["mlm"])
    assert held_out["mlm"] == pytest.approx(np.log(30522), rel=0.1)  # it knows nothing yet


def test_another_model_as_student_and_as_sentence_teacher(tiny, minilm, corpus, tmp_path, capsys):
    out = tmp_path / "student"
    arguments = ("--student", str(tiny), "--alignment", "1", "--sentence-teacher", str(minilm), "--relations", "0")
    assert distill(corpus, out, "--teacher", str(tiny), *arguments) == 0
    assert "relations of layer" not in capsys.readouterr().err
    assert distill(corpus, tmp_path / "other", "--teacher", str(tiny), "--layers", "1,3") == 2
    assert "tiny has the layers 1 to 2, but no layer 3" in capsys.readouterr().err


def test_relations_alone_train_nothing_that_gets_no_gradient(tiny):
    task = task_of(tiny, DistillationSettings(), Beginning(open_model(tiny), layers=(1, 2)))
    (micro_batch,) = task.batch(0, 0, 1)
    task.model.train()
    task.loss(micro_batch, task.items(micro_batch))[0].backward()
    for name, parameter in task.model.named_parameters():
        assert parameter.requires_grad == (parameter.grad is not None), name
    assert all(p.grad is None for p in task._teacher.encoder.parameters())
    assert not task._teacher.encoder.training
    frozen = {name for name, p in task.model.named_parameters() if not p.requires_grad}
    assert {name.split("layer.")[1][:2] for name in frozen} == {"1."}  # of the last layer only


def test_what_nobody_asks_for_is_not_computed_and_changes_nothing(tiny):
    """Behind the projections of a last layer: attention, feed-forward network."""
    ids = torch.tensor([[2, 7, 9, 11, 3], [2, 8, 3, 0, 0]])
    mask = (ids != 0).long()
    whole, part = (load_encoder(open_model(tiny)).eval() for _ in range(2))
    names = list(part.state_dict())
    with Projections(whole, 1) as wanted, Projections(part, 1) as caught:
        end_at_projections(part)
        part.encoder.layer[1].output.dense.register_forward_hook(lambda *_: pytest.fail("computed"))
        whole(ids, mask), part(ids, mask)
        for a, b in zip(wanted.take(), caught.take(), strict=True):
            assert torch.equal(a, b)
    assert list(part.state_dict()) == names


def test_the_loss_of_texts_does_not_depend_on_their_company(tiny):
    settings = DistillationSettings(alignment=2.0, mlm=1.0)
    task = task_of(tiny, settings, Beginning(open_model(tiny), layers=(1,)))
    task.model.eval()
    micro_batches = task.batch(1, 0, 1)
    assert [m.has_relations for m in micro_batches] == [False, True]
    whole = micro_batches[1]
    items = task.items(whole)
    loss, parts = task.loss(whole, items)
    total, sums = 0.0, dict.fromkeys(parts, 0.0)
    for row in range(len(whole.texts)):
        length = int(whole.texts.mask[row].sum())
        # Alone, and with more padding than it has in company.
        texts = Texts.of([whole.texts.ids[row, :length], np.ones(whole.texts.ids.shape[1] + 3)], 0)
        texts = Texts(texts.ids[:1], texts.mask[:1])
        labels = np.full_like(texts.ids, -100)
        labels[0, :length] = whole.masked[1][row, :length]
        ids = texts.ids.copy()
        ids[0, :length] = whole.masked[0][row, :length]
        share, shares = task.loss(MicroBatch(texts, None, has_relations=True, masked=(ids, labels)), items)
        total += share.item()
        sums = {name: sums[name] + shares[name].item() for name in sums}
    assert total == pytest.approx(loss.item(), rel=1e-5)
    assert sums == pytest.approx({name: part.item() for name, part in parts.items()}, rel=1e-5)


def test_a_step_is_the_same_for_any_number_of_processes_and_micro_batches(tiny):
    beginning = Beginning(open_model(tiny), layers=(2,))
    losses = []
    for world, micro_batch in ((1, None), (2, None), (1, 3)):
        task = task_of(tiny, DistillationSettings(alignment=1.0, mlm=1.0), beginning, micro_batch=micro_batch)
        task.model.eval()
        micro_batches = [m for rank in range(world) for m in task.batch(2, rank, world)]
        items = {name: sum(task.items(m)[name] for m in micro_batches) for name in task.items(micro_batches[0])}
        losses.append(sum(task.loss(m, items)[0].item() for m in micro_batches))
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


def test_what_begins_at_random_depends_on_the_seed_alone(tiny):
    """Else another process, or the same command again, trains another model."""

    def weights(seed: int) -> dict[str, torch.Tensor]:
        torch.randn(3)  # whoever drew before
        beginning = Beginning(open_model(tiny), shape=NewShape(1, 32, 2))
        return task_of(tiny, DistillationSettings(alignment=1, mlm=1), beginning, seed=seed).model.state_dict()

    one, again, other = weights(1), weights(1), weights(2)
    assert {"bridge.weight", "head.0.weight"} <= one.keys()
    assert all(torch.equal(tensor, again[name]) for name, tensor in one.items())
    different = {name.split(".")[0] for name, tensor in one.items() if not torch.equal(tensor, other[name])}
    assert different == {"encoder", "bridge", "head"}


def test_a_student_that_reads_other_tokens_is_refused(tiny, tmp_path):
    import shutil

    other = tmp_path / "other"
    shutil.copytree(tiny, other)
    tokenizer = json.loads((other / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["vsphere"] = vocabulary.pop("[unused5]")
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(SettingsError, match=r"different vocabularies \('\[unused5\]' is the first difference\)"):
        Beginning(open_model(tiny), model=open_model(other))


def test_a_beginning_is_one_of_three():
    with pytest.raises(SettingsError, match="one of --layers, --student and --new"):
        Beginning(None)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="no multiple of 5 attention heads"):
        NewShape(2, 32, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--layers", "1,x"), "'1,x': numbers of layers with commas between are needed"),
        (("--new", "6"), "'6': LAYERSxHIDDEN or LAYERSxHIDDENxHEADS is needed"),
        (("--new", "2x30x4"), "a hidden size of 30 is no multiple of 4 attention heads"),
        (("--layers", "1", "--student", "{tiny}"), "one of --layers, --student and --new is needed"),
        (("--layers", "1,1"), "each of the teacher's layers can be taken once, not 1, 1"),
        (("--layers", "1", "--intermediate-size", "9"), "--intermediate-size is for --new"),
        (("--layers", "1", "--relation-heads", "3"), "relation-heads 3 must divide the hidden size 64 of the teacher"),
        (("--layers", "1", "--teacher-layer", "3"), "teacher-layer=3 is out of range: the teacher has the layers 1 to 2"),
        (("--layers", "1", "--relations", "0"), "there is nothing to learn"),
        (("--layers", "1", "--phase", "256:1"), "sequences of 256 tokens, but tiny reads 128 at most"),
        (("--layers", "1", "--heldout", "0"), "none of 60 texts is held out"),
        (("--layers", "1", "--sentence-teacher", "{tiny}"), "--sentence-teacher needs --alignment"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(tiny, corpus, tmp_path, capsys, arguments, message):
    given = [a.format(tiny=tiny) for a in arguments]
    assert distill(corpus, tmp_path / "out", "--teacher", tiny, *given) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not (tmp_path / "out" / "config.json").exists()


def test_a_student_that_reads_less_than_its_teacher_is_not_given_more(tiny, minilm, corpus, tmp_path, capsys):
    assert distill(corpus, tmp_path / "out", "--teacher", minilm, "--student", tiny, "--phase", "256:1") == 2
    assert "sequences of 256 tokens, but tiny reads 128 at most" in capsys.readouterr().err


def test_relation_heads_of_narrow_and_of_published_models():
    found = [DistillationSettings().heads_of(*sizes) for sizes in ((8, 8), (12, 8), (768, 384), (1024, 768), (1024, 1024))]
    assert found == [1, 1, 48, 64, 64]


def test_an_empty_corpus_is_no_corpus(tiny, tmp_path, capsys):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n\n")
    assert distill(empty, tmp_path / "out", "--teacher", tiny, "--layers", "1") == 2
    assert "empty.jsonl: no text to train on" in capsys.readouterr().err


def test_crops_are_whole_words_of_their_sequence(tiny):
    source = open_model(tiny)
    tokenizer = Tokenizer.load(source.tokenizer, lower_case=True)
    words = Words.of(tokenizer)
    sequences = [np.array(ids) for ids in tokenizer.ids([*SENTENCES, "kubernetes", "a"])]
    found = crops(sequences, np.arange(7), words, 3, seed=1, step=5)
    assert len(found) == 21
    for number, crop in enumerate(found):
        whole = words.written(sequences[number // 3]).split()
        part = words.written(crop).split()
        assert part
        assert any(whole[i : i + len(part)] == part for i in range(len(whole)))
        assert tokenizer.ids([words.written(crop)])[0] == crop.tolist()  # read again, it is the same
    again = crops(sequences[2:], np.arange(2, 7), words, 3, seed=1, step=5)
    assert all(np.array_equal(a, b) for a, b in zip(found[6:], again, strict=True))
    assert len({len(crop) for crop in found}) > 3


@pytest.mark.slow
def test_a_killed_distillation_goes_on_to_the_same_bits(tiny, corpus, tmp_path):
    """With dropout and words that are hidden; killed twice, wherever it is."""
    options = ["distill", corpus, "--teacher", tiny, "--layers", "2", "--alignment", "1", "--mlm", "1", "--dropout", "0.1"]
    options += [*SMALL, "--phase", "16:40", "--checkpoint-every", "3"]
    with process(*options, "-o", tmp_path / "whole") as whole:
        assert whole.wait(300) == 0
    for lines in (5, 23):
        with process(*options, "-o", tmp_path / "run", "--resume") as killed:
            kill_after(killed, tmp_path / "run", lines)
        assert killed.returncode == -signal.SIGKILL
        assert not (tmp_path / "run" / "config.json").exists()
    with process(*options, "-o", tmp_path / "run", "--resume") as last:
        assert last.wait(300) == 0
        assert "going on after step " in last.stderr.read()
    assert metrics(tmp_path / "run") == metrics(tmp_path / "whole")
    assert files(tmp_path / "run") == files(tmp_path / "whole")


@pytest.mark.slow
def test_two_processes_distill_as_one(tiny, corpus, tmp_path):
    options = ("distill", corpus, "--teacher", tiny, "--layers", "2", "--alignment", "1", "--mlm", "1", *SMALL)
    with process(*options, "-o", tmp_path / "two", launcher=TWO_PROCESSES) as two:
        said = two.communicate(timeout=600)[1]
    assert two.returncode == 0, said
    assert said.count("60 texts") == 1
    assert vinilm(*options, "-o", tmp_path / "one", "-q") == 0
    one, two = figures(tmp_path / "one"), figures(tmp_path / "two")
    assert len(one) == len(two) == 8
    for a, b in zip(one, two, strict=True):
        assert a == pytest.approx(b, abs=1e-6, rel=1e-5)
    models = [load_file(tmp_path / name / "model.safetensors") for name in ("one", "two")]
    for name, tensor in models[0].items():
        torch.testing.assert_close(tensor, models[1][name], atol=1e-5, rtol=1e-4)
