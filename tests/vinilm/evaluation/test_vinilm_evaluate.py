"""Models evaluated, from a set to the files that are left: in the library and on the command line."""

from __future__ import annotations

import json
import re
import shutil
from xml.etree import ElementTree

import numpy as np
import pytest
from evaluation_documents import read_lines

from vinilm import FeatureExtractor
from vinilm.cli import cli
from vinilm.evaluation import Conditions, evaluate_classification, evaluate_retrieval, loaded, write_results
from vinilm.evaluation.results import Key
from vnlp_prep.command_line import exit_status
from vnlp_prep.errors import SettingsError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the library that makes the model


@pytest.fixture
def extractor(tiny):
    return FeatureExtractor.from_pretrained(tiny)


def test_every_figure_of_retrieval_is_there_and_right(extractor, retrieval):
    conditions = Conditions(damage=0.5, kinds=("typos",), seed=1)
    found = evaluate_retrieval({"a model": extractor}, retrieval, conditions=conditions)
    assert found.systems == ["a model", "BM25"]
    assert len(found.figures) == 2 * 4 * 3
    # The same in another way: the vectors of all texts, sorted.
    passages = read_lines(retrieval / "corpus.jsonl")
    queries = {r["_id"]: r["text"] for r in read_lines(retrieval / "queries.jsonl")}
    clean = extractor.preprocessor
    scores = extractor.similarity(
        *(extractor.encode(clean(texts)) for texts in (list(queries.values()), [p["text"] for p in passages]))
    )
    gains = []
    for query, row in zip(queries, scores, strict=True):
        relevant = "v1" if query == "v0" else query.removeprefix("q-")
        order = [passages[i]["_id"] for i in np.argsort(-row, kind="stable") if passages[i]["_id"] != query]
        rank = order.index(relevant)
        gains.append(1 / np.log2(rank + 2) if rank < 10 else 0)
    assert found.cells[Key("a model", "cleaned", "nDCG@10")].value == pytest.approx(np.mean(gains), abs=1e-6)
    assert found.cells[Key("BM25", "raw", "nDCG@10")].value > 0.8
    assert found.cells[Key("BM25", "damaged", "nDCG@10")].value < found.cells[Key("BM25", "raw", "nDCG@10")].value
    assert found.efforts["a model", "raw"]["texts"] == 36


def test_a_text_that_no_condition_changes_is_encoded_once(extractor, retrieval):
    found = evaluate_retrieval(extractor, retrieval, conditions=Conditions(("raw", "cleaned")), with_bm25=False)
    [name] = found.models
    raw, cleaned = (found.efforts[name, condition] for condition in ("raw", "cleaned"))
    assert (raw["texts"], raw["known"]) == (36, 0)
    assert cleaned["texts"] + cleaned["known"] == 36
    assert cleaned["known"] > 30


def test_the_prompts_of_the_model_are_used(tiny, retrieval, tmp_path):
    folder = tmp_path / "prompted"
    shutil.copytree(tiny, folder)
    prompts = {"query": "query: ", "passage": "passage: "}
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    conditions = Conditions(("raw",))
    plain, prompted = (
        evaluate_retrieval(model, retrieval, conditions=conditions, with_bm25=False) for model in (str(tiny), str(folder))
    )
    tokens = [next(iter(found.efforts.values()))["tokens"] for found in (plain, prompted)]
    assert tokens[1] == tokens[0] + 2 * 36  # a word and a colon before each text


def test_every_figure_of_classification_is_there(extractor, classification):
    found = evaluate_classification({"m": extractor}, classification, conditions=Conditions(("raw", "damaged")))
    assert found.size == {"train": 36, "test": 18, "labels": 3}
    assert found.cells[Key("majority", "raw", "probe accuracy")].value == pytest.approx(1 / 3)
    assert found.cells[Key("majority", "raw", "kNN macro-F1")].value == pytest.approx(1 / 6)
    # The names of the products stand in the texts.
    assert found.cells[Key("m", "raw", "probe accuracy")].value > 0.8
    assert found.choices[Key("m", "raw", "probe")]["C"] > 0
    said = found.details[Key("m", "raw", "probe")]
    right = np.mean([item[0] == label[0] for item, label in zip(found.items, said, strict=True)])
    assert found.cells[Key("m", "raw", "probe accuracy")].value == pytest.approx(right)


