"""A model with terms: one token each, embeddings out of those of the pieces, all else as it was."""

from __future__ import annotations

import json
import os
import shutil
import string
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_folders import change, write
from safetensors import safe_open
from tokenizers import BertWordPieceTokenizer, Tokenizer
from vocabulary_models import HIDDEN, UNUSED, WORDS, documents, make_vocabulary_model, unique

from vinilm.errors import ModelError
from vinilm.models import open_model, write_checksums
from vinilm.vocabulary import Term, add_terms, choose_terms
from vinilm.vocabulary.folder import MARKER
from vinilm.vocabulary.record import RECORD, read_record
from vinilm.vocabulary.tokenizer_files import read_tokenizer
from vnlp_prep import Preprocessor
from vnlp_prep.errors import InputError, OutputError, SettingsError
from vnlp_prep.lexicon.wordpiece import WordPieces

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")
ROWS = {1: ("datas", "##tore"), 2: ("ku", "##ber", "##net", "##es")}
PREDICTIONS = ("cls.predictions.bias", "cls.predictions.decoder.bias", "cls.predictions.decoder.weight")


def pieces_of(term: str) -> tuple[str, ...]:
    return WordPieces(unique(WORDS), lower_case=False).pieces(term)


def term(word: str) -> Term:
    return Term(word, pieces_of(word), 9, 9, 9)


def weights(file: Path) -> dict[str, torch.Tensor]:
    return safetensors_torch.load_file(file)


def contents(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


# --- the vocabulary ------------------------------------------------------------------------------------------------------


def test_terms_take_the_unused_places_in_their_order(model, out):
    added = add_terms(model, [term("datastore"), term("kubernetes")], out)
    assert [(e.id, e.slot, e.term.term) for e in added.entries] == [(1, "[unused0]", "datastore"), (2, "[unused1]", "kubernetes")]
    words = (out / "vocab.txt").read_text().split("\n")
    assert words[:4] == ["[PAD]", "datastore", "kubernetes", "[unused2]"]
    assert words[4:] == (model / "vocab.txt").read_text().split("\n")[4:]


def test_a_term_is_one_token_however_it_is_written(model, out):
    add_terms(model, [term("datastore")], out)
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    for text in ("datastore", "DATASTORE", "DataStore", "datastore,", "(datastore)", "host-datastore", "dátastore"):
        assert tokenizer.encode(text).ids.count(1) == 1, text
    assert tokenizer.encode("datastores").tokens == ["[CLS]", "datastore", "##s", "[SEP]"]


TOKENS = st.sampled_from([*"a be host hosts data datas names kubes powershell nameserver Data-host 7 , (".split(), "x" * 101])


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Tokenizer, Tokenizer]:
    model = make_vocabulary_model(tmp_path_factory.mktemp("pair") / "model")
    add_terms(model, [term("datastore"), term("kubernetes")], model.parent / "out")
    return Tokenizer.from_file(str(model / "tokenizer.json")), Tokenizer.from_file(str(model.parent / "out" / "tokenizer.json"))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=80), st.lists(st.one_of(TOKENS, st.text(max_size=8)), max_size=12).map(" ".join)))
def test_texts_without_a_term_have_the_same_ids(pair, text):
    before, after = pair
    normalized = before.normalizer.normalize_str(text)
    if "datastore" in normalized or "kubernetes" in normalized:
        return
    assert before.encode(text).ids == after.encode(text).ids


@pytest.mark.parametrize("word", ["µs", "straße", "серверов", "ﬁle"])
def test_words_of_other_letters_can_be_terms(model, out, word):
    """Also where their capitals are other letters: those of "straße" are "STRASSE"."""
    add_terms(model, [term(word)], out)
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    for text in (word, f"({word}),", f"host-{word}"):
        assert tokenizer.encode(text).ids.count(1) == 1, text


