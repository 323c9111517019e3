"""Keras on TensorFlow: the states are yielded by the layer's own loop, and sent to the host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import Held, LoopCall, Looped, OnHost, Traced
from stateviz.recorder.backends.tensorflow import interrupts
from stateviz.recorder.backends.tensorflow.loops import (
    gates_must_be_derived,
    loop_with_states,
    must_be_left_alone,
)
from stateviz.recorder.backends.tensorflow.package import tf
from stateviz.recorder.backends.tensorflow.traces import Functions, Graphs, Traces
from stateviz.recorder.backends.tensorflow.xla import Bag
from stateviz.recorder.cells import draws_random_numbers_in_its_loop, parts_of
from stateviz.recorder.steps import now


def is_symbolic() -> bool:
    """Nothing is: a graph that only tells shapes is never run, so its host calls never come."""
    return False


def run_loop(
    layer: keras.layers.RNN, keras_loop: Callable[..., Any], call: LoopCall, *, gates: bool
) -> Looped:
    """Runs a layer's loop with a step that yields every state, or beside it where it must."""
    if now.here.compiled_by_xla and not tf.config.functions_run_eagerly():
        _refuse_what_xla_would_change(layer, masked=call.mask is not None, gates=gates)
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


def stepping(model: keras.Model, steps: Mapping[str, Callable[..., Any]]) -> dict[str, object]:
    """Nothing more: a graph calls the host by itself."""
    return dict(steps)


def traces(layers: Callable[[], Sequence[keras.layers.RNN]]) -> Traces:
    """The `tf.functions` of one block."""
    return Traces(layers)


def join(block: Traced) -> None:
    """Stands in TensorFlow's own classes of functions and graphs."""
    functions = Functions.of_tensorflow()
    functions.on_host = on_host
    functions.join(block)
    Graphs.of_tensorflow().join(block)


def refuse(trainer: keras.Model) -> None:
    """Raises nothing: what XLA compiles is refused layer by layer, when it is traced."""


def _read(tensor: Any) -> Any:
    return tf.identity(keras.ops.convert_to_tensor(tensor))


def _plain(array: np.ndarray) -> np.ndarray:
    """The array in a dtype of NumPy's own: bfloat16 as float32, which holds it exactly."""
    return array if array.dtype.kind in "fiub" else array.astype(np.float32)


def _refuse_what_xla_would_change(layer: keras.layers.RNN, *, masked: bool, gates: bool) -> None:
    """Raises where XLA would compute the last bits another way, if a layer were looked at."""
    bag = now.here.bag
    if not isinstance(bag, Bag) or not bag.is_open:
        why = "in a branch, a loop or a function of its own"
    elif layer.unroll:
        why = "unrolled"
    elif masked:
        why = "and reads masked timesteps"
    elif len(parts_of(layer)) > 1:
        why = "around several cells"
    elif gates and any(part.gates for part in parts_of(layer)):
        why = "and its gates are asked for"
    else:
        return
    raise ValueError(
        f"Layer {layer.name!r} is compiled with XLA (jit_compile=True), {why}, where the last bits "
        f"of what is seen would not be the layer's own. Compile it with jit_compile=False to "
        f"record it; the results then differ by rounding only."
    )


def _refuse_a_second_loop(layer: keras.layers.RNN) -> None:
    if draws_random_numbers_in_its_loop(layer):
        raise ValueError(
            f"Layer {layer.name!r} is unrolled around {type(layer.cell).__name__}, a cell of your "
            f"own that keeps variables beside its weights (such as a seed). Its states could only "
            f"be derived by running it twice, which would change them. Make it with unroll=False "
            f"to record it."
        )
