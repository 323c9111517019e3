"""Every way to run a model, and every way to record it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tests.matrix.configurations import BATCH
from tests.matrix.data import Data
from tests.matrix.here import here
from tests.matrix.way import (
    Run,
    Way,
    recorded_beside_another_model,
    recorded_by_the_callback,
    recorded_in_a_thread,
    recorded_in_nested_blocks,
    recorded_in_the_second_block,
    recorded_with_gradients,
)

OPTIONS = {"batch_size": BATCH, "verbose": 0}


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of the data, from two workers."""

    def __init__(self, data: Data) -> None:
        super().__init__(workers=2)
        self.batches = list(data.batches())

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Any:
        return self.batches[index]


class Stopped(Exception):
    """What a callback raises, and nothing else does."""


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


def fit(model: keras.Model, data: Data, callbacks: Sequence[Any] = (), **options: Any) -> Any:
    history = model.fit(
        data.X, data.y, epochs=2, callbacks=list(callbacks), **{**OPTIONS, **options}
    )
    return history.history


def fit_on(source: Callable[[Data], Any], **options: Any) -> Run:
    def run(model: keras.Model, data: Data) -> Any:
        return model.fit(source(data), epochs=2, verbose=0, **options).history

    return run


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
    return [keras.ops.convert_to_numpy(model(X, training=training)) for training in (False, True)]


def first_eight(data: Data) -> tuple[np.ndarray, np.ndarray]:
    return data.X[:8], data.y[:8]


TRAINED: list[tuple[str, dict[str, Any]]] = [
    ("fit", {"run": fit}),
    ("fit, run_eagerly", {"run": fit, "compile_options": {"run_eagerly": True}}),
    ("fit, own train_step", {"run": fit, "model_class": here.Stepping}),
    ("train, test, predict_on_batch", {"run": on_batches}),
    *[(way.name, {"run": way.run}) for way in here.LOOPS],
]
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
    *[Way(f"fit, {name}", fit_on(source)) for name, source in here.DATA.items()],
    Way("fit, generator", fit_from_a_generator),
    Way("fit, PyDataset", fit_on(Batches, shuffle=False)),
    Way("fit, steps_per_execution=2", fit, {"steps_per_execution": 2}),
    Way("fit, run_eagerly", fit, {"run_eagerly": True}),
    Way("fit, own train_step", fit, model_class=here.Stepping),
    Way("fit, stop_training", lambda model, data: fit(model, data, [Stops()])),
    Way("fit, an error in a callback", fit_until(Stopped)),
    Way("fit, KeyboardInterrupt", fit_until(KeyboardInterrupt)),
    Way("evaluate", evaluate),
    Way("predict", predict),
    Way("train, test, predict_on_batch", on_batches),
    Way("model(x)", direct_calls),
    *here.LOOPS,
    Way("StateRecorder in fit", fit, recorded=recorded_by_the_callback),
    Way("StateRecorder in evaluate", evaluate, recorded=recorded_by_the_callback),
    Way("StateRecorder in predict", predict, recorded=recorded_by_the_callback),
    Way("in a thread", fit, recorded=recorded_in_a_thread),
    Way("nested blocks", fit, recorded=recorded_in_nested_blocks),
    Way("a second block", fit, recorded=recorded_in_the_second_block),
    Way("two models", fit, recorded=recorded_beside_another_model),
    *[Way(f"fit, {name}", fit, **options) for name, options in here.COMPILED.items()],
    *here.COMPILED_LOOPS,
    *[
        Way(f"{name}, with gradients", **way, recorded=recorded_with_gradients)
        for name, way in (TRAINED if here.HAS_GRADIENTS else [])
    ],
]
