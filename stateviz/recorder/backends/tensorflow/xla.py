"""Functions that XLA compiles: what is held in them leaves with their results.

A program of XLA's cannot call the host. So a `tf.function` with `jit_compile=True` that is called
in a block is not called itself: its twin is, which runs the same Python and gives, beside the same
result, what was held. Outside of it a host call is allowed.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

from stateviz.recorder.backends.base import OnHost
from stateviz.recorder.backends.tensorflow.package import tf
from stateviz.recorder.steps import collecting, compiled_by_xla


class Bag:
    """What is held while a twin is traced, as far as it belongs to the twin's own graph.

    Args:
        takers: Receives who takes what, by the names under which the twin gives it.
    """

    _numbers = itertools.count()

    def __init__(self, takers: dict[str, OnHost]) -> None:
        self._graph = tf.compat.v1.get_default_graph()
        self._takers = takers
        self.held: dict[str, Any] = {}

    @property
    def is_open(self) -> bool:
        """Whether what is traced now belongs to the twin's graph, not to a branch or loop in it."""
        return tf.compat.v1.get_default_graph() is self._graph

    def add(self, taker: OnHost, tensors: Any) -> None:
        """Adds what a layer held."""
        name = str(next(self._numbers))
        self.held[name], self._takers[name] = tensors, taker


class _Twin:
    """A function that runs what another runs, and gives what was held too."""

    def __init__(self, function: Any) -> None:
        python = function.python_function
        # TensorFlow has no public words for these.
        if getattr(function, "_autograph", False):
            python = tf.__internal__.autograph.tf_convert(
                python, tf.__internal__.autograph.control_status_ctx(), True, True
            )
        self.takers: dict[str, OnHost] = {}

        def beside(*args: Any, **kwargs: Any) -> Any:
            bag = Bag(self.takers)
            with collecting(bag):
                result = python(*args, **kwargs)
            return result, bag.held

        self.function = tf.function(
            tf.autograph.experimental.do_not_convert(beside),
            jit_compile=True,
            autograph=False,
            reduce_retracing=bool(getattr(function, "_reduce_retracing", False)),
            input_signature=function.input_signature,
        )


class Twins:
    """The twins of the functions that are called in one block."""

    def __init__(self) -> None:
        self._twins: weakref.WeakKeyDictionary[Any, _Twin] = weakref.WeakKeyDictionary()

    def call(
        self,
        called: Callable[..., Any],
        function: Any,
        args: Any,
        kwargs: Any,
        on_host: Callable[[OnHost, Any], None],
    ) -> Any:
        """Calls a function's twin, and hands out what was held.

        Args:
            called: What calls a `tf.function`.
            function: The function.
            args, kwargs: What it is given.
            on_host: What hands out tensors.
        """
        twin = self._twins.get(function)
        if twin is None:
            twin = self._twins[function] = _Twin(function)
        with compiled_by_xla():
            result, held = called(twin.function, *args, **kwargs)
        for name, tensors in held.items():
            on_host(twin.takers[name], tensors)
        return result
