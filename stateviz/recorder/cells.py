"""What a recurrent layer is made of: its cells, the states of each, and the gates it computes.

Most layers have one cell. `RNN([cells])` has several, each with states of its own; the recording
then holds each as if it were a layer, under its own name.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from stateviz.recorder.frameworks import keras
from stateviz.recorder.patches import patched

_CONVOLUTIONAL = (keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D, keras.layers.ConvLSTM3D)
_DRAW_THEIR_MASKS_BEFORE = (
    keras.layers.LSTMCell,
    keras.layers.GRUCell,
    keras.layers.SimpleRNNCell,
)


# Two threads may trace one layer; each must find the cell's own methods.
observing_one = threading.RLock()


@dataclass(frozen=True)
class RecordedCell:
    """One cell of a recurrent layer, with what it holds.

    Attributes:
        name: "" for the only cell of a layer, else the cell's name.
        kind: The class to show: the layer's, or that of an inner cell.
        cell: The cell itself.
        states: How many state tensors it has.
        units: The size of its first state; the filters of a ConvLSTM.
        unit_axis: Which axis of a state counts the units, from the end.
        gates: How many gates can be observed: 4 of an LSTM, 3 of a GRU, else 0.
    """

    name: str
    kind: str
    cell: Any
    states: int
    units: int
    unit_axis: int
    gates: int

    @property
    def follows_gradients(self) -> bool:
        """Whether it is the only cell of a layer, and one of Keras's own whose call is known."""
        known = [cell.call for cell in _DRAW_THEIR_MASKS_BEFORE]
        return not self.name and getattr(type(self.cell), "call", None) in known


def parts_of(layer: keras.layers.RNN) -> list[RecordedCell]:
    """The cells of a layer, in the order in which a timestep goes through them."""
    cells = list(_leaves(layer.cell))
    if len(cells) == 1 and cells[0] is layer.cell:
        return [_part(layer, layer.cell, name="")]
    named: Counter[str] = Counter()
    parts = []
    for cell in cells:
        name = getattr(cell, "name", type(cell).__name__)
        named[name] += 1
        name = name if named[name] == 1 else f"{name}#{named[name]}"
        parts.append(_part(layer, cell, name=name))
    return parts


def _leaves(cell: Any) -> Iterator[Any]:
    if isinstance(cell, keras.layers.StackedRNNCells):
        for inner in cell.cells:
            yield from _leaves(inner)
    else:
        yield cell


def _part(layer: keras.layers.RNN, cell: Any, *, name: str) -> RecordedCell:
    kind = type(cell if name else layer).__name__
    if isinstance(layer, _CONVOLUTIONAL):
        first = cell.data_format == "channels_first"
        return RecordedCell(name, kind, cell, 2, cell.filters, -1 - cell.rank if first else -1, 4)
    # A size is a number or a shape, and a cell has one for each state.
    sizes = [cell.state_size] if isinstance(cell.state_size, int) else list(cell.state_size)
    units = int(keras.tree.flatten(sizes)[0])
    return RecordedCell(name, kind, cell, len(sizes), units, -1, _gates_of(cell))


def _gates_of(cell: Any) -> int:
    """How many gates Keras's own `call` of a cell computes; a call of the user's is not known."""
    known = {keras.layers.LSTMCell.call: 4, keras.layers.GRUCell.call: 3}
    return known.get(getattr(type(cell), "call", None), 0)


def draws_random_numbers_in_its_loop(layer: keras.layers.RNN) -> bool:
    """Whether running the loop a second time could change what the layer computes next.

    Keras draws the dropout masks of its own cells before the loop. What a cell of the user's own
    draws, counts or updates in its call is not known, where it has anything to do it with.
    """
    return any(
        not isinstance(cell, _DRAW_THEIR_MASKS_BEFORE)
        and not isinstance(layer, _CONVOLUTIONAL)
        and bool(getattr(cell, "non_trainable_variables", []))
        for cell in _leaves(layer.cell)
    )


def is_one_operation(activation: Any) -> bool:
    """Whether an activation of a cell of Keras's own is a single operation of TensorFlow."""
    known = keras.activations
    single = (known.tanh, known.sigmoid, known.relu, known.linear, known.elu, known.softplus)
    return activation in single


@dataclass
class Observed:
    """What cells computed in one timestep: the inputs of each but the first, and its gates."""

    inputs: list[Any] = field(default_factory=list)
    gates: list[list[Any]] = field(default_factory=list)


def observed(
    parts: Sequence[RecordedCell], seen: Observed, *, gates: bool
) -> AbstractContextManager[None]:
    """Collects what each cell reads, and what its activations return if `gates`."""
    seen.gates.extend([] for _ in parts)
    replacements: list[tuple[object, str, object]] = []
    for place, (part, values) in enumerate(zip(parts, seen.gates, strict=True)):
        if place:
            # As StackedRNNCells calls it; the __call__ of a Keras layer leads to its call.
            is_layer = isinstance(part.cell, keras.layers.Layer)
            method = "__call__" if callable(part.cell) and not is_layer else "call"
            reads = _reading(getattr(part.cell, method), seen.inputs)
            replacements.append((part.cell, method, reads))
        if not (gates and part.gates):
            continue
        for name in ("activation", "recurrent_activation"):
            observe = _observing(getattr(part.cell, name), values, part.gates)
            replacements.append((part.cell, name, observe))
    return patched(replacements)


def _observing(
    activation: Callable[[Any], Any], values: list[Any], gates: int
) -> Callable[[Any], Any]:
    # An LSTM cell calls them in the order i, f, candidate, o, and the last on c, for h; a GRU cell
    # in the order update, reset, candidate.
    def observe(before: Any) -> Any:
        value = activation(before)
        if len(values) < gates:
            values.append(value)
        return value

    return observe


def _reading(call: Callable[..., Any], inputs: list[Any]) -> Callable[..., Any]:
    def reads(read: Any, *args: Any, **kwargs: Any) -> Any:
        inputs.append(read)
        return call(read, *args, **kwargs)

    return reads
