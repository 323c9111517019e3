"""Independent answers to test against: an LSTM in NumPy, written from its equations."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np


class States(NamedTuple):
    """h and c after each timestep, shape (samples, timesteps, units), float64."""

    hidden: np.ndarray
    cell: np.ndarray


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm_states(
    layer: keras.layers.LSTM,
    inputs: np.ndarray,
    hidden: np.ndarray,
    cell: np.ndarray,
    mask: np.ndarray | None = None,
) -> States:
    """The states of an LSTM in float64, timestep by timestep.

    Gers, Schmidhuber and Cummins (2000), "Learning to forget", in the gate order of Keras's
    weights: input, forget, candidate, output. A masked timestep changes nothing.
    """
    kernel, recurrent_kernel, bias = (w.astype(np.float64) for w in layer.get_weights())
    h, c = hidden.astype(np.float64), cell.astype(np.float64)
    hs, cs = [], []
    for t in range(inputs.shape[1]):
        i, f, g, o = np.split(inputs[:, t] @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        used = np.ones((len(h), 1), bool) if mask is None else mask[:, t, None]
        h, c = np.where(used, new_h, h), np.where(used, new_c, c)
        hs.append(h)
        cs.append(c)
    return States(np.stack(hs, axis=1), np.stack(cs, axis=1))


def counting_lstm(**options: Any) -> keras.layers.LSTM:
    """A real LSTM(1) whose c is, in float32, exactly the running sum of its inputs.

    sigmoid(30) is exactly 1 in float32, so every gate is open and the candidate is the input.
    """
    return keras.layers.LSTM(1, activation="linear", unit_forget_bias=False, **options)


def set_to_count(layer: keras.layers.LSTM) -> None:
    layer.set_weights([np.array([[0.0, 0, 1, 0]]), np.zeros((1, 4)), np.array([30.0, 30, 0, 30])])
