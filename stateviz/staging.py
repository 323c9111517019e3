"""What all scenes share: choosing from a recording, and the words on the picture."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stateviz.drawings import states_in
from stateviz.recording import BatchRecord, LayerRecording, Recording

WIDTH = 9.0  # inches, at 100 pixels each
LEFT = 0.075  # of the width, for numbers; names of rows take more
FONT = 10.5
BATCHES_INTERVAL_MS = 120
# Columns that can be told apart on a projector.
_COLUMNS = 120


def one_layer(recording: Recording, name: str | None) -> LayerRecording:
    """The layer to play: the named one, or the only one; it has batches."""
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
        raise ValueError(
            f"The recording of layer {chosen.name!r} holds no batch, so there is nothing to play. "
            f"Run the model inside the `with stateviz.record(model)` block."
        )
    return chosen


def check_place(what: str, index: int, count: int, layer: str) -> int:
    """The index, if there is such a place."""
    if not 0 <= index < count:
        raise IndexError(
            f"{what}={index} is out of range: the recording of layer {layer!r} has {count} "
            f"{'batches' if what == 'batch' else what + 's'} here, 0 to {count - 1}."
        )
    return index


def headline(figure: Figure, text: str, *, left: float) -> None:
    """Writes what the whole figure shows over it."""
    top = 1 - 0.18 / figure.get_figheight()
    figure.text(left, top, text, fontsize=FONT + 1.5, weight="bold", va="center")


def set_name(ax: Axes, text: str, *, y: str = "") -> None:
    """Writes what an axes shows over it."""
    ax.set_title(text, loc="left", fontsize=FONT, pad=4)
    ax.set_ylabel(y, fontsize=FONT - 1)


def batches_of(layer: LayerRecording, batches: Sequence[int] | None) -> list[BatchRecord]:
    """The batches to play; where None, the first, as many as can be told apart."""
    if batches is None:
        fit = max(2, _COLUMNS // (layer.batches[0].timesteps + 3))
        batches = range(min(fit, len(layer.batches)))
    if not len(batches):
        raise ValueError("batches names no batch to play; received an empty sequence.")
    for place in batches:
        check_place("batch", place, len(layer.batches), layer.name)
    return [layer.batches[place].flat for place in batches]


def state_of(layer: LayerRecording, state: str | None) -> str:
    """The state to play, "hidden" or "cell"; where None, the cell state if there is one."""
    known = states_in(layer.batches[0])
    if state is not None and state not in known:
        raise ValueError(f"Layer {layer.name!r} has no state {state!r}; it has {list(known)}.")
    return state or known[-1]


def began(record: BatchRecord) -> str:
    """How a batch's states began, in words."""
    return {"fresh": "fresh zeros", "carried": "carried over", "reset": "reset to zeros"}.get(
        record.origin, record.origin
    )


def in_run(record: BatchRecord) -> str:
    """Where in the run a batch stands, such as "fit, epoch 0, batch 3"."""
    place = [record.phase]
    place += [] if record.epoch is None else [f"epoch {record.epoch}"]
    place += [] if record.batch is None else [f"batch {record.batch}"]
    return ", ".join(place)
