"""What was seen of one batch, and of what happened between batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from stateviz.recording.arrays import ByContent, Gates, Gradients, GRUGates, State, arrays_in

Phase = Literal[
    "fit",
    "validation",
    "evaluate",
    "predict",
    "train_on_batch",
    "test_on_batch",
    "predict_on_batch",
    "call",
]
Origin = Literal["fresh", "carried", "reset", "given", "altered"]
BatchOrigin = Literal["fresh", "carried", "reset", "given", "altered", "mixed"]
StateName = Literal["hidden", "cell"]
EventKind = Literal[
    "phase began",
    "phase ended",
    "epoch began",
    "epoch ended",
    "batch",
    "one row repeated",
    "reset_state",
    "not detached",
    "graph outlived a step",
    "episode went on",
    "recording stopped",
]

PHASES: tuple[Phase, ...] = get_args(Phase)
# Those whose batches Keras counts; a call of the others is one batch.
NUMBERED_PHASES: tuple[Phase, ...] = ("fit", "validation", "evaluate", "predict")
STATE_NAMES: tuple[StateName, ...] = get_args(StateName)
ORIGINS: dict[Origin, str] = {
    "fresh": "zeros that a stateless layer made for this call",
    "carried": "a final state that the layer had left before, in whichever phase, bit for bit",
    "reset": "zeros in a layer that keeps its state, at its first batch or after a reset",
    "given": "passed as initial_state",
    "altered": "anything else: an assignment, a pass that was not recorded",
}


@dataclass(frozen=True)
class Source:
    """The final state of a recorded row, with which a row of a later batch began, bit for bit.

    Attributes:
        layer: The layer that left it.
        batch: Which of that layer's batches, counted from 0 among all, also those not kept.
        row: Its row in that batch.
        index: That batch's place in `LayerRecording.batches`; None if it was not kept.
        certain: False where other rows had left the same bits, so that it is one of these.
    """

    layer: str
    batch: int
    row: int
    index: int | None = None
    certain: bool = True


@dataclass(frozen=True)
class Start:
    """How rows that follow each other in a batch began.

    Attributes:
        rows: How many they are.
        origin: The word for them, one of `stateviz.recording.ORIGINS`.
        zeros: Whether they began from zeros; not where a state of zeros was carried.
        source: What the first of them began with; the next row began with the source's next row.
            None for zeros, and for what no recorded batch had left.
    """

    rows: int
    origin: Origin
    zeros: bool = False
    source: Source | None = None

    def source_of(self, row: int) -> Source | None:
        """The source of one of the rows, counted from the first of them."""
        return self.source and replace(self.source, row=self.source.row + row)


@dataclass(frozen=True)
class Event:
    """Something that happened while recording.

    Attributes:
        kind: "phase began", "phase ended", "epoch began", "epoch ended", "batch" (a layer
            processed one; a `BatchRecord` if it was kept), "one row repeated" (the batch had one
            row, and Keras repeated it to fill the states of a stateful layer), "reset_state" (it
            was called on a layer), "not detached" (in PyTorch: the state that the batch was given
            held the graph of its gradient), "graph outlived a step" (and the weights had changed
            since), "episode went on" (rows did not begin from zeros where `stateviz.torch.starts`
            says that they do), or "recording stopped" (at the memory bound, or at an error).
        phase, epoch: Where it happened; None outside of any.
        layer: The layer's name, for what happens to a layer.
        batch: The batch's 0-based number in its phase and epoch; None where it has none.
        batch_size: For a batch: the number of rows of its states.
        call: Which of the user's calls of fit, evaluate and so on it belongs to, counted from 0;
            validation belongs to its fit. None outside of any, and where nobody can know.
        starts: For "batch": how its rows began, in their order.
    """

    kind: EventKind
    phase: Phase | None = None
    epoch: int | None = None
    layer: str | None = None
    batch: int | None = None
    batch_size: int | None = None
    call: int | None = None
    starts: tuple[Start, ...] = ()

    @property
    def origin(self) -> BatchOrigin | None:
        """How its rows began, in the word that all share, or "mixed"; None if it is no batch."""
        words = {start.origin for start in self.starts}
        return "mixed" if len(words) > 1 else next(iter(words), None)

    @property
    def zero_rows(self) -> int:
        """How many of its rows began as zeros."""
        return sum(start.rows for start in self.starts if start.zeros)

    @property
    def zeros(self) -> bool:
        """Whether all of its states began as zeros."""
        return bool(self.starts) and all(start.zeros for start in self.starts)

    @property
    def source(self) -> Source | None:
        """The source of its first row, where all rows are known to come from one batch."""
        sources = [start.source for start in self.starts]
        batches = {each and each.certain and (each.layer, each.batch) for each in sources}
        return sources[0] if len(batches) == 1 and not batches & {None, False} else None


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BatchRecord(ByContent, Event):
    """One batch as one recurrent layer processed it: the `Event` "batch", with what was held.

    Arrays are float32, or float64 and float16 where the layer computes in these; `bfloat16` is
    kept as float32, which holds each of its values exactly. The time axis follows the order in
    which the layer read the sequence: for a layer with `go_backwards`, entry 0 is the last
    timestep of the data, and `inputs` and `mask` are turned round with the states.

    Attributes:
        layer: The layer's name in the recording.
        index: Its place in `LayerRecording.batches` of the whole recording, 0-based.
        phase: The method that the user called: "fit", "validation", "evaluate", "predict",
            "train_on_batch", "test_on_batch", "predict_on_batch" or "call"; None where several
            threads ran the model at once, and nobody can know.
        epoch, batch: 0-based; None where the phase has none.
        training: Whether the layer ran in training mode; None if Keras was not told.
        batch_size: The number of samples in the batch, also of those that were not kept.
        starts: How its rows began, also those that were not kept, as `Start`s; `origin`,
            `origins`, `sources` and `came_from` are read from it.
        samples: The rows of the batch that were kept, int64, shape (samples,).
        states: Each state of the layer: h, for an LSTM also c, and what a cell of the user's own
            holds beside them.
        initial_hidden_state, initial_cell_state: Shape (samples, units).
        hidden_state, cell_state: After each timestep, shape (samples, timesteps, units).
        final_hidden_state, final_cell_state: Shape (samples, units).
        inputs: What the layer read, shape (samples, timesteps, features), or None.
        mask: bool, True = used, shape (samples, timesteps), or None.
        gates: With `gates=True`, the `Gates` of an LSTM or ConvLSTM, the `GRUGates` of a GRU; else
            None.
        gradients: With `gradients=True`, the `Gradients` of a batch that was trained on; else None.
        go_backwards: Whether the layer read the sequence from its end.
        units: The numbers of the units that were kept, 0-based; all where None.

    The cell states are None for a layer that has none (GRU, SimpleRNN). For a cell of the user's
    own the hidden state is its first state and the cell state its second. A ConvLSTM's units are
    its filters: `(samples, timesteps, *space, filters)`, or with `data_format="channels_first"`
    `(samples, timesteps, filters, *space)`; its inputs have these axes too.
    """

    kind: EventKind = "batch"
    layer: str = ""
    batch_size: int = 0
    index: int
    training: bool | None
    samples: np.ndarray
    states: tuple[State, ...]
    inputs: np.ndarray | None = None
    mask: np.ndarray | None = None
    gates: Gates | GRUGates | None = None
    gradients: Gradients | None = None
    go_backwards: bool = False
    units: tuple[int, ...] | None = None

    @property
    def origin(self) -> BatchOrigin:
        """How its states began: the word that all its rows share, or "mixed"."""
        return super().origin or "altered"

    @property
    def origins(self) -> np.ndarray:
        """How each row that was kept began, a word each, shape (samples,)."""
        return np.array([start.origin for start, _ in self._starts_of_samples()])

    @property
    def sources(self) -> tuple[Source | None, ...]:
        """For each row that was kept the recorded row whose final state it began with, or None."""
        return tuple(start.source_of(row) for start, row in self._starts_of_samples())

    def _starts_of_samples(self) -> Iterator[tuple[Start, int]]:
        """For each row that was kept its start, and its place in that."""
        ends = np.cumsum([start.rows for start in self.starts])
        places = np.searchsorted(ends, self.samples, side="right")
        for row, place in zip(self.samples.tolist(), places.tolist(), strict=True):
            start = self.starts[place]
            yield start, row - int(ends[place]) + start.rows

    @property
    def came_from(self) -> int | None:
        """The index of this layer's batch whose final states all rows began with, or None."""
        source = self.source
        return source.index if source is not None and source.layer == self.layer else None

    @property
    def unit_numbers(self) -> list[int]:
        """The number of each unit on the last axis of the hidden state."""
        return self.unit_numbers_of(self.states[0])

    def unit_numbers_of(self, state: State) -> list[int]:
        """The number of each unit on the last axis of a state, which may have another size."""
        size = state.after.shape[-1]
        return list(self.units) if self.units and len(self.units) == size else list(range(size))

    @property
    def is_projected(self) -> bool:
        """Whether h is a projection, as PyTorch's `proj_size` makes it: its units are not c's."""
        h, *others = (state.final.shape for state in self.states[:2])
        return self.gates is not None and any(shape != h for shape in others)

    @property
    def state_names(self) -> tuple[StateName, ...]:
        """The states with names: "hidden", and "cell" where the layer has one."""
        return STATE_NAMES[: len(self.states)]

    def state(self, name: StateName) -> State:
        """The state of that name.

        Raises:
            ValueError: The layer has no such state.
        """
        if name not in self.state_names:
            raise ValueError(f"{self!r} has no state {name!r}; it has {list(self.state_names)}.")
        return self.states[STATE_NAMES.index(name)]

    @property
    def _cell(self) -> State | None:
        return self.states[1] if len(self.states) > 1 else None

    @property
    def initial_hidden_state(self) -> np.ndarray:
        """The hidden state h before the first timestep, shape (samples, units)."""
        return self.states[0].initial

    @property
    def hidden_state(self) -> np.ndarray:
        """The hidden state h after each timestep, shape (samples, timesteps, units)."""
        return self.states[0].after

    @property
    def final_hidden_state(self) -> np.ndarray:
        """The hidden state h after the last timestep, shape (samples, units)."""
        return self.states[0].final

    @property
    def initial_cell_state(self) -> np.ndarray | None:
        """The cell state c before the first timestep, shape (samples, units), or None."""
        return None if self._cell is None else self._cell.initial

    @property
    def cell_state(self) -> np.ndarray | None:
        """The cell state c after each timestep, shape (samples, timesteps, units), or None."""
        return None if self._cell is None else self._cell.after

    @property
    def final_cell_state(self) -> np.ndarray | None:
        """The cell state c after the last timestep, shape (samples, units), or None."""
        return None if self._cell is None else self._cell.final

    @property
    def has_inputs(self) -> bool:
        """Whether what the layer read was kept, and has a feature."""
        return self.inputs is not None and self.inputs.size > 0

    @property
    def timesteps(self) -> int:
        """The number of timesteps that the layer processed."""
        return int(self.hidden_state.shape[1])

    @property
    def nbytes(self) -> int:
        """The memory that the arrays take, in bytes."""
        return sum(array.nbytes for array in arrays_in(self))

    def __repr__(self) -> str:
        place = ", ".join(
            [self.phase or "unknown phase"]
            + ([f"epoch {self.epoch}"] if self.epoch is not None else [])
            + ([f"batch {self.batch}"] if self.batch is not None else [])
        )
        samples, timesteps, *units = self.hidden_state.shape
        return (
            f"BatchRecord({self.layer}[{self.index}]: {place}; {samples} samples x {timesteps} "
            f"timesteps x {' x '.join(map(str, units))} units; states {self.origin})"
        )
