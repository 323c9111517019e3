"""The way of the state to each batch that is shown, as far as the recording proves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stateviz.drawing.flat import flat
from stateviz.recording import BatchRecord, LayerRecording, Recording
from stateviz.recording.layers import history_of
from stateviz.scenes.naming import began, told_apart

_NEW, _RESET, _ZEROED = "new", "reset_state()", "set to 0"
_PASSED, _ASSIGNED = "initial_state", "assigned"


@dataclass(frozen=True, eq=False)
class Transition:
    """How a batch came to the state that it began with.

    Attributes:
        record: The batch, with its units on one axis.
        name: What it is called.
        before: What the batch that is shown before it is called, where its final state was there
            just before, or is the state that rows of this batch began with.
        lanes: For each row of this batch the lane of the batch before whose final state it began
            with, bit for bit, shape (samples,); NaN where that is none of them.
        cause: What reset, gave or altered the state, or left it, in a word or two; "" where there
            is nothing to say.
    """

    record: BatchRecord
    name: str
    before: str | None
    lanes: np.ndarray
    cause: str

    @property
    def is_same(self) -> bool:
        """Whether each row began where the same row of the batch before had ended."""
        return np.array_equal(self.lanes, np.arange(len(self.lanes)))

    @property
    def by_row(self) -> bool:
        """Whether its rows went different ways, or to other lanes."""
        goes_on = not np.isnan(self.lanes).all()
        return self.record.origin == "mixed" or (goes_on and not self.is_same)

    @cached_property
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
            "given": f"the state arrives that was passed as initial_state{self._by_whom}",
            "altered": "a state arrives that was assigned, or left by what was not recorded",
            "mixed": f"its rows begin each in its own way: {began(self.record)}",
        }[self.record.origin]

    def _goes(self) -> str:
        known = ~np.isnan(self.lanes)
        if self.record.origin == "given" and known.any():
            rows = "" if known.all() else f" in {known.sum()} of {len(known)} rows"
            order = ", its rows in another order" if self.by_row and known.all() else ""
            return f"is handed on{rows}: it was passed as initial_state{order}"
        order = " in another order" if self.by_row else ""
        return {
            "carried": f"is carried over, row by row{order}",
            "fresh": "is dropped, and fresh zeros arrive",
            "reset": "is stopped, and zeros arrive"
            + (", by reset_state()" if self.cause == _RESET else ""),
            "given": f"is dropped, and what was passed as initial_state arrives{self._by_whom}",
            "altered": "is gone, and a state arrives that was assigned, or left by what was not "
            "recorded",
            "mixed": f"goes on in some rows alone: {began(self.record)}",
        }[self.record.origin]

    @property
    def _by_whom(self) -> str:
        return "" if self.cause == _PASSED else f", {self.cause}"


def transitions_of(
    recording: Recording, layer: LayerRecording, places: Sequence[int], *, with_givers: bool = False
) -> list[Transition]:
    """The way to each of some batches.

    Args:
        recording: The recording that the layer is from.
        layer: The layer.
        places: The places of the batches in the layer, 0-based, as they are shown.
        with_givers: Whether the batch of another layer that gave its state, such as an encoder's,
            is shown before the batch that began with it.
    """
    shown: list[tuple[LayerRecording, BatchRecord]] = []
    for place in places:
        record = flat(layer.batches[place])
        giver = _giver(recording, record) if with_givers else None
        places_shown = [(each.layer, each.index) for _, each in shown]
        if giver is not None and (giver[1].layer, giver[1].index) not in places_shown:
            shown.append(giver)
        shown.append((layer, record))
    records = [record for _, record in shown]
    names = told_apart(records)
    # Also batches that were not kept are counted: what is kept side by side need not be neighbours.
    numbers = enumerate(history_of(layer, recording.events))
    number_of = {event.index: number for number, event in numbers if isinstance(event, BatchRecord)}
    resets = {of.name: _resets(recording, of) for of, _ in shown}
    transitions: list[Transition] = []
    for place, (of, record) in enumerate(shown):
        before, lanes = None, np.full(len(record.samples), np.nan)
        if place:
            earlier = records[place - 1]
            lanes = _lanes_before(record, earlier)
            next_to = record.layer == earlier.layer and (
                number_of[record.index] == number_of[earlier.index] + 1
            )
            if not np.isnan(lanes).all() or (next_to and record.origin != "carried"):
                before = names[place - 1]
        cause = _cause(of, record, resets[of.name])
        transitions.append(Transition(record, names[place], before, lanes, cause))
    return transitions


def _giver(recording: Recording, record: BatchRecord) -> tuple[LayerRecording, BatchRecord] | None:
    """The batch of another layer with whose final states a batch began, if it can stand before."""
    source = record.source
    if source is None or source.index is None or source.layer not in recording:
        return None
    if source.layer == record.layer:
        return None
    layer = recording[source.layer]
    giver = flat(layer.batches[source.index])
    alike = np.array_equal(giver.samples, record.samples) and giver.units == record.units
    return (layer, giver) if alike else None


def _lanes_before(record: BatchRecord, earlier: BatchRecord) -> np.ndarray:
    """For each row the lane of an earlier batch with whose final state it began."""
    lane_of = {row: lane for lane, row in enumerate(earlier.samples.tolist())}
    whose = (earlier.layer, earlier.index, True)
    return np.array(
        [
            lane_of.get(source.row, np.nan)
            if source and (source.layer, source.index, source.certain) == whose
            else np.nan
            for source in record.sources
        ]
    )


def _cause(layer: LayerRecording, record: BatchRecord, resets: dict[int, str]) -> str:
    source = record.source
    if record.origin == "reset":
        return resets.get(record.index, _ZEROED if record.index else _NEW)
    if record.origin == "given":
        other = source is not None and source.layer != record.layer
        return f"from {source.layer!r}" if source is not None and other else _PASSED
    if record.origin == "carried" and source is not None and source.index is not None:
        phase = layer.batches[source.index].phase
        return f"from {phase}" if phase not in (record.phase, None) else ""
    return _ASSIGNED if record.origin == "altered" else ""


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
            if isinstance(event, BatchRecord):
                found[event.index] = cause
            cause = _ZEROED
    return found
