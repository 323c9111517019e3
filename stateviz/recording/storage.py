"""The file of a recording: an `.npz` without pickle.

It holds `meta.json`, the words, and one array for each dtype, in which all arrays of that dtype lie
one after the other; the words say where. Nothing in it is compressed, so its size bounds what
opening it can take, and every byte is under a checksum.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, get_args

import numpy as np

from stateviz.recording.arrays import Gates, Gradients, GRUGates, State, arrays_in
from stateviz.recording.layers import LayerRecording, history_of, left_by
from stateviz.recording.records import (
    ORIGINS,
    PHASES,
    STATE_NAMES,
    BatchRecord,
    Event,
    EventKind,
    Source,
    Start,
)
from stateviz.writing import atomic_write

FILE_FORMAT = "stateviz recording"
FILE_VERSION = 3

_MOST_EMPTY = 2**24
_MOST_ROWS = 10**8  # of a batch, also of what was not kept of it
# Kinds whose states have units and fractions; a cell of the user's own may hold a count.
_KNOWN_KINDS = ("LSTM", "GRU", "SimpleRNN", "ConvLSTM")

_ARRAYS = ("samples", "inputs", "mask")
_GROUPS = ("gates", "gradients")  # of arrays
_LAYER_WORDS = tuple(field.name for field in fields(LayerRecording) if field.name != "batches")
_EVENT_WORDS = tuple(field.name for field in fields(Event) if field.name != "starts")
_NO_WORDS = ("kind", "layer", "starts", "states", *_GROUPS, *_ARRAYS)  # written in another way
_BATCH_WORDS = tuple(each.name for each in fields(BatchRecord) if each.name not in _NO_WORDS)


class RecordingFileError(ValueError):
    """A file is not a recording that this version of stateviz can open."""


@dataclass(frozen=True)
class Contents:
    """What a recording is made of."""

    layers: Sequence[LayerRecording]
    events: Sequence[Event]
    stopped: str


def write(path: Path, parts: Contents) -> None:
    """Writes the parts of a recording to a file, whole or not at all.

    Raises:
        FileNotFoundError: The folder does not exist.
        OSError: It cannot be written.
        ValueError: The parts contradict each other, so that the file could not be opened.
    """
    contradiction = next(_contradictions(parts), None)
    if contradiction is not None:
        raise ValueError(f"The recording contradicts itself, so it is not saved: {contradiction}.")
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
        "batch words": _BATCH_WORDS,
        "layers": [],
    }
    for layer in parts.layers:
        batches = [
            [
                *_words(batch, _BATCH_WORDS),
                {name: placed(array) for name, array in _arrays(batch).items()},
            ]
            for batch in layer.batches
        ]
        words = {name: getattr(layer, name) for name in _LAYER_WORDS}
        meta["layers"].append(words | {"batches": batches})
    kept = {id(each): [of.name, each.index] for of in parts.layers for each in of.batches}
    meta["events"] = [kept.get(id(event)) or _words(event, _EVENT_WORDS) for event in parts.events]
    with atomic_write(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("meta.json", json.dumps(meta))
        for name, arrays in streams.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                head = {"descr": f"<{name}", "fortran_order": False, "shape": (ends[name],)}
                np.lib.format.write_array_header_1_0(member, head)
                for array in arrays:
                    member.write(array.astype(f"<{name}", copy=False).tobytes())


def read(path: Path) -> Contents:
    """Reads the parts of a recording from a file.

    Raises:
        FileNotFoundError: There is no such file.
        RecordingFileError: The file is damaged, cut short, not a recording, contradicts itself, or
            was written by another version.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {str(path)!r}. Expected a recording written by "
            f'recording.save("run.npz").'
        )
    try:
        parts = _read(path)
        contradiction = next(_contradictions(parts), None)
        if contradiction is not None:
            raise ValueError(contradiction)
        return parts
    except _OtherVersion as other:
        raise RecordingFileError(f"{str(path)!r} {other}.") from None
    except Exception as error:  # a file can hold anything
        with path.open("rb") as file:
            is_zip = file.read(2) == b"PK"
        why = "it is damaged or cut short" if is_zip else "it is another kind of file"
        raise RecordingFileError(
            f"{str(path)!r} ({path.stat().st_size:,} bytes) cannot be opened as a recording: {why} "
            f"({(str(error) or type(error).__name__)[:200]}). Expected a whole .npz file written "
            f'by recording.save("run.npz").'
        ) from error


class _OtherVersion(Exception):
    def __init__(self, version: object) -> None:
        newer = "" if version in (1, 2) else "install a newer stateviz, or "
        super().__init__(
            f"is a recording of file version {version}; this stateviz reads version "
            f"{FILE_VERSION}: {newer}record again"
        )


