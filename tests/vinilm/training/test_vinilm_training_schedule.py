"""The learning rate of each step, and settings that make no sense."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinilm.training.schedule import learning_rate, warmup_steps
from vinilm.training.settings import Phase, TrainingSettings
from vnlp_prep.errors import SettingsError

SETTINGS = TrainingSettings((Phase(128, 60), Phase(512, 40)), learning_rate=0.5, warmup=0.1)


@given(steps=st.integers(1, 300), warmup=st.floats(0, 0.99))
def test_every_step_learns_and_the_highest_rate_is_reached(steps, warmup):
    settings = TrainingSettings((Phase(128, steps),), learning_rate=0.5, warmup=warmup)
    rates = [learning_rate(step, settings) for step in range(steps)]
    rising = warmup_steps(settings)
    assert min(rates) > 0
    assert rates == sorted(rates[:rising]) + sorted(rates[rising:], reverse=True)
    if rising < steps:
        assert max(rates) == rates[rising] == pytest.approx(0.5)


def test_it_falls_in_equal_steps_to_the_end_of_all_phases():
    rates = [learning_rate(step, SETTINGS) for step in range(100)]
    assert rates[-1] == pytest.approx(0.5 / 90)  # as far above 0 as from the step before: no step is lost
    falls = [a - b for a, b in pairwise(rates[10:])]
    assert falls == pytest.approx([0.5 / 90] * 89)


def test_places():
    assert [SETTINGS.place(step) for step in (0, 59, 60, 99)] == [(0, 0), (0, 59), (1, 0), (1, 39)]
    with pytest.raises(IndexError):
        SETTINGS.place(100)


def test_phases_are_read():
    assert Phase.parse("512:6000:256") == Phase(512, 6000, 256)
    assert str(Phase(512, 6000, 256)) == "512:6000:256"
    settings = TrainingSettings((Phase(128, 1), Phase(512, 1, 4)), batch_size=16)
    assert [settings.sequences(phase) for phase in settings.phases] == [16, 4]


@pytest.mark.parametrize(
    "text", ["", "128", "128:", "a:b", "128:10:2:3", "-1:5", "128:0", "4:10", "128:10:0", "128: 10", "9" * 99 + ":1"]
)
def test_phases_that_are_none(text):
    with pytest.raises(SettingsError, match="phase"):
        Phase.parse(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phases", ()),
        ("batch_size", 0),
        ("micro_batch", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", 2.0),
        ("warmup", 1.0),
        ("warmup", -0.1),
        ("weight_decay", 1.0),
        ("clip", -1.0),
        ("clip", float("inf")),
        ("seed", -1),
        ("evaluate_every", 0),
        ("checkpoint_every", 0),
        ("checkpoint_minutes", 0.0),
        ("keep", 0),
        ("max_minutes", 0.0),
        ("precision", "float16"),
        ("device", "tpu"),
    ],
)
def test_settings_that_are_out_of_range(name, value):
    with pytest.raises(SettingsError, match=name if value != () else "phase"):
        dataclasses.replace(SETTINGS, **{name: value})


def test_what_a_run_must_share_changes_with_the_settings():
    kept = {"precision", "device", "checkpoint_every", "checkpoint_minutes", "keep", "max_minutes"}  # or is told by others
    other = {"phases": (Phase(128, 1),), "batch_size": 7, "micro_batch": 2, "learning_rate": 0.1, "warmup": 0.2}
    other |= {"weight_decay": 0.2, "clip": 2.0, "seed": 1, "evaluate_every": 3}
    assert kept | other.keys() == {field.name for field in dataclasses.fields(TrainingSettings)}
    for name, value in other.items():
        assert dataclasses.replace(SETTINGS, **{name: value}).identity() != SETTINGS.identity()
