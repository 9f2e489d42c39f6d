"""Model folders that must not or cannot be used: refused with the file and what to do, whatever is in them."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_folders import CONFIG, MODULES, TOKENIZER, WORDS, change, make_model, tensors, write
from safetensors.numpy import save_file

from vinilm.errors import ModelError
from vinilm.models import ModelFolder, find_model, open_model, write_checksums

Edit = Callable[[Path], object]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A whole small model with sentence-transformers' files."""
    return make_model(tmp_path / "model", sentence=True)


def refusal(folder: Path) -> str:
    """Return why the model is refused; it names the folder."""
    with pytest.raises(ModelError) as caught:
        open_model(folder)
    text = str(caught.value)
    assert str(folder) in text
    return text


def config(**values: Any) -> Edit:
    """Change config.json."""
    return lambda model: change(model / "config.json", **values)


def remove(name: str) -> Edit:
    """Remove a file."""
    return lambda model: (model / name).unlink()


def content(name: str, data: bytes) -> Edit:
    """Replace a file's bytes."""

    def edit(model: Path) -> None:
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_bytes(data)

    return edit


def weights(change_of: Callable[[dict[str, np.ndarray]], object]) -> Edit:
    """Change tensors."""

    def edit(model: Path) -> None:
        values = tensors()
        change_of(values)
        save_file(values, model / "model.safetensors")

    return edit


def modules(*entries: object) -> Edit:
    """Replace the list of modules."""
    return lambda model: write(model / "modules.json", list(entries))


def pooling(**values: object) -> Edit:
    """Replace the settings of pooling."""
    return lambda model: write(model / "1_Pooling" / "config.json", values)


def tokenizer(**values: object) -> Edit:
    """Change tokenizer.json."""
    return lambda model: change(model / "tokenizer.json", **values)


def words(data: bytes, **rules: object) -> Edit:
    """Leave a word list only."""

    def edit(model: Path) -> None:
        (model / "tokenizer.json").unlink()
        (model / "vocab.txt").write_bytes(data)
        write(model / "tokenizer_config.json", rules)

    return edit


def settings_of(name: str, **values: object) -> Edit:
    """Replace a file of settings."""
    return lambda model: write(model / name, values)


def shards(*names: object) -> Edit:
    """Replace the weights by an index of parts."""

    def edit(model: Path) -> None:
        (model / "model.safetensors").unlink()
        write(model / "model.safetensors.index.json", {"weight_map": {f"t{i}": name for i, name in enumerate(names)}})

    return edit


def vocabulary(**more: object) -> dict[str, object]:
    """Return a WordPiece model with more entries."""
    return {"type": "WordPiece", "vocab": {w: i for i, w in enumerate(WORDS)} | more}


PLAIN = "\n".join(WORDS).encode()
DENSE = {"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"}
CODE = {"AutoModel": "modeling.Evil"}

