"""The scene of all samples of a batch as lanes, batch after batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from stateviz.drawing import lanes, write
from stateviz.drawing.rows import Rows, draw_rows, rows_read, said_of_rows
from stateviz.drawing.sample import name_state
from stateviz.playing.artists import OneRow
from stateviz.playing.moving import Appear, Declared, Fill
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from stateviz.playing.theme import INK_MAP
from stateviz.recording import BatchRecord, LayerRecording, Recording, StateName
from stateviz.scenes import choosing
from stateviz.scenes.naming import began, in_run, told_apart
from stateviz.scenes.panel import NAMES, LanePanel, lanes_axes, room_around
from stateviz.scenes.timing import Timing
from stateviz.scenes.transitions import Transition, transitions_of

_LANES_IN_READOUT = 4
_INPUTS, _BARS = 52.0, 36.0  # pixels of CSS: the room of the inputs, and their height


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
    first = choosing.one_layer(recording, layer)
    records = choosing.batches_of(first, batches)
    state = choosing.state_of(first, state)
    choosing.check_place("unit", unit, len(choosing.unit_names(records[0], state)), first.name)
    rows = None if data is None else rows_read(first.batches, data)
    # Rows of the data belong to one layer's inputs.
    played = choosing.layers_with_batches(recording) if data is None else [first.name]
    return Player(
        partial(_chosen_scene, recording, played, batches, rows),
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
    window = choosing.clamp(window, len(windows))
    known = of.batches[0].state_names
    state = choosing.clamp(state, len(known))
    units = choosing.unit_names(of.batches[0], known[state])
    unit = choosing.clamp(unit, len(units))
    most = max(len(batch.samples) for batch in of.batches)
    return scene(
        recording,
        of,
        windows[window],
        known[state],
        unit,
        rows=None if rows is None else [rows[place] for place in windows[window]],
        sentence=f"{{state}} of unit {{unit}} in {said_lanes(most)} · {{layer}}"
        + " · {window}" * (len(windows) > 1)
        + ("" if rows is None else f" · {said_of_rows([rows[at] for at in windows[window]])}"),
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
    sentence: str | None = None,
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
        title: What is shown; which unit and how many lanes where None.
        sentence: The same, with what can be chosen; see `Scene`.
        options: What can be chosen, and the label of each option.
        chosen: The option of each choice that is shown.
    """
    transitions = transitions_of(recording, layer, places, with_givers=rows is None)
    picture = _Picture(transitions, state, unit, rows)
    records, timing, image = picture.records, picture.timing, picture.image
    return Scene(
        picture.figure,
        timing.n_frames,
        describe=picture.describe,
        hover={image: f"{lanes.lane_word(records)} {{y}}: {{value:.2f}}"},
        rows={image: lanes.lane_names(records)},
        lanes=[image, picture.panel.bridge],
        scales={image: picture.scales.tolist()},
        marks=timing.marks(picture.transitions),
        title=title or picture.title,
        sentence=sentence or title or picture.title,
        options=options,
        chosen=chosen,
        parts=picture.parts(),
        stops=timing.stops,
        pace=timing.pace,
    )


