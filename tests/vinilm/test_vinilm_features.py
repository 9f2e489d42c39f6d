from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from vinilm import FeatureExtractor  # noqa: E402
from vnlp_prep import Preprocessor  # noqa: E402
from vnlp_prep.errors import SettingsError  # noqa: E402

CARD = "Replace me by any text you'd like."
DAMAGED = "Teh vSphere client&#39;s <b>log</b> is sooooo slow"
TEXTS = [CARD, "", "a log", DAMAGED, "the datastore of the host is full " * 9]


@pytest.fixture(scope="module")
def real(minilm: Path) -> FeatureExtractor:
    return FeatureExtractor.from_pretrained(minilm, device="cpu")


@pytest.fixture(scope="module")
def small(tiny: Path) -> FeatureExtractor:
    return FeatureExtractor.from_pretrained(tiny, device="cpu", preprocess=False)


# --- the same results as others -----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_vectors_are_those_of_sentence_transformers_on_the_cleaned_texts(real: FeatureExtractor, minilm: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    theirs = sentence_transformers.SentenceTransformer(str(minilm), device="cpu").encode(Preprocessor()(TEXTS))
    ours = real.encode(TEXTS)
    assert (ours.shape, ours.dtype, ours.flags.c_contiguous) == ((5, 384), np.float32, True)
    assert np.abs(ours - theirs).max() < 1e-5


def test_the_features_of_the_cards_text_are_those_of_the_cards_recipe(real: FeatureExtractor, minilm: Path) -> None:
    from transformers import BertModel, BertTokenizer

    tokenizer = BertTokenizer.from_pretrained(str(minilm))
    with torch.inference_mode():
        output = BertModel.from_pretrained(minilm)(**tokenizer(CARD, return_tensors="pt"))
    features = real.features(CARD)
    assert np.abs(features.last_hidden_state - output.last_hidden_state[0].numpy()).max() < 1e-5
    assert features.tokens == tokenizer.convert_ids_to_tokens(tokenizer(CARD)["input_ids"])


# --- batches -------------------------------------------------------------------------------------------------------------


@given(texts=st.lists(st.sampled_from(["", "a", "log", "the host is down", DAMAGED, "word " * 40]), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_a_vector_does_not_depend_on_its_company(small: FeatureExtractor, texts: list[str]) -> None:
    together = small.encode(texts)
    for text, vector in zip(texts, together, strict=True):
        assert np.abs(small.encode(text) - vector).max() < 1e-5 * max(1, np.abs(vector).max())


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 3}, {"batch_tokens": 1}, {"batch_tokens": 100000}])
def test_batches_of_any_size_give_the_same(small: FeatureExtractor, options: dict[str, int]) -> None:
    np.testing.assert_allclose(small.encode(TEXTS, **options), small.encode(TEXTS), atol=1e-5)


def test_the_order_is_kept_across_chunks(small: FeatureExtractor, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"host {i} " * (i % 7) for i in range(50)]
    whole = small.encode(texts)
    monkeypatch.setattr("vinilm.features.CHUNK_TEXTS", 8)
    np.testing.assert_allclose(small.encode(texts), whole, atol=1e-5)


# --- inputs --------------------------------------------------------------------------------------------------------------


