"""Keras's own loop over the timesteps, with a step that yields every state beside the output."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import Held, LoopCall
from stateviz.recorder.backends.tensorflow.package import tf
from stateviz.recorder.cells import Observed, is_one_operation, observed, observing_one, parts_of


def loop_with_states(
    layer: keras.layers.RNN, call: LoopCall, *, gates: bool
) -> tuple[tuple[Any, Any, Any], Held]:
    """Runs Keras's own loop with a step that yields all that the cells hold beside the output.

    Returns:
        What `inner_loop` returns (last output, outputs, final states), and what was held.
    """
    cell, parts = layer.cell, parts_of(layer)
    takes_training = isinstance(cell, keras.layers.Layer) and (
        "training" in inspect.signature(cell.call).parameters
    )
    told = {"training": call.training} if takes_training else {}
    yielded: dict[str, Any] = {}

    def step(inputs: Any, before: Any) -> tuple[Any, Any]:
        seen = Observed()
        with observing_one, observed(parts, seen, gates=gates):
            output, after = cell(inputs, before, **told)
        wanted = {"states": keras.tree.flatten(after), "inputs": seen.inputs, "gates": seen.gates}
        # What is one tensor, such as the output and h, is yielded once.
        once = {id(output): output} | {id(each): each for each in keras.tree.flatten(wanted)}
        places = {each: place for place, each in enumerate(once)}
        yielded.update(keras.tree.map_structure(lambda each: places[id(each)], wanted))
        # The gradient must not flow through what is only looked at.
        _, *others = once.values()
        return (output, *map(keras.ops.stop_gradient, others)), after

    stand_in = SimpleNamespace(
        cell=step,
        go_backwards=layer.go_backwards,
        unroll=False,
        stateful=layer.stateful,
        zero_output_for_mask=layer.zero_output_for_mask,
        return_sequences=True,
    )
    last_output, outputs, final = keras.layers.RNN.inner_loop(stand_in, *call)
    held = Held(**keras.tree.map_structure(lambda place: _time_first(outputs[place]), yielded))
    return (last_output[0], outputs[0], final), held


def _time_first(tensor: Any) -> Any:
    """What Keras's loop yields, shape (samples, timesteps, ...), as (timesteps, samples, ...).

    So the loop itself holds it, and TensorFlow leaves out of a graph both this transposition and
    the one that it undoes. On the host it costs nothing.
    """
    return keras.ops.swapaxes(tensor, 0, 1)


def must_be_left_alone(layer: keras.layers.RNN) -> bool:
    """Whether the layer's own computation would not stay the same, or yields no states.

    The fused cuDNN kernel never yields c inside the sequence. In an unrolled loop TensorFlow's
    graph optimizer rewrites sums and products by who else reads them, so one more reader would
    change the last bits of the gradients.
    """
    use_cudnn = getattr(layer, "use_cudnn", False)
    has_gpu = bool(tf.config.list_logical_devices("GPU"))
    return layer.unroll or use_cudnn is True or (use_cudnn == "auto" and has_gpu)


def gates_must_be_derived(layer: keras.layers.RNN) -> bool:
    """Whether a reader of the gates would change the layer's own last bits.

    An activation that is made of several operations, such as gelu or hard_sigmoid, is merged with
    what follows by TensorFlow's graph optimizer, as long as nobody else reads it.
    """
    if tf.executing_eagerly():
        return False
    return not all(is_one_operation(part) for part in parts_of(layer) if part.gates)
