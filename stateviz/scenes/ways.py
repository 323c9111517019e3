"""The way of the state to each batch that is shown, as far as the recording proves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stateviz.drawing.flat import flat
from stateviz.recording import BatchRecord, LayerRecording, Recording
from stateviz.recording.layers import history_of
from stateviz.scenes.naming import told_apart


@dataclass(frozen=True)
class Way:
    """How a batch came to the state that it began with.

    Attributes:
        record: The batch, with its units on one axis.
        name: What it is called.
        before: What the batch that is shown before it is called, where its final state was there
            just before, or is the state that this batch began with.
        is_same: Whether this batch began with that state, bit for bit.
        cause: What reset, gave or altered the state, in a word; "" where nothing did.
    """

    record: BatchRecord
    name: str
    before: str | None
    is_same: bool
    cause: str

    def said(self) -> str:
        """What happens to the state on the way, in words."""
        if self.before is None:
            return f"{self.name}   {self._arrives()}"
        return f"{self.name}   the final state of {self.before} {self._goes()}"

    def _arrives(self) -> str:
        return {
            "carried": "a state is carried over from a batch that is not shown",
            "fresh": "fresh zeros arrive",
            "reset": {
                _NEW: "zeros arrive: the state is new",
                _RESET: "zeros arrive, after reset_state()",
            }.get(self.cause, "zeros arrive"),
            "given": "the state arrives that was passed as initial_state",
            "altered": f"a state arrives that was left by {self._doer}",
        }[self.record.origin]

    def _goes(self) -> str:
        if self.is_same and self.record.origin == "given":
            return "is handed on: it was passed as initial_state"
        if self.is_same and self.record.origin == "altered":
            return f"arrives: {self._doer} has altered the state"
        return {
            "carried": "is carried over, row by row",
            "fresh": "is dropped, and fresh zeros arrive",
            "reset": "is stopped, and zeros arrive"
            + (", by reset_state()" if self.cause == _RESET else ""),
            "given": "is dropped, and what was passed as initial_state arrives",
            "altered": f"is gone, and a state arrives that was left by {self._doer}",
        }[self.record.origin]

    @property
    def _doer(self) -> str:
        return "an assignment" if self.cause == _ASSIGNED else self.cause


_NEW, _RESET, _ZEROED, _ASSIGNED = "new", "reset_state()", "set to 0", "assigned"


def ways_of(recording: Recording, layer: LayerRecording, places: Sequence[int]) -> list[Way]:
    """The way to each of some batches.

    Args:
        recording: The recording that the layer is from.
        layer: The layer.
        places: The places of the batches in the layer, 0-based, as they are shown.
    """
    records = [flat(layer.batches[place]) for place in places]
    names = told_apart(records)
    # Also batches that were not kept are counted: what is kept side by side need not be neighbours.
    history = history_of(layer, recording.events)
    number_of = {event.record: number for number, event in enumerate(history)}
    resets = _resets(recording, layer)
    ways: list[Way] = []
    for place, record in enumerate(records):
        before, is_same = None, False
        if place:
            earlier = records[place - 1]
            is_same = record.came_from == earlier.index
            next_to = number_of[record.index] == number_of[earlier.index] + 1
            if is_same or (next_to and record.origin != "carried"):
                before = names[place - 1]
        cause = _cause(layer, record, resets)
        ways.append(Way(record, names[place], before, is_same, cause))
    return ways


def _cause(layer: LayerRecording, record: BatchRecord, resets: dict[int, str]) -> str:
    if record.origin == "reset":
        return resets.get(record.index, _ZEROED if record.index else _NEW)
    if record.origin == "given":
        return "initial_state"
    if record.origin != "altered":
        return ""
    source = None if record.came_from is None else layer.batches[record.came_from]
    return _ASSIGNED if source is None else source.phase or "another call"


def _resets(recording: Recording, layer: LayerRecording) -> dict[int, str]:
    """What last zeroed the layer's state before each batch, if it was zeroed then."""
    found: dict[int, str] = {}
    cause = _NEW
    for event in recording.events:
        if event.layer != layer.name:
            continue
        if event.kind == "reset_state":
            cause = _RESET
        elif event.kind == "batch":
            if event.record is not None:
                found[event.record] = cause
            cause = _ZEROED
    return found
