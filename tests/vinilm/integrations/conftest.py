"""A model folder with all that an integration could read: modules, prompts, a preprocessor with its own lexicon."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vinilm.integrations.modules_json import write_modules
from vnlp_prep import Preprocessor

#: Texts with something for each stage to do, and some with nothing.
TEXTS = [
    "Teh vSphere client&#39;s <b>log</b> is sooooo slow!!!!!",
    "a clean text",
    "",
    "We recieve virtualmachine logs",
    "x " * 200,
]


@pytest.fixture(scope="session")
def raw_texts() -> list[str]:
    return TEXTS


@pytest.fixture(scope="session")
def prompted(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tiny`` with prompts for queries and documents, vectors of length 1, 100 tokens, and a saved preprocessor."""
    base = tmp_path_factory.mktemp("prompted")
    folder = base / "model"
    shutil.copytree(tiny, folder)
    prompts = {"query": "query: ", "document": "passage: "}
    write_modules(folder, hidden_size=64, pooling="mean", normalize=True, max_tokens=100, prompts=prompts)
    lexicon = base / "domain.tsv"
    lexicon.write_text("teh\t10\n")
    Preprocessor(lexicon=lexicon).save(folder)
    return folder
