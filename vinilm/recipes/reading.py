"""The file of a recipe: read, and checked from its first line to its last before anything runs.

[recipe]
name = "vinilm-small"
output = "out/vinilm-small"       # the folder of all steps
inputs = ["docs"]

[clean]                           # a step, of the command of this name; steps run in the order of the file
inputs = "{inputs}"

[vocab]
corpus = "{clean}"                # the output of an earlier step

[benchmark]
command = "evaluate"              # a step with a name of its own
make = "{clean}"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

from vinilm.recipes.references import expanded
from vinilm.recipes.tools import Tool, find_tool
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.settings import did_you_mean
from vnlp_prep.errors import SettingsError

_RECIPE = "recipe"
_KEYS = ("name", "output", "inputs")
# Names that references have beside the steps.
_RESERVED = ("folder", "inputs", "name", "recipe")
_STEP_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_FILE_NAME = re.compile(r"[\w][\w.-]{0,100}", re.ASCII)


@dataclass(frozen=True)
class Step:
    """A step: a command with its arguments."""

    name: str
    tool: Tool
    arguments: list[str]
    output: Path
    #: Key and value of all that the table says, references replaced: what may be a file among them is.
    values: list[tuple[str, str]]

    @property
    def line(self) -> str:
        """The command line, as a person types it."""
        return self.tool.line(self.arguments)


@dataclass(frozen=True)
class Recipe:
    """A recipe: steps in their order, and the folder for all that they write."""

    file: Path
    name: str
    folder: Path
    steps: list[Step]


def read_recipe(file: Path, *, output: str | None = None, inputs: Sequence[str] = (), changes: Sequence[str] = ()) -> Recipe:
    """Return the recipe in ``file``. Paths in it are relative to the current folder, as on the command line.

    ``output``, ``inputs``: instead of those in the file. ``changes``: ``STEP.KEY=VALUE``, each like a line of the file. Raises
    SettingsError, with file and line, for everything that is not as it must be: unknown keys, references, values of options.
    """
    text, document = _read(file)
    changed = _change(document, changes)
    head = document.pop(_RECIPE, {})
    where = _Where(file, text, changed)
    if not isinstance(head, dict):
        raise SettingsError(f"{where(_RECIPE)}: {_RECIPE} is not a table")
    for key in head:
        if key not in _KEYS:
            raise SettingsError(
                f"{where(_RECIPE, key)}: unknown key {key!r}{did_you_mean(key, _KEYS)} (keys: {', '.join(_KEYS)})"
            )
    name = _text(where, head, "name", file.stem)
    folder = output or _text(where, head, "output", f"out/{file.stem}")
    own = head.get("inputs", [])
    own = [own] if isinstance(own, str) else own
    if not isinstance(own, list) or not all(isinstance(i, str) for i in own):
        raise SettingsError(f"{where(_RECIPE, 'inputs')}: inputs must be a string or a list of strings")
    known: dict[str, Any] = {"inputs": [*inputs] or own, "folder": folder, "recipe": str(file), "name": name}
    steps: list[Step] = []
    for title, table in document.items():
        steps.append(_step(title, table, Path(folder), known, where))
        known[title] = str(steps[-1].output)
    if not steps:
        raise SettingsError(f"{shown(file)}: no step; a table is a step, [clean] for one")
    outputs = [step.output for step in steps]
    for step in steps:
        if outputs.count(step.output) > 1:
            raise SettingsError(f"{where(step.name)}: two steps write {shown(step.output)}; give one of them another output")
    return Recipe(file, name, Path(folder), steps)


class _Where:
    """Says where something stands: file and line, or that it was given on the command line."""

    def __init__(self, file: Path, text: str, changed: set[tuple[str, str]]) -> None:
        self._file, self._lines, self._changed = shown(file), text.split("\n"), changed

    def __call__(self, table: str, key: str | None = None) -> str:
        if key is not None and (table, key) in self._changed:
            return f"--set {table}.{key}"
        header = re.compile(rf"""\s*\[\s*["']?{re.escape(table)}["']?\s*[\].]""")
        first = next((i for i, line in enumerate(self._lines) if header.match(line)), 0)
        line = first
        if key is not None:
            wanted = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]|\s*\[\s*{re.escape(table)}\.{re.escape(key)}\s*\]""")
            end = next(
                (i for i in range(first + 1, len(self._lines)) if re.match(r"\s*\[[^\[]", self._lines[i])), len(self._lines)
            )
            line = next((i for i in range(first, end) if wanted.match(self._lines[i])), first)
        return f"{self._file}:{line + 1}"


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_bytes().decode("utf-8")
        return text, tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{shown(file)}: {(error.strerror or str(error)).lower()}") from None
    except (UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{shown(file)}: is not TOML: {error}") from None


def _change(document: dict[str, Any], changes: Sequence[str]) -> set[tuple[str, str]]:
    """Make the changes in ``document``; return (table, key) of each. Raises SettingsError."""
    changed = set()
    for change in changes:
        place, equals, value = change.partition("=")
        table, dot, key = place.strip().partition(".")
        if not equals or not dot or not key:
            raise SettingsError(f"--set {change!r}: it is STEP.KEY=VALUE, as in distill.steps=500")
        if not isinstance(document.get(table), dict):
            raise SettingsError(f"--set {change!r}: no step {table!r}{did_you_mean(table, document)}")
        document[table].pop(key.replace("-", "_"), None)
        document[table].pop(key.replace("_", "-"), None)
        document[table][key] = _value(value)
        changed.add((table, key))
    return changed


def _value(text: str) -> Any:
    """Return a value as TOML has it; what is none is a string, and so is a time or a date: a phase looks like one.

    >>> _value("500"), _value("[1, 2]"), _value("my.jsonl"), _value("true"), _value("16:30:16")
    (500, [1, 2], 'my.jsonl', True, '16:30:16')
    """
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return text if isinstance(value, (date, time)) else value


def _text(where: _Where, table: Mapping[str, Any], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or not value:
        raise SettingsError(f"{where(_RECIPE, key)}: {key} must be a string")
    return value


def _step(name: str, table: Any, folder: Path, known: Mapping[str, Any], where: _Where) -> Step:
    if not isinstance(table, dict):
        raise SettingsError(f"{where(name)}: {name} stands outside of a table; the tables are [{_RECIPE}] and one for each step")
    if not _STEP_NAME.fullmatch(name) or name in _RESERVED:
        raise SettingsError(
            f"{where(name)}: a step cannot be called {name!r}: small letters, digits, - and _; not {', '.join(_RESERVED)}"
        )
    options = dict(table)
    command, output = options.pop("command", name), options.pop("output", None)
    try:
        tool = find_tool(command) if isinstance(command, str) else None
    except SettingsError as error:
        at = where(name, "command") if "command" in table else where(name)
        raise SettingsError(f"{at}: {error}; a step with another name says command = ...") from None
    if tool is None:
        raise SettingsError(f"{where(name, 'command')}: command must be the name of a command")
    if output is None:
        if tool.output_kind == "file":
            raise SettingsError(
                f'{where(name)}: {command} writes a file, whose name tells its format; say output = "{name}. ..."'
            )
        output = name if tool.output_kind == "folder" else f"{name}.jsonl"
    if not isinstance(output, str) or not _FILE_NAME.fullmatch(output):
        raise SettingsError(f"{where(name, 'output')}: output is a name in the folder of the recipe, without a path")
    values: dict[str, Any] = {}
    for key, value in options.items():
        try:
            values[key] = expanded(value, known)
        except SettingsError as error:
            raise SettingsError(f"{where(name, key)}: {error}") from None
    try:
        arguments = tool.arguments(values, str(folder / output))
    except SettingsError as error:
        raise SettingsError(f"{where(name, _key_of(str(error), values))}: {name}: {error}") from None
    return Step(name, tool, arguments, folder / output, [(k, v) for k, value in values.items() for v in _strings(value)])


def _key_of(error: str, keys: Iterable[str]) -> str | None:
    """Return the key that an error is about, as it is written; None if it is about none."""
    option = re.search(r"'--([\w-]+)'", error)
    for key in keys:
        if error.startswith((f"unknown key {key!r}", f"{key}: ")) or (option and option[1] == key.replace("_", "-")):
            return key
    return None


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []
