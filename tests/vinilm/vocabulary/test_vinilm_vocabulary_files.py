"""The tokenizer's two files: rewritten alike, refused where a term could break something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from model_folders import change, write
from tokenizers import BertWordPieceTokenizer, Tokenizer
from vocabulary_models import UNUSED, WORDS, make_vocabulary_model, unique

from vinilm.errors import ModelError
from vinilm.models import open_model
from vinilm.vocabulary.tokenizer_files import read_tokenizer

TEXT = "The DataStore of the hosts, (names) namespace; unused0 [unused0] [MASK] 7"


def with_vocabulary(file: Path, edit) -> None:
    content = json.loads(file.read_text())
    content["model"]["vocab"] = edit(content["model"]["vocab"])
    write(file, content)


def test_places_are_found_in_the_order_of_the_vocabulary(model):
    files = read_tokenizer(open_model(model))
    assert [files.tokens[i] for i in files.slots] == [f"[unused{i}]" for i in range(UNUSED)]
    assert files.slots == [1, 2, 3, 4, 5, 6, 11, 12]
    assert files.tokens == tuple(unique(WORDS))
    assert files.lower_case is True


@pytest.mark.parametrize("given", ["both", "whole", "words"])
def test_both_files_come_out_and_mean_the_same(model, tmp_path, given):
    if given == "whole":
        (model / "vocab.txt").unlink()
    elif given == "words":
        (model / "tokenizer.json").unlink()
    before = read_tokenizer(open_model(model))
    after = before.replaced({1: "datastore", 12: "namespace"})
    target = tmp_path / "new"
    target.mkdir()
    after.write(target)
    whole = Tokenizer.from_file(str(target / "tokenizer.json"))
    words = BertWordPieceTokenizer(str(target / "vocab.txt"))
    assert whole.encode(TEXT).ids == words.encode(TEXT).ids == after.tokenizer.encode(TEXT).ids
    assert whole.encode(TEXT).tokens[:4] == ["[CLS]", "the", "datastore", "of"]
    assert (target / "vocab.txt").read_text().split("\n")[:3] == ["[PAD]", "datastore", "[unused1]"]
    # Nothing else of the tokenizer changed.
    old, new = before.content, json.loads((target / "tokenizer.json").read_text())
    assert old["model"].pop("vocab") != new["model"].pop("vocab")
    assert old == new


def test_without_terms_the_files_are_written_as_they_were(model, tmp_path):
    read_tokenizer(open_model(model)).write(tmp_path)
    for name in ("tokenizer.json", "vocab.txt"):
        assert (tmp_path / name).read_bytes() == (model / name).read_bytes()


def test_a_file_on_one_line_stays_on_one(model, tmp_path):
    write(model / "tokenizer.json", json.loads((model / "tokenizer.json").read_text()))
    read_tokenizer(open_model(model)).write(tmp_path)
    assert "\n" not in (tmp_path / "tokenizer.json").read_text()


def refused(model: Path, *said: str) -> None:
    with pytest.raises(ModelError) as error:
        read_tokenizer(open_model(model))
    for words in said:
        assert words in str(error.value)


def test_files_that_disagree_are_refused(model):
    lines = (model / "vocab.txt").read_text().split("\n")
    lines[20], lines[21] = lines[21], lines[20]
    (model / "vocab.txt").write_text("\n".join(lines))
    refused(model, "vocab.txt, line 21", "'i'", "'h'", "save_pretrained")


def test_a_shorter_word_list_is_refused(model):
    lines = (model / "vocab.txt").read_text().split("\n")
    (model / "vocab.txt").write_text("\n".join(lines[:-3]))
    refused(model, "vocab.txt", "nothing")


def test_a_word_list_with_a_word_twice_is_refused(model):
    (model / "tokenizer.json").unlink()
    words = unique(WORDS)
    words[30] = words[20]
    (model / "vocab.txt").write_text("\n".join(words) + "\n")
    refused(model, "vocab.txt")


def test_two_tokens_of_one_number_and_a_gap_are_refused(model):
    (model / "vocab.txt").unlink()
    file = model / "tokenizer.json"
    with_vocabulary(file, lambda v: {**v, "host": v["data"]})
    refused(model, "tokenizer.json", "two tokens have the number")
    with_vocabulary(file, lambda v: {t: i for t, i in v.items() if t not in ("host", "data")})
    refused(model, "tokenizer.json", "no token has the number")


def test_lost_special_tokens_are_refused(tmp_path):
    model = make_vocabulary_model(tmp_path / "m", tuple(w for w in WORDS if w != "[MASK]"))
    refused(model, "without [MASK]")


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("pre_tokenizer", {"type": "Whitespace"}, "'Whitespace', not BertPreTokenizer"),
        ("pre_tokenizer", None, "None, not BertPreTokenizer"),
        ("normalizer", {"type": "Lowercase"}, "'Lowercase', not BertNormalizer"),
        ("normalizer", None, "None, not BertNormalizer"),
    ],
)
def test_other_rules_than_those_of_bert_are_refused(model, part, value, said):
    change(model / "tokenizer.json", **{part: value})
    refused(model, "tokenizer.json", part, said)


@pytest.mark.parametrize(
    ("key", "value"), [("continuing_subword_prefix", "@@"), ("unk_token", "<unk>"), ("max_input_chars_per_word", 20)]
)
def test_another_word_piece_is_refused(model, key, value):
    content = json.loads((model / "tokenizer.json").read_text())
    content["model"][key] = value
    write(model / "tokenizer.json", content)
    refused(model, key, repr(value))


def test_a_vocabulary_of_another_kind_is_refused(model):
    content = json.loads((model / "tokenizer.json").read_text())
    content["model"]["type"] = "BPE"
    write(model / "tokenizer.json", content)
    refused(model, "WordPiece")


def test_unused_tokens_that_have_a_meaning_are_refused(model):
    entry = {"id": 1, "content": "[unused0]", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    content = json.loads((model / "tokenizer.json").read_text())
    before = content["added_tokens"]
    write(model / "tokenizer.json", {**content, "added_tokens": [*before, {**entry, "special": True}]})
    refused(model, "tokenizer.json", "[unused0] is listed")
    write(model / "tokenizer.json", content)
    write(model / "special_tokens_map.json", {"additional_special_tokens": ["[unused0]"]})
    refused(model, "special_tokens_map.json", "[unused0]")
    (model / "special_tokens_map.json").unlink()
    write(model / "added_tokens.json", {"[unused1]": 2})
    refused(model, "added_tokens.json", "[unused1]")
    (model / "added_tokens.json").unlink()
    change(model / "tokenizer_config.json", added_tokens_decoder={"1": entry})
    refused(model, "tokenizer_config.json", "[unused0]")


def test_two_rules_for_case_are_refused(model):
    change(model / "tokenizer_config.json", do_lower_case=False)
    refused(model, "tokenizer_config.json", "do_lower_case is False", "True")
