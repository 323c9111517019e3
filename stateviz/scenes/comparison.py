"""`compare`: two recordings on one clock, and where their states differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stateviz.drawing import lanes, timeline
from stateviz.drawing.sample import STATE_MAP, draw_cursor, name_state
from stateviz.playing.player import Player
from stateviz.recording import BatchRecord, Recording
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
    one_layer,
    set_name,
    state_of,
    told_apart,
)

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
    state: str | None = None,
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
    state = state_of(shorter, state)
    check_place("unit", unit, pair[0][0].hidden_state.shape[2], one.name)
    layout = lanes.lay_out(pair[0])
    symbol, full_name = name_state(state)
    shown = [lanes.state_lanes(records, state, unit) for records in pair]
    apart = difference(*pair, state)

    height = _OVER + 2 * (_PANEL + _GAP) + _BELOW + _UNDER
    figure = Figure(figsize=(WIDTH, height), dpi=100)
    grid = figure.add_gridspec(
        3,
        2,
        width_ratios=[1, 0.018],
        height_ratios=[_PANEL, _PANEL, _BELOW],
        left=LEFT,
        right=0.93,
        top=1 - _OVER / height,
        bottom=_UNDER / height,
        wspace=0.03,
        hspace=3 * _GAP / (2 * _PANEL + _BELOW),
    )
    title = f"{symbol}, the {full_name}, of unit {unit}: {names[0]} and {names[1]}"
    headline(figure, title, left=LEFT)
    explain_handovers(figure, [*pair[0], *pair[1]])
    places = told_apart(pair[0])
    reach = max(float(np.abs(each).max()) for each in shown)
    images, cursors, handovers = [], [], []
    for row, (name, records, values) in enumerate(zip(names, pair, shown, strict=True)):
        ax = figure.add_subplot(grid[row, 0])
        images.append(lanes.draw_lanes(ax, values, cmap=STATE_MAP, column=layout.frames[0]))
        images[-1].set_clim(-reach, reach)
        lanes.set_batch_axis(ax, records, labelled=False)
        lanes.draw_batch_names(ax, records, [began(each) for each in records], placed=row == 0)
        ax.set_title(name, loc="left", fontsize=FONT, pad=NAMES_PAD if row == 0 else 20)
        ax.set_ylabel("lane", fontsize=FONT - 1)
        lanes.draw_batch_frames(ax, records)
        handovers.append(lanes.draw_handovers(ax, records, timeline.MARKERS))
        draw_scale(images[-1], grid[row, 1])
    below = figure.add_subplot(grid[2, 0], xlim=images[0].axes.get_xlim())
    line = _draw_difference(below, apart, column=layout.frames[0])
    lanes.set_batch_axis(below, pair[0], labelled=True)
    set_name(below, f"how far {symbol} is apart: {_where_first(places, layout, apart)}")
    for ax in (*(image.axes for image in images), below):
        ax.tick_params(labelsize=FONT - 1.5)
        cursors.append(draw_cursor(ax, layout.frames[0], on_colors=ax is not below))

    def update(frame: int) -> list[Artist]:
        column = layout.frames[frame]
        for image, values in zip(images, shown, strict=True):
            image.set_data(lanes.until_column(values, column))
        line.set_data(np.arange(column + 1), apart[: column + 1])
        for cursor in cursors:
            cursor.set_xdata([column] * 2)
        for of_one in handovers:
            for place, handover in enumerate(of_one):
                handover.set_visible(place <= layout.batches[frame])
        return [*images, line, *cursors, *handovers[0], *handovers[1]]

    def describe(frame: int) -> str:
        place, column = layout.batches[frame], layout.frames[frame]
        timestep = column - layout.starts[place] - 1
        when = f"t = {timestep}" if timestep >= 0 else "before t = 0"
        begins = [f"{name}: {began(each[place])}" for name, each in zip(names, pair, strict=True)]
        words = [places[place], when, *(begins if timestep < 0 else [])]
        return "   ".join([*words, f"apart by {apart[column]:.3f}"])

    return Player(
        figure,
        update,
        len(layout.frames),
        describe=describe,
        hover=dict.fromkeys(images, "lane {y}: {value:.2f}"),
        marks=[
            (layout.frames.index(start), name)
            for start, name in zip(layout.starts, places, strict=True)
        ],
        interval_ms=interval_ms,
        title=title,
    )


def difference(
    one: Sequence[BatchRecord], other: Sequence[BatchRecord], state: str
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
        initial, after = (
            np.abs(getattr(first, name) - getattr(second, name))
            for name in (f"initial_{state}_state", f"{state}_state")
        )
        apart[start] = initial.max()
        apart[start + 1 : start + 1 + first.timesteps] = after.max(axis=(0, 2))
    return apart


def _draw_difference(ax: Axes, apart: np.ma.MaskedArray, *, column: int) -> Line2D:
    [line] = ax.plot(
        np.arange(column + 1),
        apart[: column + 1],
        color=_DIFFERENCE_COLOR,
        marker="o",
        markersize=2.5,
        linewidth=1.2,
    )
    ax.set_ylim(-0.05 * (apart.max() or 1), 1.15 * (apart.max() or 1))
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
