"""Files that appear whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import Partial, cannot_write


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(shown(folder), error) from None


def write(path: Path, data: bytes | str) -> None:
    """Write a file; it gets its name when all of it is on the disk. Raises OutputError."""
    partial = Partial(str(path))
    try:
        partial.open()
        partial.append(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
        partial.commit()
    except BaseException:
        partial.abandon()
        raise


def write_json_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write an object a line, packed if the name ends in ``.gz`` (the same bytes each time). Raises OutputError."""
    data = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode("utf-8", "surrogatepass")
    if path.suffix == ".gz":
        packed = io.BytesIO()
        with gzip.GzipFile("", "wb", fileobj=packed, mtime=0) as file:
            file.write(data)
        data = packed.getvalue()
    write(path, data)
