"""Fit how ``suggest`` ranks candidates (the constants of ``vnlp_prep/lexicon/suggestions.py``) on lists of misspellings.

    python bench/fit_ranking.py LIST.tsv...           # misspelling TAB correction|correction

Half of each list (by SHA-1 of the misspelling) is measured under the weights fitted on the other halves; each list counts as
the square root of its length.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
from logit import fit, probabilities

from vnlp_prep.lexicon import Lexicon
from vnlp_prep.lexicon.sounds import sound_key
from vnlp_prep.lexicon.suggestions import candidates

FEATURES = ("frequency", "cost", "listed", "first letter", "sound")
CANDIDATES = 40
MOST = 500  # of a list
L2 = 1.0


def main() -> None:
    """Fit, measure, print."""
    lexicon = Lexicon.shipped()
    x, exist, right, of, half = [], [], [], [], []
    for name in sys.argv[1:]:
        lines = [line.split("\t") for line in Path(name).read_text(encoding="utf-8").split("\n") if "\t" in line]
        for wrong, rights in lines[:: max(1, len(lines) // MOST)]:
            low, accepted = wrong.lower(), set(rights.lower().split("|"))
            found = candidates(low, lexicon, far=True)[:CANDIDATES]
            key = sound_key(low)
            options = [
                (c.frequency, c.cost, c.listed, float(low[0] != c.term[0]), float(key == sound_key(c.term))) for c in found
            ]
            terms = [c.term for c in found]
            if low in lexicon:  # it competes with what it may stand for
                options.append((lexicon.zipf(low), 0.0, 0.0, 0.0, 1.0))
                terms.append(low)
            empty = CANDIDATES + 1 - len(options)
            x.append(options + [(0.0,) * len(FEATURES)] * empty)
            exist.append([True] * len(options) + [False] * empty)
            right.append([t in accepted for t in terms] + [False] * empty)
            of.append(name)
            half.append(int(hashlib.sha1(low.encode()).hexdigest(), 16) % 2)
    rows = np.array(x), np.array(exist), np.array(right)
    reachable, halves, lists = rows[2].any(axis=1), np.array(half), np.array(of)
    weight = np.array([1 / np.sqrt((lists == name).sum()) for name in lists])
    first = np.zeros(len(lists), dtype=bool)
    for k in (0, 1):
        train = reachable & (halves != k)
        w = fit(*(r[train] for r in rows), weight[train], L2)
        best = probabilities(w, *rows[:2]).argmax(axis=1)
        first[halves == k] = rows[2][np.arange(len(lists)), best][halves == k]
    for name in dict.fromkeys(of):
        print(f"{Path(name).name}: first is right {100 * first[lists == name].mean():.1f} %, of {(lists == name).sum()}")
    w = fit(*(r[reachable] for r in rows), weight[reachable], L2)
    print("sharpness", round(w[0], 2), {name: round(v / w[0], 2) for name, v in zip(FEATURES, w, strict=True)})


if __name__ == "__main__":
    main()
