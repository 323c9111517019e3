"""The host's side of a record block: takes each batch, says how its states began, and keeps it."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np

from stateviz.recorder.options import Options
from stateviz.recording import (
    GATES,
    BatchRecord,
    Event,
    Gates,
    GRUGates,
    Origin,
    Phase,
    Recording,
    RecordingWarning,
    State,
)
from stateviz.recording.records import EventKind

_NUMBERED_PHASES: tuple[Phase, ...] = ("fit", "validation", "evaluate", "predict")


@dataclass(frozen=True)
class LayerCall:
    """One call of a recurrent layer, or of one cell in it, as the layer's tap hands it out.

    Attributes:
        in_step: Whether it ran in a Keras train, test or predict step.
        place: 0 for the layer's first call in that step, 1 for its second, and so on.
        given: Whether `initial_state` was passed.
        stateful: Whether the layer keeps its state.
        training: None where Keras was not told.
        inputs: Shape (samples, timesteps, features); a ConvLSTM's have spatial axes too, as do
            its states and gates.
        initial_states, final_states: For each state, shape (samples, units).
        states: What the cell returned at each timestep, for each state, shape
            (samples, timesteps, units). At a masked timestep it is not what the layer held.
        gates: An LSTM's four gates or a GRU's three, each of shape (samples, timesteps, units), or
            none.
        mask: bool, True = used, shape (samples, timesteps), or None.
        go_backwards: Whether the layer reads from the end. All arrays are in the order of reading.
        units: The size of the first state; the filters of a ConvLSTM.
        unit_axis: Which axis of a state counts the units, from the end.
    """

    in_step: bool
    place: int
    given: bool
    stateful: bool
    training: bool | None
    inputs: np.ndarray
    initial_states: Sequence[np.ndarray]
    states: Sequence[np.ndarray]
    final_states: Sequence[np.ndarray]
    gates: Sequence[np.ndarray]
    mask: np.ndarray | None
    go_backwards: bool
    units: int
    unit_axis: int


@dataclass
class _Phase:
    """A method that runs now, and how many batches each layer has processed in it."""

    name: Phase | None
    epoch: int | None = None
    batches: Counter[str] = field(default_factory=Counter)


@dataclass
class _End:
    """A batch's final states, to be recognised when another begins with them."""

    states: tuple[bytes, ...]
    record: int | None


@dataclass
class _Seen:
    """What is remembered of a layer from batch to batch."""

    batches: int = 0
    reset_called: bool = False
    last: _End | None = None
    last_outside_validation: _End | None = None