REFUSED: dict[str, tuple[Edit, str]] = {
    # code that came with the model
    "remote code": (config(auto_map=CODE), r"config\.json: .*own Python code \(auto_map\).*never run"),
    "remote code of a tokenizer": (settings_of("tokenizer_config.json", auto_map=CODE), r"tokenizer_config\.json: .*auto_map"),
    "a module of its own": (modules(*MODULES, {"type": "evil.Module", "path": ""}), r"modules\.json: the module 'evil\.Module'"),
    # what is missing
    "no config": (remove("config.json"), r"config\.json: missing"),
    "no weights": (remove("model.safetensors"), r"no model\.safetensors; get"),
    "no tokenizer": (remove("tokenizer.json"), r"neither tokenizer\.json nor vocab\.txt"),
    "no pooling settings": (lambda m: shutil.rmtree(m / "1_Pooling"), r"1_Pooling.config\.json: missing"),
    "no part": (shards("model-00001-of-00002.safetensors"), r"model-00001-of-00002\.safetensors: missing"),
    # weights
    "a tensor less": (
        weights(lambda t: t.pop("encoder.layer.1.output.dense.bias")),
        r"1 of the 37 .*missing, encoder\.layer\.1\.out",
    ),
    "of another model": (weights(lambda t: (t.clear(), t.update(x=np.zeros(1)))), r"37 of the 37 .*another model"),
    "another shape": (
        weights(lambda t: t.update({"encoder.layer.0.output.dense.weight": np.zeros((16, 8), np.float32)})),
        r"output\.dense\.weight has the shape \(16, 8\), but config\.json calls for \(8, 16\)",
    ),
    "whole numbers": (
        weights(lambda t: t.update({"encoder.layer.0.output.dense.bias": np.zeros(8, np.int8)})),
        r"is of the type I8; .*floating point",
    ),
    "more layers": (config(num_hidden_layers=1), r"more layers than num_hidden_layers \(1\)"),
    "fewer layers": (config(num_hidden_layers=3), r"16 of the 53 .*missing"),
    "empty weights": (content("model.safetensors", b""), r"model\.safetensors: damaged"),
    "a huge header": (content("model.safetensors", struct.pack("<Q", 1 << 62) + b"{}"), r"model\.safetensors: damaged"),
    "a header with a bomb": (content("model.safetensors", struct.pack("<Q", 90_000) + b"[" * 90_000), r"damaged"),
    "a pickle by another name": (content("model.safetensors", b"\x80\x04cos\nsystem\n."), r"model\.safetensors: damaged"),
    "a pointer of Git LFS": (content("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid"), r"`git lfs pull`"),
    "an index without a map": (lambda m: (shards("x")(m), write(m / "model.safetensors.index.json", {})), r"no weight_map"),
    "a part elsewhere": (shards("../../x.safetensors"), r"'\.\./\.\./x\.safetensors' leads out"),
    "a part at the root": (shards("/etc/x.safetensors"), r"leads out"),
    "a part as a pickle": (lambda m: (shards("x.bin")(m), (m / "x.bin").touch()), r"'x\.bin' is no safetensors file"),
    "a part without a name": (shards(None), r"is no safetensors file"),
    # config.json
    "another architecture": (config(model_type="mpnet"), r"type 'mpnet'; only BERT"),
    "no absolute positions": (config(position_embedding_type="relative_key"), r"position_embedding_type is 'relative_key'"),
    "another activation": (config(hidden_act="relu"), r"hidden_act is 'relu'"),
    "an approximate activation": (config(hidden_act="gelu_new"), r"hidden_act is 'gelu_new'"),
    "a decoder": (config(is_decoder=True), r"is_decoder is True"),
    "cross-attention": (config(add_cross_attention=True), r"add_cross_attention is True"),
    "quantised": (config(quantization_config={"bits": 4}), r"quantization_config is .*floating point"),
    "an adapter": (settings_of("adapter_config.json", peft_type="LORA"), r"adapter_config\.json.*merge"),
    "a negative size": (config(hidden_size=-8), r"hidden_size is -8, but it is a whole number from 1"),
    "no size": (config(num_attention_heads=0), r"num_attention_heads is 0"),
    "a huge size": (config(vocab_size=10**18), r"vocab_size is 1000000000000000000, .*to 10,000,000"),
    "many layers": (config(num_hidden_layers=10**9), r"num_hidden_layers is 1000000000"),
    "a size as a text": (config(hidden_size="8"), r"hidden_size is '8'"),
    "a size as a truth value": (config(type_vocab_size=True), r"type_vocab_size is True"),
    "a size in parts": (config(hidden_size=8.0), r"hidden_size is 8\.0"),
    "heads that do not fit": (config(num_attention_heads=3), r"hidden_size 8 is no multiple"),
    "epsilon 0": (config(layer_norm_eps=0), r"layer_norm_eps is 0"),
    "epsilon not a number": (config(layer_norm_eps=float("nan")), r"layer_norm_eps is nan"),
    "padding out of range": (config(pad_token_id=len(WORDS)), r"pad_token_id is 12"),
    "not UTF-8": (content("config.json", json.dumps(CONFIG).encode("utf-16")), r"config\.json: not UTF-8 \(byte 0\)"),
    "not JSON": (content("config.json", b"{'model_type': 'bert'}"), r"config\.json: not JSON"),
    "a web page": (content("config.json", b"<!doctype html><p>404"), r"config\.json: not JSON"),
    "an empty file": (content("config.json", b""), r"config\.json: not JSON"),
    "a list": (content("config.json", b"[]"), r"config\.json: an object was expected, found list"),
    "a bomb": (content("config.json", b'{"a":' + b"[" * 200_000), r"config\.json: not JSON"),
    "a number of 5,000 digits": (content("config.json", b'{"vocab_size":' + b"9" * 5000 + b"}"), r"config\.json: not JSON"),
    "a huge file": (content("config.json", b" " * (5 << 20)), r"config\.json: more than 4,194,304 bytes"),
    # tokenizer
    "more tokens than rows": (tokenizer(model=vocabulary(extra=12)), r"'extra' has the number 12, .* 12 tokens"),
    "a negative id": (tokenizer(model=vocabulary(the=-1)), r"'the' has the number -1"),
    "an id as a text": (tokenizer(model=vocabulary(the="5")), r"'the' has the number '5'"),
    "an added token too many": (tokenizer(added_tokens=[{"id": 30, "content": "[NEW]"}]), r"'\[NEW\]' has the number 30"),
    "added tokens that are none": (tokenizer(added_tokens=[7]), r"added_tokens is no list of tokens"),
    "no special tokens": (tokenizer(added_tokens=[], model={"vocab": {"[UNK]": 1, "[SEP]": 3}}), r"without \[CLS\]"),
    "another kind": (tokenizer(model={"type": "BPE", "vocab": {"a": 0}}), r"no WordPiece vocabulary \('BPE'\)"),
    "no vocabulary": (tokenizer(model={"type": "WordPiece", "vocab": {}}), r"no WordPiece vocabulary"),
    "no model": (tokenizer(model=None), r"no WordPiece vocabulary"),
    "a tokenizer's pointer": (content("tokenizer.json", b"version https://git-lfs.github.com/spec/v1\n"), r"`git lfs pull`"),
    "more words than rows": (words(PLAIN + b"\nmore\nwords"), r"vocab\.txt: the token 'words' has the number 13"),
    "words not UTF-8": (words(b"\xff\xfe"), r"vocab\.txt: not UTF-8"),
    "no words": (words(b""), r"vocab\.txt: without \[CLS\], \[SEP\], \[UNK\]"),
    "rules of its own": (words(PLAIN, strip_accents=False), r"strip_accents is False, .*write a tokenizer\.json"),
    "another tokenizer": (words(PLAIN, tokenizer_class="BertJapaneseTokenizer"), r"tokenizer_class is 'BertJapaneseTokenizer'"),
    # sentence-transformers
    "a dense layer": (modules(*MODULES, DENSE), r"'sentence_transformers\.models\.Dense' is none of"),
    "pooling twice": (modules(*MODULES, MODULES[1]), r"each once"),
    "an old kind of model": (modules({"path": "", "type": "sentence_transformers.models.WordEmbeddings"}), r"WordEmbeddings"),
    "a module elsewhere": (modules(MODULES[0], MODULES[1] | {"path": "../../secret"}), r"'\.\./\.\./secret' leads out"),
    "a module at the root": (modules(MODULES[0] | {"path": "/etc"}), r"'/etc' leads out"),
    "a module on a drive": (modules(MODULES[0] | {"path": "C:\\models"}), r"leads out"),
    "a module with a NUL": (modules(MODULES[0] | {"path": "a\0b"}), r"leads out"),
    "a module with a long name": (modules(MODULES[0] | {"path": "a" * 300}), r"not one that a file can have"),
    "a module with half a character": (modules(MODULES[0] | {"path": "\ud800"}), r"not one that a file can have"),
    "a module at a number": (modules(MODULES[0] | {"path": 7}), r"a path is a string, not 7"),
    "a module that is none": (modules("Transformer"), r"a module is an object"),
    "modules that are no list": (content("modules.json", b"{}"), r"modules\.json: a list was expected"),
    "another pooling": (pooling(pooling_mode="lasttoken"), r"the pooling \['lasttoken'\] is not one of mean, cls, max"),
    "another pooling by its old name": (pooling(pooling_mode_weightedmean_tokens=True), r"pooling_mode_weightedmean_tokens"),
    "two poolings": (pooling(pooling_mode_cls_token=True, pooling_mode_mean_tokens=True), r"\['cls', 'mean'\]"),
    "a pooling that is none": (pooling(pooling_mode={"a": 1}), r"the pooling"),
    "prompts left out": (pooling(pooling_mode="mean", include_prompt=False), r"include_prompt is off"),
    "pooling of another size": (pooling(embedding_dimension=768), r"vectors of 768, but .* 8"),
    "tokens normalised": (settings_of("2_Normalize/config.json", module_input_name="token_embeddings"), r"'token_embeddings'"),
    "another task": (settings_of("sentence_bert_config.json", transformer_task="fill-mask"), r"transformer_task is 'fill-mask'"),
    "no tokens": (settings_of("sentence_bert_config.json", max_seq_length=0), r"largest number of tokens is 0"),
    "tokens as a text": (settings_of("sentence_bert_config.json", max_seq_length="16"), r"largest number of tokens is '16'"),
    "lower case twice": (
        lambda m: (tokenizer(normalizer=None)(m), settings_of("sentence_bert_config.json", do_lower_case=True)(m)),
        r"do_lower_case is on, but the tokenizer keeps case",
    ),
    "prompts that are no texts": (
        settings_of("config_sentence_transformers.json", prompts={"query": 7}),
        r"prompts are texts by name",
    ),
    "an unknown default prompt": (
        settings_of("config_sentence_transformers.json", prompts={"query": "q"}, default_prompt_name="doc"),
        r"default_prompt_name is 'doc', which is none of the prompts \['query'\]",
    ),
    "an unknown similarity": (
        settings_of("config_sentence_transformers.json", similarity_fn_name="hamming"),
        r"'hamming' is unknown",
    ),
    # sums
    "sums that cannot be read": (content("SHA256SUMS", b"\xff\xff"), r"SHA256SUMS: cannot be read"),
    "sums that are none": (content("SHA256SUMS", b"abc  config.json\n"), r"SHA256SUMS, line 1"),
    "sums of files elsewhere": (content("SHA256SUMS", b"0" * 64 + b"  ../x\n"), r"'\.\./x' leads out"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_what_to_do(model: Path, case: str) -> None:
    open_model(model)  # whole before
    edit, expected = REFUSED[case]
    edit(model)
    text = refusal(model)
    assert re.search(expected, text), text
    assert len(text) < 1000


# -- pickles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("pytorch_model.bin", "PyTorch"),
        ("model.pt", "PyTorch"),
        ("model.ckpt.index", "TensorFlow"),
        ("tf_model.h5", "with transformers 4.*from_tf=True"),
        ("flax_model.msgpack", "with transformers 4.*from_flax=True"),
    ],
)
def test_a_checkpoint_that_can_run_code_is_never_opened(model: Path, name: str, reader: str) -> None:
    for file in ("model.safetensors", "modules.json"):
        (model / file).unlink()
    # Reading it would fail with PermissionError or write the file; its content is a pickle that runs a command.
    mark = model.parent / "it-ran"
    (model / name).write_bytes(b"cos\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR.")
    text = refusal(model)
    assert re.search(reader, text), text
    assert name in text
    assert "only safetensors files are read" in text
    assert not mark.exists()


