"""Small Keras models, and what they read."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from stateviz import course

SAMPLES, TIMESTEPS, FEATURES, UNITS, BATCH = 12, 7, 3, 5, 4


def series(samples: int = SAMPLES, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.normal(size=(samples, TIMESTEPS, FEATURES)).astype("float32")
    return X, X.sum(axis=(1, 2))[:, np.newaxis]


def a_model(
    *,
    stateful: bool = False,
    masked: bool = False,
    eager: bool = False,
    stack: int = 1,
    steps_per_execution: int = 1,
    **options: Any,
) -> keras.Model:
    keras.utils.set_random_seed(1)
    shape = (TIMESTEPS, FEATURES)
    inputs = keras.Input(batch_shape=(BATCH, *shape)) if stateful else keras.Input(shape)
    x = keras.layers.Masking()(inputs) if masked else inputs
    for place in range(stack):
        last = place == stack - 1
        x = keras.layers.LSTM(
            UNITS,
            stateful=stateful,
            return_sequences=not last,
            name="lstm" if stack == 1 else f"lstm_{place}",
            **options,
        )(x)
    outputs = keras.layers.Dense(1)(keras.layers.Dropout(0.2)(x))
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.01),
        "mse",
        metrics=["mae"],
        run_eagerly=eager,
        steps_per_execution=steps_per_execution,
    )
    return model


FIT = {"batch_size": BATCH, "verbose": 0}


def on_batches(model: keras.Model, X: np.ndarray, y: np.ndarray) -> Any:
    return [
        model.train_on_batch(X[:BATCH], y[:BATCH]),
        model.test_on_batch(X[:BATCH], y[:BATCH]),
        model.predict_on_batch(X[:BATCH]),
    ]


def counting_model(*, stateful: bool, batch_size: int = 2) -> keras.Model:
    """The exact probe: on ones its state counts the timesteps it has read."""
    return course.counting_model(batch_size=batch_size, timesteps=3, stateful=stateful)


ONES = np.ones((6, 3, 1), "float32")
