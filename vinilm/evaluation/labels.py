"""Passages to train and test a classifier with: split by groups, of equal number, and without the names of their labels."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from vinilm.evaluation.documents import Passage
from vinilm.evaluation.sampling import sample, share

# Letters that a word of a label has at least to be masked.
_MASKED_LETTERS = 4
_NOTHING = re.compile(r"(?!)")

Labels = dict[str, tuple[int, int]]


def split(
    passages: Iterable[Passage], per_label: int | None, test_share: float
) -> tuple[Labels, list[Passage], list[Passage], dict[str, str]]:
    """Return the labels, with how many passages train and test each; these passages; the labels that are left out, and why.

    A group is tested with if its hash says so; at most ``per_label`` passages of a label are taken.
    """
    of_label: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages:
        if passage.label:
            of_label[passage.label].append(passage)
    train: list[Passage] = []
    test: list[Passage] = []
    counts: Labels = {}
    left_out: dict[str, str] = {}
    for label, found in sorted(of_label.items()):
        kept = sample(found, per_label, lambda p: p.id, "label")
        sides = Counter(is_test(p.group, test_share) for p in kept)
        if sides[False] < 2 or not sides[True]:
            left_out[label] = f"{sides[False]} passages to train with, {sides[True]} to test with"
            continue
        counts[label] = sides[False], sides[True]
        for passage in kept:
            (test if is_test(passage.group, test_share) else train).append(passage)
    if len(counts) < 2:
        left_out |= dict.fromkeys(counts, "there is no second label")
        return {}, [], [], left_out
    return counts, train, test, left_out


def is_test(group: str, test_share: float) -> bool:
    """Return True if passages of this group are for testing."""
    return share("split", group) < test_share


def masked(labels: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of what tells a label by its name: the words of all labels, also as part of an identifier.

    >>> masked(["velero", "cloud director"]).sub("product", "Velero: kubectl apply -f veleroBackup.yaml to cloud-x, clouds")
    'product: kubectl apply -f productBackup.yaml to product-x, clouds'
    """
    found: Sequence[str] = sorted(
        {w.lower() for label in labels for w in re.findall(r"[^\W\d_]+", label)}, key=lambda w: (-len(w), w)
    )
    words = [re.escape(word) for word in found if len(word) >= _MASKED_LETTERS]
    return re.compile(rf"(?<![^\W\d_])(?i:{'|'.join(words)})(?![a-z])") if words else _NOTHING
