"""Ways to call a layer that few programs use: seen once each, with the right number, or said."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import stateviz
from stateviz.recording import Recording, RecordingWarning

SAMPLES, TIMESTEPS, FEATURES, UNITS = 8, 5, 2, 3
X = np.random.default_rng(0).normal(size=(SAMPLES, TIMESTEPS, FEATURES)).astype("float32")
Y = np.zeros((SAMPLES, 1), "float32")


class Decoder(keras.Model):  # type: ignore[misc]
    """Feeds what it predicts back into its layer, in a loop of the graph."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.lstm = keras.layers.LSTM(UNITS, name="lstm")
        self.dense = keras.layers.Dense(FEATURES)
        self.how = how

    def build(self, _: Any) -> None:
        self.lstm.build((None, TIMESTEPS, FEATURES))
        self.dense.build((None, UNITS))

    def once(self, x: Any, last: Any) -> Any:
        return self.dense(self.lstm(ops.concatenate([x[:, 1:], last[:, None]], 1)))

    def loop(self, x: Any, last: Any) -> Any:
        going_on = (tf.constant(0), last)
        return tf.while_loop(
            lambda i, _: i < 3, lambda i, each: (i + 1, self.once(x, each)), going_on
        )[1]

    @tf.function  # type: ignore[untyped-decorator]
    def in_a_function(self, x: Any) -> Any:
        last = x[:, 0]
        for _ in tf.range(3):
            last = self.once(x, last)
        return last

    def call(self, x: Any, training: bool | None = None) -> Any:
        if self.how == "function":
            return self.in_a_function(x)
        if self.how == "loop":
            return self.loop(x, x[:, 0])
        if self.how == "loop last":
            return self.loop(x, self.once(x, x[:, 0]))
        if self.how == "loop first":
            return self.once(x, self.loop(x, x[:, 0]))
        return tf.map_fn(lambda each: self.once(each[None], each[None, 0])[0], x)


def decoded(how: str, run: Callable[[keras.Model], Any], **options: Any) -> Recording:
    keras.utils.set_random_seed(0)
    model = Decoder(how)
    model.build(X.shape)
    model.compile("sgd", "mse", **options)
    with stateviz.record(model) as recording:
        run(model)
    return recording


def fitted(model: keras.Model) -> None:
    model.fit(X, X[:, 0], batch_size=4, epochs=2, shuffle=False, verbose=0)


def predicted(model: keras.Model) -> None:
    model.predict(X, batch_size=4, verbose=0)


@pytest.mark.parametrize("run", [fitted, predicted])
@pytest.mark.parametrize(
    ("how", "calls"), [("function", 3), ("loop", 3), ("loop last", 4), ("loop first", 4)]
)
def test_calls_in_a_loop_of_the_graph_have_the_number_of_their_batch_and_their_order(
    how: str, calls: int, run: Callable[[keras.Model], None], tmp_path: Path
) -> None:
    recording = decoded(how, run)
    batches = recording["lstm"].batches
    epochs = 2 if run is fitted else 1
    assert [batch.batch for batch in batches] == ([0] * calls + [1] * calls) * epochs
    if run is predicted:
        # Each call reads what the weights make of the call before: the order, seen in the data.
        keras.utils.set_random_seed(0)
        model = Decoder(how)
        model.build(X.shape)
        last = X[:0]
        for number, batch in enumerate(batches):
            if number % calls == 0:
                last = X[4 * batch.batch : 4 * batch.batch + 4, 0]  # type: ignore[index, operator]
            np.testing.assert_allclose(batch.inputs[:, -1], last, atol=1e-6)  # type: ignore[index]
            last = model.dense(batch.final_hidden_state).numpy()
    assert stateviz.load(recording.save(tmp_path / "run")) == recording


def test_a_function_in_an_eager_step_counts_by_the_step_too() -> None:
    recording = decoded("function", fitted, run_eagerly=True)
    assert [batch.batch for batch in recording["lstm"].batches] == ([0] * 3 + [1] * 3) * 2


def test_each_element_of_a_map_is_a_call_of_its_batch() -> None:
    batches = decoded("map", predicted)["lstm"].batches
    assert [batch.batch for batch in batches] == [0] * 4 + [1] * 4
    read = np.concatenate([batch.inputs[:, :-1] for batch in batches])  # type: ignore[index]
    assert {each.tobytes() for each in read} == {each.tobytes() for each in X[:, 1:]}


def lstm_model(**options: Any) -> keras.Model:
    layers = [keras.layers.LSTM(UNITS, name="lstm"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input(X.shape[1:]), *layers])
    model.compile("sgd", "mse", **options)
    return model