@pytest.mark.parametrize("word", ["data store", "data-store", "Datastore", "dätastore", ""])
def test_a_word_that_is_no_single_token_is_refused(model, out, word):
    with pytest.raises(ModelError, match="would not be one token"):
        add_terms(model, [Term(word, ("data",), 9, 9, 9)], out)
    assert not out.exists()


def test_a_term_that_is_a_token_or_stands_twice_is_refused(model, out):
    for terms in ([term("host")], [term("datastore"), term("datastore")]):
        with pytest.raises(SettingsError):
            add_terms(model, terms, out)
    with pytest.raises(SettingsError, match=f"only {UNUSED} unused places"):
        add_terms(model, [term(f"datastore{'x' * i}") for i in range(UNUSED + 1)], out)
    assert not out.exists()


def test_a_cased_vocabulary_keeps_case(tmp_path, out):
    capitals = string.ascii_uppercase
    model = make_vocabulary_model(tmp_path / "cased", (*WORDS, *capitals, *(f"##{c}" for c in capitals)))
    (model / "tokenizer.json").unlink()
    change(model / "tokenizer_config.json", do_lower_case=False)
    texts = [text.replace("datastore", "DataStore") for text in documents()]
    chosen = choose_terms(texts, model).terms
    assert {"DataStore", "Datastores", "Kubernetes"} & {t.term for t in chosen}
    add_terms(model, chosen, out)
    tokenizer = read_tokenizer(open_model(out)).tokenizer
    for word in (t.term for t in chosen):
        assert len(tokenizer.encode(word, add_special_tokens=False).ids) == 1
        assert len(tokenizer.encode(word.swapcase(), add_special_tokens=False).ids) > 1


def test_a_model_in_the_cache_of_the_hub_is_made_of_links(model, out, tmp_path):
    snapshot = tmp_path / "snapshot"
    for file in sorted(f for f in model.rglob("*") if f.is_file()):
        link = snapshot / file.relative_to(model)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(file)
    add_terms(snapshot, [term("datastore")], out)
    assert not any(f.is_symlink() for f in out.rglob("*"))
    add_terms(model, [term("datastore")], tmp_path / "plain")
    assert contents(out) == contents(tmp_path / "plain")


