"""A small BERT whose vocabulary has unused places, and documents with words that it breaks."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

import numpy as np
from model_folders import change, make_model, write
from safetensors.numpy import load_file, save_file
from tokenizers import BertWordPieceTokenizer

#: As in BERT's own vocabularies, the unused places stand around the special tokens.
WORDS = (
    "[PAD]",
    *(f"[unused{i}]" for i in range(6)),
    *("[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused6]", "[unused7]"),
    *string.ascii_lowercase,
    *(f"##{c}" for c in string.ascii_lowercase),
    *string.digits,
    *".,;:()-'",
    *"the of a is it on and to in with every when new host server data names name power powers they use for each".split(),
    *"##s ##ing ##ed ##tore ##space ##hell ##net ##es ku ##ber datas".split(),
)
UNUSED = 8
HIDDEN = 8


def unique(words: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(words))


def make_vocabulary_model(folder: Path, words: tuple[str, ...] = WORDS) -> Path:
    """Write a whole model with both files of the tokenizer, as sentence-transformers has it."""
    make_model(folder, sentence=True)
    vocabulary = unique(words)
    (folder / "vocab.txt").write_text("".join(f"{w}\n" for w in vocabulary), encoding="utf-8")
    tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"))
    (folder / "tokenizer.json").write_text(tokenizer._tokenizer.to_str(pretty=True), encoding="utf-8")
    write(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 32})
    change(folder / "config.json", vocab_size=len(vocabulary))
    weights = load_file(folder / "model.safetensors")
    rng = np.random.default_rng(3)
    weights["embeddings.word_embeddings.weight"] = rng.standard_normal((len(vocabulary), HIDDEN), dtype=np.float32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


_SENTENCES = (
    "The datastore of the host is on it.",
    "They use a datastore for each of the servers.",
    "Every namespace is new when it is in the datastore.",
    "When they use PowerShell, the namespace is on the server.",
    "Kubernetes is on the host, and the datastore is with it.",
    "The names of the hosts and the data of the server.",
    "Datastores and namespaces are for each of the hosts.",
)


def documents(count: int = 60, seed: int = 1) -> list[str]:
    """Documents of a few sentences, in which the words that are broken are datastore, namespace, kubernetes and powershell."""
    chance = random.Random(seed)
    return [" ".join([*chance.choices(_SENTENCES, k=4), f"It is the document with number {i}."]) for i in range(count)]


def write_corpus(file: Path, texts: list[str]) -> Path:
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return file
