"""What all scenes share: choosing from a recording, and the words on the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from stateviz.drawing import timeline
from stateviz.drawing.lanes import GAP
from stateviz.drawing.sample import states_in
from stateviz.recording import BatchRecord, LayerRecording, Recording

WIDTH = 9.0  # inches, at 100 pixels each
LEFT = 0.075  # of the width, for numbers; names of rows take more
FONT = 10.5
NAMES_PAD = 44  # points, for the lines over a batch that say which it is
SEQUENCE_INTERVAL_MS = 400
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


def layers_named(recording: Recording, layer: str | Sequence[str] | None) -> tuple[str, ...]:
    """The names of the layers to play; several must have read the same batches."""
    if layer is None or isinstance(layer, str):
        return (one_layer(recording, layer).name,)
    chosen = [one_layer(recording, name) for name in layer]
    if not chosen:
        raise ValueError("layer names no layer to play; received an empty sequence.")
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


def within(index: int, count: int) -> int:
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


def headline(figure: Figure, text: str, *, left: float) -> None:
    """Writes what the whole figure shows over it."""
    top = 1 - 0.18 / figure.get_figheight()
    figure.text(left, top, text, fontsize=FONT + 1.5, weight="bold", va="center")


def explain_markers(
    figure: Figure,
    words: Mapping[str, str],
    *,
    at: tuple[float, float],
    loc: Literal["lower left", "center right"],
) -> None:
    """Writes beside the marker of each origin its words, in the order of `timeline.MARKERS`."""
    figure.legend(
        handles=[
            Line2D([], [], linestyle="None", markersize=7, label=words[origin], **look)
            for origin, look in timeline.MARKERS.items()
            if origin in words
        ],
        loc=loc,
        bbox_to_anchor=at,
        ncols=len(words),
        frameon=False,
        fontsize=FONT,
        handletextpad=0.2,
        columnspacing=1.4,
        borderpad=0,
        borderaxespad=0,
    )


def explain_handovers(figure: Figure, records: Sequence[BatchRecord]) -> None:
    """Writes under the headline, on the right, what the markers before the batches mean."""
    words = {record.origin: began(record) for record in records}
    explain_markers(figure, words, at=(0.93, 1 - 0.4 / figure.get_figheight()), loc="center right")


def draw_scale(image: AxesImage, place: SubplotSpec) -> None:
    """Draws the colour scale of an image beside it."""
    figure = image.get_figure(root=True)
    assert figure is not None  # the image stands on an axes
    scale = figure.colorbar(image, cax=figure.add_subplot(place))
    scale.ax.tick_params(labelsize=FONT - 2)
    scale.outline.set_visible(False)


def set_name(ax: Axes, text: str, *, y: str = "") -> None:
    """Writes what an axes shows over it."""
    ax.set_title(text, loc="left", fontsize=FONT, pad=4)
    ax.set_ylabel(y, fontsize=FONT - 1)


def batches_of(layer: LayerRecording, batches: Sequence[int] | None) -> list[BatchRecord]:
    """The batches to play; where None, the first, as many as can be told apart."""
    if batches is None:
        batches = range(min(most_batches(layer), len(layer.batches)))
    if not len(batches):
        raise ValueError("batches names no batch to play; received an empty sequence.")
    for place in batches:
        check_place("batch", place, len(layer.batches), layer.name)
    return [layer.batches[place].flat for place in batches]


def most_batches(layer: LayerRecording) -> int:
    """How many batches side by side can be told apart."""
    return max(2, _COLUMNS // (layer.batches[0].timesteps + 1 + GAP))


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
    """Where in the run a batch stands, such as "fit, epoch 0, batch 3" or "call #2".

    What Keras does not number has its place in `LayerRecording.batches`.
    """
    if record.batch is None:
        return f"{record.phase} #{record.index}"
    epoch = "" if record.epoch is None else f"epoch {record.epoch}, "
    return f"{record.phase}, {epoch}batch {record.batch}"


def told_apart(records: Sequence[BatchRecord]) -> list[str]:
    """Where in the run each batch stands; with its place too where that is said of several."""
    names = [in_run(record) for record in records]
    several = {name for name, count in Counter(names).items() if count > 1}
    return [
        f"{name} (#{record.index})" if name in several else name
        for name, record in zip(names, records, strict=True)
    ]
