"""scikit-learn with VnlpPrep: pipelines, searches, tables, clones, pickles, its own estimator checks."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from vnlp_prep import Lexicon, Preprocessor

pytest.importorskip("sklearn")

import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import SkipTestWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.utils import estimator_checks

from vnlp_prep.errors import SettingsError
from vnlp_prep.integrations.sklearn import VnlpPrep

DIRTY = ["Teh log of the client&#39;s cache", "I recieve it", "fine"]
CLEAN = ["The log of the client's cache", "I receive it", "fine"]


def test_texts_in_one_dimension() -> None:
    prep = VnlpPrep()
    for texts in (DIRTY, tuple(DIRTY), iter(DIRTY), np.array(DIRTY), np.array(DIRTY, dtype=object)):
        out = prep.fit_transform(texts) if not hasattr(texts, "__next__") else prep.transform(texts)
        assert (out.dtype, out.shape, list(out)) == (object, (3,), CLEAN)
    assert prep.transform([]).shape == (0,)


def test_in_a_pipeline() -> None:
    pipeline = Pipeline([("prep", VnlpPrep()), ("tfidf", TfidfVectorizer()), ("model", LogisticRegression())])
    texts = ["teh disk is full", "the disk failed", "we recieve a refund", "send the refund"]
    pipeline.fit(texts, [0, 0, 1, 1])
    words = set(pipeline[:-1].get_feature_names_out())
    assert {"the", "receive"} <= words
    assert not {"teh", "recieve"} & words
    assert list(pipeline.predict(["the <b>d</b>isk", "a refund&nbsp;now"])) == [0, 1]
    grid = {"prep__stages": [None, ["html"]], "prep__threshold": [0.5, 0.9]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise")
    search.fit(texts, [0, 0, 1, 1])
    assert len(search.cv_results_["params"]) == 4


def test_every_parameter_reaches_the_preprocessor(tmp_path: Any) -> None:
    terms = tmp_path / "terms.tsv"
    terms.write_text("fkag\n", encoding="utf-8")
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(["[UNK]", "data", "store", "datas", "##tore"]) + "\n", encoding="utf-8")
    options: dict[str, Any] = {
        "stages": ["html", "spelling"], "lexicon": str(terms), "html": "page", "threshold": 0.3, "vocabulary": str(vocabulary),
    }  # fmt: skip
    prep = VnlpPrep(**options)
    assert prep._preprocessor.fingerprint == Preprocessor(**options).fingerprint
    prep.set_params(threshold=0.9)
    assert prep._preprocessor.threshold == 0.9


def test_workers() -> None:
    assert list(VnlpPrep(workers=2).transform([*DIRTY, None] * 50)) == [*CLEAN, None] * 50


def test_tables_keep_their_kind() -> None:
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    table = np.array([["teh log", "fine"], [None, "I recieve it"]], dtype=object)
    assert VnlpPrep().fit_transform(table).tolist() == [["the log", "fine"], [None, "I receive it"]]
    frame = pd.DataFrame({"title": ["teh log", None], "text": ["fine", "I recieve it"]}, index=[5, 7])
    out = VnlpPrep().fit_transform(frame)
    assert (list(out.index), list(out.columns)) == ([5, 7], ["title", "text"])
    assert out.loc[7, "text"] == "I receive it"
    assert pd.isna(out.loc[7, "title"])
    series = VnlpPrep().transform(frame["text"])
    pd.testing.assert_series_equal(
        series, pd.Series(["fine", "I receive it"], index=[5, 7], name="text", dtype=frame["text"].dtype)
    )
    of_polars = pl.DataFrame({"title": ["teh log", None]})
    assert VnlpPrep().transform(of_polars).equals(pl.DataFrame({"title": ["the log", None]}))
    assert VnlpPrep().transform(of_polars["title"]).equals(pl.Series("title", ["the log", None]))
    twice = pd.DataFrame([["teh log", "teh cat"]], columns=["a", "a"])
    assert VnlpPrep().transform(twice).to_numpy().tolist() == [["the log", "the cat"]]


def test_the_kind_of_table_that_is_wished_for() -> None:
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    table = np.array([["teh log"]], dtype=object)
    prep = VnlpPrep().set_output(transform="pandas")
    assert prep.fit_transform(table).to_dict("list") == {"x0": ["the log"]}
    assert isinstance(clone(prep).fit_transform(table), pd.DataFrame)
    assert isinstance(prep.set_output(transform="polars").fit_transform(table), pl.DataFrame)
    assert isinstance(prep.set_output(transform=None).fit_transform(table), pl.DataFrame)
    with pytest.raises(ValueError, match="'arrow' is unknown"):
        prep.set_output(transform="arrow")
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(VnlpPrep().fit_transform(table), pd.DataFrame)
        # A vectorizer behind it must get texts, not a frame, of which it would read the columns' names.
        assert make_pipeline(VnlpPrep(), CountVectorizer()).fit_transform(DIRTY).shape[0] == 3


def test_columns_of_a_frame() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"title": ["teh log", "x y"], "text": ["I recieve it", "fine"], "size": [1, 2]})
    columns = ColumnTransformer(
        [("words", make_pipeline(VnlpPrep(), CountVectorizer()), "title"), ("clean", VnlpPrep(), ["text"])]
    )
    out = columns.fit_transform(frame)
    assert list(columns.get_feature_names_out()) == ["words__log", "words__the", "clean__text"]
    assert list(out[:, 2]) == ["I receive it", "fine"]
    clean = ColumnTransformer([("clean", VnlpPrep(), ["title", "text"])], remainder="passthrough").set_output(transform="pandas")
    assert list(clean.fit_transform(frame).columns) == ["clean__title", "clean__text", "remainder__size"]
    assert list(VnlpPrep().get_feature_names_out()) == ["text"]
    assert list(VnlpPrep().fit(frame[["title", "text"]]).get_feature_names_out()) == ["title", "text"]
    assert make_union(make_pipeline(VnlpPrep(), CountVectorizer()), CountVectorizer()).fit_transform(DIRTY).shape[0] == 3


def test_missing_texts_stay_missing() -> None:
    pd = pytest.importorskip("pandas")
    out = VnlpPrep().transform([None, float("nan"), pd.NA, "teh"])
    assert out[0] is None
    assert out[1] != out[1]
    assert out[2] is pd.NA
    assert out[3] == "the"


def test_what_is_no_list_of_texts() -> None:
    for method in ("fit", "transform"):
        with pytest.raises(ValueError, match="put it into a list"):
            getattr(VnlpPrep(), method)("one text")
    with pytest.raises(TypeError, match="item 1 is int, not a text"):
        VnlpPrep().transform(["a", 4])
    with pytest.raises(TypeError, match="column 1, row 0 is int, not a text"):
        VnlpPrep().transform(np.array([["a", 4]], dtype=object))


def test_parameters_are_checked_when_it_is_used() -> None:
    prep = VnlpPrep(stages=["htlm"])
    with pytest.raises(SettingsError, match="unknown stage 'htlm'"):
        prep.fit(DIRTY)
    with pytest.raises(ValueError, match="workers=0"):
        VnlpPrep(workers=0).fit(DIRTY)


def test_clones_share_what_does_not_change_and_pickles_are_small() -> None:
    prep = VnlpPrep(lexicon=Lexicon.shipped(), stages=["html", "spelling"]).fit(DIRTY)
    second = clone(prep)
    assert second.get_params() == prep.get_params()
    assert second._preprocessor is prep._preprocessor
    second.set_params(stages=["html"])
    assert second._preprocessor is not prep._preprocessor
    data = pickle.dumps(prep)
    assert len(data) < 2000
    assert list(pickle.loads(data).transform(DIRTY)) == list(prep.transform(DIRTY))


def test_the_package_does_not_import_scikit_learn() -> None:
    code = "import sys, vnlp_prep, vnlp_prep.integrations; assert not {'sklearn', 'spacy', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# Of scikit-learn's checks those that do not give it numbers; docs/integrations.md says why the others do not apply.
CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimators_overwrite_params",
    "check_estimators_fit_returns_self",
    "check_readonly_memmap_input",
    "check_n_features_in_after_fitting",
    "check_mixin_order",
    "check_positive_only_tag_during_fit",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_transformer_preserve_dtypes",
    "check_transformer_get_feature_names_out",
    "check_set_output_transform",
    "check_global_output_transform_pandas",
    "check_fit_check_is_fitted",
]


@pytest.mark.parametrize("name", CHECKS)
def test_estimator_checks(name: str) -> None:
    getattr(estimator_checks, name)("VnlpPrep", VnlpPrep())


def test_check_estimator() -> None:
    with pytest.warns(SkipTestWarning, match="requires input"):
        results = estimator_checks.check_estimator(VnlpPrep())
    assert {result["status"] for result in results} == {"passed"}
