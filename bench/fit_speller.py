"""Fit the spelling stage's probabilities (``vnlp_prep/lexicon/correction.py``); draw how far they can be trusted.

    python data/build_lexicon.py --cspell FOLDER --corpus DOCS.jsonl.gz --without-half 0 --out HALF0/lexicon    # and 1
    cp data/lexicon/slips.tsv data/lexicon/letters.tsv HALF0/lexicon                                            # and 1
    python bench/fit_speller.py TYPOS.jsonl.gz DOCS.jsonl.gz HALF0 HALF1 LISTED.tsv... [--chart docs/images/reliability.svg]

The repositories are in two halves, by their names. Every place is read with a lexicon whose terms and pairs were counted in the
other half only, as for a user whose documents the lexicon has never seen; the figures of a half are those under the weights
fitted on the other half; the weights that are printed are fitted on both.

A place is an unknown word in prose: in lines before a person corrected them (where what the person wrote, and what LISTED tables
of known misspellings say, is right, and every other reading is wrong), in the documents (terms of three or more documents), and
in their clean paragraphs; and known rare words that are treated as unknown (right as they stand).

One weight is fitted after the others, and with them fixed: how much more likely a mistake is among mistakes. Lines that people
correct have one mistake as a rule, so paragraphs are damaged for it: each word with a chance of 0 to 30 %, by slips as frequent
as in ``slips.tsv``.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import hashlib
import json
import multiprocessing
import random
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from logit import fit, probabilities

from vnlp_prep.lexicon import Lexicon, channel
from vnlp_prep.lexicon.correction import CANDIDATE_FEATURES, WORD_FEATURES, candidate_features, word_features
from vnlp_prep.lexicon.suggestions import candidates
from vnlp_prep.stages.spelling import SpellingStage
from vnlp_prep.stages.words_stage import Change
from vnlp_prep.words import Guard, word_spans

L2 = 0.3
CANDIDATES = 8
HIDDEN_SHARE, HIDDEN_ZIPF, HIDDEN_WEIGHT = 8, 3.0, 0.3  # percent of the known words below this frequency; their weight
TERM_DOCUMENTS = 3
MOST_PLACES = 3  # of one word
NOISE, NOISY, FEW_WORDS = (0.0, 0.05, 0.1, 0.2, 0.3), 1000, 20  # rates, paragraphs of each half; see words_stage.py
THRESHOLDS = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9)


class Row(NamedTuple):
    """One place: what it is from, the word, what is best for it, its features, and which candidate is right (-1: none is)."""

    source: str
    word: str
    terms: tuple[str, ...]
    candidates: tuple[tuple[float, ...], ...]
    itself: tuple[float, ...]
    right: int
    fixed: bool


def use_lexicon(folder: Path) -> None:
    """Make the shipped lexicon the one in ``folder``, in this process."""
    from vnlp_prep.lexicon import channel, context, files, letters, lexicon

    for module in (files, lexicon, context, channel, letters):
        module.data_folder = lambda: folder  # type: ignore[attr-defined]


def half(repository: str) -> int:
    """As in ``data/build_lexicon.py``."""
    return int(hashlib.sha1(repository.encode()).hexdigest(), 16) % 2


def is_hidden(word: str, lexicon: Lexicon) -> bool:
    """True for the known words that are treated as unknown."""
    share = int(hashlib.sha1(word.lower().encode()).hexdigest(), 16) % 100
    return share < HIDDEN_SHARE and word.isalpha() and lexicon.general_zipf(word.lower()) < HIDDEN_ZIPF


@cache
def stage(lexicon: Lexicon) -> SpellingStage:
    """One stage a lexicon."""
    return SpellingStage(lexicon)


@cache
def decided(token: str, lexicon: Lexicon) -> tuple[Change, ...]:
    """What the stage would change in a token, wherever it stands."""
    return stage(lexicon).decide(token)


def damaged(word: str, rng: random.Random) -> str:
    """A word with one slip, as frequent as such slips are."""
    table = channel._slips()
    numbers = [ord(c) - 97 for c in word]
    ways: list[tuple[str, float]] = []
    for i, (c, x) in enumerate(zip(word, numbers, strict=True)):
        before = numbers[i - 1] if i else 26
        ways.append((word[:i] + word[i + 1 :], table.missing[before][x]))
        for y in range(26):
            letter = chr(97 + y)
            ways.append((word[: i + 1] + letter + word[i + 1 :], table.extra[x][y]))
            if y != x:
                ways.append((word[:i] + letter + word[i + 1 :], table.wrong[x][y]))
        if i and c != word[i - 1]:
            ways.append((word[: i - 1] + c + word[i - 1] + word[i + 1 :], table.swapped[numbers[i - 1]][x]))
    return rng.choices([w for w, _ in ways], [10**-cost for _, cost in ways])[0]


def noisy(text: str, rng: random.Random) -> tuple[str, dict[str, str]]:
    """A paragraph with some words damaged, and what they were."""
    rate, wanted = rng.choice(NOISE), {}

    def damage(m: re.Match[str]) -> str:
        if len(m.group()) < 3 or rng.random() >= rate:
            return m.group()
        slip = damaged(m.group(), rng)
        wanted[slip] = m.group()
        return slip

    return re.sub(r"(?<![\w`/.-])[a-z]+(?![\w`/-])", damage, text), wanted


def places(text: str, lexicon: Lexicon, seen: collections.Counter[str]) -> Iterator[tuple[str, bool, tuple[float, ...], Any]]:
    """Unknown words in the prose of a text: the word, whether it was hidden, its features, its candidates with theirs."""
    guard = Guard(text, (), lexicon)
    words = collections.Counter(re.findall(r"[A-Za-z'’]+", text))
    tokens = text.split()
    mistakes = [t for t in tokens if any(c.confidence >= 0.5 for c in decided(t, lexicon))]
    for m in re.finditer(r"\S+", text):
        spans = word_spans(m.group())
        for a, b in spans:
            start, end = m.start() + a, m.start() + b
            word = text[start:end]
            hidden = word in lexicon
            if (
                b - a < 3
                or seen[word] >= MOST_PLACES
                or (hidden and not is_hidden(word, lexicon))
                or not guard.allows(start, end)
            ):
                continue
            seen[word] += 1
            low = word.lower().replace("’", "'")
            stem = low[:-2] if low.endswith("'s") else low
            found = candidates(stem, lexicon)[:CANDIDATES]
            if not found or len(stem) < 3:
                continue
            noise = max(0, sum(t != m.group() for t in mistakes) - 1) / (len(tokens) + FEW_WORDS)
            place = SpellingStage.where(text, start, end, words[word], noise)
            zipf = lexicon.zipf(stem)
            itself = word_features(stem, place, lexicon, hyphenated=len(spans) > 1)
            yield word, hidden, itself, [(c.term, candidate_features(stem, c, zipf, place, lexicon)) for c in found]


def rows(task: tuple[int, str, str, Path, dict[str, set[str]]]) -> list[Row]:
    """Read the places of one half of the repositories, with the lexicon of the other."""
    k, typos, docs, folder, listed = task
    use_lexicon(folder)
    lexicon = Lexicon.shipped()

    def make(source: str, place: Any, wanted: dict[str, str]) -> Row:
        word, hidden, itself, found = place
        stem = word.lower().replace("’", "'").removesuffix("'s")
        right = set() if hidden else listed.get(stem, set()) | {wanted[stem] for _ in [0] if stem in wanted}
        right = {r.replace("'", "") for r in right}
        index = next((i for i, (term, _) in enumerate(found) if term.replace("'", "") in right), -1)
        terms, features = zip(*found, strict=True)
        return Row("hidden" if hidden else source, word, terms, features, itself, index, stem in wanted)

    out = []
    with gzip.open(typos, "rt", encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            if half(d["repo"]) == k and all(e["kind"] in ("spelling", "run_together") for e in d["edits"]):
                wanted = {e["from"].lower().removesuffix("'s"): e["to"].lower().removesuffix("'s") for e in d["edits"]}
                text = re.sub(r"<[^>]*>", " ", d["before"])
                out += [make("typos", p, wanted) for p in places(text, lexicon, collections.Counter()) if not p[1]]
    documents: collections.Counter[str] = collections.Counter()
    found: list[Row] = []
    paragraphs: list[str] = []
    seen: collections.Counter[str] = collections.Counter()
    with gzip.open(docs, "rt", encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            if half(d["repo"]) == k:
                text = re.sub(r"(?s)```.*?```|<[^>]*>", " ", d["text"])
                paragraphs += [p for p in text.split("\n\n") if 100 < len(p) < 400 and p.isascii() and "`" not in p]
                documents.update(set(re.findall(r"[A-Za-z]+", text)))
                found += [make("documents", p, {}) for p in places(text, lexicon, seen)]
    rng = random.Random(k)
    for paragraph in rng.sample(paragraphs, min(NOISY, len(paragraphs))):
        text, wanted = noisy(paragraph, rng)
        out += [make("noise", p, wanted) for p in places(text, lexicon, collections.Counter()) if not p[1]]
    # Nobody marked the typos of the documents. What several documents write is a term; a rarer word may be either. What the
    # tables list is left out: that they are right here, as they are used there, would only say that they are themselves.
    return out + [r for r in found if r.source == "hidden" or (r.right < 0 and documents[r.word] >= TERM_DOCUMENTS)]


class Data(NamedTuple):
    """Rows as arrays: readings (rows, 1 + CANDIDATES, features), which exist, which is right, weights.

    The first reading is the word itself: its features follow those of the candidates, which are 0 for it, as its are for them.
    """

    x: np.ndarray
    exist: np.ndarray
    right: np.ndarray
    weight: np.ndarray

    def where(self, chosen: np.ndarray) -> Data:
        """The rows that are chosen."""
        return Data(*(a[chosen] for a in self))


def arrays(data: list[Row]) -> Data:
    """Rows as arrays."""
    n = len(CANDIDATE_FEATURES)
    x = np.zeros((len(data), 1 + CANDIDATES, n + len(WORD_FEATURES)))
    exist, right = np.zeros((2, len(data), 1 + CANDIDATES), dtype=bool)
    exist[:, 0] = True
    for i, r in enumerate(data):
        x[i, 0, n:] = r.itself
        x[i, 1 : 1 + len(r.candidates), :n] = r.candidates
        exist[i, 1 : 1 + len(r.candidates)] = True
        right[i, r.right + 1] = True
    return Data(x, exist, right, np.array([HIDDEN_WEIGHT if r.source == "hidden" else 1.0 for r in data]))


def main() -> None:
    """Fit, validate across halves, print the weights, draw the chart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("typos")
    parser.add_argument("docs")
    parser.add_argument("lexicons", nargs=2, type=Path, metavar="HALF")
    parser.add_argument("listed", nargs="*", type=Path)
    parser.add_argument("--chart", type=Path, help="SVG of the reliability diagram")
    args = parser.parse_args()
    listed: dict[str, set[str]] = {}
    for path in args.listed:
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line and line[0] != "#":
                wrong, right = line.split("\t")[:2]
                listed.setdefault(wrong.lower(), set()).update(r.strip().lower() for r in right.split("|"))
    tasks = [(k, args.typos, args.docs, args.lexicons[k].resolve(), listed) for k in (0, 1)]
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=1) as pool:
        halves = pool.map(rows, tasks, chunksize=1)
    noise = [r for part in halves for r in part if r.source == "noise"]
    halves = [[r for r in part if r.source != "noise"] for part in halves]
    data = [r for part in halves for r in part]
    of = np.array([k for k, part in enumerate(halves) for _ in part])
    x = arrays(data)
    x.x[:, 0, -1] = 0.0  # how many mistakes are around is fitted last
    print(
        len(data), "places:", dict(collections.Counter(r.source for r in data)), (~x.right[:, 0]).sum(), "with a right candidate"
    )
    p = np.zeros((len(data), CANDIDATES + 1))
    for k in (0, 1):
        p[of == k] = probabilities(fit(*x.where(of != k), L2), x.x[of == k], x.exist[of == k])
    report(data, p, of)
    w = among_mistakes(fit(*x, L2), arrays(noise))
    n = len(CANDIDATE_FEATURES)
    for name, value in zip(CANDIDATE_FEATURES + WORD_FEATURES, w, strict=True):
        print(f"{name:22} {value:8.3f}")
    print("CANDIDATE_WEIGHTS = (" + ", ".join(f"{v:.2f}" for v in w[:n]) + ")")
    print("WORD_WEIGHTS = (" + ", ".join(f"{v:.2f}" for v in w[n:]) + ")")
    if args.chart:
        args.chart.write_text(chart(data, p), encoding="utf-8", newline="\n")


