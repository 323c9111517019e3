"""Choosing what to play from a recording: layers, batches, states, and errors in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stateviz.drawing.flat import flat
from stateviz.recording import BatchRecord, LayerRecording, Recording, StateName

# Columns that can be told apart on a projector, and batches with room for what lies between.
_COLUMNS, _MOST_BATCHES = 105, 6


def one_layer(recording: Recording, name: str | None) -> LayerRecording:
    """The layer to play: the named one, or the only one; it has batches."""
    if isinstance(recording, str | Path):
        raise TypeError(
            f"Expected a Recording; got the path {str(recording)!r}. Open it first: "
            f"stateviz.load({str(recording)!r})."
        )
    if not isinstance(recording, Recording):
        raise TypeError(
            f"Expected a Recording; got {type(recording).__name__}. Make one first: "
            f"`with stateviz.record(model) as recording:` around what runs the model."
        )
    if name is not None:
        chosen = recording[name]
    elif len(recording.layers) == 1:
        chosen = recording[recording.layers[0]]
    else:
        raise ValueError(
            f"The recording has {len(recording.layers)} layers: "
            f"{', '.join(map(repr, recording.layers))}. Say which to play, for example "
            f"layer={recording.layers[0]!r}."
        )
    if not chosen.batches:
        run = "Run the model inside the `with stateviz.record(model)` block."
        raise ValueError(
            f"The recording of layer {chosen.name!r} holds no batch, so there is nothing to play. "
            f"{recording.stopped or run}"
        )
    return chosen


def layers_named(recording: Recording, layer: str | Sequence[str] | None) -> tuple[str, ...]:
    """The names of the layers to play; several must have read the same batches."""
    if layer is None or isinstance(layer, str):
        return (one_layer(recording, layer).name,)
    chosen = [one_layer(recording, name) for name in layer]
    if not chosen:
        raise ValueError("`layer` is empty; name at least one layer to play.")
    if len({_batches_read(each) for each in chosen}) > 1:
        raise ValueError(
            f"The layers {[each.name for each in chosen]} cannot be shown together: their batches "
            f"have different numbers of samples or timesteps. Play one of them at a time."
        )
    return tuple(each.name for each in chosen)


def layer_choice(recording: Recording) -> list[tuple[str, ...]]:
    """Each layer alone, then those together that read the same batches."""
    played = [recording[name] for name in recording.layers if recording[name].batches]
    together: dict[object, list[str]] = {}
    for each in played:
        together.setdefault(_batches_read(each), []).append(each.name)
    groups = [tuple(names) for names in together.values() if len(names) > 1]
    return [*((each.name,) for each in played), *groups]


def _batches_read(layer: LayerRecording) -> tuple[object, ...]:
    return tuple((batch.timesteps, *batch.samples.tolist()) for batch in layer.batches)


def clamp(index: int, count: int) -> int:
    """The index, or the last of `count` where there are not so many."""
    return min(index, count - 1)


def check_place(what: str, index: int, count: int, layer: str) -> int:
    """The index, if there is such a place."""
    if not 0 <= index < count:
        raise IndexError(
            f"{what}={index} is out of range: the recording of layer {layer!r} has {count} "
            f"{'batches' if what == 'batch' else what + 's'} here, 0 to {count - 1}."
        )
    return index


def batches_of(layer: LayerRecording, batches: Sequence[int] | None) -> list[BatchRecord]:
    """The batches to play; where None, the first, as many as can be told apart."""
    if batches is None:
        batches = range(min(most_batches(layer), len(layer.batches)))
    if not len(batches):
        raise ValueError("`batches` is empty; name at least one batch to play.")
    for place in batches:
        check_place("batch", place, len(layer.batches), layer.name)
    return [flat(layer.batches[place]) for place in batches]


def most_batches(layer: LayerRecording) -> int:
    """How many batches side by side can be told apart, with a gap in which the state moves."""
    return max(2, min(_MOST_BATCHES, _COLUMNS // (layer.batches[0].timesteps + 1)))


def state_of(layer: LayerRecording, state: StateName | None) -> StateName:
    """The state to play, "hidden" or "cell"; where None, the cell state if there is one."""
    known = layer.batches[0].state_names
    if state is not None and state not in known:
        raise ValueError(f"Layer {layer.name!r} has no state {state!r}; it has {list(known)}.")
    return state or known[-1]


def layers_with_batches(recording: Recording) -> list[str]:
    """The names of the layers that a reader can choose."""
    return [name for name, layer in recording.items() if layer.batches]


def unit_names(batch: BatchRecord, state: StateName) -> list[str]:
    """The numbers of the units of a state that were kept; a ConvLSTM's places are laid out."""
    laid_out = flat(batch)
    return list(map(str, laid_out.unit_numbers_of(laid_out.state(state))))