def test_a_real_model_sees_damage_and_what_cleaning_mends(minilm, retrieval):
    found = evaluate_retrieval({"m": str(minilm)}, retrieval, conditions=Conditions(damage=0.5, kinds=("typos",), seed=1))
    for system, lost in (("m", 0.02), ("BM25", 0.1)):
        raw, damaged, mended = (Key(system, c, "nDCG@10") for c in ("raw", "damaged", "damaged-cleaned"))
        assert found.cells[raw].value > 0.9
        assert found.cells[damaged].value < found.cells[raw].value - lost
        assert found.cells[mended].value > found.cells[raw].value - lost / 4
    assert found.difference(mended, damaged).low > 0


def test_an_extractor_that_cannot_clean_is_refused(tiny, retrieval):
    bare = FeatureExtractor.from_pretrained(tiny, preprocess=False)
    with pytest.raises(SettingsError, match="no preprocessor"):
        evaluate_retrieval(bare, retrieval)
    with pytest.raises(SettingsError, match="named twice"):
        loaded([str(tiny), str(tiny)])
    with pytest.raises(SettingsError, match="no model"):
        loaded([])


def run(*args):
    return exit_status(cli, ["evaluate", *map(str, args)], "vinilm")


def test_the_command_leaves_tables_a_chart_and_every_query(tiny, retrieval, classification, tmp_path, capsys):
    second = tmp_path / "second"
    shutil.copytree(tiny, second)
    out = tmp_path / "out"
    sets = ("--retrieval", retrieval, "--classification", classification)
    assert run(tiny, second, *sets, "--by-kind", "--kinds", "html,typos", "--damage", "0.3", "-o", out) == 0
    printed = capsys.readouterr()
    assert "kb/retrieval: 18 documents, 18 queries, 18 judgements" in printed.out
    assert re.search(r"damaged:typos: \d+ texts? in .*tokens/s", printed.err)
    assert sorted(p.name for p in out.iterdir()) == ["chart.svg", "items.jsonl", "results.json", "results.md"]
    results = json.loads((out / "results.json").read_text())
    assert [s["name"] for s in results["sets"]] == ["kb/retrieval", "tickets"]
    assert list(results["models"]) == ["tiny", "second"]
    figures = {(f["system"], f["condition"], f["measure"]): f for f in results["sets"][0]["figures"]}
    assert len(figures) == 3 * 8 * 3
    assert all(f["low"] <= f["value"] <= f["high"] for f in figures.values())
    # Two copies of a model have the same figures, and there is no difference.
    between = [d for d in results["sets"][0]["differences_between_systems"] if d["system"] == "second"]
    assert {(d["value"], d["p"]) for d in between} == {(0, 1)}
    pairs = {(d["condition"], d["to"]) for d in results["sets"][0]["differences"]}
    assert {("damaged-cleaned:typos", "damaged:typos"), ("cleaned", "raw")} <= pairs
    damaged = next(s for s in results["sets"][0]["speed"] if s["condition"] == "damaged")
    assert damaged["damaged_words"] / damaged["words"] == pytest.approx(0.3, abs=0.05)
    items = read_lines(out / "items.jsonl")
    ndcg = next(r for r in items if (r["system"], r["condition"], r["measure"]) == ("BM25", "raw", "nDCG@10"))
    assert len(ndcg["items"]) == 18
    assert np.mean(list(ndcg["items"].values())) == pytest.approx(figures["BM25", "raw", "nDCG@10"]["value"], abs=1e-5)
    chart = ElementTree.parse(out / "chart.svg").getroot()
    assert len([e for e in chart.iter() if e.tag.endswith("rect") and e.get("class") == "mended"]) == 1 + (3 + 2) + (2 + 2)
    page = (out / "results.md").read_text()
    assert page.count("\n## ") == 8
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.startswith("| tiny | raw | ") or line.count("|") > 3 for line in rows)


