"""map_batch with the real library: columns, missing texts, errors, processes, and what ``datasets`` may keep."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.errors import SettingsError
from vnlp_prep.lexicon.files import Term
from vnlp_prep.lexicon.wordpiece import WordPieces

datasets = pytest.importorskip("datasets")
ROWS = {
    "id": [1, 2, 3, 4],
    "title": ["Teh log", None, "AT&amp;T", ""],
    "text": ["I recieve nothing", "so do I!!!!", None, "<b>bold</b>"],
}
TEXT = ["I receive nothing", "so do I!", None, "bold"]
TITLE = ["The log", None, "AT&T", ""]
PIECES = ["name", "space", "host", "##name", "##pace"]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    datasets.disable_progress_bars()


def table() -> datasets.Dataset:
    return datasets.Dataset.from_dict(ROWS)


def test_the_column_text_is_cleaned_and_the_others_stay():
    cleaned = table().map(Preprocessor().map_batch, batched=True, batch_size=3)
    assert cleaned.to_dict() == {**ROWS, "text": TEXT}


@pytest.mark.parametrize("fields", [["title"], "title", ("text", "title")])
def test_named_columns_are_cleaned(fields):
    cleaned = table().map(Preprocessor().map_batch, batched=True, fn_kwargs={"fields": fields})
    assert cleaned["title"][:] == TITLE
    assert cleaned["text"][:] == (TEXT if "text" in fields else ROWS["text"])


def test_only_the_cleaned_columns_are_returned():
    assert Preprocessor().map_batch(ROWS, fields=["title"]) == {"title": TITLE}
    assert Preprocessor().map_batch({"text": []}) == {"text": []}


def test_a_missing_column_is_named():
    with pytest.raises(SettingsError, match=r"no column 'body' \(there are: id, title, text\); name .* fields="):
        table().map(Preprocessor().map_batch, batched=True, fn_kwargs={"fields": ["body"]})


@pytest.mark.parametrize("value", [5, ["a list"], {"a": "dict"}, b"bytes"])
def test_a_value_that_is_no_text_is_named(value):
    with pytest.raises(TypeError, match=f"column 'text', row 1 of the batch: expected a str or None, not {type(value).__name__}"):
        Preprocessor().map_batch({"text": ["a", value]})


def test_two_processes_give_the_same():
    assert table().map(Preprocessor().map_batch, batched=True, num_proc=2).to_dict() == {**ROWS, "text": TEXT}


def fingerprint(prep: Preprocessor) -> str:
    return datasets.fingerprint.Hasher.hash(prep.map_batch)


def test_equal_preprocessors_have_equal_hashes_whatever_they_have_cleaned():
    used = Preprocessor()
    used.map_batch(ROWS)
    assert fingerprint(used) == fingerprint(Preprocessor()) == fingerprint(Preprocessor(lexicon=Lexicon()))


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 0.9},
        {"stages": ["html"]},
        {"html": "page"},
        {"lexicon": Lexicon([Term("frobnicator")])},
        {"vocabulary": WordPieces(PIECES)},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_other_settings_have_other_hashes(settings):
    assert fingerprint(Preprocessor(**settings)) != fingerprint(Preprocessor())
    assert fingerprint(Preprocessor(**settings)) == fingerprint(Preprocessor(**settings))


def test_another_version_has_another_hash(monkeypatch):
    before = fingerprint(Preprocessor())
    monkeypatch.setattr("vnlp_prep.__version__", "99.0")
    assert fingerprint(Preprocessor()) != before


def test_the_hash_is_the_same_in_every_process():
    """Python orders sets of strings otherwise in each process; what ``datasets`` keeps on disk has to be found again."""
    code = (
        "import datasets; from vnlp_prep import Preprocessor; from vnlp_prep.lexicon.wordpiece import WordPieces;"
        f"print(datasets.fingerprint.Hasher.hash(Preprocessor(vocabulary=WordPieces({PIECES})).map_batch))"
    )
    hashes = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        hashes.add(
            subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        )
    assert len(hashes) == 1


def test_what_was_kept_on_disk_is_used_again(tmp_path: Path):
    table().save_to_disk(str(tmp_path / "kept"))

    def files(prep: Preprocessor) -> list[str]:
        dataset = datasets.load_from_disk(str(tmp_path / "kept"))
        return [f["filename"] for f in dataset.map(prep.map_batch, batched=True).cache_files]

    first = files(Preprocessor())
    assert first == files(Preprocessor())
    assert first != files(Preprocessor(threshold=0.9))
