"""The parts of the service that can be looked at alone: which texts go together, how much may wait, what is prepared at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinilm.serve.admission import MAX_RETRY_AFTER, Gate
from vinilm.serve.batching import choose
from vinilm.serve.errors import OverloadedError
from vinilm.serve.middleware import Keys
from vinilm.serve.service import slices

LENGTHS = st.lists(st.integers(2, 512), min_size=1, max_size=60)


@given(LENGTHS, st.integers(1, 2048))
def test_a_batch_has_the_oldest_and_keeps_the_budget(lengths: list[int], budget: int) -> None:
    waiting = list(enumerate(lengths))
    keys = choose(waiting, budget)
    assert 0 in keys
    assert len(set(keys)) == len(keys)
    tokens = [lengths[k] for k in keys]
    assert sum(tokens) <= budget or keys == [0]
    # Ascending, and none left out that is nearer to the oldest than one that was taken.
    assert tokens == sorted(tokens)
    rest = [abs(lengths[k] - lengths[0]) for k in range(len(lengths)) if k not in keys]
    assert not rest or max(abs(t - lengths[0]) for t in tokens) <= min(rest)


@given(LENGTHS, st.integers(1, 2048))
def test_all_that_wait_are_computed_once(lengths: list[int], budget: int) -> None:
    waiting = dict(enumerate(lengths))
    seen = []
    while waiting:
        keys = choose(list(waiting.items()), budget)
        seen += keys
        for key in keys:
            del waiting[key]
    assert sorted(seen) == list(range(len(lengths)))


@given(st.lists(st.text(max_size=5) | st.integers(1, 100_000).map(lambda n: "x" * n), max_size=100))
def test_slices_are_the_texts_in_order(texts: list[str]) -> None:
    spans = list(slices(texts))
    assert [t for start, stop in spans for t in texts[start:stop]] == texts
    assert all(stop - start == 1 or sum(map(len, texts[start:stop])) <= 32_768 for start, stop in spans)
    assert all(1 <= stop - start <= 32 for start, stop in spans)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_to_come_back_is_measured() -> None:
    clock = Clock()
    gate = Gate(1000, "tokens", clock=clock)
    gate.admit(900)
    gate.admit(600)  # there was room when it came
    with pytest.raises(OverloadedError, match="1500 tokens wait") as caught:
        gate.admit(1)
    assert 0.5 <= caught.value.retry_after <= 1.5  # nothing is known yet
    for _ in range(100):
        clock.now += 0.5
        gate.done(5)
        gate.waiting += 5
    assert gate.rate == pytest.approx(10)
    assert all(gate.retry_after() == MAX_RETRY_AFTER for _ in range(20))  # 150 seconds, half as much and more
    gate.drop(1400)
    assert all(5 <= gate.retry_after() <= 15 for _ in range(20))
    gate.admit(1)
    assert gate.waiting == 101


def test_idle_time_does_not_count_as_slow_work() -> None:
    clock = Clock()
    gate = Gate(1000, "tokens", clock=clock)
    for _ in range(50):
        gate.admit(100)
        clock.now += 1
        gate.done(100)
        clock.now += 1000
    assert gate.rate == pytest.approx(100)


def test_keys() -> None:
    keys = Keys(["first key", "second"])
    assert keys.fit("Bearer first key")
    assert keys.fit("bearer second")
    for wrong in (
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer third",
        "Basic second",
        "second",
        "Bearer secon",
        "Bearer second2",
        "é \ud800",
    ):
        assert not keys.fit(wrong)
