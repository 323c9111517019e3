"""Keras on JAX: a layer's own scan yields its carry, and compiled steps hand it out as results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import Held, LoopCall, Looped, OnHost, Traced
from stateviz.recorder.backends.jax.loops import KerasLoops, Loop, loop_again
from stateviz.recorder.backends.jax.package import in_symbolic_scope, jax
from stateviz.recorder.backends.jax.steps import Bag, hand_out, stepping
from stateviz.recorder.backends.jax.traces import Traces
from stateviz.recorder.steps import now, observing_loop

__all__ = ["beside", "is_symbolic", "join", "on_host", "refuse", "run_loop", "stepping", "traces"]


def is_symbolic() -> bool:
    """Whether Keras only finds out shapes now, and nothing runs."""
    return bool(in_symbolic_scope())


def run_loop(
    layer: keras.layers.RNN, keras_loop: Callable[..., Any], call: LoopCall, *, gates: bool
) -> Looped:
    """Runs a layer's loop with a scan that yields its carry.

    JAX compiles a whole program at once, and computes the last bits another way where one more
    value in it is read. A scan keeps its timesteps apart from the rest, and stays the same. A loop
    that is unrolled, by the user or by JAX where there is a single timestep, does not, nor do gates
    inside of a timestep: they are seen in a program of their own, the step's shadow.
    """
    delicate = layer.unroll or gates or call.sequences.shape[1] == 1
    if delicate and not now.here.shadow:
        if is_compiled(call, layer):
            must_have_a_shadow(layer)
            return Looped(keras_loop(*call), None, None, None)
        result = keras_loop(*call)
        _, held = beside(layer, call, gates=gates)
        return Looped(result, held, call.initial_state, result[2], derived=True)
    if now.here.shadow and not delicate:
        return Looped(keras_loop(*call), None, None, None)
    loop = Loop(layer, gates=gates)
    with observing_loop(loop):
        result = keras_loop(*call)
    if loop.held is not None and loop.has_all_gates:
        return Looped(result, loop.held, call.initial_state, result[2], derived=delicate)
    # It is unrolled, or a fused kernel, which yields no c inside the sequence, or no gates.
    _, held = beside(layer, call, gates=gates)
    return Looped(result, held, call.initial_state, result[2], derived=True)


def is_compiled(call: LoopCall, layer: keras.layers.RNN) -> bool:
    """Whether a loop becomes part of a compiled program."""
    weights = [variable.value for variable in layer.variables]
    initial_state = keras.tree.map_structure(_value, call.initial_state)
    read = jax.tree.leaves((call.sequences, initial_state, weights))
    # In a gradient that is not compiled, this takes off what keeps account of it.
    return any(isinstance(jax.lax.stop_gradient(each), jax.core.Tracer) for each in read)


def must_have_a_shadow(layer: keras.layers.RNN) -> None:
    """Has the step that is traced now run once more beside itself.

    Raises:
        ValueError: It is no step of Keras's own.
    """
    bag = now.here.bag
    if isinstance(bag, Bag) and bag.can_have_a_shadow:
        bag.has_a_shadow = True
        return
    raise ValueError(
        f"Layer {layer.name!r} is unrolled, reads a single timestep, or its gates are asked for, "
        f"in a compiled function of your own. JAX would compute its last bits another way if it "
        f"were looked at there. Call the model's own fit, evaluate or predict, or do not compile "
        f"it; unroll=False, and a recording without gates, can be seen in there too."
    )


def beside(layer: keras.layers.RNN, call: LoopCall, *, gates: bool) -> tuple[Any, Held]:
    """Runs the loop a second time, which adds nothing to any gradient."""
    sequences, initial_state = jax.tree.map(
        jax.lax.stop_gradient,
        (call.sequences, keras.tree.map_structure(_value, call.initial_state)),
    )
    still = LoopCall(sequences, initial_state, call.mask, call.training)
    return loop_again(layer, still, gates=gates)


def _value(state: Any) -> Any:
    """A state as a tensor: that of a stateful layer is a variable."""
    return keras.ops.convert_to_tensor(state)


def on_host(function: OnHost, tensors: Any) -> None:
    """Calls a Python function with arrays: at once if eager, else when the step has run."""
    hand_out(function, keras.tree.map_structure(_value, tensors))


def traces(layers: Callable[[], Sequence[keras.layers.RNN]]) -> Traces:
    """The compiled functions of one block."""
    return Traces()


def join(block: Traced) -> None:
    """Stands in Keras's module of loops."""
    KerasLoops.of_keras().join(block)


def refuse(trainer: keras.Model) -> None:
    """Raises nothing: whatever is compiled can hand out its states."""
