"""What ``vinilm evaluate`` found of a model, as a section of a card."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError

#: Where the files lie in an export, and which are copied.
FOLDER = "evaluation"
_TABLES, _CHART = "results.md", "chart.svg"
_FILES = (_TABLES, "results.json", _CHART)


def results_folder(named: str | None, model: Path) -> Path | None:
    """Return the folder with the results: that which was named, else one in the model's folder, if there is any.

    Raises InputError for a folder that was named and has none.
    """
    if named is not None:
        folder = Path(named).parent if Path(named).is_file() else Path(named)
        if not (folder / _TABLES).is_file():
            raise InputError(f"{shown(folder)}: no {_TABLES} there; name the folder that vinilm evaluate wrote (-o)")
        return folder
    return next((f for f in (model / FOLDER, model) if (f / _TABLES).is_file()), None)


def copy_results(results: Path, target: Path) -> None:
    """Copy the results to the folder ``evaluation`` of an export. Raises OSError."""
    (target / FOLDER).mkdir(exist_ok=True)
    for name in _FILES:
        if (results / name).is_file():
            shutil.copyfile(results / name, target / FOLDER / name)


def figures_section(target: Path) -> str:
    """Return the tables of the results that were copied to ``target``, as a section of its card; empty if there are none."""
    file = target / FOLDER / _TABLES
    if not file.is_file():
        return ""
    text = file.read_text(encoding="utf-8")
    # The title goes, the headings below it become those of a section.
    text = re.sub(r"\A# .*\n+", "", text)
    text = re.sub(r"^(#+) ", r"#\1 ", text, flags=re.MULTILINE)
    text = text.replace(f"]({_CHART})", f"]({FOLDER}/{_CHART})")
    return f"## Figures\n\nMeasured by `vinilm evaluate`; all of it is in `{FOLDER}/`.\n\n{text.strip()}\n"
