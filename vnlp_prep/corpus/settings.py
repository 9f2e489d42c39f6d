"""Settings from a file: ``--config FILE``, or the nearest ``vnlp-prep.toml`` or ``pyproject.toml`` (``[tool.vnlp-prep]``).

Keys are the long flags without their dashes (``max-line-bytes``; an underscore is as good as a dash). Files come with
other people's projects, so they may not say where to write, and may not point out of their folder.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_TABLE = "vnlp-prep"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return _is_text(value) or (isinstance(value, list) and all(isinstance(v, str) for v in value) and bool(value))


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _is_table_of_lists(value: object) -> bool:
    return isinstance(value, dict) and all(_is_text(v) or _is_list(v) for v in value.values())


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


#: What a file may set: key -> test of the value, and what it should be.
KEYS: dict[str, tuple[Callable[[object], bool], str]] = {
    "encoding": (_is_text, "a string"),
    "exclude": (_is_list, "a list of strings"),
    "field": (_is_texts, "a string or a list of strings"),
    "format": (_is_text, "a string"),
    "html": (_is_text, "a string"),
    "ignore": (_is_list, "a list of strings"),
    "ignore-patterns": (_is_list, "a list of strings"),
    "ignore-words": (_is_list, "a list of strings"),
    "lexicon": (_is_text, "a string"),
    "max-line-bytes": (_is_count, "a whole number above 0"),
    "max-ratio": (_is_number, "a number"),
    "max-unpacked-bytes": (_is_count, "a whole number above 0"),
    "on-missing": (_is_text, "a string"),
    "per-file-ignores": (_is_table_of_lists, "a table of patterns, each with a list of rules"),
    "quiet": (_is_flag, "true or false"),
    "select": (_is_list, "a list of strings"),
    "stages": (_is_texts, "a string or a list of strings"),
    "threshold": (_is_number, "a number"),
    "vocabulary": (_is_text, "a string"),
    "whole-file": (_is_flag, "true or false"),
    "workers": (_is_count, "a whole number above 0"),
}
#: What a key may be called as well.
_ALIASES = {"fields": "field"}
_PATHS = {"lexicon", "vocabulary"}
_ONLY_FLAGS = {"output", "rejects", "edits", "config"}


def find_settings(folder: Path) -> Path | None:
    """Return the nearest file of settings in ``folder`` or above it; in one folder ``vnlp-prep.toml`` goes first."""
    for parent in (folder, *folder.parents):
        for name in ("vnlp-prep.toml", "pyproject.toml"):
            if (parent / name).is_file():
                return parent / name
    return None


def load_settings(path: Path) -> dict[str, Any]:
    """Return the settings in ``path``: keys with dashes, the values of ``lexicon`` and ``vocabulary`` as absolute paths.

    A ``pyproject.toml`` is read at ``[tool.vnlp-prep]`` (nothing if it has no such table); any other file has the
    keys at its top or in a table ``[vnlp-prep]``. Raises SettingsError with file and line.
    """
    name = shown(path)
    try:
        text = path.read_bytes().decode("utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{name}: {(error.strerror or str(error)).lower()}") from None
    except (UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{name}: is not TOML: {error}") from None
    if path.name == "pyproject.toml":
        tool = document.get("tool", {})
        table = tool.get(_TABLE, {}) if isinstance(tool, dict) else {}
    else:
        table = document.get(_TABLE, document)
    if not isinstance(table, dict):
        raise SettingsError(f"{name}:{_line_of(text, _TABLE)}: {_TABLE} is not a table")
    return _checked(table, path, text)


def _checked(table: Mapping[str, Any], path: Path, text: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for written, value in table.items():
        key = written.replace("_", "-")
        key = _ALIASES.get(key, key)
        where = f"{shown(path)}:{_line_of(text, written)}"
        if key in _ONLY_FLAGS:
            raise SettingsError(f"{where}: {shown(written)} cannot be set in a file; give it as --{key}")
        if key not in KEYS:
            raise SettingsError(f"{where}: unknown key {shown(written)}{did_you_mean(key, KEYS)}")
        if key in settings:
            raise SettingsError(f"{where}: {key} is set twice")
        fits, wanted = KEYS[key]
        if not fits(value):
            raise SettingsError(f"{where}: {key} must be {wanted}")
        if key in _PATHS:
            value = str(_inside(path.parent, value, where, key))
        if key == "stages" and isinstance(value, list):
            value = ",".join(value)
        if key == "field" and isinstance(value, str):
            value = [value]
        if key == "per-file-ignores":
            value = {pattern: [names] if isinstance(names, str) else names for pattern, names in value.items()}
        settings[key] = value
    return settings


def _inside(folder: Path, name: str, where: str, key: str) -> Path:
    target = (folder / name).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise SettingsError(f"{where}: {key} points out of the folder of this file; give it as --{key}")
    return target


def _line_of(text: str, key: str) -> int:
    """Return the line in which ``key`` is set, as well as it can be told; 1 if it cannot."""
    m = re.search(rf"""^[ \t]*\[?["']?(?:tool\.)?{re.escape(key)}["']?[ \t]*[=.\]]""", text, re.MULTILINE)
    return text.count("\n", 0, m.start()) + 1 if m else 1


def did_you_mean(name: str, known: Any) -> str:
    """Return ``; did you mean X?`` if one of ``known`` is much like ``name``, else nothing."""
    import difflib

    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""
