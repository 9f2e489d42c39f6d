"""VnlpTokenizer: the ids of cleaned text, offsets in raw text, and everything else as in transformers."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinilm.errors import ModelError
from vnlp_prep import Preprocessor
from vnlp_prep.errors import SettingsError

pytest.importorskip("torch")
pytest.importorskip("transformers")

import transformers

from vinilm.tokenizer import RawEncoding, VnlpTokenizer, clean_words

RAW = "Teh vSphere client&#39;s <b>log</b> is sooooo slow!!!!!"
OTHER = "We recieve virtualmachinesettings &amp; more"
PREP = Preprocessor()


@pytest.fixture(scope="module")
def ours(tiny: Path) -> VnlpTokenizer:
    return VnlpTokenizer.from_pretrained(tiny)


@pytest.fixture(scope="module")
def plain(tiny: Path) -> Any:
    return transformers.BertTokenizerFast.from_pretrained(tiny)


def test_it_is_a_bert_tokenizer(ours: VnlpTokenizer) -> None:
    assert isinstance(ours, transformers.BertTokenizerFast)
    assert isinstance(ours, transformers.PreTrainedTokenizerFast)
    assert ours.is_fast


# --- the same as cleaning first -------------------------------------------------------------------------------------------

CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((RAW,), {}),
    ((RAW, OTHER), {}),
    (("",), {}),
    ((["", RAW],), {"padding": True}),
    (([RAW, OTHER, "x"],), {"padding": "max_length", "max_length": 40}),
    (([RAW, "x"], [OTHER, "y"]), {"padding": True, "return_token_type_ids": True}),
    (([(RAW, OTHER), ("x", "y")],), {}),
    ((RAW,), {"truncation": True, "max_length": 6}),
    (([RAW, OTHER],), {"truncation": True, "max_length": 6, "stride": 2, "return_overflowing_tokens": True}),
    ((RAW, OTHER), {"truncation": "only_second", "max_length": 18, "return_overflowing_tokens": True}),
    ((RAW,), {"return_tensors": "pt"}),
    (([RAW, OTHER],), {"return_tensors": "np", "padding": True, "return_special_tokens_mask": True, "return_length": True}),
    ((RAW,), {"add_special_tokens": False}),
    ((["a"],), {"text_target": [RAW]}),
    ((), {"text_target": RAW}),
]


def cleaned(value: Any) -> Any:
    return PREP(value) if isinstance(value, str) else type(value)(cleaned(v) for v in value)


def listed(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


@pytest.mark.parametrize(("args", "options"), CALLS)
def test_same_as_cleaning_first(ours: VnlpTokenizer, plain: Any, args: Any, options: dict[str, Any]) -> None:
    clean_options = {k: cleaned(v) if k.startswith("text_") else v for k, v in options.items()}
    expected = plain(*cleaned(args), **clean_options)
    found = ours(*args, **options)
    assert {k: listed(v) for k, v in found.items()} == {k: listed(v) for k, v in expected.items()}
    assert [type(v) for v in found.values()] == [type(v) for v in expected.values()]
    assert [found.word_ids(i) for i in range(len(found.encodings))] == [expected.word_ids(i) for i in range(len(found.encodings))]


def test_the_other_methods(ours: VnlpTokenizer, plain: Any) -> None:
    text = PREP(RAW)
    assert ours.tokenize(RAW) == plain.tokenize(text)
    assert ours.encode(RAW, OTHER, max_length=9, truncation=True) == plain.encode(
        text, PREP(OTHER), max_length=9, truncation=True
    )
    assert ours.decode(ours(RAW)["input_ids"], skip_special_tokens=True) == text.lower().replace("'", " ' ")
    assert ours.batch_decode(ours([RAW])["input_ids"]) == plain.batch_decode(plain([text])["input_ids"])


def test_special_tokens_that_stand_in_the_text(ours: VnlpTokenizer) -> None:
    found = ours("Teh [MASK] is slow", return_offsets_mapping=True)
    place = found["input_ids"].index(ours.mask_token_id)
    assert found["offset_mapping"][place] == (4, 10)


def test_clean_can_be_turned_off(ours: VnlpTokenizer, plain: Any, tiny: Path) -> None:
    assert ours(RAW, clean=False).data == plain(RAW).data
    assert ours.tokenize(RAW, clean=False) == plain.tokenize(RAW)
    assert ours.encode(RAW, clean=False) == plain.encode(RAW)
    off = VnlpTokenizer.from_pretrained(tiny, clean=False)
    assert off(RAW).data == plain(RAW).data
    assert off(RAW, clean=True).data == ours(RAW).data
    off.clean = True
    assert off(RAW).data == ours(RAW).data


@pytest.mark.parametrize("wrong", [3, None, [1], ["a", None], [["a", "b"], 3], b"x"])
def test_what_is_no_text(ours: VnlpTokenizer, wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        ours(wrong)


def test_batches_that_do_not_fit(ours: VnlpTokenizer) -> None:
    with pytest.raises(ValueError, match="batch length"):
        ours(["a", "b"], ["c"])


# --- places in the raw text --------------------------------------------------------------------------------------------------


def test_offsets_are_in_the_raw_text(ours: VnlpTokenizer) -> None:
    found = ours(RAW, return_offsets_mapping=True)
    words = {token: RAW[a:b] for token, (a, b) in zip(found.tokens(), found["offset_mapping"], strict=True)}
    assert words == {
        "[CLS]": "", "the": "Teh", "vs": "vS", "##pher": "pher", "##e": "e", "client": "client", "'": "&#39;", "s": "s",
        "log": "log", "is": "is", "so": "sooooo", "slow": "slow", "!": "!!!!!", "[SEP]": "",
    }  # fmt: skip


def test_offsets_of_pairs_batches_and_overflow(ours: VnlpTokenizer) -> None:
    options: dict[str, Any] = {
        "return_offsets_mapping": True,
        "truncation": True,
        "max_length": 8,
        "return_overflowing_tokens": True,
    }
    found = ours([OTHER, RAW], **options)
    samples = [[OTHER, RAW][i] for i in found["overflow_to_sample_mapping"]]
    seen = [{text[a:b] for a, b in spans} for text, spans in zip(samples, found["offset_mapping"], strict=True)]
    assert len(seen) > 2
    assert {"recieve", "&amp;", "sooooo", "Teh"} <= set().union(*seen)

    pair = ours(OTHER, RAW, return_offsets_mapping=True)
    texts = [OTHER, RAW]
    named = [(s, texts[s][a:b]) for s, (a, b) in zip(pair.sequence_ids(), pair["offset_mapping"], strict=True) if s is not None]
    assert (0, "recieve") in named
    assert (1, "Teh") in named
    assert (1, "!!!!!") in named

    padded = ours(["<b>a</b>", OTHER], return_offsets_mapping=True, padding=True, return_tensors="pt")
    assert padded["offset_mapping"].shape == (*padded["input_ids"].shape, 2)
    assert padded["offset_mapping"][0, :3].tolist() == [[0, 0], [3, 4], [0, 0]]
    assert not padded["offset_mapping"][0, 3:].any()


def test_the_methods_of_the_encoding_agree_with_the_offsets(ours: VnlpTokenizer) -> None:
    found = ours([OTHER, RAW], return_offsets_mapping=True)
    spans = found["offset_mapping"][1]
    assert found.token_to_chars(1, 0) is None
    assert found.token_to_chars(1, 1) == spans[1] == (0, 3)
    assert [found.word_to_chars(1, w) for w in (0, 1)] == [(0, 3), (4, 11)]
    assert RAW[slice(*found.word_to_chars(1, found.char_to_word(1, RAW.index("sooooo") + 2)))] == "sooooo"
    assert found.char_to_token(1, RAW.index("<b>")) is None
    assert found.char_to_word(1, RAW.index("<b>")) is None
    for char in range(len(RAW)):
        token = found.char_to_token(1, char)
        assert token is None or spans[token][0] <= char < spans[token][1]
    single = ours(RAW)
    assert single.char_to_token(RAW.index("log")) == found.char_to_token(1, RAW.index("log"))
    assert single.token_to_chars(1) == (0, 3)
    assert single.word_to_chars(0) == (0, 3)
    pair = ours(OTHER, RAW)
    assert pair.token_to_chars(pair.char_to_token(0, 1, 1)) == (0, 3)
    assert pair.word_to_chars(0, 0, 1) == (0, 3)


def test_the_encoding_pickles_and_copies(ours: VnlpTokenizer) -> None:
    found = ours([OTHER, RAW], return_offsets_mapping=True)
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert isinstance(again, RawEncoding)
        assert again.data == found.data
        assert again.char_to_token(1, RAW.index("slow")) == found.char_to_token(1, RAW.index("slow"))


# Strings of pieces that the stages have something to do with.
PIECES = st.sampled_from(
    ["Teh", "recieve", "virtualmachine", "client&#39;s", "<b>", "</b>", "&amp;", "sooooo", "!!!!!", " ", "\n", "vSphere", "é",
     "\u200b", "Ã©", "[SEP]", "http://a.b/c?d=1", "x", "&nbsp;", "ﬁ", "\U0001f600"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=12).map("".join)


@settings(max_examples=60, deadline=None)
@given(first=TEXTS, second=TEXTS)
def test_for_any_text(ours: VnlpTokenizer, plain: Any, first: str, second: str) -> None:
    found = ours([first, second], return_offsets_mapping=True)
    doc = [PREP.clean(first), PREP.clean(second)]
    expected = plain([d.text for d in doc], return_offsets_mapping=True)
    assert found["input_ids"] == expected["input_ids"]
    for d, spans, clean in zip(doc, found["offset_mapping"], expected["offset_mapping"], strict=True):
        assert spans == [d.raw_span(*c) if c != (0, 0) else (0, 0) for c in clean]
        assert all(0 <= a <= b <= len(d.raw) for a, b in spans)


# --- words that the caller has split --------------------------------------------------------------------------------------

WORDS = ["Teh", "client", "&#39;s", "<b>", "log", "</b>", "is", "sooooo", "slow", "!!!!!", ""]


def test_split_words_stay_words(ours: VnlpTokenizer) -> None:
    found = ours(WORDS, is_split_into_words=True, return_offsets_mapping=True)
    by_word: dict[int, list[str]] = {}
    for token, word, (start, end) in zip(found.tokens(), found.word_ids(), found["offset_mapping"], strict=True):
        if word is not None:
            by_word.setdefault(word, []).append(token)
            assert 0 <= start < end <= len(WORDS[word])
    assert by_word[0] == ["the"]
    assert by_word[7] == ["so"]
    assert by_word[4] == ["log"]
    assert by_word[9] == ["!"]
    assert max(by_word) <= 10
    assert RawEncoding is type(found)
    assert found.word_to_chars(7) == (0, 6)


def test_split_words_with_special_tokens(ours: VnlpTokenizer, plain: Any) -> None:
    found = ours(["Teh", "[MASK]", "is", "a[SEP]b"], is_split_into_words=True, return_offsets_mapping=True)
    expected = plain(["The", "[MASK]", "is", "a[SEP]b"], is_split_into_words=True, return_offsets_mapping=True)
    assert found.data == expected.data


def test_split_words_are_the_text_cleaned(ours: VnlpTokenizer) -> None:
    words = RAW.replace("<b>", "").replace("</b>", "").split()
    assert ours(words, is_split_into_words=True)["input_ids"] == ours(RAW)["input_ids"]


@pytest.mark.parametrize(
    ("args", "count"),
    [
        (([["Teh", "x"], ["a"]],), 2),
        ((["Teh"], ["recieve", "x"]), 1),
        (([["Teh"], ["a"]], [["recieve"], ["b"]]), 2),
        (([(["Teh"], ["b"])],), 1),
        (([],), 1),
    ],
)
def test_split_words_in_batches_and_pairs(ours: VnlpTokenizer, plain: Any, args: Any, count: int) -> None:
    found = ours(*args, is_split_into_words=True, return_offsets_mapping=True)
    fixed = json.loads(json.dumps(args).replace("Teh", "The").replace("recieve", "receive"))
    if isinstance(args[0], list) and args[0] and isinstance(args[0][0], tuple):
        fixed = [[tuple(fixed[0][0])]]
    expected = plain(*fixed, is_split_into_words=True, return_offsets_mapping=True)
    assert found.data == expected.data
    assert len(found.encodings) == count


@settings(max_examples=60, deadline=None)
@given(words=st.lists(TEXTS, max_size=6))
def test_cleaned_words_are_as_many(words: list[str]) -> None:
    found = clean_words(PREP, words)
    assert [c.raw for c in found] == words
    assert [c.restore() for c in found] == words


# --- saving and loading ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tokenizer whose preprocessor knows "teh", and no other file."""
    folder = tmp_path_factory.mktemp("saved")
    (folder / "domain.tsv").write_text("teh\t10\n")
    preprocessor = Preprocessor(lexicon=folder / "domain.tsv", stages=("html", "spelling"))
    VnlpTokenizer.from_pretrained(tiny, preprocessor=preprocessor).save_pretrained(folder / "tokenizer")
    return folder / "tokenizer"


