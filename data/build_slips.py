"""Learn how words get damaged from the known misspellings: ``lexicon/slips.tsv`` and ``lexicon/letters.tsv``.

    python data/build_slips.py

``slips.tsv`` has what each slip costs: a letter left out after another, a letter too many after another, one letter for
another, two letters swapped. Costs are -log10 of how often the slip happens where it could, in words that are misspelled:
counted over the cheapest way from each correction in ``misspellings.tsv`` to its misspelling, with the costs of the round
before, from equal costs on (hard expectation-maximisation; Ristad and Yianilos 1998). Slips that were seen rarely lean on how
often the letter slips anywhere.

``letters.tsv`` has how much likelier three letters in a row are in misspellings than in known words and names (log10; ``^`` and
``$`` are the ends of the word): a misspelled word still looks like English, terms and abbreviations often do not.
"""

from __future__ import annotations

import collections
import math
from collections.abc import Callable, Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent / "lexicon"
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
ROUNDS = 3
MOST_SLIPS = 3  # farther pairs are other words, not slips
LEAN = 5.0  # as if each slip had been seen this often at the rate of its letter
FEW = 0.1  # every row of letters counts as seen this often, whether it was or not

#: One slip: its kind ("missing", "extra", "wrong", "swapped"), the letter before it (or that it stands for), its letter.
Slip = tuple[str, str, str]


def read_pairs() -> list[tuple[str, str]]:
    """Misspellings with their first correction, both of plain letters."""
    pairs = []
    for line in (HERE / "misspellings.tsv").read_text(encoding="utf-8").split("\n"):
        wrong, _, rights = line.partition("\t")
        right = rights.split("|")[0]
        plain = wrong[:1] != "#" and wrong.isalpha() and right.isalpha() and right.islower()
        if plain and abs(len(wrong) - len(right)) < MOST_SLIPS:
            pairs.append((wrong, right))
    return pairs


def slips(wrong: str, right: str, cost: Callable[[Slip], float]) -> list[Slip]:
    """Return the slips on the cheapest way from ``right`` to ``wrong``."""
    before = "^" + right
    best: dict[tuple[int, int], tuple[float, Slip | None, tuple[int, int]]] = {(0, 0): (0.0, None, (0, 0))}
    for i in range(len(wrong) + 1):
        for j in range(len(right) + 1):
            ways: list[tuple[float, Slip | None, tuple[int, int]]] = []
            if i and j and wrong[i - 1] == right[j - 1]:
                ways.append((best[i - 1, j - 1][0], None, (i - 1, j - 1)))
            elif i and j:
                slip = ("wrong", right[j - 1], wrong[i - 1])
                ways.append((best[i - 1, j - 1][0] + cost(slip), slip, (i - 1, j - 1)))
            if i:
                slip = ("extra", before[j], wrong[i - 1])
                ways.append((best[i - 1, j][0] + cost(slip), slip, (i - 1, j)))
            if j:
                slip = ("missing", before[j - 1], right[j - 1])
                ways.append((best[i, j - 1][0] + cost(slip), slip, (i, j - 1)))
            if i > 1 and j > 1 and wrong[i - 2 : i] == right[j - 1] + right[j - 2] and right[j - 1] != right[j - 2]:
                slip = ("swapped", right[j - 2], right[j - 1])
                ways.append((best[i - 2, j - 2][0] + cost(slip), slip, (i - 2, j - 2)))
            if ways:
                best[i, j] = min(ways, key=lambda way: way[0])
    found, at = [], (len(wrong), len(right))
    while at != (0, 0):
        _, slip_, at = best[at]
        if slip_:
            found.append(slip_)
    return found


