"""A saved folder in sentence-transformers: it cleans by itself, and gives FeatureExtractor's vectors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinilm import FeatureExtractor
from vinilm.errors import ModelError
from vinilm.integrations.modules_json import CLEANING_TRANSFORMER, write_modules
from vnlp_prep import Preprocessor

st = pytest.importorskip("sentence_transformers")
cleaning = pytest.importorskip("vinilm.integrations.sentence_transformers")


def load(folder: Path) -> Any:
    return st.SentenceTransformer(str(folder), device="cpu", local_files_only=True)


@pytest.fixture(scope="module")
def model(prompted: Path) -> Any:
    return load(prompted)


@pytest.fixture(scope="module")
def extractor(prompted: Path) -> FeatureExtractor:
    return FeatureExtractor.from_pretrained(prompted)


def test_the_saved_preprocessor_is_in_the_model(model: Any) -> None:
    assert isinstance(model[0], cleaning.CleaningTransformer)
    assert model[0].preprocessor("Teh clientt recieve") == "Teh client receive"  # "teh" is a term of this model


@pytest.mark.parametrize("method", ["encode", "encode_query", "encode_document"])
def test_same_vectors_as_the_extractor(model: Any, extractor: FeatureExtractor, raw_texts: list[str], method: str) -> None:
    ours, theirs = getattr(extractor, method)(raw_texts), getattr(model, method)(raw_texts)
    np.testing.assert_allclose(theirs, ours, atol=1e-5)


def test_cleaning_changes_the_vectors(model: Any, raw_texts: list[str]) -> None:
    raw, clean = model.encode(raw_texts[:1]), model.encode([model[0].preprocessor(raw_texts[0])])
    np.testing.assert_array_equal(raw, clean)
    model[0].preprocessor, kept = Preprocessor(stages=()), model[0].preprocessor
    try:
        assert np.abs(model.encode(raw_texts[:1]) - raw).max() > 1e-3
    finally:
        model[0].preprocessor = kept


def test_the_prompt_is_not_cleaned(model: Any, extractor: FeatureExtractor) -> None:
    prompt = "Recieve <b>this</b>:"
    np.testing.assert_allclose(model.encode(["teh log"], prompt=prompt), extractor.encode(["teh log"], prompt=prompt), atol=1e-5)


def test_pairs_and_dictionaries_are_cleaned(model: Any) -> None:
    clean = model[0].preprocess([("a recieve", "b sooooo")])["input_ids"]
    np.testing.assert_array_equal(clean, model[0].preprocess([("a receive", "b so")])["input_ids"])
    assert model[0]._cleaned({"text": "recieve", "image": 3}) == {"text": "receive", "image": 3}


def test_saved_by_sentence_transformers_it_still_cleans(model: Any, raw_texts: list[str], tmp_path: Path) -> None:
    model.save_pretrained(str(tmp_path))
    again, expected = load(tmp_path), model.encode_query(raw_texts)
    assert again[0].preprocessor.fingerprint == model[0].preprocessor.fingerprint
    np.testing.assert_array_equal(again.encode_query(raw_texts), expected)
    ours = FeatureExtractor.from_pretrained(tmp_path)
    assert ours.max_tokens == 100
    np.testing.assert_allclose(ours.encode_query(raw_texts), expected, atol=1e-5)


def test_the_real_model(minilm: Path, tmp_path: Path, raw_texts: list[str]) -> None:
    FeatureExtractor.from_pretrained(minilm).save_pretrained(tmp_path / "saved")
    extractor = FeatureExtractor.from_pretrained(tmp_path / "saved")
    np.testing.assert_allclose(load(tmp_path / "saved").encode(raw_texts), extractor.encode(raw_texts), atol=1e-5)


def test_cleaning_is_added_to_a_model(minilm: Path, tmp_path: Path) -> None:
    model = load(minilm)
    before = model.encode(["receive"])
    assert np.abs(model.encode(["recieve"]) - before).max() > 1e-3
    cleaning.add_cleaning(model)
    np.testing.assert_array_equal(model.encode(["recieve"]), before)
    model.save_pretrained(str(tmp_path))
    np.testing.assert_array_equal(load(tmp_path).encode(["recieve"]), before)


def test_cleaning_is_not_added_to_something_else() -> None:
    words = st.sentence_transformer.modules.BoW(["a", "b"])
    with pytest.raises(TypeError, match="begins with a BoW"):
        cleaning.add_cleaning(st.SentenceTransformer(modules=[words], device="cpu"))


def test_one_step_of_training(prompted: Path, tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    datasets = pytest.importorskip("datasets")
    model = load(prompted)
    seen: list[str] = []
    model[0].preprocessor = Recording(model[0].preprocessor, seen)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    args = st.SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path), max_steps=1, per_device_train_batch_size=2, use_cpu=True, report_to=[], save_strategy="no",
        learning_rate=0.1, warmup_steps=0, disable_tqdm=True,
    )  # fmt: skip
    data = datasets.Dataset.from_dict({"anchor": ["teh log", "we recieve"], "positive": ["the log", "we receive"]})
    loss = st.sentence_transformer.losses.MultipleNegativesRankingLoss(model)
    st.SentenceTransformerTrainer(model=model, args=args, train_dataset=data, loss=loss).train()
    assert {"teh log", "we recieve"} <= set(seen)
    moved = [name for name, p in model.named_parameters() if (p != before[name]).any()]
    assert any("query" in name for name in moved)
    assert any("word_embeddings" in name for name in moved)


class Recording:
    """A preprocessor that notes what it was given."""

    def __init__(self, inner: Preprocessor, seen: list[str]) -> None:
        self.inner, self.seen = inner, seen

    def __call__(self, text: str) -> str:
        self.seen.append(text)
        return self.inner(text)


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200)


def test_in_another_process_the_module_must_be_known(prompted: Path) -> None:
    """Without the import, sentence-transformers refuses rather than leaves the cleaning out."""
    script = f"""
