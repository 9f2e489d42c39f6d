from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinilm.batches import pack, plan
from vinilm.pooling import normalized, pool

lengths = st.lists(st.integers(1, 60), max_size=80)


@given(lengths, st.integers(1, 200), st.none() | st.integers(1, 9))
def test_a_plan_holds_each_sequence_once_within_the_budget(sizes: list[int], tokens: int, texts: int | None) -> None:
    batches = list(plan(sizes, tokens, texts))
    assert sorted(i for batch in batches for i in batch) == list(range(len(sizes)))
    for batch in batches:
        held = [sizes[i] for i in batch]
        assert held == sorted(held)
        assert len(held) == 1 or sum(held) <= tokens
        assert texts is None or len(held) <= texts


@given(lengths, st.integers(1, 200))
def test_a_plan_leaves_no_room_that_the_next_sequence_would_fill(sizes: list[int], tokens: int) -> None:
    batches = list(plan(sizes, tokens))
    for batch, later in pairwise(batches):
        assert sum(sizes[i] for i in batch) + sizes[later[0]] > tokens


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=9), min_size=1).map(lambda x: sorted(x, key=len)))
def test_a_batch_gives_back_what_was_packed(sequences: list[list[int]]) -> None:
    batch = pack(sequences)
    assert [list(part) for part in np.split(batch.ids, batch.starts[1:])] == sequences
    assert batch.positions.tolist() == [i for s in sequences for i in range(len(s))]
    ids, mask = batch.padded(99)
    assert ids[mask == 1].tolist() == batch.ids.tolist()
    assert mask.sum(1).tolist() == [len(s) for s in sequences]
    assert (ids[mask == 0] == 99).all()
    found = [(first + i, length) for first, count, length in batch.groups() for i in range(count)]
    assert found == [(i, len(s)) for i, s in enumerate(sequences)]


def test_an_empty_batch() -> None:
    batch = pack([])
    assert list(batch.groups()) == []
    assert batch.padded()[0].shape == (0, 0)


def test_pooling_is_what_its_name_says() -> None:
    batch = pack([[1], [2, 3, 4]])
    states = np.array([[1, -1], [2, 0], [4, 9], [0, 3]], dtype=np.float32)
    assert pool(states, batch, "mean").tolist() == [[1, -1], [2, 4]]
    assert pool(states, batch, "cls").tolist() == [[1, -1], [2, 0]]
    assert pool(states, batch, "max").tolist() == [[1, -1], [4, 9]]


def test_a_zero_vector_has_no_direction_and_stays() -> None:
    assert normalized(np.array([[0, 0], [3, 4]], dtype=np.float32)).tolist() == [[0, 0], [pytest.approx(0.6), pytest.approx(0.8)]]