def learn_slips(pairs: list[tuple[str, str]]) -> Callable[[Slip], float]:
    """Return the cost of each slip, in powers of ten."""
    letters: collections.Counter[str] = collections.Counter()
    rows: collections.Counter[tuple[str, str]] = collections.Counter()
    for _, right in pairs:
        letters.update(right)
        letters["^"] += 1
        rows.update(zip("^" + right, right, strict=False))
    places = letters.total() - letters["^"]

    def learnt(seen: collections.Counter[Slip]) -> Callable[[Slip], float]:
        kinds: collections.Counter[str] = collections.Counter()
        by_letter: collections.Counter[tuple[str, str]] = collections.Counter()
        for (kind, _, letter), n in seen.items():
            kinds[kind] += n
            by_letter[kind, letter] += n

        def cost(slip: Slip) -> float:
            kind, before, letter = slip
            if kind == "wrong":
                rate, chances = kinds[kind] / (len(ALPHABET) - 1) / places, letters[before]
            elif kind == "extra":
                rate, chances = by_letter[kind, letter] / letters.total(), letters[before]
            elif kind == "missing":
                rate, chances = by_letter[kind, letter] / max(1, letters[letter]), rows[before, letter]
            else:
                rate, chances = kinds[kind] / places, rows[before, letter]
            return -math.log10((seen[slip] + LEAN) / (chances + LEAN / max(rate, 1e-7)))

        return cost

    cost: Callable[[Slip], float] = lambda slip: 0.9 if slip[0] == "swapped" else 1.0  # noqa: E731
    for _ in range(ROUNDS):
        known: dict[Slip, float] = {}

        def cached(slip: Slip, cost: Callable[[Slip], float] = cost, known: dict[Slip, float] = known) -> float:
            if slip not in known:
                known[slip] = cost(slip)
            return known[slip]

        seen: collections.Counter[Slip] = collections.Counter()
        for wrong, right in pairs:
            found = slips(wrong, right, cached)
            if len(found) <= MOST_SLIPS:
                seen.update(found)
        cost = learnt(seen)
    return cost


def rows_of_three(words: Iterable[str]) -> Callable[[str], float]:
    """Return log10 of how likely the third of three letters is after the other two."""
    threes: collections.Counter[str] = collections.Counter()
    twos: collections.Counter[str] = collections.Counter()
    for word in words:
        marked = f"^^{word}$"
        for i in range(len(word) + 1):
            threes[marked[i : i + 3]] += 1
            twos[marked[i : i + 2]] += 1
    return lambda row: math.log10((threes[row] + FEW) / (twos[row[:2]] + FEW * (len(ALPHABET) + 1)))


def main() -> None:
    """Write both files."""
    pairs = read_pairs()
    cost = learn_slips(pairs)
    with (HERE / "slips.tsv").open("w", encoding="utf-8", newline="\n") as f:
        f.write("# What slips cost, learnt from misspellings.tsv: kind TAB letter before (^ for none; that was meant) TAB\n")
        f.write("# letter and hundredths of -log10 of the rate TAB ...; made by build_slips.py\n")
        for kind in ("missing", "extra", "wrong", "swapped"):
            for before in ("^" if kind in ("missing", "extra") else "") + ALPHABET:
                costs = [
                    f"{c} {round(100 * cost((kind, before, c)))}" for c in ALPHABET if kind in ("missing", "extra") or c != before
                ]
                f.write("\t".join((kind, before, *costs)) + "\n")
    known = set()
    for line in (HERE / "english.tsv").read_text(encoding="utf-8").split("\n"):
        if line and line[0] != "#":
            known.update(w for w in line.partition("\t")[2].split(" ") if w.isalpha())
    in_words = rows_of_three(sorted(known))
    in_slips = rows_of_three(wrong for wrong, _ in pairs)
    with (HERE / "letters.tsv").open("w", encoding="utf-8", newline="\n") as f:
        f.write("# How much likelier a letter is in misspellings than in words: two letters before (^ for none) TAB\n")
        f.write("# letter ($ for the end) and hundredths of the log10 TAB ...; made by build_slips.py\n")
        for a in "^" + ALPHABET:
            for b in ("^" if a == "^" else "") + ALPHABET:
                ends = ALPHABET + ("$" if b != "^" else "")
                gains = (f"{c} {round(100 * (in_slips(a + b + c) - in_words(a + b + c)))}" for c in ends)
                f.write("\t".join((a + b, *gains)) + "\n")


if __name__ == "__main__":
    main()
