"""Making benchmarks: the same bytes each time, nothing given away, nothing on both sides."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from evaluation_documents import TOPICS, documents, read_lines, write_lines

from vinilm.evaluation import Fields, Sizes, make_benchmark
from vinilm.evaluation.prose import words
from vnlp_prep.errors import InputError, SettingsError


def files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_headings_ask_for_their_sections(docs, tmp_path):
    made = make_benchmark(docs, tmp_path / "bench")
    assert (made.documents, made.sections, made.passages, made.queries) == (18, 54, 36, 18)
    corpus = {r["_id"]: r for r in read_lines(tmp_path / "bench/retrieval/corpus.jsonl")}
    queries = {r["_id"]: r["text"] for r in read_lines(tmp_path / "bench/retrieval/queries.jsonl")}
    header, *rows = (tmp_path / "bench/retrieval/qrels/test.tsv").read_text().splitlines()
    assert header == "query-id\tcorpus-id\tscore"
    assert sorted(queries.values()) == sorted(f"How to configure the {t}" for topics in TOPICS.values() for t in topics)
    for query, document, score in (row.split("\t") for row in rows):
        topic = queries[query].removeprefix("How to configure the ")
        assert score == "1"
        assert corpus[document]["text"].startswith(f"The {topic} of ")
        assert queries[query] not in corpus[document]["text"]
        assert corpus[document]["title"] == ""
    assert all(len(words(r["text"])) >= 30 for r in corpus.values())


def test_the_same_documents_give_the_same_bytes(docs, tmp_path):
    for name in "ab":
        make_benchmark(docs, tmp_path / name, sizes=Sizes(queries=10, passages=20, per_label=8))
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert len(read_lines(tmp_path / "a/retrieval/corpus.jsonl")) == 20
    assert len(read_lines(tmp_path / "a/retrieval/queries.jsonl")) == 10


def test_there_are_no_more_queries_than_passages(docs, tmp_path):
    made = make_benchmark(docs, tmp_path, sizes=Sizes(queries=10, passages=4))
    assert (made.queries, made.passages) == (4, 4)


def test_a_larger_sample_holds_the_smaller_one(docs, tmp_path):
    for n in (6, 12):
        make_benchmark(docs, tmp_path / str(n), sizes=Sizes(queries=n))
    small, large = ({r["_id"] for r in read_lines(tmp_path / n / "retrieval/queries.jsonl")} for n in ("6", "12"))
    assert small < large


def test_a_repeated_heading_is_asked_for_with_its_title_and_a_copy_counts_once(tmp_path):
    some = documents()[:4]
    for record in some[:3]:
        record["text"] = record["text"].replace("Overview", "Before you begin")
    some.append({**some[0], "id": "copy", "title": "A copy"})
    made = make_benchmark(write_lines(tmp_path / "d.jsonl", some), tmp_path / "bench")
    texts = [r["text"] for r in read_lines(tmp_path / "bench/retrieval/queries.jsonl")]
    assert made.copies == 2
    assert "The image registry in harbor: Before you begin" in texts
    assert not any("Overview" in text or text == "Before you begin" for text in texts)


def test_no_document_is_on_both_sides_and_no_label_is_named(docs, tmp_path):
    made = make_benchmark(docs, tmp_path / "bench", sizes=Sizes(test_share=0.4))
    train, test = (read_lines(tmp_path / f"bench/classification/{side}.jsonl") for side in ("train", "test"))
    assert {r["group"] for r in train} & {r["group"] for r in test} == set()
    assert made.labels == {p: tuple(sum(r["label"] == p for r in side) for side in (train, test)) for p in TOPICS}
    assert all(r["text"].count("product") for r in [*train, *test])
    assert not any(re.search("|".join(TOPICS), r["text"], re.IGNORECASE) for r in [*train, *test])


def test_groups_stay_together_and_a_label_with_one_side_is_left_out(docs, tmp_path):
    make_benchmark(docs, tmp_path / "bench", sizes=Sizes(test_share=0.4))
    assert (tmp_path / "bench/classification/train.jsonl").exists()
    made = make_benchmark(docs, tmp_path / "bench", fields=Fields(group="repo"))
    # A repository has one product here: each product is on one side only.
    assert made.labels == {}
    assert set(made.left_out) == set(TOPICS)
    assert not list((tmp_path / "bench/classification").iterdir())


def test_only_documents_with_one_of_the_values(docs, tmp_path):
    make_benchmark(docs, tmp_path / "bench", where={"repo": ["X/Harbor", "x/velero"]})
    assert {r["_id"].split("/")[0] for r in read_lines(tmp_path / "bench/retrieval/corpus.jsonl")} == {"harbor", "velero"}


def test_a_long_section_ends_with_its_paragraph(tmp_path):
    paragraph = "This paragraph of the manual says in several plain words what the reader of it has to do next.\n\n"
    document = {"id": "a", "text": f"# How to read a manual\n{paragraph * 20}"}
    make_benchmark(write_lines(tmp_path / "d.jsonl", [document]), tmp_path / "bench", sizes=Sizes(max_words=40))
    [passage] = read_lines(tmp_path / "bench/retrieval/corpus.jsonl")
    assert passage["text"] == (paragraph * 3).strip()


def test_archives_and_several_files(docs, tmp_path):
    lines = docs.read_bytes().splitlines(keepends=True)
    (tmp_path / "1.jsonl.gz").write_bytes(gzip.compress(b"".join(lines[:9])))
    (tmp_path / "2.jsonl").write_bytes(b"".join(lines[9:]))
    make_benchmark(docs, tmp_path / "whole")
    make_benchmark([tmp_path / "1.jsonl.gz", tmp_path / "2.jsonl"], tmp_path / "parts")
    assert files(tmp_path / "whole") == files(tmp_path / "parts")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: "),
        ('{"id": "x"}', "line 2: no field 'text'"),
        ('{"id": "x", "text": 5}', "line 2: the field 'text' is a number, not a string"),
        ('{"text": "a"}', "line 2: no field 'id'"),
        ('{"id": "harbor/0.md", "text": "a"}', "line 2: the id 'harbor/0.md' was there before"),
        ('{"id": "x\\ty", "text": "a"}', r"line 2: the id 'x\ty' has characters"),
        ('{"id": "x", "text": "a", "format": "doc"}', "line 2: the format 'doc' is unknown"),
    ],
)
def test_what_is_wrong_with_a_document_is_told_with_its_line(tmp_path, line, said):
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(documents()[0]) + f"\n{line}\n")
    with pytest.raises(InputError, match=rf"d\.jsonl, {re.escape(said)}"):
        make_benchmark(path, tmp_path / "bench")
    assert not (tmp_path / "bench").exists()


def test_too_little_to_ask_for(tmp_path):
    path = write_lines(tmp_path / "d.jsonl", [{"id": "a", "text": "# Heading\nToo short.\n"}])
    with pytest.raises(InputError, match="no section with 30 words of prose in 1 documents"):
        make_benchmark(path, tmp_path / "bench")
    some = {"id": "a", "text": "# Overview\n" + documents()[0]["text"].split("\n\n")[2]}
    with pytest.raises(InputError, match="none of 1 sections has a heading"):
        make_benchmark(write_lines(tmp_path / "e.jsonl", [some]), tmp_path / "bench")
    with pytest.raises(SettingsError, match="queries=0"):
        make_benchmark(path, tmp_path / "bench", sizes=Sizes(queries=0))
