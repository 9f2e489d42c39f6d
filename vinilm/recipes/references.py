"""References in the values of a recipe: ``{vocab}`` is the output of the step ``vocab``, ``{{`` a brace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vnlp_prep.corpus.settings import did_you_mean
from vnlp_prep.errors import SettingsError

_REFERENCE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def expanded(value: Any, known: Mapping[str, Any]) -> Any:
    """Return ``value`` with what its references stand for; lists and tables are gone through.

    A string that is nothing but a reference to a list becomes that list, in a list its items. Raises SettingsError for an
    unknown name.

    >>> expanded(["{vocab}/vocab.txt", "{inputs}"], {"vocab": "out/vocab", "inputs": ["a", "b"]})
    ['out/vocab/vocab.txt', 'a', 'b']
    """
    if isinstance(value, str):
        return _expanded_text(value, known)
    if isinstance(value, list):
        items: list[Any] = []
        for item in value:
            found = expanded(item, known)
            items += found if isinstance(found, list) and isinstance(item, str) else [found]
        return items
    if isinstance(value, dict):
        return {key: expanded(item, known) for key, item in value.items()}
    return value


def _expanded_text(text: str, known: Mapping[str, Any]) -> Any:
    whole = re.fullmatch(r"\{([^{}]+)\}", text)
    if whole:
        return _found(whole[1], known)

    def replaced(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        found = _found(match[1], known)
        if isinstance(found, list):
            raise SettingsError(f"{{{match[1]}}} are several; they can stand only by themselves")
        return str(found)

    return _REFERENCE.sub(replaced, text)


def _found(name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        hint = did_you_mean(name, known)
        names = ", ".join(f"{{{n}}}" for n in known)
        raise SettingsError(f"{{{name}}} is unknown here{hint} (known: {names}; a step knows those before it)")
    return known[name]
