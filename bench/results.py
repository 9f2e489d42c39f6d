"""What the benchmarks found, kept as JSON: the page and the charts are made from it, without measuring again."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "results"
ROOT = FOLDER.parent.parent


def load(name: str) -> dict[str, Any]:
    """The results of that name; empty if there are none yet."""
    path = FOLDER / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def save(name: str, results: dict[str, Any]) -> None:
    """Write the results, whole or not at all."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)


def today() -> str:
    """The date, as the tables show it."""
    return datetime.now(UTC).date().isoformat()


def machine() -> str:
    """The class of the machine in words: no names."""
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB of memory"
    kind = f"{os.cpu_count()} {platform.machine()} cores{memory}"
    return f"{kind}, {platform.system()}, Python {platform.python_version()}; each measure on one core"