def test_shapes(small: FeatureExtractor) -> None:
    assert small.encode("a").shape == (64,)
    assert small.encode(["a"]).shape == (1, 64)
    assert small.encode([]).shape == (0, 64)
    assert small.encode(("a", "b")).shape == (2, 64)
    assert small.encode(np.array(["a", "b"])).shape == (2, 64)
    assert small.encode(t for t in "ab").shape == (2, 64)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "NoneType"),
        (5, "int"),
        (b"log", "bytes"),
        ({"a": 1}, "dict"),
        (["a", None], "item 1 is NoneType"),
        (["a", "b", b"c"], "item 2 is bytes"),
        ([1.5], "item 0 is float"),
        ([["a"]], "item 0 is list"),
    ],
)
def test_what_is_no_text_is_an_error_that_names_the_place(small: FeatureExtractor, given: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        small.encode(given)


def test_strange_strings_have_a_vector(real: FeatureExtractor) -> None:
    texts = ["", " \n\t", "\ud800", "\x00", "x" * 1_000_000, "&" * 10_000, "🙂" * 600, "\u200b"]
    vectors = real.encode(texts)
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_megabyte_of_words_is_cut_or_read_whole(small: FeatureExtractor, caplog: pytest.LogCaptureFixture) -> None:
    text = "the host " * 111_111
    with caplog.at_level(logging.WARNING):
        cut = small.encode([text, "a"])
    assert "1 of 2 texts are longer than 128 tokens" in caplog.text
    caplog.clear()
    whole = small.encode([text[:90_000], "a"], long="chunk")
    assert caplog.text == ""
    assert not np.allclose(cut[0], whole[0])
    np.testing.assert_allclose(cut[1], whole[1], atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_windows_are_pooled_as_one_text(tiny: Path, pooling: str) -> None:
    fx = FeatureExtractor.from_pretrained(tiny, device="cpu", preprocess=False, pooling=pooling, max_tokens=12, long="chunk")
    text = "log host disk node " * 9
    prepared = fx.prepare([text])
    assert (prepared.count, prepared.truncated, len(prepared.sequences) > 2) == (1, 0, True)
    states = np.concatenate(fx._states(prepared.sequences))
    expected = states.mean(0) if pooling == "mean" else states.max(0)
    np.testing.assert_allclose(fx.encode(text), expected, atol=1e-5)


def test_prepared_texts_tell_what_they_hold(small: FeatureExtractor) -> None:
    prepared = small.prepare(["a log", "", "word " * 300])
    assert (prepared.count, prepared.truncated, prepared.tokens) == (3, 1, 4 + 2 + 128)


# --- features of tokens --------------------------------------------------------------------------------------------------


def test_every_token_has_its_place_in_the_raw_text(real: FeatureExtractor) -> None:
    features = real.features(DAMAGED)
    assert features.text == "The vSphere client's log is so slow"
    places = [DAMAGED[start:end] for start, end in features.spans]
    assert places == ["", "Teh", "vS", "pher", "e", "client", "&#39;", "s", "log", "is", "sooooo", "slow", ""]
    assert features.last_hidden_state.shape == (len(features.tokens), 384)
    assert not features.truncated


def test_a_prompt_is_not_cleaned_and_has_no_place_in_the_text(real: FeatureExtractor) -> None:
    features = real.features("teh log", prompt="Querry: ")
    assert features.text == "Querry: the log"
    assert features.spans[-3:] == [(0, 3), (4, 7), (0, 0)]
    assert set(features.spans[:-3]) == {(0, 0)}


def test_long_texts_token_by_token(small: FeatureExtractor) -> None:
    text = "the host " * 200
    cut = small.features(text)
    assert (len(cut.tokens), cut.truncated, cut.tokens[-1]) == (128, True, "[SEP]")
    whole = small.features(text, long="chunk")
    assert (len(whole.tokens), whole.truncated) == (402, False)
    assert whole.last_hidden_state.shape == (402, 64)
    assert [text[a:b] for a, b in whole.spans[1:-1]] == ["the", "host"] * 200
    assert whole.tokens.count("[SEP]") == 1


def test_token_embeddings_are_the_states_of_features(small: FeatureExtractor) -> None:
    outputs = small.encode(TEXTS, output_value="token_embeddings")
    for text, states in zip(TEXTS, outputs, strict=True):
        np.testing.assert_allclose(states, small.features(text).last_hidden_state, atol=1e-4)
    everything = small.encode("a log", output_value=None)
    assert len(everything["input_ids"]) == len(everything["token_embeddings"]) == 4
    np.testing.assert_allclose(everything["sentence_embedding"], small.encode("a log"), atol=1e-5)


# --- settings ------------------------------------------------------------------------------------------------------------


def test_kinds_of_results(small: FeatureExtractor) -> None:
    plain = small.encode(TEXTS)
    tensor = small.encode(TEXTS, convert_to_tensor=True)
    assert isinstance(tensor, torch.Tensor)
    assert tensor.tolist() == plain.tolist()
    listed = small.encode(TEXTS, convert_to_numpy=False)
    assert isinstance(listed, list)
    assert all(isinstance(t, torch.Tensor) for t in listed)
    short = small.encode(TEXTS, truncate_dim=10, normalize_embeddings=True)
    np.testing.assert_allclose(short, plain[:, :10] / np.linalg.norm(plain[:, :10], axis=1, keepdims=True), atol=1e-5)
    assert small.encode(TEXTS, precision="ubinary").shape == (5, 8)
    assert small.encode(TEXTS, precision="int8").dtype == np.int8


def test_pooling_none_gives_tokens(tiny: Path) -> None:
    fx = FeatureExtractor.from_pretrained(tiny, device="cpu", preprocess=False, pooling="none")
    assert fx.encode("a log").shape == (4, 64)


def test_poolings_differ_and_the_models_own_is_the_default(tiny: Path, small: FeatureExtractor) -> None:
    vectors = {
        pooling: FeatureExtractor.from_pretrained(tiny, device="cpu", preprocess=False, pooling=pooling).encode(CARD)
        for pooling in ("mean", "cls", "max")
    }
    states = small.features(CARD).last_hidden_state
    np.testing.assert_allclose(vectors["mean"], states.mean(0), atol=1e-5)
    np.testing.assert_allclose(vectors["cls"], states[0], atol=1e-5)
    np.testing.assert_allclose(vectors["max"], states.max(0), atol=1e-5)
    np.testing.assert_allclose(small.encode(CARD), vectors["mean"], atol=1e-6)


def test_prompts(small: FeatureExtractor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "prompts", {"query": "query: ", "passage": "passage: "})
    expected = small.encode("query: log")
    for vector in (
        small.encode("log", prompt_name="query"),
        small.encode("log", prompt="query: "),
        small.encode_query("log"),
        small.encode_document("log", prompt_name="query"),
    ):
        np.testing.assert_allclose(vector, expected, atol=1e-6)
    np.testing.assert_allclose(small.encode_document("log"), small.encode("passage: log"), atol=1e-6)
    with pytest.raises(SettingsError, match="no prompt named 'title'; it has 'query', 'passage'"):
        small.encode("log", prompt_name="title")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_value": "words"}, "output_value='words'"),
        ({"truncate_dim": 0}, "from 1 to 64"),
        ({"truncate_dim": 65}, "from 1 to 64"),
        ({"precision": "int4"}, "int4"),
        ({"long": "split"}, "truncate, chunk"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_tokens": -1}, "batch_tokens"),
    ],
)
def test_settings_out_of_range(small: FeatureExtractor, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        small.encode(["a"], **options)


@pytest.mark.parametrize("options", [{"pooling": "sum"}, {"max_tokens": 2}, {"max_tokens": 129}, {"long": "split"}])
def test_an_extractor_is_not_made_of_wrong_settings(tiny: Path, options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        FeatureExtractor.from_pretrained(tiny, device="cpu", preprocess=False, **options)


def test_preprocess_is_yes_no_or_a_preprocessor(tiny: Path) -> None:
    html = Preprocessor(stages=["html"])
    fx = FeatureExtractor.from_pretrained(tiny, device="cpu", preprocess=html)
    assert fx.features("teh &amp;").text == "teh &"
    with pytest.raises(TypeError, match="str"):
        FeatureExtractor.from_pretrained(tiny, device="cpu", preprocess="yes")  # type: ignore[arg-type]


def test_similarity_is_the_models(small: FeatureExtractor) -> None:
    vectors = small.encode(["a log", "a log", "the datastore"])
    similarities = small.similarity(vectors, vectors)
    assert similarities[0, 1] == pytest.approx(1, abs=1e-5)
    assert similarities[0, 2] < similarities[0, 1]


# --- saving --------------------------------------------------------------------------------------------------------------


def test_a_saved_folder_cleans_and_pools_as_before(tiny: Path, tmp_path: Path) -> None:
    lexicon = tmp_path / "domain.tsv"
    lexicon.write_text("term\tcount\nfkag\t9\n")
    fx = FeatureExtractor.from_pretrained(
        tiny, device="cpu", pooling="max", max_tokens=40, preprocess=Preprocessor(lexicon=lexicon, threshold=0.5)
    )
    fx.save_pretrained(tmp_path / "model")
    again = FeatureExtractor.from_pretrained(tmp_path / "model", device="cpu")
    assert (again.pooling, again.max_tokens) == ("max", 40)
    assert again.features("teh fkag").text == "the fkag"
    assert np.array_equal(again.encode(TEXTS), fx.encode(TEXTS))
    assert again.preprocessor is not None
    assert again.preprocessor.fingerprint == fx.preprocessor.fingerprint  # type: ignore[union-attr]
    again.save_pretrained(tmp_path / "model")  # over itself
    assert np.array_equal(FeatureExtractor.from_pretrained(tmp_path / "model", device="cpu").encode(CARD), fx.encode(CARD))


def test_a_saved_folder_is_one_of_transformers(tiny: Path, tmp_path: Path, small: FeatureExtractor) -> None:
    from transformers import AutoModel, AutoTokenizer

    small.save_pretrained(tmp_path)
    tokenizer, model = AutoTokenizer.from_pretrained(tmp_path), AutoModel.from_pretrained(tmp_path)
    with torch.inference_mode():
        output = model(**tokenizer(CARD, return_tensors="pt"))
    assert np.abs(small.features(CARD).last_hidden_state - output.last_hidden_state[0].numpy()).max() < 1e-5


def test_the_fingerprint_tells_what_would_change_a_vector(tiny: Path, minilm: Path) -> None:
    options: list[dict[str, Any]] = [
        {},
        {"pooling": "max"},
        {"max_tokens": 20},
        {"long": "chunk"},
        {"dtype": "bfloat16"},
        {"preprocess": False},
        {"preprocess": Preprocessor(threshold=0.5)},
    ]
    prints = [FeatureExtractor.from_pretrained(tiny, device="cpu", **o).fingerprint for o in options]
    assert len(set(prints)) == len(prints)
    assert FeatureExtractor.from_pretrained(tiny, device="cpu").fingerprint == prints[0]


def test_importing_vinilm_imports_nothing_heavy() -> None:
    script = """
import sys
import vinilm
assert "FeatureExtractor" in dir(vinilm)
heavy = {"torch", "transformers", "numpy", "vnlp_prep"} & set(sys.modules)
assert not heavy, heavy
try:
    vinilm.Nothing
except AttributeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert "has no attribute 'Nothing'" in done.stdout, done.stderr


@pytest.mark.parametrize("library", ["huggingface_hub", "safetensors", "tokenizers", "torch"])
def test_without_the_extra_the_error_says_what_to_install(library: str) -> None:
    script = f"""
import sys
sys.modules[{library!r}] = None
from vinilm import BackendError, FeatureExtractor
try:
    FeatureExtractor.from_pretrained("sentence-transformers/all-MiniLM-L6-v2")
except BackendError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert library in done.stdout, done.stderr[-2000:]
    assert 'pip install "vnlp-prep[vinilm]"' in done.stdout


def test_a_bar_is_shown_when_it_is_asked_for(small: FeatureExtractor, capfd: pytest.CaptureFixture[str]) -> None:
    small.encode(["a", "b"], show_progress_bar=True)
    assert "2/2" in capfd.readouterr().err
    small.encode(["a", "b"])
    assert capfd.readouterr().err == ""
