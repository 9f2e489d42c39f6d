"""The records that are nearest to a question, for the demonstration: what vectors are for.

python data/nearest.py VECTORS.npy RECORDS.jsonl QUESTION
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from vinilm import FeatureExtractor

MODEL = Path(__file__).resolve().parent / "models" / "vinilm-small"
_SHOWN, _WIDTH = 3, 100


def main(vectors: str, records: str, question: str) -> None:
    """Print the question and the nearest records."""
    texts = [json.loads(line)["text"] for line in Path(records).read_text(encoding="utf-8").splitlines() if line.strip()]
    model = FeatureExtractor.from_pretrained(MODEL)
    assert model.preprocessor is not None  # the model carries one
    similarity = np.load(vectors) @ model.encode(question, normalize_embeddings=True)
    print(f"{question}\n  is read as: {model.preprocessor(question)}")
    for number in np.argsort(-similarity)[:_SHOWN]:
        print(f"  {similarity[number]:.2f}  {' '.join(model.preprocessor(texts[number]).split())[:_WIDTH]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
