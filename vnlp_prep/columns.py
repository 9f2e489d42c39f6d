"""Columns of a table in memory: of Hugging Face ``datasets``, of data frames; a missing text stays missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vnlp_prep.errors import SettingsError


def clean_columns(
    clean: Callable[[str], str], batch: Mapping[str, Sequence[Any]], fields: str | Sequence[str]
) -> dict[str, list[Any]]:
    """Return the columns of ``batch`` that ``fields`` names, each text cleaned; None stays None.

    Raises SettingsError for a column that is not there, TypeError for a value that is neither a string nor None.
    """
    out: dict[str, list[Any]] = {}
    for name in [fields] if isinstance(fields, str) else fields:
        if name not in batch:
            there = ", ".join(map(str, batch)) or "none"
            raise SettingsError(f"no column {name!r} (there are: {there}); name the columns of text with fields=[...]")
        column = out[name] = []
        for row, value in enumerate(batch[name]):
            if value is not None and not isinstance(value, str):
                raise TypeError(f"column {name!r}, row {row} of the batch: expected a str or None, not {type(value).__name__}")
            column.append(value if value is None else clean(value))
    return out


def is_missing(value: object) -> bool:
    """Return True for what stands where there is no text: None, NaN, and pandas' NA.

    >>> [is_missing(value) for value in (None, float("nan"), "", 0)]
    [True, True, False, False]
    """
    return value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NAType", "NaTType")
