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
    Origin,
    Recording,
    Source,
    Start,
    State,
)

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
        call=0,
        batch_size=SAMPLES,
        starts=starts("carried", index - 1) if index else starts("reset"),
        samples=np.arange(SAMPLES),
        states=tuple(map(State, initial, after, final)),
    )
    return changed(batch, **words)


def starts(
    origin: Origin, came_from: int | None = None, rows: int = SAMPLES, *, zeros: bool | None = None
) -> tuple[Start, ...]:
    """How a batch of "lstm" starts whose rows all began alike, those of one batch or of none."""
    source = None if came_from is None else Source("lstm", came_from, 0, came_from)
    return (Start(rows, origin, origin in ("fresh", "reset") if zeros is None else zeros, source),)


def changed(batch: BatchRecord, /, **words: Any) -> BatchRecord:
    """The batch with other words: its fields, or parts of a state, such as `cell_state`.

    With `cell_state=None` it has the hidden state alone. `origin` and `came_from` make its starts.
    """
    if {"origin", "came_from", "batch_size"} & {*words}:
        origin = words.pop("origin", batch.origin)
        had_one = None if origin in ("fresh", "reset") else batch.came_from
        came_from = words.pop("came_from", had_one)
        rows = words.get("batch_size", batch.batch_size)
        words["starts"] = starts(origin, came_from, rows)
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
        recording.events.append(batch)
    recording.events.append(Event("phase ended", phase="fit", call=0))
    return recording
