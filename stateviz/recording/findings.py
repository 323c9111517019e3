"""Findings from how the states of batches began, and all findings of a recording.

Each finding is a sentence with its evidence, places in the recording, and a cure in words. It says
only what the recording proves: a look that would need what was not kept finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from stateviz.recording.finding import Finding, Findings, LayerHistory
from stateviz.recording.gradient_findings import FROM_GRADIENTS
from stateviz.recording.input_findings import FROM_INPUTS
from stateviz.recording.layers import LayerRecording
from stateviz.recording.records import BatchRecord, Event, Phase


def findings_of(layers: Sequence[LayerRecording], events: Sequence[Event]) -> Findings:
    """Everything odd, layer by layer; empty where nothing is."""
    histories = [LayerHistory.of(layer, events) for layer in layers]
    looks = (*_LOOKS, *FROM_INPUTS, *FROM_GRADIENTS)
    return Findings(found for each in histories for look in looks for found in look(each))


_TRAINING: tuple[Phase, ...] = ("fit", "train_on_batch")


def _validation_altered_the_training_state(history: LayerHistory) -> Iterator[Finding]:
    found = [event for event in history.batches if _trained_on_validation(history, event)]
    first = found[0].epoch if found else None
    yield from history.report(
        "validation altered the training state",
        found,
        f"training went on with the state that validation had left, first in epoch {first}.",
        "Give fit callbacks=[stateviz.ResetStates()], which resets the state for validation "
        "and puts it back afterwards."
        if history.is_of_keras
        else "Keep the state of training in a variable of its own while validation runs.",
    )


def _trained_on_validation(history: LayerHistory, event: Event) -> bool:
    sources = history.sources(event) if event.phase in _TRAINING else []
    return any(source.phase == "validation" for source in sources)


def _an_epoch_began_with_the_end_of_the_last(history: LayerHistory) -> Iterator[Finding]:
    def went_on(event: Event) -> bool:
        source = history.source(event)
        return (
            (event.phase, event.batch, event.origin) == ("fit", 0, "carried")
            and source is not None
            and (source.phase, source.call) == ("fit", event.call)
            and source.epoch is not None
            and event.epoch == source.epoch + 1
        )

    found = list(filter(went_on, history.batches))
    yield from history.report(
        "an epoch began with the state of the epoch before",
        found,
        "an epoch of fit began with the state at the end of the epoch before: "
        "the end of an epoch resets nothing.",
        "If the data begins anew with each epoch, "
        + (
            "give fit callbacks=[stateviz.ResetStates()]."
            if history.is_of_keras
            else "pass no state to its first batch."
        ),
    )


def _another_phase_moved_the_state(history: LayerHistory) -> Iterator[Finding]:
    """Only where Keras keeps the state: what a caller passes is meant to go on."""

    def moved(event: Event) -> bool:
        source = history.source(event)
        return (
            history.is_of_keras
            and source is not None
            and None not in (event.phase, source.phase)
            and source.phase != event.phase != "validation"
            and event.origin == "carried"
            and not _trained_on_validation(history, event)
        )

    found = list(filter(moved, history.batches))
    if found:
        source = history.source(found[0])
        assert source is not None
        yield from history.report(
            "one phase went on where another had ended",
            found,
            f"a phase began with the state that another had left, first "
            f"{found[0].phase!r} with that of {source.phase!r}.",
            "Call stateviz.reset_state(model) between them, unless the one is meant to continue "
            "the other.",
        )


def _a_state_came_from_outside(history: LayerHistory) -> Iterator[Finding]:
    def came_from_outside(event: Event) -> bool:
        return any(start.origin == "altered" and start.source is None for start in event.starts)

    found = list(filter(came_from_outside, history.batches)) if history.layer.stateful else []
    at_first = bool(found) and found[0] is history.batches[0]
    yield from history.report(
        "a state came from outside the recording",
        found,
        "rows of a batch began with a state that no recorded batch had left: it was assigned, or "
        "the layer ran unrecorded.",
        "Open the record block before the layer first runs, or call stateviz.reset_state(model) in "
        "it."
        if at_first
        else "If no assignment was meant, look for what runs the layer where it is not recorded, "
        "such as a function of your own that was compiled before the block.",
    )


def _one_row_was_repeated(history: LayerHistory) -> Iterator[Finding]:
    found = history.noted("one row repeated")
    if found:
        rows = found[0].batch_size
        yield from history.report(
            "one row was repeated",
            found,
            f"a batch had one row, and Keras repeated it to fill the {rows} rows of the state.",
            f"Give a multiple of {rows} samples, or read the rest with "
            f"stateviz.twin(model, batch_size=1).",
        )


def _a_state_is_not_finite(history: LayerHistory) -> Iterator[Finding]:
    batches = history.layer.batches
    found = [place for place, batch in enumerate(batches) if _first_not_finite(batch) is not None]
    if not found:
        return
    first = batches[found[0]]
    timestep = _first_not_finite(first)
    assert timestep is not None
    where = "before its first timestep" if timestep < 0 else f"at timestep {timestep}"
    read = first.inputs
    if timestep < 0:
        why, cure = "it began so", "Look at what left or gave that state."
    elif read is None:
        why, cure = "what it read was not kept", "Record with inputs=True to see what it read."
    elif not np.isfinite(read[_odd_rows(first, timestep), : timestep + 1].astype(float)).all():
        why = "its input held it already"
        with_what = "keras.layers.Masking" if history.is_of_keras else "a packed sequence"
        cure = f"Mend the data: fill the gaps, or leave those timesteps out with {with_what}."
    else:
        why = "its input was finite up to there"
        clip = "clipnorm" if history.is_of_keras else "clip_grad_norm_"
        cure = f"Look at the weights of that batch; a lower learning rate or {clip} may help."
    yield Finding(
        history.name,
        "a state is not finite",
        f"In {len(found):,} of {len(batches):,} batches the state holds NaN or infinity, first in "
        f"batch {found[0]} of the recording {where}; {why}.",
        tuple(found),
        cure,
    )


def _first_not_finite(batch: BatchRecord) -> int | None:
    """The first timestep after which a state is not finite; -1 before any; None where all are."""
    firsts = []
    for state in batch.states:
        if state.after.dtype.kind != "f":
            continue
        if not np.isfinite(state.initial).all():
            return -1
        axes = tuple(axis for axis in range(state.after.ndim) if axis != 1)
        odd = ~np.isfinite(state.after).all(axis=axes)
        if odd.any():
            firsts.append(int(odd.argmax()))
    return min(firsts, default=None)


def _odd_rows(batch: BatchRecord, timestep: int) -> np.ndarray:
    """Which samples hold a state that is not finite after a timestep, shape (samples,)."""
    odd = np.zeros(len(batch.samples), bool)
    for state in batch.states:
        if state.after.dtype.kind == "f":
            odd |= ~np.isfinite(state.after[:, timestep]).reshape(len(odd), -1).all(axis=1)
    return odd


def _an_episode_went_on(history: LayerHistory) -> Iterator[Finding]:
    yield from history.report(
        "an episode began with the state of another",
        history.noted("episode went on"),
        "a row did not begin from zeros where stateviz.torch.starts says that an episode begins.",
        "Multiply the states that are passed by (1 - starts), a row each, before the module runs.",
    )


_LOOKS: tuple[Callable[[LayerHistory], Iterator[Finding]], ...] = (
    _validation_altered_the_training_state,
    _an_epoch_began_with_the_end_of_the_last,
    _another_phase_moved_the_state,
    _a_state_came_from_outside,
    _one_row_was_repeated,
    _a_state_is_not_finite,
    _an_episode_went_on,
)
