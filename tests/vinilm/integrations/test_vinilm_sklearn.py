"""scikit-learn with VinilmVectorizer: pipelines, searches, clones, pickles, its own estimator checks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vinilm import FeatureExtractor
from vnlp_prep import Preprocessor

pytest.importorskip("sklearn")

import joblib
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from vinilm.integrations.sklearn import VinilmVectorizer

TEXTS = [
    "The disk array reports a failed controller", "Storage latency is high on the datastore", "RAID volume degraded after reboot",
    "The LUN cannot be mounted", "Snapshot fills the disk", "iSCSI target not reachable",
    "My invoice shows the wrong amount", "Please send the receipt for the order", "The licence fee was charged twice",
    "I would like a refund", "Payment by credit card failed", "The price on the quote is out of date",
]  # fmt: skip
LABELS = ["storage"] * 6 + ["billing"] * 6


@pytest.fixture(scope="module")
def extractor(prompted: Path) -> FeatureExtractor:
    return FeatureExtractor.from_pretrained(prompted)


def test_same_vectors_as_the_extractor(prompted: Path, extractor: FeatureExtractor, raw_texts: list[str]) -> None:
    vectors = VinilmVectorizer(str(prompted)).fit_transform(raw_texts)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(raw_texts), 64))
    np.testing.assert_allclose(vectors, extractor.encode(raw_texts), atol=1e-6)
    for texts in (np.array(raw_texts), tuple(raw_texts), iter(raw_texts)):
        np.testing.assert_allclose(VinilmVectorizer(extractor).transform(texts), vectors, atol=1e-6)


def test_parameters_reach_the_extractor(prompted: Path) -> None:
    vectorizer = VinilmVectorizer(prompted, preprocess=False, pooling="cls", max_tokens=5, prompt_name="query", truncate_dim=9)
    plain = FeatureExtractor.from_pretrained(prompted, preprocess=False, pooling="cls", max_tokens=5)
    expected = plain.encode(["recieve teh log files"], prompt_name="query")[:, :9]
    np.testing.assert_allclose(vectorizer.transform(["recieve teh log files"]), expected, atol=1e-6)
    assert vectorizer.get_feature_names_out().shape == (9,)


def test_a_classifier_in_a_pipeline(minilm: Path) -> None:
    pipeline = make_pipeline(VinilmVectorizer(minilm), LogisticRegression(C=10))
    pipeline.fit(TEXTS, LABELS)
    assert list(pipeline.predict(["teh dsik is fulll", "I recieved teh wrong invioce &amp; want a refund"])) == [
        "storage",
        "billing",
    ]


def test_a_search_over_parameters_of_both(extractor: FeatureExtractor, prompted: Path) -> None:
    pipeline = make_pipeline(VinilmVectorizer(prompted), LogisticRegression())
    grid = {"vinilmvectorizer__pooling": ["mean", "cls"], "logisticregression__C": [0.1, 10.0]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(TEXTS, LABELS)
    assert len(search.cv_results_["params"]) == 4
    assert search.predict(TEXTS[:1]).shape == (1,)


def test_clones_share_the_model(extractor: FeatureExtractor, prompted: Path) -> None:
    first = VinilmVectorizer(prompted, truncate_dim=8)
    first.transform(["x"])
    second = clone(first)
    assert second is not first
    assert second.get_params() == first.get_params()
    assert second._lazy is first._lazy
    second.set_params(pooling="max")
    assert second._lazy is not first._lazy
    assert first.pooling is None
    assert clone(VinilmVectorizer(extractor)).model is extractor
    third = VinilmVectorizer(prompted, preprocess=Preprocessor(stages=("html",)))
    third.transform(["x"])
    assert clone(third)._lazy is third._lazy


def test_names_of_features_and_frames(extractor: FeatureExtractor) -> None:
    vectorizer = VinilmVectorizer(extractor)
    names = vectorizer.get_feature_names_out()
    assert list(names[:2]) == ["vinilmvectorizer0", "vinilmvectorizer1"]
    assert len(names) == 64
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"text": ["teh log", "a clean text"], "size": [1, 2]})
    columns = ColumnTransformer([("t", vectorizer, "text")], remainder="passthrough").set_output(transform="pandas")
    out = columns.fit_transform(frame)
    assert list(out.columns) == [*(f"t__vinilmvectorizer{i}" for i in range(64)), "remainder__size"]


@pytest.mark.parametrize("kind", ["folder", "extractor", "used"])
def test_pickled_it_loads_the_model_again(prompted: Path, extractor: FeatureExtractor, raw_texts: list[str], kind: str) -> None:
    vectorizer = VinilmVectorizer(extractor if kind == "extractor" else prompted)
    if kind == "used":
        vectorizer.fit_transform(raw_texts)
    file = io.BytesIO()
    joblib.dump(vectorizer, file)
    assert file.tell() < 5000
    file.seek(0)
    again = joblib.load(file)
    assert again.model == str(prompted) if kind == "extractor" else again.model == prompted
    np.testing.assert_allclose(again.transform(raw_texts), extractor.encode(raw_texts), atol=1e-6)


def test_what_is_no_list_of_texts(extractor: FeatureExtractor) -> None:
    vectorizer = VinilmVectorizer(extractor)
    with pytest.raises(ValueError, match="put it into a list"):
        vectorizer.transform("one text")
    with pytest.raises(ValueError, match="put it into a list"):
        vectorizer.fit("one text")
    with pytest.raises(TypeError, match="item 1 is float"):
        vectorizer.transform(["a", float("nan")])
    with pytest.raises(TypeError, match="item 0 is ndarray"):
        vectorizer.transform(np.array([["a"], ["b"]]))
    assert vectorizer.transform([]).shape == (0, 64)


# The checks of scikit-learn that need no matrix of numbers.
CHECKS = [
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_valid_tag_types",
    "check_estimator_tags_renamed",
]


@pytest.mark.parametrize("name", CHECKS)
def test_estimator_checks(name: str, prompted: Path) -> None:
    check: Any = getattr(estimator_checks, name)
    check("VinilmVectorizer", VinilmVectorizer(str(prompted)))
