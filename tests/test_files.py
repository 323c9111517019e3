"""A file opens with the right content, or is refused in words; a written file is whole."""

from __future__ import annotations

import errno
import io
import json
import multiprocessing
import os
import signal
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.course import keras2
from stateviz.recording import Gates, Recording, RecordingFileError, State
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_recording


def full_recording() -> Recording:
    gates = Gates(*np.random.default_rng(0).normal(size=(4, SAMPLES, TIMESTEPS, UNITS)))
    mask = np.ones((SAMPLES, TIMESTEPS), bool)
    return a_recording(gates=gates, inputs=np.ones((SAMPLES, TIMESTEPS, 1), "f2"), mask=mask)


def test_the_courses_own_files_open() -> None:
    for path in sorted(keras2.FOLDER.glob("*.npz")):
        recording = stateviz.load(path)
        assert all(layer.batches for layer in recording.values())
        assert recording.resets().state_tensors_zeroed > 0


def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path = full_recording().save(tmp_path / "run.npz")
    right, whole = stateviz.load(path), path.read_bytes()
    random = np.random.default_rng(2)
    every = int(os.environ.get("STATEVIZ_MUTATIONS", "300"))
    refused = 0
    for place in random.integers(0, len(whole), every):
        changed = bytearray(whole)
        changed[place] ^= int(random.integers(1, 256))
        path.write_bytes(changed)
        try:
            assert stateviz.load(path) == right, place
        except RecordingFileError:
            refused += 1
    assert refused > every // 2


