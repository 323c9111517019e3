"""The file of a recording: an `.npz` without pickle.

It holds `meta.json`, the words, and one array for each dtype, in which all arrays of that dtype lie
one after the other; the words say where. Nothing in it is compressed, so its size bounds what
opening it can take, and every byte is under a checksum that is always read to its end. A file of
version 1 has an array for itself for each of a batch's arrays.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from stateviz.recording.checking import refuse_what_does_not_fit
from stateviz.recording.layers import LayerRecording
from stateviz.recording.records import STATE_NAMES, BatchRecord, Event, Gates, GRUGates, State
from stateviz.writing import whole

FILE_FORMAT = "stateviz recording"
FILE_VERSION = 2

_LAYER_WORDS = (
    "name",
    "kind",
    "units",
    "stateful",
    "go_backwards",
    "kept_units",
    "ends_within",
    "steps_known",
    "backend",
)
_BATCH_WORDS = (
    "index",
    "phase",
    "epoch",
    "batch",
    "training",
    "origin",
    "came_from",
    "batch_size",
    "go_backwards",
    "units",
)
_ARRAYS = ("samples", "inputs", "mask")
_EVENT_WORDS = tuple(field.name for field in fields(Event))
_AT_ONCE = 2**20  # bytes of small arrays that are written together


class RecordingFileError(ValueError):
    """A file is not a recording that this version of stateviz can open."""


@dataclass(frozen=True)
class Parts:
    """What a recording is made of."""

    layers: Sequence[LayerRecording]
    events: Sequence[Event]
    stopped: str


def write(path: Path, parts: Parts) -> None:
    """Writes the parts of a recording to a file, whole or not at all.

    Raises:
        FileNotFoundError: The folder does not exist.
        OSError: It cannot be written.
        ValueError: The parts contradict each other, so that the file could not be opened.
    """
    try:
        refuse_what_does_not_fit(parts.layers, parts.events)
    except ValueError as error:
        raise ValueError(
            f"The recording contradicts itself, so it is not saved: {error}."
        ) from None
    streams: dict[str, list[np.ndarray]] = {}
    ends: dict[str, int] = {}

    def placed(array: np.ndarray) -> list[Any]:
        """Where an array lies: the name of its stream, its first element, its shape."""
        name = array.dtype.newbyteorder("<").str.lstrip("<|")
        first = ends.get(name, 0)
        ends[name] = first + array.size
        streams.setdefault(name, []).append(array)
        return [name, first, array.shape]

    meta: dict[str, Any] = {
        "format": FILE_FORMAT,
        "version": FILE_VERSION,
        "stopped": parts.stopped,
        "event words": _EVENT_WORDS,
        "events": [astuple(event) for event in parts.events],
        "batch words": _BATCH_WORDS,
        "layers": [],
    }
    for layer in parts.layers:
        batches = [
            [
                [getattr(batch, name) for name in _BATCH_WORDS],
                {name: placed(array) for name, array in _arrays(batch).items()},
            ]
            for batch in layer.batches
        ]
        words = {name: getattr(layer, name) for name in _LAYER_WORDS}
        meta["layers"].append(words | {"batches": batches})
    with whole(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("meta.json", json.dumps(meta))
        for name, arrays in streams.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                head = {"descr": f"<{name}", "fortran_order": False, "shape": (ends[name],)}
                np.lib.format.write_array_header_1_0(member, head)
                for together in _together(arrays, np.dtype(f"<{name}")):
                    member.write(together)


def _together(arrays: Sequence[np.ndarray], dtype: np.dtype) -> Iterator[memoryview | bytes]:
    """The bytes of arrays one after the other, many small ones at once."""
    waiting: list[bytes] = []
    size = 0
    for array in arrays:
        ordered = np.ascontiguousarray(array, dtype)
        if ordered.nbytes < _AT_ONCE:
            waiting.append(ordered.tobytes())
            size += ordered.nbytes
        if waiting and (ordered.nbytes >= _AT_ONCE or size >= _AT_ONCE):
            yield b"".join(waiting)
            waiting, size = [], 0
        if ordered.nbytes >= _AT_ONCE:
            yield ordered.reshape(-1).view(np.uint8).data
    yield b"".join(waiting)


def read(path: Path) -> Parts:
    """Reads the parts of a recording from a file.

    Raises:
        FileNotFoundError: There is no such file.
        RecordingFileError: The file is damaged, cut short, not a recording, contradicts itself, or
            was written by a newer version.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {str(path)!r}. Expected a recording written by "
            f'recording.save("run.npz").'
        )
    with path.open("rb") as file:
        try:
            parts = _read(file, path.stat().st_size)
            refuse_what_does_not_fit(parts.layers, parts.events)
            return parts
        except _NewerVersion as newer:
            raise RecordingFileError(
                f"{str(path)!r} is a recording of file version {newer}; this stateviz reads up to "
                f"version {FILE_VERSION}. Install a newer stateviz, or record again."
            ) from None
        except Exception as error:  # a file can hold anything
            file.seek(0)
            is_zip = file.read(2) == b"PK"
            why = "it is damaged or cut short" if is_zip else "it is another kind of file"
            said = str(error) or type(error).__name__
            raise _not_a_recording(path, f"{why} ({said[:200]})") from error


class _NewerVersion(Exception):
    pass