def test_what_a_gradient_computes_once_more_is_recorded_once() -> None:
    with keras.RematScope(mode="full"):
        model = lstm_model(run_eagerly=True)
    with stateviz.record(model) as recording:
        model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
    assert [batch.batch for batch in recording["lstm"].batches] == [0, 1, 0, 1]


class OfClass(keras.layers.Layer):  # type: ignore[misc]
    """Calls another layer by a function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)


def vectorized(lstm: keras.layers.LSTM) -> Any:
    predicted(keras.Sequential([Vectorized(lstm)]))


class Vectorized(keras.layers.Layer):  # type: ignore[misc]
    def __init__(self, lstm: keras.layers.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def call(self, x: Any) -> Any:
        return ops.vectorized_map(lambda row: self.lstm(row[None])[0], x)


def in_a_pipeline(lstm: keras.layers.LSTM) -> None:
    for _ in tf.data.Dataset.from_tensor_slices(X).batch(4).map(lambda x: lstm(x)):
        pass


@pytest.mark.parametrize(
    ("run", "words"), [(vectorized, "tf.vectorized_map"), (in_a_pipeline, "tf.data")]
)
def test_what_runs_unseen_is_said(run: Callable[[Any], None], words: str) -> None:
    lstm = keras.layers.LSTM(UNITS, name="lstm")
    lstm.build(X.shape)
    with pytest.warns(RecordingWarning, match=rf"'lstm' ran, but .*{words}"):
        with stateviz.record(lstm) as recording:
            run(lstm)
    assert not recording["lstm"].batches
    with pytest.raises(ValueError, match=rf"nothing to play\. Not recorded: 'lstm' ran.*{words}"):
        stateviz.play_batches(recording)


def test_a_function_that_is_called_as_one_of_tensorflows_hides_nothing() -> None:
    model = lstm_model()

    def wrapper_helper() -> None:
        inner_recompute_grad()

    def inner_recompute_grad() -> None:
        _pfor_impl()

    def _pfor_impl() -> None:
        model.fit(X, Y, batch_size=4, verbose=0)

    with warnings.catch_warnings():
        warnings.simplefilter("error", RecordingWarning)
        with stateviz.record(model) as recording:
            wrapper_helper()
    assert len(recording["lstm"].batches) == 2


class Forecaster(keras.Model):  # type: ignore[misc]
    """Warms its layer up, and then steps the layer's cell by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = keras.layers.LSTMCell(UNITS, name="cell")
        self.rnn = keras.layers.RNN(self.cell, return_state=True, name="rnn")
        self.dense = keras.layers.Dense(FEATURES)

    def call(self, x: Any, steps: int = 2) -> Any:
        output, *state = self.rnn(x)
        for _ in range(steps):
            output, state = self.cell(self.dense(output), state)
        return output


@pytest.mark.parametrize("compiled", [False, True])
def test_a_cell_that_is_stepped_by_hand_too_is_said(compiled: bool) -> None:
    model = Forecaster()
    model(X)
    run = model.predict if compiled else model
    with pytest.warns(RecordingWarning, match="'rnn' ran, but its cell was stepped by hand too"):
        with stateviz.record(model) as recording:
            run(X)
    assert len(recording["rnn"].batches) == 1


def test_a_cell_that_only_its_layer_steps_needs_no_word() -> None:
    layer = keras.layers.RNN(
        [keras.layers.LSTMCell(UNITS, dropout=0.2), keras.layers.GRUCell(2)], name="rnn"
    )
    model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Bidirectional(layer)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with stateviz.record(model):
            predicted(model)


class SumOfAll(keras.layers.LSTM):  # type: ignore[misc]
    def call(self, sequences: Any, **_: Any) -> Any:
        return ops.sum(sequences, 1)


def test_a_layer_with_a_call_of_its_own_is_said_to_have_run() -> None:
    layer = SumOfAll(FEATURES, name="own")
    layer.build(X.shape)
    with pytest.warns(RecordingWarning, match="'own' ran, but in a call of its own class"):
        with stateviz.record(layer) as recording:
            layer(X)
    assert "run the model inside" not in repr(recording)
    assert "'own' ran, but in a call of its own class" in repr(recording)


@keras.saving.register_keras_serializable()
class MatrixCell(keras.layers.Layer):  # type: ignore[misc]
    """Holds a matrix for each row, and halves it."""

    state_size = ((3, 2),)
    output_size = 3

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], 2))

    def call(self, x: Any, states: Any) -> Any:
        new = states[0] * 0.5 + ops.expand_dims(x @ self.kernel, 1)
        return ops.sum(new, -1), [new]

    def get_initial_state(self, batch_size: int) -> Any:
        return [ops.zeros((batch_size, 3, 2))]


