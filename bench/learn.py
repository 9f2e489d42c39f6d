r"""What `vnlp-prep learn` finds: how many terms of a documentation corpus it recovers, and how many misspellings it lets through.

    python bench/learn.py --corpus DOCS.jsonl.gz --terms domain_terms.tsv --typos typos.jsonl.gz \
        --listed misspellings.tsv --listed more.tsv [--score FOLDER] [--sources] [--half 0|1]

The shipped terms of VMware's documentation are left out, so that only general English is known before. Printed as JSON:

recall, exact     terms that stand in so many repositories (--repositories), found in any case / with their capitals
raised            words of the learnt list that people corrected (--typos) or that lists call misspellings (--listed), unless
                  general English has them; by reading, which of these are errors (some lists name real technical words)
injected          the same on a copy of the corpus with typos: single slips anywhere, and habits (one misspelling of one word in
                  several documents); none of them may become a term
refused           words that are no misspelling as far as the terms tell, but were refused as one: what caution costs
seconds, MB, rows and bytes of the file
typos, harm       with --score: the two measures with the learnt list, with the shipped list and with neither
"""

from __future__ import annotations

import argparse
import collections
import gzip
import hashlib
import json
import random
import re
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.lexicon.learning.count import Counts
from vnlp_prep.lexicon.learning.decide import Decision, decide
from vnlp_prep.lexicon.learning.merge import Learnt, is_right, merged

SEED = 20261123
#: Single slips: one word in so many. Habits: so many words have a misspelling of their own, in this share of the documents
#: that have the word.
SLIP_RATE, HABITS, HABIT_SHARE = 1 / 300, 400, 0.06
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
NEAR = {c: row[max(0, i - 1) : i] + row[i + 1 : i + 2] for row in KEYS for i, c in enumerate(row)}
WORD = re.compile(r"(?<![\w./:@#$<&=-])[A-Za-z][a-z]{3,}(?![\w./:@(=-])")


def slip(word: str, rng: random.Random) -> str:
    """Return ``word`` with one slip: a letter left out, doubled, swapped with the next, or its neighbour on the keyboard."""
    low = word.lower()
    while True:
        i = rng.randrange(1 if len(word) > 4 else 0, len(word))
        kind = rng.random()
        if kind < 0.35:
            out = word[:i] + word[i + 1 :]
        elif kind < 0.5:
            out = word[:i] + word[i] + word[i:]
        elif kind < 0.75 and i + 1 < len(word):
            out = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        else:
            out = word[:i] + rng.choice(NEAR.get(low[i], "e") or "e") + word[i + 1 :]
        if out.lower() != low:
            return out


def damaged(
    documents: Iterable[dict[str, Any]], counts: Counts, lexicon: Lexicon
) -> tuple[Iterator[dict[str, Any]], dict[str, str]]:
    """Yield the documents with typos, and fill the returned dictionary: typo -> word."""
    rng = random.Random(SEED)
    frequent = sorted(w for w, c in counts.words.items() if w.isalpha() and len(w) > 4 and c.documents >= 30 and w in lexicon)
    habits: dict[str, str] = {}
    for word in rng.sample(frequent, min(HABITS, len(frequent))):
        typo = slip(word, rng)
        if typo not in lexicon and typo not in counts.words:
            habits[word] = typo
    injected = {typo: word for word, typo in habits.items()}

    def changed() -> Iterator[dict[str, Any]]:
        for document in documents:
            mine = {w for w in habits if rng.random() < HABIT_SHARE}

            def one(m: re.Match[str], mine: set[str] = mine) -> str:
                word = m.group()
                if word.lower() in mine:
                    typo = habits[word.lower()]
                    return typo.capitalize() if word[0].isupper() else typo
                if rng.random() < SLIP_RATE:
                    typo = slip(word, rng)
                    if typo.lower() not in lexicon and typo.lower() not in counts.words:
                        injected[typo.lower()] = word.lower()
                        return typo
                return word

            yield {**document, "text": WORD.sub(one, document["text"])}

    return changed(), injected


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a packed file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def counted(found: Iterable[dict[str, Any]], lexicon: Lexicon, sources: bool) -> Counts:
    """Return the counts of the documents; their repository is their source if asked for."""
    counts, numbers = Counts(), dict[str, int]()
    for d in found:
        counts.add([d["text"]], lexicon, numbers.setdefault(d["repo"], len(numbers)) if sources else None)
    return counts


