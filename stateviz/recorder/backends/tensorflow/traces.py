"""Stands around `tf.function`: functions that were traced before, and those that are exported."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import Traced
from stateviz.recorder.backends.tensorflow.interrupts import raised_later
from stateviz.recorder.backends.tensorflow.package import tf
from stateviz.recorder.backends.tensorflow.xla import Twins
from stateviz.recorder.posts import Block, Post
from stateviz.recorder.steps import now, one_function, unseen


class Traces:
    """The `tf.functions` of one block: those that were traced in it show all, others nothing.

    Args:
        layers: Gives the recorded layers, which may be built later.
    """

    def __init__(self, layers: Callable[[], Sequence[keras.layers.RNN]]) -> None:
        self._layers = layers
        self._traced_here: weakref.WeakSet[Any] = weakref.WeakSet()
        self.twins = Twins()

    def begin(self) -> None:
        """Nothing: each function is looked at when it is called."""

    def check(self, function: Any, args: Any, kwargs: Any) -> None:
        """Raises where a `tf.function` would run a recorded layer's old graph."""
        traces = function.experimental_get_tracing_count()
        if function in self._traced_here:
            return
        if traces == 0:
            self._traced_here.add(function)
            return
        with one_function():
            concrete = function.get_concrete_function(*args, **kwargs)
        if function.experimental_get_tracing_count() > traces:
            return
        layer = self.layer_read_by(concrete)
        if layer is not None:
            python = function.python_function
            what = getattr(python, "__name__", None) or getattr(python, "name", "?")
            raise RuntimeError(
                f"{what!r} is a tf.function that was traced before the record "
                f"block, so layer {layer!r} cannot be seen in it. Make the "
                f"tf.function inside the block (for example tf.function(model)), or call the "
                f"model itself."
            )

    def forget(self) -> None:
        """Has what was traced here traced anew when it is called next, with nothing in it."""
        for function in list(self._traced_here):
            # TensorFlow has no public word for it. Without it the graphs stay, and do nothing.
            cache = getattr(function, "_function_cache", None)
            if cache is not None and any(map(self.layer_read_by, cache.values())):
                cache.clear()

    def layer_read_by(self, concrete: Any) -> str | None:
        """The name of a recorded layer whose weights a graph reads."""
        names = {
            id(variable.value.handle): layer.name
            for layer in self._layers()
            for variable in layer.variables
        }
        read = (names.get(id(captured)) for captured in concrete.captured_inputs)
        return next(filter(None, read), None)


class Functions(Post):
    """Stands in the class of all `tf.functions`, since TensorFlow has no hook for this.

    A call of one that was traced before the block is refused: nothing could be seen in it. A trace
    that is asked for without a call is for exporting; it is left as it would be without a block.
    """

    @classmethod
    def of_tensorflow(cls) -> Functions:
        """The post of TensorFlow's class."""
        return cls.of(type(tf.function(lambda: None)))

    def stand_ins(self) -> dict[str, object]:
        """Its call, and what gives a graph without running it."""
        called = self.owner.__call__
        graph_of = self.owner._get_concrete_function_garbage_collected

        @functools.wraps(called)
        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            watching = [] if tf.config.functions_run_eagerly() else _traces(self.live())
            # TensorFlow has no public word for it.
            by_xla = getattr(function, "_jit_compile", False)
            if watching and by_xla and not (now.here.compiled_by_xla or now.here.unseen):
                twins = watching[-1].twins
                with one_function(), raised_later():
                    return twins.call(called, function, args, kwargs)
            for traces in watching:
                traces.check(function, args, kwargs)
            with one_function(), raised_later():
                return called(function, *args, **kwargs)

        @functools.wraps(graph_of)
        def graph(function: Any, *args: Any, **kwargs: Any) -> Any:
            if now.here.in_function:
                return graph_of(function, *args, **kwargs)
            with unseen():
                return graph_of(function, *args, **kwargs)

        return {"__call__": call, "_get_concrete_function_garbage_collected": graph}


class Graphs(Post):
    """Stands in the class of TensorFlow's graphs, to refuse a call in which nothing is seen."""

    @classmethod
    def of_tensorflow(cls) -> Graphs:
        """The post of TensorFlow's class."""
        return cls.of(type(tf.function(lambda: tf.constant(0)).get_concrete_function()))

    def stand_ins(self) -> dict[str, object]:
        """Its call."""
        called = self.owner.__call__

        @functools.wraps(called)
        def call(graph: Any, *args: Any, **kwargs: Any) -> Any:
            if not (now.here.in_function or now.here.unseen):
                for traces in _traces(self.live()):
                    layer = traces.layer_read_by(graph)
                    if layer is not None:
                        raise RuntimeError(
                            f"A graph from get_concrete_function is made to be exported, so layer "
                            f"{layer!r} cannot be seen in it. Call the tf.function or the model "
                            f"itself in the record block."
                        )
            with one_function():
                return called(graph, *args, **kwargs)

        return {"__call__": call}


def _traces(blocks: Sequence[Block]) -> list[Traces]:
    among = [block.traces for block in blocks if isinstance(block, Traced) and not block.over]
    return [traces for traces in among if isinstance(traces, Traces)]
