"""Trainings of one's own on JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras

from tests.matrix.data import Data
from tests.matrix.way import Run, Way, recorded_without_gates

VERSION = f"JAX {jax.__version__}"
FAILURES = (ValueError, TypeError, NotImplementedError, jax.errors.JAXTypeError)
EVERY_BATCH = False  # what a compiled step calls would run in the recorder's forward pass too
CARRIES = False
EXACT = False  # what is derived ends within rounding of the layer's own
HAS_FLOAT64 = False  # unless JAX is told
HAS_GRADIENTS = False


def keep(hand_over: Callable[..., None], values: Sequence[Any], x: Any) -> None:
    """Nothing is handed over here."""


def gradients_of(model: keras.Model, state: Sequence[Any], x: Any, y: Any) -> Any:
    """A step of the optimizer, without side effects.

    Returns:
        The loss, and the trainable, the other and the optimizer's values.
    """
    trainable, others, optimizer = state

    def loss_of(trainable: Any, others: Any) -> Any:
        predicted, others = model.stateless_call(trainable, others, x, training=True)
        return model.compute_loss(x, y, predicted), others

    both = jax.value_and_grad(loss_of, has_aux=True)
    (loss, others), gradients = both(trainable, others)
    trainable, optimizer = model.optimizer.stateless_apply(optimizer, gradients, trainable)
    return loss, (trainable, others, optimizer)


class Stepping(keras.Model):  # type: ignore[misc]
    """A model with a train_step of its own."""

    def train_step(self, state: Any, data: Any) -> Any:
        x, y, *_ = keras.utils.unpack_x_y_sample_weight(data)
        *values, metrics = state
        loss, values = gradients_of(self, values, x, y)
        return {"loss": loss}, (*values, metrics)


def own_loop(*, compiled: bool) -> Run:
    def run(model: keras.Model, data: Data) -> Any:
        kinds = (model.trainable_variables, model.non_trainable_variables)
        model.optimizer.build(model.trainable_variables)
        variables = (*kinds, model.optimizer.variables)
        state: Any = [[each.value for each in group] for group in variables]

        def step(state: Any, x: Any, y: Any) -> Any:
            return gradients_of(model, state, x, y)

        step = jax.jit(step) if compiled else step
        losses = []
        for x, y in data.batches():
            loss, state = step(state, x, y)
            losses.append(float(loss))
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return losses

    return run


DATA: dict[str, Callable[[Data], Any]] = {}
LOOPS = [
    Way("value_and_grad", own_loop(compiled=False), recorded=recorded_without_gates),
    Way("value_and_grad in a jit", own_loop(compiled=True), recorded=recorded_without_gates),
]
COMPILED: dict[str, dict[str, Any]] = {
    "jit_compile=False": {"compile_options": {"jit_compile": False}}
}
COMPILED_LOOPS: list[Way] = []
