"""Fit the compounds stage's confidence: a logistic function of what a run-together word looks like (``lexicon/joined.py``).

    python bench/fit_splitter.py TYPOS.jsonl.gz DOCS.jsonl.gz MISSPELLINGS.tsv...

Run together: words that a person took apart in documentation, those that a list of misspellings takes apart, and neighbours in
prose without their space. Whole: the other unknown words of those lines; unknown words of the documents that three of them use;
other misspellings; rare words, terms and words of no dictionary, treated as unknown. Each stands where it stands, or between the
neighbours of another. The repositories (for words without one, the words) are split in two halves by name: the weights that are
printed are fitted on both; the figures are those of each half under the weights of the other.
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
from typing import NamedTuple

import numpy as np

from vnlp_prep.lexicon import Lexicon
from vnlp_prep.lexicon.context import Neighbours, neighbours
from vnlp_prep.lexicon.files import data_folder, read_bands, read_pairs, read_terms
from vnlp_prep.lexicon.joined import FEATURES, features, joined
from vnlp_prep.lexicon.morphology import is_regular_form
from vnlp_prep.words import Guard, word_spans

L2 = 0.3
RARE = 2.6  # Zipf: words that a lexicon may well lack
TERM_DOCUMENTS = 3
HIDDEN = 5000  # words of each of these kinds
MIN_PART = 2.3  # Zipf: of the neighbours that are joined
JOINED = 6000  # neighbours that are joined
# The made run-togethers count as much as this share of the whole words: in documents there are far fewer of them.
MADE_SHARE = 0.3
WORD = re.compile(r"[A-Za-z]+")
PAIR = re.compile(r"(?<![\w'’.-])([A-Za-z]+) ([a-z]+)(?: ([a-z]+))?(?![\w'’-])")


class Row(NamedTuple):
    """A word at its place: group for the halves, word, kind, features, whether it is several words."""

    group: str
    word: str
    kind: str
    x: tuple[float, ...]
    right: bool


def row(group: str, word: str, kind: str, near: Neighbours, wanted: str | None, lexicon: Lexicon) -> Row | None:
    """The row of one word; None if the stage would not think of taking it apart. ``wanted``: its parts, if it has some."""
    low = word.lower()
    if not 5 <= len(word) <= 40 or not word.isalpha() or not word[1:].islower():
        return None
    if wanted is None and is_regular_form(low, lexicon.known_zipf):
        return None
    found = joined(word, lexicon)
    if found is None:
        return None
    if kind in ("hidden", "term"):  # nobody has seen it
        found = found._replace(x=tuple(0.0 if n == "seen" else v for n, v in zip(FEATURES, found.x, strict=False)))
    return Row(group, word, kind, features(found, near, lexicon), " ".join(found.parts) == wanted)


def places(text: str, lexicon: Lexicon) -> Iterator[tuple[str, Neighbours]]:
    """Unknown and rare plain words in the prose of a text, with their neighbours."""
    guard = Guard(text, (), lexicon)
    for m in re.finditer(r"\S+", text):
        for a, b in word_spans(m.group()):
            start, end = m.start() + a, m.start() + b
            word = text[start:end]
            if (word not in lexicon or lexicon.general_zipf(word.lower()) < RARE) and guard.allows(start, end):
                yield word, neighbours(text, start, end)


def apart(word: str, listed: dict[str, list[str]]) -> str | None:
    """The first correction on a list, if that takes the word apart."""
    corrections = listed.get(word, [""])
    return corrections[0] if " " in corrections[0] else None


def rows(path_typos: str, path_docs: str, listed: dict[str, list[str]], lexicon: Lexicon) -> Iterator[Row | None]:
    """Yield a row for every word to learn from."""
    with gzip.open(path_typos, "rt", encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            wanted = {e["from"].lower(): e["to"].lower() for e in d["edits"]}
            for word, near in places(re.sub(r"<[^>]*>", " ", d["before"]), lexicon):
                low = word.lower()
                if word not in lexicon:
                    yield row(d["repo"], word, "line", near, wanted.get(low) or apart(low, listed), lexicon)

    rng = random.Random(2)
    documents: collections.Counter[str] = collections.Counter()
    where: dict[str, tuple[str, Neighbours]] = {}
    pairs: list[tuple[str, str, str, Neighbours]] = []
    contexts: list[Neighbours] = []
    with gzip.open(path_docs, "rt", encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            text = re.sub(r"(?s)```.*?```|<[^>]*>", " ", d["text"])
            found = dict(places(text, lexicon))
            for word, near in found.items():
                documents[word] += 1
                where[word] = (d["repo"], near)
            contexts += list(found.values())[:5]
            matches = list(PAIR.finditer(text))
            for m in rng.sample(matches, min(4, len(matches))):
                parts = [m[1], m[2]] + ([m[3]] if m[3] and rng.random() < 0.1 else [])
                if all(p in lexicon and lexicon.known_zipf(p.lower()) > MIN_PART for p in parts):
                    end = m.start() + len(" ".join(parts))
                    pairs.append((d["repo"], "".join(parts), " ".join(parts).lower(), neighbours(text, m.start(), end)))
    for group, word, wanted_parts, near in rng.sample(pairs, min(JOINED, len(pairs))):
        if word not in lexicon:
            yield row(group, word, "made", near, wanted_parts, lexicon)
    for word, n in sorted(documents.items()):
        if n >= TERM_DOCUMENTS:
            kind = "unknown" if word not in lexicon else "hidden"
            yield row(where[word][0], word, kind, where[word][1], apart(word.lower(), listed), lexicon)
    # Right words that the lexicon does not know are what makes or breaks a splitter on text of another domain.
    folder = data_folder() / "lexicon"
    rare = [w for w in read_bands(folder / "english.tsv") if lexicon.general_zipf(w) < RARE]
    terms = [t.term for t in read_terms(folder / "vmware.tsv") if not lexicon.general_zipf(t.term.lower())]
    seen = [w for w in read_bands(folder / "seen.tsv") if w not in listed and w not in lexicon]
    misspelled = [w for w in listed if w not in lexicon]
    for kind, words in (("hidden", rare), ("term", terms), ("seen", seen), ("listed", misspelled)):
        for i, word in enumerate(rng.sample(words, min(HIDDEN, len(words)))):
            cased = word.capitalize() if i % 2 else word  # names
            yield row(word, cased, kind, rng.choice(contexts), apart(word, listed), lexicon)


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
    """Fit, validate across halves, print the weights."""
    typos, docs, *lists = sys.argv[1:]
    listed = {w: c.split("|") for w, c in read_pairs(data_folder() / "lexicon" / "misspellings.tsv").items()}
    for path in lists:
        for line in Path(path).read_text(encoding="utf-8").split("\n"):
            if line and line[0] != "#":
                wrong, right = line.split("\t")[:2]
                listed.setdefault(wrong.lower(), [r.strip().lower() for r in right.split("|")])
    data = [r for r in rows(typos, docs, listed, Lexicon.shipped()) if r is not None]
    x = np.array([r.x for r in data])
    y = np.array([r.right for r in data], dtype=float)
    half = np.array([hashlib.blake2b(r.group.encode()).digest()[0] % 2 for r in data])
    kinds = collections.Counter((r.kind, r.right) for r in data)
    print(f"{len(y)} words, {int(y.sum())} to take apart:", dict(kinds))
    made = np.array([r.kind == "made" for r in data])
    weight = np.where(made, MADE_SHARE * (~made).sum() / made.sum(), 1.0)
    for k in (0, 1):
        w = fit(x[half != k], y[half != k], weight[half != k])
        p, t, v = 1 / (1 + np.exp(-x[half == k] @ w)), y[half == k], weight[half == k]
        print(f"half {k}:")
        for threshold in (0.5, 0.8, 0.9, 0.95):
            on = p >= threshold
            precision, recall = (v * t)[on].sum() / v[on].sum(), (v * t)[on].sum() / (v * t).sum()
            real = (t == 1) & ~made[half == k]
            people = f"{(on & real).sum()}/{real.sum()}"
            print(f"  from {threshold}: precision {precision:.4f}, recall {recall:.4f}, of people's {people}")
        bins = np.clip((p * 10).astype(int), 0, 9)
        means = (np.average(np.c_[p, t][bins == b], axis=0, weights=v[bins == b]) for b in range(10) if (bins == b).any())
        print("  said / was:", " ".join(f"{said:.2f}/{was:.2f}" for said, was in means))
    w = fit(x, y, weight)
    for name, value in zip(FEATURES, w, strict=True):
        print(f"{name:20} {value:8.3f}")
    print("WEIGHTS = (" + ", ".join(f"{v:.2f}" for v in w) + ")")
    p = 1 / (1 + np.exp(-x @ w))
    order = np.argsort(-p)
    print("surest wrong:", [(data[i].word, data[i].kind, round(float(p[i]), 2)) for i in order if not y[i]][:100])
    print("least sure right:", [(data[i].word, round(float(p[i]), 2)) for i in order[::-1] if y[i] and not made[i]][:60])


if __name__ == "__main__":
    main()
