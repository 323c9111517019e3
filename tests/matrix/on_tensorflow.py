"""Trainings of one's own, data and XLA on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tests.matrix.configurations import BATCH
from tests.matrix.data import Data
from tests.matrix.way import Run, Way

VERSION = f"TensorFlow {tf.__version__}"
FAILURES = (ValueError, tf.errors.OpError, NotImplementedError)
EVERY_BATCH = True
CARRIES = True
EXACT = True
HAS_FLOAT64 = True
HAS_GRADIENTS = True


def keep(hand_over: Callable[..., None], values: Sequence[Any], x: Any) -> None:
    """Hands over the values of this moment, now or when the graph runs."""
    if tf.executing_eagerly():
        hand_over(*(value.numpy() for value in values))
    elif values:
        tf.numpy_function(hand_over, values, [])


def as_dataset(data: Data) -> Any:
    return tf.data.Dataset.from_tensor_slices((data.X, data.y)).batch(BATCH).prefetch(2)


class Stepping(keras.Model):  # type: ignore[misc]
    """A model with a train_step of its own."""

    def train_step(self, data: Any) -> Any:
        x, y, *_ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x, y, predicted)
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return self.compute_metrics(x, y, predicted)


def own_loop(*, compiled: bool, **options: Any) -> Run:
    def run(model: keras.Model, data: Data) -> Any:
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
            weights = model.trainable_variables
            gradients = tape.gradient(loss, weights)
            model.optimizer.apply_gradients(zip(gradients, weights, strict=True))
            return loss

        step = tf.function(step, **options) if compiled else step
        return [float(step(tf.constant(x), tf.constant(y))) for x, y in data.batches()]

    return run


DATA = {"tf.data": as_dataset}
LOOPS = [
    Way("GradientTape", own_loop(compiled=False)),
    Way("GradientTape in a tf.function", own_loop(compiled=True)),
]
COMPILED: dict[str, dict[str, Any]] = {}
COMPILED_LOOPS: list[Way] = []
