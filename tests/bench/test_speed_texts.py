"""The texts of the speed benchmark are the same on every run, and are what their names say."""

from __future__ import annotations

import gzip
import json
import random
import re
from itertools import islice
from pathlib import Path

import pytest
import speed_texts as texts
from ftfy import fix_text
from small_corpus import CORPUS, write_shared
from speed_texts import Document

DOCUMENTS = [Document(record["format"], record["text"]) for record in CORPUS]


@pytest.mark.parametrize("kind", texts.KINDS)
def test_a_kind_of_text_is_the_same_again(kind: str) -> None:
    first = texts.of_kind(kind, DOCUMENTS, 100_000)
    assert first
    assert all(first)
    assert texts.of_kind(kind, DOCUMENTS, 100_000) == first


def test_a_kind_of_text_is_as_large_as_asked() -> None:
    all_of_it, some = texts.of_kind("chat", DOCUMENTS, 1e9), texts.of_kind("chat", DOCUMENTS, 500)
    assert some == all_of_it[: len(some)]
    assert 500 <= texts.size_of(some) < texts.size_of(all_of_it)


def test_prose_has_no_markup() -> None:
    found = "\n".join(texts.of_kind("plain prose", DOCUMENTS, 1e9))
    assert "The host is added to the cluster" in found
    assert not re.search(r"[`<>\[\]#|]|https?:", found)


def test_markdown_and_pages_are_taken_as_they_are() -> None:
    assert set(texts.of_kind("Markdown", DOCUMENTS, 1e9)) == {doc.text for doc in DOCUMENTS if doc.format == "md"}
    assert set(texts.of_kind("HTML pages", DOCUMENTS, 1e9)) == {doc.text for doc in DOCUMENTS if doc.format == "html"}


@pytest.mark.parametrize(
    ("clean", "damaged"),
    [
        ("It's on.", "Itâ€™s on."),
        ('Say "yes" now.', "Say â€œyesâ€\x9d now."),
        ("one - two", "one â€” two"),
        ("Nothing typographic. Here", "Nothing typographicâ€¦ Here"),
        ("nothing", "nothingâ€¦"),
        ("café", "cafÃ©"),
    ],
)
def test_mojibake_is_utf_8_read_as_windows_1252(clean: str, damaged: str) -> None:
    assert texts.mojibake(clean) == damaged


def test_every_text_of_the_kind_mojibake_is_damaged() -> None:
    for text in texts.of_kind("mojibake", DOCUMENTS, 1e9):
        assert fix_text(text) != text


def test_chat_has_what_people_do_in_a_hurry() -> None:
    prose = " ".join(texts.of_kind("plain prose", DOCUMENTS, 1e9)).replace("\n", " ")
    messages = texts.chat(prose * 20, random.Random(1))
    found, known = " ".join(messages), set(re.findall(r"\w+", prose.lower()))
    assert re.search(r"([aeiou])\1{2}", found), "elongations"
    assert re.search(r"!!!|\?\?\?", found), "many exclamation marks"
    odd = [word for word in re.findall(r"[a-z]+", found.lower()) if word not in known]
    assert any(a + b == word for word in odd for a in known for b in [word.removeprefix(a)] if b in known), "run-together words"
    assert len(set(odd)) > 30, "typos"
    assert len(messages) > 20


def test_invented_words_come_once() -> None:
    words = list(islice(texts.invented(), 200_000))
    assert len(set(words)) == len(words)
    assert all(re.fullmatch("[a-z]{8,12}", word) for word in words)
    assert list(islice(texts.invented(5), 10)) == words[5:15]


def test_no_word_is_left_where_every_word_is_unknown() -> None:
    changed = texts.unknown("The Host's log, v2: é!", texts.invented())
    known = {"The", "Host", "s", "log", "v", "é"}
    words = re.findall(r"[^\W\d_]+", changed)
    assert len(words) == 6
    assert not known & set(words)
    assert changed[0].isupper()
    assert re.sub(r"[^\W\d_]+", "w", changed) == "w w'w w, w2: w!"


def test_a_large_input_is_the_corpus_with_new_words_in_every_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "NEW_WORDS", 0.02)  # in a small input there would be too few to be counted
    size = 200_000
    written, new = texts.write_corpus(tmp_path / "a.jsonl", DOCUMENTS, size)
    texts.write_corpus(tmp_path / "b.jsonl", DOCUMENTS, size)
    data = (tmp_path / "a.jsonl").read_bytes()
    assert data == (tmp_path / "b.jsonl").read_bytes()
    assert written == len(data)
    assert size <= len(data) < size + 10_000
    copies = [json.loads(line)["text"] for line in data.decode().split("\n")[:-1]]
    known = {word for doc in DOCUMENTS for word in re.findall(r"\w+", doc.text)}
    invented = [word for text in copies for word in re.findall(r"(?<= )[a-z]{8,12}(?=[ ,.;])", text) if word not in known]
    assert len(invented) == len(set(invented)) == new, "each new word stands there once"
    assert 0.75 <= new / sum(len(text.split()) for text in copies) / texts.NEW_WORDS <= 1.25
    assert copies[0] != copies[len(DOCUMENTS)]
    assert len(copies[0].split()) == len(DOCUMENTS[0].text.split())


def test_documents_are_mixed_but_always_alike(tmp_path: Path) -> None:
    corpus = texts.corpus_of(write_shared(tmp_path))
    found = texts.documents(corpus)
    assert texts.documents(corpus) == found
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        raw = [json.loads(line)["text"] for line in lines]
    assert sorted(doc.text for doc in found) == sorted(raw)
    assert [doc.text for doc in found] != raw


def test_a_folder_without_a_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="vmware_docs"):
        texts.corpus_of(tmp_path)


def test_the_first_texts() -> None:
    assert texts.first(["ab", "é", "c"], 3) == ["ab", "é"]
    assert texts.first(["ab", "c"], 0) == ["ab"], "one at least"
