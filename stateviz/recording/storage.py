"""The file of a recording: an `.npz` of its arrays and a header of JSON, without pickle."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from stateviz.recording.layers import LayerRecording
from stateviz.recording.records import STATE_NAMES, BatchRecord, Event, Gates, GRUGates, State

FILE_FORMAT = "stateviz recording"
FILE_VERSION = 1

_LAYER_WORDS = ("name", "kind", "units", "stateful", "go_backwards", "kept_units")
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
)
_ARRAYS = ("samples", "inputs", "mask")
# What NumPy, zipfile, zlib and json raise for a file that is not what its name says.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    NotImplementedError,
)


class RecordingFileError(ValueError):
    """A file is not a recording that this version of stateviz can open."""


@dataclass(frozen=True)
class Parts:
    """What a recording is made of."""

    layers: Sequence[LayerRecording]
    events: Sequence[Event]
    stopped: str


def write(path: Path, parts: Parts) -> None:
    """Writes the parts of a recording to a file.

    Raises:
        FileNotFoundError: The folder does not exist.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"The folder {str(path.parent)!r} does not exist, so {path.name!r} cannot be "
            f"saved there. Make the folder first."
        )
    meta: dict[str, Any] = {
        "format": FILE_FORMAT,
        "version": FILE_VERSION,
        "stopped": parts.stopped,
        "events": [asdict(event) for event in parts.events],
        "layers": [],
    }
    arrays: dict[str, np.ndarray] = {}
    for place, layer in enumerate(parts.layers):
        described = []
        for batch in layer.batches:
            own = _arrays(batch)
            arrays |= {f"{place}/{batch.index}/{name}": own[name] for name in own}
            described.append({name: getattr(batch, name) for name in _BATCH_WORDS})
        words = {name: getattr(layer, name) for name in _LAYER_WORDS}
        meta["layers"].append(words | {"batches": described})
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    np.savez(path, allow_pickle=False, **arrays)


def read(path: Path) -> Parts:
    """Reads the parts of a recording from a file.

    Raises:
        FileNotFoundError: There is no such file.
        RecordingFileError: The file is damaged, cut short, not a recording, or written by a newer
            version.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {str(path)!r}. Expected a recording written by "
            f'recording.save("run.npz").'
        )
    meta, arrays = _unpacked(path)
    version = meta.get("version")
    if version != FILE_VERSION:
        raise RecordingFileError(
            f"{str(path)!r} is a recording of file version {version}; this stateviz reads version "
            f"{FILE_VERSION}. Install a newer stateviz, or record again."
        )
    try:
        return _rebuilt(meta, arrays)
    except _DAMAGED as error:
        raise _not_a_recording(path, "it is damaged or cut short") from error


def _unpacked(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of a file."""
    arrays: dict[str, np.ndarray] | None = None
    meta: Any = None
    try:
        # NumPy would leave a file of its own open where it finds it cut short.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if isinstance(archive, np.lib.npyio.NpzFile) and "meta" in archive.files:
                meta = json.loads(archive["meta"].tobytes().decode())
                arrays = {name: archive[name] for name in archive.files if name != "meta"}
    except _DAMAGED as error:
        with path.open("rb") as file:
            is_zip = file.read(2) == b"PK"
        why = "it is damaged or cut short" if is_zip else "it is another kind of file"
        raise _not_a_recording(path, why) from error
    if arrays is None:
        raise _not_a_recording(path, "it has no stateviz header")
    if not isinstance(meta, dict) or meta.get("format") != FILE_FORMAT:
        raise _not_a_recording(path, "its header is not stateviz's")
    return meta, arrays


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


def _rebuilt(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Parts:
    owned: dict[str, dict[str, np.ndarray]] = {}
    for full_name, array in arrays.items():
        owner, _, name = full_name.rpartition("/")
        owned.setdefault(owner, {})[name] = array
    layers = []
    for place, described in enumerate(meta["layers"]):
        words = {name: described[name] for name in _LAYER_WORDS if name in described}
        if words.get("kept_units") is not None:
            words["kept_units"] = tuple(words["kept_units"])
        layer = LayerRecording(**words)
        layer.batches = [
            _rebuilt_batch(layer.name, of_batch, owned[f"{place}/{of_batch['index']}"])
            for of_batch in described["batches"]
        ]
        layers.append(layer)
    return Parts(layers, [Event(**event) for event in meta["events"]], meta["stopped"])


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
