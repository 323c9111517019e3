"""An epoch of fit, recorded against unrecorded, on the backend that Keras runs on here.

make bench BACKEND=jax BACKEND_PYTHON=... prints the rows of docs/backends.md, by a Python that has
this backend; BACKEND=tensorflow those with XLA too. It imports no other backend.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

import stateviz
from benchmarks.measuring import progress, ratios, seconds

_BATCHES, _ROUNDS = 10, 15
_SIZES = ((200, 20, 64), (32, 100, 128))


def main() -> None:
    """Measures each size, without gates and with."""
    name = keras.backend.backend()
    ways: dict[str, dict[str, Any]] = {name: {}}
    if name == "tensorflow":
        ways = {name: {"jit_compile": False}, f"{name} with XLA": {"jit_compile": True}}
    for way, gates, (samples, timesteps, units) in itertools.product(ways, (False, True), _SIZES):
        spread = ratios(*_times(samples, timesteps, units, gates=gates, **ways[way]))
        what = f"{samples} x {timesteps} x {units}{', with gates' * gates}"
        print(
            f"| {way} | {what} | {spread.median:.2f} | {spread.lower:.2f} to {spread.upper:.2f} |"
        )


def _times(
    samples: int, timesteps: int, units: int, *, gates: bool, **options: Any
) -> tuple[list[float], list[float]]:
    """The seconds of each recorded epoch, and of the unrecorded one beside it."""
    X = np.random.default_rng(0).normal(size=(_BATCHES * samples, timesteps, 1)).astype("float32")
    y = X.mean(axis=1)
    plain, watched = _model(timesteps, units, options), _model(timesteps, units, options)
    recorded, bare = [], []
    with stateviz.record(watched, gates=gates, max_bytes="64 GB") as recording:
        for number in range(_ROUNDS + 1):
            bare.append(seconds(lambda: plain.fit(X, y, batch_size=samples, verbose=0)))
            recorded.append(seconds(lambda: watched.fit(X, y, batch_size=samples, verbose=0)))
            recording["lstm"].batches.clear()
            progress(f"[{units} units, gates={gates}] {number} of {_ROUNDS}: {recorded[-1]:.3f} s")
    return recorded[1:], bare[1:]  # the first epochs trace


def _model(timesteps: int, units: int, options: Mapping[str, Any]) -> keras.Model:
    keras.utils.set_random_seed(0)
    lstm = keras.layers.LSTM(units, name="lstm")
    model = keras.Sequential([keras.Input((timesteps, 1)), lstm, keras.layers.Dense(1)])
    model.compile("adam", "mse", **options)
    return model


if __name__ == "__main__":
    main()
