"""A gradient that vanishes or explodes is found, with its figure; one that does neither is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

import stateviz
from stateviz.recording import Finding, Recording
from tests.building.gradients import falling, gradients, trained

VANISHES, EXPLODES = "the gradient vanishes", "the gradient explodes"
layers = keras.layers


def of_gradients(recording: Recording) -> list[Finding]:
    return [each for each in recording.findings() if "gradient" in each.kind]


def after_a_fit(kind: Any, timesteps: int, **options: Any) -> list[Finding]:
    keras.utils.set_random_seed(0)
    X = np.random.default_rng(0).normal(size=(8, timesteps, 1)).astype("float32")
    model = keras.Sequential([keras.Input((timesteps, 1)), kind(8, **options), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e-9), "mse", run_eagerly=True)
    with stateviz.record(model, gradients=True) as recording:
        model.fit(X, X[:, 0], batch_size=4, epochs=1, verbose=0)
    return of_gradients(recording)


def test_it_vanishes_and_says_by_how_much() -> None:
    found = of_gradients(trained(*[falling(10, 9)] * 3))
    assert [each.kind for each in found] == [VANISHES]
    assert found[0].batches == (0, 1, 2)
    assert "In 3 of 3 batches that were trained on, less than 1e-06 of |dL/dh|" in found[0].what
    assert "the first of 9 timesteps (median 1e-08)" in found[0].what
    assert "forget gate" in found[0].cure


@pytest.mark.parametrize(
    "norms",
    [
        falling(10, 6),  # 1e-5 arrives at the first timestep
        falling(1.0, 9),
        [0.0] * 9 + [0.0],  # nothing came back at all: that is no part of the loss
        [1e-12, *falling(1.1, 8)],  # of the border alone
        [np.nan] * 10,
    ],
)
def test_what_does_not_vanish_is_silent(norms: list[float]) -> None:
    assert of_gradients(trained(norms)) == []


def test_a_few_batches_that_vanish_are_no_finding() -> None:
    many = [falling(1.1, 9)] * 3
    assert of_gradients(trained(*many, *[falling(10, 9)] * 3)) == []
    assert [f.batches for f in of_gradients(trained(*many, *[falling(10, 9)] * 4))] == [
        (3, 4, 5, 6)
    ]


def test_what_comes_back_along_c_alone_has_not_vanished() -> None:
    recording = trained(falling(10, 9))
    [batch] = recording["lstm"].batches
    along_c = replace(batch, gradients=gradients(falling(10, 9), cell=[1.0] * 10))
    recording["lstm"].batches[0] = recording.events[1] = along_c
    assert of_gradients(recording) == []


def test_it_explodes_and_says_where_first() -> None:
    healthy, odd = falling(1.1, 9), falling(0.3, 9)
    found = of_gradients(trained(healthy, healthy, healthy, healthy, odd, odd))
    assert [each.kind for each in found] == [EXPLODES]
    assert found[0].batches == (4, 5)
    assert "up to 2e+04 times; first in epoch 1, batch 1." in found[0].what
    assert "clipnorm" in found[0].cure


@pytest.mark.parametrize(
    "norms",
    [
        falling(0.9, 9),
        [1.0, 1e5, 1e5, 1e5, 1.0],  # a loss of its own at timestep 2
        [1e9, 1.0, 1.0, 1.0],  # at the border, which no timestep has
        [np.inf] * 4,  # the loss itself is not finite
    ],
)
def test_what_does_not_explode_is_silent(norms: list[float]) -> None:
    assert of_gradients(trained(norms)) == []


def test_what_no_float_can_hold_has_exploded_where_the_end_is_finite() -> None:
    [found] = of_gradients(trained([np.inf, np.inf, 1e30, 1e15, 1.0]))
    assert found.kind == EXPLODES
    assert "beyond what a float can hold" in found.what


ORTHOGONAL = keras.initializers.Orthogonal


@pytest.mark.parametrize(
    ("kind", "timesteps", "options", "expected"),
    [
        (layers.LSTM, 20, {}, []),
        (layers.GRU, 10, {}, []),
        (layers.SimpleRNN, 40, {}, []),
        (layers.LSTM, 60, {"unit_forget_bias": False}, [VANISHES]),
        (layers.SimpleRNN, 40, {"recurrent_initializer": ORTHOGONAL(0.5, seed=1)}, [VANISHES]),
        (
            layers.SimpleRNN,
            40,
            {"recurrent_initializer": ORTHOGONAL(1.4, seed=1), "activation": "linear"},
            [EXPLODES],
        ),
    ],
)
def test_in_real_trainings(
    kind: Any, timesteps: int, options: dict[str, Any], expected: list[str]
) -> None:
    assert [each.kind for each in after_a_fit(kind, timesteps, **options)] == expected
