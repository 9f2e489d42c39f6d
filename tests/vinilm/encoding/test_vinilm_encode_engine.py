"""The engine on this machine: what is prepared in the background, in which order, and what becomes of a text that cannot be."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from vinilm.ahead import ahead
from vinilm.encoding.chunks import Chunk
from vinilm.encoding.engine import LocalEngine
from vinilm.encoding.progress import figures, summary_lines
from vinilm.encoding.run import Summary
from vinilm.errors import BackendError
from vnlp_prep import Preprocessor
from vnlp_prep.corpus.documents import Document
from vnlp_prep.corpus.records import Line
from vnlp_prep.terminal import Paint


class Extractor:
    """The two halves of a FeatureExtractor, without a model: (text length, number of texts)."""

    normalize = False
    preprocessor: Preprocessor | None = None

    def __init__(self, error: type[Exception] = ValueError) -> None:
        self.error = error

    def prepare(self, texts, *, prompt="", clean=True):
        if clean and self.preprocessor:
            texts = self.preprocessor(texts)
        for text in texts:
            if text == "bad":
                raise self.error("no good")
        return SimpleNamespace(texts=[prompt + t for t in texts], tokens=10 * len(texts), truncated=1)

    def compute(self, prepared, *, batch_tokens=None):
        return np.array([[len(t), len(prepared.texts), 3] for t in prepared.texts], np.float32).reshape(-1, 3)


def chunk(number: int, *texts: str) -> Chunk:
    return Chunk(number, [Document("f", Line(i, 0, b"raw", 3), [t], name=i) for i, t in enumerate(texts)])


def test_chunks_come_out_in_order_with_their_vectors():
    out = list(LocalEngine(Extractor(), prompt="q: ")(chunk(n, "a" * n, "b") for n in range(50)))
    assert [e.chunk.number for e in out] == list(range(50))
    for n, e in enumerate(out):
        np.testing.assert_array_equal(e.vectors, [[n + 3, 2, 3], [4, 2, 3]])
        assert (e.tokens, e.truncated, e.failed) == (20, 1, [])
        assert e.digest == chunk(n, "a" * n, "b").digest()


def test_fewer_dimensions_are_normalized_again_if_the_model_normalizes():
    extractor = Extractor()
    extractor.normalize = True
    [encoded] = LocalEngine(extractor, truncate_dim=2, dtype=np.dtype("<f2"))([chunk(0, "a", "bbbb")])
    assert encoded.vectors.dtype == np.float16
    assert encoded.vectors.flags.c_contiguous
    np.testing.assert_allclose(np.linalg.norm(encoded.vectors.astype(float), axis=1), 1, atol=1e-3)


def test_a_text_that_cannot_be_prepared_is_rejected_and_the_others_are_not():
    [encoded] = LocalEngine(Extractor())([chunk(0, "a", "bad", "ccc", "bad")])
    assert encoded.failed == [(1, "ValueError: no good"), (3, "ValueError: no good")]
    np.testing.assert_array_equal(encoded.vectors, [[1, 2, 3], [3, 2, 3]])
    assert encoded.chunk.ids == [0, 2]
    assert [(r["line"], r["reason"]) for r in encoded.chunk.rejects] == [(1, "internal-error"), (3, "internal-error")]
    assert encoded.digest == chunk(0, "a", "bad", "ccc", "bad").digest()  # of what was read, not of what was left


class Fragile(Preprocessor):
    """Breaks on one text, as a bug would make it; in a worker process too."""

    def clean(self, text):
        if text == "fragile":
            raise ValueError("no good")
        return super().clean(text)

    def __call__(self, texts):
        return [self.clean(t).text for t in texts]


def test_several_processes_that_clean_make_no_difference():
    texts = [[f"Teh log {n} {i} &amp; more" for i in range(n * 7 % 30)] for n in range(12)]
    texts[8] = ["fine", "fragile", "fine"]
    out = []
    for workers in (1, 2):
        extractor = Extractor()
        extractor.preprocessor = Fragile()
        out.append(list(LocalEngine(extractor, workers=workers)(chunk(n, *t) for n, t in enumerate(texts))))
    for one, two in zip(*out, strict=True):
        np.testing.assert_array_equal(one.vectors, two.vectors)
        assert (one.chunk.number, one.chunk.ids, one.digest) == (two.chunk.number, two.chunk.ids, two.digest)
        assert one.failed == two.failed == ([(1, "ValueError: no good")] if one.chunk.number == 8 else [])
    assert len(out[0]) == 12
    assert out[0][1].vectors[0][0] == len("The log 1 0 & more")


@pytest.mark.parametrize("error", [BackendError, MemoryError])
def test_what_is_no_fault_of_a_text_ends_the_run(error):
    with pytest.raises(error):
        list(LocalEngine(Extractor(error))([chunk(0, "a", "bad")]))


def test_no_more_is_made_ahead_than_was_asked_for():
    made = []
    results = ahead(made.append, iter(range(100)), 2)
    next(results)
    for _ in range(100):
        time.sleep(0.005)
        assert len(made) <= 1 + 2 + 1  # handed out, ready, in hand
    results.close()
    count = len(made)
    time.sleep(0.3)
    assert len(made) == count


def test_an_error_comes_out_in_its_place():
    def items():
        yield 1
        yield 2
        raise OSError("gone")

    results = ahead(lambda item: item * 10, items(), 5)
    assert [next(results), next(results)] == [10, 20]
    with pytest.raises(OSError, match="gone"):
        next(results)
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda item: 1 // item, [1, 0], 5))


def test_an_input_that_never_comes_does_not_hold_up_the_end():
    comes = threading.Event()

    def items():
        yield 1
        comes.wait()

    results = ahead(str, items(), 1)
    assert next(results) == "1"
    results.close()
    comes.set()


def test_progress_tells_rate_and_time_left_of_this_run():
    done = Summary(records=3000, resumed=1000, tokens=30_000, resumed_tokens=10_000, seconds=10.0)
    at = Chunk(2, packed=30)
    assert figures(done, at, 90) == "3,000 records  200/s  2,000 tokens/s  30.0 s left"
    done.rejects["field-null"] = 2
    assert figures(done, at, None) == "3,000 records  200/s  2,000 tokens/s  2 rejected"
    assert figures(Summary(), Chunk(0), 90) == "0 records  0.0/s  0.0 tokens/s"


def test_the_summary_says_all_there_is_to_say(tmp_path):
    from vinilm.encoding.outputs import DTYPES, Layout, NumPy

    summary = Summary(records=3000, resumed=1000, tokens=30_000, resumed_tokens=10_000, truncated=1, blank_lines=1, seconds=10.0)
    summary.rejects["field-null"] = 2
    summary.reject_files.append("r.jsonl")
    output = NumPy(tmp_path / "v.npy", Layout(1024, DTYPES["float16"], {}))
    assert summary_lines(summary, output, Paint(False)) == [
        "3,002 records, 30,000 tokens, 1 blank line in 10.0 s (200 records/s, 2,000 tokens/s)",
        "went on behind 1,000 records of an interrupted run",
        "2 rejected (2 field-null): see r.jsonl",
        "1 text cut, for the model reads no more of them (see --long)",
        f"{tmp_path}/v.npy: 3,000 vectors of 1,024 (float16), their ids in {tmp_path}/v.npy.ids.jsonl",
    ]
