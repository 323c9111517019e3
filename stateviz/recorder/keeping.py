"""One call of a layer as its tap hands it out, and what the options keep of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from stateviz.recorder.context import Step
from stateviz.recorder.options import Options
from stateviz.recording import GATES, Gates, GRUGates, State


@dataclass(frozen=True, kw_only=True)
class LayerCall:
    """One call of a recurrent layer, or of one cell in it, in the order in which it read.

    Attributes:
        step: The model's train, test or predict step that it ran in, or None.
        place: 0 for the layer's first call in that step, 1 for its second, and so on.
        number: Of the step, among those in which the layer ran; None where each call is a batch.
        given: Whether `initial_state` was passed.
        stateful: Whether the layer keeps its state.
        training: None where Keras was not told.
        go_backwards: Whether the layer reads from the end.
        derived: Whether the states were computed beside the layer's own, in a loop of their own.
        is_own: Whether the states need no copy, since nobody can write to them.
        initial_address, final_address: What tells, of several equal states, the one that was handed
            over: the identity of the first tensor, or where it lies in memory.
        inputs: Shape (samples, timesteps, features); a ConvLSTM's have spatial axes too, as do
            its states and gates.
        initial_states, final_states: For each state, shape (samples, units).
        states: What the cell returned at each timestep, for each state, shape
            (samples, timesteps, units). At a masked timestep it is not what the layer held.
        gates: An LSTM's four gates or a GRU's three, each of shape (samples, timesteps, units), or
            none.
        mask: bool, True = used, shape (samples, timesteps), or None.
        units: The size of the first state; the filters of a ConvLSTM.
        unit_axis: Which axis of a state counts the units, from the end.
        gradients_at: What the gradients of the states will be delivered with, if any come.
    """

    step: Step | None
    place: int
    number: int | None = None
    given: bool
    stateful: bool
    training: bool | None
    go_backwards: bool
    derived: bool = False
    is_own: bool = False
    initial_address: int | None = None
    final_address: int | None = None
    inputs: np.ndarray
    initial_states: Sequence[np.ndarray]
    states: Sequence[np.ndarray]
    final_states: Sequence[np.ndarray]
    gates: Sequence[np.ndarray]
    mask: np.ndarray | None
    units: int
    unit_axis: int
    gradients_at: tuple[int, int] | None = None


class Kept:
    """What the options keep of one batch."""

    def __init__(self, options: Options, call: LayerCall) -> None:
        self._call = call
        self._options = options
        self.batch_size = len(call.final_states[0])
        self.rows = options.rows(self.batch_size)
        are_all = np.array_equal(self.rows, np.arange(self.batch_size))
        self._rows: slice | np.ndarray = slice(None) if are_all else self.rows
        units_then_space = (options.unit_index, *[slice(None)] * (-1 - call.unit_axis))
        self._units = (..., *units_then_space)

    @property
    def nbytes(self) -> int:
        """The bytes that it takes once it is copied."""
        call, rows = self._call, len(self.rows)
        if not rows:
            return 0
        read = [call.inputs] if self._options.inputs else []
        read += [] if call.mask is None else [call.mask]
        held = [*call.initial_states, *call.states, *call.final_states]
        held += [*call.gates] if self._options.gates else []
        in_a_row = [math.prod(array.shape[1:]) * array.itemsize for array in read]
        in_a_row += [
            array[:1][self._units if self._has_the_units(array) else ...].nbytes for array in held
        ]
        return rows * (self.rows.itemsize + sum(in_a_row))

    def rows_of(self, array: np.ndarray) -> np.ndarray:
        """The rows of what was read; one row stands for all where Keras broadcast it."""
        array = np.broadcast_to(array, (self.batch_size, *array.shape[1:]))
        return np.array(array[self._rows])

    def units_of(self, array: np.ndarray) -> np.ndarray:
        """The rows and units of a state; one of another size, of a user's own cell, is whole."""
        return np.array(array[self._rows][self._units if self._has_the_units(array) else ...])

    def _has_the_units(self, array: np.ndarray) -> bool:
        axes_of_units = -self._call.unit_axis
        return (
            len(array.shape) > axes_of_units
            and array.shape[self._call.unit_axis] == self._call.units
        )

    def states(self, mask: np.ndarray | None) -> tuple[State, ...]:
        """Each state, held where the mask leaves a timestep out."""
        call = self._call
        tensors = zip(call.initial_states, call.states, call.final_states, strict=True)
        is_whole = isinstance(self._rows, slice) and self._options.units is None
        kept_after = np.asarray if call.is_own and is_whole else self.units_of
        states = []
        for initial, after, final in tensors:
            kept = self.units_of(initial)
            held = held_through_mask(kept_after(after), kept, mask)
            states.append(State(kept, held, self.units_of(final)))
        return tuple(states)

    def gates(self) -> Gates | GRUGates | None:
        gates = list(map(self.units_of, self._call.gates))
        for kind in GATES:
            if len(gates) == len(fields(kind)):
                return kind(*gates)
        return None


def ends_apart(state: State) -> float:
    """How far the last recorded state is from the layer's own final one.

    Returns:
        The largest difference; infinity where it is more than rounding explains.
    """
    if not state.after.shape[1]:
        return 0.0
    last = state.after[:, -1]
    # Almost always it is, bit for bit, which is seen sooner than that two arrays are close.
    if np.array_equal(last, state.final):
        return 0.0
    if not np.allclose(last, state.final, 1e-3, 1e-5, equal_nan=True):
        return math.inf
    with np.errstate(invalid="ignore"):  # infinity less infinity
        apart = np.abs(last.astype(float) - state.final.astype(float))
    return float(np.max(apart[np.isfinite(apart)], initial=0.0))


def held_through_mask(
    returned: np.ndarray, initial: np.ndarray, mask: np.ndarray | None
) -> np.ndarray:
    """What the layer held: at a masked timestep Keras keeps the state of the timestep before.

    Args:
        returned: What the cell returned, shape (samples, timesteps, units), or with more axes.
        initial: The state before the first timestep, shape (samples, units), or with more axes.
        mask: bool, True = used, shape (samples, timesteps), or None.

    Returns:
        The state after each timestep, shape (samples, timesteps, units).

    Example:
        >>> import numpy as np
        >>> returned, initial = np.array([[[1.0], [2.0], [3.0]]]), np.array([[7.0]])
        >>> held_through_mask(returned, initial, np.array([[False, True, False]]))[0, :, 0]
        array([7., 2., 2.])
    """
    if mask is None:
        return returned
    timesteps = np.arange(mask.shape[1])
    last_used = np.maximum.accumulate(np.where(mask, timesteps, -1), axis=1)
    last_used = last_used.reshape(*mask.shape, *[1] * (returned.ndim - 2))
    held = np.take_along_axis(returned, np.maximum(last_used, 0), axis=1)
    return np.where(last_used < 0, initial[:, np.newaxis], held)