@pytest.mark.parametrize("loader", [VnlpTokenizer, transformers.AutoTokenizer])
def test_the_preprocessor_travels_with_the_tokenizer(saved: Path, loader: Any, tmp_path: Path) -> None:
    again = loader.from_pretrained(saved)
    assert type(again) is VnlpTokenizer
    assert again.preprocessor.stages == ("html", "spelling")
    assert again.tokenize("Teh <b>recieve</b> sooooo") == ["te", "##h", "receive", "soo", "##oo", "##o"]
    again.clean = False
    again.save_pretrained(tmp_path)
    assert loader.from_pretrained(saved).clean
    assert not VnlpTokenizer.from_pretrained(tmp_path).clean


@pytest.mark.parametrize("lower_case", [True, False])
def test_a_vocabulary_alone(tiny: Path, tmp_path: Path, lower_case: bool) -> None:
    """A folder of old, with vocab.txt; upper case is kept where the settings say so."""
    vocabulary = transformers.BertTokenizerFast.from_pretrained(tiny).get_vocab()
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in sorted(vocabulary, key=vocabulary.__getitem__)))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lower_case}))
    found = VnlpTokenizer.from_pretrained(tmp_path).tokenize("recieve A log")
    assert found == (["receive", "a", "log"] if lower_case else ["receive", "[UNK]", "log"])
    assert VnlpTokenizer(vocab=str(tmp_path / "vocab.txt")).tokenize("recieve") == ["receive"]


