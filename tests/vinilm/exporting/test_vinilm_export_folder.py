"""The folder of an export without any format: what is copied, what is written beside it, what is refused. No torch needed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from model_folders import make_model, write

from vinilm.errors import ModelError
from vinilm.exporting.folder import whole_folder
from vinilm.exporting.formats import FORMATS, NAMES, by_format
from vinilm.exporting.run import Settings, export
from vinilm.models import open_model
from vnlp_prep import Preprocessor
from vnlp_prep.errors import InputError, OutputError

metadata_load = pytest.importorskip("huggingface_hub").metadata_load

NOTHING = Settings(formats=())


@pytest.fixture
def model(tmp_path):
    return make_model(tmp_path / "model", sentence=True)


def card_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_all_of_the_model_is_there_and_a_preprocessor(model, tmp_path):
    (model / "NOTICE").write_text("thanks")
    (model / "pytorch_model.bin").write_bytes(b"a pickle")
    (model / ".hidden.json").write_text("{}")
    (model / "README.md").write_text("---\nlicense: mit\nbase_model: acme/base\n---\n# theirs\n")
    write(model / "pytorch_model.bin.index.json", {})
    before = sorted(model.rglob("*"))
    export(model, tmp_path / "out", NOTHING)
    assert sorted(model.rglob("*")) == before
    out = tmp_path / "out"
    copied = open_model(out)
    assert copied.fingerprint == open_model(model).fingerprint
    assert Preprocessor.load(out).fingerprint == Preprocessor().fingerprint
    assert {f.relative_to(out).as_posix() for f in out.rglob("*") if f.is_file()} == {
        *("config.json", "model.safetensors", "tokenizer.json", "modules.json", "1_Pooling/config.json", "NOTICE"),
        *("sentence_bert_config.json", "config_sentence_transformers.json", "vnlp_prep.json", "lexicon.tsv"),
        *("README.md", "README.source.md", "SHA256SUMS", "export.json"),
    }
    assert (out / "README.source.md").read_bytes() == (model / "README.md").read_bytes()
    done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=out, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": OK\n") == 13
    head = metadata_load(out / "README.md")
    assert (head["license"], head["base_model"], head["pipeline_tag"]) == ("mit", "acme/base", "sentence-similarity")
    assert "cleaned by the preprocessor in this folder" in card_of(out)


def test_its_own_preprocessor_stays(model, tmp_path):
    Preprocessor(stages=("html",)).save(model)
    export(model, tmp_path / "out", NOTHING)
    assert Preprocessor.load(tmp_path / "out").stages == ("html",)


def test_without_cleaning(model, tmp_path):
    export(model, tmp_path / "out", Settings(formats=(), clean=False))
    assert open_model(tmp_path / "out").preprocessor is None
    assert "Plain English text, as it is." in card_of(tmp_path / "out")
    assert "vnlp_prep" not in card_of(tmp_path / "out")
    with pytest.raises(ModelError, match="has no preprocessor"):
        export(model, tmp_path / "other", Settings(formats=(), clean=False, modules="cleaning"))


def test_sentence_transformers_cleans_or_not(model, tmp_path):
    def first(folder: Path) -> str:
        return json.loads((folder / "modules.json").read_text())[0]["type"]

    export(model, tmp_path / "a", Settings(formats=(), modules="cleaning"))
    assert first(tmp_path / "a") == "vinilm.integrations.sentence_transformers.CleaningTransformer"
    assert "import vinilm.integrations.sentence_transformers" in card_of(tmp_path / "a")
    export(tmp_path / "a", tmp_path / "b", NOTHING)
    assert first(tmp_path / "b") == first(tmp_path / "a")
    export(tmp_path / "a", tmp_path / "c", Settings(formats=(), modules="plain"))
    assert first(tmp_path / "c") == "sentence_transformers.models.Transformer"
    assert "import vinilm.integrations.sentence_transformers" not in card_of(tmp_path / "c")
    assert len({open_model(tmp_path / name).fingerprint for name in "abc"}) == 1


def test_the_folder_of_an_old_version_becomes_one_of_today(model, tmp_path):
    encoder = model / "0_Transformer"
    encoder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "sentence_bert_config.json"):
        (model / name).rename(encoder / name)
    modules = json.loads((model / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    write(model / "modules.json", modules)
    assert open_model(model).encoder != model
    export(model, tmp_path / "out", NOTHING)
    found = open_model(tmp_path / "out")
    assert found.encoder == found.path
    assert found.fingerprint == open_model(model).fingerprint
    assert not (tmp_path / "out" / "0_Transformer").exists()


def test_what_was_trained_stands_in_the_card_and_no_path_does(model, tmp_path):
    identity = {"command": "distill", "learning-rate": 6e-4, "input 1": "/home/me/secret/docs.jsonl", "phases": ["128:600"]}
    identity |= {"time of change of input 1": 123456789, "max-ratio": 200.0}
    write(model / "training" / "run.json", {"finished": True, "identity": identity})
    lines = [{"step": 0, "evaluation": {"loss": 3.0}}, {"step": 1, "loss": 3.2}, {"step": 600, "evaluation": {"loss": 1.25}}]
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"step": 601, "evaluation": {"lo'
    (model / "training" / "metrics.jsonl").write_text(text)
    (model / "domain_terms.tsv").write_text("id\tslot\tterm\n5\t[unused0]\tvsphere\n6\t[unused1]\tvmotion\n")
    export(model, tmp_path / "out", NOTHING)
    card = card_of(tmp_path / "out")
    assert "| learning-rate | 0.0006 |\n" in card
    assert "| input 1 | docs.jsonl |\n" in card
    assert "| after 600 steps | 1.25 |\n" in card
    assert "2 terms of the domain" in card
    for file in ("README.md", "training.json", "export.json"):
        content = (tmp_path / "out" / file).read_text()
        assert "secret" not in content
        assert "123456789" not in content
        assert str(tmp_path) not in content
    # An export is a model folder: what it tells is told by an export of it, too.
    export(tmp_path / "out", tmp_path / "again", NOTHING)
    assert "| after 600 steps | 1.25 |\n" in card_of(tmp_path / "again")


def test_results_and_the_recipe_stand_in_the_card(model, tmp_path):
    results = tmp_path / "evaluation"
    results.mkdir()
    (results / "results.md").write_text(
        "# Evaluation\n\n![F](chart.svg)\n\n## kb: 5 queries\n\n| a | b |\n|---|---|\n| x | 0.642 |\n"
    )
    (results / "results.json").write_text("{}")
    (results / "chart.svg").write_text("<svg/>")
    recipe = tmp_path / "my.toml"
    recipe.write_text('[recipe]\nname = "mine"\n')
    export(model, tmp_path / "out", Settings(formats=(), results=str(results), recipe=str(recipe), name="acme/mine"))
    card = card_of(tmp_path / "out")
    assert "\n## Figures\n" in card
    assert "\n### kb: 5 queries\n\n| a | b |\n|---|---|\n| x | 0.642 |\n" in card
    assert "](evaluation/chart.svg)" in card
    assert (tmp_path / "out" / "evaluation" / "chart.svg").is_file()
    assert '```toml\n[recipe]\nname = "mine"\n```' in card
    assert (tmp_path / "out" / "recipe.toml").read_bytes() == recipe.read_bytes()
    assert card.count("\n# ") == 1
    assert 'from_pretrained("acme/mine")' in card
    with pytest.raises(InputError, match=r"no results\.md there"):
        export(model, tmp_path / "other", Settings(formats=(), results=str(tmp_path)))


def test_notes_stand_in_the_card(model, tmp_path):
    (tmp_path / "notes.md").write_text("## Data\n\nTickets of 2025.\n")
    export(model, tmp_path / "out", Settings(formats=(), notes=str(tmp_path / "notes.md")))
    assert "\n## Data\n\nTickets of 2025.\n\n## What text it expects\n" in card_of(tmp_path / "out")
    with pytest.raises(InputError, match=r"none\.md: cannot be read"):
        export(model, tmp_path / "out", Settings(formats=(), notes=str(tmp_path / "none.md")))


def test_a_head_that_cannot_be_read_is_none(model, tmp_path):
    (model / "README.md").write_bytes(b"---\nlicense: [\xff\n---\n")
    export(model, tmp_path / "out", NOTHING)
    assert "license" not in metadata_load(tmp_path / "out" / "README.md")
    assert "Not stated" in card_of(tmp_path / "out")


# Where it is written


def test_an_export_is_replaced_as_a_whole(model, tmp_path):
    out = tmp_path / "out"
    export(model, out, NOTHING)
    (out / "stale.json").write_text("{}")
    out.chmod(0o750)
    export(model, out, NOTHING)
    assert not (out / "stale.json").exists()
    assert out.stat().st_mode & 0o777 == 0o750
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "out"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("model", "is the model that is exported"),
        ("model/out", "lies in the other"),
        (".", "lies in the other"),
        ("file", "is a file"),
        ("link", "is a link"),
        ("full", "is not empty, and what is there is no export"),
        ("no/out", "there is no folder no"),
    ],
)
def test_places_that_are_refused(model, tmp_path, monkeypatch, target, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=says):
        export("model", target, NOTHING)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_fails_leaves_an_earlier_export_as_it_was(model, tmp_path):
    out = tmp_path / "out"
    export(model, out, NOTHING)
    before = {f: f.read_bytes() for f in out.rglob("*") if f.is_file()}

    def fail() -> None:
        with whole_folder(out) as part:
            (part / "half.json").write_text("{")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        fail()
    assert {f: f.read_bytes() for f in out.rglob("*") if f.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "out"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OutputError])
def test_what_comes_between_the_two_renames_is_taken_back(model, tmp_path, monkeypatch, error):
    out = tmp_path / "out"
    export(model, out, NOTHING)
    (out / "mine.txt").write_text("earlier")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            assert not out.exists()
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(error):
        export(model, out, NOTHING)
    assert (out / "mine.txt").read_text() == "earlier"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "out"]


def test_a_model_that_is_none(tmp_path):
    shutil.copytree(make_model(tmp_path / "model"), tmp_path / "broken")
    (tmp_path / "broken" / "config.json").write_text("{")
    with pytest.raises(ModelError):
        export(tmp_path / "broken", tmp_path / "out", NOTHING)
    assert not (tmp_path / "out").exists()


def test_formats_by_name():
    assert by_format(NAMES) == {name: list(kinds) for name, kinds in FORMATS.items()}
    assert by_format(["keras", "onnx:int8", "keras", "onnx:float32"]) == {"onnx": ["float32", "int8"], "keras": ["float32"]}
