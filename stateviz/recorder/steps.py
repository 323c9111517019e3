"""What this thread traces or runs now: one of Keras's steps, and the calls of each layer in it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from stateviz.recorder.backend import keras


class Step(threading.local):
    """Whether this thread traces or runs a Keras step, and the calls of each layer in it so far."""

    def __init__(self) -> None:
        self.running = False
        self.calls: Counter[int] = Counter()
        self.compiled_by_xla = False


now = Step()


@contextmanager
def one_step() -> Iterator[None]:
    """Holds while Keras traces or runs one train, test or predict step."""
    before = now.running, now.calls
    now.running, now.calls = True, Counter()
    try:
        yield
    finally:
        now.running, now.calls = before


@contextmanager
def compiled_by_xla() -> Iterator[None]:
    """Holds while a `tf.function` with `jit_compile=True` is called."""
    before, now.compiled_by_xla = now.compiled_by_xla, True
    try:
        yield
    finally:
        now.compiled_by_xla = before


def calls_so_far(layer: keras.layers.RNN) -> int:
    """How often a layer's tap has handed out states in the step that this thread runs now."""
    return now.calls[id(layer)]
