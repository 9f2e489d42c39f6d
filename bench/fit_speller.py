"""Fit the spelling stage's confidence: a logistic function of what a correction looks like (``stages/spelling.py``).

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
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vnlp_prep.lexicon import Lexicon
from vnlp_prep.lexicon.files import data_folder, read_bands, read_terms
from vnlp_prep.lexicon.suggestions import candidates
from vnlp_prep.stages.spelling import FEATURES, features
from vnlp_prep.words import Guard, word_spans

L2 = 0.3
HIDDEN = 2500  # known words that are treated as unknown


def unknown_words(text: str, lexicon: Lexicon) -> Iterator[str]:
    """Words of a text that the spelling stage would look at."""
    guard = Guard(text, (), lexicon)
    for m in re.finditer(r"\S+", text):
        for start, end in word_spans(m.group()):
            word = m.group()[start:end]
            if word not in lexicon and len(word) > 2 and guard.allows(m.start() + start, m.start() + end):
                yield word


def rows(
    path_typos: str, path_docs: str, listed: dict[str, set[str]], lexicon: Lexicon
) -> Iterator[tuple[str, str, tuple[float, ...], bool]]:
    """Yield (repository, word, features, right) for every unknown word."""

    def one(repo: str, word: str, wanted: dict[str, str]) -> tuple[str, str, tuple[float, ...], bool] | None:
        low = word.lower()
        stem = low[:-2] if low.endswith(("'s", "’s")) else low
        found = candidates(stem, lexicon)
        if not found:
            return None
        term = found[0].term
        right = wanted.get(stem) == term or wanted.get(low) == term or term in listed.get(stem, ())
        return repo, word, features(word, stem, found, lexicon), right

    with gzip.open(path_typos, "rt", encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            wanted = {e["from"].lower(): e["to"].lower() for e in d["edits"]}
            for word in unknown_words(re.sub(r"<[^>]*>", " ", d["before"]), lexicon):
                row = one(d["repo"], word, wanted)
                if row:
                    yield row
    # In the documents nobody marked the typos. A word that several documents use is a term; rarer ones may be either.
    documents: collections.Counter[str] = collections.Counter()
    repositories: dict[str, str] = {}
    with gzip.open(path_docs, "rt", encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            text = re.sub(r"(?s)```.*?```|<[^>]*>", " ", d["text"])
            for word in set(unknown_words(text, lexicon)):
                documents[word] += 1
                repositories[word] = d["repo"]
    for word, n in sorted(documents.items()):
        if n >= 3:
            row = one(repositories[word], word, {})
            if row:
                yield row
    # Right words that the lexicon does not know are what makes or breaks a speller on text of another domain: each known
    # rare word is one for a lexicon without it.
    words = sorted(
        set(read_bands(data_folder() / "lexicon" / "english.tsv"))
        | {t.term.lower() for t in read_terms(data_folder() / "lexicon" / "vmware.tsv")}
    )
    rare = [w for w in words if lexicon.general_zipf(w) < 2.6 and len(w) > 2 and "'" not in w]
    for i, word in enumerate(random.Random(1).sample(rare, HIDDEN)):
        row = one(f"hidden {i}", word.capitalize() if i % 3 == 0 else word, {})
        if row:
            yield row


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
    data = list(rows(typos, docs, listed, Lexicon.shipped()))
    x = np.array([r[2] for r in data])
    y = np.array([r[3] for r in data], dtype=float)
    half = np.array([int(hashlib.sha1(r[0].encode()).hexdigest(), 16) % 2 for r in data])
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
    print("surest wrong:", [(data[i][1], round(float(p[i]), 2)) for i in order if not y[i]][:120])


if __name__ == "__main__":
    main()
