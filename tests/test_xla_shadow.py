"""What XLA would compute another way if it were looked at: it is seen in the function's shadow."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from tests.building.recordings import there
from tests.references import states_of_cell
from tests.test_xla import SOME, X, Y, everything

pytestmark = pytest.mark.full

Build = Callable[[Any], Any]


def a_model(build: Build) -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input(batch_shape=(4, 5, 2))
    model = keras.Model(inputs, keras.layers.Dense(1)(build(inputs)))
    model.compile("adam", "mse", jit_compile=True)
    return model


def stacked(inputs: Any) -> Any:
    cells = [keras.layers.LSTMCell(3, dropout=0.3), keras.layers.GRUCell(2)]
    return keras.layers.RNN(cells, stateful=True, name="rnn")(keras.layers.Masking()(inputs))


def lstm(**options: Any) -> Build:
    return lambda inputs: keras.layers.LSTM(3, stateful=True, name="rnn", **options)(inputs)


@pytest.mark.parametrize(
    ("build", "gates"),
    [
        pytest.param(lstm(unroll=True, dropout=0.3, recurrent_dropout=0.2), True, id="unrolled"),
        pytest.param(stacked, False, id="masked, several cells"),
        pytest.param(lstm(dropout=0.3), True, id="gates", marks=pytest.mark.nightly),
    ],
)
def test_a_training_stays_the_same_and_is_seen(build: Build, gates: bool) -> None:
    expected = everything(a_model(build))
    model = a_model(build)
    with stateviz.record(model, gates=gates) as recording:
        assert everything(model) == expected
    for layer in recording.values():
        batches = layer.batches
        assert len(batches) == 2 * 4 + 3 + 3 + 1 + 1
        assert [b.phase for b in batches[:4]] == ["fit"] * 3 + ["validation"]
        assert {batch.origin for batch in batches[1:3]} == {"carried"}
        assert layer.ends_within < 1e-6
        assert all((batch.gates is not None) == gates for batch in batches)


def test_the_states_are_those_of_numpy_and_go_on_with_the_layers_own_bits() -> None:
    model = a_model(lstm(unroll=True))
    with stateviz.record(model) as recording:
        model.predict(X, **SOME)
    layer = model.get_layer("rnn")
    for batch, x in zip(recording["rnn"].batches, X.reshape(3, 4, 5, 2), strict=True):
        initial = [batch.initial_hidden_state, there(batch.initial_cell_state)]
        h, c = states_of_cell(layer.cell, layer.get_weights(), x, initial, None)
        np.testing.assert_allclose(batch.hidden_state, h, atol=1e-6)
        np.testing.assert_allclose(there(batch.cell_state), c, atol=1e-6)
    held = [state.numpy() for state in layer.states]
    np.testing.assert_array_equal(batch.final_hidden_state, held[0])
    np.testing.assert_array_equal(batch.final_cell_state, held[1])
    assert [b.origin for b in recording["rnn"].batches] == ["reset", "carried", "carried"]


def test_the_next_batch_goes_on_with_the_layers_own_bits_not_with_the_shadows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tensorflow = import_module("stateviz.recorder.backends.tensorflow")

    def a_little_off(*args: Any, **kwargs: Any) -> Any:
        (last, outputs, final), held = loop_with_states(*args, **kwargs)
        return (
            last,
            outputs,
            keras.tree.map_structure(lambda state: state * 1.000001, final),
        ), held

    loop_with_states = tensorflow.loop_with_states
    monkeypatch.setattr(tensorflow, "loop_with_states", a_little_off)
    model = a_model(lstm(unroll=True))
    with stateviz.record(model) as recording:
        model.fit(X, Y, epochs=2, shuffle=False, **SOME)
    assert [b.origin for b in recording["rnn"].batches] == ["reset", *["carried"] * 5]


def test_a_layer_that_is_called_twice_ends_twice() -> None:
    layer = keras.layers.LSTM(3, stateful=True, unroll=True, name="rnn")
    model = a_model(lambda inputs: keras.layers.Add()([layer(inputs), layer(2 * inputs)]))
    with stateviz.record(model) as recording:
        model.predict(X[:8], **SOME)
    batches = recording["rnn"].batches
    assert [batch.origin for batch in batches] == ["reset", *["carried"] * 3]
    for before, after in pairwise(batches):
        np.testing.assert_array_equal(before.final_cell_state, after.initial_cell_state)
    assert [batch.batch for batch in batches] == [0, 0, 1, 1]


class Counts(keras.layers.Layer):  # type: ignore[misc]
    """Adds to a variable of TensorFlow's own, and lets it into its result or not."""

    def __init__(self, *, shows: bool) -> None:
        super().__init__()
        self.counter, self.shows = tf.Variable(0.0), shows

    def call(self, x: Any) -> Any:
        self.counter.assign_add(1.0)
        return x + self.counter if self.shows else x


def test_what_a_function_does_beside_it_is_done_once() -> None:
    counts = Counts(shows=False)
    model = a_model(lambda inputs: lstm(unroll=True)(counts(inputs)))
    begun = float(counts.counter.numpy())
    with stateviz.record(model) as recording:
        model.predict(X, **SOME)
    assert float(counts.counter.numpy()) == begun + 3
    assert len(recording["rnn"].batches) == 3


def test_what_can_be_done_only_once_is_refused_before_anything_ran() -> None:
    counts = Counts(shows=True)
    model = a_model(lambda inputs: lstm(unroll=True)(counts(inputs)))
    begun = float(counts.counter.numpy())
    with stateviz.record(model), pytest.raises(ValueError, match="cannot be run twice"):
        model.predict(X, **SOME)
    assert float(counts.counter.numpy()) == begun
    with stateviz.record(model) as recording:
        model(X[:4])
    assert len(recording["rnn"].batches) == 1


def test_weights_that_the_function_has_changed_before_are_not_read_as_they_were() -> None:
    model = a_model(lstm(unroll=True))
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)

    def train_and_read(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        weights = model.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return model(x)

    before = model.get_weights()
    with stateviz.record(model), pytest.raises(ValueError, match="cannot be run twice"):
        tf.function(train_and_read, jit_compile=True)(X[:4], Y[:4])
    assert all(map(np.array_equal, model.get_weights(), before))
