"""The WordPiece vocabulary: reading it, cutting words as BERT's tokenizer does, and what is refused."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vnlp_prep.errors import SettingsError
from vnlp_prep.lexicon.wordpiece import WordPieces

PIECES = ["[UNK]", "[CLS]", "data", "store", "da", "##ta", "##s", "##store", "a", "##a", "##b", "b", "é", "cafe", "##e"]
WORDS = WordPieces(PIECES)
LETTERS = "abd\u00e9stE\u0301\u00df"


def tokenizer_json(**model):
    return json.dumps({"normalizer": {"type": "BertNormalizer", "lowercase": True}, "model": {"type": "WordPiece", **model}})


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("data", ("data",)),
        ("DATA", ("data",)),
        ("datas", ("data", "##s")),
        ("datastore", ("data", "##store")),
        ("dataé", ("data", "##e")),
        ("Café", ("cafe",)),
        ("ab", ("a", "##b")),
        ("xyz", ()),
        ("datax", ()),
        ("", ()),
        ("a" * 100, ("a",) + ("##a",) * 99),
        ("a" * 101, ()),
    ],
)
def test_the_longest_piece_comes_first(word, pieces):
    assert WORDS.pieces(word) == pieces
    assert (word in WORDS) == (len(pieces) == 1)


def test_cuts_are_where_pieces_end():
    assert WORDS.cuts("datastore") == {4, 9}
    assert WORDS.cuts("data") == {4}
    assert WORDS.cuts("xyz") == frozenset()


@given(st.text("abdst", max_size=30))
def test_pieces_make_the_word(word):
    pieces = WORDS.pieces(word)
    assert not pieces or "".join(p.removeprefix("##") for p in pieces) == word
    assert not pieces or max(WORDS.cuts(word)) == len(word)


@given(st.text(LETTERS, min_size=1, max_size=12))
def test_pieces_are_those_of_the_tokenizers_library(word):
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {piece: i for i, piece in enumerate(PIECES)}
    theirs = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    theirs.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    assert (list(WORDS.pieces(word)) or ["[UNK]"]) == (theirs.encode(word).tokens or ["[UNK]"])


def test_every_form_of_a_vocabulary_is_read_alike(tmp_path):
    (tmp_path / "vocab.txt").write_bytes("\r\n".join(PIECES).encode() + b"\r\n")
    (tmp_path / "tokenizer.json").write_text(tokenizer_json(vocab={p: i for i, p in enumerate(PIECES)}))
    found = [WordPieces.load(tmp_path / name) for name in ("vocab.txt", "tokenizer.json", "")]
    assert {v.fingerprint for v in found} == {WORDS.fingerprint}
    (tmp_path / "vocab.txt").unlink()
    assert WordPieces.load(tmp_path).fingerprint == WORDS.fingerprint


def test_the_case_is_what_the_model_says(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(PIECES))
    assert WordPieces.load(path).lower_case
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    cased = WordPieces.load(path)
    assert not cased.lower_case
    assert cased.pieces("Data") == ()
    assert cased.fingerprint != WORDS.fingerprint
    assert WordPieces.load(path, lower_case=True).lower_case
    assert not WordPieces(["The", "##s"]).lower_case  # a capital outside of brackets
    both = {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]}
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps({"normalizer": both, "model": {"vocab": {"The": 0, "##s": 1}}}))
    assert WordPieces.load(file).lower_case


@pytest.mark.parametrize("lower_case", [True, False])
def test_what_is_saved_is_what_is_loaded(tmp_path, lower_case):
    words = WordPieces([*PIECES, "", "two words", "\n"], lower_case=lower_case)
    words.save(tmp_path / "v.txt")
    for again in (WordPieces.load(tmp_path / "v.txt", lower_case=lower_case), pickle.loads(pickle.dumps(words))):
        assert again.fingerprint == words.fingerprint
        assert again.pieces("datastore") == words.pieces("datastore")
        assert len(again) == len(PIECES)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("vocab.txt", b"", "no WordPiece vocabulary"),
        ("vocab.txt", b"just\nwords\n##\n", "no WordPiece vocabulary"),
        ("vocab.txt", b"##s\n\xff", "not UTF-8 at byte 5"),
        ("tokenizer.json", b"", "tokenizer.json: "),
        ("tokenizer.json", b"[" * 100_000, "tokenizer.json: "),
        ("tokenizer.json", b"[]", "no tokenizer.json with"),
        ("tokenizer.json", b'{"model": {"vocab": [["a", 0.1]]}}', "no tokenizer.json with"),
        ("tokenizer.json", tokenizer_json(type="BPE", vocab={"a": 0}).encode(), "'BPE'; only WordPiece"),
        ("tokenizer.json", tokenizer_json(continuing_subword_prefix="@@", vocab={"a": 0}).encode(), "'@@', not with '##'"),
    ],
)
def test_what_is_no_vocabulary_is_refused_with_its_name(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError) as raised:
        WordPieces.load(tmp_path / name)
    assert str(raised.value).startswith(f"{tmp_path / name}: ")
    assert reason in str(raised.value)


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot read"):
        WordPieces.load(tmp_path / "none.txt")
    with pytest.raises(SettingsError, match="in this folder"):
        WordPieces.load(tmp_path)
