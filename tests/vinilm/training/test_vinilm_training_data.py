"""From a corpus to the rows of a step: nothing lost, nothing joined, the same ones for the same step."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinilm.models import open_model
from vinilm.tokens import Tokenizer
from vinilm.training.batches import ShuffledRows, SimilarLengths, assembled, attention_mask, share_of
from vinilm.training.chunks import Chunks, make_chunks, open_chunks
from vinilm.training.corpus import Corpus, Counts, held_out
from vinilm.training.packing import make_rows, open_rows, packed
from vinilm.training.permutation import shuffled
from vinilm.training.tokens import HELD_OUT, TRAIN, Documents, Tokens, TokenStore, token_store
from vnlp_prep import Preprocessor
from vnlp_prep.corpus.documents import sources
from vnlp_prep.corpus.run import Options
from vnlp_prep.errors import InputError, OutputError, SettingsError

WORDS = "the virtual machine snapshot of a datastore cluster fails when vcenter hypervisors rebalance storage".split()


@pytest.fixture(scope="module")
def tokenizer(minilm) -> Tokenizer:
    return Tokenizer.load(minilm / "tokenizer.json", lower_case=True)


@pytest.fixture
def model(tiny):
    return open_model(tiny)


def text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words))


def write(path: Path, texts) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def corpus_of(path: Path, *, clean=False, **options) -> Corpus:
    reading = Options()
    prep = Preprocessor(stages=("html", "repeats")) if clean else None
    return Corpus(sources([str(path)], reading, None, None), reading, prep, str(path.parent / "rejects.jsonl"), **options)


@pytest.fixture(scope="module")
def documents(tokenizer, tmp_path_factory) -> Tokens:
    """300 documents from 1 to 400 words, and an empty one."""
    chance = random.Random(3)
    folder = tmp_path_factory.mktemp("tokens")
    texts = [text(chance, int(400 ** chance.random())) for _ in range(300)]
    with Documents(folder, TRAIN, np.dtype(np.uint16)) as made:
        for ids in tokenizer.ids([*texts[:7], "", *texts[7:]]):
            made.add(ids[1:-1])
    return Tokens.open(folder, TRAIN)


@pytest.fixture(scope="module")
def chunks(documents, tokenizer) -> Chunks:
    make_chunks(documents, tokenizer, 32)
    return open_chunks(documents, tokenizer, 32)


@pytest.fixture(scope="module")
def rows(chunks):
    make_rows(chunks)
    return open_rows(chunks)


# Texts


def test_texts_are_cleaned_split_and_rejected(tmp_path):
    lines = [json.dumps({"text": f"soooo slow {i} &amp; late"}) for i in range(400)]
    lines[3] = '{"text": null}'
    lines[5] = ""
    lines[7] = '{"text": '
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    corpus = corpus_of(tmp_path / "in.jsonl", clean=True, heldout=0.1, workers=2)
    counts = Counts()
    pairs = [pair for part in corpus.texts(counts) for pair in part]
    assert [t for t, _ in pairs] == [f"so slow {i} & late" for i in range(400) if i not in (3, 5, 7)]
    assert [out for _, out in pairs] == [held_out(t, 0.1) for t, _ in pairs]
    assert 20 < counts.held_out == sum(out for _, out in pairs) < 60
    assert (counts.texts, counts.blank_lines, counts.rejects.total()) == (397, 1, 2)
    rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [4, 8]
    assert Counter(reject["reason"] for reject in rejects) == counts.rejects


@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize("on_missing", ["reject", "pass"])
def test_records_without_a_text_are_rejected_or_passed_over(tmp_path, clean, on_missing):
    lines = ['{"text": "one"}', '{"body": "two"}', '{"text": null}', "", '{"text": "three"}', "no json"]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    reading = Options(on_missing=on_missing)
    files = sources([str(tmp_path / "in.jsonl")], reading, None, None)
    corpus = Corpus(files, reading, Preprocessor() if clean else None, str(tmp_path / "rejects.jsonl"), 0)
    counts = Counts()
    assert [t for part in corpus.texts(counts) for t, _ in part] == ["one", "three"]
    rejects = [json.loads(line)["line"] for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert (counts.passed, counts.blank_lines, counts.rejects.total()) == ((2, 1, 1) if on_missing == "pass" else (0, 1, 3))
    assert rejects == ([6] if on_missing == "pass" else [2, 3, 6])


def test_a_text_that_breaks_the_cleaning_is_rejected(tmp_path, monkeypatch):
    corpus = corpus_of(write(tmp_path / "in.jsonl", ["one", "two", "three"]), clean=True)

    def broken(self, text):
        if text == "two":
            raise ValueError("boom")
        return text

    monkeypatch.setattr(Preprocessor, "_text", broken)
    monkeypatch.setattr(Preprocessor, "__call__", broken)
    counts = Counts()
    assert [t for part in corpus.texts(counts) for t, _ in part] == ["one", "three"]
    assert counts.rejects == {"internal-error": 1}


def test_an_archive_that_ends_too_early_is_no_corpus(tmp_path):
    data = gzip.compress("".join(json.dumps({"text": str(random.random())}) + "\n" for _ in range(5000)).encode())
    (tmp_path / "in.jsonl.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"in\.jsonl\.gz: .*; get the file again, or leave it out"):
        list(corpus_of(tmp_path / "in.jsonl.gz").texts(Counts()))


def test_what_is_held_out_depends_on_the_text_alone():
    texts = [f"text {i}" for i in range(3000)]
    small, large = ({t for t in texts if held_out(t, share)} for share in (0.05, 0.2))
    assert small < large
    assert len(large) / 3000 == pytest.approx(0.2, abs=0.03)
    assert not any(held_out(t, 0) for t in texts)
    assert held_out("\ud800", 0.999)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_is_none(tmp_path, share):
    with pytest.raises(SettingsError, match="heldout"):
        corpus_of(write(tmp_path / "in.jsonl", ["a"]), heldout=share)


# Tokens


def test_tokens_are_those_of_the_tokenizer(tmp_path, model, tokenizer):
    chance = random.Random(1)
    texts = [text(chance, chance.randint(1, 30)) for _ in range(200)]
    store = token_store(
        tmp_path / "corpus", corpus_of(write(tmp_path / "in.jsonl", [*texts, "", " "]), heldout=0.2), model, tokenizer
    )
    for tokens, is_out in ((store.train, False), (store.heldout, True)):
        expected = [ids[1:-1] for ids in tokenizer.ids([t for t in texts if held_out(t, 0.2) == is_out])]
        assert [tokens.document(i).tolist() for i in range(len(tokens))] == expected
        assert isinstance(tokens.ids, np.memmap)
        assert tokens.ids.dtype == np.uint16
    assert store.counts.texts == 202


def test_tokens_are_made_once(tmp_path, model, tokenizer, monkeypatch):
    path = write(tmp_path / "in.jsonl", ["some words", "more words"])
    made = token_store(tmp_path / "corpus", corpus_of(path, heldout=0), model, tokenizer)
    with monkeypatch.context() as patch:
        patch.setattr(Tokenizer, "ids", None)
        again = token_store(tmp_path / "corpus", corpus_of(path, heldout=0), model, tokenizer)
    assert again.counts == made.counts
    (tmp_path / "corpus" / "train.chunks-32.npy").write_bytes(b"of the old tokens")
    write(path, ["other words"])
    other = token_store(tmp_path / "corpus", corpus_of(path, heldout=0), model, tokenizer)
    assert len(other.train) == 1
    assert not (tmp_path / "corpus" / "train.chunks-32.npy").exists()
    assert other.identity != again.identity


def test_a_killed_run_leaves_no_tokens_that_count(tmp_path, model, tokenizer, monkeypatch):
    path = write(tmp_path / "in.jsonl", ["some words", "more words"])
    with monkeypatch.context() as patch:
        patch.setattr("vinilm.training.tokens.write_json", interrupt)
        with pytest.raises(KeyboardInterrupt):
            token_store(tmp_path / "corpus", corpus_of(path, heldout=0), model, tokenizer)
    with pytest.raises(FileNotFoundError):
        TokenStore.open(tmp_path / "corpus")
    assert len(token_store(tmp_path / "corpus", corpus_of(path, heldout=0), model, tokenizer).train) == 2


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]", b"null", b"{}", b'{"counts": {"rejects": 3}}', b'{"counts": {"x": 1}}']
)
@pytest.mark.parametrize("name", ["corpus.json", "train.ids.npy"])
def test_damaged_tokens_are_made_anew(tmp_path, model, tokenizer, name, content):
    corpus = corpus_of(write(tmp_path / "in.jsonl", ["some words", "more words"]), heldout=0)
    made = token_store(tmp_path / "corpus", corpus, model, tokenizer)
    ids, counts = made.train.ids.tolist(), made.counts
    del made  # its arrays lie in the files
    (tmp_path / "corpus" / name).write_bytes(content)
    with pytest.raises(OutputError, match=r"corpus\.json: the tokens there are damaged \(.*; remove it to have them made anew"):
        TokenStore.open(tmp_path / "corpus")
    again = token_store(tmp_path / "corpus", corpus, model, tokenizer)
    assert again.train.ids.tolist() == ids
    assert again.counts == counts


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"text": ""}\n', b"no json\n"])
def test_a_corpus_without_a_text(tmp_path, model, tokenizer, content):
    (tmp_path / "in.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=r"in\.jsonl: no text to train on"):
        token_store(tmp_path / "corpus", corpus_of(tmp_path / "in.jsonl"), model, tokenizer)


def test_an_empty_array_can_be_mapped(tmp_path):
    with Documents(tmp_path, HELD_OUT, np.dtype(np.uint32)):
        pass
    tokens = Tokens.open(tmp_path, HELD_OUT)
    assert len(tokens) == 0
    assert tokens.ids.dtype == np.uint32


# Sequences


def test_sequences_are_the_documents(documents, chunks, tokenizer):
    first, last = tokenizer.ids([""])[0]
    sequences = [chunks.sequence(i) for i in range(len(chunks))]
    assert all(s[0] == first and s[-1] == last and len(s) <= 32 for s in sequences)
    assert np.concatenate([s[1:-1] for s in sequences]).tolist() == documents.ids.tolist()
    # None reaches over the end of a document, and those of a document are about equally long.
    ends = set(documents.offsets.tolist())
    assert {0, *chunks.spans[:, 1].tolist()} >= ends
    for number in range(len(documents)):
        start, end = documents.offsets[number : number + 2]
        own = chunks.spans[(chunks.spans[:, 0] >= start) & (chunks.spans[:, 1] <= end)]
        assert own[0, 0] == start
        assert own[-1, 1] == end
        assert len(own) == 1 or (own[:, 1] - own[:, 0]).min() >= 10  # no mere rest
    assert chunks.lengths_of(np.arange(len(chunks))).tolist() == [len(s) for s in sequences]


def test_cuts_fall_between_words(documents, chunks, tokenizer):
    inner = np.array([token.startswith("##") for token in tokenizer.vocabulary()])
    assert inner[documents.ids].sum() > 100
    assert not inner[documents.ids[chunks.spans[:, 0]]].any()


# Rows


@given(st.lists(st.integers(1, 20), max_size=200))
@settings(max_examples=50, deadline=None)
def test_packing_loses_nothing_and_fills_rows(lengths):
    rows = list(packed(np.array(lengths, dtype=np.int64), 20))
    assert sorted(number for row in rows for number in row) == list(range(len(lengths)))
    room = [20 - sum(lengths[number] for number in row) for row in rows]
    assert all(left >= 0 for left in room)
    # Best fit: no two rows would have fitted into one.
    used = sorted(20 - left for left in room)
    assert len(used) < 2 or used[0] + used[1] > 20


def test_rows_hold_every_sequence_once(rows, chunks):
    assert sorted(rows.order.tolist()) == list(range(len(chunks)))
    assert all(chunks.lengths_of(rows.row(i)).sum() <= 32 for i in range(len(rows)))
    assert rows.fill == pytest.approx(chunks.lengths_of(np.arange(len(chunks))).sum() / (32 * len(rows)))
    assert rows.fill > 0.9


def test_a_batch_says_what_is_where(rows, chunks):
    number = max(range(len(rows)), key=lambda i: len(rows.row(i)))
    batch = assembled(chunks, [rows.row(number).tolist(), rows.row(0)[:1].tolist()], 32, pad=9)
    parts = [chunks.sequence(i) for i in rows.row(number)]
    assert batch.ids.shape == (2, 32)
    assert batch.ids[0, : sum(map(len, parts))].tolist() == np.concatenate(parts).tolist()
    assert batch.positions[0, : sum(map(len, parts))].tolist() == [place for part in parts for place in range(len(part))]
    assert batch.segments[0].max() == len(parts)
    alone = len(chunks.sequence(int(rows.row(0)[0])))
    assert (batch.ids[1, alone:] == 9).all()
    assert (batch.segments[1] == [1] * alone + [0] * (32 - alone)).all()
    assert batch.sequences == len(parts) + 1
    assert batch.tokens == sum(map(len, parts)) + alone
    assert [len(part.ids) for part in batch.split(1)] == [1, 1]


def test_sequences_of_a_row_do_not_see_each_other(tiny, rows, chunks):
    torch = pytest.importorskip("torch")
    from transformers import BertModel

    model = BertModel.from_pretrained(tiny, add_pooling_layer=False).eval()
    number = max(range(len(rows)), key=lambda i: len(rows.row(i)))
    row = rows.row(number)
    batch = assembled(chunks, [row.tolist()], 40)
    ids, segments, positions = (torch.from_numpy(array) for array in (batch.ids, batch.segments, batch.positions))
    with torch.no_grad():
        together = model(ids, attention_mask=attention_mask(segments), position_ids=positions).last_hidden_state[0]
        for place, i in enumerate(row, 1):
            alone = model(torch.from_numpy(chunks.sequence(i))[None]).last_hidden_state[0]
            torch.testing.assert_close(together[segments[0] == place], alone, atol=2e-5, rtol=1e-4)
    assert torch.isfinite(together).all()


# Order


@given(count=st.integers(1, 2000), seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_an_epoch_has_every_item_once(count, seed, epoch):
    assert sorted(shuffled(np.arange(epoch * count, (epoch + 1) * count), count, seed).tolist()) == list(range(count))


def test_epochs_and_seeds_have_their_own_order():
    orders = {tuple(shuffled(np.arange(e * 100, (e + 1) * 100), 100, seed).tolist()) for e in range(20) for seed in range(20)}
    assert len(orders) == 400
    # Any part of it is had without the rest.
    assert shuffled([250, 7], 100, 3).tolist() == shuffled(np.arange(300), 100, 3)[[250, 7]].tolist()


def test_the_order_is_random():
    places = np.array([shuffled(range(12), 12, seed) for seed in range(6000)])
    for place in range(12):
        counts = np.bincount(places[:, place], minlength=12)
        assert ((counts - 500) ** 2 / 500).sum() < 40  # chi-squared of 11 degrees of freedom: above that once in 30,000


def test_rows_of_a_step_and_of_its_processes(rows):
    shuffled_rows = ShuffledRows(rows, 6, seed=5)
    steps = [shuffled_rows.numbers(step) for step in range(len(rows))]
    assert sorted(np.concatenate(steps)[: len(rows)].tolist()) == list(range(len(rows)))
    parts = [share_of(steps[3], rank, 4) for rank in range(4)]
    assert sorted(np.concatenate(parts).tolist()) == sorted(steps[3].tolist())
    batch = shuffled_rows.batch(steps[3].tolist())
    assert batch.ids.shape == (6, 32)


def test_batches_of_similar_length(chunks):
    batches = SimilarLengths(chunks, 64, seed=1)
    # Of 64 batches, each sequence is in one, unless there are fewer sequences than these hold.
    steps = [batches.numbers(step) for step in range(64)]
    lengths = chunks.lengths_of(np.arange(len(chunks)))
    seen = Counter(np.concatenate(steps).tolist())
    assert max(seen.values()) - min(seen.get(i, 0) for i in range(len(chunks))) <= 1
    assert all(len(numbers) for numbers in steps)
    assert np.mean([lengths[n].sum() for n in steps]) == pytest.approx(64, rel=0.2)
    padding = sum(lengths[n].max() * len(n) - lengths[n].sum() for n in steps) / sum(lengths[n].sum() for n in steps)
    assert padding < 0.04
    order = [lengths[n].max() for n in steps]
    assert order != sorted(order)
    assert batches.numbers(40).tolist() == steps[40].tolist()
    assert batches.batch(steps[0]).ids.shape == (len(steps[0]), lengths[steps[0]].max())