from sentence_transformers import SentenceTransformer
try:
    SentenceTransformer({str(prompted)!r}, device="cpu")
except ValueError as error:
    assert {CLEANING_TRANSFORMER!r} in str(error), error
else:
    raise SystemExit("it was loaded")
import vinilm.integrations.sentence_transformers
print(type(SentenceTransformer({str(prompted)!r}, device="cpu")[0]).__name__)
"""
    done = run(script)
    assert (done.returncode, done.stdout.strip()) == (0, "CleaningTransformer"), done.stderr[-2000:]


def test_the_files_are_written_without_sentence_transformers(tmp_path: Path) -> None:
    script = f"""
import sys
from vinilm.integrations.modules_json import write_modules
write_modules({str(tmp_path)!r}, hidden_size=8, pooling="cls", normalize=True, max_tokens=9)
assert not {{"sentence_transformers", "torch", "transformers"}} & set(sys.modules), "heavy imports"
"""
    done = run(script)
    assert done.returncode == 0, done.stderr[-2000:]
    types = [module["type"] for module in json.loads((tmp_path / "modules.json").read_text())]
    assert types == [CLEANING_TRANSFORMER, "sentence_transformers.models.Pooling", "sentence_transformers.models.Normalize"]


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("normalize", [False, True])
def test_each_pooling(tiny: Path, tmp_path: Path, raw_texts: list[str], pooling: str, normalize: bool) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    write_modules(folder, hidden_size=64, pooling=pooling, normalize=normalize, max_tokens=20, clean=False)
    extractor = FeatureExtractor.from_pretrained(folder, preprocess=False)
    assert (extractor.pooling, extractor.normalize, extractor.max_tokens) == (pooling, normalize, 20)
    np.testing.assert_allclose(load(folder).encode(raw_texts), extractor.encode(raw_texts), atol=1e-5)


def test_no_pooling_gives_tokens(tiny: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    write_modules(folder, hidden_size=64, pooling="none", normalize=False, max_tokens=20)
    [tokens] = load(folder).encode(["one two"], output_value="token_embeddings")
    assert tokens.shape == (4, 64)
    assert FeatureExtractor.from_pretrained(folder).pooling == "none"


def test_unknown_pooling(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="pooling 'median' is unknown"):
        write_modules(tmp_path, hidden_size=8, pooling="median", normalize=False, max_tokens=9)
    assert not list(tmp_path.iterdir())


def test_code_in_a_folder_is_still_refused(prompted: Path, tmp_path: Path) -> None:
    """Only the one class is known; neither another name nor a file at its place in the folder is run."""
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(prompted, folder)
    evil = folder / "vinilm" / "integrations"
    evil.mkdir(parents=True)
    for name in (evil / "sentence_transformers.py", folder / "evil.py"):
        name.write_text("raise SystemExit('code of the folder was run')\n")
    assert type(load(folder)[0]) is cleaning.CleaningTransformer
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["type"] = "evil.CleaningTransformer"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ValueError, match="trust_remote_code"):
        load(folder)
