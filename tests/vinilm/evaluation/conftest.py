"""Small sets of each kind, and the documents to make them from."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_documents import TOPICS, body, documents, write_lines


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "docs.jsonl", documents())


@pytest.fixture
def retrieval(tmp_path: Path) -> Path:
    """A set in BEIR's format: each query names the topic of one passage; 'v0' is a query and a document."""
    passages = {f"{p[0]}{i}": body(p, topic, i) for p, topics in TOPICS.items() for i, topic in enumerate(topics)}
    queries = {
        f"{p[0]}{i}" if (p, i) == ("velero", 0) else f"q-{p[0]}{i}": topic for p, t in TOPICS.items() for i, topic in enumerate(t)
    }
    folder = tmp_path / "kb" / "retrieval"
    write_lines(folder / "corpus.jsonl", [{"_id": id, "title": "", "text": text} for id, text in passages.items()])
    write_lines(folder / "queries.jsonl", [{"_id": id, "text": text} for id, text in queries.items()])
    rows = [f"{id}\t{'v1' if id == 'v0' else id.removeprefix('q-')}\t1" for id in queries]
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(rows) + "\n")
    return folder


@pytest.fixture
def classification(tmp_path: Path) -> Path:
    examples = [
        {"_id": f"{p}{i}{k}", "text": body(p, f"{kind} {topic}", i), "label": p, "split": "test" if k == 2 else "train"}
        for p, topics in TOPICS.items()
        for i, topic in enumerate(topics)
        for k, kind in enumerate(("new", "old", "spare"))
    ]
    return write_lines(tmp_path / "tickets.jsonl", examples)
