from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinilm.errors import ModelError
from vinilm.tokens import Tokenizer


@pytest.fixture(scope="module")
def tokenizer(minilm: Path) -> Tokenizer:
    return Tokenizer.load(minilm / "tokenizer.json", lower_case=True)


TEXTS = [
    "",
    " ",
    "Replace me by any text you'd like.",
    "vSphere ESXi 7.0u3 /vmfs/volumes/ds1",
    "naïve café 日本語 🙂",
    "x" * 500,
    "a\u0000b\ufffd\u200b",
    "[CLS] [SEP] [MASK]",
]


def test_ids_are_those_of_transformers(tokenizer: Tokenizer, minilm: Path) -> None:
    from transformers import BertTokenizer

    theirs = BertTokenizer.from_pretrained(str(minilm))
    assert tokenizer.ids(TEXTS) == [theirs(t, truncation=False)["input_ids"] for t in TEXTS]


def test_vocabulary_alone_gives_the_same_ids(tokenizer: Tokenizer, minilm: Path) -> None:
    assert Tokenizer.load(minilm / "vocab.txt", lower_case=True).ids(TEXTS[:-1]) == tokenizer.ids(TEXTS[:-1])


def test_a_lone_surrogate_is_a_character_that_is_not_known(tokenizer: Tokenizer) -> None:
    ids = tokenizer.ids(["a \ud800 b", "a \ufffd b"])
    assert ids[0] == ids[1]
    assert tokenizer.tokenized("\ud800\udc00 log").spans[-2] == (3, 6)


def test_cut_keeps_the_last_special_token(tokenizer: Tokenizer) -> None:
    [ids] = tokenizer.ids(["one two three four five"])
    assert tokenizer.cut(ids, 4) == [*ids[:3], ids[-1]]
    assert tokenizer.cut(ids, 7) == ids


WORDS = st.lists(st.sampled_from(["log", "virtualmachines", "datastore", "kubernetes", "a"]), max_size=60)


@given(text=WORDS.map(" ".join), limit=st.integers(3, 40))
def test_windows_hold_every_token_once_and_fit(tokenizer: Tokenizer, text: str, limit: int) -> None:
    [ids] = tokenizer.ids([text])
    windows = tokenizer.windows(ids, limit)
    assert [i for start, end in windows for i in ids[start:end]] == ids[1:-1]
    for window in windows:
        sequence = tokenizer.window(ids, window)
        assert len(sequence) <= limit
        assert (sequence[0], sequence[-1]) == (ids[0], ids[-1])
    assert len(windows) == 1 or all(start < end for start, end in windows)


def test_windows_end_between_words(tokenizer: Tokenizer) -> None:
    [ids] = tokenizer.ids(["virtualmachines " * 40])
    tokens = {tokenizer.tokenized("virtualmachines").ids[1]}
    windows = tokenizer.windows(ids, 32)
    assert len(windows) > 2
    assert all(ids[start] in tokens for start, _ in windows)


def test_what_is_no_tokenizer_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        Tokenizer.load(file, lower_case=True)