class Capture:
    """Fills one recording while a record block is open."""

    def __init__(self, recording: Recording, options: Options) -> None:
        self.options = options
        self.recording = recording
        self._open = True
        self._phases: list[_Phase] = []
        self._seen = {name: _Seen() for name in recording.layers}
        self._bytes_kept = 0
        self._bytes_asked_for = 0
        self._failure: Exception | None = None
        self._ends_differ: set[str] = set()

    @property
    def phase_name(self) -> Phase | None:
        """The method that runs now."""
        return self._phases[-1].name if self._phases else None

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        """Holds while a method of the model runs."""
        epoch = self._phases[-1].epoch if name == "validation" else None
        self._phases.append(_Phase(name, epoch))
        self._note("phase began")
        try:
            yield
        finally:
            self._note("phase ended")
            self._phases.pop()

    def epoch_began(self, epoch: int) -> None:
        """Counts the batches of a new epoch of the method that runs now."""
        self._phases[-1].epoch = epoch
        self._phases[-1].batches.clear()
        self._note("epoch began")

    def epoch_ended(self) -> None:
        """Notes the end of an epoch; what follows, up to the next, is validation or callbacks."""
        self._note("epoch ended")

    def method_called(self, name: str, method: Literal["reset_state", "build"]) -> None:
        """Notes that `reset_state` or `build` was called on a layer."""
        if not self._open:
            return
        self._seen[name].reset_called |= method == "reset_state"
        self._note(method, layer=name)

    def take(self, name: str, call: LayerCall) -> None:
        """Receives one batch of one layer. No error of its own ever reaches the training."""
        if not self._open or self._failure is not None:
            return
        try:
            self._take(name, call)
        except Exception as error:
            self._failure = error
            self._note("recording stopped", layer=name)

    def reopen(self) -> None:
        """Goes on with a recording that was closed."""
        self._open = True

    def close(self) -> None:
        """Ends the recording and warns of whatever it lacks."""
        self._open = False
        if self._failure is not None:
            self._warn(
                f"recording stopped at an error of stateviz itself ({self._failure!r}); the model "
                f"ran on unharmed. Please report it"
            )
        if self._ends_differ:
            self._warn(
                f"the recorded states of {', '.join(sorted(self._ends_differ))} do not end in the "
                f"layer's own final states, so they are not what the layer computed. Please report "
                f"it"
            )
        if self._bytes_kept < self._bytes_asked_for:
            kept = sum(len(self.recording[name].batches) for name in self.recording.layers)
            seen = math.ceil(sum(seen.batches for seen in self._seen.values()) / self.options.every)
            every = self.options.every * math.ceil(self._bytes_asked_for / self.options.max_bytes)
            self._warn(
                f"recording stopped at the memory bound max_bytes={self.options.max_bytes:,}: the "
                f"first {kept:,} of {seen:,} batches were kept, all were counted. every={every} "
                f"would have fitted, or max_bytes={self._bytes_asked_for:,}, or fewer samples= or "
                f"units="
            )

    def _warn(self, what: str) -> None:
        sentence = what[0].upper() + what[1:] + "."
        self.recording.stopped = " ".join(filter(None, [self.recording.stopped, sentence]))
        warnings.warn(sentence, RecordingWarning, stacklevel=2)

    def _note(self, kind: EventKind, layer: str | None = None) -> None:
        now = self._phases[-1] if self._phases else _Phase(None)
        self.recording.events.append(Event(kind, phase=now.name, epoch=now.epoch, layer=layer))

    def _take(self, name: str, call: LayerCall) -> None:
        phase = self._phases[-1] if call.in_step and self._phases else _Phase("call")
        batch = None
        if phase.name in _NUMBERED_PHASES:
            phase.batches[name] += call.place == 0
            batch = phase.batches[name] - 1

        seen = self._seen[name]
        validating = phase.name == "validation"
        origin, came_from = _origin(call, seen, validating=validating)
        batch_size = len(call.final_states[0])
        record = None
        if seen.batches % self.options.every == 0:
            record = self._record(name, call, phase, batch, began=(origin, came_from))
        seen.batches += 1
        seen.reset_called = False
        index = None if record is None else record.index
        seen.last = _End(tuple(map(_bits, call.final_states)), index)
        if not validating:
            seen.last_outside_validation = seen.last
        if record is not None:
            self.recording[name].batches.append(record)
        happened = Event(
            "batch",
            phase=phase.name,
            epoch=phase.epoch,
            layer=name,
            batch=batch,
            origin=origin,
            batch_size=batch_size,
            record=index,
        )
        self.recording.events.append(happened)
        if len(call.inputs) < batch_size:
            self.recording.events.append(replace(happened, kind="one row repeated", origin=None))

    def _record(
        self,
        name: str,
        call: LayerCall,
        phase: _Phase,
        batch: int | None,
        *,
        began: tuple[Origin, int | None],
    ) -> BatchRecord | None:
        """The batch as asked for, or None where the filter or the memory bound leaves nothing."""
        kept = _Kept(self.options, call)
        if not len(kept.rows):
            return None
        mask = None if call.mask is None else kept.rows_of(call.mask)
        states = kept.states(mask)
        if not all(map(_ends_in_its_final, states)):
            self._ends_differ.add(name)
        record = BatchRecord(
            layer=name,
            index=len(self.recording[name].batches),
            phase=phase.name or "call",
            epoch=phase.epoch,
            batch=batch,
            training=call.training,
            origin=began[0],
            came_from=began[1],
            batch_size=kept.batch_size,
            samples=kept.rows,
            states=states,
            inputs=kept.rows_of(call.inputs) if self.options.inputs else None,
            mask=mask,
            go_backwards=call.go_backwards,
            gates=kept.gates() if self.options.gates else None,
        )
        fitted = self._bytes_asked_for <= self.options.max_bytes
        self._bytes_asked_for += record.nbytes
        if self._bytes_asked_for > self.options.max_bytes:
            if fitted:
                self._note("recording stopped")
            return None
        self._bytes_kept = self._bytes_asked_for
        return record


