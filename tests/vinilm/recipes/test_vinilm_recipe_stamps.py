"""What is kept of steps, and what makes room for one that runs again; nothing runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from vinilm.encoding.journal import Journal as VectorsJournal
from vinilm.recipes.reading import Step, read_recipe
from vinilm.recipes.stamps import clear
from vnlp_prep.corpus.journal import Journal
from vnlp_prep.corpus.writers import Partial
from vnlp_prep.errors import OutputError

RECIPE = """\
[clean]
inputs = "in.jsonl"

[encode]
inputs = "{clean}"
model = "some/model"
output = "vectors.npy"

[pretrain]
corpus = "{clean}"
model = "some/model"
"""


@pytest.fixture
def steps(tmp_path, monkeypatch) -> dict[str, Step]:
    monkeypatch.chdir(tmp_path)
    Path("r.toml").write_text(RECIPE)
    Path("out").mkdir()
    return {step.name: step for step in read_recipe(Path("r.toml"), output="out").steps}


def interrupted(step: Step) -> list[Journal | VectorsJournal | Partial]:
    """Leave what an interrupted run of a step leaves; return what it had open."""
    files = [Partial(str(step.output)), Partial(f"{step.output}.rejects.jsonl")] if step.name == "clean" else []
    for file in files:
        file.open()
    journal = Journal(str(step.output)) if step.name == "clean" else VectorsJournal(step.output)
    journal.start({"threshold": 0.8}, *([] if step.name == "clean" else [8]))
    return [*files, journal]


@pytest.mark.parametrize("name", ["clean", "encode"])
def test_what_an_interrupted_run_left_is_gone(steps, name):
    step = steps[name]
    step.output.write_text("earlier")
    for file in interrupted(step):
        file.abandon(keep=True) if isinstance(file, Partial) else file.close(keep=True)
    Path("out/.other.jsonl.vnlp-prep.journal").touch()
    assert len(list(Path("out").iterdir())) > 3
    clear(step)
    before = f"{step.output.name}.before"
    assert sorted(file.name for file in Path("out").iterdir()) == [".other.jsonl.vnlp-prep.journal", before]
    assert Path("out", before).read_text() == "earlier"


@pytest.mark.parametrize("name", ["clean", "encode"])
def test_a_run_that_goes_on_is_not_disturbed(steps, name):
    step = steps[name]
    step.output.write_text("earlier")
    opened = interrupted(step)
    before = sorted(Path("out").iterdir())
    with pytest.raises(OutputError, match="another run is writing it"):
        clear(step)
    assert sorted(Path("out").iterdir()) == before
    for file in opened:
        file.abandon() if isinstance(file, Partial) else file.close(keep=False)


def test_the_folder_of_an_interrupted_run_is_put_aside(steps):
    step = steps["pretrain"]
    for text in ("first", "second"):
        (step.output / "training").mkdir(parents=True)
        (step.output / "training" / "run.json").write_text(text)
        clear(step)
    assert [file.name for file in Path("out").iterdir()] == ["pretrain.before"]
    assert Path("out/pretrain.before/training/run.json").read_text() == "second"
