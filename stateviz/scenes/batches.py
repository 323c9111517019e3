"""The scene of all samples of a batch as lanes, batch after batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text

from stateviz.drawing import lanes
from stateviz.drawing.minus import MinusSigns, draw_minus_signs
from stateviz.drawing.rows import Rows, draw_rows, rows_read, said_of_rows
from stateviz.drawing.sample import INPUT_MAP, STATE_MAP, name_state
from stateviz.drawing.weights import WEIGHTS_INCHES, Weights, steps_are_known
from stateviz.playing.moving import Declared, Fill, Slide, Told, standing_still
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene, nothing
from stateviz.recording import BatchRecord, LayerRecording, Recording, StateName
from stateviz.scenes.beats import Beats
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
from stateviz.scenes.flow import Flow, parts_of_columns
from stateviz.scenes.furniture import (
    FONT,
    LEFT,
    OVER_LANES,
    RIGHT,
    UNDER_LANES,
    WIDTH,
    Rooms,
    draw_scale_at,
    grown_signs,
    headline,
)
from stateviz.scenes.naming import began, told_apart
from stateviz.scenes.ways import Way, ways_of

_LANES_IN_READOUT = 4
_INPUTS, _STATES = 0.8, 1.5  # the least heights of the lanes, in inches
_HEADLINE = 54  # letters: beside it stands the way back to the whole run
_OVER_INPUTS = 0.14  # inches, into which the row of the first lane reaches


def play_batches(
    recording: Recording,
    *,
    layer: str | None = None,
    batches: Sequence[int] | None = None,
    state: StateName | None = None,
    unit: int = 0,
    data: np.ndarray | None = None,
    interval_ms: int | None = None,
) -> Player:
    """Plays batch after batch with all samples as lanes, which run side by side and never meet.

    The state of all lanes is one framed column, which moves through the timesteps. Between two
    batches it is seen what becomes of it: it is carried over, dropped, stopped at a gate and
    zeroed, replaced by an `initial_state`, or altered. With `data` each lane says which row of the
    data it reads, so that a shuffle is seen: it puts other rows into the lanes than the order of
    the data does.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.
        batches: The places in `LayerRecording.batches` to play, 0-based; where None, as many of
            the first ones as can be told apart, and the reader can choose later ones.
        state: "hidden" or "cell"; where None the cell state, if the layer has one.
        unit: The unit among those that were kept, 0-based.
        data: What the layer's sequences were taken from, shape (rows, timesteps, features).
        interval_ms: How long a timestep stands, in milliseconds; where None, so that a short run
            lasts for some seconds and a long one is over within a minute.

    Returns:
        A `Player` with a stop for each initial state and each timestep, a mark at each batch, and
        motion before each batch.

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
        recording,
        of,
        windows[window],
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
    recording: Recording,
    layer: LayerRecording,
    places: Sequence[int],
    state: StateName,
    unit: int,
    *,
    rows: Sequence[Rows] | None = None,
    title: str | None = None,
    options: dict[str, list[str]],
    chosen: dict[str, int],
) -> Scene:
    """The scene of some batches of one layer.

    Args:
        recording: The recording that the layer is from.
        layer: The layer.
        places: The places of the batches in the layer, 0-based.
        state: "hidden" or "cell".
        unit: The unit, 0-based.
        rows: The rows of the data that each batch reads, or None.
        title: What is shown; how many lanes and batches where None.
        options: What can be chosen, and the label of each option.
        chosen: The option of each choice that is shown.
    """
    ways = ways_of(recording, layer, places, with_givers=rows is None)
    picture = _Picture(ways, state, unit, rows, title, steps_known=layer.steps_known)
    records = picture.records
    beats = picture.beats
    images = picture.images
    return Scene(
        picture.figure,
        nothing,
        beats.n_frames,
        describe=picture.describe,
        hover=dict.fromkeys(images, f"{lanes.lane_word(records)} {{y}}: {{value:.2f}}"),
        rows=dict.fromkeys(images, lanes.lane_names(records)),
        lanes=images,
        scales={
            image: scales.tolist() for image, scales in zip(images, picture.scales, strict=True)
        },
        marks=beats.marks([way.name for way in picture.ways]),
        title=picture.title,
        options=options,
        chosen=chosen,
        parts=picture.parts(),
        stops=beats.stops,
        pace=beats.pace,
    )