def among_mistakes(w: np.ndarray, x: Data) -> np.ndarray:
    """The weights, with the one of the last feature fitted on damaged paragraphs."""
    from scipy.optimize import minimize_scalar

    def loss(value: float) -> float:
        p = probabilities(np.append(w[:-1], value), x.x, x.exist)
        return -float(np.log((p * x.right).sum(axis=1)).sum())

    best = float(minimize_scalar(loss, bounds=(-20, 5), method="bounded").x)
    print(
        f"{len(x.x)} unknown words among mistakes: log loss {loss(0.0) / len(x.x):.3f} without, {loss(best) / len(x.x):.3f} with"
    )
    return np.append(w[:-1], best)


def chart(data: list[Row], p: np.ndarray) -> str:
    """The reliability diagram of the best candidates, each place under the weights of the other half."""
    from charts import reliability

    best = p[:, 1:].argmax(axis=1)
    sure = p[np.arange(len(p)), 1 + best]
    right = best == np.array([r.right for r in data])
    shares = np.clip((sure * 10).astype(int), 0, 9)
    bins = [(float(sure[shares == b].mean()), float(right[shares == b].mean()), int((shares == b).sum())) for b in range(10)]
    subtitle = f"{len(data)} unknown words in place, each under weights and terms of the other half of the repositories"
    return reliability("How far the confidence of a correction can be trusted", subtitle, bins)


