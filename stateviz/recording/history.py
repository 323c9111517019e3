"""What happened to one layer, batch by batch: its events and its batches as one truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from stateviz.recording.layers import LayerRecording
from stateviz.recording.records import ZEROED, BatchRecord, Event


def history_of(layer: LayerRecording, events: Sequence[Event]) -> list[Event]:
    """An event for each batch of a layer, also for those that were not kept.

    A batch that has no event, as in a recording made by hand, gets one. What older recordings do
    not say, the number of the call and which batch had left a state, is completed.
    """
    own = [each for each in numbered(events) if each.kind == "batch" and each.layer == layer.name]
    told = {event.record for event in own}
    own += [_event_of(batch) for batch in layer.batches if batch.index not in told]
    number_of = {event.record: number for number, event in enumerate(own)}
    batches = {batch.index: batch for batch in layer.batches}
    return [
        _completed(event, None if event.record is None else batches.get(event.record), number_of)
        for event in own
    ]


def numbered(events: Sequence[Event]) -> Sequence[Event]:
    """The events with the number of the call that each belongs to, where none has one."""
    if any(event.call is not None for event in events):
        return events
    calls: list[int] = []
    begun = 0
    told = []
    for event in events:
        if event.kind == "phase began":
            nested = event.phase == "validation" and calls
            calls.append(calls[-1] if nested else begun)
            begun += not nested
        inside = calls and event.phase not in (None, "call")
        told.append(replace(event, call=calls[-1]) if inside else event)
        if event.kind == "phase ended" and calls:
            calls.pop()
    return told


def _event_of(batch: BatchRecord) -> Event:
    return Event(
        "batch",
        phase=batch.phase,
        epoch=batch.epoch,
        layer=batch.layer,
        batch=batch.batch,
        origin=batch.origin,
        batch_size=batch.batch_size,
        record=batch.index,
    )


def _completed(event: Event, batch: BatchRecord | None, number_of: dict[int | None, int]) -> Event:
    zeros, left_by = event.zeros, event.left_by
    if zeros is None:
        zeros = event.origin in ZEROED or (batch is not None and _began_as_zeros(batch))
    if left_by is None and batch is not None and batch.came_from is not None:
        left_by = number_of.get(batch.came_from)
    if (zeros, left_by) == (event.zeros, event.left_by):
        return event
    return replace(event, zeros=zeros, left_by=left_by)


def _began_as_zeros(batch: BatchRecord) -> bool:
    """Whether every row was kept and is zero."""
    whole = len(batch.samples) == batch.batch_size
    return whole and not any(state.initial.any() for state in batch.states)


def records_of(events: Iterable[Event]) -> tuple[int, ...]:
    """The places in `LayerRecording.batches` of the events whose batches were kept."""
    return tuple(event.record for event in events if event.record is not None)
