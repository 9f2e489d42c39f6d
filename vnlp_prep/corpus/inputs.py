"""What the user names as inputs -> the files that are meant: folders and patterns become the files in them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from vnlp_prep.corpus.readers import is_regular, known_format
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


_REJECTS = ".rejects.jsonl"


@dataclass(frozen=True)
class Named:
    """A file that is to be read, and how it is called in a folder of outputs: its path below the folder it was found in."""

    path: str
    name: str


def find_inputs(
    paths: Sequence[str],
    *,
    format: str | None = None,
    outputs: str | None = None,
    known: Callable[[str], str | None] = known_format,
) -> list[Named]:
    """Return the files that ``paths`` name, in order; those of a folder or pattern sorted by their names.

    In a folder, at any depth, are meant the files whose name tells a format, which ``known`` returns (or those of any name, if
    ``format`` says it); hidden ones, rejects, pipes and links to other folders are not. ``**`` in a pattern stands for any
    folders. What stands in ``outputs``, the folder of the outputs, is not meant either where that lies in what is searched: the
    next run would read what this one writes. Raises InputError for a folder or pattern in which there is nothing.
    """
    found: list[Named] = []
    for path in paths:
        if path != "-" and Path(path).is_dir():
            skipped = _below(outputs, path)
            inside = [Named(file, os.path.relpath(file, path)) for file in _files_in(path, format, skipped, known)]
            if not inside:
                raise InputError(f"{shown(path)}: there is nothing to clean in this folder (.jsonl, .txt, .parquet, ...)")
            found += inside
        elif has_magic(path) and not Path(path).exists():
            base = _fixed_part(path)
            matching = _matching(path, base, _below(outputs, base))
            if not matching:
                raise InputError(f"{shown(path)}: no file has such a name")
            found += [Named(file, os.path.relpath(file, base)) for file in matching]
        else:
            found.append(Named(path, "stdin" if path == "-" else Path(path).name))
    return found


def _below(outputs: str | None, folder: str) -> Path | None:
    """Return the folder of the outputs, links resolved, if it lies in ``folder``; None if it is elsewhere, or that folder."""
    if outputs is None:
        return None
    real, top = Path(outputs).resolve(), Path(folder).resolve()
    return real if top in real.parents else None


def _files_in(folder: str, format: str | None, skipped: Path | None, known: Callable[[str], str | None]) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if skipped is not None:
            folders[:] = [name for name in folders if Path(parent, name).resolve() != skipped]
        for name in sorted(names):
            if name.startswith(".") or name.endswith(_REJECTS):
                continue
            if (format is not None or known(name) is not None) and is_regular(path := str(Path(parent, name))):
                yield path


def glob_parts(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of a pattern as ``Path.glob`` has to be told them.

    Inside a name ``**`` is what ``*`` is, as newer versions of Python have it; older ones refuse it. At the end it stands for all
    files, and not for folders alone.

    >>> glob_parts(["kb", "**.md"]), glob_parts(["kb", "**"])
    (('kb', '*.md'), ('kb', '**', '*'))
    """
    single = tuple(part if part == "**" else re.sub(r"\*{2,}", "*", part) for part in parts)
    return (*single, "*") if single[-1:] == ("**",) else single


def _matching(pattern: str, base: str, skipped: Path | None) -> list[str]:
    """Return the files below ``base`` that a pattern stands for, each once, though links may lead to it on several ways."""
    parts = glob_parts(Path(pattern).parts[len(Path(base).parts) :])
    seen: set[Path] = set()
    matching = []
    # Not glob.glob: it follows links to folders, also in circles. The shortest way first.
    for file in sorted(Path(base).glob(str(Path(*parts))), key=lambda file: (len(file.parts), str(file))):
        real = file.parent.resolve() / file.name
        if real in seen or file.is_dir() or (skipped is not None and skipped in real.parents):
            continue
        if _is_hidden(file.relative_to(base), parts) or (file.name.endswith(_REJECTS) and not pattern.endswith(_REJECTS)):
            continue
        seen.add(real)
        matching.append(str(file))
    return sorted(matching)


def _is_hidden(file: Path, pattern: tuple[str, ...]) -> bool:
    """True if a part of the name begins with a dot, and none of the pattern does."""
    return any(part.startswith(".") for part in file.parts) and not any(part.startswith(".") for part in pattern)


def _fixed_part(pattern: str) -> str:
    """Return the folder of a pattern that stands before its first wild card."""
    parts = Path(pattern).parts[:-1]
    fixed = []
    for part in parts:
        if has_magic(part):
            break
        fixed.append(part)
    return str(Path(*fixed)) if fixed else "."
