"""Models of an earlier run beside those of this one: their figures are in its ``items.jsonl``, nothing is computed again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vinilm.evaluation import jsonl
from vinilm.evaluation.bootstrap import Figure, macro_f1, mean_of
from vinilm.evaluation.conditions import Conditions
from vinilm.evaluation.results import Key, Result
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError


class Earlier(NamedTuple):
    """An earlier run."""

    name: str
    #: Rate, kinds and seed of the damage.
    damage: tuple[Any, Any, Any]
    #: Task, set, what figure, and what was said of each item.
    records: list[tuple[str, str, Key, dict[str, Any]]]


def read_earlier(folder: str | os.PathLike[str]) -> Earlier:
    """Read what a run left in ``folder``. Raises InputError."""
    root = Path(folder)
    conditions = jsonl.whole(root / "results.json").get("conditions")
    if not isinstance(conditions, dict):
        raise InputError(f"{shown(root / 'results.json')}: no field 'conditions'; is this a file of vinilm evaluate?")
    path = root / "items.jsonl"
    found = []
    for number, record in jsonl.records(path):
        values = record.get("items")
        if not isinstance(values, dict):
            raise InputError(f"{shown(path)}, line {number}: no field 'items' with an object; is this a file of vinilm evaluate?")
        task, name, *key = (jsonl.string(record, field, path, number) for field in ("task", "set", *Key._fields))
        kind = (int, float) if task == "retrieval" else str
        if not all(isinstance(value, kind) for value in values.values()):
            raise InputError(f"{shown(path)}, line {number}: the items are not {'numbers' if task == 'retrieval' else 'labels'}")
        found.append((task, name, Key(*key), values))
    damage = (conditions.get("damage"), conditions.get("kinds"), conditions.get("seed"))
    return Earlier(root.resolve().name, damage, found)


def add_earlier(results: Iterable[Result], earlier: Earlier, conditions: Conditions) -> None:
    """Add the models of an earlier run to the results of the same sets; what cannot be added is a note.

    A set is the same if its name and its queries or test examples are; a condition, if the damage is.
    """
    is_same_damage = earlier.damage == (conditions.damage, list(conditions.kinds), conditions.seed)
    for result in results:
        for task, name, key, values in earlier.records:
            if (task, name) == (result.task, result.name):
                _add(result, key, values, earlier.name, is_same_damage=is_same_damage)
        _keep_whole(result, earlier.name)


def _add(result: Result, key: Key, values: dict[str, Any], run: str, *, is_same_damage: bool) -> None:
    if key.system in set(result.systems) - set(result.models) or key.condition not in result.conditions:
        return
    if key.condition.startswith("damaged") and not is_same_damage:
        return
    if set(values) == set(result.items):
        system = f"{key.system} ({run})"
        result.figures |= {key._replace(system=system, measure=m): f for m, f in _figures(result, key, values).items()}


def _figures(result: Result, key: Key, values: dict[str, Any]) -> dict[str, Figure]:
    """Return measure -> figure for what one record says."""
    in_order = [values[item] for item in result.items]
    if result.task == "retrieval":
        return {key.measure: mean_of(in_order)}
    truth, said = np.array(result.truth), np.array(in_order)
    return {f"{key.measure} accuracy": mean_of(truth == said), f"{key.measure} macro-F1": macro_f1(truth, said)}


def _keep_whole(result: Result, run: str) -> None:
    """Make those of the added systems models that have every figure; leave the others out, and say so."""
    added = dict.fromkeys(key.system for key in result.figures if key.system not in result.systems)
    needed = {(condition, measure) for condition in result.conditions for measure in result.measures}
    for system in added:
        if {(k.condition, k.measure) for k in result.figures if k.system == system} == needed:
            result.systems.insert(len(result.models), system)
            result.models.append(system)
        else:
            result.figures = {key: figure for key, figure in result.figures.items() if key.system != system}
            result.notes.append(f"{system} is left out: that run has not all of these conditions, with the same damage")
    if not added:
        result.notes.append(f"{run} holds nothing of this set with the same queries or test examples")
