"""A stateful model, series for its lanes, and what is found when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import stateviz

LANES, FEATURES = 4, 2
QUIET: dict[str, Any] = {"verbose": 0}


def a_stateful_model(timesteps: int, *, lanes: int = LANES, stateful: bool = True) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(lanes, timesteps, FEATURES)),
            keras.layers.LSTM(3, stateful=stateful, name="lstm"),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    return model


def series(batches: int, timesteps: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    X = random.normal(size=(batches * LANES, timesteps, FEATURES)).astype("float32")
    return X, X[:, 0, :1]


def kinds(model: keras.Model, run: Callable[[], Any], **options: Any) -> list[str]:
    """The kinds of what is found in a run."""
    with stateviz.record(model, **options) as recording:
        run()
    return [finding.kind for finding in recording.findings()]
