"""Precisions and similarities, beside those of sentence-transformers."""

from __future__ import annotations

import numpy as np
import pytest

from vinilm.precision import PRECISIONS, quantized
from vinilm.similarity import SIMILARITIES, similarity
from vnlp_prep.errors import SettingsError

VECTORS = np.random.default_rng(3).normal(size=(7, 16)).astype(np.float32)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("precision", PRECISIONS)
def test_precisions_are_those_of_sentence_transformers(precision: str) -> None:
    st = pytest.importorskip("sentence_transformers.util")
    theirs = st.quantize_embeddings(VECTORS, precision)
    ours = quantized(VECTORS, precision)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    # A value on the border of two steps may fall on either side.
    assert np.abs(ours.astype(float) - theirs.astype(float)).max() <= (1 if "int8" in precision else 0)


@pytest.mark.parametrize("measure", SIMILARITIES)
def test_similarities_are_those_of_sentence_transformers(measure: str) -> None:
    st = pytest.importorskip("sentence_transformers.util")
    theirs = getattr(st, {"cosine": "cos_sim", "dot": "dot_score"}.get(measure, f"{measure}_sim"))(VECTORS, VECTORS[:3])
    np.testing.assert_allclose(
        similarity(VECTORS, VECTORS[:3], measure), theirs.numpy(), atol=2e-3 if measure == "euclidean" else 1e-5
    )


def test_a_dimension_that_never_changes_is_no_division_by_zero() -> None:
    assert quantized(np.ones((2, 3), dtype=np.float32), "uint8").tolist() == [[0, 0, 0], [0, 0, 0]]


def test_one_vector_and_no_vector() -> None:
    for measure in SIMILARITIES:
        assert similarity(VECTORS[0], VECTORS, measure).shape == (1, 7)
        assert similarity(VECTORS[:0], VECTORS, measure).shape == (0, 7)


def test_what_is_unknown_is_an_error() -> None:
    with pytest.raises(SettingsError, match="int4"):
        quantized(VECTORS, "int4")
    with pytest.raises(SettingsError, match="hamming"):
        similarity(VECTORS, VECTORS, "hamming")