def _read(path: Path) -> Contents:
    # Opened once: another process may put a new file in its place meanwhile.
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        size = os.fstat(file.fileno()).st_size
        members = {info.filename: info for info in archive.infolist()}
        for info in members.values():
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                raise ValueError(f"{info.filename!r} is compressed or encrypted, which we never do")
        if sum(info.file_size for info in members.values()) > size:
            raise ValueError("its parts say that they are larger than the file")
        if members.pop("meta.json", None) is None:
            if "meta.npy" in members and FILE_FORMAT.encode() in archive.read("meta.npy"):
                raise _OtherVersion(1)
            raise ValueError("it has no stateviz header")
        meta = json.loads(archive.read("meta.json"))
        if not isinstance(meta, dict) or meta.get("format") != FILE_FORMAT:
            raise ValueError("its header is not stateviz's")
        if meta.get("version") != FILE_VERSION:
            raise _OtherVersion(meta.get("version"))
        streams = {name.removesuffix(".npy"): _array(archive.read(name)) for name in members}
    return _rebuilt(meta, streams)


def _array(content: bytes) -> np.ndarray:
    """The array of an `.npy` file, whose bytes are under a checksum already."""
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array has a header of another version")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in "fiub" or in_columns:
        raise ValueError(f"an array has the dtype {dtype}, or its columns first")
    if math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError("an array is not as long as its shape says")
    return np.frombuffer(bytearray(content), dtype, offset=file.tell()).reshape(shape)


def _words(event: Event, names: Sequence[str]) -> list[Any]:
    return [[getattr(event, name) for name in names], list(map(astuple, event.starts))]


def _arrays(batch: BatchRecord) -> dict[str, np.ndarray]:
    found = {name: array for name in _ARRAYS if (array := getattr(batch, name)) is not None}
    for place, state in enumerate(batch.states):
        for part, name in _names_of_state(place).items():
            found[name] = getattr(state, part)
    for name in _GROUPS:
        group = getattr(batch, name)
        for field in fields(group) if group is not None else ():
            if (array := getattr(group, field.name)) is not None:
                found[f"{name}.{field.name}"] = array
    return found


def _names_of_state(place: int) -> dict[str, str]:
    name = STATE_NAMES[place] if place < len(STATE_NAMES) else f"state_{place}"
    names = (f"initial_{name}_state", f"{name}_state", f"final_{name}_state")
    return dict(zip(("initial", "after", "final"), names, strict=True))


def _rebuilt(meta: dict[str, Any], streams: dict[str, np.ndarray]) -> Contents:
    taken = dict.fromkeys(streams, 0)
    empty = 0  # what arrays without elements make others as long as: an axis of timesteps

    def found(name: str, first: int, shape: list[int]) -> np.ndarray:
        nonlocal empty
        if min([first, *shape]) < 0:
            raise ValueError("an array has a negative place or length")
        size = math.prod(shape)
        taken[name] += size
        empty += 0 if size else math.prod(filter(None, shape))
        if taken[name] > len(streams[name]) or empty > _MOST_EMPTY:
            raise ValueError("its arrays are larger, or more, than what is in it")
        return streams[name][first : first + size].reshape(shape)

    layers = []
    for described in meta["layers"]:
        words = {name: _as_tuple(described[name]) for name in _LAYER_WORDS}
        layer = LayerRecording(**words)
        for values, starts, arrays in described["batches"]:
            named = dict(zip(meta["batch words"], map(_as_tuple, values), strict=True))
            own = {name: found(*place) for name, place in arrays.items()}
            named["starts"] = _starts(starts)
            layer.batches.append(_rebuilt_batch(layer.name, named, own))
        layers.append(layer)
    kept = {layer.name: layer.batches for layer in layers}
    events: list[Event] = []
    for one, other in meta["events"]:
        if isinstance(one, str):
            events.append(kept[one][other])
        else:
            named = dict(zip(meta["event words"], one, strict=True))
            events.append(Event(**named, starts=_starts(other)))
    return Contents(layers, events, str(meta["stopped"]))


def _starts(described: Sequence[Any]) -> tuple[Start, ...]:
    return tuple(
        Start(rows, origin, zeros, None if source is None else Source(*source))
        for rows, origin, zeros, source in described
    )


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _rebuilt_batch(layer: str, words: dict[str, Any], arrays: dict[str, Any]) -> BatchRecord:
    states: list[State] = []
    while (names := _names_of_state(len(states)))["after"] in arrays:
        states.append(State(**{part: arrays.pop(name) for part, name in names.items()}))
    gates, gradients = (
        {
            key.removeprefix(f"{name}."): arrays.pop(key)
            for key in list(arrays)
            if key.startswith(f"{name}.")
        }
        for name in _GROUPS
    )
    return BatchRecord(
        layer=layer,
        states=tuple(states),
        gates=(GRUGates if "update" in gates else Gates)(**gates) if gates else None,
        gradients=Gradients(**gradients) if gradients else None,
        **words,
        **arrays,
    )