# --- weights -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_embeddings_are_the_means_of_those_of_the_pieces(model, out, dtype):
    safetensors_torch.save_file(
        {n: t.to(dtype) for n, t in weights(model / "model.safetensors").items()},
        model / "model.safetensors",
        metadata={"format": "pt"},
    )
    before = weights(model / "model.safetensors")
    add_terms(model, [term("datastore"), term("kubernetes")], out)
    after = weights(out / "model.safetensors")
    assert {n: (t.dtype, t.shape) for n, t in after.items()} == {n: (t.dtype, t.shape) for n, t in before.items()}
    with safe_open(str(out / "model.safetensors"), framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
    ids = {w: i for i, w in enumerate(unique(WORDS))}
    name = "embeddings.word_embeddings.weight"
    for row, pieces in ROWS.items():
        mean = np.mean([before[name][ids[p]].double().numpy() for p in pieces], axis=0)
        assert torch.equal(after[name][row], torch.from_numpy(mean).to(dtype))
    same = [i for i in range(len(ids)) if i not in ROWS]
    assert torch.equal(after[name][same], before[name][same])
    for other in before:
        assert other == name or torch.equal(after[other], before[other])


def with_head(model: Path, *, tied: bool) -> dict[str, torch.Tensor]:
    """Give the model a head for masked words, named as BertForMaskedLM names it."""
    tensors = {f"bert.{n}": t for n, t in weights(model / "model.safetensors").items()}
    count = len(unique(WORDS))
    torch.manual_seed(1)
    tensors["cls.predictions.bias"] = torch.randn(count)
    tensors["cls.predictions.transform.dense.weight"] = torch.randn(HIDDEN, HIDDEN)
    if not tied:
        tensors["cls.predictions.decoder.weight"] = torch.randn(count, HIDDEN)
        tensors["cls.predictions.decoder.bias"] = torch.randn(count)
    safetensors_torch.save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    return tensors


@pytest.mark.parametrize("tied", [True, False])
def test_a_head_for_masked_words_has_rows_for_the_terms_too(model, out, tied):
    before = with_head(model, tied=tied)
    add_terms(model, [term("datastore"), term("kubernetes")], out)
    after = weights(out / "model.safetensors")
    ids = {w: i for i, w in enumerate(unique(WORDS))}
    changed = {n for n in before if not torch.equal(before[n], after[n])}
    assert changed == {"bert.embeddings.word_embeddings.weight", *(n for n in PREDICTIONS if n in before)}
    for name in changed:
        for row, pieces in ROWS.items():
            mean = before[name][[ids[p] for p in pieces]].double().mean(dim=0)
            torch.testing.assert_close(after[name][row].double(), mean, rtol=1e-6, atol=1e-6)


def test_a_model_in_parts_stays_in_parts(model, out):
    tensors = weights(model / "model.safetensors")
    names = sorted(tensors)
    parts = {"model-00001-of-00002.safetensors": names[:10], "model-00002-of-00002.safetensors": names[10:]}
    for file, mine in parts.items():
        safetensors_torch.save_file({n: tensors[n] for n in mine}, model / file, metadata={"format": "pt"})
    (model / "model.safetensors").unlink()
    write(
        model / "model.safetensors.index.json", {"metadata": {}, "weight_map": {n: f for f, mine in parts.items() for n in mine}}
    )
    add_terms(model, [term("datastore")], out)
    (with_rows,) = [file for file, mine in parts.items() if "embeddings.word_embeddings.weight" in mine]
    for file in parts:
        same = (out / file).read_bytes() == (model / file).read_bytes()
        assert same == (file != with_rows)
    assert (out / "model.safetensors.index.json").read_bytes() == (model / "model.safetensors.index.json").read_bytes()
    row = weights(out / with_rows)["embeddings.word_embeddings.weight"][1]
    ids = {w: i for i, w in enumerate(unique(WORDS))}
    mean = tensors["embeddings.word_embeddings.weight"][[ids["datas"], ids["##tore"]]].double().mean(dim=0).float()
    assert torch.equal(row, mean)


def test_a_model_without_weights_is_refused(model, out):
    (model / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no model\.safetensors"):
        add_terms(model, [term("datastore")], out)
    assert not out.exists()


# --- the folder ----------------------------------------------------------------------------------------------------------


def test_the_rest_of_the_folder_comes_along(model, out):
    Preprocessor(threshold=0.9).save(model)
    for name in ("onnx/model.onnx", "pytorch_model.bin", "openvino_model.xml", ".git/config", "1_Pooling/notes.md", "README.md"):
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text(name)
    (model / "onnx" / "settings.json").write_text("{}")
    added = add_terms(model, [term("datastore")], out)
    assert set(added.left_out) == {"onnx/model.onnx", "openvino_model.xml", "pytorch_model.bin"}
    before, after = contents(model), contents(out)
    changed = {"tokenizer.json", "vocab.txt", "model.safetensors"}
    gone = {*added.left_out, ".git/config"}
    assert set(after) == (set(before) - gone) | {RECORD, MARKER, "SHA256SUMS"}
    assert all(after[name] == before[name] for name in set(before) - gone - changed)
    assert open_model(out).preprocessor == out
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=out, check=False, capture_output=True)
    assert done.returncode == 0
    assert (out / "model.safetensors").stat().st_mode == (out / "vocab.txt").stat().st_mode


def test_an_old_layout_keeps_its_subfolder(model, out):
    inner = model / "0_Transformer"
    inner.mkdir()
    for name in (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "vocab.txt",
        "tokenizer_config.json",
        "sentence_bert_config.json",
    ):
        (model / name).rename(inner / name)
    modules = json.loads((model / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    write(model / "modules.json", modules)
    add_terms(model, [term("datastore")], out)
    assert (out / "0_Transformer" / "vocab.txt").read_text().split("\n")[1] == "datastore"
    assert open_model(out).encoder == out / "0_Transformer"


def test_a_preprocessor_that_splits_for_the_vocabulary_learns_the_new_one(model, out):
    Preprocessor(vocabulary=model).save(model)
    add_terms(model, [term("datastore")], out)
    assert "datastore" in Preprocessor.load(out).vocabulary
    assert "datastore" not in Preprocessor.load(model).vocabulary
    # One that was made for another vocabulary stays as it is.
    other = make_vocabulary_model(model.parent / "other", (*WORDS, "clusters"))
    Preprocessor(vocabulary=other).save(model)
    add_terms(model, [term("datastore")], out)
    assert contents(out)["vocabulary.txt"] == contents(model)["vocabulary.txt"]


def test_terms_are_written_down_and_more_can_be_added(model, out, tmp_path):
    add_terms(model, [term("datastore")], out)
    second = tmp_path / "second"
    added = add_terms(out, [term("kubernetes")], second)
    assert [(e.id, e.slot) for e in added.entries] == [(2, "[unused1]")]
    words = (second / "vocab.txt").read_text().split("\n")
    found = read_record(second, words[:-1])
    assert [(e.id, e.slot, e.term) for e in found] == [(1, "[unused0]", term("datastore")), (2, "[unused1]", term("kubernetes"))]


def test_a_record_that_is_not_of_this_model_is_refused(model, out):
    add_terms(model, [term("datastore")], out)
    shutil.copy(out / RECORD, model)
    with pytest.raises(ModelError, match="line 2: 'datastore' is not the token 1"):
        choose_terms(documents(), model)
    for content, said in (("x\ty\n", "line 1"), ((out / RECORD).read_text() + "1\tx\n", "line 3")):
        (out / RECORD).write_text(content)
        (out / "SHA256SUMS").unlink(missing_ok=True)
        with pytest.raises(ModelError, match=said):
            choose_terms(documents(), out)


def test_a_folder_that_is_in_the_way_is_refused(model, out, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "mine.txt").write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(foreign)
    for target in (model, model / "inside", tmp_path, foreign, foreign / "mine.txt", link, tmp_path / "no" / "where"):
        before = contents(tmp_path)
        with pytest.raises(OutputError):
            add_terms(model, [term("datastore")], target)
        assert contents(tmp_path) == before


def test_a_folder_of_ours_is_replaced_as_a_whole(model, out):
    out.mkdir()  # an empty one is no obstacle
    add_terms(model, [term("datastore")], out)
    (out / "notes.txt").write_text("of the old one")
    add_terms(model, [term("kubernetes")], out)
    assert (out / "vocab.txt").read_text().split("\n")[1] == "kubernetes"
    assert not (out / "notes.txt").exists()
    assert [f.name for f in out.parent.iterdir() if f.name.startswith(".")] == []


def test_a_model_that_was_trained_is_not_replaced(model, out, tmp_path):
    """Not in a folder of its own, which has the terms, too, and not where the terms were added."""
    add_terms(model, [term("datastore")], out)
    trained = tmp_path / "trained"
    shutil.copytree(out, trained, ignore=shutil.ignore_patterns(MARKER))  # as training and exporting leave it
    tensors = weights(out / "model.safetensors")
    tensors["embeddings.LayerNorm.bias"] += 1
    safetensors_torch.save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    write_checksums(out)
    for target in (trained, out):
        before = contents(target)
        with pytest.raises(OutputError, match="its model was trained since"):
            add_terms(model, [term("kubernetes")], target)
        assert contents(target) == before


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model.safetensors": 3}', '{"no.safetensors": "00"}'])
def test_a_marker_of_others_does_not_make_a_folder_ours(model, out, content):
    add_terms(model, [term("datastore")], out)
    (out / MARKER).write_text(content)
    with pytest.raises(OutputError, match="is not empty"):
        add_terms(model, [term("kubernetes")], out)


def test_what_a_training_run_keeps_stays_with_it(model, out):
    for name in ("training/run.json", "training/metrics.jsonl", "other/training/run.json"):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text("{}\n")
    add_terms(model, [term("datastore")], out)
    assert not (out / "training").exists()
    assert (out / "other" / "training" / "run.json").exists()


def test_a_disk_that_fails_leaves_the_old_folder(model, out, monkeypatch):
    add_terms(model, [term("datastore")], out)
    before = contents(out)
    from vinilm.vocabulary import adding

    def fail(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(adding, "write_checksums", fail)
    with pytest.raises(OSError, match="space"):
        add_terms(model, [term("kubernetes")], out)
    assert contents(out) == before
    assert sorted(f.name for f in out.parent.iterdir()) == ["model", "out"]


# --- choosing ------------------------------------------------------------------------------------------------------------


def test_terms_are_chosen_and_added_by_the_library(model, out):
    choice = choose_terms(documents(), model, heldout=0.2)
    names = [t.term for t in choice.terms]
    assert {"datastore", "namespace", "powershell", "kubernetes"} <= set(names)
    assert len(names) <= UNUSED
    assert choice.counts.heldout.documents > 0
    assert all(t.pieces == pieces_of(t.term) for t in choice.terms)
    add_terms(model, choice.terms, out)
    before, after = (Tokenizer.from_file(str(m / "tokenizer.json")) for m in (model, out))
    texts = [" ".join(t.split()) for t in documents()]
    saved = [len(before.encode(t).ids) - len(after.encode(t).ids) for t in texts]
    assert min(saved) >= 0
    kept = choose_terms(documents(), model)
    add_terms(model, kept.terms, out)
    after = Tokenizer.from_file(str(out / "tokenizer.json"))
    assert sum(len(before.encode(t).ids) - len(after.encode(t).ids) for t in texts) == sum(t.saved for t in kept.terms)


def test_the_choice_is_the_same_in_any_order_of_the_documents(model):
    texts = documents()
    assert choose_terms(texts, model).terms == choose_terms(texts[::-1], model).terms


def test_choosing_again_for_a_model_with_its_terms_adds_none(model, out, tmp_path):
    add_terms(model, choose_terms(documents(), model).terms, out)
    again = choose_terms(documents(), out)
    assert again.terms == ()
    add_terms(out, again.terms, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(out)


def test_a_few_terms_and_then_all_are_the_same_as_all(model, out, tmp_path):
    few = choose_terms(documents(), model, terms=2)
    assert len(few.terms) == 2
    add_terms(model, few.terms, out)
    assert choose_terms(documents(), out, terms=2).terms == ()
    add_terms(out, choose_terms(documents(), out).terms, tmp_path / "rest")
    add_terms(model, choose_terms(documents(), model).terms, tmp_path / "all")
    assert (tmp_path / "rest" / "vocab.txt").read_bytes() == (tmp_path / "all" / "vocab.txt").read_bytes()


def test_no_documents_and_no_terms_say_so(model):
    with pytest.raises(InputError, match="no documents to choose terms by"):
        choose_terms([], model)
    with pytest.raises(InputError, match="all 3 were held out"):
        choose_terms(["a", "b", "c"], model, heldout=0.999999)
    with pytest.raises(InputError, match=r"no new terms.*--min-documents"):
        choose_terms(["the host is on it"] * 9, model)
    with pytest.raises(InputError, match=r"no new terms.* \(left out: 5 other letters\); terms are of the letters a to z; "):
        choose_terms(["Виртуализация серверов и кластер гипервизоров."] * 9, model)


def test_a_vocabulary_without_places_is_refused(tmp_path):
    full = make_vocabulary_model(tmp_path / "full", tuple(w for w in WORDS if not w.startswith("[unused")))
    with pytest.raises(ModelError, match=r"no places left.*\[unused0\]"):
        choose_terms(documents(), full)


def test_compounds_are_counted_whole_though_the_cleaner_would_split_them(model):
    """A preprocessor that splits what the old vocabulary breaks must not hide it from the new one."""
    Preprocessor(vocabulary=model).save(model)
    assert "datastore" in {t.term for t in choose_terms(documents(), model).terms}


def test_texts_are_cleaned_first_unless_they_are_clean(model):
    texts = [t.replace("datastore", "data&#115;tore") for t in documents()]
    assert "datastore" in {t.term for t in choose_terms(texts, model).terms}
    assert "datastore" not in {t.term for t in choose_terms(texts, model, clean=False).terms}


# --- other libraries -----------------------------------------------------------------------------------------------------


def test_other_libraries_read_the_folder_alike(tiny, tmp_path):
    transformers = pytest.importorskip("transformers")
    from vinilm import FeatureExtractor
    from vinilm.tokenizer import VnlpTokenizer

    out = tmp_path / "out"
    words = ("datastore", "hypervisor", "kubernetes")
    cut = read_tokenizer(open_model(tiny)).pieces
    add_terms(tiny, [Term(w, cut.pieces(w), 9, 9, 9) for w in words], out)
    text = "The DataStores of Kubernetes, [MASK] Hypervisor-hosts café (unused0) ﬁne 12"
    ids = read_tokenizer(open_model(out)).tokenizer.encode(text).ids
    auto = transformers.AutoTokenizer.from_pretrained(out)
    assert auto.is_fast
    assert auto(text)["input_ids"] == ids
    assert [auto.convert_ids_to_tokens(i) for i in (1, 2, 3)] == list(words)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(out / "vocab.txt", alone)
    assert transformers.BertTokenizer.from_pretrained(str(alone))(text)["input_ids"] == ids
    assert BertWordPieceTokenizer(str(alone / "vocab.txt")).encode(text).ids == ids
    assert VnlpTokenizer.from_pretrained(str(out))(text, clean=False)["input_ids"] == ids
    extractor = FeatureExtractor.from_pretrained(out, preprocess=False, backend="torch")
    assert extractor.features(text).tokens[1:3] == ["the", "datastore"]
    model = transformers.BertModel.from_pretrained(out).eval()
    with torch.inference_mode():
        hidden = model(torch.tensor([ids])).last_hidden_state[0].numpy()
    np.testing.assert_allclose(extractor.features(text).last_hidden_state, hidden, atol=1e-5)


def test_sentence_transformers_reads_the_folder(minilm, tmp_path):
    library = pytest.importorskip("sentence_transformers")
    from vinilm import FeatureExtractor

    out = tmp_path / "out"
    add_terms(minilm, [Term("datastore", ("datas", "##tore"), 9, 9, 9)], out)
    texts = ["the datastores of the host", "it is on"]
    theirs = library.SentenceTransformer(str(out), device="cpu").encode(texts)
    np.testing.assert_allclose(FeatureExtractor.from_pretrained(out, preprocess=False).encode(texts), theirs, atol=1e-5)


def test_a_head_of_transformers_is_read_with_its_terms(tmp_path, minilm):
    transformers = pytest.importorskip("transformers")
    folder, out = tmp_path / "mlm", tmp_path / "out"
    config = transformers.BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    model = transformers.BertForMaskedLM(config)
    torch.nn.init.normal_(model.cls.predictions.bias)
    model.save_pretrained(folder)
    for name in ("vocab.txt", "tokenizer.json"):
        shutil.copy(minilm / name, folder)
    files = read_tokenizer(open_model(folder))
    pieces = files.pieces.pieces("datastore")
    add_terms(folder, [Term("datastore", pieces, 9, 9, 9)], out)
    after = transformers.BertForMaskedLM.from_pretrained(out)
    ids = [files.tokens.index(piece) for piece in pieces]
    assert len(ids) > 1
    for old, new in (
        (model.bert.embeddings.word_embeddings.weight, after.bert.embeddings.word_embeddings.weight),
        (model.cls.predictions.decoder.weight, after.cls.predictions.decoder.weight),
        (model.cls.predictions.bias, after.cls.predictions.bias),
    ):
        torch.testing.assert_close(new[1], old[ids].mean(dim=0))
