"""Keras on JAX: a layer's own scan yields its carry, and compiled steps hand it out as results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import Held, LoopCall, Looped, OnHost, Traced
from stateviz.recorder.backends.jax.loops import KerasLoops, Loop, loop_again
from stateviz.recorder.backends.jax.package import in_symbolic_scope, jax
from stateviz.recorder.backends.jax.steps import hand_out, stepping
from stateviz.recorder.backends.jax.traces import Traces
from stateviz.recorder.steps import observing_loop

__all__ = ["beside", "is_symbolic", "join", "on_host", "refuse", "run_loop", "stepping", "traces"]


def is_symbolic() -> bool:
    """Whether Keras only finds out shapes now, and nothing runs."""
    return bool(in_symbolic_scope())


def run_loop(
    layer: keras.layers.RNN, keras_loop: Callable[..., Any], call: LoopCall, *, gates: bool
) -> Looped:
    """Runs a layer's loop with a scan that yields its carry, or beside it where there is none."""
    loop = Loop(layer, gates=gates)
    with observing_loop(loop):
        result = keras_loop(*call)
    if loop.held is not None:
        return Looped(result, loop.held, call.initial_state, result[2])
    # It is unrolled, or a fused kernel, which never yields c inside the sequence.
    again, held = beside(layer, call, gates=gates)
    final = again[2] if layer.unroll else result[2]
    return Looped(result, held, call.initial_state, final, derived=True)


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
