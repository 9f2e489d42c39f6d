"""Which class sentence-transformers cleans with, or does not: the first entry of ``modules.json``."""

from __future__ import annotations

import json
from pathlib import Path

from vinilm.errors import ModelError
from vinilm.integrations.modules_json import CLEANING_TRANSFORMER, PLAIN_TRANSFORMER
from vinilm.models.files import read_json, read_json_if_there
from vnlp_prep.pipeline import SAVED_FILES


def cleans_by_itself(folder: Path) -> bool:
    """Return whether the ``modules.json`` in ``folder`` has sentence-transformers clean. Raises ModelError."""
    return any(module.get("type") == CLEANING_TRANSFORMER for module in read_json_if_there(folder / "modules.json", list))


def set_modules(folder: Path, wanted: str) -> None:
    """Have the encoder's entry in ``modules.json`` be the class that is ``wanted``: see ``vinilm.exporting.formats.MODULES``.

    Raises ModelError when texts are to be cleaned, but there is no preprocessor in the folder; OSError.
    """
    if wanted == "as-is":
        return
    if wanted == "cleaning" and not (folder / SAVED_FILES[0]).is_file():
        raise ModelError("the model has no preprocessor, so sentence-transformers cannot clean with it; leave out --no-clean")
    file = folder / "modules.json"
    name = CLEANING_TRANSFORMER if wanted == "cleaning" else PLAIN_TRANSFORMER
    modules = [{**m, "type": name} if m["type"].rpartition(".")[2].endswith("Transformer") else m for m in read_json(file, list)]
    file.write_text(json.dumps(modules, indent=2) + "\n", encoding="utf-8")
