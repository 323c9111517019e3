"""What older recordings do not say is completed: calls, zeros, and which batch had left a state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stateviz.recording import Event, LayerRecording, Phase, State
from stateviz.recording.history import history_of, numbered
from stateviz.recording.resets import count_resets
from tests.building.recordings import SAMPLES, UNITS, a_batch


def event(kind: str, phase: Phase | None = None, **words: object) -> Event:
    return Event(kind=kind, phase=phase, **words)  # type: ignore[arg-type]


def old_events() -> list[Event]:
    """Two calls of fit, the first with validation, and a direct call, as version 1 tells them."""
    began, batch, ended = "phase began", "batch", "phase ended"
    story: list[tuple[str, Phase | None]] = [
        (began, "fit"),
        (batch, "fit"),
        (began, "validation"),
        (batch, "validation"),
        (ended, "validation"),
        (batch, "fit"),
        (ended, "fit"),
        (batch, "call"),
        (began, "fit"),
        (batch, "fit"),
        (ended, "fit"),
    ]
    return [event(kind, phase, layer="lstm" if kind == batch else None) for kind, phase in story]


def test_calls_are_numbered_and_validation_belongs_to_its_fit() -> None:
    told = numbered(old_events())
    assert [each.call for each in told] == [0] * 7 + [None] + [1] * 3
    # Where the recording says it itself, nothing is made up.
    said = [replace(each, call=7) if each.kind == "batch" else each for each in old_events()]
    assert numbered(said) is said


def zeroed(index: int, **words: object) -> object:
    """A batch of given states that are zeros."""
    nothing, after = np.zeros((SAMPLES, UNITS)), np.ones((SAMPLES, 1, UNITS))
    states = tuple(State(nothing, after, after[:, 0]) for _ in range(2))
    return a_batch(index, states=states, origin="given", came_from=None, **words)


def test_zeros_and_sources_are_read_from_the_batches_that_were_kept() -> None:
    layer = LayerRecording("lstm", "LSTM", UNITS, stateful=True)
    rows = np.arange(SAMPLES)
    layer.batches[:] = [
        a_batch(0),
        a_batch(1),
        zeroed(2),  # type: ignore[list-item]
        zeroed(3, samples=rows[:-1], batch_size=SAMPLES),  # type: ignore[list-item]
        a_batch(4, origin="given", came_from=1),
    ]
    dropped = event("batch", "fit", layer="lstm", origin="carried", batch_size=SAMPLES)
    kept = [
        event("batch", "fit", layer="lstm", origin=each.origin, batch_size=SAMPLES, record=place)
        for place, each in enumerate(layer.batches)
    ]
    history = history_of(layer, [kept[0], dropped, *kept[1:]])
    # The batch of which a row was not kept may have had others than zeros in it.
    assert [each.zeros for each in history] == [True, False, False, True, False, False]
    # Counted among all batches, those that were not kept too.
    assert [each.left_by for each in history] == [None, None, 0, None, None, 2]
    counts = count_resets([layer], [kept[0], dropped, *kept[1:]])
    assert counts.state_tensors_zeroed == 2
    assert counts[0].zeroed_batches == (0, 3)
    # A recording made by hand has no events at all.
    assert [each.record for each in history_of(layer, [])] == [0, 1, 2, 3, 4]


def test_batches_that_have_a_number_keep_it_and_calls_are_told_apart_by_phase() -> None:
    layer = LayerRecording("lstm", "LSTM", UNITS, stateful=True)
    phases: list[Phase] = ["fit", "fit", "train_on_batch", "train_on_batch"]
    events = [
        event("batch", phase, layer="lstm", origin="reset", batch=9, batch_size=3, call=call)
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
