"""Classifiers on vectors that stay as they are: a linear probe, the nearest neighbours, and always the most frequent label."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vinilm.errors import BackendError

if TYPE_CHECKING:
    from vinilm.pooling import Floats

Labels = npt.NDArray[Any]

#: Inverse strengths of the regularization among which cross-validation chooses.
STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
_FOLDS = 5
_SEED = 0


def probe(train: Floats, labels: Labels, groups: Labels, test: Floats) -> tuple[Labels, float]:
    """Return the labels that a logistic regression on standardized vectors says of ``test``, and its C.

    C is chosen by cross-validation on ``train`` (accuracy; stratified, a group in one fold). Raises BackendError if scikit-learn
    is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise BackendError('classification needs scikit-learn, which is not installed: pip install "vnlp-prep[train]"') from error
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))
    grid = {"logisticregression__C": list(STRENGTHS)}
    search = GridSearchCV(model, grid, scoring="accuracy", cv=_folds(labels, groups), error_score="raise")
    search.fit(train, labels)
    return search.predict(test), float(search.best_params_["logisticregression__C"])


def nearest(train: Floats, labels: Labels, test: Floats, neighbours: int) -> Labels:
    """Return the labels that most of the ``neighbours`` most similar (cosine) of ``train`` have, the nearer counting more."""
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(min(neighbours, len(train)), metric="cosine", weights="distance", algorithm="brute")
    found: Labels = model.fit(train, labels).predict(test)
    return found


def most_frequent(labels: Labels, count: int) -> Labels:
    """Return the most frequent of the labels ``count`` times; of several the first in the alphabet."""
    counts = Counter(labels.tolist())
    return np.full(count, min(counts, key=lambda label: (-counts[label], label)), dtype=labels.dtype)


def _folds(labels: Labels, groups: Labels) -> list[tuple[Labels, Labels]]:
    """Return the folds: with whole groups where each fold can then learn every label, else without regard to groups."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    most = min(Counter(labels.tolist()).values())
    of_label = {label: len(set(groups[labels == label].tolist())) for label in set(labels.tolist())}
    folds = min(_FOLDS, *of_label.values())
    if folds >= 2:
        grouped = StratifiedGroupKFold(folds, shuffle=True, random_state=_SEED).split(labels, labels, groups)
        found = [(train, test) for train, test in grouped if len(test)]
        if all(len(set(labels[train].tolist())) == len(of_label) for train, _ in found):
            return found
    plain = StratifiedKFold(min(_FOLDS, most), shuffle=True, random_state=_SEED)
    return list(plain.split(labels, labels))