def report(data: list[Row], p: np.ndarray, of: np.ndarray) -> None:
    """Print what each threshold gives on each half, and how far the probabilities can be trusted."""
    best = p[:, 1:].argmax(axis=1)
    sure = p[np.arange(len(p)), 1 + best]
    right = best == np.array([r.right for r in data])
    source = np.array([r.source for r in data])
    fixed = np.array([r.fixed and r.source == "typos" for r in data])
    for k in (0, 1):
        for threshold in THRESHOLDS:
            made = (sure >= threshold) & (of == k)
            lines = made & (source == "typos")
            print(
                f"half {k}, from {threshold}: of {(fixed & (of == k)).sum()} corrections {(lines & right & fixed).sum()} made;",
                f"precision {(lines & right).sum() / max(1, lines.sum()):.4f};",
                *(f"{s}: {(made & ~right & (source == s)).sum()} wrong;" for s in ("documents", "hidden")),
            )
    shares = np.clip((sure * 10).astype(int), 0, 9)
    print("said / was:", " ".join(f"{sure[shares == b].mean():.2f}/{right[shares == b].mean():.2f}" for b in range(10)))
    error = sum(abs(sure[shares == b].mean() - right[shares == b].mean()) * (shares == b).mean() for b in range(10))
    loss = -np.log(p[np.arange(len(p)), [r.right + 1 for r in data]]).mean()
    print(f"expected calibration error {error:.4f}; log loss {loss:.4f}")
    order = np.argsort(-sure)
    wrong = [f"{data[i].word}>{data[i].terms[best[i]]} {sure[i]:.2f}" for i in order if not right[i]]
    print("surest wrong:", "; ".join(wrong[:150]), file=sys.stderr)


if __name__ == "__main__":
    main()
