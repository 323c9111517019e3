"""What a recurrent layer held, batch after batch: plain NumPy, to keep, save, open and read.

A [`Recording`][] needs neither Keras nor TensorFlow. It is what `stateviz.record` fills, what the
drawings read and what `save` and `load` keep on disk.
"""

from __future__ import annotations

import html
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from stateviz.recording.findings import Finding

FILE_FORMAT = "stateviz recording"
FILE_VERSION = 1

ORIGINS = {
    "fresh": "zeros that a stateless layer made for this call",
    "carried": "the final state of the layer's previous batch, bit for bit",
    "reset": "zeros in a stateful layer, at its first batch or after a reset",
    "given": "passed as initial_state",
    "altered": "anything else: validation, an assignment, a pass that was not recorded",
}
ZEROED = ("fresh", "reset")
_WHICH = ("hidden", "cell")


class RecordingFileError(ValueError):
    """A file is not a recording that this version of stateviz can open."""


@dataclass(frozen=True, eq=False)
class Gates:
    """The gates of an LSTM at each timestep, each of shape (samples, timesteps, units).

    The names are those of Hochreiter and Schmidhuber (1997) and Gers et al. (2000) as Keras
    computes them: `c = forget * c_before + input * candidate` and `h = output * activation(c)`.
    """

    input: np.ndarray
    forget: np.ndarray
    candidate: np.ndarray
    output: np.ndarray


@dataclass(frozen=True, eq=False)
class GRUGates:
    """The gates of a GRU at each timestep, each of shape (samples, timesteps, units).

    Cho et al. (2014), with the update gate as Keras computes it:
    `h = update * h_before + (1 - update) * candidate`; `reset` says how much of `h_before` the
    candidate sees.
    """

    update: np.ndarray
    reset: np.ndarray
    candidate: np.ndarray


GATES: tuple[type[Gates] | type[GRUGates], ...] = (Gates, GRUGates)


@dataclass(frozen=True, eq=False)
class FurtherState:
    """A state beyond the second, which a cell of the user's own may have.

    Attributes:
        initial, final: Shape (samples, size of the state).
        state: After each timestep, shape (samples, timesteps, size of the state).
    """

    initial: np.ndarray
    state: np.ndarray
    final: np.ndarray