class _Picture:
    """The lanes of one unit's state, and over them those of the inputs, where they were kept."""

    def __init__(
        self,
        ways: Sequence[Way],
        state: StateName,
        unit: int,
        rows: Sequence[Rows] | None,
        title: str | None,
        *,
        steps_known: bool,
    ) -> None:
        self.ways, self.rows = ways, rows
        records = self.records = [way.record for way in ways]
        self.beats = Beats(lanes.lay_out(records))
        self.symbol, name = name_state(state)
        has_inputs = all(record.inputs is not None for record in records)
        trains = steps_known and steps_are_known(records) and len({r.layer for r in records}) == 1
        numbered = lanes.height_for_numbers(self.beats.layout, (RIGHT - LEFT) * WIDTH)
        inputs, states = max(_INPUTS, numbered), max(_STATES, numbered)
        rooms = _rooms(inputs if has_inputs else 0, states, trains=trains)
        self.figure = Figure(figsize=(WIDTH, rooms.height), dpi=100)
        self.title = title or _title(records, self.beats.layout.lanes)
        headline(self.figure, self.title, left=LEFT, longest=_HEADLINE)
        self.values = [lanes.state_lanes(records, state, unit)]
        self.scales = [lanes.lane_scales(self.values[0])]
        self.images: list[AxesImage] = []
        self.colored: list[np.ma.MaskedArray] = []
        self.numbers: list[dict[int, list[Text]]] = []
        self.signs: list[MinusSigns] = []
        self.pale: list[AxesImage] = []
        if has_inputs:
            self.values.insert(0, lanes.input_lanes(records, 0))
            self.scales.insert(0, lanes.lane_scales(self.values[0]))
            ax = rooms.axes(self.figure, "inputs")
            words = "x: what each lane reads (feature 0)"
            if rows is not None:
                draw_rows(ax, records, rows)
                words = f"x (feature 0): {said_of_rows(rows)}"
            self._draw_lanes(ax, words, INPUT_MAP, y=1 + _OVER_INPUTS / inputs)
            self._draw_pale(ax)
            lanes.draw_batch_names(ax, records, y=1 + (_OVER_INPUTS + 0.22) / inputs)
        number = unit_names(records[0], state)[unit]
        ax = rooms.axes(self.figure, "states")
        words_over = f"{self.symbol}: the {name} of unit {number}, a lane for each sample"
        self._draw_lanes(ax, words_over, STATE_MAP, y=1 + (OVER_LANES + 0.05) / states)
        if not has_inputs:
            lanes.draw_batch_names(ax, records, y=1 + (0.3 + OVER_LANES) / states)
        lanes.set_batch_axis(ax, records, labelled=True)
        ax.tick_params(axis="x", length=0, pad=72 * (UNDER_LANES + 0.26))
        self.flow = Flow(
            ax,
            self.images[-1],
            self.colored[-1],
            ways,
            self.beats,
            over=OVER_LANES,
            under=UNDER_LANES,
            numbered=bool(self.numbers[-1]),
        )
        self.read = lanes.draw_read(self.images[0].axes) if has_inputs else None
        self.weights = Weights(rooms.axes(self.figure, "weights"), records) if trains else None

    def _draw_lanes(self, ax: Axes, words: str, colors: str, *, y: float) -> None:
        values, scales = self.values[len(self.images)], self.scales[len(self.images)]
        self.colored.append(lanes.scaled(values, scales))
        image = lanes.draw_lanes(ax, self.colored[-1], cmap=colors, column=-1)
        self.images.append(image)
        alike = bool((scales == 1).all())
        draw_scale_at(image, own=not alike)
        words += "" if alike else "; each lane has its own scale"
        reach = image.get_clim()[1]
        self.numbers.append(lanes.draw_numbers(ax, values, self.colored[-1], reach))
        if not self.numbers[-1]:
            self.signs.append(draw_minus_signs(image, self.colored[-1]))
        lanes.set_batch_axis(ax, self.records, labelled=False)
        ax.tick_params(axis="x", length=0)
        ax.spines[:].set_visible(False)
        ax.set_ylabel(lanes.lane_word(self.records), fontsize=FONT)
        lanes.name_lanes(ax, self.records)
        ax.tick_params(labelsize=FONT)
        ax.set_title(words, loc="left", fontsize=FONT, y=y, pad=0, parse_math=False)

    def _draw_pale(self, ax: Axes) -> None:
        """Draws what the lanes will read, before they do."""
        values, shown = self.colored[0], self.images[0]
        self.pale.append(
            ax.imshow(
                np.ma.masked_invalid(values),
                aspect="auto",
                cmap=shown.get_cmap(),
                clim=shown.get_clim(),
                interpolation="nearest",
                alpha=0.28,
                zorder=-1,
            )
        )

    def parts(self) -> list[Declared]:
        """What fills in, and what comes and stays."""
        columns = self.beats.columns()
        fills = [
            Fill(image, [np.ma.masked_invalid(values)], columns)
            for image, values in zip(self.images, self.colored, strict=True)
        ]
        written = [part for texts in self.numbers for part in parts_of_columns(texts, columns)]
        signs = [part for each in self.signs for part in grown_signs(each, columns)]
        still: list[Declared] = [standing_still(self.pale)] if self.pale else []
        return [*still, *fills, *signs, *self.flow.parts(), *written, *self._reading()]

    def _reading(self) -> Iterator[Declared]:
        """What goes along with the state column: where the inputs are read, and the weights."""
        boxes = self.beats.where_read()
        if self.read is not None:
            read = boxes[:, :1]
            edges = np.where(np.isnan(read), np.nan, lanes.edges(self.beats.layout))
            around = np.hstack([read - 0.5, read + 0.5, edges])
            yield Slide(self.read, around)
        weights = self.weights
        if weights is not None:
            yield Slide(weights.reads, boxes)
            beats = [self.beats.at(frame) for frame in range(self.beats.n_frames)]
            keys = [(beat.place, beat.part) for beat in beats]
            yield Told(weights.changing, keys, lambda frame, _: weights.show(*keys[frame]))

    def describe(self, frame: int) -> str:
        """The frame in words and numbers."""
        beat = self.beats.at(frame)
        place, column = beat.place, beat.column
        way = self.ways[place]
        if beat.part is not None:
            return way.said()
        timestep = column - self.beats.layout.starts[place] - 1
        when = f"t = {timestep}" if timestep >= 0 else f"before t = 0: {began(way.record)}"
        now = self.values[-1][:, column].compressed()
        by_lane = ", ".join(f"{value:.2f}" for value in now[:_LANES_IN_READOUT])
        more = ", ..." if len(now) > _LANES_IN_READOUT else ""
        reads = ""
        if self.rows is not None:
            rows = self.rows[place]
            shown = range(min(len(rows.read), _LANES_IN_READOUT))
            reads = f"rows {', '.join(map(rows.name, shown))}{more}   "
        return f"{way.name}   {when}   {reads}{self.symbol} by lane = {by_lane}{more}"


