"""Keras on TensorFlow: the states are yielded by the layer's own loop, and sent to the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import Held, LoopCall, Looped, Traced
from stateviz.recorder.backends.tensorflow.host import Bag, on_host
from stateviz.recorder.backends.tensorflow.loops import (
    gates_must_be_derived,
    loop_with_states,
    must_be_left_alone,
)
from stateviz.recorder.backends.tensorflow.package import tf
from stateviz.recorder.backends.tensorflow.traces import Functions, Graphs, Traces
from stateviz.recorder.cells import draws_random_numbers_in_its_loop, parts_of
from stateviz.recorder.steps import now

__all__ = ["beside", "is_symbolic", "join", "on_host", "refuse", "run_loop", "stepping", "traces"]


def is_symbolic() -> bool:
    """Nothing is: a graph that only tells shapes is never run, so its host calls never come."""
    return False


def run_loop(
    layer: keras.layers.RNN, keras_loop: Callable[..., Any], call: LoopCall, *, gates: bool
) -> Looped:
    """Runs a layer's loop with a step that yields every state, or beside it where it must."""
    by_xla = now.here.compiled_by_xla and not tf.config.functions_run_eagerly()
    delicate = by_xla and _is_delicate(layer, masked=call.mask is not None, gates=gates)
    if delicate or (by_xla and now.here.shadow):
        return _under_xla(layer, keras_loop, call, delicate=delicate, gates=gates)
    if must_be_left_alone(layer):
        _refuse_a_second_loop(layer)
        # A stateful layer hands on its variables, which it sets before they are read.
        before = keras.tree.map_structure(tf.identity, call.initial_state)
        result = keras_loop(*call)
        derived, held = beside(layer, call._replace(initial_state=before), gates=gates)
        final = result[2]
        if layer.unroll:
            # In a graph even a reader of the last state would be one too many.
            final = None if layer.stateful else derived[2]
        return Looped(result, held, before, final, derived=True)
    if gates and gates_must_be_derived(layer):
        result, held = loop_with_states(layer, call, gates=False)
        held = replace(held, gates=beside(layer, call, gates=True)[1].gates)
    else:
        result, held = loop_with_states(layer, call, gates=gates)
    return Looped(result, held, call.initial_state, result[2])


def beside(layer: keras.layers.RNN, call: LoopCall, *, gates: bool) -> tuple[Any, Held]:
    """Runs the loop a second time, which adds nothing to any gradient."""
    sequences, initial_state = keras.tree.map_structure(
        keras.ops.stop_gradient, (call.sequences, call.initial_state)
    )
    still = LoopCall(sequences, initial_state, call.mask, call.training)
    return loop_with_states(layer, still, gates=gates)


def stepping(model: keras.Model, steps: Mapping[str, Callable[..., Any]]) -> dict[str, object]:
    """Nothing more: a graph calls the host by itself."""
    return dict(steps)


def traces(layers: Callable[[], Sequence[keras.layers.RNN]]) -> Traces:
    """The `tf.functions` of one block."""
    return Traces(layers)


def join(block: Traced) -> None:
    """Stands in TensorFlow's own classes of functions and graphs."""
    Functions.of_tensorflow().join(block)
    Graphs.of_tensorflow().join(block)


def refuse(trainer: keras.Model) -> None:
    """Raises nothing: what XLA compiles is refused layer by layer, when it is traced."""


def _under_xla(
    layer: keras.layers.RNN,
    keras_loop: Callable[..., Any],
    call: LoopCall,
    *,
    delicate: bool,
    gates: bool,
) -> Looped:
    """Runs a layer's own loop and leaves it alone, or, in the shadow, one that is looked at."""
    bag = now.here.bag
    if not isinstance(bag, Bag) or not bag.is_open:
        raise ValueError(
            f"Layer {layer.name!r} is compiled with XLA (jit_compile=True), in a branch, a loop or "
            f"a function of its own, which it cannot be seen in. Compile it with "
            f"jit_compile=False to record it; the results then differ by rounding only."
        )
    if not delicate:
        return Looped(keras_loop(*call), None, None, None)
    if layer.unroll:
        _refuse_a_second_loop(layer)
    # The next batch of a stateful layer begins with the very bits of its own end.
    same_call = bag.call_of(layer) if layer.stateful else None
    if now.here.shadow:
        result, held = loop_with_states(layer, call, gates=gates)
        return Looped(result, held, call.initial_state, result[2], True, same_call)
    bag.for_the_shadow.append(layer.name)
    result = keras_loop(*call)
    return Looped(result, None, None, result[2], same_call=same_call)


def _is_delicate(layer: keras.layers.RNN, *, masked: bool, gates: bool) -> bool:
    """Whether XLA would compute the last bits another way, if the layer were looked at."""
    bag, parts = now.here.bag, parts_of(layer)
    if not isinstance(bag, Bag) or not bag.is_open:
        return True
    return layer.unroll or masked or len(parts) > 1 or (gates and any(p.gates for p in parts))


def _refuse_a_second_loop(layer: keras.layers.RNN) -> None:
    if draws_random_numbers_in_its_loop(layer):
        raise ValueError(
            f"Layer {layer.name!r} is unrolled around {type(layer.cell).__name__}, a cell of your "
            f"own that keeps variables beside its weights (such as a seed). Its states could only "
            f"be derived by running it twice, which would change them. Make it with unroll=False "
            f"to record it."
        )
