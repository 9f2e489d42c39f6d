"""Fit the weights of ``segment`` (``lexicon/segmentation_model.py``) on hashtags, identifiers and run-together words.

    python bench/fit_segment.py SEGMENTATION.tsv[=WEIGHT]...

Each line of a set: joined form, tab, split, several accepted splits between "|". The shipped weights: hashtags (stan_small,
stan_large, boun, stanford_dev) and identifiers (bt11, ludiso, lynx) at 1, jhotdraw at 2, run-on words (runons) at 2.5.

A conditional log-linear model: the weights that make the accepted split most probable among the best splits found, each set
counting as much as its WEIGHT, however large it is. Each set is split in two halves by a hash of the joined form; the figures
are those of each half under the weights fitted on the other, and then those of both under the weights that are printed.
"""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vnlp_prep.lexicon import Lexicon
from vnlp_prep.lexicon import segmentation_model as model

PER_SET = 1000
ROUNDS, BEST = 3, 8
L2 = 1.0
LOG10 = 2.302585
# What the search starts from; without these it would cut everything, or nothing.
START = {
    "known: log10 probability": 0.5, "unknown": -1.0, "unknown: letters' probability": 0.3, "unknown: length": -0.3,
    "one letter": -2.0, "pair: gain": 0.6, "cut in a number": -10.0, "cut at an apostrophe": -10.0,
    "joint before a capital": -1.3, "letter with digits": -1.0, "letters with digits": -1.6, "two letters with digits": -1.5,
    "digits with letters": -1.0, "cut before a digit": -1.4, "cut before two digits": -1.4, "ordinal": 1.0,
    "joint before a capital, small start": -4.0, "known: letters and digits": 1.0,
}  # fmt: skip
# Not fitted: in an identifier a capital means a border, whatever hashtags do.
FIXED = ("cut in a number", "cut at an apostrophe", "joint before a capital, small start")


class Case(NamedTuple):
    """One joined form, its accepted splits, the set it is from and the half it is in."""

    text: str
    accepted: frozenset[tuple[str, ...]]
    name: str
    half: int
    weight: float


def read(path: Path, weight: float) -> list[Case]:
    """Return up to PER_SET cases of a set, spread evenly: those that are all letters and digits."""
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line]
    cases = []
    for line in lines[:: max(1, len(lines) // PER_SET)][:PER_SET]:
        text, wanted = line.split("\t")[:2]
        accepted = frozenset(a for split in wanted.split("|") if (a := _aligned(text, split)))
        if accepted and text.isalnum():
            half = hashlib.blake2b(text.lower().encode()).digest()[0] % 2
            cases.append(Case(text, accepted, path.stem, half, weight))
    return cases


def _aligned(text: str, split: str) -> tuple[str, ...] | None:
    """The parts of the split in the case of the text; None if they are other letters."""
    parts = split.split()
    if "".join(parts).lower() != text.lower():
        return None
    ends = list(accumulate(map(len, parts)))
    return tuple(text[end - len(part) : end] for part, end in zip(parts, ends, strict=True))


def fit(cases: list[Case], lexicon: Lexicon) -> dict[str, float]:
    """Weights, by Newton's method on the candidates of a growing list of best splits."""
    names = sorted({*START})
    weights = dict.fromkeys(names, 0.0) | START
    found: dict[str, dict[tuple[str, ...], dict[str, float]]] = defaultdict(dict)
    sizes = {c.name: sum(d.name == c.name for d in cases) for c in cases}
    for _ in range(ROUNDS):
        model.WEIGHTS.clear()
        model.WEIGHTS.update(weights)
        splitter = model.Splitter(lexicon)
        for case in cases:
            for parts in (*map(tuple, splitter.best(case.text, BEST)), *case.accepted):
                if parts not in found[case.text]:
                    found[case.text][parts] = model.features(list(parts), lexicon)
        names = sorted({*names, *(n for f in found.values() for v in f.values() for n in v)})
        prior = np.array([START.get(n, 0.0) for n in names])
        w = np.array([weights.get(n, 0.0) for n in names])
        fixed = np.array([n in FIXED for n in names])
        data = []
        for case in cases:
            splits = found[case.text]
            x = np.array([[v.get(n, 0.0) for n in names] for v in splits.values()]) * LOG10
            weight = case.weight * len(cases) / len(sizes) / sizes[case.name]
            data.append((x, np.array([s in case.accepted for s in splits]), weight))
        for _ in range(15):
            gradient, hessian = L2 * (w - prior), L2 * np.eye(len(w))
            for x, right, weight in data:
                p = _softmax(x @ w)
                wanted = _softmax(np.where(right, x @ w, -1e9))
                centred = x - p @ x
                gradient += weight * ((p - wanted) @ x)
                hessian += weight * (centred * p[:, None]).T @ centred
            gradient[fixed] = 0.0
            hessian[fixed] = np.eye(len(w))[fixed]
            step = np.linalg.solve(hessian, gradient)
            w -= step / max(1.0, np.abs(step).max() / 2)
            if np.abs(step).max() < 0.01:
                break
        weights = dict(zip(names, w.tolist(), strict=True))
    return weights


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max())
    return e / e.sum()


def right(cases: list[Case], weights: dict[str, float], lexicon: Lexicon) -> dict[str, float]:
    """Per set, the share of cases whose best split is an accepted one, in per cent."""
    model.WEIGHTS.clear()
    model.WEIGHTS.update(weights)
    splitter = model.Splitter(lexicon)
    hits = defaultdict(list)
    for case in cases:
        hits[case.name].append(tuple(splitter.split(case.text)) in case.accepted)
    return {name: round(100 * sum(h) / len(h), 1) for name, h in hits.items()}


def main() -> None:
    """Fit, validate across halves, print the weights."""
    sets = [argument.partition("=") for argument in sys.argv[1:]]
    cases = [case for path, _, weight in sets for case in read(Path(path), float(weight or 1))]
    lexicon = Lexicon.shipped()
    for half in (0, 1):
        weights = fit([c for c in cases if c.half != half], lexicon)
        print(f"half {half}, weights of the other:", right([c for c in cases if c.half == half], weights, lexicon))
    weights = fit(cases, lexicon)
    weights = {n: round(w, 2) for n, w in weights.items()}
    print("both:", right(cases, weights, lexicon))
    for name, value in weights.items():
        print(f'    "{name}": {value},')


if __name__ == "__main__":
    main()
