"""The scene of all samples of a batch as lanes, batch after batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from stateviz.drawing import lanes, timeline
from stateviz.drawing.sample import INPUT_MAP, STATE_MAP, draw_cursor, name_state, states_in
from stateviz.playing.player import Player
from stateviz.playing.tracks import Scene
from stateviz.recording import BatchRecord, LayerRecording, Recording
from stateviz.scenes.choosing import (
    BATCHES_INTERVAL_MS,
    FONT,
    LEFT,
    NAMES_PAD,
    WIDTH,
    batches_of,
    began,
    check_place,
    draw_scale,
    explain_handovers,
    headline,
    most_batches,
    one_layer,
    set_name,
    state_of,
    told_apart,
    within,
)

_LANES_IN_READOUT = 4


def play_batches(
    recording: Recording,
    *,
    layer: str | None = None,
    batches: Sequence[int] | None = None,
    state: str | None = None,
    unit: int = 0,
    data: np.ndarray | None = None,
    interval_ms: int = BATCHES_INTERVAL_MS,
) -> Player:
    """Plays batch after batch with all samples as lanes, which run side by side and never meet.

    At the start of a batch each lane shows the state that it begins with: zeros, or what the same
    lane ended with in the batch before. With `data` each lane says which row of the data it reads,
    so that a shuffle is seen: it puts other rows into the lanes than the order of the data does.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.
        batches: The places in `LayerRecording.batches` to play, 0-based; where None, as many of
            the first ones as can be told apart, and the reader can choose later ones.
        state: "hidden" or "cell"; where None the cell state, if the layer has one.
        unit: The unit among those that were kept, 0-based.
        data: What the layer's sequences were taken from, shape (rows, timesteps, features).
        interval_ms: How long a frame stands, in milliseconds.

    Returns:
        A `Player` with a frame for each initial state and each timestep, and a mark at each batch.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named, or no such
            state; or `data` are given and the layer read other ones, or its inputs were not kept.
        KeyError: There is no such layer.
        IndexError: There is no such batch or unit.
    """
    chosen = one_layer(recording, layer)
    records = batches_of(chosen, batches)
    state = state_of(chosen, state)
    check_place("unit", unit, records[0].hidden_state.shape[2], chosen.name)
    played = [name for name in recording.layers if recording[name].batches]
    rows = None if data is None else lanes.rows_read(chosen.batches, data)
    if data is not None:  # they belong to this layer's inputs
        played = [chosen.name]

    def make(*, layer: int, window: int, state: int, unit: int) -> Scene:
        of = recording[played[layer]]
        windows = windows_of(of) if batches is None else [batches]
        window = within(window, len(windows))
        known = states_in(of.batches[0])
        shown = within(state, len(known))
        units = of.batches[0].flat.hidden_state.shape[2]
        unit = within(unit, units)
        options = {
            "layer": played,
            "window": _said(of, windows),
            "state": [name_state(each)[0] for each in known],
            "unit": [str(each) for each in range(units)],
        }
        return scene(
            [of.batches[place].flat for place in windows[window]],
            known[shown],
            unit,
            rows=None if rows is None else [rows[place] for place in windows[window]],
            options=options,
            chosen={"layer": layer, "window": window, "state": shown, "unit": unit},
        )

    return Player.of(
        make,
        interval_ms=interval_ms,
        layer=played.index(chosen.name),
        window=0,
        state=states_in(chosen.batches[0]).index(state),
        unit=unit,
    )


def scene(
    records: Sequence[BatchRecord],
    state: str,
    unit: int,
    *,
    rows: Sequence[lanes.Rows] | None = None,
    options: dict[str, list[str]],
    chosen: dict[str, int],
) -> Scene:
    """The scene of some batches of one layer.

    Args:
        records: The batches, with their units on one axis.
        state: "hidden" or "cell".
        unit: The unit, 0-based.
        rows: The rows of the data that each batch reads, or None.
        options: What can be chosen, and the label of each option.
        chosen: The option of each choice that is shown.
    """
    layout = lanes.lay_out(records)
    symbol, name = name_state(state)
    panels = [(f"{symbol}: the {name} of unit {unit}, a lane for each sample", STATE_MAP)]
    values = [lanes.state_lanes(records, state, unit)]
    if all(record.inputs is not None for record in records):
        panels.insert(0, ("x: what each lane reads (feature 0)", INPUT_MAP))
        values.insert(0, lanes.input_lanes(records, 0))

    figure = Figure(figsize=(WIDTH, 1.75 + 1.85 * len(panels)), dpi=100)
    grid = figure.add_gridspec(
        len(panels),
        2,
        width_ratios=[1, 0.018],
        left=LEFT,
        right=0.93,
        top=0.75 if len(panels) > 1 else 0.6,
        bottom=0.09,
        wspace=0.03,
        hspace=0.45,
    )
    title = (
        f"{records[0].layer}: {layout.lanes} {'lane' if layout.lanes == 1 else 'lanes'}, "
        f"{len(records)} {'batch' if len(records) == 1 else 'batches'}"
    )
    headline(figure, title, left=LEFT)
    explain_handovers(figure, records)
    places = told_apart(records)
    images, cursors = [], []
    for row, ((words, colors), shown) in enumerate(zip(panels, values, strict=True)):
        ax = figure.add_subplot(grid[row, 0])
        images.append(lanes.draw_lanes(ax, shown, cmap=colors, column=layout.frames[0]))
        lanes.set_batch_axis(ax, records, labelled=row == len(panels) - 1)
        ax.set_ylabel("lane", fontsize=FONT - 1)
        ax.tick_params(labelsize=FONT - 1.5)
        draw_scale(images[-1], grid[row, 1])
        if row == 0:
            lanes.draw_batch_names(ax, records, [began(record) for record in records])
            ax.set_title(words, loc="left", fontsize=FONT, pad=NAMES_PAD)
        else:
            set_name(ax, words, y="lane")
        cursors.append(draw_cursor(ax, layout.frames[0], on_colors=True))
    ax = images[-1].axes
    lanes.draw_batch_frames(ax, records)
    handovers = lanes.draw_handovers(ax, records, timeline.MARKERS)
    if rows is not None:
        top = images[0].axes
        lanes.draw_rows(top, records, rows)
        words = f"{panels[0][0]}; {lanes.said_of_rows(rows)}"
        top.set_title(words, loc="left", fontsize=FONT, pad=NAMES_PAD)

    def update(frame: int) -> list[Artist]:
        column = layout.frames[frame]
        for image, shown in zip(images, values, strict=True):
            image.set_data(lanes.until_column(shown, column))
        for cursor in cursors:
            cursor.set_xdata([column] * 2)
        for place, handover in enumerate(handovers):
            handover.set_visible(place <= layout.batches[frame])
        return [*images, *cursors, *handovers]

    def describe(frame: int) -> str:
        place = layout.batches[frame]
        record = records[place]
        timestep = layout.frames[frame] - layout.starts[place] - 1
        when = f"t = {timestep}" if timestep >= 0 else f"before t = 0: {began(record)}"
        now = values[-1][:, layout.frames[frame]].compressed()
        by_lane = ", ".join(f"{value:.2f}" for value in now[:_LANES_IN_READOUT])
        more = ", ..." if len(now) > _LANES_IN_READOUT else ""
        reads = ""
        if rows is not None:
            shown = range(min(len(rows[place].read), _LANES_IN_READOUT))
            reads = f"rows {', '.join(map(rows[place].name, shown))}{more}   "
        return f"{places[place]}   {when}   {reads}{symbol} by lane = {by_lane}{more}"

    return Scene(
        figure,
        update,
        len(layout.frames),
        describe=describe,
        hover=dict.fromkeys(images, "lane {y}: {value:.2f}"),
        marks=[
            (layout.frames.index(start), name)
            for start, name in zip(layout.starts, places, strict=True)
        ],
        title=title,
        options=options,
        chosen=chosen,
    )


def windows_of(layer: LayerRecording) -> list[range]:
    """A layer's batches in runs of as many as can be told apart."""
    count, most = len(layer.batches), most_batches(layer)
    return [range(start, min(start + most, count)) for start in range(0, count, most)]


def _said(layer: LayerRecording, windows: Sequence[Sequence[int]]) -> list[str]:
    """The batches of each window in words."""
    names = told_apart(layer.batches)
    ends = [(names[places[0]], names[places[-1]]) for places in windows]
    return [first if first == last else f"{first} to {last}" for first, last in ends]
