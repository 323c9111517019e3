"""Functions that XLA compiles: what is held in them leaves with their results.

A program of XLA's cannot call the host. So a `tf.function` with `jit_compile=True` that is called
in a block is not called itself: its twin is, which runs the same Python and gives, beside the same
result, what was held. Outside of it a host call is allowed.

What cannot be read there without changing it is read in the function's shadow, which runs before
it (`shadow.py`).
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

from stateviz.recorder.backends.base import OnHost
from stateviz.recorder.backends.tensorflow.host import Bag, on_host
from stateviz.recorder.backends.tensorflow.package import tf
from stateviz.recorder.backends.tensorflow.shadow import Shadow
from stateviz.recorder.steps import collecting, compiled_by_xla, now


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
        self._bags: weakref.WeakKeyDictionary[Any, Bag] = weakref.WeakKeyDictionary()
        self._shadow = Shadow(python)

        def beside(*args: Any, **kwargs: Any) -> Any:
            bag = Bag(self.takers)
            self._bags[tf.compat.v1.get_default_graph()] = bag
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

    def shadow_for(self, args: Any, kwargs: Any) -> Shadow | None:
        """Its shadow, if it needs one when it is called like this."""
        calls = Counter(now.here.calls)
        concrete = self.function.get_concrete_function(*args, **kwargs)
        bag = self._bags.get(concrete.graph)
        if bag is None or not bag.for_the_shadow:
            return None
        return self._shadow.of(bag.for_the_shadow, calls)


class Twins:
    """The twins of the functions that are called in one block."""

    def __init__(self) -> None:
        self._twins: weakref.WeakKeyDictionary[Any, _Twin] = weakref.WeakKeyDictionary()

    def call(self, called: Callable[..., Any], function: Any, args: Any, kwargs: Any) -> Any:
        """Calls a function's twin, and hands out what was held.

        Args:
            called: What calls a `tf.function`.
            function: The function.
            args, kwargs: What it is given.
        """
        twin = self._twins.get(function)
        if twin is None:
            twin = self._twins[function] = _Twin(function)
        handed: list[tuple[OnHost, Any]] = []
        with compiled_by_xla():
            shadow = twin.shadow_for(args, kwargs)
            if shadow is not None:
                seen = called(shadow.function, *args, **kwargs)
                handed += [(shadow.takers[name], tensors) for name, tensors in seen.items()]
            # The shadow reads what the function then changes.
            with tf.control_dependencies(tf.nest.flatten([tensors for _, tensors in handed])):
                result, held = called(twin.function, *args, **kwargs)
        handed += [(twin.takers[name], tensors) for name, tensors in held.items()]
        for taker, tensors in handed:
            on_host(taker, tensors)
        return result
