"""The scene of a whole run: where states are kept, zeroed, given or altered."""

from __future__ import annotations

from collections import Counter

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from stateviz.drawing import timeline
from stateviz.drawing.sample import name_state, states_in
from stateviz.playing.player import Player
from stateviz.playing.tracks import Pick, Scene
from stateviz.recording import LayerRecording, Recording
from stateviz.scenes import batches
from stateviz.scenes.choosing import (
    FONT,
    check_place,
    explain_markers,
    one_layer,
    told_apart,
    within,
)

_INTERVAL_MS = 400


def play_resets(
    recording: Recording,
    *,
    layer: str | None = None,
    unit: int | None = None,
    interval_ms: int = _INTERVAL_MS,
) -> Player:
    """Plays a whole run, batch after batch: where states are kept, zeroed, given or altered.

    The line is the size of the state (see `stateviz.timeline.state_size`), or the state of one unit
    in the first sample. A marker at the start of each batch says how its states began, and bands
    name the phases and epochs. A click on a batch opens it as `stateviz.play_batches` plays it.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.
        unit: The unit whose state is the line, 0-based; the size of the state where None.
        interval_ms: How long a frame stands, in milliseconds.

    Returns:
        A `Player` with a frame for each batch that was kept, and a mark at each new phase or epoch.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named.
        KeyError: There is no such layer.
        IndexError: There is no such unit.
    """
    chosen = one_layer(recording, layer)
    played = [name for name in recording.layers if recording[name].batches]
    if unit is not None:
        check_place("unit", unit, chosen.batches[0].flat.hidden_state.shape[2], chosen.name)

    def make(*, layer: int, line: int = 0, open: int = 0, **_: int) -> Scene:
        of = recording[played[layer]]
        units = of.batches[0].flat.hidden_state.shape[2]
        line = within(line, units + 1)
        whole = {"layer": layer, "line": line}
        opened = within(open, len(of.batches) + 1)
        ways = {
            "layer": played,
            "line": ["size of the state", *(f"unit {each}" for each in range(units))],
            "open": ["the whole run", *told_apart(of.batches)],
        }
        if opened:
            record = of.batches[opened - 1].flat
            before = [of.batches[opened - 2].flat] if opened > 1 else []
            return batches.scene(
                [*before, record],
                states_in(record)[-1],
                max(line - 1, 0),
                options=ways,
                chosen=whole | {"open": opened},
            )
        unit = line - 1 if line else None
        return scene(recording, of, unit, options=ways, chosen=whole | {"open": 0})

    return Player.of(
        make,
        interval_ms=interval_ms,
        layer=played.index(chosen.name),
        line=0 if unit is None else unit + 1,
    )


def scene(
    recording: Recording,
    layer: LayerRecording,
    unit: int | None,
    *,
    options: dict[str, list[str]],
    chosen: dict[str, int],
) -> Scene:
    """The scene of all batches of a layer.

    Args:
        recording: The recording that the layer is from.
        layer: The layer.
        unit: The unit whose state is the line, 0-based; the size of the state where None.
        options: What can be chosen, and the label of each option; "open" opens a batch.
        chosen: The option of each choice that is shown.
    """
    records = layer.batches
    places = told_apart(records)
    symbol = name_state(states_in(records[0])[-1])[0]
    figure = Figure(figsize=(9.0, 4.2), dpi=100)
    ax = figure.add_axes((0.075, 0.24, 0.9, 0.55))
    how = "stateful" if layer.stateful else "stateless"
    title = f"{layer.name}: how the states of each batch began ({how} {layer.kind})"
    figure.text(0.075, 0.94, title, fontsize=FONT + 1.5, weight="bold", va="center")
    bands = timeline.draw_phases(ax, layer)
    line = timeline.draw_state_size(ax, layer, last=0, unit=unit)
    timeline.draw_reset_calls(ax, recording, layer)
    markers = timeline.draw_beginnings(ax, layer, last=0, unit=unit)
    ax.set_xlabel("batch", fontsize=FONT)
    words = f"mean size of {symbol}" if unit is None else f"{symbol} of unit {unit}, first sample"
    ax.set_ylabel(words, fontsize=FONT)
    ax.tick_params(labelsize=FONT - 1.5)
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    counts = Counter(batch.origin for batch in records)
    counted = {origin: f"{count} {origin}" for origin, count in counts.items()}
    explain_markers(figure, counted, at=(0.075, 0.03), loc="lower left")
    x, y, ends = timeline.size_line(layer, unit=unit)
    began = {origin: timeline.beginnings(layer, origin, unit=unit) for origin in markers}

    def update(frame: int) -> list[Artist]:
        line.set_data(x[: ends[frame]], y[: ends[frame]])
        for origin, marker in markers.items():
            starts, sizes = began[origin]
            shown = int(np.searchsorted(starts, frame, side="right"))
            marker.set_data(starts[:shown], sizes[:shown])
        # The bands do not move, but belong under the data.
        return [*bands, line, *markers.values()]

    def describe(frame: int) -> str:
        batch = records[frame]
        size = timeline.state_size(batch, unit=unit)
        origin = "carried over" if batch.origin == "carried" else batch.origin
        source = ""
        if batch.came_from is not None and batch.came_from != frame - 1:
            source = f" from {places[batch.came_from]}"
        elif batch.origin == "altered" and batch.came_from is not None:
            source = f" by {places[batch.came_from]}"
        what = f"size of {symbol}" if unit is None else f"{symbol} of unit {unit}"
        return f"{places[frame]}: {origin}{source}   {what} {size[0]:.3f} -> {size[-1]:.3f}"

    new = [0] + [
        place
        for place in range(1, len(records))
        if (records[place].phase, records[place].epoch)
        != (records[place - 1].phase, records[place - 1].epoch)
    ]
    return Scene(
        figure,
        update,
        len(records),
        describe=describe,
        marks=[(place, places[place]) for place in new],
        title=title,
        options=options,
        chosen=chosen,
        picks=[Pick(ax, "open", "x", -1)],
    )
