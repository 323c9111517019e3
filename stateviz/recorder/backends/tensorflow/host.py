"""What goes to the host: at once, when the graph runs, or with the results of what XLA compiled."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from typing import Any

import numpy as np

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import OnHost
from stateviz.recorder.backends.tensorflow import interrupts
from stateviz.recorder.backends.tensorflow.package import tf
from stateviz.recorder.steps import now


class Bag:
    """What is held while a function is traced for XLA, as far as it belongs to its own graph.

    Args:
        takers: Receives who takes what, by the names under which the function gives it.
    """

    _numbers = itertools.count()

    def __init__(self, takers: dict[str, OnHost]) -> None:
        self._graph = tf.compat.v1.get_default_graph()
        self._takers = takers
        self._calls: Counter[int] = Counter()
        self.held: dict[str, Any] = {}
        self.for_the_shadow: list[str] = []

    @property
    def is_open(self) -> bool:
        """Whether what is traced now belongs to the function's graph, not to a branch in it."""
        return tf.compat.v1.get_default_graph() is self._graph

    def add(self, taker: OnHost, tensors: Any) -> None:
        """Adds what a layer held."""
        name = str(next(self._numbers))
        self.held[name], self._takers[name] = tensors, taker

    def call_of(self, layer: keras.layers.RNN) -> tuple[int, int]:
        """Which call of which layer this is: the same in a function and in its shadow."""
        self._calls[id(layer)] += 1
        return id(layer), self._calls[id(layer)]


def on_host(function: OnHost, tensors: Any) -> None:
    """Calls a Python function with arrays: at once if eager, else whenever the graph runs."""
    if now.here.compiled_by_xla and isinstance(now.here.bag, Bag):
        # Read now: a stateful layer sets its variables when its loop has run.
        now.here.bag.add(function, keras.tree.map_structure(_read, tensors))
        return
    flat = keras.tree.flatten(tensors)

    def called(*arrays: np.ndarray, thread: int | None = None) -> None:
        function(keras.tree.pack_sequence_as(tensors, list(map(_plain, arrays))), thread)

    def in_graph(*arrays: np.ndarray) -> None:
        try:
            called(*arrays)
        except BaseException as interrupt:  # TensorFlow would make an UnknownError of it.
            interrupts.keep(interrupt)

    if tf.executing_eagerly():
        arrays = [keras.ops.convert_to_tensor(tensor).numpy() for tensor in flat]
        called(*arrays, thread=threading.get_ident())
    else:
        tf.numpy_function(in_graph, flat, [])


def _read(tensor: Any) -> Any:
    return tf.identity(keras.ops.convert_to_tensor(tensor))


def _plain(array: np.ndarray) -> np.ndarray:
    """The array in a dtype of NumPy's own: bfloat16 as float32, which holds it exactly."""
    return array if array.dtype.kind in "fiub" else array.astype(np.float32)