def test_every_file_is_named(saved: Path, tiny: Path, tmp_path: Path) -> None:
    """What save_pretrained returns is what is pushed to a hub: no file of the preprocessor may be missing."""
    preprocessor = Preprocessor(vocabulary=tiny)
    names = VnlpTokenizer.from_pretrained(tiny, preprocessor=preprocessor).save_pretrained(tmp_path)
    assert {Path(n).name for n in names} == {f.name for f in tmp_path.iterdir()}
    again = VnlpTokenizer.from_pretrained(tmp_path)
    assert again.preprocessor.fingerprint == preprocessor.fingerprint


def test_a_preprocessor_that_is_given_goes_first(saved: Path) -> None:
    preprocessor = Preprocessor(stages=())
    assert VnlpTokenizer.from_pretrained(saved, preprocessor=preprocessor).preprocessor is preprocessor


def test_a_folder_that_is_not_as_it_was_saved(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "vnlp_prep.json").write_text('{"settings": {"stages": ["html"], "__reduce__": 1}}')
    (tmp_path / "tokenizer_config.json").write_bytes((saved / "tokenizer_config.json").read_bytes())
    with pytest.raises(ModelError, match=r"no tokenizer\.json or vocab\.txt"):
        VnlpTokenizer.from_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((saved / "tokenizer.json").read_bytes())
    with pytest.raises(SettingsError, match="unknown setting '__reduce__'"):
        VnlpTokenizer.from_pretrained(tmp_path)
    # Settings elsewhere cannot be pointed to.
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**config, "preprocessor_file": str(saved / "vnlp_prep.json")}))
    (tmp_path / "vnlp_prep.json").unlink()
    assert VnlpTokenizer.from_pretrained(tmp_path).preprocessor.stages == Preprocessor().stages


