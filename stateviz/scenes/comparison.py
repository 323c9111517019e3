"""`compare`: two recordings on one clock, and where their states differ."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from stateviz.drawing import FONT, HEAD, POINTS, lanes, write
from stateviz.drawing.finite import reach_of
from stateviz.drawing.sample import name_state
from stateviz.playing.artists import OneRow
from stateviz.playing.moving import Appear, Declared, Fill
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from stateviz.playing.theme import INK_MAP, soft
from stateviz.recording import BatchRecord, LayerRecording, Recording, StateName
from stateviz.scenes import choosing
from stateviz.scenes.naming import began
from stateviz.scenes.panel import NAMES, LanePanel, lanes_axes, room_around
from stateviz.scenes.timing import Timing
from stateviz.scenes.transitions import Transition, transitions_of

# Pixels of CSS: a lane, all threads, the name of a run, and the bars under both.
_PITCH, _LANES, _THREADS, _NAME, _APART, _BARS = 27.0, 216.0, 186.0, 22.0, 108.0, 46.0


def compare(
    a: Recording,
    b: Recording,
    *,
    layer: str | None = None,
    names: tuple[str, str] = ("a", "b"),
    batches: Sequence[int] | None = None,
    state: StateName | None = None,
    unit: int = 0,
    interval_ms: int | None = None,
) -> Player:
    """Plays two recordings on one clock, such as a stateless and a stateful run of the same data.

    Both show one unit with a lane for each sample, as `stateviz.play_batches` does, and what
    becomes of the state between two batches. Under them stands how far the states of all units and
    samples are apart, and, once it is reached, where they first are.

    Args:
        a, b: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name in both; may be left out where each recording has one layer.
        names: What to call the two.
        batches: The places in `LayerRecording.batches` to play in both, 0-based; where None, as
            many of the first batches as can be told apart.
        state: "hidden" or "cell"; where None, the cell state if there is one.
        unit: The unit among those that were kept, 0-based.
        interval_ms: How long a timestep stands, in milliseconds; where None, so that a short run
            lasts for some seconds and a long one is over within a minute.

    Returns:
        A `Player` with a stop for each initial state and each timestep, a mark at each batch, and
        motion before each batch.

    Raises:
        ValueError: A recording is empty, has several layers and none is named, has no such state,
            or the batches of the two have different shapes.
        KeyError: There is no such layer.
        IndexError: There is no such batch or unit.
    """
    one, other = choosing.one_layer(a, layer), choosing.one_layer(b, layer)
    _records_of(one, other, batches, names)
    known = _states_of_both(one, other)
    state = known[-1] if state is None else state
    for each in (one, other):
        units = choosing.unit_names(each.batches[0], choosing.state_of(each, state))
        choosing.check_place("unit", unit, len(units), each.name)
    # The layers may have different names in the two, where each has but one.
    others = choosing.layers_with_batches(b)
    both = [name for name in choosing.layers_with_batches(a) if name in others]
    pairs = [(a[name], b[name]) for name in both if _is_comparable(a[name], b[name], batches)]
    if one.name not in both:
        pairs = [(one, other)]
    return Player(
        partial(_chosen_scene, (a, b), pairs, batches, names),
        interval_ms=interval_ms,
        layer=[pair[0].name for pair in pairs].index(one.name),
        state=known.index(state),
        unit=unit,
    )


def _records_of(
    one: LayerRecording,
    other: LayerRecording,
    batches: Sequence[int] | None,
    names: tuple[str, str],
) -> tuple[Sequence[int], tuple[list[BatchRecord], list[BatchRecord]]]:
    """The places of the batches to play, and the batches of both."""
    shorter = min((one, other), key=lambda each: len(each.batches))
    places = range(len(choosing.batches_of(shorter, None))) if batches is None else batches
    pair = choosing.batches_of(one, places), choosing.batches_of(other, places)
    _check_shapes(*pair, names)
    return places, pair


def _is_comparable(
    one: LayerRecording, other: LayerRecording, batches: Sequence[int] | None
) -> bool:
    try:
        _records_of(one, other, batches, ("a", "b"))
    except (ValueError, IndexError):
        return False
    return True


def _states_of_both(one: LayerRecording, other: LayerRecording) -> list[StateName]:
    """The states that both have, such as "hidden" alone for an LSTM and a GRU."""
    others = other.batches[0].state_names
    return [name for name in one.batches[0].state_names if name in others]


def _chosen_scene(
    recordings: tuple[Recording, Recording],
    pairs: Sequence[tuple[LayerRecording, LayerRecording]],
    batches: Sequence[int] | None,
    names: tuple[str, str],
    *,
    layer: int,
    state: int,
    unit: int,
) -> Scene:
    """The scene of a choice, each 0-based; what is out of range is brought into it."""
    layers = pairs[layer]
    places, records = _records_of(*layers, batches, names)
    known = _states_of_both(*layers)
    state = choosing.clamp(state, len(known))
    units = choosing.unit_names(records[0][0], known[state])
    unit = choosing.clamp(unit, len(units))
    both = zip(recordings, layers, strict=True)
    transitions = [transitions_of(recording, each, places) for recording, each in both]
    picture = _Picture(transitions, names, known[state], unit)
    timing = picture.timing
    hover = f"{lanes.lane_word(records[0])} {{y}}: {{value:.2f}}"
    return Scene(
        picture.figure,
        timing.n_frames,
        describe=picture.describe,
        hover=dict.fromkeys(picture.images, hover),
        rows=dict.fromkeys(picture.images, lanes.lane_names(records[0])),
        scales=dict.fromkeys(picture.images, picture.scales.tolist()),
        lanes=[*picture.images, *(panel.bridge for panel in picture.panels)],
        marks=timing.marks(picture.transitions[1]),
        title=picture.title,
        sentence="{state} of unit {unit} · {layer} · " + " above ".join(names),
        options={
            "layer": [pair[0].name for pair in pairs],
            "state": [name_state(each)[0] for each in known],
            "unit": units,
        },
        chosen={"layer": layer, "state": state, "unit": unit},
        parts=picture.parts(),
        stops=timing.stops,
        pace=timing.pace,
    )


class _Picture:
    """The lanes of both recordings, one above the other, and how far they are apart."""

    def __init__(
        self,
        transitions: Sequence[Sequence[Transition]],
        names: tuple[str, str],
        state: StateName,
        unit: int,
    ) -> None:
        self.transitions, self.names = transitions, names
        one, other = self.pair = [[transition.record for transition in run] for run in transitions]
        layout = lanes.lay_out(one)
        high = _THREADS if layout.are_threads else _LANES
        pitch = min(_PITCH, high / layout.lanes)
        layout = lanes.lay_out(one, pitch=pitch)
        self.timing = Timing(layout)
        self.places = [transition.name for transition in transitions[0]]
        self.begins = [
            [f"{name}: {began(record)}" for name, record in zip(names, both, strict=True)]
            for both in zip(*self.pair, strict=True)
        ]
        shown = [lanes.state_lanes(records, state, unit) for records in self.pair]
        self.apart = difference(one, other, state)
        self.symbol = name_state(state)[0]
        number = choosing.unit_names(one[0], state)[unit]
        self.title = f"{self.symbol} of unit {number}: {names[0]} above {names[1]}"
        self.scales = np.ones(layout.lanes)
        if not layout.are_threads:
            self.scales = lanes.lane_scales(*shown)
        self.shown = [lanes.scaled(values, self.scales) for values in shown]
        limits = lanes.limits_in(layout, *self.shown)
        around, tops, below = [room_around(run) for run in transitions], [], 0.0
        for heads, under in around:
            tops.append(below + _NAME + NAMES + heads)
            below = tops[-1] + layout.height + under
        self.figure = Figure(figsize=(lanes.WIDTH / 96, (below + _APART) / 96), dpi=100)
        self.panels = []
        for row, (run, top, (heads, _)) in enumerate(zip(transitions, tops, around, strict=True)):
            scale = row == 0 and bool((self.scales == 1).all())
            drawn = self.shown[row], run, self.timing, limits
            panel = LanePanel(self.figure, top, *drawn, heads=heads, has_scale=scale)
            self.panels.append(panel)
            self._write(top - heads - NAMES - 8, names[row], fontsize=HEAD, weight="bold")
        self.images = [panel.image for panel in self.panels]
        self.bars, self.values = self._draw_apart(below)
        apart = np.flatnonzero(self.apart.filled(0) > 0)
        self.parts_at = int(apart[0]) if len(apart) else None

    def _write(self, y: float, words: str, **style: Any) -> Text:
        at = 0.004, 1 - y / (self.figure.get_figheight() * 96)
        return self.figure.text(*at, words, va="center", parse_math=False, **style)

    def _draw_apart(self, top: float) -> tuple[OneRow, np.ma.MaskedArray]:
        """Draws how far the two are apart, a bar a column, and the largest value of each batch."""
        layout = self.timing.layout
        ax = lanes_axes(self.figure, top + 30, _BARS, layout, "apart")
        self.said: list[Text] = []
        self._write(top + 14, f"how far {self.symbol} is apart, at most", fontsize=FONT)
        values = np.ma.masked_invalid(self.apart)[np.newaxis]
        most = reach_of(values, least=0) or 1
        extent = (-0.5, layout.columns - 0.5, 2 * layout.lanes - 0.5, -0.5)
        bars = OneRow(ax, INK_MAP, -1.02 * most, 1.02 * most, extent=extent, zorder=2)
        bars.set_data(values)
        bottom = layout.lanes - 0.5
        for place, (start, steps) in enumerate(zip(layout.starts, layout.timesteps, strict=True)):
            ends = [start - 0.5, layout.end(place) - 0.5]
            ax.plot(ends, [bottom] * 2, color=soft(0.3), linewidth=POINTS, clip_on=False)
            largest = float(self.apart[start : start + steps + 1].max())
            words = "0, bit for bit" if largest == 0 else f"{largest:.2g}"
            letters = layout.column * (steps + 1 + layout.gap) / lanes.LETTER
            y = bottom + 14 * layout.lanes / _BARS
            words = lanes.fitting(letters, words, "0")
            self.said.append(write(ax, ends[0], y, words))
        return bars, values

    def parts(self) -> list[Declared]:
        """What fills in or grows, and what comes and stays."""
        columns = self.timing.columns()
        parts = [part for panel in self.panels for part in panel.parts()]
        parts.append(Fill(self.bars, [self.values], columns))
        for place, text in enumerate(self.said):
            arrives = self.timing.first[place] + self.timing.motion
            parts.append(Appear([text], arrives + self.timing.layout.timesteps[place]))
        return parts

    def describe(self, frame: int) -> str:
        """The frame in words and numbers."""
        moment = self.timing.at(frame)
        timestep = moment.column - self.timing.layout.starts[moment.place] - 1
        begins = self.begins[moment.place]
        if moment.part is not None:
            return "   ".join([f"on the way to {self.places[moment.place]}", *begins])
        words = [f"t = {timestep}"] if timestep >= 0 else ["before t = 0", *begins]
        apart = f"apart by {self.apart[moment.column]:.3f}"
        return "   ".join([self.places[moment.place], *words, apart, *self._first(frame)])

    def _first(self, frame: int) -> list[str]:
        """Where the two part first, once it is reached."""
        if self.parts_at is None:
            return ["the same bit for bit"] * (frame == self.timing.n_frames - 1)
        reached = self.timing.columns()[frame] > self.parts_at
        return [f"first at {self._where(self.parts_at)}"] * reached

    def _where(self, column: int) -> str:
        starts = self.timing.layout.starts
        place = int(np.searchsorted(starts, column, side="right")) - 1
        timestep = column - starts[place] - 1
        when = f"t = {timestep}" if timestep >= 0 else "the initial state"
        return f"{when} of {self.places[place]}"


def difference(
    one: Sequence[BatchRecord], other: Sequence[BatchRecord], state: StateName
) -> np.ma.MaskedArray:
    """How far two runs' states are apart: the largest distance of any unit of any sample.

    Args:
        one, other: Batches of the same shapes.
        state: "hidden" or "cell".

    Returns:
        For each column of `lanes.lay_out`, shape (columns,); gaps are masked.
    """
    layout = lanes.lay_out(one)
    apart = np.ma.array(np.zeros(layout.columns), mask=True)
    for start, first, second in zip(layout.starts, one, other, strict=True):
        own, others = first.state(state), second.state(state)
        initial, after = _apart(own.initial, others.initial), _apart(own.after, others.after)
        apart[start] = initial.max()
        apart[start + 1 : start + 1 + first.timesteps] = after.max(axis=(0, 2))
    return apart


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How far values are apart; infinitely where one is not finite and they are not the same."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(one - other)
    alike = (one == other) | (np.isnan(one) & np.isnan(other))
    return np.where(alike, 0.0, np.where(np.isnan(apart), np.inf, apart))


def _check_shapes(
    one: Sequence[BatchRecord], other: Sequence[BatchRecord], names: tuple[str, str]
) -> None:
    for first, second in zip(one, other, strict=True):
        if first.hidden_state.shape != second.hidden_state.shape:
            raise ValueError(
                f"Only batches of one shape can be compared: batch {first.index} of {names[0]} has "
                f"{first.hidden_state.shape} (samples, timesteps, units), batch {second.index} of "
                f"{names[1]} has {second.hidden_state.shape}. Choose others with batches=[...]."
            )