def test_cells_whose_states_have_a_shape_are_told_apart() -> None:
    cells = [MatrixCell(name="matrix"), keras.layers.GRUCell(UNITS, name="gru")]
    layer = keras.layers.RNN(cells, return_sequences=True, name="rnn")
    model = keras.Sequential([keras.Input(X.shape[1:]), layer])
    with stateviz.record(model) as recording:
        outputs = model.predict(X, verbose=0)
    assert recording["rnn/matrix"].hidden_state.shape == (1, SAMPLES, TIMESTEPS, 3, 2)
    np.testing.assert_array_equal(recording["rnn/gru"].hidden_state[0], outputs)


class OwnFit(keras.Model):  # type: ignore[misc]
    """A class with methods of its own around Keras's, which name none of their arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = keras.layers.LSTM(UNITS, name="lstm")
        self.dense = keras.layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.dense(self.lstm(x))

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        return super().fit(*args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        return super().evaluate(*args, **kwargs)


def stood_in(model: keras.Model) -> keras.Model:
    keras_fit = model.fit
    model.fit = lambda *args, **kwargs: keras_fit(*args, **kwargs)
    return model


@pytest.mark.parametrize("made", [OwnFit, lambda: stood_in(OwnFit()), lambda: lstm_model()])
def test_epochs_and_validation_are_known_whatever_signature_fit_has(
    made: Callable[[], keras.Model],
) -> None:
    model = made()
    model(X)
    model.compile("sgd", "mse")
    with stateviz.record(model) as recording:
        model.fit(X, Y, batch_size=4, epochs=2, validation_data=(X, Y), verbose=0)
    seen = [(batch.phase, batch.epoch, batch.batch) for batch in recording["lstm"].batches]
    one = [("fit", 0), ("fit", 1), ("validation", 0), ("validation", 1)]
    assert seen == [(phase, epoch, batch) for epoch in (0, 1) for phase, batch in one]
    kinds = [event.kind for event in recording.events]
    assert kinds.count("epoch began") == kinds.count("epoch ended") == 2


def test_a_model_behind_a_function_that_ran_before_runs_on() -> None:
    inner = lstm_model()
    model = keras.Sequential([keras.Input(X.shape[1:]), OfClass(lambda x: inner(x))])
    before = model.predict(X, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordingWarning)
        with stateviz.record(inner):
            np.testing.assert_array_equal(model.predict(X, verbose=0), before)


@pytest.mark.parametrize("kind", [keras.layers.LSTM, keras.layers.GRU])
@pytest.mark.parametrize("batch_size", [None, 4])
def test_what_keras_refuses_is_refused_in_a_block_too(kind: Any, batch_size: int | None) -> None:
    def ends(record: bool) -> Any:
        keras.utils.set_random_seed(0)
        inputs = keras.Input(batch_shape=(batch_size, *X.shape[1:]))
        model = keras.Sequential([inputs, kind(UNITS, dropout=0.2, implementation=1)])
        model.compile("sgd", "mse")
        try:
            if not record:
                return model.fit(X, Y, batch_size=4, verbose=0).history
            with stateviz.record(model):
                return model.fit(X, Y, batch_size=4, verbose=0).history
        except ValueError as error:
            return type(error)

    assert ends(record=True) == ends(record=False)


def test_a_layer_that_reads_nothing_plays() -> None:
    nothing = np.zeros((4, TIMESTEPS, 0), "float32")
    model = keras.Sequential([keras.Input(nothing.shape[1:]), keras.layers.LSTM(UNITS)])
    with stateviz.record(model) as recording:
        model.predict(nothing, verbose=0)
    for play in (stateviz.play_batches, stateviz.play_sequence, stateviz.play_resets):
        play(recording).close()


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_recorder_that_has_recorded_is_copied_with_what_it_recorded(
    copied: Callable[[Any], Any],
) -> None:
    recorder, model = stateviz.StateRecorder(units=[0]), lstm_model()
    model.predict(X, verbose=0, callbacks=[recorder])
    again = copied(recorder)
    assert again.recording == recorder.recording
    model.predict(X[:4], verbose=0, callbacks=[again])
    assert again.recording["lstm"].hidden_state.shape == (1, 4, TIMESTEPS, 1)
    assert recorder.recording["lstm"].hidden_state.shape == (1, SAMPLES, TIMESTEPS, 1)


def test_an_interrupt_while_a_layer_runs_leaves_no_dropout_mask() -> None:
    layer = keras.layers.GRU(UNITS, dropout=0.2, name="gru")
    layer.build(X.shape)

    def interrupt(_: Any) -> Any:
        raise KeyboardInterrupt

    with stateviz.record(layer):
        layer.cell.activation = interrupt
        with pytest.raises(KeyboardInterrupt):
            layer(X, training=True)
    assert layer.cell._dropout_mask is None
