"""Every configuration of a recurrent layer in every way to run it: true, harmless, or refused.

`python -m tests.matrix` runs all of it (an hour on 2 cores) and writes docs/recorder.md; a run
that was interrupted goes on where it was.
`tests/test_matrix.py` runs a part of it, and compares it with what the page says.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import re
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import stateviz
from stateviz.recorder.block import _find_layers
from stateviz.recorder.capture import RecordingWarning
from stateviz.recording import Gates, GRUGates, Recording
from tests.references import LeakyCell, states_of_cell

SAMPLES, TIMESTEPS, FEATURES, UNITS, BATCH = 12, 5, 3, 4, 4
PAGE = Path(__file__).resolve().parent.parent / "docs" / "recorder.md"
SO_FAR = PAGE.with_name(".recorder-so-far.json")  # an interrupted run goes on from here

Wiring = Callable[[Any], Any]


# --- Configurations -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Configuration:
    """A model around recurrent layers.

    Attributes:
        name: What the page calls it.
        wire: From the model's input (samples, timesteps, features) to what its head reads.
        stateful: The batch size is fixed.
        masked: A Masking layer stands before; the data have leading, middle, trailing and
            whole gaps.
        samples: Rows of data, in batches of 4.
        space: The spatial shape of the input.
        timesteps: None where the model does not know their number.
        tolerance: Of the states against NumPy in float64.
        random: In training the layer draws dropout masks, so that its states are compared with
            their own gates' equations instead.
    """

    name: str
    wire: Wiring
    stateful: bool = False
    masked: bool = False
    samples: int = SAMPLES
    space: tuple[int, ...] = ()
    timesteps: int | None = TIMESTEPS
    tolerance: float = 1e-5
    random: bool = False


@keras.saving.register_keras_serializable("stateviz-tests")
class OwnLayer(keras.layers.Layer):
    """A layer of a user's own with a recurrent layer in it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inner = keras.layers.LSTM(UNITS, name="lstm")

    def build(self, shape: Any) -> None:
        self.inner.build(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.inner(x, training=training)


class OwnModel(keras.Model):
    """A subclassed model with a recurrent layer in it."""

    def __init__(self) -> None:
        super().__init__(name="own_model")
        self.inner = keras.layers.LSTM(UNITS, name="lstm")

    def call(self, x: Any, training: bool = False) -> Any:
        return self.inner(x, training=training)


class OwnLoop(keras.layers.LSTM):
    """A recurrent layer that does not run Keras's loop."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: Any) -> Any:
        return super().inner_loop(sequences, initial_state, mask, training)


def one(kind: str, **options: Any) -> Wiring:
    return lambda x: getattr(keras.layers, kind)(UNITS, **options)(x)


def around(*cells: Callable[[], Any], **options: Any) -> Wiring:
    def wire(x: Any) -> Any:
        made = [cell() for cell in cells]
        return keras.layers.RNN(made[0] if len(made) == 1 else made, **options)(x)

    return wire


def both_ways(stateful: bool = False, **options: Any) -> Wiring:
    layer = keras.layers.LSTM
    return lambda x: keras.layers.Bidirectional(layer(UNITS, stateful=stateful, **options))(x)


def convolved(rank: int, **options: Any) -> Wiring:
    layer = getattr(keras.layers, f"ConvLSTM{rank}D")
    return lambda x: layer(2, 2, **{"padding": "same", **options})(x)


def first_output(wire: Wiring) -> Wiring:
    return lambda x: wire(x)[0]


def from_constants(x: Any) -> Any:
    states = [keras.ops.ones_like(x[:, 0, :1]) * np.linspace(-1, 1, UNITS) for _ in range(2)]
    return keras.layers.LSTM(UNITS)(x, initial_state=states)


def from_an_encoder(x: Any) -> Any:
    _, *states = keras.layers.LSTM(UNITS, return_state=True, name="encoder")(x)
    return keras.layers.LSTM(UNITS, name="decoder")(x, initial_state=states)


def stacked(x: Any, **options: Any) -> Any:
    x = keras.layers.LSTM(UNITS, return_sequences=True, **options)(x)
    return keras.layers.LSTM(UNITS, **options)(x)


def called_twice(x: Any) -> Any:
    layer = keras.layers.LSTM(FEATURES, return_sequences=True, name="lstm")
    return layer(layer(x))


def in_a_nested_model(x: Any) -> Any:
    inputs = keras.Input(x.shape[1:])
    return keras.Model(inputs, keras.layers.LSTM(UNITS)(inputs), name="nested")(x)


def each_in_time(x: Any) -> Any:
    rows = keras.layers.Reshape((-1, 1))
    return keras.layers.TimeDistributed(keras.layers.LSTM(UNITS))(
        keras.layers.TimeDistributed(rows)(x)
    )


def cells() -> tuple[Callable[[], Any], ...]:
    return (
        lambda: keras.layers.LSTMCell(UNITS),
        lambda: keras.layers.GRUCell(UNITS + 1),
        lambda: keras.layers.SimpleRNNCell(UNITS),
    )


def dropping_cells() -> tuple[Callable[[], Any], ...]:
    return (
        lambda: keras.layers.LSTMCell(UNITS, dropout=0.3),
        lambda: keras.layers.GRUCell(UNITS, recurrent_dropout=0.3),
    )


CONFIGURATIONS = [
    Configuration("LSTM", one("LSTM")),
    Configuration("LSTM, return_sequences", one("LSTM", return_sequences=True)),
    Configuration("LSTM, return_state", first_output(one("LSTM", return_state=True))),
    Configuration("LSTM, go_backwards", one("LSTM", go_backwards=True)),
    Configuration("LSTM, unroll", one("LSTM", unroll=True)),
    Configuration(
        "LSTM, unroll, go_backwards, masked",
        one("LSTM", unroll=True, go_backwards=True),
        masked=True,
    ),
    Configuration("LSTM, stateful", one("LSTM", stateful=True), stateful=True),
    Configuration(
        "LSTM, stateful, go_backwards",
        one("LSTM", stateful=True, go_backwards=True),
        stateful=True,
    ),
    Configuration("LSTM, stateful, unroll", one("LSTM", stateful=True, unroll=True), stateful=True),
    Configuration("LSTM, masked", one("LSTM"), masked=True),
    Configuration(
        "LSTM, masked, zero_output_for_mask",
        one("LSTM", return_sequences=True, zero_output_for_mask=True),
        masked=True,
    ),
    Configuration("LSTM, stateful, masked", one("LSTM", stateful=True), stateful=True, masked=True),
    Configuration("LSTM, initial_state constant", from_constants),
    Configuration("LSTM, initial_state from an encoder", from_an_encoder),
    Configuration("LSTM, dropout", one("LSTM", dropout=0.3), random=True),
    Configuration("LSTM, recurrent_dropout", one("LSTM", recurrent_dropout=0.3), random=True),
    Configuration(
        "LSTM, dropout, stateful, unroll",
        one("LSTM", dropout=0.3, stateful=True, unroll=True),
        stateful=True,
        random=True,
    ),
    Configuration(
        "LSTM, relu and hard_sigmoid",
        one("LSTM", activation="relu", recurrent_activation="hard_sigmoid"),
    ),
    Configuration("LSTM, no bias", one("LSTM", use_bias=False)),
    Configuration(
        "RNN(LSTMCell, implementation=1)",
        around(lambda: keras.layers.LSTMCell(UNITS, implementation=1)),
    ),
    Configuration("LSTM, mixed_float16", one("LSTM", dtype="mixed_float16"), tolerance=5e-3),
    Configuration("LSTM, mixed_bfloat16", one("LSTM", dtype="mixed_bfloat16"), tolerance=5e-2),
    Configuration("LSTM, float64", one("LSTM", dtype="float64"), tolerance=1e-12),
    Configuration("LSTM, timesteps None", one("LSTM"), timesteps=None),
    Configuration("LSTM, a last short batch", one("LSTM"), samples=10),
    Configuration("LSTM, a last batch of one", one("LSTM"), samples=9),
    Configuration(
        "LSTM, stateful, a last batch of one",
        one("LSTM", stateful=True),
        stateful=True,
        samples=9,
    ),
    Configuration("two LSTMs, one on the other", stacked),
    Configuration(
        "two stateful LSTMs, one on the other",
        lambda x: stacked(x, stateful=True),
        stateful=True,
    ),
    Configuration("GRU", one("GRU")),
    Configuration("GRU, reset_after=False", one("GRU", reset_after=False)),
    Configuration("GRU, stateful, masked", one("GRU", stateful=True), stateful=True, masked=True),
    Configuration("GRU, unroll", one("GRU", unroll=True)),
    Configuration("GRU, dropout", one("GRU", dropout=0.3), random=True),
    Configuration(
        "RNN(GRUCell, implementation=1)",
        around(lambda: keras.layers.GRUCell(UNITS, implementation=1)),
    ),
    Configuration("SimpleRNN", one("SimpleRNN")),
    Configuration(
        "SimpleRNN, stateful, unroll", one("SimpleRNN", stateful=True, unroll=True), stateful=True
    ),
    Configuration("RNN(cell of your own)", around(lambda: LeakyCell(UNITS))),
    Configuration(
        "RNN(cell of your own), stateful, masked",
        around(lambda: LeakyCell(UNITS), stateful=True),
        stateful=True,
        masked=True,
    ),
    Configuration("RNN(cell of your own), unroll", around(lambda: LeakyCell(UNITS), unroll=True)),
    Configuration("RNN([cells])", around(*cells())),
    Configuration(
        "RNN([cells]), stateful, masked",
        around(*cells(), stateful=True),
        stateful=True,
        masked=True,
    ),
    Configuration("RNN([cells]), unroll", around(*cells(), unroll=True)),
    Configuration("RNN([cells]), dropout", around(*dropping_cells()), random=True),
    Configuration("Bidirectional", both_ways()),
    Configuration(
        "Bidirectional, return_sequences, masked",
        both_ways(return_sequences=True),
        masked=True,
    ),
    Configuration("Bidirectional, stateful", both_ways(stateful=True), stateful=True),
    Configuration("ConvLSTM1D", convolved(1), space=(4,)),
    Configuration("ConvLSTM2D", convolved(2), space=(3, 4)),
    Configuration("ConvLSTM2D, valid", convolved(2, padding="valid"), space=(3, 4)),
    Configuration("ConvLSTM3D", convolved(3), space=(2, 3, 2)),
    Configuration("ConvLSTM1D, stateful", convolved(1, stateful=True), space=(4,), stateful=True),
    Configuration("ConvLSTM2D, dropout", convolved(2, dropout=0.3), space=(3, 4), random=True),
    Configuration("TimeDistributed(LSTM)", each_in_time),
    Configuration("TimeDistributed(LSTM), timesteps None", each_in_time, timesteps=None),
    Configuration("one LSTM called twice", called_twice),
    Configuration("in a nested model", in_a_nested_model),
    Configuration("in a layer of your own", lambda x: OwnLayer()(x)),
    Configuration("in a subclassed model", lambda x: OwnModel()(x)),
    Configuration("a subclass of LSTM with its own inner_loop", lambda x: OwnLoop(UNITS)(x)),
]


class MeanOverTime(keras.layers.Layer):
    """From any number of axes to (samples, features)."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def call(self, x: Any) -> Any:
        return keras.ops.mean(x, axis=range(1, len(x.shape) - 1))

    def compute_mask(self, x: Any, mask: Any = None) -> None:
        return None


class Snapshot(keras.layers.Layer):
    """Lets everything pass, and keeps the weights that the layers have at each run."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True
        self.taken: list[list[np.ndarray]] = []
        self.variables_of: Callable[[], list[Any]] = list

    def call(self, x: Any) -> Any:
        values = [variable.value for variable in self.variables_of()]
        if tf.executing_eagerly():
            self._keep(*(value.numpy() for value in values))
        elif values:
            tf.numpy_function(self._keep, values, [])
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
    if not way.xla:
        snapshot.variables_of = lambda: weights
    model.compile(
        keras.optimizers.Adam(0.01), "mse", weighted_metrics=["mae"], **way.compile_options
    )
    return model, snapshot


def recurrent_in(model: keras.Model) -> list[keras.layers.RNN]:
    return [each for each in model._flatten_layers() if isinstance(each, keras.layers.RNN)]


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


# --- Ways to run ----------------------------------------------------------------------------------

Run = Callable[[keras.Model, Data], Any]
OPTIONS = {"batch_size": BATCH, "verbose": 0}


class Stepping(keras.Model):
    """A model with a train_step of its own."""

    def train_step(self, data: Any) -> Any:
        x, y, *_ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x, y, predicted)
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return self.compute_metrics(x, y, predicted)


class Batches(keras.utils.PyDataset):
    """The batches of the data, from two workers."""

    def __init__(self, data: Data) -> None:
        super().__init__(workers=2)
        self.batches = list(data.batches())

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Any:
        return self.batches[index]


class Stops(keras.callbacks.Callback):
    """Ends the training after the second batch: quietly, or by an error."""

    def __init__(self, error: type[BaseException] | None = None) -> None:
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            self.model.stop_training = True
            if self.error is not None:
                raise self.error


def recorded_in_a_block(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    with stateviz.record(model, gates=True) as recording:
        results = run(model, data)
    return recording, results


def recorded_by_the_callback(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    recorder = stateviz.StateRecorder(gates=True)
    results = run(model, data, [recorder])
    return recorder.recording, results


def recorded_in_a_thread(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    returned: list[Any] = []

    def target() -> None:
        try:
            returned.append(recorded_in_a_block(model, data, run))
        except ValueError as error:
            returned.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if isinstance(returned[0], ValueError):
        raise returned[0]
    return returned[0]


def recorded_in_nested_blocks(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    with stateviz.record(model) as outer, stateviz.record(model, gates=True) as recording:
        results = run(model, data)
    assert [len(outer[name].batches) for name in outer] == [
        len(recording[name].batches) for name in recording
    ]
    return recording, results


def recorded_in_the_second_block(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    with stateviz.record(model):
        pass
    return recorded_in_a_block(model, data, run)


def recorded_beside_another_model(
    model: keras.Model, data: Data, run: Run
) -> tuple[Recording, Any]:
    # Made before the seed is set again, so that it does not move the other's random numbers.
    seeds = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
    kept = None if seeds is None else seeds.state.numpy()
    other = keras.Sequential(
        [keras.Input((TIMESTEPS, FEATURES)), keras.layers.LSTM(2, seed=1, name="other")]
    )
    if kept is not None:
        seeds.state.assign(kept)
    with stateviz.record(other) as beside:
        recording, results = recorded_in_a_block(model, data, run)
        other(np.zeros((2, TIMESTEPS, FEATURES), "float32"))
    assert len(beside["other"].batches) == 1
    return recording, results


@dataclass(frozen=True)
class Way:
    """A way to run a model.

    Attributes:
        name: What the page calls it.
        run: Runs a model on data, and with a callback if `recorded` brings one.
        compile_options: For `model.compile`.
        model_class: The class of the model.
        recorded: Runs it while it is recorded.
        xla: Whether it runs under XLA, where nothing can call the host, the test neither.
    """

    name: str
    run: Callable[..., Any]
    compile_options: dict[str, Any] = field(default_factory=dict)
    model_class: type[keras.Model] = keras.Model
    recorded: Callable[[keras.Model, Data, Run], tuple[Recording, Any]] = recorded_in_a_block
    xla: bool = False


def fit(model: keras.Model, data: Data, callbacks: Sequence[Any] = (), **options: Any) -> Any:
    history = model.fit(
        data.X, data.y, epochs=2, callbacks=list(callbacks), **{**OPTIONS, **options}
    )
    return history.history


def fit_on(source: Callable[[Data], Any], **options: Any) -> Run:
    def run(model: keras.Model, data: Data) -> Any:
        return model.fit(source(data), epochs=2, verbose=0, **options).history

    return run


def as_dataset(data: Data) -> Any:
    return tf.data.Dataset.from_tensor_slices((data.X, data.y)).batch(BATCH).prefetch(2)


def as_generator(data: Data) -> Any:
    while True:
        yield from data.batches()


def fit_from_a_generator(model: keras.Model, data: Data) -> Any:
    steps = len(list(data.batches()))
    return fit_on(as_generator, steps_per_epoch=steps)(model, data)


def fit_until(error: type[BaseException]) -> Run:
    def run(model: keras.Model, data: Data) -> Any:
        try:
            fit(model, data, [Stops(error)])
        except error:
            return "stopped"
        raise AssertionError("the error was lost")

    return run


def evaluate(model: keras.Model, data: Data, callbacks: Sequence[Any] = ()) -> Any:
    return model.evaluate(data.X, data.y, callbacks=list(callbacks), **OPTIONS)


def predict(model: keras.Model, data: Data, callbacks: Sequence[Any] = ()) -> Any:
    return model.predict(data.X, callbacks=list(callbacks), **OPTIONS)


def on_batches(model: keras.Model, data: Data) -> Any:
    X, y = data.X[:BATCH], data.y[:BATCH]
    return [model.train_on_batch(X, y), model.test_on_batch(X, y), model.predict_on_batch(X)]


def direct_calls(model: keras.Model, data: Data) -> Any:
    X = data.X[:BATCH]
    return [np.asarray(model(X, training=training)) for training in (False, True)]


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


def first_eight(data: Data) -> tuple[np.ndarray, np.ndarray]:
    return data.X[:8], data.y[:8]


WAYS = [
    Way("fit", fit),
    Way(
        "fit, validation_split",
        lambda model, data: fit(model, data, validation_split=1 / 3),
    ),
    Way(
        "fit, validation_data",
        lambda model, data: fit(model, data, validation_data=first_eight(data)),
    ),
    Way(
        "fit, class_weight",
        lambda model, data: fit(model, data, class_weight={0: 1.0, 1: 3.0}),
    ),
    Way("fit, sample_weight", lambda model, data: fit(model, data, sample_weight=data.weights)),
    Way("fit, tf.data", fit_on(as_dataset)),
    Way("fit, generator", fit_from_a_generator),
    Way("fit, PyDataset", fit_on(Batches, shuffle=False)),
    Way("fit, steps_per_execution=2", fit, {"steps_per_execution": 2}),
    Way("fit, run_eagerly", fit, {"run_eagerly": True}),
    Way("fit, own train_step", fit, model_class=Stepping),
    Way("fit, stop_training", lambda model, data: fit(model, data, [Stops()])),
    Way("fit, an error in a callback", fit_until(RuntimeError)),
    Way("fit, KeyboardInterrupt", fit_until(KeyboardInterrupt)),
    Way("evaluate", evaluate),
    Way("predict", predict),
    Way("train, test, predict_on_batch", on_batches),
    Way("model(x)", direct_calls),
    Way("GradientTape", own_loop(compiled=False)),
    Way("GradientTape in a tf.function", own_loop(compiled=True)),
    Way("StateRecorder in fit", fit, recorded=recorded_by_the_callback),
    Way("StateRecorder in evaluate", evaluate, recorded=recorded_by_the_callback),
    Way("StateRecorder in predict", predict, recorded=recorded_by_the_callback),
    Way("in a thread", fit, recorded=recorded_in_a_thread),
    Way("nested blocks", fit, recorded=recorded_in_nested_blocks),
    Way("a second block", fit, recorded=recorded_in_the_second_block),
    Way("two models", fit, recorded=recorded_beside_another_model),
    Way("fit, jit_compile=True", fit, {"jit_compile": True}, xla=True),
    Way("a tf.function, jit_compile=True", own_loop(compiled=True, jit_compile=True), xla=True),
]


# --- A cell of the table --------------------------------------------------------------------------


FAILURES = (ValueError, tf.errors.OpError, NotImplementedError)


@dataclass(frozen=True)
class Outcome:
    """What a configuration did in a way: "true and harmless", "refused" or "Keras fails", and how.

    Attributes:
        verdict: One of these words, or "not ..." where a promise does not hold.
        words: The message of the refusal or of Keras's own error; "" where it was recorded.
    """

    verdict: str
    words: str = ""


def outcome(configuration: Configuration, way: Way) -> Outcome:
    """Runs a configuration in a way, without and with the recorder."""
    data = data_for(configuration)
    plain, _ = model_of(configuration, way)
    failure = expected = None
    try:
        expected = way.run(plain, data)
    except FAILURES as error:
        failure = error
    model, snapshot = model_of(configuration, way)
    methods = methods_of(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RecordingWarning)
            recording, results = way.recorded(model, data, way.run)
    except RecordingWarning as warning:
        return Outcome("not true", str(warning))
    except FAILURES as error:
        if methods_of(model) != methods:
            return Outcome("not put back", str(error))
        if failure is not None and type(error) is type(failure):
            return Outcome("Keras fails", f"{type(failure).__name__}: {failure}")
        is_refusal = failure is None and isinstance(error, ValueError)
        return Outcome("refused" if is_refusal else "not harmless", str(error))
    if failure is not None:
        return Outcome("not harmless", f"without the recorder Keras fails: {failure}")
    if methods_of(model) != methods:
        return Outcome("not put back", str(set(methods_of(model)) ^ set(methods)))
    changed = what_changed(plain, expected, model, results)
    if changed:
        return Outcome("not harmless", changed)
    wrong = what_is_wrong(configuration, model, snapshot, recording)
    return Outcome("not true", wrong) if wrong else Outcome("true and harmless")


def methods_of(model: keras.Model) -> dict[tuple[str, str], int]:
    """The very objects that stand in the instances of a model, its layers and their cells."""
    owners = [model, *model._flatten_layers()]
    names = {"train_step", "test_step", "predict_step", "compile", "call", "build"}
    names |= {"fit", "evaluate", "predict", "inner_loop", "reset_state", "reset_states"}
    names |= {"activation", "recurrent_activation", "train_on_batch"}
    return {
        (owner.path, name): id(vars(owner)[name])
        for owner in owners
        for name in names
        if name in vars(owner)
    }


def what_changed(plain: keras.Model, expected: Any, model: keras.Model, results: Any) -> str:
    """Which bits differ between an unrecorded and a recorded run; "" where none."""
    if not same_bits(results, expected):
        return f"results {expected} became {results}"
    before, after = everything_in(plain), everything_in(model)
    if len(before) != len(after):
        return f"{len(before)} variables became {len(after)}"
    for (name, one_), other in zip(before, [value for _, value in after], strict=True):
        if not same_bits(one_, other):
            return f"{name} differs by {np.abs(np.asarray(one_) - np.asarray(other)).max()}"
    return ""


def everything_in(model: keras.Model) -> list[tuple[str, np.ndarray]]:
    """All that a run can change: weights, seeds, optimizer, metrics and states."""
    variables = [*model.variables, *model.optimizer.variables]
    variables += [v for metric in model.metrics for v in metric.variables]
    variables += [
        state for layer in recurrent_in(model) for state in keras.tree.flatten(layer.states or [])
    ]
    return [(variable.path, variable.numpy()) for variable in variables]


def same_bits(one_: Any, other: Any) -> bool:
    flat, others = keras.tree.flatten(one_), keras.tree.flatten(other)
    return len(flat) == len(others) and all(
        np.asarray(a).tobytes() == np.asarray(b).tobytes()
        for a, b in zip(flat, others, strict=True)
    )


def what_is_wrong(
    configuration: Configuration, model: keras.Model, snapshot: Snapshot, recording: Recording
) -> str:
    """Where a recording differs from NumPy in float64, step by step; "" where nowhere."""
    found = _find_layers(model, None)
    recurrent = recurrent_in(model)
    variables = [v for layer in recurrent for v in layer.variables]
    for name, (layer, part) in found.items():
        batches = recording[name].batches
        calls = len(batches) / max(len(snapshot.taken), 1)
        if not batches or calls != int(calls):
            return f"{len(batches)} batches of {name} in {len(snapshot.taken)} runs"
        for batch in batches:
            taken = snapshot.taken[batch.index // int(calls)]
            own = {id(v): value for v, value in zip(variables, taken, strict=True)}
            weights = [own[id(v)] for v in part.cell.weights if id(v) in own and v.trainable]
            wrong = what_is_wrong_in(configuration, part.cell, weights, batch)
            if wrong:
                return f"{batch}: {wrong}"
        if layer.stateful and not part.name:
            held = [state.numpy() for state in layer.states]
            ends = [batches[-1].final_hidden_state, batches[-1].final_cell_state]
            if not all(map(np.array_equal, held, filter(lambda end: end is not None, ends))):
                return f"{name} holds other states than the last that were recorded"
    return ""


def what_is_wrong_in(
    configuration: Configuration, cell: Any, weights: Sequence[np.ndarray], batch: Any
) -> str:
    initial = [batch.initial_hidden_state, batch.initial_cell_state]
    states = [batch.hidden_state, batch.cell_state]
    final = [batch.final_hidden_state, batch.final_cell_state]
    for further in batch.further_states:
        initial, states = [*initial, further.initial], [*states, further.state]
        final.append(further.final)
    initial, states, final = (
        [each for each in group if each is not None] for group in (initial, states, final)
    )
    for state, end in zip(states, final, strict=True):
        if not np.array_equal(state[:, -1], end):
            return "it does not end in the layer's own final state"
    tolerance = configuration.tolerance
    if configuration.random and batch.training:
        expected = by_their_gates(batch)
    else:
        expected = states_of_cell(cell, weights, batch.inputs, initial, batch.mask)
    if expected is None:
        return "" if type(cell).__name__ == "SimpleRNNCell" else "it has no gates"
    for place, (state, right) in enumerate(zip(states, expected, strict=True)):
        off = np.abs(state.astype(float) - right).max()
        if not off <= tolerance:
            return f"state {place} is off by {off:.1e}"
    return ""


def by_their_gates(batch: Any) -> list[np.ndarray] | None:
    """The states as the recorded gates give them, from the recorded state before."""

    def before(initial: np.ndarray, states: np.ndarray) -> np.ndarray:
        return np.concatenate([initial[:, np.newaxis], states[:, :-1]], axis=1)

    gates = batch.gates
    if isinstance(gates, Gates):
        c = gates.forget * before(batch.initial_cell_state, batch.cell_state)
        c = c + gates.input * gates.candidate
        return [gates.output * np.tanh(c), c]
    if isinstance(gates, GRUGates):
        h = before(batch.initial_hidden_state, batch.hidden_state)
        return [gates.update * h + (1 - gates.update) * gates.candidate]
    return None


# --- The page -------------------------------------------------------------------------------------

SIGNS = {"true and harmless": "✓", "refused": "refused", "Keras fails": "–"}

HEAD = """\
# What the recorder can record

*Written by `make matrix`, which runs every line of this table in every column. Do not edit it.*

Each cell is a small Keras model that was built twice with the same seeds, and run twice: alone, and
recorded with `stateviz.record(model, gates=True)` or a `stateviz.StateRecorder`.

- ✓ **true and harmless.** *True*: at every timestep of every batch all recorded states are those
  of an independent NumPy implementation in float64, with the weights of that moment, within 1e-5
  (float16: 5e-3, bfloat16: 5e-2, float64: 1e-12), and they end bit for bit in the layer's own
  final states. Where a layer draws dropout masks, the states satisfy the equations of their own
  recorded gates. *Harmless*: results, losses, metrics, weights, optimizer, states and seeds are bit
  for bit those of the run that was not recorded, and every method of the model and its layers is
  the same object as before.
- **refused**: stateviz says in words why it cannot be recorded, before anything ran. The words
  stand below.
- – Keras itself cannot run this, with or without stateviz.
"""


def outcomes_of(place: int) -> tuple[int, dict[str, Outcome]]:
    """A configuration in all ways, and its place among the configurations."""
    return place, {way.name: outcome(CONFIGURATIONS[place], way) for way in WAYS}


def page(outcomes: dict[str, dict[str, Outcome]], versions: str) -> str:
    """The page for outcomes by configuration and way."""
    every = [each for row in outcomes.values() for each in row.values()]
    counts = Counter(each.verdict for each in every)
    told = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.most_common())
    lines = [HEAD, f"With {versions}: {told}.", ""]
    lines += [f"{place}. {way.name}" for place, way in enumerate(WAYS, 1)]
    lines += ["", "| | " + " | ".join(str(place) for place in range(1, len(WAYS) + 1)) + " |"]
    lines += ["|---" * (len(WAYS) + 1) + "|"]
    for name, row in outcomes.items():
        signs = [SIGNS.get(row[way.name].verdict, row[way.name].verdict) for way in WAYS]
        lines.append(f"| {name} | " + " | ".join(signs) + " |")
    for verdict, title in (
        ("refused", "What is refused, and why"),
        ("Keras fails", "Where Keras fails"),
    ):
        words = Counter(_sentence(each.words) for each in every if each.verdict == verdict)
        if words:
            lines += ["", f"## {title}", ""]
            lines += [f"- {text} ({count} cells)" for text, count in words.most_common()]
    return "\n".join(lines) + "\n"


def _sentence(words: str) -> str:
    """What a message says, without the names of layers and what stands around it."""
    words = re.sub(r"\x1b\[[0-9;]*m", "", words)  # Keras's colours
    words = re.sub(r"_\d+'", "'", words)  # Keras numbers the layers of a process
    # AutoGraph and Keras put lines of their own before it.
    own = re.search(r"(?:Layer|The layer|The model) '.*", words)
    if own:
        return re.sub(r"^(Layer|The layer|The model) '[^']*'", r"\1 '...'", own[0])
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    about_sizes = re.compile(r"shapes:|must be the same|[Dd]imension")
    told = next(filter(about_sizes.search, lines), lines[0])
    kind = words.partition(":")[0]
    return told if told.startswith(kind) else f"{kind}: {told}"


def signs_on_the_page(text: str) -> dict[str, list[str]]:
    """The signs of each configuration, in the order of the ways."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows[1:]}


def rows_so_far(source: str) -> dict[int, dict[str, Outcome]]:
    """The rows that an interrupted run of the same source left."""
    if not SO_FAR.is_file():
        return {}
    left = json.loads(SO_FAR.read_text(encoding="utf-8"))
    if left["source"] != source:
        return {}
    return {
        int(place): {way: Outcome(*told) for way, told in row.items()}
        for place, row in left["rows"].items()
    }


def source_digest() -> str:
    """Of everything that decides what a cell says."""
    root = PAGE.parent.parent
    files = [*sorted((root / "stateviz").glob("*.py")), *sorted((root / "tests").glob("*.py"))]
    versions = f"{sys.version} {keras.__version__} {tf.__version__}"
    return hashlib.sha256(versions.encode() + b"".join(f.read_bytes() for f in files)).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes docs/recorder.md.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes side by side")
    jobs = parser.parse_args().jobs
    source = source_digest()
    rows = rows_so_far(source)
    left = [place for place in range(len(CONFIGURATIONS)) if place not in rows]
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=4) as pool:
        for place, row in pool.imap_unordered(outcomes_of, left):
            rows[place] = row
            told = {p: {way: astuple(o) for way, o in r.items()} for p, r in rows.items()}
            SO_FAR.write_text(json.dumps({"source": source, "rows": told}), encoding="utf-8")
            name = CONFIGURATIONS[place].name
            print(f"{len(rows)} of {len(CONFIGURATIONS)}: {name}", file=sys.stderr, flush=True)
    SO_FAR.unlink(missing_ok=True)
    outcomes = {CONFIGURATIONS[place].name: rows[place] for place in sorted(rows)}
    python = ".".join(map(str, sys.version_info[:2]))
    versions = (
        f"Keras {keras.__version__}, TensorFlow {tf.__version__} and Python {python}, on a CPU"
    )
    PAGE.write_text(page(outcomes, versions), encoding="utf-8")
    wrong = [
        f"{name}, {way}: {each.verdict}: {each.words}"
        for name, row in outcomes.items()
        for way, each in row.items()
        if each.verdict not in SIGNS
    ]
    print("\n".join(wrong) or "Every cell is true and harmless, or refused in words.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