@dataclass(frozen=True, eq=False)
class BatchRecord:
    """One batch as one recurrent layer processed it.

    Arrays are float32, or float64 and float16 where the layer computes in these; `bfloat16` is
    kept as float32, which holds each of its values exactly. The time axis follows the order in
    which the layer read the sequence: for a layer with `go_backwards`, entry 0 is the last
    timestep of the data, and `inputs` and `mask` are turned round with the states.

    Attributes:
        layer: The layer's name in the recording.
        index: The place in `LayerRecording.batches`, 0-based.
        phase: The method that the user called: "fit", "validation", "evaluate", "predict",
            "train_on_batch", "test_on_batch", "predict_on_batch" or "call".
        epoch, batch: 0-based; None where the phase has none.
        training: Whether the layer ran in training mode; None if Keras was not told.
        origin: How the states began; one of `stateviz.recording.ORIGINS`.
        came_from: The index of the recorded batch whose final state this one began with, bit for
            bit, or None.
        batch_size: The number of samples in the batch, also of those that were not kept.
        samples: The rows of the batch that were kept, int64, shape (samples,).
        initial_hidden_state, initial_cell_state: Shape (samples, units).
        hidden_state, cell_state: After each timestep, shape (samples, timesteps, units).
        final_hidden_state, final_cell_state: Shape (samples, units).
        inputs: What the layer read, shape (samples, timesteps, features), or None.
        mask: bool, True = used, shape (samples, timesteps), or None.
        gates: With `gates=True`, the `Gates` of an LSTM or ConvLSTM, the `GRUGates` of a GRU; else
            None.
        further_states: What a cell of the user's own holds beside its first two states.
        go_backwards: Whether the layer read the sequence from its end.

    The cell states are None for a layer that has none (GRU, SimpleRNN). For a cell of the user's
    own the hidden state is its first state and the cell state its second. A ConvLSTM's units are
    its filters: (samples, timesteps, *space, filters), or with `data_format="channels_first"`
    (samples, timesteps, filters, *space); its inputs have these axes too.
    """

    layer: str
    index: int
    phase: str
    epoch: int | None
    batch: int | None
    training: bool | None
    origin: str
    came_from: int | None
    batch_size: int
    samples: np.ndarray
    initial_hidden_state: np.ndarray
    initial_cell_state: np.ndarray | None
    hidden_state: np.ndarray
    cell_state: np.ndarray | None
    final_hidden_state: np.ndarray
    final_cell_state: np.ndarray | None
    inputs: np.ndarray | None = None
    mask: np.ndarray | None = None
    gates: Gates | GRUGates | None = None
    further_states: tuple[FurtherState, ...] = ()
    go_backwards: bool = False

    @property
    def timesteps(self) -> int:
        """The number of timesteps that the layer processed."""
        return self.hidden_state.shape[1]

    @property
    def nbytes(self) -> int:
        """The memory that the arrays take, in bytes."""
        return sum(array.nbytes for array in _arrays(self).values())

    @property
    def flat(self) -> BatchRecord:
        """The same batch with the spatial axes of a ConvLSTM laid out as units, for pictures.

        Inputs and states have the shapes (samples, timesteps, features) and (samples, timesteps,
        units), a place after the other as `numpy.reshape` takes them. Gates are left out.
        """
        if self.hidden_state.ndim == 3:
            return self
        timed = {"hidden_state", "cell_state", "inputs"}
        states = {f"{when}_{which}_state" for when in ("initial", "final") for which in _WHICH}
        laid_out = {
            name: array.reshape(*array.shape[: 2 if name in timed else 1], -1)
            for name in timed | states
            if (array := getattr(self, name)) is not None
        }
        return replace(self, gates=None, further_states=(), **laid_out)

    def __repr__(self) -> str:
        place = ", ".join(
            [self.phase]
            + ([f"epoch {self.epoch}"] if self.epoch is not None else [])
            + ([f"batch {self.batch}"] if self.batch is not None else [])
        )
        samples, timesteps, *units = self.hidden_state.shape
        return (
            f"BatchRecord({self.layer}[{self.index}]: {place}; {samples} samples x {timesteps} "
            f"timesteps x {' x '.join(map(str, units))} units; states {self.origin})"
        )


@dataclass(frozen=True)
class Event:
    """Something that happened while recording.

    Attributes:
        kind: "phase began", "phase ended", "epoch began", "epoch ended", "batch" (a layer
            processed one), "one row repeated" (the batch had one row, and Keras repeated it to
            fill the states of a stateful layer), "reset_state" or "build" (it was called on a
            layer) or "recording stopped" (at the memory bound, or at an error).
        phase, epoch: Where it happened; None outside of any.
        layer: The layer's name, for what happens to a layer.
        batch: The batch's 0-based number in its phase and epoch; None where it has none.
        origin: For "batch": how its states began.
        batch_size: For a batch: the number of rows of its states.
        record: For a batch: its index in `LayerRecording.batches`; None if it was not kept.
    """

    kind: str
    phase: str | None = None
    epoch: int | None = None
    layer: str | None = None
    batch: int | None = None
    origin: str | None = None
    batch_size: int | None = None
    record: int | None = None


@dataclass(frozen=True)
class ResetCount:
    """How the states of one layer began in one epoch of one phase.

    A *state tensor* is the state of a whole batch, h and c counted as one; a *sample state* is
    one row of it. Both counts say how many were zeros at the start of a batch.
    """

    layer: str
    phase: str
    epoch: int | None
    batches: int
    state_tensors_zeroed: int
    sample_states_zeroed: int
    zeroed_batches: tuple[int, ...]
    origins: dict[str, int]


