"""The model of a configuration, and its weights at each run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tests.matrix.configurations import (
    BATCH,
    FEATURES,
    Configuration,
)
from tests.matrix.here import here
from tests.matrix.way import Way


class MeanOverTime(keras.layers.Layer):  # type: ignore[misc]
    """From any number of axes to (samples, features)."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def call(self, x: Any) -> Any:
        return keras.ops.mean(x, axis=tuple(range(1, len(x.shape) - 1)))

    def compute_mask(self, x: Any, mask: Any = None) -> None:
        return None


class Snapshot(keras.layers.Layer):  # type: ignore[misc]
    """Lets everything pass, and keeps the weights that the layers have at each run."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True
        self.taken: list[list[np.ndarray]] = []
        self.variables_of: Callable[[], list[Any]] = list
        self.first: list[np.ndarray] = []

    def call(self, x: Any) -> Any:
        here.keep(self._keep, [variable.value for variable in self.variables_of()], x)
        return x

    def _keep(self, *values: np.ndarray) -> None:
        self.taken.append([value.copy() for value in values])


def model_of(configuration: Configuration, way: Way) -> tuple[keras.Model, Snapshot]:
    """The model, compiled for a way to run it, and what keeps its weights at each run."""
    keras.utils.set_random_seed(1)
    shape = (configuration.timesteps, *configuration.space, FEATURES)
    inputs = keras.Input(shape, batch_size=BATCH if configuration.stateful else None, name="series")
    snapshot = Snapshot()
    x = snapshot(inputs)
    x = keras.layers.Masking()(x) if configuration.masked else x
    x = configuration.wire(x)
    x = keras.layers.Dropout(0.2)(MeanOverTime()(x))
    outputs = keras.layers.Dense(1, activation="sigmoid", dtype="float32")(x)
    model = way.model_class(inputs, outputs)
    weights = [v for layer in recurrent_in(model) for v in layer.variables]
    if not (way.in_sight and here.EVERY_BATCH):
        snapshot.first = values_of(weights)
    else:
        snapshot.variables_of = lambda: weights
    model.compile(
        keras.optimizers.Adam(0.01), "mse", weighted_metrics=["mae"], **way.compile_options
    )
    return model, snapshot


def values_of(variables: list[Any]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def recurrent_in(model: keras.Model) -> list[keras.layers.RNN]:
    return [each for each in model._flatten_layers() if isinstance(each, keras.layers.RNN)]
