"""A conditional logit: of several options one is right, and each has features (McFadden 1974)."""

from __future__ import annotations

import numpy as np


def probabilities(w: np.ndarray, x: np.ndarray, exist: np.ndarray) -> np.ndarray:
    """Probability of each option: ``x`` (rows, options, features), ``exist`` (rows, options) -> (rows, options)."""
    scores = np.where(exist, x @ w, -1e9)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def fit(x: np.ndarray, exist: np.ndarray, right: np.ndarray, weight: np.ndarray, l2: float) -> np.ndarray:
    """Weights that make the ``right`` options (rows, options; one or more a row) likeliest, with an L2 penalty."""
    from scipy.optimize import minimize

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        p = probabilities(w, x, exist)
        hit = (p * right).sum(axis=1) + 1e-12
        slope = np.einsum("ij,ijk->k", weight[:, None] * (p - p * right / hit[:, None]), x)
        return -float((weight * np.log(hit)).sum()) + l2 / 2 * float((w**2).sum()), slope + l2 * w

    return np.asarray(minimize(loss, np.zeros(x.shape[2]), jac=True, method="L-BFGS-B").x)
