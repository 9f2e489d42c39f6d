"""What files, folders and models are known by, so that a step notices when what it read has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from glob import has_magic
from pathlib import Path
from typing import Any

from vinilm.errors import ModelError
from vinilm.models.files import CHECKSUMS
from vnlp_prep.corpus.inputs import glob_parts
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError

#: Keys of a table that name a model, which need be no folder.
MODEL_KEYS = {"model", "models", "teacher", "student", "sentence-teacher", "sentence_teacher"}


def identities(values: Sequence[tuple[str, str]], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what each of the ``values`` (key of the table, value) that is a file, folder, pattern or model is known by.

    value -> ``sha256`` of the content, and ``seen``, a digest of names, sizes and times. ``before``: what was found earlier;
    where ``seen`` is still the same the content is not read again. Raises InputError for what cannot be read.
    """
    found: dict[str, Any] = {}
    for key, value in values:
        path = _path(key, value)
        if path is None:
            continue
        files = list(_files(path))
        try:
            seen = _digest(f"{f}\0{f.stat().st_size}\0{f.stat().st_mtime_ns}" for f in files)
            earlier = (before or {}).get(value)
            if earlier is not None and earlier["seen"] == seen:
                found[value] = earlier
            else:
                found[value] = {"sha256": _digest(f"{_name(f, path)}\0{_sha256(f)}" for f in files), "seen": seen}
        except OSError as error:
            raise InputError(f"{shown(value)}: cannot be read: {error.strerror or error}") from None
    return found


def _path(key: str, value: str) -> Path | None:
    """Return the file, folder or pattern that a value is; None for any other value."""
    try:
        if Path(value).exists() or has_magic(value):
            return Path(value)
    except OSError:  # a name that is too long
        return None
    if key in MODEL_KEYS:
        from vinilm.models import find_model

        try:
            return find_model(value)
        except ModelError:  # the step will say it
            return None
    return None


def _files(path: Path) -> Iterator[Path]:
    """Yield the files that tell whether ``path`` has changed, in order; of a model folder with checksums these alone."""
    if path.is_file():
        yield path
    elif (path / CHECKSUMS).is_file():
        yield path / CHECKSUMS
    elif path.is_dir():
        yield from sorted(f for f in path.rglob("*") if f.is_file())
    elif has_magic(str(path)):
        anchor = Path(path.anchor) if path.is_absolute() else Path()
        parts = glob_parts(path.relative_to(anchor).parts)
        yield from sorted(f for f in anchor.glob(str(Path(*parts))) if f.is_file())


def _name(file: Path, path: Path) -> str:
    return file.relative_to(path).as_posix() if path.is_dir() else file.name


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(lines: Iterator[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