class _Picture:
    """The lanes of one unit's state, and over them what one lane reads, where that was kept."""

    def __init__(
        self,
        transitions: Sequence[Transition],
        state: StateName,
        unit: int,
        rows: Sequence[Rows] | None,
    ) -> None:
        self.transitions, self.rows = transitions, rows
        records = self.records = [transition.record for transition in transitions]
        self.timing = Timing(lanes.lay_out(records))
        layout = self.timing.layout
        self.symbol = name_state(state)[0]
        number = choosing.unit_names(records[0], state)[unit]
        self.title = f"{self.symbol} of unit {number} in {_lanes(records, layout.lanes)}"
        self.values = lanes.state_lanes(records, state, unit)
        self.scales = np.ones(layout.lanes)
        if not layout.are_threads:
            self.scales = lanes.lane_scales(self.values)
        shown = lanes.scaled(self.values, self.scales)
        self.inputs = all(record.has_inputs for record in records)
        over, under = room_around(transitions)
        heads = over + (_INPUTS if self.inputs else 0)
        height = NAMES + heads + layout.height + under
        self.figure = Figure(figsize=(lanes.WIDTH / 96, height / 96), dpi=100)
        self.panel = LanePanel(
            self.figure,
            NAMES + heads,
            shown,
            transitions,
            self.timing,
            lanes.limits_in(layout, shown),
            heads=heads,
            has_scale=bool((self.scales == 1).all()),
            numbers=self.values,
        )
        self.image = self.panel.image
        if rows is not None:
            draw_rows(self.panel.ax, records, rows)
        self.bars = self._draw_inputs() if self.inputs else []

    def _draw_inputs(self) -> list[OneRow]:
        """Draws what one lane reads, a bar a timestep; pale where it will be read."""
        layout = self.timing.layout
        ax = lanes_axes(self.figure, NAMES + 18, _BARS, layout, "inputs")
        values = self._inputs()
        bars = []
        for alpha in (0.25, 1.0):
            extent = (-0.5, layout.columns - 0.5, layout.lanes - 0.5, -0.5)
            image = OneRow(ax, INK_MAP, -1.02, 1.02, extent=extent, alpha=alpha, zorder=2 + alpha)
            image.set_data(values)
            bars.append(image)
        x = -0.5 - 12 / layout.column
        write(ax, x, layout.lanes / 2 - 0.5, "x", ha="right", weight="bold")
        return bars

    def parts(self) -> list[Declared]:
        """What fills in, and what comes and stays."""
        parts = self.panel.parts()
        if self.bars:
            pale, read = self.bars
            filled = Fill(read, [self._inputs()], self.timing.columns())
            parts += [Appear([pale]), filled]
        return parts

    def _inputs(self) -> np.ma.MaskedArray:
        """What each lane reads, as a part of its largest value, shape (lanes, columns)."""
        values = np.ma.masked_invalid(lanes.input_lanes(self.records, 0))
        most = np.abs(values).max(axis=1).filled(0)
        return values / np.where(most > 0, most, 1)[:, np.newaxis]

    def describe(self, frame: int) -> str:
        """The frame in words and numbers."""
        moment = self.timing.at(frame)
        place, column = moment.place, moment.column
        transition = self.transitions[place]
        if moment.part is not None:
            return transition.said
        timestep = column - self.timing.layout.starts[place] - 1
        when = f"t = {timestep}" if timestep >= 0 else f"before t = 0: {began(transition.record)}"
        now = self.values[:, column].compressed()
        by_lane = ", ".join(f"{value:.2f}" for value in now[:_LANES_IN_READOUT])
        more = ", ..." if len(now) > _LANES_IN_READOUT else ""
        reads = ""
        if self.rows is not None:
            rows = self.rows[place]
            shown = range(min(len(rows.read), _LANES_IN_READOUT))
            reads = f"rows {', '.join(map(rows.name, shown))}{more}   "
        return f"{transition.name}   {when}   {reads}{self.symbol} by lane = {by_lane}{more}"


def _lanes(records: Sequence[BatchRecord], count: int) -> str:
    layers = " and ".join(dict.fromkeys(record.layer for record in records))
    return f"{said_lanes(count)} · {layers}"


def said_lanes(count: int) -> str:
    """How many lanes, in words."""
    return "1 lane" if count == 1 else f"{count:,} lanes"


def windows_of(layer: LayerRecording) -> list[range]:
    """A layer's batches in runs of as many as can be told apart."""
    count, most = len(layer.batches), choosing.most_batches(layer)
    return [range(start, min(start + most, count)) for start in range(0, count, most)]


def _said(layer: LayerRecording, windows: Sequence[Sequence[int]]) -> list[str]:
    """The batches of each window in words."""
    names = told_apart(layer.batches)
    words = []
    for places in windows:
        first, last = layer.batches[places[0]], layer.batches[places[-1]]
        ends = names[places[0]], names[places[-1]]
        alike = (first.phase, first.epoch) == (last.phase, last.epoch)
        if alike and first.batch is not None and last.batch is not None:
            ends = in_run(first), str(last.batch)
        words.append(ends[0] if first is last else f"{ends[0]} to {ends[1]}")
    return words