def _read(file: BinaryIO, size: int) -> Parts:
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        for info in members.values():
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                raise ValueError(f"{info.filename!r} is compressed or encrypted, which we never do")
        if len(members) < len(archive.infolist()):
            raise ValueError("two parts of it have one name")
        if sum(info.file_size for info in members.values()) > size:
            raise ValueError("its parts say that they are larger than the file")
        if "meta.json" not in members and "meta.npy" not in members:
            raise ValueError("it has no stateviz header")
        is_first = "meta.json" not in members
        raw = _content(archive, members.pop("meta.npy" if is_first else "meta.json"))
        meta = json.loads(bytes(_array(raw) if is_first else raw).decode())
        if not isinstance(meta, dict) or meta.get("format") != FILE_FORMAT:
            raise ValueError("its header is not stateviz's")
        version = meta.get("version")
        if version not in (1, FILE_VERSION):
            raise _NewerVersion(version)
        arrays = {
            name.removesuffix(".npy"): _array(_content(archive, info))
            for name, info in members.items()
        }
    return _rebuilt_1(meta, arrays) if is_first else _rebuilt(meta, arrays)


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytearray:
    """All bytes of a member; zipfile compares the checksum at their end."""
    content = bytearray(info.file_size)
    rest = memoryview(content)
    with archive.open(info) as member:
        while part := member.read(_AT_ONCE):
            rest[: len(part)] = part  # longer than it says: an error
            rest = rest[len(part) :]
        if rest:
            raise ValueError(f"{info.filename!r} is not as long as it says")
    return content


def _array(content: bytearray) -> np.ndarray:
    """The array of an `.npy` file, in the memory of its content."""
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array has a header of another version")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in "fiub" or in_columns:
        raise ValueError(f"an array has the dtype {dtype}, or its columns first")
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError("an array is not as long as its shape says")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)


def _not_a_recording(path: Path, why: str) -> RecordingFileError:
    return RecordingFileError(
        f"{str(path)!r} ({path.stat().st_size:,} bytes) cannot be opened as a recording: {why}. "
        f'Expected a whole .npz file written by recording.save("run.npz").'
    )


def _arrays(batch: BatchRecord) -> dict[str, np.ndarray]:
    """The arrays that a record holds, by their names in the file."""
    found = {name: array for name in _ARRAYS if (array := getattr(batch, name)) is not None}
    for place, state in enumerate(batch.states):
        names = _names_of_state(place)
        found |= {name: getattr(state, part) for part, name in names.items()}
    if batch.gates is not None:
        for gate in fields(batch.gates):
            found[f"gates.{gate.name}"] = getattr(batch.gates, gate.name)
    return found


def _names_of_state(place: int) -> dict[str, str]:
    """What the parts of a state are called in the file."""
    if place < len(STATE_NAMES):
        name = STATE_NAMES[place]
        names = (f"initial_{name}_state", f"{name}_state", f"final_{name}_state")
    else:
        prefix = f"further_states.{place - len(STATE_NAMES)}"
        names = (f"{prefix}.initial", f"{prefix}.state", f"{prefix}.final")
    return dict(zip(("initial", "after", "final"), names, strict=True))


def _rebuilt(meta: dict[str, Any], streams: dict[str, np.ndarray]) -> Parts:
    def found(name: str, first: int, shape: list[int]) -> np.ndarray:
        if min([first, *shape]) < 0:
            raise ValueError("an array has a negative place or length")
        size = math.prod(shape)
        return streams[name][first : first + size].reshape(shape)

    layers = []
    for described in meta["layers"]:
        layer = _rebuilt_layer(described)
        for words, arrays in described["batches"]:
            named = dict(zip(meta["batch words"], words, strict=True))
            if named["units"] is not None:
                named["units"] = tuple(named["units"])
            own = {name: found(*place) for name, place in arrays.items()}
            layer.batches.append(_rebuilt_batch(layer.name, named, own))
        layers.append(layer)
    events = [
        Event(**dict(zip(meta["event words"], event, strict=True))) for event in meta["events"]
    ]
    return Parts(layers, events, str(meta["stopped"]))


def _rebuilt_1(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Parts:
    """Of a file of version 1: an array for each array."""
    owned: dict[str, dict[str, np.ndarray]] = {}
    for full_name, array in arrays.items():
        owner, _, name = full_name.rpartition("/")
        owned.setdefault(owner, {})[name] = array
    layers = []
    for place, described in enumerate(meta["layers"]):
        layer = _rebuilt_layer(described)
        for words in described["batches"]:
            own = owned.pop(f"{place}/{words['index']}")
            words = words | {"units": layer.kept_units}
            layer.batches.append(_rebuilt_batch(layer.name, words, own))
        layers.append(layer)
    return Parts(layers, [Event(**event) for event in meta["events"]], str(meta["stopped"]))


def _rebuilt_layer(described: dict[str, Any]) -> LayerRecording:
    words = {name: described[name] for name in _LAYER_WORDS if name in described}
    if words.get("kept_units") is not None:
        words["kept_units"] = tuple(words["kept_units"])
    return LayerRecording(**words)


def _rebuilt_batch(layer: str, words: dict[str, Any], arrays: dict[str, Any]) -> BatchRecord:
    states: list[State] = []
    while (names := _names_of_state(len(states)))["after"] in arrays:
        states.append(State(**{part: arrays.pop(name) for part, name in names.items()}))
    gates = {
        name.removeprefix("gates."): arrays.pop(name)
        for name in list(arrays)
        if name.startswith("gates.")
    }
    return BatchRecord(
        layer=layer,
        states=tuple(states),
        gates=(GRUGates if "update" in gates else Gates)(**gates) if gates else None,
        **words,
        **arrays,
    )
