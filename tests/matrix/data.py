"""What the models read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.matrix.configurations import BATCH, FEATURES, TIMESTEPS, Configuration


@dataclass(frozen=True)
class Data:
    """X (samples, timesteps, ..., features), y 0 or 1 (samples, 1), and weights (samples,)."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, len(self.X), BATCH):
            yield self.X[first : first + BATCH], self.y[first : first + BATCH]


def data_for(configuration: Configuration) -> Data:
    random = np.random.default_rng(0)
    shape = (configuration.samples, TIMESTEPS, *configuration.space, FEATURES)
    X = random.normal(size=shape).astype("float32")
    if configuration.masked:
        X[0, :2] = X[1, 2:4] = X[2, 3:] = X[3] = 0  # leading, middle, trailing, all of it
    y = (X.reshape(len(X), -1).sum(axis=1, keepdims=True) > 0).astype("float32")
    return Data(X, y, random.uniform(0.5, 2, len(X)).astype("float32"))
