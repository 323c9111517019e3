"""A view of a layer's batches, and a recording as what it is: a mapping with content."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.recording import Event, LayerRecording, Recording
from tests.building.models import counting_model
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_batch, a_recording, changed


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"phase": "fit"}, [0, 1, 2, 3, 4, 5]),
        ({"epoch": 1}, [3, 4, 5]),
        ({"epoch": 0, "batch": 2}, [2]),
        ({"epoch": slice(1, None)}, [3, 4, 5]),
        ({"batch": slice(None, None, 2)}, [0, 2, 3, 5]),
        ({"batch": range(1, 3)}, [1, 2, 4, 5]),
        ({"batch": [0, 2], "epoch": 1}, [3, 5]),
        ({"origin": "reset"}, [0]),
        ({"origin": ("reset", "carried"), "batches": slice(0, 2)}, [0, 1]),
        ({"batches": [5, 0]}, [5, 0]),
        ({"batches": slice(-2, None)}, [4, 5]),
        ({"batch_size": SAMPLES, "phase": {"fit", "predict"}}, [0, 1, 2, 3, 4, 5]),
        ({}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_a_view_has_the_batches_that_meet_every_condition(
    wanted: dict[str, Any], found: list[int]
) -> None:
    lstm = a_recording()["lstm"]
    view = lstm.select(**wanted)
    assert [batch.index for batch in view.batches] == found
    expected = np.stack([lstm.batches[place].hidden_state for place in found])
    np.testing.assert_array_equal(view.hidden_state, expected)
    assert all(batch is lstm.batches[batch.index] for batch in view.batches)
    assert len(lstm.batches) == 6


def test_a_batch_without_a_number_meets_no_number() -> None:
    lstm = a_recording()["lstm"]
    lstm.batches.append(a_batch(6, phase="call", epoch=None, batch=None))
    assert [batch.index for batch in lstm.select(batch=slice(None)).batches] == [*range(6)]
    assert [batch.index for batch in lstm.select(phase="call").batches] == [6]


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        ({"phase": "fitt"}, ValueError, r"no phase 'fitt'\. Did you mean 'fit'\?"),
        ({"origin": ["fresh", "carry"]}, ValueError, "no origin 'carry'. Did you mean 'carried'"),
        ({"epoch": 7}, ValueError, r"no batch with epoch=7; it has 6 batches: fit \(epochs 0 to 1"),
        ({"batches": [6]}, IndexError, r"batches=6 is out of range.*6 batches, 0 to 5"),
        ({"batches": slice(9, 12)}, ValueError, "no batch with these places; it has 6 batches"),
    ],
)
def test_what_nothing_meets_says_what_there_is(
    wanted: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        a_recording()["lstm"].select(**wanted)


def test_a_short_last_batch_is_named_and_can_be_left_out() -> None:
    lstm = a_recording()["lstm"]
    cut = {name: getattr(lstm.batches[2], name)[:2] for name in ("hidden_state", "cell_state")}
    lstm.batches[2] = changed(lstm.batches[2], batch_size=2, samples=np.arange(2), **cut)
    with pytest.raises(
        ValueError, match=r"here 2\) with recording\['lstm'\]\.select\(batch_size=4"
    ):
        _ = lstm.hidden_state
    assert lstm.select(batch_size=4).hidden_state.shape == (5, SAMPLES, TIMESTEPS, UNITS)


def test_a_recording_is_a_mapping_whose_keys_complete() -> None:
    recording = a_recording()
    assert isinstance(recording, Mapping)
    assert dict(recording) == {"lstm": recording["lstm"]}
    assert [name for name, _ in recording.items()] == recording._ipython_key_completions_()
    assert "lstm" in recording
    assert "lst" not in recording
    assert recording.get("lst") is None


def other(recording: Recording, what: str) -> Recording:
    """The recording with one thing changed."""
    batches = recording["lstm"].batches
    if what == "one bit of a state":
        state = batches[3].cell_state
        assert state is not None
        state.view(np.int32)[0, 0, 0] ^= 1
    elif what == "a dtype":
        batches[0] = changed(batches[0], hidden_state=batches[0].hidden_state.view(np.int32))
    elif what == "an origin":
        batches[1] = changed(batches[1], origin="altered")
    elif what == "an event":
        recording.events.append(Event("reset_state", layer="lstm"))
    elif what == "why it stopped":
        recording.stopped = "Stopped."
    elif what == "a layer":
        recording._layers["gru"] = LayerRecording("gru", "GRU", 2, stateful=False)
    else:
        batches[0] = replace(batches[0], inputs=np.zeros((SAMPLES, TIMESTEPS, 1)))
    return recording


def test_recordings_are_equal_by_content() -> None:
    assert a_recording() == a_recording()
    nan = np.full((SAMPLES, TIMESTEPS, UNITS), np.nan)
    assert a_recording(hidden_state=nan) == a_recording(hidden_state=nan.copy())
    assert a_recording() != "a recording"


@pytest.mark.parametrize(
    "what",
    [
        "one bit of a state",
        "a dtype",
        "an origin",
        "an event",
        "why it stopped",
        "a layer",
        "inputs",
    ],
)
def test_recordings_that_differ_in_one_thing_are_not_equal(what: str) -> None:
    assert a_recording() != other(a_recording(), what)


def test_the_options_of_both_recorders_are_seen_by_help_and_completion() -> None:
    record = inspect.signature(stateviz.record)
    callback = inspect.signature(stateviz.StateRecorder)
    assert list(record.parameters) == ["model", *callback.parameters]
    assert {"layers", "samples", "units", "every", "gates", "gradients", "inputs", "max_bytes"} == {
        *callback.parameters
    }
    assert record.parameters["every"].default == 1


def test_the_model_can_be_named_and_cannot_be_left_out() -> None:
    model = counting_model(stateful=False)
    with stateviz.record(model=model, every=2) as recording:
        model.predict(np.ones((8, 3, 1)), batch_size=2, verbose=0)
    assert len(recording["lstm"].batches) == 2
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'model'"):
        stateviz.record(every=2)  # type: ignore[call-arg]


def test_kept_units_keep_their_numbers() -> None:
    model = counting_model(stateful=False)
    with stateviz.record(model, units=[0]) as recording:
        model.predict(np.ones((2, 3, 1)), verbose=0)
    assert recording["lstm"].kept_units == (0,)
    with stateviz.record(model) as recording:
        pass
    assert recording["lstm"].kept_units is None
