"""The scene of all samples of a batch as lanes, batch after batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.image import AxesImage

from stateviz.drawing import lanes, timeline
from stateviz.drawing.rows import Rows, draw_rows, rows_read, said_of_rows
from stateviz.drawing.sample import INPUT_MAP, STATE_MAP, draw_cursor, name_state
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from stateviz.recording import BatchRecord, LayerRecording, Recording, StateName
from stateviz.scenes.choosing import (
    batches_of,
    check_place,
    clamp,
    layers_with_batches,
    most_batches,
    one_layer,
    state_of,
    unit_names,
)
from stateviz.scenes.furniture import (
    BATCHES_INTERVAL_MS,
    FONT,
    LEFT,
    NAMES_PAD,
    RIGHT,
    WIDTH,
    draw_scale,
    explain_handovers,
    headline,
    set_name,
)
from stateviz.scenes.naming import began, told_apart

_LANES_IN_READOUT = 4


def play_batches(
    recording: Recording,
    *,
    layer: str | None = None,
    batches: Sequence[int] | None = None,
    state: StateName | None = None,
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
    first = one_layer(recording, layer)
    records = batches_of(first, batches)
    state = state_of(first, state)
    check_place("unit", unit, len(unit_names(records[0], state)), first.name)
    rows = None if data is None else rows_read(first.batches, data)
    # Rows of the data belong to one layer's inputs.
    played = layers_with_batches(recording) if data is None else [first.name]

    def make(**choice: int) -> Scene:
        return _chosen_scene(recording, played, batches, rows, **choice)

    return Player.of(
        make,
        interval_ms=interval_ms,
        layer=played.index(first.name),
        window=0,
        state=first.batches[0].state_names.index(state),
        unit=unit,
    )


def _chosen_scene(
    recording: Recording,
    played: Sequence[str],
    batches: Sequence[int] | None,
    rows: Sequence[Rows] | None,
    *,
    layer: int,
    window: int,
    state: int,
    unit: int,
) -> Scene:
    """The scene of a choice, each 0-based; what is out of range is brought into it."""
    of = recording[played[layer]]
    windows = windows_of(of) if batches is None else [batches]
    window = clamp(window, len(windows))
    known = of.batches[0].state_names
    state = clamp(state, len(known))
    units = unit_names(of.batches[0], known[state])
    unit = clamp(unit, len(units))
    return scene(
        [of.batches[place].flat for place in windows[window]],
        known[state],
        unit,
        rows=None if rows is None else [rows[place] for place in windows[window]],
        options={
            "layer": list(played),
            "window": _said(of, windows),
            "state": [name_state(each)[0] for each in known],
            "unit": units,
        },
        chosen={"layer": layer, "window": window, "state": state, "unit": unit},
    )


def scene(
    records: Sequence[BatchRecord],
    state: StateName,
    unit: int,
    *,
    rows: Sequence[Rows] | None = None,
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
    picture = _Picture(records, state, unit, rows)
    layout = picture.layout
    return Scene(
        picture.figure,
        picture.update,
        len(layout.frames),
        describe=picture.describe,
        hover=dict.fromkeys(picture.images, f"{lanes.lane_word(records)} {{y}}: {{value:.2f}}"),
        rows=dict.fromkeys(picture.images, lanes.lane_names(records)),
        marks=layout.marks(picture.places),
        title=picture.title,
        options=options,
        chosen=chosen,
    )


class _Picture:
    """The lanes of one unit's state, and over them those of the inputs, where they were kept."""

    def __init__(
        self,
        records: Sequence[BatchRecord],
        state: StateName,
        unit: int,
        rows: Sequence[Rows] | None,
    ) -> None:
        self.records, self.rows = records, rows
        self.layout = lanes.lay_out(records)
        self.places = told_apart(records)
        self.symbol, name = name_state(state)
        number = unit_names(records[0], state)[unit]
        panels = [
            (f"{self.symbol}: the {name} of unit {number}, a lane for each sample", STATE_MAP)
        ]
        self.values = [lanes.state_lanes(records, state, unit)]
        if all(record.inputs is not None for record in records):
            panels.insert(0, ("x: what each lane reads (feature 0)", INPUT_MAP))
            self.values.insert(0, lanes.input_lanes(records, 0))
        self.figure, grid = _figure(len(panels))
        self.title = (
            f"{records[0].layer}: {self.layout.lanes} "
            f"{'lane' if self.layout.lanes == 1 else 'lanes'}, "
            f"{len(records)} {'batch' if len(records) == 1 else 'batches'}"
        )
        headline(self.figure, self.title, left=LEFT)
        explain_handovers(self.figure, records)
        self.images: list[AxesImage] = []
        for row, (words, colors) in enumerate(panels):
            ax = self.figure.add_subplot(grid[row, 0])
            self._draw_lanes(ax, words, colors, first=row == 0, last=row == len(panels) - 1)
            draw_scale(self.images[-1], grid[row, 1])
        start = self.layout.frames[0]
        self.cursors = [draw_cursor(image.axes, start, on_colors=True) for image in self.images]
        lanes.draw_batch_frames(self.images[-1].axes, records)
        self.handovers = lanes.draw_handovers(self.images[-1].axes, records, timeline.MARKERS)
        if rows is not None:
            top = self.images[0].axes
            draw_rows(top, records, rows)
            words = f"{panels[0][0]}; {said_of_rows(rows)}"
            top.set_title(words, loc="left", fontsize=FONT, pad=NAMES_PAD)

    def _draw_lanes(self, ax: Axes, words: str, colors: str, *, first: bool, last: bool) -> None:
        values = self.values[len(self.images)]
        self.images.append(lanes.draw_lanes(ax, values, cmap=colors, column=self.layout.frames[0]))
        lanes.set_batch_axis(ax, self.records, labelled=last)
        ax.set_ylabel(lanes.lane_word(self.records), fontsize=FONT - 1)
        lanes.name_lanes(ax, self.records)
        ax.tick_params(labelsize=FONT - 1.5)
        if first:
            lanes.draw_batch_names(ax, self.records, list(map(began, self.records)))
            ax.set_title(words, loc="left", fontsize=FONT, pad=NAMES_PAD)
        else:
            set_name(ax, words, y=lanes.lane_word(self.records))

    def update(self, frame: int) -> list[Artist]:
        """Shows what was read, and the states, up to the column of a frame."""
        column = self.layout.frames[frame]
        for image, shown in zip(self.images, self.values, strict=True):
            image.set_data(lanes.until_column(shown, column))
        for cursor in self.cursors:
            cursor.set_xdata([column] * 2)
        for place, handover in enumerate(self.handovers):
            handover.set_visible(place <= self.layout.batches[frame])
        return [*self.images, *self.cursors, *self.handovers]

    def describe(self, frame: int) -> str:
        """The frame in words and numbers."""
        place, column = self.layout.batches[frame], self.layout.frames[frame]
        timestep = column - self.layout.starts[place] - 1
        began_so = f"before t = 0: {began(self.records[place])}"
        when = f"t = {timestep}" if timestep >= 0 else began_so
        now = self.values[-1][:, column].compressed()
        by_lane = ", ".join(f"{value:.2f}" for value in now[:_LANES_IN_READOUT])
        more = ", ..." if len(now) > _LANES_IN_READOUT else ""
        reads = ""
        if self.rows is not None:
            rows = self.rows[place]
            shown = range(min(len(rows.read), _LANES_IN_READOUT))
            reads = f"rows {', '.join(map(rows.name, shown))}{more}   "
        return f"{self.places[place]}   {when}   {reads}{self.symbol} by lane = {by_lane}{more}"


def _figure(panels: int) -> tuple[Figure, GridSpec]:
    figure = Figure(figsize=(WIDTH, 1.75 + 1.85 * panels), dpi=100)
    grid = figure.add_gridspec(
        panels,
        2,
        width_ratios=[1, 0.018],
        left=LEFT,
        right=RIGHT,
        top=0.75 if panels > 1 else 0.6,
        bottom=0.09,
        wspace=0.03,
        hspace=0.45,
    )
    return figure, grid


def windows_of(layer: LayerRecording) -> list[range]:
    """A layer's batches in runs of as many as can be told apart."""
    count, most = len(layer.batches), most_batches(layer)
    return [range(start, min(start + most, count)) for start in range(0, count, most)]


def _said(layer: LayerRecording, windows: Sequence[Sequence[int]]) -> list[str]:
    """The batches of each window in words."""
    names = told_apart(layer.batches)
    ends = [(names[places[0]], names[places[-1]]) for places in windows]
    return [first if first == last else f"{first} to {last}" for first, last in ends]
