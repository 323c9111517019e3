"""Functions that were traced before a record block, in which nothing can be seen."""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Sequence
from typing import Any, ClassVar

from stateviz.recorder.backend import keras, tf
from stateviz.recorder.steps import compiled_by_xla


class OldTraces:
    """Refuses, while a block is open, a call of a `tf.function` that was traced before it.

    Such a function runs the layer's old graph, in which nothing can be seen. TensorFlow has no
    hook for this, so the class's `__call__` is replaced while at least one block is open.
    """

    _lock = threading.Lock()
    _watchers: ClassVar[list[OldTraces]] = []

    def __init__(self, layers: Sequence[keras.layers.RNN]) -> None:
        self._names = {
            id(variable.value.handle): layer.name
            for layer in layers
            for variable in layer.variables
        }
        self._traced_here: weakref.WeakSet[Any] = weakref.WeakSet()

    def check(self, function: Any, args: Any, kwargs: Any) -> None:
        """Raises where a `tf.function` would run a recorded layer's old graph."""
        traces = function.experimental_get_tracing_count()
        if function in self._traced_here:
            return
        if traces == 0:
            self._traced_here.add(function)
            return
        concrete = function.get_concrete_function(*args, **kwargs)
        if function.experimental_get_tracing_count() > traces:
            return
        for captured in concrete.captured_inputs:
            if id(captured) in self._names:
                python = function.python_function
                what = getattr(python, "__name__", None) or getattr(python, "name", "?")
                raise RuntimeError(
                    f"{what!r} is a tf.function that was traced before the record "
                    f"block, so layer {self._names[id(captured)]!r} cannot be seen in it. Make the "
                    f"tf.function inside the block (for example tf.function(model)), or call the "
                    f"model itself."
                )

    def __enter__(self) -> None:
        function_class = type(tf.function(lambda: None))
        with self._lock:
            self._watchers.append(self)
            if len(self._watchers) == 1:
                original = function_class.__call__

                @functools.wraps(original)
                def watched(function: Any, *args: Any, **kwargs: Any) -> Any:
                    for watcher in list(OldTraces._watchers):
                        watcher.check(function, args, kwargs)
                    # TensorFlow has no public word for it.
                    if getattr(function, "_jit_compile", False):
                        with compiled_by_xla():
                            return original(function, *args, **kwargs)
                    return original(function, *args, **kwargs)

                function_class.__call__ = watched

    def __exit__(self, *_: object) -> None:
        function_class = type(tf.function(lambda: None))
        with self._lock:
            self._watchers.remove(self)
            if not self._watchers:
                watched: Any = function_class.__call__
                function_class.__call__ = watched.__wrapped__
