"""An epoch of fit, recorded against unrecorded, on the backend that Keras runs on here.

KERAS_BACKEND=jax python -m benchmarks.on_backend prints the rows of docs/backends.md. In an
environment of its own: it imports no other backend.
"""

from __future__ import annotations

import keras
import numpy as np

import stateviz
from benchmarks.measuring import progress, ratios, seconds

_BATCHES, _ROUNDS = 10, 15
_SIZES = ((200, 20, 64), (32, 100, 128))


def main() -> None:
    """Measures each size, without gates and with."""
    name = keras.backend.backend()
    for gates in (False, True):
        for samples, timesteps, units in _SIZES:
            spread = ratios(*_times(samples, timesteps, units, gates=gates))
            what = f"{samples} x {timesteps} x {units}{', with gates' * gates}"
            quartiles = f"{spread.lower:.2f} to {spread.upper:.2f}"
            print(f"| {name} | {what} | {spread.median:.2f} | {quartiles} |")


def _times(
    samples: int, timesteps: int, units: int, *, gates: bool
) -> tuple[list[float], list[float]]:
    """The seconds of each recorded epoch, and of the unrecorded one beside it."""
    X = np.random.default_rng(0).normal(size=(_BATCHES * samples, timesteps, 1)).astype("float32")
    y = X.mean(axis=1)
    plain, watched = _model(timesteps, units), _model(timesteps, units)
    recorded, bare = [], []
    with stateviz.record(watched, gates=gates, max_bytes="64 GB") as recording:
        for number in range(_ROUNDS + 1):
            bare.append(seconds(lambda: plain.fit(X, y, batch_size=samples, verbose=0)))
            recorded.append(seconds(lambda: watched.fit(X, y, batch_size=samples, verbose=0)))
            recording["lstm"].batches.clear()
            progress(f"[{units} units, gates={gates}] {number} of {_ROUNDS}: {recorded[-1]:.3f} s")
    return recorded[1:], bare[1:]  # the first epochs trace


def _model(timesteps: int, units: int) -> keras.Model:
    keras.utils.set_random_seed(0)
    lstm = keras.layers.LSTM(units, name="lstm")
    model = keras.Sequential([keras.Input((timesteps, 1)), lstm, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


if __name__ == "__main__":
    main()