def rewritten(path: Path, change: Callable[[dict[str, Any]], Any], **options: Any) -> None:
    """A file whose words are changed, and whose checksums are right."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    meta = json.loads(content.pop("meta.json"))
    change(meta)
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("meta.json", json.dumps(meta))
        for name, data in content.items():
            archive.writestr(name, data)


def set_word(word: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(meta: dict[str, Any]) -> None:
        meta["layers"][0]["batches"][1][0][meta["batch words"].index(word)] = value

    return change


def set_event(word: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(meta: dict[str, Any]) -> None:
        meta["events"][0][0][meta["event words"].index(word)] = value

    return change


def set_start(place: int, value: Any) -> Callable[[dict[str, Any]], None]:
    """Changes what the second batch says of its rows: how many, their word, zeros, their source."""

    def change(meta: dict[str, Any]) -> None:
        meta["layers"][0]["batches"][1][1][0][place] = value

    return change


def set_array(name: str, place: list[Any]) -> Callable[[dict[str, Any]], None]:
    def change(meta: dict[str, Any]) -> None:
        meta["layers"][0]["batches"][1][2][name] = place

    return change


CONTRADICTIONS: dict[str, Callable[[dict[str, Any]], Any] | None] = {
    "phase": set_word("phase", "fitt"),
    "origin": set_start(1, ["carried"]),
    "another origin": set_start(1, "mixed"),
    "rows": set_start(0, SAMPLES + 1),
    "index": set_word("index", 7),
    "came_from": set_start(3, ["lstm", 99, 0, 99, True]),
    "came from another layer": set_start(3, ["other", 0, 0, 0, True]),
    "came from a batch that was not": set_start(3, ["lstm", 99, 0, None, True]),
    "half rows": set_start(0, float(SAMPLES)),
    "came from before the first row": set_start(3, ["lstm", 0, -1, 0, True]),
    "batch_size": set_word("batch_size", 2),
    "event kind": set_event("kind", "bang"),
    "event record": lambda meta: meta["events"].append(["lstm", 600]),
    "event layer": set_event("layer", "other"),
    "units": lambda meta: meta["layers"][0].update(units=5),
    "stateful": lambda meta: meta["layers"][0].update(stateful=None),
    "ends apart by a word": lambda meta: meta["layers"][0].update(ends_within="little"),
    "no layers": lambda meta: meta.pop("layers"),
    "shape": set_array("hidden_state", ["f4", 0, [1, 2, 3]]),
    "negative": set_array("hidden_state", ["f4", -9, [SAMPLES, TIMESTEPS, UNITS]]),
    "a huge shape": set_array("hidden_state", ["f4", 0, [SAMPLES, TIMESTEPS, 2**40]]),
    "a stream that is not there": set_array("hidden_state", ["f8x", 0, [1]]),
    "ends of another length": set_array("final_cell_state", ["f4", 0, [SAMPLES, 1]]),
    "a gate of another shape": set_array("gates.forget", ["f8", 0, [SAMPLES, TIMESTEPS, 1]]),
    "an array too many": set_array("surplus", ["f4", 0, [1]]),
    "nested without end": None,
}


@pytest.mark.parametrize("change", CONTRADICTIONS)
def test_words_that_contradict_the_arrays_are_refused(change: str, tmp_path: Path) -> None:
    path = full_recording().save(tmp_path / "run")
    said = CONTRADICTIONS[change]
    if said is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("meta.json", "[" * 200_000)
    else:
        rewritten(path, said)
    with pytest.raises(RecordingFileError, match=r"run\.npz.*cannot be opened"):
        stateviz.load(path)


def far_out(meta: dict[str, Any]) -> None:
    """A state without elements, of 10^12 timesteps."""
    arrays = meta["layers"][0]["batches"][1][2]
    arrays["hidden_state"][2] = [SAMPLES, 10**12, 0, UNITS]
    for end in ("initial_hidden_state", "final_hidden_state"):
        arrays[end][2] = [SAMPLES, 0, UNITS]


def shared(meta: dict[str, Any]) -> None:
    """Ten thousand batches that share the arrays of one."""
    words, starts, arrays = meta["layers"][0]["batches"][1]
    place = meta["batch words"].index("index")
    for index in range(2, 10_000):
        own = [*words[:place], index, *words[place + 1 :]]
        meta["layers"][0]["batches"].append([own, starts, arrays])


def many_rows(meta: dict[str, Any]) -> None:
    batch = meta["layers"][0]["batches"][1]
    batch[0][meta["batch words"].index("batch_size")] = 10**12
    batch[1] = [[10**12, "fresh", True, None]]


@pytest.mark.parametrize("change", [far_out, shared, many_rows])
def test_a_file_that_would_take_much_memory_when_it_is_used_is_refused(
    change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    path = full_recording().save(tmp_path / "run.npz")
    rewritten(path, change)
    tracemalloc.start()
    with pytest.raises(RecordingFileError, match=r"larger, or more|that many rows"):
        stateviz.load(path)
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


@pytest.mark.parametrize("change", [lambda h: h.astype(int), lambda h: h[..., 0]])
def test_states_of_a_known_layer_have_units_and_fractions(
    change: Callable[[np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    recording = a_recording(1)
    [batch] = recording["lstm"].batches
    h = State(*(change(getattr(batch.states[0], each)) for each in ("initial", "after", "final")))
    recording["lstm"].batches[0] = replace(batch, states=(h, *batch.states[1:]))
    recording.events[1:-1] = recording["lstm"].batches
    with pytest.raises(ValueError, match="a state of an LSTM is"):
        recording.save(tmp_path / "run")


def test_what_a_killed_save_left_is_cleared_and_what_is_still_written_is_not(
    tmp_path: Path,
) -> None:
    path = a_recording(2).save(tmp_path / "run")
    process = multiprocessing.get_context("spawn").Process(target=_save_for_ever, args=(path, 2000))
    process.start()

    def unfinished() -> list[Path]:
        return [each for each in tmp_path.iterdir() if each.name.startswith(".")]

    seen = 0
    for _ in range(20_000):
        writing = unfinished()
        if writing:
            a_recording(1).save(tmp_path / "other")
            seen += 1
        if seen == 3:
            break
        time.sleep(0.001)
    assert seen == 3
    until = time.monotonic() + 20
    while not unfinished() and time.monotonic() < until:
        pass
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    a_recording(1).save(tmp_path / "other")
    assert not unfinished()
    assert stateviz.load(path)["lstm"].batches


def test_a_file_that_says_nothing_new_opens(tmp_path: Path) -> None:
    path = full_recording().save(tmp_path / "run")
    rewritten(path, lambda meta: None)
    assert stateviz.load(path) == full_recording()


def test_a_small_file_that_claims_to_be_large_takes_no_memory(tmp_path: Path) -> None:
    path = full_recording().save(tmp_path / "run")
    packed = tmp_path / "packed.npz"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.json", b" " * 50_000_000)
    claims = tmp_path / "claims.npz"
    head = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (2**32,)}
    np.lib.format.write_array_header_1_0(head, shape)
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(claims, "w") as archive:
        archive.writestr("meta.json", whole.read("meta.json"))
        archive.writestr("f4.npy", head.getvalue())
    why = {packed: "compressed or encrypted", claims: "not as long as its shape says"}
    for each, said in why.items():
        tracemalloc.start()
        with pytest.raises(RecordingFileError, match=said):
            stateviz.load(each)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
        tracemalloc.stop()


def test_load_adds_the_ending_that_save_adds(tmp_path: Path) -> None:
    a_recording().save(tmp_path / "run")
    assert stateviz.load(tmp_path / "run") == a_recording()
    for call in (a_recording().save, stateviz.load):
        with pytest.raises(IsADirectoryError, match=r"is a folder\. Give the name of a file"):
            call(f"{tmp_path}/")


def test_a_full_disk_is_an_error_in_words_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_recording(2).save(tmp_path / "run")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match=r"disk is full, so .*run\.npz.*still there"):
        a_recording(6).save(path)
    monkeypatch.undo()
    assert stateviz.load(path) == a_recording(2)
    assert list(tmp_path.iterdir()) == [path]


def _save_for_ever(path: Path, batches: int) -> None:
    while True:
        a_recording(batches).save(path)


def test_processes_that_save_to_one_path_and_are_killed_leave_a_whole_file(tmp_path: Path) -> None:
    path = a_recording(2).save(tmp_path / "run")
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_save_for_ever, args=(path, n)) for n in (3, 40)]
    for process in processes:
        process.start()
    until = time.monotonic() + 20
    sizes: set[int] = set()
    while len(sizes) < 3 and time.monotonic() < until:
        sizes.add(len(stateviz.load(path)["lstm"].batches))
    for process in processes:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert {3, 40} <= sizes
    assert len(stateviz.load(path)["lstm"].batches) in (3, 40)


def test_a_recording_that_contradicts_itself_is_not_written(tmp_path: Path) -> None:
    path = a_recording(2).save(tmp_path / "run")
    wrong = a_recording(2)
    wrong["lstm"].batches.reverse()
    with pytest.raises(ValueError, match=r"contradicts itself.*batch 0 of 'lstm': its index is 1"):
        wrong.save(path)
    assert stateviz.load(path) == a_recording(2)


def test_the_smallest_recording_of_the_most_states_is_kept(tmp_path: Path) -> None:
    random = np.random.default_rng(3)

    def state() -> State:
        initial, after, final = (random.normal(size=(1, *shape, 1)) for shape in ((), (1,), ()))
        return State(initial, after, final)

    recording = a_recording(2, samples=np.array([0]), states=tuple(state() for _ in range(4)))
    layer = recording["lstm"]
    layer.units, layer.kept_units = 1, (0,)
    layer.batches[:] = [replace(batch, units=(0,)) for batch in layer.batches]
    recording.events[1:-1] = layer.batches
    again = stateviz.load(recording.save(tmp_path / "run"))
    assert again == recording
    kept, written = again["lstm"].batches[1].states, layer.batches[1].states
    for one, other in zip(kept, written, strict=True):
        np.testing.assert_array_equal(one.after, other.after)


def test_arrays_without_elements_are_kept(tmp_path: Path) -> None:
    recording = a_recording(1, inputs=np.zeros((SAMPLES, TIMESTEPS, 0), "f2"))
    assert stateviz.load(recording.save(tmp_path / "run")) == recording
