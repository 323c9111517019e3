"""`compare`: two recordings on one clock, and where their states differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text

from stateviz.drawing import lanes
from stateviz.drawing.finite import reach_of
from stateviz.drawing.minus import MinusSigns, draw_minus_signs
from stateviz.drawing.sample import STATE_MAP, draw_cursor, name_state
from stateviz.playing.moving import Declared, Fill, Grow, Part, Slide, appearing
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene, nothing
from stateviz.recording import BatchRecord, LayerRecording, Recording, StateName
from stateviz.scenes.beats import Beats
from stateviz.scenes.choosing import (
    batches_of,
    check_place,
    clamp,
    layers_with_batches,
    one_layer,
    state_of,
    unit_names,
)
from stateviz.scenes.flow import Flow, parts_of_columns
from stateviz.scenes.furniture import (
    FONT,
    LEFT,
    OVER_LANES,
    UNDER_LANES,
    WIDTH,
    Rooms,
    draw_scale_at,
    grown_signs,
    headline,
)
from stateviz.scenes.naming import began
from stateviz.scenes.ways import Way, ways_of

_DIFFERENCE_COLOR = "#8a5a00"
# All heights are whole pixels of the still picture: equal lanes then look equal in both panels,
# also where there are more lanes than pixels.
_PIXEL = 1 / 90
_PANEL = 108 * _PIXEL
_WAYS = 57 * _PIXEL  # under the lanes: what leaves or comes, and a word for it


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
    one, other = one_layer(a, layer), one_layer(b, layer)
    _records_of(one, other, batches, names)
    known = _states_of_both(one, other)
    state = known[-1] if state is None else state
    for each in (one, other):
        check_place(
            "unit", unit, len(unit_names(each.batches[0], state_of(each, state))), each.name
        )
    # The layers may have different names in the two, where each has but one.
    both = [name for name in layers_with_batches(a) if name in layers_with_batches(b)]
    pairs = [(a[name], b[name]) for name in both if _is_comparable(a[name], b[name], batches)]
    if one.name not in both:
        pairs = [(one, other)]

    def make(**choice: int) -> Scene:
        return _chosen_scene((a, b), pairs, batches, names, **choice)

    return Player.of(
        make,
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
    places = range(len(batches_of(shorter, None))) if batches is None else batches
    pair = batches_of(one, places), batches_of(other, places)
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
    state = clamp(state, len(known))
    units = unit_names(records[0][0], known[state])
    unit = clamp(unit, len(units))
    both = zip(recordings, layers, strict=True)
    ways = [ways_of(recording, each, places) for recording, each in both]
    picture = _Picture(ways, names, known[state], unit)
    beats = picture.beats
    hover = f"{lanes.lane_word(records[0])} {{y}}: {{value:.2f}}"
    return Scene(
        picture.figure,
        nothing,
        beats.n_frames,
        describe=picture.describe,
        hover=dict.fromkeys(picture.images, hover),
        rows=dict.fromkeys(picture.images, lanes.lane_names(records[0])),
        scales=dict.fromkeys(picture.images, picture.scales.tolist()),
        lanes=picture.images,
        marks=beats.marks(picture.places),
        title=picture.title,
        options={
            "layer": [pair[0].name for pair in pairs],
            "state": [name_state(each)[0] for each in known],
            "unit": units,
        },
        chosen={"layer": layer, "state": state, "unit": unit},
        parts=picture.parts(),
        stops=beats.stops,
        pace=beats.pace,
    )


class _Picture:
    """The lanes of both recordings, one above the other, and how far they are apart."""

    def __init__(
        self,
        ways: Sequence[Sequence[Way]],
        names: tuple[str, str],
        state: StateName,
        unit: int,
    ) -> None:
        self.ways, self.names = ways, names
        one, other = self.pair = [[way.record for way in run] for run in ways]
        self.beats = Beats(lanes.lay_out(one))
        self.places = [way.name for way in ways[0]]
        self.shown = [lanes.state_lanes(records, state, unit) for records in self.pair]
        self.apart = difference(one, other, state)
        self.symbol, full_name = name_state(state)
        rooms = _rooms()
        self.figure = Figure(figsize=(WIDTH, rooms.height), dpi=100)
        number = unit_names(one[0], state)[unit]
        self.title = f"{self.symbol}, the {full_name}, of unit {number}: {names[0]} and {names[1]}"
        headline(self.figure, self.title, left=LEFT)
        self.scales = lanes.lane_scales(*self.shown)
        self.colored = [lanes.scaled(values, self.scales) for values in self.shown]
        reach = reach_of(*self.colored)
        self.images: list[AxesImage] = []
        self.flows: list[Flow] = []
        self.numbers: list[dict[int, list[Text]]] = []
        self.signs: list[MinusSigns] = []
        for row in range(2):
            self._draw_run(rooms.axes(self.figure, str(row)), row, reach)
        self.below = rooms.axes(self.figure, "apart")
        self.below.set_xlim(self.images[0].axes.get_xlim())
        self.line = _draw_difference(self.below, self.apart)
        lanes.set_batch_axis(self.below, one, labelled=True)
        self.below.tick_params(labelsize=FONT)
        self.below.set_title(
            f"how far {self.symbol} is apart", loc="left", fontsize=FONT, pad=6, parse_math=False
        )
        self.first = self.below.text(
            1, 1, "", transform=self.below.transAxes, ha="right", va="bottom", fontsize=FONT
        )
        self.cursor = draw_cursor(self.below, 0)
        apart = np.flatnonzero(self.apart.filled(0) > 0)
        self.parts_at = int(apart[0]) if len(apart) else None

    def _draw_run(self, ax: Axes, row: int, reach: float) -> None:
        records = self.pair[row]
        image = lanes.draw_lanes(ax, self.colored[row], cmap=STATE_MAP, column=-1)
        image.set_clim(-reach, reach)
        self.images.append(image)
        alike = bool((self.scales == 1).all())
        draw_scale_at(image, own=not alike)
        self.numbers.append(lanes.draw_numbers(ax, self.shown[row], self.colored[row], reach))
        if not self.numbers[row]:
            self.signs.append(draw_minus_signs(image, self.colored[row]))
        lanes.set_batch_axis(ax, records, labelled=False)
        ax.tick_params(axis="x", length=0)
        ax.spines[:].set_visible(False)
        if row == 0:
            lanes.draw_batch_names(ax, records, y=1 + (OVER_LANES + 0.25) / _PANEL)
        y = 1 + (OVER_LANES + 0.08) / _PANEL  # what comes in from above stays under it
        ax.set_title(
            self.names[row] + ("" if alike or row else "   (each lane has its own scale)"),
            loc="left",
            fontsize=FONT + 0.5,
            weight="bold",
            y=y,
            pad=0,
            parse_math=False,
        )
        ax.set_ylabel(lanes.lane_word(records), fontsize=FONT)
        lanes.name_lanes(ax, records)
        ax.tick_params(labelsize=FONT)
        self.flows.append(
            Flow(
                ax,
                image,
                self.colored[row],
                self.ways[row],
                self.beats,
                over=OVER_LANES,
                under=UNDER_LANES,
                numbered=bool(self.numbers[row]),
            )
        )

    def parts(self) -> list[Declared]:
        """What fills in or grows, and what comes and stays."""
        columns = self.beats.columns()
        fills: list[Declared] = [
            Fill(image, [np.ma.masked_invalid(values)], columns)
            for image, values in zip(self.images, self.colored, strict=True)
        ]
        y = np.ma.masked_invalid(self.apart).filled(np.nan)
        grown = Grow(self.line, [(np.arange(len(y)), y)], columns)
        flowing = [part for flow in self.flows for part in flow.parts()]
        written = [part for texts in self.numbers for part in parts_of_columns(texts, columns)]
        signs = [part for each in self.signs for part in grown_signs(each, columns)]
        read = Slide(self.cursor, self.beats.where_read())
        return [*fills, *signs, grown, *flowing, *written, self._said(), read]

    def _said(self) -> Part:
        """Where the two part first, said once it is reached."""
        if self.parts_at is None:
            reached = self.beats.n_frames - 1
            self.first.set_text("nowhere: they are the same bit for bit")
        else:
            columns = self.beats.columns()
            reached = next(frame for frame, shown in enumerate(columns) if shown > self.parts_at)
            self.first.set_text(f"first at {self._where(self.parts_at)}")
        return appearing([self.first], reached)

    def _where(self, column: int) -> str:
        starts = self.beats.layout.starts
        place = int(np.searchsorted(starts, column, side="right")) - 1
        timestep = column - starts[place] - 1
        when = f"t = {timestep}" if timestep >= 0 else "the initial state"
        return f"{when} of {self.places[place]}"

    def describe(self, frame: int) -> str:
        """The frame in words and numbers."""
        beat = self.beats.at(frame)
        both = zip(self.names, self.pair, strict=True)
        begins = [f"{name}: {began(records[beat.place])}" for name, records in both]
        if beat.part is not None:
            return "   ".join([f"on the way to {self.places[beat.place]}", *begins])
        timestep = beat.column - self.beats.layout.starts[beat.place] - 1
        words = [f"t = {timestep}"] if timestep >= 0 else ["before t = 0", *begins]
        apart = f"apart by {self.apart[beat.column]:.3f}"
        return "   ".join([self.places[beat.place], *words, apart])


def _rooms() -> Rooms:
    rooms = Rooms()
    rooms.add("names", 125 * _PIXEL)
    rooms.add("0", _PANEL)
    rooms.add("ways", _WAYS)
    rooms.add("between", 55 * _PIXEL)
    rooms.add("1", _PANEL)
    rooms.add("more ways", _WAYS + 30 * _PIXEL)
    rooms.add("apart", 56 * _PIXEL)
    rooms.add("below", 32 * _PIXEL)
    return rooms


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


def _draw_difference(ax: Axes, apart: np.ma.MaskedArray) -> Line2D:
    [line] = ax.plot([], [], color=_DIFFERENCE_COLOR, marker="o", markersize=2.5, linewidth=1.2)
    most = reach_of(apart, least=0) or 1
    ax.set_ylim(-0.05 * most, 1.15 * most)
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    return line


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