class _Kept:
    """What the options keep of one batch."""

    def __init__(self, options: Options, call: LayerCall) -> None:
        self._call = call
        self.batch_size = len(call.final_states[0])
        self.rows = options.rows(self.batch_size)
        are_all_in_order = np.array_equal(self.rows, np.arange(self.batch_size))
        self._rows = slice(None) if are_all_in_order else self.rows
        units_then_space = (options.unit_index, *[slice(None)] * (-1 - call.unit_axis))
        self._units = (..., *units_then_space)

    def rows_of(self, array: np.ndarray) -> np.ndarray:
        """The rows of what was read; one row stands for all where Keras broadcast it."""
        array = np.broadcast_to(array, (self.batch_size, *array.shape[1:]))
        return np.array(array[self._rows])

    def units_of(self, array: np.ndarray) -> np.ndarray:
        """The rows and units of a state; one of another size, of a user's own cell, is whole."""
        has_the_units = array.shape[self._call.unit_axis] == self._call.units
        return np.array(array[self._rows][self._units if has_the_units else ...])

    def states(self, mask: np.ndarray | None) -> tuple[State, ...]:
        """Each state, held where the mask leaves a timestep out."""
        call = self._call
        tensors = zip(call.initial_states, call.states, call.final_states, strict=True)
        kept = [tuple(map(self.units_of, each)) for each in tensors]
        return tuple(
            State(initial, held_through_mask(after, initial, mask), final)
            for initial, after, final in kept
        )

    def gates(self) -> Gates | GRUGates | None:
        """The gates by their names; how many there are says whose they are."""
        gates = list(map(self.units_of, self._call.gates))
        for kind in GATES:
            if len(gates) == len(fields(kind)):
                return kind(*gates)
        return None


def _ends_in_its_final(state: State) -> bool:
    """Whether the last recorded state is the layer's own final one, but for rounding."""
    if not state.after.shape[1]:
        return True
    last = state.after[:, -1]
    # Almost always it is, bit for bit, which is seen sooner than that two arrays are close.
    return np.array_equal(last, state.final) or np.allclose(
        last, state.final, 1e-3, 1e-5, equal_nan=True
    )


def _origin(call: LayerCall, seen: _Seen, *, validating: bool) -> tuple[Origin, int | None]:
    """How a batch's states began, observed from the numbers, and the record they came from."""
    if call.given:
        return "given", None
    initial = tuple(map(_bits, call.initial_states))
    zeros = not any(state.any() for state in call.initial_states)
    if not call.stateful:
        return ("fresh" if zeros else "altered"), None
    # Validation runs inside fit: what it leaves behind is not what the training handed on.
    previous = seen.last if validating else seen.last_outside_validation
    if previous is not None and initial == previous.states and not (zeros and seen.reset_called):
        return "carried", previous.record
    if zeros:
        return "reset", None
    if seen.last is not None and initial == seen.last.states:
        return "altered", seen.last.record
    return "altered", None


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


def _bits(array: np.ndarray) -> bytes:
    return array.tobytes()
