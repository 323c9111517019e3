"""What XLA compiles on TensorFlow: its states leave with its results, and nothing else changes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from stateviz.course import counting_model
from tests.building.recordings import there

pytestmark = pytest.mark.full

X = np.random.default_rng(0).normal(size=(12, 5, 2)).astype("float32")
Y = np.random.default_rng(1).normal(size=(12, 1)).astype("float32")
SOME = {"batch_size": 4, "verbose": 0}


def a_model(kind: str = "LSTM", **options: Any) -> keras.Model:
    keras.utils.set_random_seed(1)
    layer = getattr(keras.layers, kind)(3, name="rnn", **options)
    model = keras.Sequential([keras.Input(batch_shape=(4, 5, 2)), layer, keras.layers.Dense(1)])
    model.compile("adam", "mse", jit_compile=True)
    return model


def everything(model: keras.Model) -> list[bytes]:
    history = model.fit(X, Y, epochs=2, validation_data=(X[:4], Y[:4]), shuffle=False, **SOME)
    left = [
        *(value for values in history.history.values() for value in values),
        model.evaluate(X, Y, **SOME),
        model.predict(X, **SOME),
        model.train_on_batch(X[:4], Y[:4]),
        tf.function(model, jit_compile=True)(X[:4]),
        *model.get_weights(),
        *model.optimizer.variables,
    ]
    return [np.asarray(each).tobytes() for each in left]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("LSTM", {"stateful": True, "dropout": 0.3, "recurrent_dropout": 0.2}),
        pytest.param("SimpleRNN", {"stateful": True}, marks=pytest.mark.nightly),
    ],
)
def test_a_training_under_xla_stays_the_same_and_is_seen(kind: str, options: Any) -> None:
    expected = everything(a_model(kind, **options))
    model = a_model(kind, **options)
    with stateviz.record(model) as recording:
        assert everything(model) == expected
    batches = recording["rnn"].batches
    assert [b.phase for b in batches[:4]] == ["fit"] * 3 + ["validation"]
    assert len(batches) == 2 * 4 + 3 + 3 + 1 + 1
    assert batches[-1].phase == "call"
    for batch in batches:
        np.testing.assert_array_equal(there(batch.hidden_state)[:, -1], batch.final_hidden_state)
    if options.get("stateful"):
        origins = {batch.origin for batch in batches[1:3]}
        assert origins == {"carried"}


def test_what_was_recorded_counts_as_it_should() -> None:
    model = counting_model(batch_size=2, timesteps=3, stateful=True)
    model.compile("sgd", "mse", jit_compile=True)
    with stateviz.record(model) as recording:
        model.predict(np.ones((6, 3, 1)), batch_size=2, verbose=0)
    batches = recording["lstm"].batches
    assert [b.origin for b in batches] == ["reset", "carried", "carried"]
    counted = [there(b.cell_state)[0, :, 0].tolist() for b in batches]
    assert counted == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_the_function_itself_is_as_it_was_after_the_block() -> None:
    model = a_model()
    function = tf.function(model, jit_compile=True)
    expected = function(X[:4]).numpy()
    traces = function.experimental_get_tracing_count()
    with stateviz.record(model) as recording:
        assert function(X[:4]).numpy().tobytes() == expected.tobytes()
    assert len(recording["rnn"].batches) == 1
    assert function.experimental_get_tracing_count() == traces
    assert function(X[:4]).numpy().tobytes() == expected.tobytes()
    assert len(recording["rnn"].batches) == 1


def test_a_function_traced_before_is_noticed_inside_of_one_too() -> None:
    model = a_model()
    inner = tf.function(model)
    inner(X[:4])
    outer = tf.function(lambda x: inner(x), jit_compile=True)
    with stateviz.record(model), pytest.raises(RuntimeError, match="was traced before the record"):
        outer(X[:4])


def in_a_branch(model: keras.Model) -> Any:
    def run(x: Any) -> Any:
        if tf.reduce_sum(x) > 0:
            return model(x)
        return model(-x)

    return run


def test_in_a_branch_it_is_refused() -> None:
    model = a_model()
    with stateviz.record(model), pytest.raises(ValueError, match="in a branch, a loop or a func"):
        tf.function(in_a_branch(model), jit_compile=True)(X[:4])
