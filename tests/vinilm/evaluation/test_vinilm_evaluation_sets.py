"""Sets that are read: BEIR's format and classification; what is wrong is told with file and line."""

from __future__ import annotations

import gzip
import re

import pytest
from evaluation_documents import read_lines, write_lines

from vinilm.evaluation.classification_set import read_classification
from vinilm.evaluation.retrieval_set import read_retrieval
from vnlp_prep.errors import InputError


def test_a_retrieval_set(retrieval):
    found = read_retrieval(retrieval)
    assert found.name == "kb/retrieval"
    assert (len(found.documents), len(found.queries), found.qrels["q-h0"]) == (18, 18, {"h0": 1})
    blocks = list(found.texts(5))
    assert [len(ids) for ids, _ in blocks] == [5, 5, 5, 3]
    assert [id for ids, _ in blocks for id in ids] == found.documents


def test_packed_files_titles_and_queries_without_an_answer(retrieval):
    corpus = read_lines(retrieval / "corpus.jsonl")
    corpus[0] |= {"title": "A title", "text": "and text"}
    write_lines(retrieval / "corpus.jsonl", corpus)
    with (retrieval / "qrels/test.tsv").open("a") as file:
        file.write("q-h0\th1\t0\n")
    text = (retrieval / "qrels/test.tsv").read_text().replace("q-h1\th1\t1", "q-h1\th1\t0")
    (retrieval / "qrels/test.tsv").write_text(text)
    for file in (retrieval / "corpus.jsonl", retrieval / "queries.jsonl", retrieval / "qrels/test.tsv"):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    found = read_retrieval(retrieval)
    assert next(found.texts(1)) == (["h0"], ["A title and text"])
    assert "q-h1" not in found.queries
    assert found.notes == ["1 queries that nothing is relevant to are left out"]
    assert found.qrels["q-h0"] == {"h0": 1, "h1": 0}


def test_of_several_qrels_the_one_that_was_named(retrieval):
    (retrieval / "qrels/dev.tsv").write_text("query-id\tcorpus-id\tscore\nq-h0\th3\t2\n")
    assert len(read_retrieval(retrieval).queries) == 18
    assert read_retrieval(retrieval, "dev").qrels == {"q-h0": {"h3": 2}}
    with pytest.raises(InputError, match=r"no train\.tsv; there are dev, test"):
        read_retrieval(retrieval, "train")


QRELS = "query-id\tcorpus-id\tscore\n"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("qrels/test.tsv", QRELS + "q-h0\th0\t1\nnobody\th0\t1\n", "test.tsv, line 3: there is no query 'nobody'"),
        ("qrels/test.tsv", QRELS + "q-h0\tnothing\t1\n", "test.tsv, line 2: there is no document 'nothing'"),
        ("qrels/test.tsv", QRELS + "q-h0 h0 1\n", "test.tsv, line 2: 1 columns"),
        ("qrels/test.tsv", QRELS + "q-h0\th0\tyes\n", "test.tsv, line 2: the score 'yes'"),
        ("qrels/test.tsv", QRELS + "q-h0\th0\t--1\n", "test.tsv, line 2: the score '--1'"),
        ("qrels/test.tsv", QRELS + f"q-h0\th0\t{'9' * 5000}\n", "test.tsv, line 2: the score '999"),
        ("qrels/test.tsv", QRELS + "q-h0\th0\t0\n", "test.tsv: nothing is relevant"),
        ("qrels/test.tsv", "", "test.tsv: is empty"),
        ("corpus.jsonl", "", "corpus.jsonl: is empty"),
        ("queries.jsonl", "\n", "queries.jsonl: is empty"),
        ("corpus.jsonl", '{"_id": "a", "text": "b"}\n{"_id": "a", "text": "c"}\n', "corpus.jsonl, line 2: the document 'a' was"),
        ("queries.jsonl", '{"_id": "a"}\n', "queries.jsonl, line 1: no field 'text'"),
        ("corpus.jsonl", '{"_id": "a", "title": 3, "text": "b"}\n', "corpus.jsonl, line 1: the field 'title' is not a string"),
        ("corpus.jsonl", '{"_id": "a", "text": "b"', "corpus.jsonl, line 1: "),
    ],
)
def test_a_retrieval_set_that_is_wrong(retrieval, file, content, said):
    (retrieval / file).write_text(content)
    with pytest.raises(InputError, match=re.escape(said)):
        read_retrieval(retrieval)


def test_a_folder_that_is_no_retrieval_set(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_retrieval(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"there is no corpus\.jsonl"):
        read_retrieval(tmp_path)


def test_a_classification_set_by_its_field(classification):
    found = read_classification(classification)
    assert (found.name, len(found.train), len(found.test), found.notes) == ("tickets", 36, 18, [])


def test_a_folder_with_two_files_and_labels_that_are_numbers(tmp_path):
    write_lines(tmp_path / "train.jsonl", [{"text": f"t{i}", "label": i % 2} for i in range(6)])
    (tmp_path / "test.jsonl.gz").write_bytes(
        gzip.compress(b'{"text": "x", "label": true}\n{"text": "x", "label": 1}\n'.replace(b"true", b"0"))
    )
    found = read_classification(tmp_path)
    assert [e.label for e in found.test] == ["0", "1"]
    assert found.test[1].id == "test.jsonl.gz:2"


def test_a_hash_splits_what_says_nothing_and_keeps_groups_together(tmp_path):
    records = [{"_id": str(i), "text": f"t{i}", "label": "ab"[i % 2], "group": f"g{i // 4}"} for i in range(400)]
    found = read_classification(write_lines(tmp_path / "a.jsonl", records))
    assert 0.2 < len(found.test) / 400 < 0.4
    assert {e.group for e in found.train} & {e.group for e in found.test} == set()
    again = read_classification(write_lines(tmp_path / "b.jsonl", records[::-1]))
    assert {e.id for e in again.test} == {e.id for e in found.test}
    assert found.notes == ["split by a hash: about 30% are for testing"]


def example(label, split="train", **more):
    return {"text": "a", "label": label, "split": split, **more}


GOOD = [example("a"), example("a"), example("b"), example("b"), example("a", "test")]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "x.jsonl: is empty"),
        ([*GOOD, {"label": "a"}], "x.jsonl, line 6: no field 'text'"),
        ([*GOOD, {"text": "a"}], "x.jsonl, line 6: no field 'label'"),
        ([*GOOD, {"text": "a", "label": "a"}], "x.jsonl, line 6: no field 'split'"),
        ([*GOOD, example("c")], "x.jsonl, line 6: the only one of the label 'c' to train with; two are needed"),
        ([*GOOD, example("c", "test")], "x.jsonl, line 6: there is no example of the label 'c' to train with"),
        (GOOD[:2] + GOOD[4:], "all examples to train with have the label 'a'"),
        (GOOD[:4], "x.jsonl: there is no example to test with"),
        ([example("a", id="1"), example("a", id="1")], "x.jsonl, line 2: the id '1' was there before"),
        ([*GOOD, [1]], "x.jsonl, line 6: the record is a list, not an object"),
    ],
)
def test_a_classification_set_that_is_wrong(tmp_path, records, said):
    with pytest.raises(InputError, match=re.escape(said)):
        read_classification(write_lines(tmp_path / "x.jsonl", records))


def test_other_splits_are_left_out_and_said(tmp_path):
    found = read_classification(write_lines(tmp_path / "x.jsonl", [*GOOD, example("a", "validation")]))
    assert (len(found.train), len(found.test)) == (4, 1)
    assert found.notes == ["left out: 1 of the split 'validation'"]