def _title(records: Sequence[BatchRecord], count: int) -> str:
    batches = len(records)
    layers = " and ".join(dict.fromkeys(record.layer for record in records))
    return (
        f"{layers}: {count} {'lane' if count == 1 else 'lanes'}, "
        f"{batches} {'batch' if batches == 1 else 'batches'}"
    )


def _rooms(inputs: float, states: float, *, trains: bool) -> Rooms:
    """Rooms for lanes of some heights, in inches; without inputs where that is 0."""
    rooms = Rooms()
    rooms.add("names", 1.02)
    if inputs:
        rooms.add("inputs", inputs)
        rooms.add("between", 0.4 + OVER_LANES)
    else:
        rooms.add("between", 0.35 + OVER_LANES)
    rooms.add("states", states)
    rooms.add("ways", UNDER_LANES + 0.56)
    if trains:
        rooms.add("weights", WEIGHTS_INCHES)
    rooms.add("below", 0.12)
    return rooms


def windows_of(layer: LayerRecording) -> list[range]:
    """A layer's batches in runs of as many as can be told apart."""
    count, most = len(layer.batches), most_batches(layer)
    return [range(start, min(start + most, count)) for start in range(0, count, most)]


def _said(layer: LayerRecording, windows: Sequence[Sequence[int]]) -> list[str]:
    """The batches of each window in words."""
    names = told_apart(layer.batches)
    ends = [(names[places[0]], names[places[-1]]) for places in windows]
    return [first if first == last else f"{first} to {last}" for first, last in ends]
