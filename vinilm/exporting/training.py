"""What a model folder tells of its training, as the commands that train leave it there; and the same as a section of a card.

training/run.json        ``identity``: all settings of the last run
training/metrics.jsonl   a line for each step; those with ``evaluation`` have figures on held-out texts
domain_terms.tsv         the terms that the vocabulary was given, one a line
training.json            the three above, in the folder of an export
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from vinilm.models.files import Json, read_json, read_json_if_there

#: The file of an export that has all of it.
TRAINING = "training.json"
_RUN, _METRICS, _TERMS = Path("training", "run.json"), Path("training", "metrics.jsonl"), "domain_terms.tsv"
# What says nothing to a reader of the card: places on a machine, how files were read, what only going on needs.
_LEFT = re.compile(
    r"(time of change|size|format) of |max-(line-bytes|ratio|unpacked-bytes)$|(on-missing|encoding|field|whole-file|inputs)$"
)
_LONGEST = 200
# A digest: its beginning is enough for people; training.json has all of it.
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


def training_facts(folder: Path) -> Json:
    """Return what ``folder`` tells: ``settings``, ``evaluations`` (step and figures), ``terms``, each if it is there.

    Raises ModelError for a file that is not as it was written.
    """
    facts: Json = read_json_if_there(folder / TRAINING)
    if facts:
        return facts
    if (folder / _RUN).is_file():
        identity = read_json(folder / _RUN).get("identity")
        if isinstance(identity, dict):
            facts["settings"] = {k: _public(k, v) for k, v in identity.items() if not _LEFT.match(k)}
    if (folder / _METRICS).is_file():
        facts["evaluations"] = _evaluations(folder / _METRICS)
    if (folder / _TERMS).is_file():
        facts["terms"] = max(0, (folder / _TERMS).read_bytes().count(b"\n") - 1)
    return facts


def _public(name: str, value: Any) -> Any:
    """Return a setting; of a file its name, not where it lay."""
    return Path(value).name if re.match(r"input \d+$", name) and isinstance(value, str) else value


def _evaluations(file: Path) -> list[Json]:
    found = []
    with file.open("rb") as lines:
        for line in lines:
            if b'"evaluation"' not in line:
                continue
            try:
                values = json.loads(line)
                found.append({"step": int(values["step"]), **values["evaluation"]})
            except (ValueError, TypeError, KeyError):  # of a run that was killed while it wrote
                continue
    return found


def training_section(facts: Json) -> str:
    """Return a section of a card; empty if nothing is known.

    >>> evaluations = [{"step": 0, "loss": 2.5}, {"step": 9, "loss": 2.0}]
    >>> print(training_section({"settings": {"batch-size": 32}, "evaluations": evaluations}))
    ## How it was trained
    <BLANKLINE>
    | setting | value |
    |---|---|
    | batch-size | 32 |
    <BLANKLINE>
    | on held-out texts | loss |
    |---|---:|
    | before | 2.5 |
    | after 9 steps | 2 |
    <BLANKLINE>
    """
    parts = []
    settings, evaluations, terms = facts.get("settings"), facts.get("evaluations"), facts.get("terms")
    if isinstance(settings, dict) and settings:
        parts.append(_table(("setting", "value"), [(k, _said(v)) for k, v in settings.items() if v is not None], right=False))
    if isinstance(evaluations, list) and evaluations:
        first, last = evaluations[0], evaluations[-1]
        names = [name for name in first if name != "step"]
        rows = [("before", *(_said(first[n]) for n in names))]
        if len(evaluations) > 1:
            rows.append((f"after {last['step']:,} steps", *(_said(last.get(n, "")) for n in names)))
        parts.append(_table(("on held-out texts", *names), rows, right=True))
    if isinstance(terms, int) and terms:
        parts.append(f"The vocabulary has {terms:,} terms of the domain: see `{_TERMS}`.\n")
    others = {k: v for k, v in facts.items() if k not in ("settings", "evaluations", "terms")}
    if others:
        parts.append(_table(("setting", "value"), [(k, _said(v)) for k, v in others.items()], right=False))
    return "\n".join(["## How it was trained\n", *parts]) if parts else ""


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]], *, right: bool) -> str:
    marks = ["---", *(["---:" if right else "---"] * (len(columns) - 1))]
    lines = [" | ".join(columns), "|".join(marks), *(" | ".join(_escaped(cell) for cell in row) for row in rows)]
    return "".join(f"|{line}|\n" if i == 1 else f"| {line} |\n" for i, line in enumerate(lines))


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list):
        value = ", ".join(map(_said, value))
    text = _DIGEST.sub(r"\1…", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
