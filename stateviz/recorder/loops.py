"""Keras's own loop over the timesteps, with a step that yields every state beside the output."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from stateviz.recorder.backend import keras, tf
from stateviz.recorder.cells import Observed, is_one_operation, observed, observing_one, parts_of


@dataclass(frozen=True)
class Held:
    """The tensors that a loop held, each with its time axis as axis 1.

    Attributes:
        states: What the cell returned at each timestep, at a masked timestep not yet what the layer
            held (see `held_through_mask`).
        inputs: What each part but the first read.
        gates: For each part, its gates.
    """

    states: list[Any]
    inputs: list[Any]
    gates: list[list[Any]]


def loop_with_states(
    layer: keras.layers.RNN,
    sequences: Any,
    initial_state: Any,
    mask: Any,
    training: Any,
    *,
    gates: bool,
) -> tuple[tuple[Any, Any, Any], Held]:
    """Runs Keras's own loop with a step that yields all that the cells hold beside the output.

    Returns:
        What `inner_loop` returns (last output, outputs, final states), and what was held.
    """
    cell, parts = layer.cell, parts_of(layer)
    takes_training = isinstance(cell, keras.layers.Layer) and (
        "training" in inspect.signature(cell.call).parameters
    )
    told = {"training": training} if takes_training else {}
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
    last_output, outputs, final = keras.layers.RNN.inner_loop(
        stand_in, sequences, initial_state, mask, training
    )
    held = Held(**keras.tree.map_structure(lambda place: outputs[place], yielded))
    return (last_output[0], outputs[0], final), held


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
