"""The models that are trained recorded and unrecorded, and an epoch of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

import stateviz

NO_BOUND = 2**50
BATCHES = 10

# TensorFlow's own, before a block puts a watch on it.
_FUNCTION = type(tf.function(lambda: None))
_FUNCTION_CALL = _FUNCTION.__call__


@dataclass(frozen=True)
class Workload:
    """The size of a batch, and of the layer that processes it."""

    samples: int
    timesteps: int
    units: int

    def __str__(self) -> str:
        return f"{self.samples} samples x {self.timesteps} timesteps x {self.units} units"


SHORT = Workload(200, 20, 64)
LONG = Workload(32, 100, 128)


def make_model(workload: Workload) -> keras.Model:
    """A compiled model of one LSTM; the same weights each time."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((workload.timesteps, 1)),
            keras.layers.LSTM(workload.units, name="lstm"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def make_data(workload: Workload, batches: int = BATCHES) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, shape (samples, timesteps, 1), and targets, shape (samples, 1)."""
    random = np.random.default_rng(0)
    samples = batches * workload.samples
    X = random.normal(size=(samples, workload.timesteps, 1)).astype(np.float32)
    return X, X.mean(axis=1)


@dataclass
class Pair:
    """The same model twice, one of them recorded, both traced."""

    plain: keras.Model
    recorded: keras.Model
    recording: stateviz.Recording
    workload: Workload

    def __post_init__(self) -> None:
        self._data = make_data(self.workload)
        self.run_plain()
        self.run_recorded()
        self.forget()

    def run_plain(self) -> None:
        with unwatched_functions():
            self._fit(self.plain)

    def run_recorded(self) -> None:
        self._fit(self.recorded)

    def _fit(self, model: keras.Model) -> None:
        X, y = self._data
        model.fit(X, y, batch_size=self.workload.samples, epochs=1, shuffle=False, verbose=0)

    def forget(self) -> None:
        """Drops what was recorded, so that memory stays flat from repeat to repeat."""
        self.recording["lstm"].batches.clear()
        self.recording.events.clear()


@contextmanager
def recorded_beside_plain(workload: Workload, *, gates: bool = False) -> Iterator[Pair]:
    plain, recorded = make_model(workload), make_model(workload)
    with stateviz.record(recorded, gates=gates, max_bytes=NO_BOUND) as recording:
        yield Pair(plain, recorded, recording, workload)


@contextmanager
def unwatched_functions() -> Iterator[None]:
    """Takes the open block's watch off, as if the unrecorded model ran with no block open."""
    watched = _FUNCTION.__call__
    _FUNCTION.__call__ = _FUNCTION_CALL
    try:
        yield
    finally:
        _FUNCTION.__call__ = watched
