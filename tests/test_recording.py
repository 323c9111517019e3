"""A recording is counted, told in words, saved and opened, all without Keras."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import stateviz
from stateviz.recording import BatchRecord, Event, Gates, LayerRecording, Recording, Source, Start
from stateviz.recording.records import Origin
from tests.building.recordings import (
    SAMPLES,
    TIMESTEPS,
    UNITS,
    a_batch,
    a_recording,
    changed,
    gates_of,
    starts,
    there,
)


def test_states_of_equal_batches_are_one_array() -> None:
    recording = a_recording()
    lstm = recording["lstm"]
    assert lstm.hidden_state.shape == (6, SAMPLES, TIMESTEPS, UNITS)
    np.testing.assert_array_equal(lstm.cell_state[2], lstm.batches[2].cell_state)


def test_states_of_unequal_batches_are_to_be_indexed() -> None:
    recording = a_recording()
    recording["lstm"].batches.append(a_batch(6, hidden_state=np.zeros((1, TIMESTEPS, UNITS))))
    with pytest.raises(ValueError, match=r"\(1, 3, 2\), \(4, 3, 2\).*\.batches\[0\]\.hidden_state"):
        _ = recording["lstm"].hidden_state


def test_an_empty_layer_says_how_to_fill_it() -> None:
    with pytest.raises(ValueError, match=r"No batch of layer.*Run the model inside"):
        _ = a_recording(0)["lstm"].hidden_state
    assert "no batch yet" in repr(a_recording(0))


def test_an_unknown_layer_is_answered_with_the_nearest() -> None:
    with pytest.raises(KeyError, match=r"no recurrent layer 'lst'. Did you mean 'lstm'\?"):
        _ = a_recording()["lst"]


def test_resets_count_what_began_from_zeros_by_layer_phase_and_epoch() -> None:
    recording = a_recording()
    recording.events.append(
        Event("batch", "predict", None, "lstm", 0, 7, starts=starts("fresh", rows=7))
    )
    resets = recording.resets()
    assert [(r.phase, r.epoch, r.batches, r.state_tensors_zeroed) for r in resets] == [
        ("fit", 0, 3, 1),
        ("fit", 1, 3, 0),
        ("predict", None, 1, 1),
    ]
    assert [r.zeroed_batches for r in resets] == [(0,), (), (0,)]
    assert resets.state_tensors_zeroed == 2
    assert resets.sample_states_zeroed == SAMPLES + 7
    assert resets.origins == {"fresh": 1, "carried": 5, "reset": 1}
    assert repr(resets).splitlines()[-1].split() == ["in", "all", "7", "1", "5", "1", "2", "11"]
    assert "<td>predict</td>" in resets._repr_html_()
    assert len(recording.resets("lstm")) == 3
    with pytest.raises(KeyError, match="Did you mean"):
        recording.resets("lstms")


def test_epochs_that_count_the_same_stand_in_one_row_and_are_counted_all_the_same() -> None:
    recording = a_recording(batches=0)
    origins: list[Origin] = ["carried" if place else "reset" for place in range(10)]
    for place, origin in enumerate(origins):
        recording.events.append(
            Event(
                "batch",
                phase="fit",
                layer="lstm",
                epoch=place // 2,
                batch=place % 2,
                batch_size=4,
                starts=starts(origin),
            )
        )
    resets = recording.resets()
    assert [count.epoch for count in resets] == [0, 1, 2, 3, 4]
    _, first, alike, total = repr(resets).splitlines()
    assert first.split()[:5] == ["lstm", "fit", "0", "2", "1"]
    assert "each of 1 to 4" in alike
    assert alike.split()[-4:] == ["2", "0", "0", "0"]
    assert total.split()[2:] == ["10", "9", "1", "1", "4"]
    assert resets._repr_html_().count("<tr>") == 4


def test_the_repr_tells_the_story() -> None:
    assert repr(a_recording()).splitlines() == [
        "Recording of 'lstm': a stateful LSTM of 2 units",
        "    fit: 6 batches in 2 epochs; states began 5 carried, 1 reset",
        "    began from zeros: 1 state tensor, 4 sample states; reset_state called 0 times",
    ]
    assert "5 carried, 1 reset" in a_recording()._repr_html_()
    assert repr(a_recording()["lstm"].batches[4]) == (
        "BatchRecord(lstm[4]: fit, epoch 1, batch 1; 4 samples x 3 timesteps x 2 units; "
        "states carried)"
    )


def test_the_story_tells_a_fit_once_though_validation_takes_turns_with_it() -> None:
    recording = a_recording()
    for place, event in enumerate(recording.events):
        if isinstance(event, BatchRecord) and event.index in (2, 5):
            recording.events[place] = replace(event, phase="validation")
    told = repr(recording).splitlines()
    assert told[1].strip().startswith("fit: 4 batches in 2 epochs; states began")
    assert told[2].strip().startswith("validation: 2 batches in 2 epochs; states began")
    assert "began from zeros" in told[3]


def test_the_story_tells_of_rows_that_began_differently() -> None:
    recording = a_recording(3)
    layer = recording["lstm"]
    source = Source("lstm", 0, 1, 0)
    rows = (
        Start(1, "reset", zeros=True),
        Start(1, "carried", source=source),
        *starts("reset", rows=2),
    )
    layer.batches[1] = recording.events[2] = changed(layer.batches[1], starts=rows)
    assert repr(recording).splitlines()[1:] == [
        "    fit: 3 batches in 1 epoch; states began 1 carried, 1 reset, 1 mixed "
        "(3 of 4 rows reset, 1 carried)",
        "    began from zeros: 1 state tensor, 7 sample states; reset_state called 0 times",
    ]


def test_a_phase_between_the_epochs_is_one_line_of_the_story() -> None:
    recording = a_recording()
    for place in (2, 4, 6):
        batch = recording.events[place]
        recording.events[place] = replace(batch, phase="predict", epoch=None, call=place)
    _, fit, predict, _ = repr(recording).splitlines()
    assert "fit: 3 batches in 2 epochs" in fit
    assert "predict: 3 batches in 3 calls; states began 3 carried (3 from fit)" in predict


def test_names_from_outside_are_escaped_in_html() -> None:
    recording = Recording([LayerRecording("<b>", "LSTM", 1, stateful=False)])
    assert "&lt;b&gt;" in recording._repr_html_()
    assert "<b>" not in recording._repr_html_()


def test_a_saved_recording_opens_as_it_was(tmp_path: Path) -> None:
    gates = Gates(*np.random.default_rng(0).normal(size=(4, SAMPLES, TIMESTEPS, UNITS)))
    inputs = np.ones((SAMPLES, TIMESTEPS, 1), "float16")
    mask = np.ones((SAMPLES, TIMESTEPS), bool)
    recording = a_recording(gates=gates, inputs=inputs, mask=mask)
    gru = LayerRecording("gru/inner", "GRU", UNITS, stateful=False)
    none = {"initial_cell_state": None, "cell_state": None, "final_cell_state": None}
    gru.batches.append(a_batch(0, layer="gru/inner", **none))
    both = Recording([recording["lstm"], gru])
    both.events.extend(recording.events)
    both.stopped = "Stopped for a reason."
    path = both.save(tmp_path / "run")
    assert path == tmp_path / "run.npz"
    opened = stateviz.load(path)
    assert opened == both
    assert repr(opened) == repr(both)
    assert gates_of(opened["lstm"].batches[3]).forget.dtype == np.float64
    assert there(opened["lstm"].batches[3].inputs).dtype == np.float16
    np.testing.assert_array_equal(opened["gru/inner"].hidden_state, gru.hidden_state)
    assert opened["gru/inner"].batches[0].cell_state is None
    with np.load(path, allow_pickle=False) as archive:
        arrays = [archive[name] for name in archive.files if name != "meta.json"]
        assert sorted(array.dtype.str for array in arrays) == ["<f2", "<f4", "<f8", "<i8", "|b1"]


def test_saving_into_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"folder .*nowhere' does not exist.*Make the fold"):
        a_recording().save(tmp_path / "nowhere" / "run.npz")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*run\.npz.*recording\.save"):
        stateviz.load(tmp_path / "run.npz")


def test_a_file_cut_short_anywhere_is_refused_in_words(tmp_path: Path) -> None:
    whole = a_recording().save(tmp_path / "run.npz").read_bytes()
    for part in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path = tmp_path / "cut.npz"
        path.write_bytes(whole[:part])
        with pytest.raises(stateviz.recording.RecordingFileError) as error:
            stateviz.load(path)
        assert "cut.npz" in str(error.value)
        assert 'written by recording.save("run.npz")' in str(error.value)


def test_a_damaged_file_is_refused_or_opened_unharmed(tmp_path: Path) -> None:
    whole = a_recording().save(tmp_path / "run.npz").read_bytes()
    path = tmp_path / "damaged.npz"
    refused = 0
    for place in range(0, len(whole), 211):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(stateviz.recording.RecordingFileError):
            stateviz.load(path)
            continue
        refused += 1
    assert refused > len(whole) // 211 // 2


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04", json.dumps({"a": 1}).encode(), b"\x93NUMPY"]
)
def test_a_foreign_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(
        stateviz.recording.RecordingFileError, match=r"cannot be opened as a recording.*Expected"
    ):
        stateviz.load(path)


def test_other_arrays_and_other_archives_are_refused_in_words(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "header.npz", meta=np.frombuffer(b'{"format": "x"}', np.uint8))
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("meta.npy", "no array")
    for name in ("other.npz", "array.npy", "header.npz", "text.npz"):
        with pytest.raises(stateviz.recording.RecordingFileError, match=name):
            stateviz.load(tmp_path / name)


def test_a_file_with_a_pickle_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "pickle.npz"
    np.savez(path, meta=np.array([{"format": "stateviz recording"}], dtype=object))
    with pytest.raises(stateviz.recording.RecordingFileError):
        stateviz.load(path)


def test_a_file_of_a_newer_version_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "newer.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("meta.json", json.dumps({"format": "stateviz recording", "version": 99}))
    with pytest.raises(
        stateviz.recording.RecordingFileError,
        match=r"file version 99.*reads version 3.*newer",
    ):
        stateviz.load(path)


def test_a_file_of_an_older_version_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "older.npz"
    words = json.dumps({"format": "stateviz recording", "version": 1}).encode()
    np.savez(path, meta=np.frombuffer(words, np.uint8))
    with pytest.raises(
        stateviz.recording.RecordingFileError,
        match=r"file version 1;.*reads version 3.*record again",
    ):
        stateviz.load(path)
