"""Which tokens are hidden: a share of the ordinary ones, whole words, by the step and the row alone."""

from __future__ import annotations

import numpy as np
import pytest

from vinilm.errors import ModelError
from vinilm.pretraining.masking import IGNORED, Masking
from vinilm.tokens import Tokenizer
from vinilm.training.batches import Batch
from vnlp_prep.errors import SettingsError

TEXT = "kubernetes hypervisors rebalance the virtualization of unsupported datastores [UNK] and snapshots, vmfs"
WIDTH = 40


@pytest.fixture(scope="module")
def tokenizer(minilm) -> Tokenizer:
    return Tokenizer.load(minilm / "tokenizer.json", lower_case=True)


@pytest.fixture(scope="module")
def tokens(tokenizer) -> np.ndarray:
    return np.array(tokenizer.vocabulary())


def batch_of(tokenizer, rows: int) -> Batch:
    """Rows of two sequences and padding."""
    ids = tokenizer.ids([TEXT])[0]
    short = [ids[0], *ids[5:9], ids[-1]]
    row = [*ids, *short] + [0] * (WIDTH - len(ids) - len(short))
    segments = [1] * len(ids) + [2] * len(short)
    positions = [*range(len(ids)), *range(len(short))]
    arrays = (row, segments + [0] * (WIDTH - len(segments)), positions + [0] * (WIDTH - len(positions)))
    return Batch(*(np.tile(np.array(array, dtype=np.int64), (rows, 1)) for array in arrays))


def masked(masking, batch, *, seed=1, step=0):
    return masking(batch, np.arange(len(batch.ids)), seed=seed, step=step)


@pytest.mark.parametrize("whole_words", [True, False])
def test_shares(tokenizer, tokens, whole_words):
    batch = batch_of(tokenizer, 4000)
    masking = Masking.of(tokenizer, whole_words=whole_words)
    ids, labels = masked(masking, batch)
    chosen = labels != IGNORED
    ordinary = (batch.segments > 0) & ~np.isin(tokens[batch.ids], ["[CLS]", "[SEP]", "[UNK]"])
    assert not chosen[~ordinary].any()
    assert chosen.sum() / ordinary.sum() == pytest.approx(0.15, abs=0.01)
    assert chosen.any(axis=1).all()
    assert (labels[chosen] == batch.ids[chosen]).all()
    assert (ids[~chosen] == batch.ids[~chosen]).all()
    is_mask = tokens[ids[chosen]] == "[MASK]"
    stays = ids[chosen] == batch.ids[chosen]
    assert is_mask.mean() == pytest.approx(0.8, abs=0.02)
    assert stays.mean() == pytest.approx(0.1, abs=0.02)
    others = ids[chosen][~is_mask & ~stays]
    assert len(set(others.tolist())) > 0.9 * len(others)
    assert not any(token.startswith("[") and len(token) > 1 for token in tokens[others])


def words_of(row_tokens) -> list[list[int]]:
    words: list[list[int]] = []
    for place, token in enumerate(row_tokens):
        if token.startswith("##"):
            words[-1].append(place)
        else:
            words.append([place])
    return words


def test_words_are_hidden_as_a_whole(tokenizer, tokens):
    batch = batch_of(tokenizer, 500)
    words = words_of(tokens[batch.ids[0]])
    assert sum(len(word) > 2 for word in words) > 2
    whole = masked(Masking.of(tokenizer), batch)[1] != IGNORED
    parts = masked(Masking.of(tokenizer, whole_words=False), batch)[1] != IGNORED
    for word in words:
        assert set(whole[:, word].sum(axis=1).tolist()) <= {0, len(word)}
    assert any(set(parts[:, word].sum(axis=1).tolist()) > {0, len(word)} for word in words)
    assert (whole.sum(axis=0) > 0).sum() == (parts.sum(axis=0) > 0).sum()  # every ordinary token is hidden at some time


def test_a_piece_at_the_start_of_a_sequence_is_no_part_of_the_one_before(tokenizer):
    piece = next(i for i, token in enumerate(tokenizer.vocabulary()) if token.startswith("##"))
    row = np.array([[101, 2000, 102, 101, piece, 102]])
    batch = Batch(row, np.array([[1, 1, 1, 2, 2, 2]]), np.array([[0, 1, 2, 0, 1, 2]]))
    seen = {tuple((masked(Masking.of(tokenizer), batch, step=step)[1][0] != IGNORED).tolist()) for step in range(50)}
    assert seen == {(False, True, False, False, False, False), (False, False, False, False, True, False)}


def test_it_depends_on_seed_step_and_row_alone(tokenizer):
    batch, masking = batch_of(tokenizer, 6), Masking.of(tokenizer)
    whole = masked(masking, batch, step=3)
    assert [(a == b).all() for a, b in zip(whole, masked(masking, batch, step=3), strict=True)] == [True, True]
    some = masking(batch.rows(slice(2, 4)), np.array([2, 3]), seed=1, step=3)
    assert [(a[2:4] == b).all() for a, b in zip(whole, some, strict=True)] == [True, True]
    wider = Batch(*(np.pad(a, ((0, 0), (0, 3))) for a in (batch.ids, batch.segments, batch.positions)))
    assert [(a == b[:, :-3]).all() for a, b in zip(whole, masked(masking, wider, step=3), strict=True)] == [True, True]
    assert len({row.tobytes() for row in whole[1]}) > 3
    assert (masked(masking, batch, step=4)[1] != whole[1]).any()
    assert (masked(masking, batch, step=3, seed=2)[1] != whole[1]).any()


def test_rows_without_a_word(tokenizer):
    row = np.array([[101, 100, 102, 0]])
    batch = Batch(row, np.array([[1, 1, 1, 0]]), np.array([[0, 1, 2, 0]]))
    ids, labels = masked(Masking.of(tokenizer), batch)
    assert (ids == row).all()
    assert (labels == IGNORED).all()


@pytest.mark.parametrize("share", [0, 1, float("nan"), -0.1])
def test_a_share_that_is_none(tokenizer, share):
    with pytest.raises(SettingsError, match="mask share"):
        Masking.of(tokenizer, share=share)


def test_a_vocabulary_without_mask(tmp_path):
    words = tmp_path / "vocab.txt"
    words.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n")
    with pytest.raises(ModelError, match=r"no \[MASK\]"):
        Masking.of(Tokenizer.load(words, lower_case=True))
