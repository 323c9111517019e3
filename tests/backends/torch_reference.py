"""PyTorch's recurrent modules once more, in NumPy and in float64, a row at a time.

The equations are those of PyTorch's documentation of nn.LSTM, nn.GRU and nn.RNN.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Row = dict[str, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-np.logaddexp(0, -x)))


def step(module: Any, weights: list[np.ndarray], x: np.ndarray, state: list[np.ndarray]) -> Row:
    """One timestep of one row: its h, and c and gates where there are any."""
    w_ih, w_hh, *others = weights
    b_ih, b_hh = others[:2] if module.bias else (np.zeros(len(w_ih)), np.zeros(len(w_hh)))
    read, held = w_ih @ x + b_ih, w_hh @ state[0] + b_hh
    kind = type(module).__name__.removesuffix("Cell")
    if kind == "LSTM":
        i, f, g, o = np.split(read + held, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * state[1] + i * g
        h = o * np.tanh(c)
        if getattr(module, "proj_size", 0):
            h = others[-1] @ h
        return {"h": h, "c": c, "input": i, "forget": f, "candidate": g, "output": o}
    if kind == "GRU":
        (r, z, n), (hr, hz, hn) = np.split(read, 3), np.split(held, 3)
        r, z = sigmoid(r + hr), sigmoid(z + hz)
        n = np.tanh(n + r * hn)
        return {"h": (1 - z) * n + z * state[0], "update": z, "reset": r, "candidate": n}
    total = read + held
    return {"h": np.maximum(total, 0) if module.nonlinearity == "relu" else np.tanh(total)}


def in_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().double().cpu().numpy())


def rows_of(
    module: Any, X: np.ndarray, lengths: list[int], initial: list[np.ndarray]
) -> Iterator[tuple[int, int, list[Row]]]:
    """What each part holds of each row, as it reads: (part, row, timesteps). No dropout.

    Args:
        module: An nn.LSTM, nn.GRU or nn.RNN.
        X: Shape (samples, timesteps, features).
        lengths: How many timesteps of each row are data.
        initial: For h, and for c, shape (parts, samples, units).
    """
    weights = [list(map(in_numpy, part)) for part in module.all_weights]
    directions = 2 if module.bidirectional else 1
    for row, length in enumerate(lengths):
        read = [x.astype(float) for x in X[row, :length]]
        for layer in range(module.num_layers):
            heard: list[list[np.ndarray]] = []
            for reverse in range(directions):
                part = layer * directions + reverse
                state = [each[part, row] for each in initial]
                told = []
                for x in reversed(read) if reverse else read:
                    told.append(step(module, weights[part], x, state))
                    state = [told[-1][name] for name in ("h", "c")[: len(initial)]]
                yield part, row, told
                h = [each["h"] for each in told]
                heard.append(h[::-1] if reverse else h)
            read = [np.concatenate(both) for both in zip(*heard, strict=True)]
