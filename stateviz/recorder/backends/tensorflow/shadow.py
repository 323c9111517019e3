"""What XLA compiled, once more beside itself: the part of it that the states need, and no more.

XLA computes the last bits of a program another way where one more value in it is read: in an
unrolled loop, under a mask, around several cells, at the gates. So the function is left alone
there, and what its layers held is computed by another program, of which nothing but that is asked.
It is cut out of a trace of the same Python, compiled like it (other compilers draw other random
numbers), and changes nothing: no variable is written in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import OnHost
from stateviz.recorder.backends.tensorflow.host import Bag
from stateviz.recorder.backends.tensorflow.package import tf
from stateviz.recorder.steps import now, shadowing

# Operations after which a second run would not find what the first one found.
_NOT_TWICE = re.compile(
    r"Assign\w*VariableOp$|^Resource(?!Gather)|PyFunc|^Random(?!GammaGrad)|^Truncated|^Multinomial|^Rng|"
    r"^StatefulRandom|^Print|^Iterator|^Queue"
)


class Shadow:
    """The shadow of one function.

    Args:
        python: What the function runs.
    """

    def __init__(self, python: Callable[..., Any]) -> None:
        self._python = python
        self._layers: Sequence[str] = ()
        self._calls: Counter[int] = Counter()
        self.takers: dict[str, OnHost] = {}
        self.function = tf.function(
            tf.autograph.experimental.do_not_convert(self._beside),
            jit_compile=True,
            autograph=False,
            reduce_retracing=True,
        )

    def of(self, layers: Sequence[str], calls: Counter[int]) -> Shadow:
        """Itself, told whom it is for when it is traced next.

        Args:
            layers: The names of the layers that are seen in it.
            calls: How often each layer was called before, in the step that is running.
        """
        self._layers, self._calls = layers, calls
        return self

    def _beside(self, *args: Any, **kwargs: Any) -> Any:
        values = tf.nest.flatten((args, kwargs))
        tensors = [value for value in values if tf.is_tensor(value)]
        specs = [tf.TensorSpec(each.shape, each.dtype) for each in tensors]

        def run(*given: Any) -> Any:
            new = iter(given)
            filled = [next(new) if tf.is_tensor(value) else value for value in values]
            again, named = tf.nest.pack_sequence_as((args, kwargs), filled)
            bag = Bag(self.takers)
            # What Keras assigns in this scope goes nowhere, and is read back from it.
            with shadowing(now.here.step, bag, Counter(self._calls)), keras.StatelessScope():
                self._python(*again, **named)
            return bag.held

        # This trace knows what has to happen before what; it is looked at and never run.
        self._refuse_what_cannot_be_run_twice(
            tf.function(run, autograph=False).get_concrete_function(*specs)
        )
        whole = tf.compat.v1.wrap_function(run, specs)
        return whole.prune(whole.inputs[: len(specs)], whole.structured_outputs)(*tensors)

    def _refuse_what_cannot_be_run_twice(self, concrete: Any) -> None:
        graph = concrete.graph
        # TensorFlow has each result of a function wait for all that the function does.
        results = [each.op for result in concrete.outputs for each in result.op.inputs]
        needed = _before(results)
        found = next((each for each in _types(graph, needed) if _NOT_TWICE.search(each)), None)
        if found is not None:
            raise ValueError(
                f"Layer {self._layers[0]!r} is compiled with XLA (jit_compile=True), where its "
                f"states have to be computed once more in a program of their own. But what it "
                f"reads is made by an operation that cannot be run twice ({found}). Compile it "
                f"with jit_compile=False to record it; the results then differ by rounding only."
            )


def _before(operations: Iterable[Any]) -> list[Any]:
    """Operations, and all that have to run before them."""
    found: dict[Any, None] = {}
    left = list(operations)
    while left:
        operation = left.pop()
        if operation not in found:
            found[operation] = None
            left += [*(each.op for each in operation.inputs), *operation.control_inputs]
    return list(found)


def _types(graph: Any, operations: Iterable[Any]) -> Iterator[str]:
    """The types of operations, and of those in the functions that they call."""
    definition = graph.as_graph_def()
    library = {each.signature.name: each for each in definition.library.function}
    nodes = [operation.node_def for operation in operations]
    seen: set[str] = set()
    while nodes:
        node = nodes.pop()
        yield node.op
        for value in node.attr.values():
            for name in filter(None, [value.func.name, *(each.name for each in value.list.func)]):
                if name in library and name not in seen:
                    seen.add(name)
                    nodes += library[name].node_def
