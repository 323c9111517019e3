"""Keras on JAX: what is compiled, by Keras or by hand, stays as it was, and is seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import stateviz
from tests.backends.keras_models import L, a_model, keras

REPOSITORY = Path(__file__).resolve().parent.parent.parent
X = np.random.default_rng(1).normal(size=(8, 5, 2)).astype("float32")
Y = np.random.default_rng(2).normal(size=(8, 1)).astype("float32")


def test_nothing_is_left_on_a_model_or_on_keras() -> None:
    rnn = sys.modules["keras.src.backend.jax.rnn"]
    lax = vars(rnn)["lax"]
    model = a_model()
    model.fit(X, Y, verbose=0)
    before = [dict(vars(each)) for each in (model, model.layers[0])]
    with stateviz.record(model, gates=True):
        model.fit(X, Y, verbose=0)
        model.predict(X, verbose=0)
        assert vars(rnn)["lax"] is not lax
    assert vars(rnn)["lax"] is lax
    for each, had in zip((model, model.layers[0]), before, strict=True):
        new = {name for name, value in vars(each).items() if had.get(name) is not value}
        assert new <= {
            "history",
            "stop_predicting",
            "_jax_state_synced",
            "train_function",
            "predict_function",
        }


def test_a_function_compiled_by_hand_is_seen_in_the_block_and_as_it_was_after_it() -> None:
    model = a_model()
    traces = 0

    def traced(x: Any) -> Any:
        nonlocal traces
        traces += 1
        return model(x)

    answer = jax.jit(traced)
    expected = np.asarray(answer(X))
    with stateviz.record(model) as recording:
        for _ in range(3):
            assert np.asarray(answer(X)).tobytes() == expected.tobytes()
    assert [batch.phase for batch in recording["lstm"].batches] == ["call"] * 3
    assert np.asarray(answer(X)).tobytes() == expected.tobytes()
    assert traces == 2  # before the block and in it, not once more after it
    assert "callback" not in str(jax.make_jaxpr(lambda x: model(x))(X))


def test_a_gradient_of_ones_own_is_the_same_compiled_or_not() -> None:
    model = a_model()
    weights = [variable.value for variable in model.trainable_variables]
    seeds = [variable.value for variable in model.non_trainable_variables]

    def loss(weights: Any) -> Any:
        predicted, _ = model.stateless_call(weights, seeds, X, training=True)
        return ((predicted - Y) ** 2).mean()

    for gradient in (jax.value_and_grad(loss), jax.jit(jax.value_and_grad(loss))):
        expected = [np.asarray(each) for each in jax.tree.leaves(gradient(weights))]
        with stateviz.record(model) as recording:
            found = [np.asarray(each) for each in jax.tree.leaves(gradient(weights))]
        assert [a.tobytes() for a in found] == [b.tobytes() for b in expected]
        assert len(recording["lstm"].batches) == 1


class OwnStep(keras.Model):  # type: ignore[misc]
    """A model with a loss, a gradient and a step of its own."""

    def loss_of(self, weights: Any, others: Any, x: Any, y: Any) -> Any:
        predicted, others = self.stateless_call(weights, others, x, training=True)
        return ((predicted - y) ** 2).mean(), others

    def train_step(self, state: Any, data: Any) -> Any:
        weights, others, of_optimizer, metrics = state
        x, y = data[:2]
        find = jax.value_and_grad(self.loss_of, has_aux=True)
        (loss, others), gradients = find(weights, others, x, y)
        weights, of_optimizer = self.optimizer.stateless_apply(of_optimizer, gradients, weights)
        return {"loss": loss}, (weights, others, of_optimizer, metrics)


def test_a_train_step_of_ones_own_is_seen() -> None:
    def made() -> keras.Model:
        keras.utils.set_random_seed(5)
        inputs = keras.Input((5, 2))
        model = OwnStep(inputs, L.Dense(1)(L.LSTM(4, name="lstm")(inputs)))
        model.compile("adam")
        return model

    plain, model = made(), made()
    expected = plain.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    with stateviz.record(model) as recording:
        found = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    assert found == expected
    for one, other in zip(plain.get_weights(), model.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()
    assert [(b.phase, b.epoch, b.batch) for b in recording["lstm"].batches] == [
        ("fit", epoch, batch) for epoch in (0, 1) for batch in (0, 1)
    ]


def test_a_step_that_is_called_by_hand_returns_what_keras_says() -> None:
    model = a_model()
    model.fit(X, Y, verbose=0)
    state = model._get_jax_state(trainable_variables=True, non_trainable_variables=True)
    with stateviz.record(model):
        result, _ = model.predict_step(state, (X,))
    np.testing.assert_allclose(np.asarray(result), model.predict(X, verbose=0), atol=1e-6)


def test_steps_per_execution_gives_each_batch_its_own_record() -> None:
    model = a_model()
    model.compile("sgd", "mse", steps_per_execution=2)
    with stateviz.record(model) as recording:
        model.fit(X, Y, batch_size=2, epochs=1, verbose=0)
        model.predict(X, batch_size=2, verbose=0)
    assert len(recording["lstm"].batches) == 8


def test_each_of_what_is_vectorized_is_seen() -> None:
    model = a_model()
    many = np.stack([X, X + 1])
    expected = np.asarray(jax.vmap(model)(many))
    with stateviz.record(model) as recording:
        found = np.asarray(jax.vmap(model)(many))
    assert found.tobytes() == expected.tobytes()
    read = [batch.inputs for batch in recording["lstm"].batches]
    np.testing.assert_array_equal(sorted(read, key=np.sum), sorted(many, key=np.sum))  # type: ignore[arg-type]


def test_what_only_a_shadow_could_show_is_refused_in_a_function_of_ones_own() -> None:
    model = a_model(unroll=True)
    with stateviz.record(model), pytest.raises(ValueError, match="is unrolled, reads a single"):
        jax.jit(model)(X)
    np.asarray(jax.jit(model)(X))


TWO_DEVICES = """
import contextlib, sys, keras, numpy as np, stateviz

devices = keras.distribution.list_devices("cpu")
assert len(devices) == 2
keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
X = np.random.default_rng(1).normal(size=(16, 5, 2)).astype("float32")


class InALoop(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.rnn = keras.layers.LSTM(2, return_sequences=True, name="looped")

    def build(self, shape):
        self.rnn.build(shape)

    def call(self, x):
        return keras.ops.fori_loop(0, 2, lambda _, before: self.rnn(before), x)

    def compute_output_shape(self, shape):
        return shape


def run(gates, record):
    keras.utils.set_random_seed(0)
    lstm = keras.layers.LSTM(3, name="lstm")
    model = keras.Sequential([keras.Input((5, 2)), InALoop(), lstm, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    block = stateviz.record(model, gates=gates) if record else contextlib.nullcontext()
    with block as recording:
        model.predict(X, batch_size=8, verbose=0) if gates else None
        model.fit(X, X[:, 0, :1], batch_size=8, verbose=0) if not gates else None
    return [weight.tobytes() for weight in model.get_weights()], recording


for gates in (False, True):
    bare, recorded = run(gates, False)[0], run(gates, True)
    assert recorded[0] == bare
    assert len(recorded[1]["lstm"].batches) == 2
    assert not recorded[1]["looped"].batches
    assert "'looped' ran, but in a loop" in recorded[1].stopped
print("both")
"""


def test_on_several_devices_steps_are_seen_and_a_loop_runs_on_and_is_named() -> None:
    """JAX refuses ordered calls of the host in a program for several devices."""
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TWO_DEVICES],
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == "both", found.stderr
