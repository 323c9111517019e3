"""Recordings of random numbers, made without Keras."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from stateviz.recording import (
    STATE_NAMES,
    BatchRecord,
    Event,
    Gates,
    LayerRecording,
    Recording,
    State,
)
from stateviz.recording.records import ZEROED

SAMPLES, TIMESTEPS, UNITS = 4, 3, 2
Thing = TypeVar("Thing")
_PARTS = {"initial_{}_state": "initial", "{}_state": "after", "final_{}_state": "final"}


def a_batch(index: int, /, **words: Any) -> BatchRecord:
    """Batch `index` of a stateful fit of 3 batches an epoch; for `words` see `changed`."""
    random = np.random.default_rng(index)

    def states(*shape: int) -> np.ndarray:
        return random.normal(size=(SAMPLES, *shape, UNITS)).astype("float32")

    initial, after, final = ([states(*shape) for _ in range(2)] for shape in ((), (TIMESTEPS,), ()))
    batch = BatchRecord(
        layer="lstm",
        index=index,
        phase="fit",
        epoch=index // 3,
        batch=index % 3,
        training=True,
        origin="carried" if index else "reset",
        came_from=index - 1 if index else None,
        batch_size=SAMPLES,
        samples=np.arange(SAMPLES),
        states=tuple(map(State, initial, after, final)),
    )
    return changed(batch, **words)


def changed(batch: BatchRecord, /, **words: Any) -> BatchRecord:
    """The batch with other words: its fields, or parts of a state, such as `cell_state`.

    With `cell_state=None` it has the hidden state alone.
    """
    states = dict(zip(STATE_NAMES, batch.states, strict=False))
    for name in STATE_NAMES:
        parts = {
            part: words.pop(pattern.format(name))
            for pattern, part in _PARTS.items()
            if pattern.format(name) in words
        }
        if any(part is None for part in parts.values()):
            del states[name]
        elif parts:
            states[name] = replace(states[name], **parts)
    return replace(batch, **{"states": tuple(states.values()), **words})


def there(value: Thing | None) -> Thing:
    """What a batch may lack and this one has, such as its cell state."""
    assert value is not None
    return value


def gates_of(batch: BatchRecord) -> Gates:
    """The gates of an LSTM's batch that was recorded with them."""
    assert isinstance(batch.gates, Gates)
    return batch.gates


def a_recording(batches: int = 6, **words: Any) -> Recording:
    """A recording of one layer, whose batches are `a_batch(index, **words)`."""
    layer = LayerRecording("lstm", "LSTM", UNITS, stateful=True)
    recording = Recording([layer])
    recording.events.append(Event("phase began", phase="fit", call=0))
    for index in range(batches):
        batch = a_batch(index, **words)
        layer.batches.append(batch)
        recording.events.append(
            Event(
                "batch",
                phase=batch.phase,
                epoch=batch.epoch,
                layer="lstm",
                batch=batch.batch,
                origin=batch.origin,
                batch_size=SAMPLES,
                record=index,
                call=0,
                zeros=batch.origin in ZEROED or not any(s.initial.any() for s in batch.states),
                left_by=batch.came_from,
            )
        )
    recording.events.append(Event("phase ended", phase="fit", call=0))
    return recording