def test_it_pickles_and_copies(saved: Path) -> None:
    tokenizer = VnlpTokenizer.from_pretrained(saved)
    for again in (pickle.loads(pickle.dumps(tokenizer)), copy.deepcopy(tokenizer)):
        assert again(RAW).data == tokenizer(RAW).data
        assert again.preprocessor.fingerprint == tokenizer.preprocessor.fingerprint


@pytest.mark.parametrize("config", [None, '{"model_type": "bert"}'])
def test_without_this_package_it_loads_without_the_cleaning(saved: Path, tmp_path: Path, plain: Any, config: str | None) -> None:
    """In a process that never imports vinilm, AutoTokenizer gives a tokenizer with BertTokenizer's ids."""
    shutil.copytree(saved, tmp_path / "tokenizer")
    if config:
        (tmp_path / "tokenizer" / "config.json").write_text(config)
    script = f"""
import json, sys
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained({str(tmp_path / "tokenizer")!r})
assert "vinilm" not in sys.modules
print(json.dumps([type(tokenizer).__name__, dict(tokenizer({RAW!r}, "x"))]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    name, ids = json.loads(done.stdout)
    assert name == "TokenizersBackend"
    assert ids == plain(RAW, "x").data


def test_a_new_vocabulary_is_learnt_from_cleaned_text(ours: VnlpTokenizer) -> None:
    new = ours.train_new_from_iterator([["teh recieve"] * 5, ["we recieve"] * 5], 60)
    assert type(new) is VnlpTokenizer
    assert new.preprocessor is ours.preprocessor
    assert new.tokenize("recieve") == ["receive"]


# --- with the rest of transformers --------------------------------------------------------------------------------------------


def test_in_a_pipeline_for_features(tiny: Path, ours: VnlpTokenizer) -> None:
    pipe = transformers.pipeline("feature-extraction", model=str(tiny), tokenizer=ours, device="cpu")
    bare = transformers.pipeline("feature-extraction", model=str(tiny), device="cpu")
    assert pipe(RAW) == bare(PREP(RAW)) != bare(RAW)


def test_entities_of_a_pipeline_are_in_the_raw_text(tiny: Path, ours: VnlpTokenizer) -> None:
    model = transformers.BertForTokenClassification.from_pretrained(tiny, num_labels=2)
    pipe = transformers.pipeline("token-classification", model=model, tokenizer=ours, device="cpu", ignore_labels=[])
    found = pipe(RAW)
    places = {e["word"]: RAW[e["start"] : e["end"]] for e in found}
    assert places["the"] == "Teh"
    assert places["so"] == "sooooo"
    assert places["'"] == "&#39;"
    assert places["log"] == "log"
    groups = transformers.pipeline(
        "token-classification", model=model, tokenizer=ours, device="cpu", ignore_labels=[], aggregation_strategy="first"
    )(RAW)
    assert {RAW[g["start"] : g["end"]] for g in groups}
    assert all(0 <= g["start"] < g["end"] <= len(RAW) for g in groups)


def test_in_a_trainer(tiny: Path, ours: VnlpTokenizer, tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict({"text": [RAW, OTHER, "x", "y"], "label": [0, 1, 0, 1]})
    data = data.map(lambda batch: ours(batch["text"], truncation=True), batched=True, remove_columns=["text"])
    assert data[0]["input_ids"] == ours(RAW)["input_ids"]
    model = transformers.BertForSequenceClassification.from_pretrained(tiny, num_labels=2)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    args = transformers.TrainingArguments(
        output_dir=str(tmp_path), max_steps=1, per_device_train_batch_size=4, learning_rate=0.1, warmup_steps=0, use_cpu=True,
        report_to=[], save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model=model,
        args=args,
        train_dataset=data,
        data_collator=transformers.DataCollatorWithPadding(ours),
        processing_class=ours,
    )
    assert trainer.train().global_step == 1
    assert any((p != before[name]).any() for name, p in model.named_parameters())
    trainer.save_model(str(tmp_path / "out"))
    assert VnlpTokenizer.from_pretrained(tmp_path / "out").preprocessor.fingerprint == ours.preprocessor.fingerprint


def test_masked_language_modelling(ours: VnlpTokenizer) -> None:
    collator = transformers.DataCollatorForLanguageModeling(ours, mlm_probability=0.5)
    batch = collator([ours(RAW), ours(OTHER)])
    assert batch["labels"].shape == batch["input_ids"].shape
