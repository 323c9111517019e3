"""The way back through a loop of Keras on TensorFlow: what comes back to each state, read there.

Each state passes an identity whose gradient also goes to zeros. These ride beside the inputs, a
timestep each, so that the loop's own gradient collects what came back to every timestep, and the
function that made the zeros is handed all of it, once a batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from stateviz.recorder.backends.base import LoopCall
from stateviz.recorder.frameworks import checked, keras
from stateviz.recorder.patches import patched

tf = checked("tensorflow")

Send = Callable[[Sequence[Any]], None]


def with_gradients(call: LoopCall, send: Send) -> tuple[LoopCall, Callable[..., Any]]:
    """What the loop of a layer with a cell of Keras's own is to run instead.

    Args:
        call: What it was to run.
        send: Takes dL/d(state) for each initial state, shape (samples, units), then for each state
            after each timestep of the data, shape (samples, timesteps, units).

    Returns:
        The call with wider inputs and other initial states, equal in value, and the cell for it.
    """
    cell, begin = call.layer.cell, keras.tree.flatten(call.initial_state)
    begin = [keras.ops.convert_to_tensor(each) for each in begin]
    if any(each.dtype != call.sequences.dtype for each in begin):
        return call, cell
    ends = [tf.shape(each) for each in begin]
    samples, timesteps = tf.unstack(tf.shape(call.sequences)[:2])
    through = [tf.stack([samples, timesteps, cell.units]) for _ in begin]
    zeros = _zeros([*ends, *through], call.sequences.dtype, send)
    begin = list(map(_marked, begin, zeros[: len(begin)]))
    wide = tf.concat([call.sequences, *zeros[len(begin) :]], 2)
    wide = tf.ensure_shape(wide, [*call.sequences.shape[:2], None])
    sizes = [call.sequences.shape[2], *[cell.units] * len(begin)]

    def run_cell(inputs: Any, before: Any, **kwargs: Any) -> tuple[Any, Any]:
        inputs, *marks = tf.split(inputs, sizes, 1)
        with patched(_marks_c_within(cell, marks)):
            h, (_, *others) = cell(inputs, before, **kwargs)
        h = _marked(h, marks[0])  # the output and the state are one tensor
        return h, [h, *map(_marked, others, marks[1:])]

    return replace(call, sequences=wide, initial_state=begin), run_cell


def _marks_c_within(cell: Any, marks: Sequence[Any]) -> list[tuple[object, str, object]]:
    """Has an LSTM's c marked where h is made of it, which happens inside of the cell."""
    if not isinstance(cell, keras.layers.LSTMCell):
        return []
    activation, calls = cell.activation, iter((False, True))

    def activate(value: Any) -> Any:  # of the candidate, then of c
        return activation(_marked(value, marks[1]) if next(calls, False) else value)

    return [(cell, "activation", activate)]


def _zeros(shapes: Sequence[Any], dtype: Any, send: Send) -> list[Any]:
    """Zeros whose gradients are sent, all at once."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def zeros(followed: Any) -> tuple[list[Any], Callable[..., Any]]:
        def gradient(*gradients: Any) -> Any:
            send(gradients)
            return tf.zeros_like(followed)

        return [tf.zeros(shape, dtype) for shape in shapes], gradient

    return list(zeros(_followed().value()))


@functools.cache
def _followed() -> Any:
    """A variable, which a gradient follows by itself, also where all weights are frozen."""
    with tf.init_scope():
        return tf.Variable(0.0)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _marked(value: Any, zeros: Any) -> tuple[Any, Callable[..., Any]]:
    """The value itself; what comes back to it comes back to the zeros too."""

    def gradient(came_back: Any) -> tuple[Any, Any]:
        own = came_back
        if zeros.shape[0] is None or zeros.shape[0] != value.shape[0]:
            own = came_back[: tf.shape(zeros)[0]]  # of one row that Keras repeats, the first
        return came_back, own

    return tf.identity(value), gradient