def _contradictions(parts: Contents) -> Iterator[str]:
    if len({layer.name for layer in parts.layers}) < len(parts.layers):
        yield "two layers have one name"
    for layer in parts.layers:
        if not isinstance(layer.stateful, bool) or not isinstance(layer.ends_within, float | int):
            yield f"layer {layer.name!r} is stateful={layer.stateful!r}"
        for place, batch in enumerate(layer.batches):
            at = f"batch {place} of {layer.name!r}"
            if batch.index != place:
                yield f"{at}: its index is {batch.index!r}"
            if batch.phase not in (None, *PHASES):
                yield f"{at}: its phase is {batch.phase!r}"
            yield from (f"{at}: {wrong}" for wrong in _wrong_shapes(batch, layer))
    yield from _wrong_events(parts)


def _wrong_events(parts: Contents) -> Iterator[str]:
    histories = {layer.name: history_of(layer, parts.events) for layer in parts.layers}
    for event in parts.events:
        if event.layer not in (None, *histories) or event.kind not in get_args(EventKind):
            yield f"the event {event!r} has no such kind or layer"
    for event in (event for history in histories.values() for event in history):
        if not 0 <= (event.batch_size or 0) <= _MOST_ROWS:
            yield f"the event {event!r} has that many rows"
        if event.starts and sum(start.rows for start in event.starts) != event.batch_size:
            yield f"the event {event!r} tells how other rows began than it has"
        for start in event.starts:
            source = start.source
            if start.origin not in ORIGINS or type(start.rows) is not int or start.rows < 1:
                yield f"the event {event!r} has rows that began as {start.origin!r}"
            elif source is not None and (
                source.layer not in histories
                or min(source.batch, source.row) < 0
                or left_by(histories[source.layer], source) is None
            ):
                yield f"the event {event!r} came from {source!r}"


def _wrong_shapes(batch: BatchRecord, layer: LayerRecording) -> Iterator[str]:
    rows = batch.samples
    if rows.ndim != 1 or rows.dtype.kind != "i" or not len(rows) or not batch.states:
        yield "it has no samples or no state"
        return
    if rows.min() < 0 or rows.max() >= batch.batch_size or batch.units != layer.kept_units:
        yield "it has no such samples or units"
    samples_and_timesteps = (len(rows), *batch.states[0].after.shape[1:2])
    shapes = {state.after.shape for state in batch.states[:2]}
    yield from _wrong_states(batch, layer, samples_and_timesteps)
    kept = layer.units if layer.kept_units is None else len(layer.kept_units)
    first = batch.states[0].after.shape
    if len(first) == 3 and first[2] != kept:
        yield f"it has not {kept} units: {first}"
    for name in ("inputs", "mask"):
        array = getattr(batch, name)
        if array is not None and array.shape[:2] != samples_and_timesteps:
            yield f"its {name} has the shape {array.shape}"
    for gate in fields(batch.gates) if batch.gates is not None else ():
        if getattr(batch.gates, gate.name).shape not in shapes:
            yield f"its gate {gate.name!r} has another shape than its states"
    for name in batch.state_names if batch.gradients is not None else ():
        state, gradients = batch.state(name), batch.gradients
        of_state = [
            getattr(gradients, f"initial_{name}_state"),
            getattr(gradients, f"{name}_state"),
        ]
        expected = [state.initial.shape, state.after.shape]
        if [None if each is None else each.shape for each in of_state] != expected:
            yield f"the gradient of its {name} state has another shape than that"


def _wrong_states(
    batch: BatchRecord, layer: LayerRecording, samples_and_timesteps: tuple[int, ...]
) -> Iterator[str]:
    for state in batch.states:
        shape = state.after.shape
        ends = {state.initial.shape, state.final.shape}
        if shape[:2] != samples_and_timesteps or ends != {(samples_and_timesteps[0], *shape[2:])}:
            yield f"a state has the shapes {shape} and {ends}"
        known = layer.kind.startswith(_KNOWN_KINDS)
        if known and (
            state.after.ndim < 3 or {part.dtype.kind for part in arrays_in(state)} != {"f"}
        ):
            yield f"a state of an {layer.kind} is {state.after.dtype} of shape {shape}"