def test_a_pickle_beside_the_weights_does_no_harm(model: Path) -> None:
    (model / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert open_model(model).weights == (model / "model.safetensors",)


@pytest.mark.filterwarnings("ignore")  # of transformers and sentence-transformers, about themselves
@pytest.mark.parametrize("sentence", [False, True])
def test_the_advice_to_convert_works(tiny: Path, tmp_path: Path, sentence: bool) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    folder = tmp_path / "old model"
    shutil.copytree(tiny, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    if sentence:
        pytest.importorskip("sentence_transformers")
        write(folder / "modules.json", MODULES)
        pooling(embedding_dimension=64, pooling_mode="cls")(folder)
    advice = re.search(r"in Python: (.*)  Then use '(.*)'", refusal(folder))
    assert advice
    exec(advice[1], {})  # a new process would import torch once more, for ten seconds
    found = open_model(advice[2])
    assert found.shape == open_model(tiny).shape
    assert (found.pooling, found.normalize) == (("cls", True) if sentence else ("mean", False))


# -- damage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json", "vnlp_prep.json"])
def test_a_wrong_hash(model: Path, name: str) -> None:
    write(model / "vnlp_prep.json", {"settings": {}})
    write_checksums(model)
    file = model / name
    data = bytearray(file.read_bytes())
    at = data.rindex(b"}") if name.endswith("json") else len(data) - 1
    data[at : at + 1] = b" }" if name.endswith("json") else bytes([data[-1] ^ 1])
    file.write_bytes(data)
    text = refusal(model)
    assert re.search(rf"{re.escape(name)}: its SHA-256 is [0-9a-f]{{64}}, but SHA256SUMS says [0-9a-f]{{64}}", text), text
    write_checksums(model)
    open_model(model)


def test_a_damaged_file_in_the_cache_of_the_hub(model: Path, tmp_path: Path) -> None:
    blob = tmp_path / "blobs" / ("0" * 64)
    blob.parent.mkdir()
    (model / "model.safetensors").rename(blob)
    (model / "model.safetensors").symlink_to(blob)
    assert "the cache of huggingface_hub says 000" in refusal(model)


def test_weights_cut_off_anywhere(model: Path) -> None:
    file = model / "model.safetensors"
    data = file.read_bytes()
    for size in [0, 1, 7, 8, 9, 100, *range(200, len(data), 997), len(data) - 1]:
        file.write_bytes(data[:size])
        assert "model.safetensors: damaged" in refusal(model)


JSON_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "modules.json",
    "1_Pooling/config.json",
    "2_Normalize/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
)
KEYS = (
    *CONFIG,
    *TOKENIZER,
    *("auto_map", "pooling_mode", "pooling_mode_cls_token", "embedding_dimension", "include_prompt", "module_input_name"),
    *("max_seq_length", "do_lower_case", "transformer_task", "prompts", "default_prompt_name", "similarity_fn_name"),
    *("strip_accents", "tokenizer_class", "model_max_length", "type", "path", "vocab", "quantization_config", "is_decoder"),
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(KEYS)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), v), max_leaves=6
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose files are replaced one after the other."""
    return make_model(tmp_path_factory.mktemp("fuzzed") / "model", sentence=True)


def outcome(folder: Path) -> None:
    """Open the model: it is whole, or refused; nothing else is ever raised."""
    try:
        found = open_model(folder)
    except ModelError as error:
        text = str(error)
    else:
        text = str(found.path)
        assert isinstance(found, ModelFolder)
    assert str(folder) in text
    assert len(text) < 2000


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(JSON_FILES), key=st.sampled_from(KEYS), value=VALUES, whole=st.booleans())
def test_any_json_is_read_or_refused(fuzzed: Path, name: str, key: str, value: object, whole: bool) -> None:
    file = fuzzed / name
    before = file.read_bytes() if file.exists() else None
    old = json.loads(before) if before else {}
    new = value if whole else old | {key: value} if isinstance(old, dict) else [old[0] | {key: value}, *old[1:]]
    write(file, new)
    try:
        outcome(fuzzed)
    finally:
        file.unlink() if before is None else file.write_bytes(before)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from((*JSON_FILES, "model.safetensors", "SHA256SUMS")),
    at=st.floats(0, 1),
    data=st.binary(min_size=1, max_size=8),
)
def test_any_bytes_are_read_or_refused(fuzzed: Path, name: str, at: float, data: bytes) -> None:
    file = fuzzed / name
    before = file.read_bytes() if file.exists() else None
    old = before or b""
    # Most of the weights are numbers, all of which are good: aim at the header.
    place = int(at * min(len(old), 3000))
    file.write_bytes(old[:place] + data + old[place + len(data) :])
    try:
        outcome(fuzzed)
    finally:
        file.unlink() if before is None else file.write_bytes(before)


# -- names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "the model's name is empty"),
        ("./absent", "no such folder"),
        ("/absent/folder", "no such folder"),
        ("a/b/c", "no such folder"),
        ("../absent", "no such folder"),
        ("acme/ab sent", "no such folder"),
        ("a\0b", "no such folder"),
        ("a" * 5000, "cannot be looked at"),
        ("~no-such-user/model", "cannot be looked at"),
        ("https://example.org/model", "no such folder"),
        (Path("absent"), "no such folder"),
        ("package:", "no installed package ''"),
        ("package:../..", "no installed package '..'"),
        ("package:no_such_package_1", "install it"),
        ("package:json", "no model in"),
        ("package:json/../..", "leads out"),
        ("package:sys", "no installed package 'sys'"),
        ("package:json/absent", "no model in"),
    ],
)
def test_what_is_no_model(tmp_path: Path, name: str | Path, expected: str) -> None:
    with pytest.raises(ModelError, match=re.escape(expected)):
        find_model(name, cache_dir=tmp_path)


def test_a_file_is_no_model(model: Path) -> None:
    with pytest.raises(ModelError, match="a file; give the folder that it is in"):
        find_model(model / "model.safetensors")


@pytest.mark.parametrize("revision", ["../../..", "a/../b"])
def test_a_revision_that_leads_elsewhere(tmp_path: Path, revision: str) -> None:
    with pytest.raises(ModelError, match="a branch, a tag or a commit is needed"):
        find_model("acme/model", cache_dir=tmp_path, revision=revision)


@pytest.mark.parametrize("name", [b"model", 7, None])
def test_what_is_no_name(name: object) -> None:
    with pytest.raises(TypeError):
        find_model(name)  # type: ignore[arg-type]


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "config.json: missing" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_pipe_is_no_file(model: Path, name: str) -> None:
    (model / name).unlink()
    os.mkfifo(model / name)
    refusal(model)


def test_a_folder_is_no_file(model: Path) -> None:
    (model / "sentence_bert_config.json").unlink()
    (model / "sentence_bert_config.json").mkdir()
    assert "cannot be read" in refusal(model)
