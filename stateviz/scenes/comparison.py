"""`compare`: two recordings on one clock, and where their states differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from stateviz.drawing import lanes, timeline
from stateviz.drawing.finite import reach_of
from stateviz.drawing.sample import STATE_MAP, draw_cursor, name_state
from stateviz.playing.player import Player
from stateviz.recording import BatchRecord, Recording, StateName
from stateviz.scenes.choosing import batches_of, check_place, one_layer, state_of, unit_names
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

_DIFFERENCE_COLOR = "#8a5a00"
# Inches. Panel and gap are whole pixels of the still picture: equal lanes then look equal in both
# panels, also where there are more lanes than pixels.
_PANEL, _GAP, _BELOW = 122 / 90, 63 / 90, 0.68
_OVER, _UNDER = 1.09, 0.51


def compare(
    a: Recording,
    b: Recording,
    *,
    layer: str | None = None,
    names: tuple[str, str] = ("a", "b"),
    batches: Sequence[int] | None = None,
    state: StateName | None = None,
    unit: int = 0,
    interval_ms: int = BATCHES_INTERVAL_MS,
) -> Player:
    """Plays two recordings on one clock, such as a stateless and a stateful run of the same data.

    Both show one unit with a lane for each sample, as `stateviz.play_batches` does. Under them
    stands how far the states of all units and samples are apart, and where they first are.

    Args:
        a, b: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name in both; may be left out where each recording has one layer.
        names: What to call the two.
        batches: The places in `LayerRecording.batches` to play in both, 0-based; where None, as
            many of the first batches as can be told apart.
        state: "hidden" or "cell"; where None, the cell state if there is one.
        unit: The unit among those that were kept, 0-based.
        interval_ms: How long a frame stands, in milliseconds.

    Returns:
        A `Player` with a frame for each initial state and each timestep, and a mark at each batch.

    Raises:
        ValueError: A recording is empty, has several layers and none is named, has no such state,
            or the batches of the two have different shapes.
        KeyError: There is no such layer.
        IndexError: There is no such batch or unit.
    """
    one, other = one_layer(a, layer), one_layer(b, layer)
    shorter = min((one, other), key=lambda each: len(each.batches))
    if batches is None:
        batches = range(len(batches_of(shorter, None)))
    pair = batches_of(one, batches), batches_of(other, batches)
    _check_shapes(*pair, names)
    check_place("unit", unit, len(unit_names(pair[0][0], state_of(shorter, state))), one.name)
    picture = _Picture(pair, names, state_of(shorter, state), unit)
    layout = picture.layout
    return Player(
        picture.figure,
        picture.update,
        len(layout.frames),
        describe=picture.describe,
        hover=dict.fromkeys(picture.images, f"{lanes.lane_word(pair[0])} {{y}}: {{value:.2f}}"),
        marks=layout.marks(picture.places),
        interval_ms=interval_ms,
        title=picture.title,
    )


class _Picture:
    """The lanes of both recordings, one above the other, and how far they are apart."""

    def __init__(
        self,
        pair: tuple[Sequence[BatchRecord], Sequence[BatchRecord]],
        names: tuple[str, str],
        state: StateName,
        unit: int,
    ) -> None:
        self.pair, self.names = pair, names
        self.layout = lanes.lay_out(pair[0])
        self.places = told_apart(pair[0])
        self.shown = [lanes.state_lanes(records, state, unit) for records in pair]
        self.apart = difference(*pair, state)
        self._line = np.ma.masked_invalid(self.apart)
        symbol, full_name = name_state(state)
        self.figure, grid = _figure()
        number = unit_names(pair[0][0], state)[unit]
        self.title = f"{symbol}, the {full_name}, of unit {number}: {names[0]} and {names[1]}"
        headline(self.figure, self.title, left=LEFT)
        explain_handovers(self.figure, [*pair[0], *pair[1]])
        reach = reach_of(*self.shown)
        self.images: list[AxesImage] = []
        self.handovers: list[Line2D] = []
        self._batch_of: list[int] = []  # of each handover
        for row in range(2):
            self._draw_lanes(self.figure.add_subplot(grid[row, 0]), row, reach)
            draw_scale(self.images[row], grid[row, 1])
        axes = [image.axes for image in self.images]
        start = self.layout.frames[0]
        below = self.figure.add_subplot(grid[2, 0], xlim=axes[0].get_xlim())
        self.line = _draw_difference(below, self._line, column=start)
        lanes.set_batch_axis(below, pair[0], labelled=True)
        first = _where_first(self.places, self.layout, self.apart)
        set_name(below, f"how far {symbol} is apart: {first}")
        self.cursors = []
        for ax in (*axes, below):
            ax.tick_params(labelsize=FONT - 1.5)
            self.cursors.append(draw_cursor(ax, start, on_colors=ax is not below))

    def _draw_lanes(self, ax: Axes, row: int, reach: float) -> None:
        records = self.pair[row]
        image = lanes.draw_lanes(ax, self.shown[row], cmap=STATE_MAP, column=self.layout.frames[0])
        image.set_clim(-reach, reach)
        self.images.append(image)
        lanes.set_batch_axis(ax, records, labelled=False)
        lanes.draw_batch_names(ax, records, list(map(began, records)), placed=row == 0)
        pad = NAMES_PAD if row == 0 else 20
        ax.set_title(self.names[row], loc="left", fontsize=FONT, pad=pad)
        ax.set_ylabel(lanes.lane_word(records), fontsize=FONT - 1)
        lanes.name_lanes(ax, records)
        lanes.draw_batch_frames(ax, records)
        handovers = lanes.draw_handovers(ax, records, timeline.MARKERS)
        self.handovers += handovers
        self._batch_of += range(len(handovers))

    def update(self, frame: int) -> list[Artist]:
        """Shows the states of both up to the column of a frame."""
        column = self.layout.frames[frame]
        for image, values in zip(self.images, self.shown, strict=True):
            image.set_data(lanes.until_column(values, column))
        self.line.set_data(np.arange(column + 1), self._line[: column + 1])
        for cursor in self.cursors:
            cursor.set_xdata([column] * 2)
        for place, handover in zip(self._batch_of, self.handovers, strict=True):
            handover.set_visible(place <= self.layout.batches[frame])
        return [*self.images, self.line, *self.cursors, *self.handovers]

    def describe(self, frame: int) -> str:
        """The frame in words and numbers."""
        place, column = self.layout.batches[frame], self.layout.frames[frame]
        timestep = column - self.layout.starts[place] - 1
        if timestep >= 0:
            words = [f"t = {timestep}"]
        else:
            both = zip(self.names, self.pair, strict=True)
            begins = [f"{name}: {began(records[place])}" for name, records in both]
            words = ["before t = 0", *begins]
        return "   ".join([self.places[place], *words, f"apart by {self.apart[column]:.3f}"])


def _figure() -> tuple[Figure, GridSpec]:
    height = _OVER + 2 * (_PANEL + _GAP) + _BELOW + _UNDER
    figure = Figure(figsize=(WIDTH, height), dpi=100)
    grid = figure.add_gridspec(
        3,
        2,
        width_ratios=[1, 0.018],
        height_ratios=[_PANEL, _PANEL, _BELOW],
        left=LEFT,
        right=RIGHT,
        top=1 - _OVER / height,
        bottom=_UNDER / height,
        wspace=0.03,
        hspace=3 * _GAP / (2 * _PANEL + _BELOW),
    )
    return figure, grid


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


def _draw_difference(ax: Axes, apart: np.ma.MaskedArray, *, column: int) -> Line2D:
    [line] = ax.plot(
        np.arange(column + 1),
        apart[: column + 1],
        color=_DIFFERENCE_COLOR,
        marker="o",
        markersize=2.5,
        linewidth=1.2,
    )
    most = reach_of(apart, least=0) or 1
    ax.set_ylim(-0.05 * most, 1.15 * most)
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    return line


def _where_first(places: Sequence[str], layout: lanes.Layout, apart: np.ma.MaskedArray) -> str:
    columns = np.flatnonzero(apart.filled(0) > 0)
    if not len(columns):
        return "nowhere, they are the same bit for bit"
    place = int(np.searchsorted(layout.starts, columns[0], side="right")) - 1
    timestep = columns[0] - layout.starts[place] - 1
    when = f"t = {timestep}" if timestep >= 0 else "the initial state"
    return f"first at {when} of {places[place]}"


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
