"""Keras on JAX or PyTorch: ways to call a layer that few programs use, seen once each, or said."""

from __future__ import annotations

import contextlib
import tempfile
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.recording import RecordingWarning
from tests.backends.keras_models import L, keras

BACKEND = keras.backend.backend()
X = np.random.default_rng(1).normal(size=(8, 5, 2)).astype("float32")
Y = np.random.default_rng(2).normal(size=(8, 1)).astype("float32")
of_jax = pytest.mark.skipif(BACKEND != "jax", reason="is JAX's")
of_torch = pytest.mark.skipif(BACKEND != "torch", reason="is PyTorch's")


class Calls(keras.Model):  # type: ignore[misc]
    """A model whose LSTM is called by a function that is given."""

    def __init__(self, how: Any) -> None:
        super().__init__()
        keras.utils.set_random_seed(0)
        self.lstm = L.LSTM(3, name="lstm")
        self.dense = L.Dense(1)
        self.how = how

    def build(self, _: Any) -> None:
        self.lstm.build((None, *X.shape[1:]))
        self.dense.build((None, 3))

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.dense(self.how(self.lstm, x))


def fitted(how: Any, *, record: bool) -> tuple[Any, Any]:
    model = Calls(how)
    model.build(X.shape)
    model.compile("sgd", "mse")
    with stateviz.record(model) if record else contextlib.nullcontext() as recording:
        history = model.fit(X, Y, batch_size=4, epochs=2, verbose=0).history
    return [history, *(each.tobytes() for each in model.get_weights())], recording


def scanned(lstm: Any, x: Any) -> Any:
    import jax

    def step(carry: Any, _: Any) -> Any:
        after = carry + lstm(x + carry[:, None, :1])
        return after, after

    return jax.lax.scan(step, keras.ops.zeros((len(x), 3)), None, length=3)[0]


def vectorized(lstm: Any, x: Any) -> Any:
    factors = keras.ops.arange(3, dtype="float32")
    return keras.ops.sum(keras.ops.vectorized_map(lambda factor: lstm(x * factor), factors), 0)


def checkpointed(lstm: Any, x: Any) -> Any:
    return remat(lstm)(x)


def remat(function: Any) -> Any:
    if BACKEND == "jax":
        import jax

        return jax.checkpoint(function)
    import torch

    return lambda x: torch.utils.checkpoint.checkpoint(function, x, use_reentrant=False)


@of_jax
@pytest.mark.parametrize("how", [scanned, vectorized])
def test_what_a_program_of_jax_calls_many_times_is_seen_as_often(how: Any) -> None:
    expected, _ = fitted(how, record=False)
    ends, recording = fitted(how, record=True)
    assert ends == expected
    seen = [(batch.epoch, batch.batch) for batch in recording["lstm"].batches]
    assert seen == [(epoch, batch) for epoch in (0, 1) for batch in (0, 1) for _ in range(3)]
    with tempfile.TemporaryDirectory() as folder:
        assert stateviz.load(recording.save(f"{folder}/run")) == recording


@of_jax
def test_a_scan_that_is_differentiated_by_hand_is_seen() -> None:
    import jax

    lstm = L.LSTM(3, name="lstm")
    lstm.build(X.shape)
    weights = [each.value for each in lstm.trainable_variables]
    others = [each.value for each in lstm.non_trainable_variables]

    def loss(weights: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            outputs, _ = lstm.stateless_call(weights, others, x)
            return carry + outputs.sum(), None

        return jax.lax.scan(step, 0.0, np.stack([X, 2 * X]))[0]

    expected = jax.grad(loss)(weights)
    with stateviz.record(lstm) as recording:
        found = jax.grad(loss)(weights)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [batch.inputs[0, 0, 0] for batch in recording["lstm"].batches] == [  # type: ignore[index]
        X[0, 0, 0],
        2 * X[0, 0, 0],
    ]


def test_what_a_gradient_computes_once_more_is_seen_once_or_said() -> None:
    expected, _ = fitted(checkpointed, record=False)
    said: Any = contextlib.nullcontext()
    if BACKEND == "jax":
        said = pytest.warns(RecordingWarning, match=r"'lstm' ran, but inside of jax\.checkpoint")
    with said:
        ends, recording = fitted(checkpointed, record=True)
    assert ends == expected
    batches = [(batch.epoch, batch.batch) for batch in recording["lstm"].batches]
    assert batches == ([] if BACKEND == "jax" else [(0, 0), (0, 1), (1, 0), (1, 1)])


@of_torch
def test_a_vmap_runs_on_and_is_said() -> None:
    model = Calls(vectorized)
    model.build(X.shape)
    expected = model.predict(X, verbose=0)
    with pytest.warns(RecordingWarning, match="'lstm' ran, but where its tensors hold no numbers"):
        with stateviz.record(model):
            np.testing.assert_array_equal(model.predict(X, verbose=0), expected)


@of_torch
def test_each_recorder_names_the_other_where_it_is_given_what_that_one_records() -> None:
    import torch

    import stateviz.torch

    model = keras.Sequential([keras.Input((5, 2)), L.LSTM(3)])
    with pytest.raises(ValueError, match=r"layers are Keras's, which stateviz\.record records"):
        with stateviz.torch.record(model):
            pass
    with pytest.raises(TypeError, match=r"got LSTM: .*are recorded by stateviz\.torch\.record"):
        with stateviz.record(torch.nn.LSTM(2, 3)):
            pass


@of_torch
def test_a_module_of_pytorch_in_a_model_is_named_with_the_way_to_record_it() -> None:
    import torch

    wrapped = L.TorchModuleWrapper(torch.nn.LSTM(2, 3, batch_first=True))
    alone = keras.Sequential([wrapped, L.Lambda(lambda each: each[0])])
    alone(X)
    way_on = r"a module of PyTorch's own; stateviz\.torch\.record\(layer\.module\)"
    with pytest.raises(ValueError, match=way_on), stateviz.record(alone):
        pass
    both = keras.Sequential([wrapped, L.Lambda(lambda each: each[0]), L.GRU(2)])
    with pytest.warns(RecordingWarning, match=way_on), stateviz.record(both):
        both(X)
