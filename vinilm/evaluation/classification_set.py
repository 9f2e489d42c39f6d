"""A classification set: JSON lines with ``text`` and ``label``; in two files, with a field ``split``, or split by a hash."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vinilm.evaluation import jsonl
from vinilm.evaluation.labels import is_test
from vinilm.evaluation.systems import set_name
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError

_SIDES = ("train", "test")


class Example(NamedTuple):
    """A text and its label."""

    id: str
    text: str
    label: str
    #: Examples of a group are alike: they are not spread over both sides, nor over two folds.
    group: str
    #: File and line.
    where: str


@dataclass(frozen=True)
class ClassificationSet:
    """Examples to train and to test with."""

    name: str
    train: list[Example]
    test: list[Example]
    #: What a reader of the figures should know.
    notes: list[str]


def read_classification(path: str | os.PathLike[str], *, test_share: float = 0.3) -> ClassificationSet:
    """Read a set: a folder with ``train.jsonl`` and ``test.jsonl``, or one file; each packed or not.

    In one file the field ``split`` says ``train`` or ``test`` (others are left out); if no record has it, those of a group
    (field ``group``, else the example itself) are tested with whose hash is among the least ``test_share``. Ids are in ``_id`` or
    ``id``, else the place in the file. Raises InputError, with file and line, for what is missing or cannot be learnt from:
    no examples, one label, a label with one example to train with or with none.
    """
    root = Path(path)
    notes: list[str] = []
    if root.is_dir():
        train, test = (_of_file(_file(root, side)) for side in _SIDES)
        sides = [example for example, _ in train], [example for example, _ in test]
    else:
        sides = _split(root, _of_file(root), test_share, notes)
    found = ClassificationSet(set_name(root, "classification"), *sides, notes)
    _check(found, shown(root))
    return found


def _file(folder: Path, side: str) -> Path:
    names = [f"{side}.jsonl{suffix}" for suffix in ("", ".gz", ".zst")]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise InputError(f"{shown(folder)}: there is no {names[0]} (or {names[1]}) in it")
    return found


def _of_file(path: Path) -> list[tuple[Example, str | None]]:
    """Return the examples of a file, each with what it says of its side."""
    found: list[tuple[Example, str | None]] = []
    seen: set[str] = set()
    for number, record in jsonl.records(path):
        where = f"{shown(path)}, line {number}"
        text = jsonl.string(record, "text", path, number)
        label = record.get("label")
        # Numbers are labels, too; so are true and false.
        name = str(label) if isinstance(label, (int, bool)) else jsonl.string(record, "label", path, number)
        key = next((key for key in ("_id", "id") if key in record), None)
        id = jsonl.name(record, key, path, number) if key else f"{path.name}:{number}"
        if id in seen:
            raise InputError(f"{where}: the id {id!r:.200} was there before")
        seen.add(id)
        group = jsonl.name(record, "group", path, number) if "group" in record else id
        split = jsonl.string(record, "split", path, number) if "split" in record else None
        found.append((Example(id, text, name, group, where), split))
    if not found:
        raise InputError(f"{shown(path)}: is empty")
    return found


def _split(
    path: Path, examples: Sequence[tuple[Example, str | None]], test_share: float, notes: list[str]
) -> tuple[list[Example], list[Example]]:
    without = [example for example, split in examples if split is None]
    if without and len(without) < len(examples):
        raise InputError(f"{without[0].where}: no field 'split', which others of the file have")
    if without:
        notes.append(f"split by a hash: about {test_share:.0%} are for testing")
        tested = [is_test(example.group, test_share) for example in without]
        sides = [[e for e, t in zip(without, tested, strict=True) if t == wanted] for wanted in (False, True)]
    else:
        sides = [[example for example, split in examples if split == side] for side in _SIDES]
        if others := Counter(split for _, split in examples if split not in _SIDES):
            notes.append("left out: " + ", ".join(f"{count:,} of the split {split!r}" for split, count in others.items()))
    for side, found in zip(_SIDES, sides, strict=True):
        if not found:
            raise InputError(f"{shown(path)}: there is no example to {side} with")
    return sides[0], sides[1]


def _check(found: ClassificationSet, name: str) -> None:
    counts = Counter(example.label for example in found.train)
    if len(counts) < 2:
        raise InputError(f"{name}: all examples to train with have the label {next(iter(counts))!r}; two labels are needed")
    for example in found.train:
        if counts[example.label] < 2:
            raise InputError(f"{example.where}: the only one of the label {example.label!r:.100} to train with; two are needed")
    for example in found.test:
        if example.label not in counts:
            raise InputError(f"{example.where}: there is no example of the label {example.label!r:.100} to train with")
