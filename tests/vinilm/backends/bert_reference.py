"""What the portable backends are measured against: transformers' BertModel, one sequence at a time, in float32."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from vinilm.backends import Backend
from vinilm.batches import Batch, pack
from vinilm.pooling import Floats
from vinilm.shape import BertShape

#: What float32 may differ by from BertModel, and from the same text in other company.
TOLERANCE = 1e-5
#: "Replace me by any text you'd like.", the text of the model's card, in BERT's uncased vocabulary.
CARD = [101, 5672, 2033, 2011, 2151, 3793, 2017, 1005, 1040, 2066, 1012, 102]


def shape_of(folder: Path) -> BertShape:
    """Return the shape that ``config.json`` states."""
    config = json.loads((folder / "config.json").read_text())
    return BertShape(**{name: config[name] for name in BertShape.__dataclass_fields__ if name in config})


def mixed_sequences(longest: int, seed: int = 0) -> list[list[int]]:
    """Return sequences in ascending length: twice the empty text, the card's, some of one length, one as long as can be."""
    random = np.random.default_rng(seed)
    inner = (0, 0, 1, 7, 7, 30, 31, 33, 90, longest - 2)
    sequences = [[101, *random.integers(1000, 30000, n).tolist(), 102] for n in inner]
    return sorted([CARD, *sequences], key=len)


def reference(folder: Path, sequences: list[list[int]]) -> Floats:
    """Return BertModel's last hidden state of all tokens: (tokens, hidden)."""
    import torch
    from transformers import BertModel

    model = BertModel.from_pretrained(str(folder), add_pooling_layer=False, attn_implementation="eager").eval()
    with torch.inference_mode():
        return np.concatenate([model(torch.tensor([ids])).last_hidden_state[0].numpy() for ids in sequences])


def check_against_reference(backend: Backend, folder: Path, longest: int) -> None:
    """Check the backend's float32 features: those of BertModel, in one mixed batch and one sequence at a time."""
    sequences = mixed_sequences(longest)
    expected = reference(folder, sequences)
    together = backend.hidden_states(pack(sequences))
    assert together.dtype == np.float32
    assert together.flags.c_contiguous
    np.testing.assert_allclose(together, expected, rtol=TOLERANCE, atol=TOLERANCE)
    alone = np.concatenate([backend.hidden_states(pack([ids])) for ids in sequences])
    np.testing.assert_allclose(alone, expected, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(alone, together, rtol=TOLERANCE, atol=TOLERANCE)


def cosines(a: Floats, b: Floats) -> Floats:
    """Return the cosine of each row of ``a`` with that of ``b``."""
    return np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def no_tokens() -> Batch:
    """Return a batch of no sequences."""
    return pack([])