def test_the_same_command_leaves_the_same_figures(tiny, retrieval, tmp_path):
    for name in "ab":
        assert run(tiny, "--retrieval", retrieval, "-q", "-o", tmp_path / name) == 0
    for file in ("items.jsonl", "chart.svg"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_models_of_an_earlier_run_stand_beside_those_of_this_one(tiny, retrieval, classification, tmp_path, capsys):
    sets = ("--retrieval", retrieval, "--classification", classification)
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    assert run(tiny, *sets, "--conditions", "raw,damaged", "-o", first) == 0
    assert run(tiny, *sets, "--conditions", "raw,damaged", "--against", first, "-o", second) == 0
    found = json.loads((second / "results.json").read_text())["sets"]
    for of_set in found:
        figures = {(f["system"], f["condition"], f["measure"]): f["value"] for f in of_set["figures"]}
        earlier = {key: value for key, value in figures.items() if key[0] == "tiny (first)"}
        assert len(earlier) == 2 * len({f["measure"] for f in of_set["figures"]})
        assert all(value == figures["tiny", *key[1:]] for key, value in earlier.items())
        differences = [d for d in of_set["differences_between_systems"] if d["system"] == "tiny (first)"]
        assert {(d["value"], d["p"]) for d in differences} == {(0, 1)}
    # Other damage cannot be compared.
    assert run(tiny, *sets, "--conditions", "raw,damaged", "--seed", "3", "--against", first, "-o", third) == 0
    assert "tiny (first) is left out: that run has not all of these conditions, with the same damage" in capsys.readouterr().out
    (first / "items.jsonl").write_text("{}\n")
    assert run(tiny, *sets, "--against", first, "-o", third) == 2
    assert "items.jsonl, line 1: no field 'items'" in capsys.readouterr().err


def test_make_and_evaluate(docs, tiny, tmp_path, capsys):
    assert run("--make", docs, "--queries", 6, "-o", tmp_path / "bench") == 0
    assert "retrieval: 6 headings asked, 36 passages to find" in capsys.readouterr().err
    sets = ("--retrieval", tmp_path / "bench/retrieval", "--classification", tmp_path / "bench/classification")
    assert run(tiny, *sets, "--conditions", "raw,cleaned", "--no-bm25", "-o", tmp_path / "out") == 0
    assert "brings back" not in capsys.readouterr().out


def test_each_kind_of_damage_is_shown_though_what_it_comes_from_is_not(tiny, retrieval, tmp_path):
    """Without ``damaged`` there is no gain, but the figures were computed."""
    conditions = ("--conditions", "raw,damaged-cleaned", "--kinds", "html,typos", "--by-kind")
    assert run(tiny, "--retrieval", retrieval, *conditions, "--no-bm25", "-o", tmp_path) == 0
    table = (tmp_path / "results.md").read_text().partition("brings back")[2].partition("## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[2:-1]] for line in table.splitlines() if line.startswith("| tiny")]
    assert [row[0] for row in rows] == ["all kinds", "html", "typos"]
    assert all(row[1] and row[3] and not row[2] and not row[4] for row in rows)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["MODEL"], "name what to evaluate on"),
        (["--retrieval", "SET"], "name the models to evaluate, or documents with --make"),
        (["MODEL", "--make", "DOCS"], "--make builds sets"),
        (["MODEL", "--retrieval", "SET", "--queries", "3"], "--queries is for --make"),
        (["MODEL", "--retrieval", "SET", "--conditions", "raw,dirty"], "the condition 'dirty' is unknown"),
        (["MODEL", "--retrieval", "SET", "--kinds", "rust"], "damage of the kind"),
        (["MODEL", "--retrieval", "nowhere"], "no such folder"),
        (["MODEL", "--retrieval", "SET", "--retrieval", "SET"], "two sets are called 'kb/retrieval'"),
        (["MODEL", "--retrieval", "SET", "--against", "nowhere"], "results.json: no such file"),
        (["nowhere/model", "--retrieval", "SET"], "nowhere/model"),
        (["--make", "DOCS", "--where", "repo"], "--where 'repo'"),
        (["--make", "DOCS", "--seed", "3"], "--seed is for evaluating models, not for --make"),
        (["--make", "DOCS", "--no-bm25"], "--bm25 is for evaluating models, not for --make"),
        (["--make", "nowhere.jsonl"], "nowhere.jsonl: no such file"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(args, said, tiny, retrieval, docs, tmp_path, capsys):
    names = {"MODEL": tiny, "SET": retrieval, "DOCS": docs}
    assert run(*(names.get(arg, arg) for arg in args), "-o", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("vinilm: error: ")
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out" / "results.json").exists()


def test_a_file_in_the_way_is_told_before_anything_is_computed(tiny, retrieval, tmp_path, capsys):
    (tmp_path / "out" / "chart.svg").mkdir(parents=True)
    assert run(tiny, "--retrieval", retrieval, "-o", tmp_path / "out") == 2
    assert "chart.svg: is a folder" in capsys.readouterr().err


def test_results_of_the_library_can_be_written(extractor, retrieval, tmp_path):
    found = evaluate_retrieval({"m": extractor}, retrieval, conditions=Conditions(("raw",)), with_bm25=False)
    write_results(tmp_path / "a" / "b", [found])
    assert "kb/retrieval" in (tmp_path / "a" / "b" / "results.md").read_text()
