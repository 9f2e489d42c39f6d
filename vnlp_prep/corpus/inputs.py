"""What the user names as inputs -> the files that are meant: folders and patterns become the files in them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from vnlp_prep.corpus.readers import known_format
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Named:
    """A file that is to be read, and how it is called in a folder of outputs: its path below the folder it was found in."""

    path: str
    name: str


def find_inputs(paths: Sequence[str], *, format: str | None = None) -> list[Named]:
    """Return the files that ``paths`` name, in order; those of a folder or pattern sorted by their names.

    In a folder, at any depth, are meant the files whose name tells a format (or those of any name, if ``format`` says it); hidden
    ones, rejects and links to other folders are not. ``**`` in a pattern stands for any folders. Raises InputError for a folder
    or pattern in which there is nothing.
    """
    found: list[Named] = []
    for path in paths:
        if path != "-" and Path(path).is_dir():
            inside = [Named(file, os.path.relpath(file, path)) for file in _files_in(path, format)]
            if not inside:
                raise InputError(f"{shown(path)}: there is nothing to clean in this folder (.jsonl, .txt, .parquet, ...)")
            found += inside
        elif has_magic(path) and not Path(path).exists():
            # Not Path.glob, which knows no pattern that begins at the root.
            matching = [file for file in sorted(glob(path, recursive=True)) if not Path(file).is_dir()]  # noqa: PTH207
            if not matching:
                raise InputError(f"{shown(path)}: no file has such a name")
            base = _fixed_part(path)
            found += [Named(file, os.path.relpath(file, base)) for file in matching]
        else:
            found.append(Named(path, "stdin" if path == "-" else Path(path).name))
    return found


def _files_in(folder: str, format: str | None) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith(".") or name.endswith(".rejects.jsonl"):
                continue
            if format is not None or known_format(name) is not None:
                yield str(Path(parent, name))


def _fixed_part(pattern: str) -> str:
    """Return the folder of a pattern that stands before its first wild card."""
    parts = Path(pattern).parts[:-1]
    fixed = []
    for part in parts:
        if has_magic(part):
            break
        fixed.append(part)
    return str(Path(*fixed)) if fixed else "."
