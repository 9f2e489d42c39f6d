"""Fit the spelling stage's confidence: a logistic function of what a correction looks like (``lexicon/correction.py``).

    python bench/fit_speller.py TYPOS.jsonl.gz DOCS.jsonl.gz MISSPELLINGS.tsv...

Right and wrong corrections come from lines of documentation before a person fixed them (a correction is right if the person
made it, or if a list of known misspellings has it) and from prose paragraphs of the documents (where an unknown word is
right unless such a list says otherwise). The repositories are split in two halves by name: the weights that are printed are
fitted on both; the figures are those of each half under the weights of the other.
"""

from __future__ import annotations

import collections
import gzip
import hashlib
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vnlp_prep.lexicon import Lexicon
from vnlp_prep.lexicon.context import Neighbours, neighbours
from vnlp_prep.lexicon.correction import FEATURES, features, ranked
from vnlp_prep.lexicon.files import data_folder, read_bands
from vnlp_prep.lexicon.suggestions import candidates
from vnlp_prep.words import Guard, word_spans

L2 = 0.3
HIDDEN = 1500  # known words that are treated as unknown, of either kind
RARE = 2.6  # Zipf: words that a lexicon may well lack
TERM_DOCUMENTS = 3


class Row(NamedTuple):
    """One place where a correction could be made: the repository, the word, its features, whether the correction is right."""

    repo: str
    word: str
    x: tuple[float, ...]
    right: bool


def places(text: str, lexicon: Lexicon) -> Iterator[tuple[str, Neighbours]]:
    """Plain words in the prose of a text, with their neighbours."""
    guard = Guard(text, (), lexicon)
    for m in re.finditer(r"\S+", text):
        for a, b in word_spans(m.group()):
            start, end = m.start() + a, m.start() + b
            word = text[start:end]
            if b - a > 2 and (word not in lexicon or lexicon.general_zipf(word.lower()) < RARE) and guard.allows(start, end):
                yield word, neighbours(text, start, end)


def row(repo: str, word: str, near: Neighbours, right: Callable[[str, str], bool], lexicon: Lexicon) -> Row | None:
    """The row of one place, if there is a candidate at all."""
    low = word.lower()
    stem = low[:-2] if low.endswith(("'s", "’s")) else low
    found = ranked(candidates(stem, lexicon)[:8], near, lexicon)
    return Row(repo, word, features(word, stem, found, near, lexicon), right(stem, found[0].term)) if found else None


def rows(path_typos: str, path_docs: str, listed: dict[str, set[str]], lexicon: Lexicon) -> Iterator[Row | None]:
    """Yield a row for every place to learn from."""
    with gzip.open(path_typos, "rt", encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            wanted = {e["from"].lower(): e["to"].lower() for e in d["edits"]}

            def corrected(stem: str, term: str, wanted: dict[str, str] = wanted) -> bool:
                return wanted.get(stem) == term or term in listed.get(stem, ())

            for word, near in places(re.sub(r"<[^>]*>", " ", d["before"]), lexicon):
                if word not in lexicon:
                    yield row(d["repo"], word, near, corrected, lexicon)

    # In the documents nobody marked the typos. A word that several documents use is a term; rarer ones may be either.
    documents: collections.Counter[str] = collections.Counter()
    where: dict[str, tuple[str, Neighbours]] = {}
    hidden: dict[str, tuple[str, Neighbours]] = {}
    with gzip.open(path_docs, "rt", encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            text = re.sub(r"(?s)```.*?```|<[^>]*>", " ", d["text"])
            for word, near in dict(places(text, lexicon)).items():
                if word not in lexicon:
                    documents[word] += 1
                    where[word] = (d["repo"], near)
                elif word.isalpha():
                    hidden[word] = (d["repo"], near)
    for word, n in sorted(documents.items()):
        if n >= TERM_DOCUMENTS:
            yield row(*where[word][:1], word, where[word][1], lambda stem, term: term in listed.get(stem, ()), lexicon)
    # Right words that the lexicon does not know are what makes or breaks a speller on text of another domain: each rare word
    # of the documents is one for a lexicon without it; so are words that no document has.
    rng = random.Random(1)
    for word in rng.sample(sorted(hidden), min(HIDDEN, len(hidden))):
        yield row(hidden[word][0], word, hidden[word][1], lambda *_: False, lexicon)
    words = read_bands(data_folder() / "lexicon" / "english.tsv")
    rare = [w for w in words if lexicon.general_zipf(w) < RARE and len(w) > 2 and "'" not in w]
    contexts = [near for _, near in hidden.values()]
    for i, word in enumerate(rng.sample(rare, HIDDEN)):
        yield row(f"hidden {i}", word.capitalize() if i % 3 == 0 else word, rng.choice(contexts), lambda *_: False, lexicon)


def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression with an L2 penalty, by Newton's method."""
    w = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (weight * (p - y)) + L2 * w
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + L2 * np.eye(x.shape[1])
        step = np.linalg.solve(hessian, gradient)
        w -= step
        if np.abs(step).max() < 1e-6:
            break
    return w


def main() -> None:
    """Fit, validate across repositories, print the weights."""
    typos, docs, *lists = sys.argv[1:]
    listed: dict[str, set[str]] = {}
    for path in lists:
        for line in Path(path).read_text(encoding="utf-8").split("\n"):
            if line and line[0] != "#":
                wrong, right = line.split("\t")[:2]
                listed.setdefault(wrong.lower(), set()).update(r.strip().lower() for r in right.split("|"))
    data = [r for r in rows(typos, docs, listed, Lexicon.shipped()) if r is not None]
    x = np.array([r.x for r in data])
    y = np.array([r.right for r in data], dtype=float)
    half = np.array([int(hashlib.sha1(r.repo.encode()).hexdigest(), 16) % 2 for r in data])
    print(f"{len(y)} unknown words with a candidate, {int(y.sum())} corrections right")
    weight = np.ones(len(y))
    for k in (0, 1):
        w = fit(x[half != k], y[half != k], weight[half != k])
        p = 1 / (1 + np.exp(-x[half == k] @ w))
        t = y[half == k]
        for threshold in (0.5, 0.8, 0.9, 0.95):
            made = p >= threshold
            precision, recall = t[made].mean(), t[made].sum() / t.sum()
            print(f"half {k}, from {threshold}: precision {precision:.4f}, recall {recall:.4f}, {int(made.sum())} made")
        bins = np.clip((p * 10).astype(int), 0, 9)
        print(
            "  said / was:",
            " ".join(f"{p[bins == b].mean():.2f}/{t[bins == b].mean():.2f}" for b in range(10) if (bins == b).any()),
        )
    w = fit(x, y, weight)
    for name, value in zip(FEATURES, w, strict=True):
        print(f"{name:20} {value:8.3f}")
    print("WEIGHTS = (" + ", ".join(f"{v:.2f}" for v in w) + ")")
    p = 1 / (1 + np.exp(-x @ w))
    order = np.argsort(-p)
    print("surest wrong:", [(data[i].word, round(float(p[i]), 2)) for i in order if not y[i]][:120])


if __name__ == "__main__":
    main()
