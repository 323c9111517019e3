"""Independent answers to test against: recurrent cells in NumPy, written from their equations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import keras
import numpy as np

Step = Callable[[np.ndarray, Sequence[np.ndarray]], list[np.ndarray]]
"""What a cell computes in one timestep: its states after, from what it reads and its states."""


class States(NamedTuple):
    """h and c after each timestep, shape (samples, timesteps, units), float64."""

    hidden: np.ndarray
    cell: np.ndarray


def sigmoid(x: np.ndarray) -> np.ndarray:
    opened: np.ndarray = 1 / (1 + np.exp(-x))
    return opened


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
}


def _activations(cell: Any) -> list[Callable[[np.ndarray], np.ndarray]]:
    names = ("activation", "recurrent_activation")
    return [ACTIVATIONS[getattr(cell, name).__name__] for name in names if hasattr(cell, name)]


def lstm_step(cell: Any, weights: Sequence[np.ndarray]) -> Step:
    """Gers, Schmidhuber and Cummins (2000), "Learning to forget".

    The gates stand in Keras's weights in the order input, forget, candidate, output.
    """
    kernel, recurrent_kernel, *bias = weights
    activation, recurrent_activation = _activations(cell)

    def step(x: np.ndarray, states: Sequence[np.ndarray]) -> list[np.ndarray]:
        h, c = states
        z = x @ kernel + h @ recurrent_kernel + (bias[0] if bias else 0)
        i, f, g, o = np.split(z, 4, axis=-1)
        c = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
        return [recurrent_activation(o) * activation(c), c]

    return step


def gru_step(cell: Any, weights: Sequence[np.ndarray]) -> Step:
    """Cho et al. (2014); with `reset_after` as in cuDNN: the reset gate after the product."""
    kernel, recurrent_kernel, *bias = weights
    activation, recurrent_activation = _activations(cell)
    units = recurrent_kernel.shape[0]
    both = np.zeros((2, 3 * units))
    if bias:
        both[: 2 if cell.reset_after else 1] = bias[0]

    def step(x: np.ndarray, states: Sequence[np.ndarray]) -> list[np.ndarray]:
        [h] = states
        x_z, x_r, x_g = np.split(x @ kernel + both[0], 3, axis=-1)
        u_z, u_r, u_g = np.split(recurrent_kernel, 3, axis=-1)
        b_z, b_r, b_g = np.split(both[1], 3)
        update = recurrent_activation(x_z + h @ u_z + b_z)
        reset = recurrent_activation(x_r + h @ u_r + b_r)
        inner = reset * (h @ u_g + b_g) if cell.reset_after else (reset * h) @ u_g
        return [update * h + (1 - update) * activation(x_g + inner)]

    return step


def simple_step(cell: Any, weights: Sequence[np.ndarray]) -> Step:
    """Elman (1990), "Finding structure in time"."""
    kernel, recurrent_kernel, *bias = weights
    [activation] = _activations(cell)

    def step(x: np.ndarray, states: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [activation(x @ kernel + states[0] @ recurrent_kernel + (bias[0] if bias else 0))]

    return step


def conv_lstm_step(cell: Any, weights: Sequence[np.ndarray]) -> Step:
    """Shi et al. (2015), "Convolutional LSTM network", without peepholes, as Keras has it."""
    kernel, recurrent_kernel, *bias = weights
    activation, recurrent_activation = _activations(cell)
    first = cell.data_format == "channels_first"

    def last(array: np.ndarray) -> np.ndarray:
        return np.moveaxis(array, 1, -1) if first else array

    def back(array: np.ndarray) -> np.ndarray:
        return np.moveaxis(array, -1, 1) if first else array

    def step(x: np.ndarray, states: Sequence[np.ndarray]) -> list[np.ndarray]:
        h, c = map(last, states)
        z = convolved(last(x), kernel, cell.padding) + convolved(h, recurrent_kernel, "same")
        i, f, g, o = np.split(z + (bias[0] if bias else 0), 4, axis=-1)
        c = recurrent_activation(f) * c + recurrent_activation(i) * activation(g)
        return [back(recurrent_activation(o) * activation(c)), back(c)]

    return step


def convolved(x: np.ndarray, kernel: np.ndarray, padding: str) -> np.ndarray:
    """Keras's convolution with stride 1: x (samples, *space, channels), shift by shift."""
    *size, _, filters = kernel.shape
    if padding == "same":
        x = np.pad(x, [(0, 0), *(((n - 1) // 2, n // 2) for n in size), (0, 0)])
    space = [length - n + 1 for length, n in zip(x.shape[1:-1], size, strict=True)]
    out = np.zeros((len(x), *space, filters))
    for shift in product(*map(range, size)):
        window = tuple(slice(at, at + n) for at, n in zip(shift, space, strict=True))
        out += x[(slice(None), *window)] @ kernel[shift]
    return out


class LeakyCell(keras.layers.Layer):  # type: ignore[misc]
    """A cell of a user's own: three states of two sizes, and an output that is none of them.

    Leaky integrators (Jaeger et al., 2007), fast and slow, and a count of the timesteps.
    """

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = self.output_size = units
        self.state_size = [units, units, 1]

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, x: Any, states: Any) -> Any:
        fast, slow, count = states
        read = keras.ops.matmul(x, self.kernel)
        fast = 0.5 * fast + 0.5 * read
        slow = 0.9 * slow + 0.1 * fast
        return fast - slow, [fast, slow, count + 1.0]


def leaky_step(cell: LeakyCell, weights: Sequence[np.ndarray]) -> Step:
    def step(x: np.ndarray, states: Sequence[np.ndarray]) -> list[np.ndarray]:
        fast, slow, count = states
        fast = 0.5 * fast + 0.5 * (x @ weights[0])
        return [fast, 0.9 * slow + 0.1 * fast, count + 1.0]

    return step


STEPS: dict[str, Callable[[Any, Sequence[np.ndarray]], Step]] = {
    "LSTMCell": lstm_step,
    "GRUCell": gru_step,
    "SimpleRNNCell": simple_step,
    "ConvLSTMCell": conv_lstm_step,
    "LeakyCell": leaky_step,
}


def states_of_cell(
    cell: Any,
    weights: Sequence[np.ndarray],
    inputs: np.ndarray,
    initial: Sequence[np.ndarray],
    mask: np.ndarray | None = None,
) -> list[np.ndarray]:
    """A cell's states after each timestep in float64, (samples, timesteps, ...) each.

    A masked timestep changes nothing.
    """
    step = STEPS[type(cell).__name__](cell, [w.astype(np.float64) for w in weights])
    states = [state.astype(np.float64) for state in initial]
    after: list[list[np.ndarray]] = []
    for t in range(inputs.shape[1]):
        new = step(inputs[:, t].astype(np.float64), states)
        if mask is not None:
            used = mask[:, t]
            new = [
                np.where(used.reshape(-1, *[1] * (n.ndim - 1)), n, old)
                for n, old in zip(new, states, strict=True)
            ]
        states = new
        after.append(states)
    return [np.stack(each, axis=1) for each in zip(*after, strict=True)]


def lstm_states(
    layer: keras.layers.LSTM,
    inputs: np.ndarray,
    hidden: np.ndarray,
    cell: np.ndarray,
    mask: np.ndarray | None = None,
) -> States:
    """The states of an LSTM layer with the weights that it has now."""
    return States(*states_of_cell(layer.cell, layer.get_weights(), inputs, [hidden, cell], mask))


def counting_lstm(**options: Any) -> keras.layers.LSTM:
    """A real LSTM(1) whose c is, in float32, exactly the running sum of its inputs.

    sigmoid(30) is exactly 1 in float32, so every gate is open and the candidate is the input.
    """
    return keras.layers.LSTM(1, activation="linear", unit_forget_bias=False, **options)


def set_to_count(layer: keras.layers.LSTM) -> None:
    layer.set_weights([np.array([[0.0, 0, 1, 0]]), np.zeros((1, 4)), np.array([30.0, 30, 0, 30])])