class Resets(Sequence[ResetCount]):
    """The answer to "when is the state reset?": one row for each layer, phase and epoch.

    Its own counts are those of all rows together.
    """

    def __init__(self, counts: Sequence[ResetCount]) -> None:
        self._counts = tuple(counts)

    def __getitem__(self, index: Any) -> Any:
        return self._counts[index]

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def state_tensors_zeroed(self) -> int:
        """How many batches began from zeros."""
        return sum(count.state_tensors_zeroed for count in self)

    @property
    def sample_states_zeroed(self) -> int:
        """How many samples began from zeros."""
        return sum(count.sample_states_zeroed for count in self)

    @property
    def origins(self) -> dict[str, int]:
        """How many batches began in which way."""
        return _in_order(sum((Counter(count.origins) for count in self), Counter()))

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        shown = [origin for origin in ORIGINS if origin in self.origins]
        head = ["layer", "phase", "epoch", "batches", *shown]
        head += ["state tensors zeroed", "sample states zeroed"]

        def row(labels: list[str], batches: int, counts: ResetCount | Resets) -> list[str]:
            numbers = [batches, *(counts.origins.get(origin, 0) for origin in shown)]
            numbers += [counts.state_tensors_zeroed, counts.sample_states_zeroed]
            return labels + [f"{number:,}" for number in numbers]

        body = [
            row([c.layer, c.phase, "-" if c.epoch is None else str(c.epoch)], c.batches, c)
            for c in self
        ]
        total = row(["in all", "", ""], sum(count.batches for count in self), self)
        return head, [*body, total]

    def __repr__(self) -> str:
        head, body = self._rows()
        widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
        lines = []
        for row in [head, *body]:
            words = [
                cell.ljust(width) if column < 3 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(words).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head, body = self._rows()
        return _html_table(head, body[:-1], foot=body[-1])


@dataclass(eq=False)
class LayerRecording:
    """What one recurrent layer held: one `BatchRecord` for each batch that was kept, in order.

    Attributes:
        name: The layer's name in the recording.
        kind: Its class, for example "LSTM".
        units: The size of its state.
        stateful: Whether the layer keeps its state from batch to batch.
        go_backwards: Whether the layer reads each sequence from its end.
        batches: The records, in the order in which the layer processed the batches.
    """

    name: str
    kind: str
    units: int
    stateful: bool
    batches: list[BatchRecord] = field(default_factory=list)
    go_backwards: bool = False

    @property
    def hidden_state(self) -> np.ndarray:
        """The hidden state h after each timestep, shape (batches, samples, timesteps, units)."""
        return self._stacked("hidden_state")

    @property
    def cell_state(self) -> np.ndarray:
        """The cell state c after each timestep, shape (batches, samples, timesteps, units)."""
        return self._stacked("cell_state")

    def _stacked(self, name: str) -> np.ndarray:
        if not self.batches:
            raise ValueError(
                f"Layer {self.name!r} processed no batch while it was recorded, so it has no "
                f"{name}. Run the model inside the `with stateviz.record(model)` block."
            )
        arrays = [getattr(batch, name) for batch in self.batches]
        if arrays[0] is None:
            raise ValueError(f"Layer {self.name!r} ({self.kind}) has no {name}; it has only h.")
        shapes = sorted({array.shape for array in arrays})
        if len(shapes) > 1:
            raise ValueError(
                f"The batches of layer {self.name!r} have different shapes (samples, timesteps, "
                f"units): {', '.join(map(str, shapes))}. Index them one by one, for example "
                f"recording[{self.name!r}].batches[0].{name}."
            )
        return np.stack(arrays)

    def __repr__(self) -> str:
        how = "stateful" if self.stateful else "stateless"
        return (
            f"LayerRecording({self.name}: {how} {self.kind}, {self.units} units, "
            f"{len(self.batches)} batches)"
        )


class Recording:
    """The states of a model's recurrent layers, at every timestep of every batch.

    Made by `stateviz.record` and opened by `stateviz.load`. `recording["lstm"]` is a
    `LayerRecording`; `events` holds all that happened, in order.

    Attributes:
        events: Phases and epochs that began and ended, batches, `reset_state` calls, in order.
        stopped: Why recording stopped before the block ended, or "".
    """

    def __init__(self, layers: Sequence[LayerRecording]) -> None:
        self._layers = {layer.name: layer for layer in layers}
        self.events: list[Event] = []
        self.stopped = ""

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the recorded layers."""
        return tuple(self._layers)

    def __getitem__(self, name: str) -> LayerRecording:
        if name in self._layers:
            return self._layers[name]
        raise KeyError(unknown_layer(name, self.layers))

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    @property
    def nbytes(self) -> int:
        """The memory that the recorded arrays take, in bytes."""
        return sum(batch.nbytes for layer in self._layers.values() for batch in layer.batches)

    def resets(self, layer: str | None = None) -> Resets:
        """Counts the states that began from zeros, for each layer, phase and epoch.

        It counts every batch that the layers processed, also those that a filter did not keep.

        Args:
            layer: Count this layer only; all layers where None.

        Returns:
            A table with a `ResetCount` a row, and totals.
        """
        names = self.layers if layer is None else (self[layer].name,)
        seen: dict[tuple[str, str | None, int | None], list[Event]] = {}
        for event in self.events:
            if event.kind == "batch" and event.layer in names:
                seen.setdefault((event.layer, event.phase, event.epoch), []).append(event)
        counts = []
        for (name, phase, epoch), events in seen.items():
            zeroed = [
                (place, event) for place, event in enumerate(events) if event.origin in ZEROED
            ]
            counts.append(
                ResetCount(
                    layer=name,
                    phase=phase or "call",
                    epoch=epoch,
                    batches=len(events),
                    state_tensors_zeroed=len(zeroed),
                    sample_states_zeroed=sum(event.batch_size or 0 for _, event in zeroed),
                    zeroed_batches=tuple(
                        place if event.batch is None else event.batch for place, event in zeroed
                    ),
                    origins=_in_order(Counter(event.origin or "" for event in events)),
                )
            )
        return Resets(counts)

    def findings(self) -> list[Finding]:
        """What happened to the states that their owner would not expect.

        Returns:
            A `stateviz.findings.Finding` each, with its evidence and its cure; empty where nothing
            is odd.
        """
        from stateviz.recording.findings import findings_of

        return findings_of(self)

    def save(self, path: str | Path) -> Path:
        """Writes the recording to an `.npz` file that `stateviz.load` opens, without pickle.

        Args:
            path: Where to; ".npz" is added if it has no such ending.

        Returns:
            The path that was written.
        """
        path = Path(path)
        if path.suffix != ".npz":
            path = path.with_name(path.name + ".npz")
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"The folder {str(path.parent)!r} does not exist, so {path.name!r} cannot be "
                f"saved there. Make the folder first."
            )
        meta: dict[str, Any] = {
            "format": FILE_FORMAT,
            "version": FILE_VERSION,
            "stopped": self.stopped,
            "events": [asdict(event) for event in self.events],
            "layers": [],
        }
        arrays: dict[str, np.ndarray] = {}
        for place, layer in enumerate(self._layers.values()):
            described = []
            for batch in layer.batches:
                own = _arrays(batch)
                arrays |= {f"{place}/{batch.index}/{name}": own[name] for name in own}
                described.append({name: getattr(batch, name) for name in _BATCH_WORDS})
            meta["layers"].append(
                {name: getattr(layer, name) for name in _LAYER_WORDS} | {"batches": described}
            )
        arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
        np.savez(path, allow_pickle=False, **arrays)
        return path

    def __repr__(self) -> str:
        return "\n".join(" ".join([*indent, text]) for indent, text in self._story())

    def _repr_html_(self) -> str:
        rows = [
            "<div style='padding-left:{}em{}'>{}</div>".format(
                1.5 * len(indent), "" if indent else ";font-weight:bold", html.escape(text)
            )
            for indent, text in self._story()
        ]
        return "<div style='line-height:1.6'>" + "".join(rows) + "</div>"

    def _story(self) -> list[tuple[tuple[str, ...], str]]:
        """Lines of the repr, each with its indent."""
        story: list[tuple[tuple[str, ...], str]] = []
        indent = ("   ",)
        for layer in self._layers.values():
            how = "stateful" if layer.stateful else "stateless"
            story.append(
                (
                    (),
                    f"Recording of {layer.name!r}: a {how} {layer.kind} of {layer.units} unit"
                    f"{'' if layer.units == 1 else 's'}"
                    + (", which reads backwards" if layer.go_backwards else ""),
                )
            )
            counts = self.resets(layer.name)
            for phase, rows in _by_phase(counts):
                batches = sum(row.batches for row in rows)
                epochs = len({row.epoch for row in rows} - {None})
                where = f" in {_plural(epochs, 'epoch')}" if epochs else ""
                origins = sum((Counter(row.origins) for row in rows), Counter())
                began = ", ".join(f"{n:,} {origin}" for origin, n in _in_order(origins).items())
                story.append(
                    (indent, f"{phase}: {_plural(batches, 'batch')}{where}; states began {began}")
                )
            if not len(counts):
                story.append((indent, "no batch yet: run the model inside the record block"))
                continue
            resets = sum(
                event.kind == "reset_state" and event.layer == layer.name for event in self.events
            )
            tensors = _plural(counts.state_tensors_zeroed, "state tensor")
            sample_states = _plural(counts.sample_states_zeroed, "sample state")
            story.append(
                (
                    indent,
                    f"began from zeros: {tensors}, {sample_states}; "
                    f"reset_state called {_plural(resets, 'time')}",
                )
            )
            seen = sum(count.batches for count in counts)
            if len(layer.batches) < seen:
                story.append((indent, f"kept: {len(layer.batches):,} of {seen:,} batches"))
        if self.stopped:
            story.append(((), self.stopped))
        return story


def _by_phase(counts: Iterable[ResetCount]) -> Iterator[tuple[str, list[ResetCount]]]:
    """Counts that follow each other in one phase; fit and its validation take turns."""

    def run(count: ResetCount) -> str:
        return "fit" if count.phase == "validation" else count.phase

    for _, group in groupby(counts, key=run):
        phases: dict[str, list[ResetCount]] = {}
        for count in group:
            phases.setdefault(count.phase, []).append(count)
        yield from phases.items()


_CELL_STATES = ("initial_cell_state", "cell_state", "final_cell_state")
_LAYER_WORDS = ("name", "kind", "units", "stateful", "go_backwards")
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


def _arrays(batch: BatchRecord) -> dict[str, np.ndarray]:
    """The arrays that a record holds, by name: "mask", "gates.input", "further_states.0.final"."""
    found: dict[str, np.ndarray] = {}
    for each in fields(batch):
        value = getattr(batch, each.name)
        if isinstance(value, GATES):
            found |= _named_parts("gates", value)
        elif isinstance(value, tuple):
            for place, state in enumerate(value):
                found |= _named_parts(f"{each.name}.{place}", state)
        elif isinstance(value, np.ndarray):
            found[each.name] = value
    return found


def _named_parts(prefix: str, owner: Gates | GRUGates | FurtherState) -> dict[str, np.ndarray]:
    return {f"{prefix}.{each.name}": getattr(owner, each.name) for each in fields(owner)}


def _without_prefix(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Takes the arrays under a prefix out, and returns them by their own names."""
    return {
        name.removeprefix(prefix): arrays.pop(name)
        for name in list(arrays)
        if name.startswith(prefix)
    }


def load(path: str | Path) -> Recording:
    """Opens a recording that `Recording.save` wrote. Needs neither Keras nor TensorFlow.

    Args:
        path: The `.npz` file.

    Raises:
        FileNotFoundError: There is no such file.
        RecordingFileError: The file is damaged, cut short, not a recording, or written by a newer
            version.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {str(path)!r}. Expected a recording written by "
            f'recording.save("run.npz").'
        )
    try:
        # NumPy would leave a file of its own open where it finds it cut short.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile) or "meta" not in archive.files:
                raise RecordingFileError(_not_a_recording(path, "it has no stateviz header"))
            meta = json.loads(archive["meta"].tobytes().decode())
            _check_header(path, meta)
            arrays = {name: archive[name] for name in archive.files if name != "meta"}
            return _rebuilt(meta, arrays)
    except RecordingFileError:
        raise
    except (
        # What NumPy, zipfile, zlib and json raise for a file that is not what its name says.
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        NotImplementedError,
    ) as error:
        with path.open("rb") as file:
            is_zip = file.read(2) == b"PK"
        why = "it is damaged or cut short" if is_zip else "it is another kind of file"
        raise RecordingFileError(_not_a_recording(path, why)) from error


def _not_a_recording(path: Path, why: str) -> str:
    return (
        f"{str(path)!r} ({path.stat().st_size:,} bytes) cannot be opened as a recording: {why}. "
        f'Expected a whole .npz file written by recording.save("run.npz").'
    )


def _check_header(path: Path, meta: Any) -> None:
    if not isinstance(meta, dict) or meta.get("format") != FILE_FORMAT:
        raise RecordingFileError(_not_a_recording(path, "its header is not stateviz's"))
    version = meta.get("version")
    if version != FILE_VERSION:
        raise RecordingFileError(
            f"{str(path)!r} is a recording of file version {version}; this stateviz reads version "
            f"{FILE_VERSION}. Install a newer stateviz, or record again."
        )


def _rebuilt(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Recording:
    owned: dict[str, dict[str, np.ndarray]] = {}
    for full_name, array in arrays.items():
        owner, _, name = full_name.rpartition("/")
        owned.setdefault(owner, {})[name] = array
    layers = []
    for place, described in enumerate(meta["layers"]):
        layer = LayerRecording(**{name: described[name] for name in _LAYER_WORDS})
        for words in described["batches"]:
            own = owned[f"{place}/{words['index']}"]
            gates = _without_prefix("gates.", own)
            further: list[FurtherState] = []
            while state := _without_prefix(f"further_states.{len(further)}.", own):
                further.append(FurtherState(**state))
            held: dict[str, Any] = dict.fromkeys(_CELL_STATES) | own
            held["further_states"] = tuple(further)
            if gates:
                held["gates"] = (GRUGates if "update" in gates else Gates)(**gates)
            layer.batches.append(BatchRecord(layer=layer.name, **words, **held))
        layers.append(layer)
    recording = Recording(layers)
    recording.events.extend(Event(**event) for event in meta["events"])
    recording.stopped = meta["stopped"]
    return recording


def unknown_layer(name: object, known: Sequence[str]) -> str:
    """The message for a layer name that does not exist, with the nearest that do."""
    near = get_close_matches(str(name), known, n=3, cutoff=0.4)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"There is no recurrent layer {name!r}.{hint} Known: {', '.join(map(repr, known))}."


def _in_order(origins: Counter[str]) -> dict[str, int]:
    return {origin: origins[origin] for origin in ORIGINS if origins[origin]}


def _plural(count: int, noun: str) -> str:
    plural = {"batch": "batches"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else plural}"


def _html_table(head: list[str], body: list[list[str]], foot: list[str]) -> str:
    def cells(tag: str, row: list[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"

    return (
        f"<table><thead>{cells('th', head)}</thead>"
        f"<tbody>{''.join(cells('td', row) for row in body)}</tbody>"
        f"<tfoot>{cells('th', foot)}</tfoot></table>"
    )