def domain_terms(path: Path, repositories: int) -> list[str]:
    """Terms in at least so many repositories, as they are written."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [row[0] for row in rows if int(row[3]) >= repositories]


def corrected(path: Path) -> dict[str, str]:
    """Words that people corrected in documentation -> the correction."""
    out: dict[str, str] = {}
    for d in documents(path):
        out.update((e["from"].lower(), e["to"]) for e in d["edits"] if e["kind"] == "spelling")
    return out


def listed(paths: Iterable[Path]) -> dict[str, str]:
    """Listed misspelling -> correction."""
    out: dict[str, str] = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and line[0] != "#":
                wrong, right = line.split("\t")[:2]
                out[wrong.lower()] = right
    return out


def in_half(word: str, half: int | None) -> bool:
    """True if a word belongs to the half of the labels that is looked at: fitted on one, held against the other."""
    return half is None or hashlib.sha256(word.lower().encode()).digest()[0] % 2 == half


def found_terms(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """Lower-cased word -> decision, of what becomes a known word."""
    return {d.term.lower(): d for d in decisions if d.kind in ("term", "known")}


def raised(found: dict[str, Decision], wrong: dict[str, str], lexicon: Lexicon) -> list[str]:
    """Misspellings that became known by what was learnt, with what they should be, and in how many documents they stand."""
    return [f"{w} ({wrong[w]}) {found[w].documents}" for w in sorted(found) if w in wrong and w not in lexicon]


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--terms", type=Path, required=True)
    parser.add_argument("--typos", type=Path, required=True)
    parser.add_argument("--listed", type=Path, action="append", default=[])
    parser.add_argument("--score", type=Path, help="folder of typos.py and harm.py")
    parser.add_argument("--repositories", type=int, default=3)
    parser.add_argument("--sources", action="store_true", help="use the repository of each document")
    parser.add_argument("--half", type=int, choices=(0, 1), help="look at one half of the words only, by their hash")
    parser.add_argument("--no-injection", action="store_true")
    args = parser.parse_args()

    lexicon = Lexicon(domain=False)
    assert "the" in lexicon
    started = time.perf_counter()
    counts = counted(documents(args.corpus), lexicon, args.sources)
    decisions = decide(counts, lexicon)
    seconds = time.perf_counter() - started
    learnt = merged(Learnt(), decisions)
    out: dict[str, Any] = {
        "seconds": round(seconds, 1),
        "MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "documents": counts.documents, "words": counts.total, "word types": len(counts.words),
        "rows": dict(collections.Counter(d.kind for d in decisions)),
        "file bytes": sum(len(line.encode()) + 1 for line in learnt.lines()),
    }  # fmt: skip

    wanted = [t for t in domain_terms(args.terms, args.repositories) if in_half(t, args.half)]
    found = found_terms(decisions)
    refused = {d.term.lower(): d for d in decisions if d.kind not in ("term", "known")}
    hits = [t for t in wanted if t.lower() in found]
    out["recall"] = round(len(hits) / len(wanted), 4)
    out["exact"] = round(sum(found[t.lower()].term == t for t in hits) / len(wanted), 4)
    out["refused terms"] = [f"{t}: {refused[t.lower()].why}" for t in wanted if t.lower() in refused]
    missed = [t for t in wanted if t.lower() not in found]
    out["missed versions and numbers"] = sum(bool(re.fullmatch(r"[vV]?\d[\w.]*|\w{1,3}\d[\w.]*", t)) for t in missed)
    wrong = {w: c for w, c in {**listed(args.listed), **corrected(args.typos)}.items() if in_half(w, args.half)}
    out["raised"] = raised(found, wrong, lexicon)

    if not args.no_injection:
        texts, injected = damaged(documents(args.corpus), counts, lexicon)
        more = counted(texts, lexicon, args.sources)
        again = found_terms(decide(more, lexicon))
        frequent = [w for w in injected if w in more.words and more.words[w].documents >= 3]
        out["injected"] = {
            "typos": len(injected), "in three documents or more": len(frequent),
            "raised": [f"{again[w].term} ({injected[w]}) {again[w].documents}" for w in sorted(again) if w in injected],
            "recall": round(sum(t.lower() in again for t in wanted) / len(wanted), 4),
        }  # fmt: skip

    if args.score:
        terms = [t for row in learnt.rows if is_right(row) and (t := row.effect)]
        with_list = {"learnt": Lexicon(terms, domain=False), "shipped": Lexicon.shipped(), "neither": lexicon}
        out["typos and harm"] = {name: scores(args.score, each) for name, each in with_list.items()}
    json.dump(out, sys.stdout, indent=1)
    print()


def scores(folder: Path, lexicon: Lexicon) -> dict[str, Any]:
    """Return what typos.py and harm.py say of the whole chain with ``lexicon``."""
    sys.path.insert(0, str(folder))
    import harm
    import systems
    import typos

    prep = Preprocessor(lexicon=lexicon)
    systems.make = lambda *_, **__: prep
    t, h = typos.run("project"), harm.run("project")
    return {**{k: t[k] for k in ("recall", "precision", "f0.5", "false_per_1000_words")}, **h}


if __name__ == "__main__":
    main()
