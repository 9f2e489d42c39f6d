"""What an evaluation leaves: ``results.json``, ``results.md``, ``chart.svg``, and ``items.jsonl`` with every single query."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinilm.evaluation.bootstrap import RESAMPLES
from vinilm.evaluation.chart import chart
from vinilm.evaluation.conditions import Conditions
from vinilm.evaluation.results import Result
from vinilm.evaluation.tables import markdown, tables
from vinilm.evaluation.writing import make_folder, write, write_json_lines
from vnlp_prep.corpus.writers import check_output

if TYPE_CHECKING:
    from vinilm.features import FeatureExtractor

#: Names of the files, the figures of single items first: once the others are there, all is.
FILES = ("items.jsonl", "chart.svg", "results.md", "results.json")
_LIBRARIES = ("vnlp-prep", "torch", "transformers", "scikit-learn", "ir-measures", "bm25s", "numpy")


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Make the folder, and raise OutputError if the files cannot be written to it: before anything is computed."""
    make_folder(Path(folder))
    for name in FILES:
        check_output(str(Path(folder) / name))


def write_results(
    folder: str | os.PathLike[str],
    results: Sequence[Result],
    conditions: Conditions | None = None,
    models: Mapping[str, FeatureExtractor] | None = None,
) -> None:
    """Write the results of one or more sets to ``folder``, which is made if need be. Raises OutputError.

    ``conditions`` and ``models``, if given, are described in ``results.json``.
    """
    root = Path(folder)
    check_folder(root)
    found: dict[str, Any] = {
        "format": 1,
        "conditions": asdict(conditions or Conditions()),
        "resamples": RESAMPLES,
        "models": {name: _described(extractor) for name, extractor in (models or {}).items()},
        "versions": {name: _version(name) for name in _LIBRARIES},
        "sets": [result.to_dict() for result in results],
    }
    write_json_lines(root / "items.jsonl", (record for result in results for record in result.per_item()))
    write(root / "chart.svg", chart(results))
    text = "# Evaluation\n\n![Figures with their intervals](chart.svg)\n\n" + "\n".join(markdown(t) for t in tables(results))
    write(root / "results.md", text + _LEGEND)
    write(root / "results.json", json.dumps(found, ensure_ascii=False, indent=1) + "\n")


_LEGEND = f"""
In brackets: 95 % intervals by bootstrap ({RESAMPLES:,} resamples of the queries or test examples). Differences are paired: the
same resamples of both; p is two-sided. *Brought back*: (damaged-cleaned − damaged) / (raw − damaged), and *of cleaned* the same
with the cleaned text in the place of the raw one; empty where damage costs too little to tell.
"""


def _described(extractor: FeatureExtractor) -> dict[str, Any]:
    shape = extractor.model.shape
    return {
        "fingerprint": extractor.fingerprint,
        "layers": shape.num_hidden_layers,
        "hidden_size": shape.hidden_size,
        "max_tokens": extractor.max_tokens,
        "pooling": extractor.pooling,
        "backend": extractor.backend.name,
        "dtype": extractor.backend.dtype,
        "preprocessor": extractor.preprocessor.fingerprint if extractor.preprocessor else None,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
