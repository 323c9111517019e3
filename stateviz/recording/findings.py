"""Reads a recording for what happened to the state that its owner would not expect.

Each finding is a sentence with its evidence, places in the recording, and a cure in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stateviz.recording.layers import LayerRecording
from stateviz.recording.records import BatchRecord, Event


@dataclass(frozen=True)
class Finding:
    """Something odd about the state of one layer.

    Attributes:
        layer: The layer's name.
        kind: A short name, for example "validation altered the training state".
        what: What happened, in a sentence.
        batches: The evidence: places in `LayerRecording.batches`.
        cure: What mends it.
    """

    layer: str
    kind: str
    what: str
    batches: tuple[int, ...]
    cure: str

    def __repr__(self) -> str:
        return f"{self.layer}: {self.what} {self.cure}"


def findings_of(layers: Sequence[LayerRecording], events: Sequence[Event]) -> list[Finding]:
    """Everything odd, layer by layer; empty where nothing is."""
    return [found for layer in layers for look in _LOOKS for found in look(layer, events)]


def _validation_altered_the_training_state(
    layer: LayerRecording, _: Sequence[Event]
) -> Iterator[Finding]:
    found = _places(
        layer,
        lambda batch, source: (
            batch.origin == "altered" and source is not None and _trained_on(batch, source)
        ),
    )
    if found:
        first = layer.batches[found[0]]
        yield Finding(
            layer.name,
            "validation altered the training state",
            f"{_times(found)} training went on with the state that validation had left, first in "
            f"epoch {first.epoch}.",
            found,
            "Give fit callbacks=[stateviz.ResetStates()], which resets the state for validation "
            "and puts it back afterwards.",
        )


def _an_epoch_began_with_the_end_of_the_last(
    layer: LayerRecording, _: Sequence[Event]
) -> Iterator[Finding]:
    found = _places(
        layer,
        lambda batch, source: (
            batch.phase == "fit"
            and batch.batch == 0
            and bool(batch.epoch)
            and batch.origin == "carried"
        ),
    )
    if found:
        yield Finding(
            layer.name,
            "an epoch began with the state of the epoch before",
            f"{_times(found)} an epoch of fit began with the state at the end of the epoch before: "
            f"the end of an epoch resets nothing.",
            found,
            "If the data begins anew with each epoch, give fit callbacks=[stateviz.ResetStates()].",
        )


def _another_phase_moved_the_state(layer: LayerRecording, _: Sequence[Event]) -> Iterator[Finding]:
    found = _places(
        layer,
        lambda batch, source: (
            batch.origin in ("carried", "altered")
            and source is not None
            and batch.phase != "validation"
            and source.phase != batch.phase
            and not _trained_on(batch, source)
        ),
    )
    if found:
        batch = layer.batches[found[0]]
        assert batch.came_from is not None
        source = layer.batches[batch.came_from]
        yield Finding(
            layer.name,
            "one phase went on where another had ended",
            f"{_times(found)} a phase began with the state that another had left, first "
            f"{batch.phase!r} with that of {source.phase!r}.",
            found,
            "Call stateviz.reset_state(model) between them, unless the one is meant to continue "
            "the other.",
        )


def _a_state_came_from_outside(layer: LayerRecording, _: Sequence[Event]) -> Iterator[Finding]:
    found = _places(layer, lambda batch, source: batch.origin == "altered" and source is None)
    if found:
        yield Finding(
            layer.name,
            "a state came from outside the recording",
            f"{_times(found)} a batch began with a state that no recorded batch had left: it was "
            f"assigned, or the layer ran unrecorded.",
            found,
            "Open the record block before the layer first runs, or call "
            "stateviz.reset_state(model) in it.",
        )


def _one_row_was_repeated(layer: LayerRecording, events: Sequence[Event]) -> Iterator[Finding]:
    found = [
        event for event in events if event.kind == "one row repeated" and event.layer == layer.name
    ]
    if found:
        rows = found[0].batch_size
        places = tuple(event.record for event in found if event.record is not None)
        yield Finding(
            layer.name,
            "one row was repeated",
            f"{_times(found)} a batch had one row, and Keras repeated it to fill the {rows} rows "
            f"of the state.",
            places,
            f"Give a multiple of {rows} samples, or read the rest with "
            f"stateviz.twin(model, batch_size=1).",
        )


def _a_state_is_not_finite(layer: LayerRecording, _: Sequence[Event]) -> Iterator[Finding]:
    found = tuple(
        place
        for place, batch in enumerate(layer.batches)
        if not all(np.isfinite(state.after).all() for state in batch.states[:2])
    )
    if found:
        yield Finding(
            layer.name,
            "a state is not finite",
            f"From batch {found[0]} of the recording on the state holds NaN or infinity.",
            found,
            "Look at the inputs and weights of that batch; a lower learning rate or clipnorm may "
            "help.",
        )


_LOOKS: tuple[Callable[[LayerRecording, Sequence[Event]], Iterator[Finding]], ...] = (
    _validation_altered_the_training_state,
    _an_epoch_began_with_the_end_of_the_last,
    _another_phase_moved_the_state,
    _a_state_came_from_outside,
    _one_row_was_repeated,
    _a_state_is_not_finite,
)


def _places(
    layer: LayerRecording, odd: Callable[[BatchRecord, BatchRecord | None], bool]
) -> tuple[int, ...]:
    """The batches of which `odd(batch, the batch that its state came from)` is true."""
    return tuple(
        place
        for place, batch in enumerate(layer.batches)
        if odd(batch, None if batch.came_from is None else layer.batches[batch.came_from])
    )


def _trained_on(batch: BatchRecord, source: BatchRecord) -> bool:
    """Whether training began with what validation had left."""
    return batch.phase in ("fit", "train_on_batch") and source.phase == "validation"


def _times(places: Sequence[object]) -> str:
    return "Once," if len(places) == 1 else f"{len(places)} times"
