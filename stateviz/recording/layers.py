"""What one recurrent layer held, batch after batch, and choosing among its batches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from stateviz.recording.arrays import ByContent
from stateviz.recording.labelled import dataset_of
from stateviz.recording.records import BatchOrigin, BatchRecord, Event, Phase, Source

if TYPE_CHECKING:
    import xarray


@dataclass(eq=False)
class LayerRecording(ByContent):
    """What one recurrent layer held: one `BatchRecord` for each batch that was kept, in order.

    Attributes:
        name: The layer's name in the recording.
        kind: Its class, for example "LSTM".
        units: The size of its state.
        stateful: Whether the layer keeps its state from batch to batch.
        batches: The records, in the order in which the layer processed the batches.
        go_backwards: Whether the layer reads each sequence from its end.
        kept_units: The numbers of the units that were kept, 0-based; all where None.
        ends_within: 0 where the states are the layer's own. Where they were derived beside it, the
            largest difference between the last of them and the layer's own final state.
        steps_known: Whether a batch of fit in training is a step of the optimizer, as in Keras. In
            a loop of PyTorch nobody can know.
        backend: What ran it: "tensorflow" or "jax" of Keras, or "torch" of PyTorch itself.
    """

    name: str
    kind: str
    units: int
    stateful: bool
    batches: list[BatchRecord] = field(default_factory=list)
    go_backwards: bool = False
    kept_units: tuple[int, ...] | None = None
    ends_within: float = 0.0
    steps_known: bool = True
    backend: str = "tensorflow"

    @property
    def hidden_state(self) -> np.ndarray:
        """The hidden state h after each timestep, shape (batches, samples, timesteps, units)."""
        return self.stacked("hidden_state")

    @property
    def cell_state(self) -> np.ndarray:
        """The cell state c after each timestep, shape (batches, samples, timesteps, units)."""
        return self.stacked("cell_state")

    def stacked(self, name: str) -> np.ndarray:
        """An array of all batches, by its name in `BatchRecord`, with the batches as axis 0.

        Raises:
            ValueError: There is no batch, no such array, or the batches have different shapes.
        """
        if not self.batches:
            raise ValueError(
                f"No batch of layer {self.name!r} is in this recording, so it has no {name}. "
                f"Run the model inside the `with stateviz.record(model)` block; if it ran there, "
                f"print(recording) says why it was not seen."
            )
        arrays = [getattr(batch, name) for batch in self.batches]
        if arrays[0] is None:
            raise ValueError(f"Layer {self.name!r} ({self.kind}) has no {name}; it has only h.")
        shapes = sorted({array.shape for array in arrays})
        if len(shapes) > 1:
            raise ValueError(self._unequal(name, shapes))
        return np.stack(arrays)

    def _unequal(self, name: str, shapes: Sequence[tuple[int, ...]]) -> str:
        text = (
            f"The batches of layer {self.name!r} have different shapes (samples, timesteps, "
            f"units): {', '.join(map(str, shapes))}. "
        )
        of_layer = f"recording[{self.name!r}]"
        full = max(batch.batch_size for batch in self.batches)
        short = [batch.index for batch in self.batches if batch.batch_size < full]
        if short and len({shape[1:] for shape in shapes}) == 1:
            named = ", ".join(map(str, short[:4])) + (", ..." if len(short) > 4 else "")
            return (
                f"{text}Index them one by one, for example {of_layer}.batches[0].{name}; or leave "
                f"out the short ones (often the last of an epoch; here {named}) with "
                f"{of_layer}.select(batch_size={full}).{name}."
            )
        return f"{text}Index them one by one, for example {of_layer}.batches[0].{name}."

    def select(
        self,
        *,
        phase: Phase | Collection[Phase] | None = None,
        epoch: int | Collection[int] | slice | None = None,
        batch: int | Collection[int] | slice | None = None,
        batch_size: int | None = None,
        origin: BatchOrigin | Collection[BatchOrigin] | None = None,
        batches: Sequence[int] | slice | None = None,
    ) -> LayerRecording:
        """The batches that meet every condition, as a view: no array is copied.

        `hidden_state` and the others then stack these batches alone. Each batch keeps its index in
        the whole recording.

        Args:
            phase, origin: The one, or a collection of them; "mixed" where rows began differently.
            epoch, batch: The 0-based number, a collection of them such as a `range`, or a slice.
            batch_size: The number of samples, also of those that were not kept.
            batches: The places in `batches`, 0-based, or a slice of them.

        Raises:
            ValueError: No batch meets the conditions, or there is no such phase or origin.
            IndexError: There is no such place in `batches`.

        Example:
            >>> import numpy as np
            >>> from stateviz.recording import BatchRecord, Start, State
            >>> state = State(*(np.zeros(shape) for shape in ((2, 1), (2, 3, 1), (2, 1))))
            >>> lstm = LayerRecording("lstm", "GRU", 1, stateful=False)
            >>> for place in range(4):
            ...     lstm.batches.append(BatchRecord(layer="lstm", index=place, phase="fit",
            ...         epoch=place // 2, batch=place % 2, training=True, batch_size=2,
            ...         starts=(Start(2, "fresh"),), samples=np.arange(2), states=(state,)))
            >>> lstm.select(phase="fit", epoch=1)
            LayerRecording(lstm: stateless GRU, 1 units, 2 batches)
            >>> lstm.select(epoch=slice(1, None)).hidden_state.shape
            (2, 2, 3, 1)
            >>> [batch.index for batch in lstm.select(batch=0).batches]
            [0, 2]
        """
        _refuse_unknown("phase", phase, get_args(Phase))
        _refuse_unknown("origin", origin, get_args(BatchOrigin))
        wanted = {"phase": phase, "epoch": epoch, "batch": batch, "origin": origin}
        wanted["batch_size"] = batch_size
        wanted = {name: value for name, value in wanted.items() if value is not None}
        found = [
            each
            for each in self._at(batches)
            if all(_meets(getattr(each, name), value) for name, value in wanted.items())
        ]
        if not found:
            raise ValueError(self._none_found(wanted))
        return replace(self, batches=found)

    def _at(self, places: Sequence[int] | slice | None) -> list[BatchRecord]:
        if places is None:
            return self.batches
        if isinstance(places, slice):
            return self.batches[places]
        for place in places:
            if not 0 <= place < len(self.batches):
                raise IndexError(
                    f"batches={place} is out of range: layer {self.name!r} has "
                    f"{len(self.batches)} batches, 0 to {len(self.batches) - 1}."
                )
        return [self.batches[place] for place in places]

    def _none_found(self, wanted: dict[str, Any]) -> str:
        asked = ", ".join(f"{name}={value!r}" for name, value in wanted.items())
        epochs: dict[str, list[int]] = {}
        for batch in self.batches:
            epochs.setdefault(str(batch.phase), []).append(
                -1 if batch.epoch is None else batch.epoch
            )
        has = [
            phase if max(numbers) < 0 else f"{phase} (epochs {min(numbers)} to {max(numbers)})"
            for phase, numbers in epochs.items()
        ]
        return (
            f"Layer {self.name!r} has no batch with {asked or 'these places'}; it has "
            f"{len(self.batches)} batches: {', '.join(has) or 'none'}."
        )

    def to_xarray(self) -> xarray.Dataset:
        """All batches as an `xarray.Dataset` with named axes; needs xarray.

        Returns:
            `hidden_state` with the axes (batch, sample, timestep, unit), `initial_hidden_state`
            and `final_hidden_state` with (batch, sample, unit), the cell states where there are
            any, and `inputs`, `mask`, gates and gradients where they were kept. With (batch,
            sample): `origins`, and the `Source` of each row as `source_layer`, `source_batch` and
            `source_row`; "" and -1 where it has none. The coordinates are the kept numbers: of
            samples and units, of batches in the whole recording with their phase, epoch and origin,
            and of timesteps in the data.

        Raises:
            ImportError: xarray is not installed.
            ValueError: There is no batch, or the batches have different shapes.
        """
        return dataset_of(
            self.batches,
            self.stacked,
            units=range(self.units) if self.kept_units is None else self.kept_units,
            attributes={"layer": self.name, "kind": self.kind, "stateful": int(self.stateful)},
        )

    def __repr__(self) -> str:
        how = "stateful" if self.stateful else "stateless"
        return (
            f"LayerRecording({self.name}: {how} {self.kind}, {self.units} units, "
            f"{len(self.batches)} batches)"
        )


def _meets(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, slice):
        return value is not None and value in range(*wanted.indices(value + 1))
    if isinstance(wanted, Collection) and not isinstance(wanted, str):
        return value in wanted
    return bool(value == wanted)


def _refuse_unknown(name: str, wanted: Any, known: tuple[str, ...]) -> None:
    named = [wanted] if isinstance(wanted, str) else list(wanted or ())
    for each in named:
        if each not in known:
            near = get_close_matches(str(each), known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"There is no {name} {each!r}.{hint} Known: {', '.join(known)}.")


def unknown_layer(name: object, known: Sequence[str]) -> str:
    """The message for a layer name that does not exist, with the nearest that do."""
    near = get_close_matches(str(name), known, n=3, cutoff=0.4)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"There is no recurrent layer {name!r}.{hint} Known: {', '.join(map(repr, known))}."


def history_of(layer: LayerRecording, events: Sequence[Event]) -> list[Event]:
    """An event for each batch of a layer, also for those that were not kept, in their order.

    Those of a recording that is made by hand may have records alone.
    """
    own = [event for event in events if event.kind == "batch" and event.layer == layer.name]
    logged = {event.index for event in own if isinstance(event, BatchRecord)}
    return own + [batch for batch in layer.batches if batch.index not in logged]


def left_by(history: Sequence[Event], source: Source) -> Event | None:
    """The batch of a layer's history that a source names; None if it is not there."""
    at = history[source.batch] if source.batch < len(history) else None
    if source.index is None or (isinstance(at, BatchRecord) and at.index == source.index):
        return at
    return next((each for each in history if getattr(each, "index", None) == source.index), None)


def records_of(events: Iterable[Event]) -> tuple[int, ...]:
    """The places in `LayerRecording.batches` of the events whose batches were kept."""
    return tuple(event.index for event in events if isinstance(event, BatchRecord))
