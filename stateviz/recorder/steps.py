"""What this thread traces or runs now: one of Keras's steps, and the calls of each layer in it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from stateviz.recorder.backend import keras
from stateviz.recorder.replacing import replaced
from stateviz.recording import Phase

# The method that a user calls, and the step that Keras runs in it, once a batch.
STEPS: dict[Phase, str] = {
    "fit": "train_step",
    "evaluate": "test_step",
    "predict": "predict_step",
    "train_on_batch": "train_step",
    "test_on_batch": "test_step",
    "predict_on_batch": "predict_step",
}


class Step(NamedTuple):
    """A train, test or predict step of a model."""

    model: int
    method: str


class Now(threading.local):
    """What this thread traces or runs, and the calls of each layer in it so far."""

    def __init__(self) -> None:
        self.step: Step | None = None
        self.calls: Counter[int] = Counter()
        self.compiled_by_xla = False
        self.unseen = False
        self.functions = 0


now = Now()


@contextmanager
def one_step(step: Step) -> Iterator[None]:
    """Holds while Keras traces or runs one train, test or predict step."""
    before = now.step, now.calls
    now.step, now.calls = step, Counter()
    try:
        yield
    finally:
        now.step, now.calls = before


def compiled_by_xla() -> AbstractContextManager[None]:
    """Holds while a `tf.function` with `jit_compile=True` is called."""
    return replaced(now, "compiled_by_xla", True)


def unseen() -> AbstractContextManager[None]:
    """Holds while a graph is traced that is not to run here, such as one that is exported."""
    return replaced(now, "unseen", True)


@contextmanager
def one_function() -> Iterator[None]:
    """Holds while a `tf.function` is called."""
    now.functions += 1
    try:
        yield
    finally:
        now.functions -= 1


def calls_so_far(layer: keras.layers.RNN) -> int:
    """How often a layer's tap has handed out states in the step that this thread runs now."""
    return now.calls[id(layer)]
