"""What happened to one layer, batch by batch, also where a batch was not kept or has no event."""

from __future__ import annotations

import numpy as np

from stateviz.recording import Event, LayerRecording, Phase, State
from stateviz.recording.layers import history_of
from stateviz.recording.resets import count_resets
from tests.building.recordings import SAMPLES, UNITS, a_batch, starts


def event(kind: str, phase: Phase | None = None, **words: object) -> Event:
    return Event(kind=kind, phase=phase, **words)  # type: ignore[arg-type]


def zeroed(index: int, **words: object) -> object:
    """A batch of given states that are zeros."""
    nothing, after = np.zeros((SAMPLES, UNITS)), np.ones((SAMPLES, 1, UNITS))
    states = tuple(State(nothing, after, after[:, 0]) for _ in range(2))
    return a_batch(index, states=states, starts=starts("given", zeros=True), **words)


def test_a_recording_that_is_made_by_hand_has_a_history_too() -> None:
    layer = LayerRecording("lstm", "LSTM", UNITS, stateful=True)
    layer.batches[:] = [
        a_batch(0),
        a_batch(1),
        zeroed(2),  # type: ignore[list-item]
        a_batch(3, origin="given", came_from=1),
    ]
    history = history_of(layer, [])
    assert history == layer.batches
    assert [each.zeros for each in history] == [True, False, True, False]
    counts = count_resets([layer], [])
    assert counts.state_tensors_zeroed == 2
    assert counts[0].zeroed_batches == (0, 2)


def test_batches_that_have_a_number_keep_it_and_calls_are_told_apart_by_phase() -> None:
    layer = LayerRecording("lstm", "LSTM", UNITS, stateful=True)
    phases: list[Phase] = ["fit", "fit", "train_on_batch", "train_on_batch"]
    events = [
        event("batch", phase, layer="lstm", starts=starts("reset"), batch=9, call=call)
        for call, phase in enumerate(phases)
    ]
    counts = count_resets([layer], events)
    # Each fit is a row of its own; single steps are counted together.
    assert [(each.phase, each.call, each.batches) for each in counts] == [
        ("fit", 0, 1),
        ("fit", 1, 1),
        ("train_on_batch", None, 2),
    ]
    assert counts[0].zeroed_batches == (9,)
