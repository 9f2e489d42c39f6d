"""Fit the weights of ``vnlp_prep.lexicon.elongation``, which tells stretched words from unknown names with double letters.

    python bench/fit_elongation.py elongated.tsv

The file has a stretched word, a tab and the word that was meant (several are parted by ``|``) in each line. Against them stand
words that the lexicon has and few people know, as they would look if it had them not: names of programs, rare words. Words
are put in two halves by SHA-1; the weights are fitted on one, and both are judged.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vnlp_prep import Lexicon
from vnlp_prep.lexicon import elongation, sources
from vnlp_prep.lexicon.elongation import FEATURES, RUN, features, shortenings

THRESHOLD = 0.8
RARE = 3.0  # Zipf: words below may be unknown somewhere else
RIDGE = 0.5
# A name that is spoiled is worse than a stretched word that stays.
NEGATIVE_WEIGHT = 1.3


class Example(NamedTuple):
    """A word as it is typed, the word that it would become, and whether that is right."""

    word: str
    short: str
    right: bool
    x: tuple[float, ...]


def positives(path: Path, lexicon: Lexicon) -> list[Example]:
    """Return the stretched words of the file that the lexicon does not know."""
    out = []
    for line in path.read_text(encoding="utf-8").splitlines():
        word, meant = line.lower().split("\t")[:2]
        found = [] if word in lexicon or not word.isalpha() else shortenings(word, lexicon)
        if found:
            out.append(Example(word, found[0].word, found[0].word in meant.split("|"), features(word, found[0], lexicon)))
    return out


def negatives(lexicon: Lexicon) -> list[Example]:
    """Return the rare words of the lexicon that would be shortened if it did not have them."""
    out = []
    for word in sources.known(sources.english(), sources.domain_terms()):
        if not word.isalpha() or not RUN.search(word) or lexicon.general_zipf(word) >= RARE or lexicon.misspelling_of(word):
            continue
        found = shortenings(word, lexicon)
        if found:
            out.append(Example(word, found[0].word, False, features(word, found[0], lexicon)))
    return out


def fitted(examples: list[Example]) -> np.ndarray:
    """Return the weights: ridge logistic regression by Newton's method."""
    x = np.array([e.x for e in examples], dtype=float)
    y = np.array([e.right for e in examples], dtype=float)
    weight = np.where(y == 1, 1.0, NEGATIVE_WEIGHT)
    b = np.zeros(len(FEATURES))
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ b))
        slope = x.T @ (weight * (y - p)) - RIDGE * b
        bend = (x * (weight * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(len(b))
        b += np.linalg.solve(bend, slope)
    return b


def report(name: str, examples: list[Example], b: np.ndarray) -> None:
    """Print recall, what is spoiled, and how well confidence and truth agree."""
    p = 1 / (1 + np.exp(-np.array([e.x for e in examples], dtype=float) @ b))
    y = np.array([e.right for e in examples])
    made = p >= THRESHOLD
    print(f"{name}: {made[y].mean():.3f} of {y.sum()} stretched words made, {made[~y].sum()} of {(~y).sum()} others spoiled")
    for low in (0.0, 0.2, 0.5, 0.8, 0.9, 0.97):
        high = min(h for h in (0.2, 0.5, 0.8, 0.9, 0.97, 1.01) if h > low)
        inside = (p >= low) & (p < high)
        if inside.any():
            print(f"   confidence {low:.2f} to {min(high, 1.0):.2f}: {inside.sum():5d} words, right {y[inside].mean():.2f}")


def main() -> None:
    """Fit, judge and print the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("elongated", type=Path, help="stretched words with the words that were meant")
    options = parser.parse_args()
    lexicon = Lexicon.shipped()
    examples = positives(options.elongated, lexicon) + negatives(lexicon)
    halves: list[list[Example]] = [[], []]
    for e in examples:
        halves[int(hashlib.sha1(e.word.encode(), usedforsecurity=False).hexdigest(), 16) % 2].append(e)
    b = fitted(halves[0])
    report("fitted half", halves[0], b)
    report("other half", halves[1], b)
    report("as shipped", examples, np.array(elongation.WEIGHTS))
    print(", ".join(f"{v:.2f}" for v in b))


if __name__ == "__main__":
    main()
