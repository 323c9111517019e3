"""Every way to run a model, and every way to record it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import stateviz
from stateviz.recording import Recording
from tests.matrix.configurations import (
    BATCH,
    FEATURES,
    TIMESTEPS,
)
from tests.matrix.data import Data

Run = Callable[..., Any]  # of a model, its data, and callbacks if there are any
OPTIONS = {"batch_size": BATCH, "verbose": 0}


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


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of the data, from two workers."""

    def __init__(self, data: Data) -> None:
        super().__init__(workers=2)
        self.batches = list(data.batches())

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Any:
        return self.batches[index]


class Stops(keras.callbacks.Callback):  # type: ignore[misc]
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


def recorded_without_gates(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    with stateviz.record(model) as recording:
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
    recording, results = returned[0]
    return recording, results


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
        xla: Whether it runs under XLA, where nothing can call the host, the test neither. So the
            first batch alone is compared with NumPy, with the weights that the model began with.
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
    Way(
        "fit, jit_compile=True",
        fit,
        {"jit_compile": True},
        recorded=recorded_without_gates,
        xla=True,
    ),
    Way(
        "a tf.function, jit_compile=True",
        own_loop(compiled=True, jit_compile=True),
        recorded=recorded_without_gates,
        xla=True,
    ),
]
