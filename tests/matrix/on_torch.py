"""Trainings of one's own and data on PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import torch

from tests.matrix.configurations import BATCH
from tests.matrix.data import Data
from tests.matrix.way import Run, Way

VERSION = f"PyTorch {torch.__version__.partition('+')[0]}"
FAILURES = (ValueError, RuntimeError, NotImplementedError, AttributeError, TypeError)
EVERY_BATCH = True
CARRIES = True
EXACT = True
HAS_FLOAT64 = True
HAS_GRADIENTS = True


def keep(hand_over: Callable[..., None], values: Sequence[Any], x: Any) -> None:
    """Hands over the values of this moment, unless Keras only asks for shapes."""
    if x.device.type == "meta":
        return
    hand_over(*(keras.ops.convert_to_numpy(value) for value in values))


def as_loader(data: Data) -> Any:
    tensors = torch.utils.data.TensorDataset(torch.tensor(data.X), torch.tensor(data.y))
    return torch.utils.data.DataLoader(tensors, batch_size=BATCH)


def step_of(model: keras.Model, x: Any, y: Any) -> tuple[Any, Any]:
    """One step of the optimizer; the loss, and what the model said of x."""
    model.zero_grad()
    predicted = model(x, training=True)
    loss = model.compute_loss(x, y, predicted)
    loss.backward()
    weights = model.trainable_weights
    gradients = [weight.value.grad for weight in weights]
    with torch.no_grad():
        model.optimizer.apply(gradients, weights)
    return loss, predicted


class Stepping(keras.Model):  # type: ignore[misc]
    """A model with a train_step of its own."""

    def train_step(self, data: Any) -> Any:
        x, y, *_ = keras.utils.unpack_x_y_sample_weight(data)
        _, predicted = step_of(self, x, y)
        return self.compute_metrics(x, y, predicted)


def own_loop() -> Run:
    def run(model: keras.Model, data: Data) -> Any:
        batches = ((torch.tensor(x), torch.tensor(y)) for x, y in data.batches())
        return [float(step_of(model, x, y)[0]) for x, y in batches]

    return run


DATA = {"DataLoader": as_loader}
LOOPS = [Way("backward()", own_loop())]
# What torch.compile compiles is refused, at once and always; to compile it takes minutes a cell.
COMPILED: dict[str, dict[str, Any]] = {}
COMPILED_LOOPS: list[Way] = []
