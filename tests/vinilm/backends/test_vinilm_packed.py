"""How batches are cut and laid out for runtimes with fixed graphs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vinilm.backends.packed import PackedInputs, joined, parts
from vinilm.batches import pack

LENGTHS = st.lists(st.integers(2, 512), min_size=1, max_size=40).map(sorted)


def numbered(lengths):
    """Return a batch of these lengths in which every token has another id."""
    ends = np.cumsum(lengths)
    return pack([list(range(end - length, end)) for end, length in zip(ends, lengths, strict=True)])


@given(LENGTHS)
def test_parts_are_the_batch_in_order(lengths):
    batch = numbered(lengths)
    cut = list(parts(batch))
    assert np.concatenate([part.ids for part in cut]).tolist() == batch.ids.tolist()
    assert np.concatenate([part.lengths for part in cut]).tolist() == batch.lengths.tolist()
    for part in cut:
        assert part.lengths.sum() == len(part.ids)


@given(LENGTHS)
def test_a_part_leaves_little_of_its_rectangle_empty(lengths):
    for part in parts(numbered(lengths)):
        tokens = len(part.ids)
        assert len(part.lengths) * part.lengths[-1] - tokens <= max(0.25 * tokens, 256)


@given(LENGTHS)
def test_tokens_come_back_from_the_rectangle(lengths):
    batch = numbered(lengths)
    inputs = PackedInputs.of(batch)
    rectangle = inputs.input_ids[inputs.rows]
    assert rectangle.flatten()[inputs.places].tolist() == batch.ids.tolist()
    ids, mask = batch.padded()
    assert (rectangle * mask).tolist() == ids.tolist()
    assert ((inputs.attention_bias[:, 0, 0] == 0) == mask.astype(bool)).all()


def test_a_batch_of_near_lengths_stays_whole_and_a_mixed_one_does_not():
    assert len(list(parts(numbered([100, 101, 102, 103])))) == 1
    assert len(list(parts(numbered([5] * 25 + [400])))) == 2
    assert list(parts(pack([]))) == []
    assert joined([], 8).shape == (0, 8)
