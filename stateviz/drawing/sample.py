"""Pictures of a recording: each function takes an axes first and returns what it drew.

All draw one sample of one batch over its timesteps. The initial state stands in a column of its
own, left of timestep 0. `timestep` says how far the sequence has been read: what comes later is
left open; -1 shows the initial state alone, and None the whole sequence.

Black is for text and axes only: the player draws it in the colour of the reader's theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, MaxNLocator

from stateviz.drawing import FONT
from stateviz.drawing.finite import finite, mark_not_finite, mark_spans, reach_of
from stateviz.drawing.minus import NO_SIGNS, MinusSigns, draw_minus_signs
from stateviz.recording import BatchRecord, StateName

_OKABE_ITO = mpl.color_sequences["okabe_ito"]
HIDDEN_COLOR = mpl.colors.to_hex(_OKABE_ITO[5])  # blue
CELL_COLOR = mpl.colors.to_hex(_OKABE_ITO[6])  # vermillion
INPUT_COLOR = mpl.colors.to_hex(_OKABE_ITO[3])  # green
UNREAD_COLOR = (0.5, 0.5, 0.5, 0.22)
STATE_MAP = "RdBu_r"
INPUT_MAP = "PRGn"
_MARKED = 500  # timesteps; a marker is wider than the room of more

_NAMES: dict[StateName, tuple[str, str]] = {
    "hidden": ("h", "hidden state"),
    "cell": ("c", "cell state"),
}


@dataclass(frozen=True)
class StateImages:
    """A heat map of all units: the initial state, the timesteps, and a cover on what is unread."""

    initial: AxesImage
    timesteps: AxesImage
    unread: Rectangle
    initial_signs: MinusSigns = NO_SIGNS
    signs: MinusSigns = NO_SIGNS

    def show_read(self, timestep: int) -> None:
        """Covers what comes after a place in the order of reading."""
        self.signs.show(timestep + 1)
        left, right, *_ = self.unread_boxes()[timestep + 1].tolist()
        self.unread.set_x(left)
        self.unread.set_width(right - left)

    def unread_boxes(self) -> np.ndarray:
        """Left, right, top and bottom of the cover after 0, 1, ... timesteps, shape (any, 4)."""
        extent: Any = self.timesteps.get_extent()
        first, end, bottom, top = extent  # in the order of reading, which may run to the left
        begin = np.linspace(first, end, np.ma.asarray(self.timesteps.get_array()).shape[1] + 1)
        sides = np.sort(np.stack([begin, np.full_like(begin, end)], axis=1), axis=1)
        return np.hstack([sides, np.tile([top, bottom], (len(begin), 1))])


def states_in(batch: BatchRecord) -> tuple[StateName, ...]:
    """Which states the batch has: "hidden", and "cell" where the layer is an LSTM."""
    return batch.state_names


def states_of(batch: BatchRecord, state: StateName, sample: int) -> tuple[np.ndarray, np.ndarray]:
    """One sample's initial state, shape (units,), and states, shape (timesteps, units)."""
    held = batch.state(state)
    return held.initial[sample], held.after[sample]


def trace_of(batch: BatchRecord, state: StateName, sample: int, unit: int) -> np.ndarray:
    """One unit's initial state and its states, shape (timesteps + 1,).

    All nan where the state has no such unit.
    """
    initial, states = states_of(batch, state, sample)
    if unit >= len(initial):
        return np.full(batch.timesteps + 1, np.nan)
    return np.concatenate([initial[[unit]], states[:, unit]])


def until(states: np.ndarray, timestep: int | None) -> np.ma.MaskedArray:
    """The states as (units, timesteps), those after `timestep` left out."""
    shown = np.ma.masked_invalid(states.T.astype(float))
    if timestep is not None:
        shown[:, timestep + 1 :] = np.ma.masked
    return shown


def initial_column(batch: BatchRecord) -> tuple[float, float]:
    """Where the initial state's column begins and ends on the time axis: wide enough to be seen."""
    width = max(1.0, batch.timesteps / 20)
    return -0.5 - 2 * width, -0.5 - width


def initial_place(batch: BatchRecord) -> float:
    """The middle of the initial state's column."""
    return sum(initial_column(batch)) / 2


def set_time_axis(ax: Axes, batch: BatchRecord, *, labelled: bool) -> None:
    """Gives an axes the timesteps of a batch, with a place for the initial state."""
    steps = batch.timesteps
    left, right = initial_column(batch)
    ax.set_xlim(left - 0.6 * (right - left), steps - 0.25)
    round_numbers = MaxNLocator(11, integer=True).tick_values(0, max(steps - 1, 1))
    ticks = [int(tick) for tick in round_numbers if 0 <= tick <= steps - 1]
    ax.xaxis.set_major_locator(FixedLocator([initial_place(batch), *ticks]))
    named = [data_timestep(batch, tick) for tick in ticks]
    ax.set_xticklabels(["initial", *map(str, named)] if labelled else [])
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    if labelled:
        ax.set_xlabel(
            "timestep t" + (" of the data, read backwards" * batch.go_backwards), fontsize=FONT
        )


def set_data_axis(ax: Axes, batches: Sequence[BatchRecord], *, labelled: bool) -> None:
    """Gives an axes the timesteps of the data, as several layers read them forth or back."""
    steps = batches[0].timesteps
    left, right = initial_column(batches[0])
    edges = {}
    for batch in batches:
        place = initial_place(batch)
        if batch.go_backwards:
            edges[steps - 1 - place] = "initial ←"
        else:
            edges[place] = "initial"
    room = 1.6 * (right - left)
    ax.set_xlim(min(-0.25, *edges) - room / 2, max(steps - 0.75, *edges) + room / 2)
    round_numbers = MaxNLocator(11, integer=True).tick_values(0, max(steps - 1, 1))
    ticks = [int(tick) for tick in round_numbers if 0 <= tick <= steps - 1]
    ax.xaxis.set_major_locator(FixedLocator([*edges, *ticks]))
    ax.set_xticklabels([*edges.values(), *map(str, ticks)] if labelled else [])
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    if labelled:
        ax.set_xlabel("timestep t of the data", fontsize=FONT)


def data_timestep(batch: BatchRecord, place: int) -> int:
    """The timestep of the data that the layer read at a place, both 0-based."""
    return batch.timesteps - 1 - place if batch.go_backwards else place


def draw_input(ax: Axes, batch: BatchRecord, *, sample: int) -> list[Line2D]:
    """Draws what the layer read: one line a feature, and the masked timesteps hatched."""
    if batch.inputs is None:
        ax.text(
            0.5,
            0.5,
            "the inputs were not recorded (inputs=False)",
            ha="center",
            va="center",
            transform=ax.transAxes,
        )
        ax.set_yticks([])
        return []
    inputs = batch.inputs[sample]
    alone = inputs.shape[1] == 1
    mark_spans(ax, inputs, starts=np.arange(len(inputs)) - 0.5, width=1)
    lines = ax.plot(
        finite(inputs),
        color=INPUT_COLOR,
        marker=_marker("o", inputs) if alone else None,
        markersize=3.5,
        linewidth=1.2,
    )
    if not alone:
        for line, shade in zip(lines, np.linspace(0.3, 1, len(lines)), strict=True):
            line.set_alpha(shade)
    ax.yaxis.set_major_locator(MaxNLocator(3))
    ax.margins(y=0.15)
    draw_masked(ax, batch, sample=sample)
    return lines


def _marker(marker: str, values: np.ndarray) -> str | None:
    """No marker where they would run into one band, unless a value could stand alone."""
    return None if len(values) > _MARKED and np.isfinite(values).all() else marker


def draw_masked(
    ax: Axes, batch: BatchRecord, *, sample: int, by_data: bool = False
) -> list[Artist]:
    """Hatches the timesteps that the mask leaves out; the state is held there."""
    if batch.mask is None:
        return []
    places = np.flatnonzero(~batch.mask[sample])
    return [
        ax.axvspan(
            t - 0.5, t + 0.5, facecolor="none", edgecolor="#808080", hatch="///", linewidth=0
        )
        for t in (mirrored(batch, places) if by_data else places)
    ]


def draw_held(ax: Axes, batch: BatchRecord, *, sample: int) -> list[Text]:
    """Hatches the masked timesteps, and says at each run of them that the state is held."""
    draw_masked(ax, batch, sample=sample)
    if batch.mask is None:
        return []
    masked = np.flatnonzero(~batch.mask[sample])
    runs = np.split(masked, np.flatnonzero(np.diff(masked) > 1) + 1) if len(masked) else []
    return [
        ax.text(
            float(run.mean()),
            0.04,
            "held",
            transform=ax.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=FONT,
            weight="bold",
        )
        for run in runs
    ]


def mirrored(batch: BatchRecord, places: np.ndarray) -> np.ndarray:
    """Places in the order of reading as timesteps of the data, for a layer that reads backwards."""
    turned: np.ndarray = batch.timesteps - 1 - places
    return turned


def draw_state(
    ax: Axes,
    batch: BatchRecord,
    state: StateName,
    *,
    sample: int,
    timestep: int | None = None,
    by_data: bool = False,
) -> StateImages:
    """Draws "hidden" or "cell" state of all units as a heat map, a row a unit.

    The colours are symmetric about zero, at the largest value that this sample reaches. The time
    axis follows the order of reading; with `by_data` a layer that reads backwards begins on the
    right.
    """
    initial, states = states_of(batch, state, sample)
    units, steps = len(initial), batch.timesteps
    reach = reach_of(states, initial)
    look: dict[str, Any] = {
        "aspect": "auto",
        "cmap": STATE_MAP,
        "norm": Normalize(-reach, reach),
        "interpolation": "nearest",
        "origin": "upper",
    }
    rows = (units - 0.5, -0.5)
    edges = np.array([*initial_column(batch), -0.5, steps - 0.5])
    left, right, first, end = mirrored(batch, edges) if by_data else edges
    column = ax.imshow(until(initial[np.newaxis], None), extent=(left, right, *rows), **look)
    image = ax.imshow(until(states, timestep), extent=(first, end, *rows), **look)
    outline = Rectangle((left, -0.5), right - left, units, facecolor="none", edgecolor="black")
    ax.add_patch(outline)
    unread = Rectangle((0, -0.5), 0, units, facecolor=UNREAD_COLOR, edgecolor="none")
    ax.add_patch(unread)
    ax.set_ylim(*rows)
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    _number_units(ax, batch)
    draw_masked(ax, batch, sample=sample, by_data=by_data)
    mark_not_finite(ax, states.T, extent=(first, end))
    mark_not_finite(ax, initial[:, np.newaxis], extent=(left, right))
    initial_signs = draw_minus_signs(column, np.ma.masked_invalid(initial[:, np.newaxis]))
    signs = draw_minus_signs(image, np.ma.masked_invalid(states.T))
    images = StateImages(column, image, unread, initial_signs, signs)
    images.show_read(steps - 1 if timestep is None else timestep)
    return images


def _number_units(ax: Axes, batch: BatchRecord) -> None:
    """Writes the numbers of the kept units beside their rows."""
    if batch.units is not None:
        named = dict(enumerate(map(str, batch.units)))
        ax.yaxis.set_major_formatter(lambda row, _: named.get(int(row), ""))


def draw_unit(
    ax: Axes,
    batch: BatchRecord,
    *,
    sample: int,
    unit: int,
    timestep: int | None = None,
    all_units: bool = False,
) -> dict[StateName, Line2D]:
    """Draws one unit's h and c as lines that begin at the initial state, by "hidden" and "cell".

    The value axis has room for this unit, or with `all_units` for every unit of the sample.
    """
    looks: dict[StateName, dict[str, Any]] = {
        "hidden": {"color": HIDDEN_COLOR, "linestyle": "-", "marker": "o"},
        "cell": {"color": CELL_COLOR, "linestyle": "--", "marker": "s"},
    }
    time = time_of(batch)
    traces = {state: trace_of(batch, state, sample, unit) for state in batch.state_names}
    shown = len(time) if timestep is None else timestep + 2
    lines: dict[StateName, Line2D] = {}
    for state, values in traces.items():
        look = {**looks[state], "marker": _marker(looks[state]["marker"], values)}
        [lines[state]] = ax.plot(
            time[:shown], finite(values[:shown]), markersize=3.5, linewidth=1.6, **look
        )
    shown_values = list(traces.values())
    if all_units:
        both = [states_of(batch, state, sample) for state in traces]
        shown_values = [part.ravel() for initial_and_after in both for part in initial_and_after]
    values = np.concatenate([[0.0], *shown_values])
    values = values[np.isfinite(values)]
    room = 0.12 * (np.ptp(values) or 1.0)
    ax.set_ylim(values.min() - room, values.max() + room)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.axhline(0, color="#808080", linewidth=0.8, zorder=0)
    return lines


def time_of(batch: BatchRecord) -> np.ndarray:
    """Where the initial state and each timestep stand on the time axis, shape (timesteps + 1,)."""
    return np.concatenate([[initial_place(batch)], np.arange(batch.timesteps)])


def draw_origin(ax: Axes, batch: BatchRecord, *, sample: int) -> Text:
    """Says over a sample's initial state how it came about, in the room left of timestep 0."""
    words = {"fresh": "fresh\nzeros", "reset": "reset\nto zeros", "carried": "carried\nover"}
    origin = str(batch.origins[sample])
    return ax.text(
        initial_place(batch),
        0.5,
        words.get(origin, origin),
        transform=ax.get_xaxis_transform(),
        ha="center",
        va="center",
        fontsize=FONT,
        weight="bold",
    )


def point_to_unit(ax: Axes, batch: BatchRecord, *, unit: int) -> Line2D:
    """Marks one unit's row, in the gap between the initial state and timestep 0."""
    middle_of_gap = (initial_column(batch)[1] - 0.5) / 2
    [pointer] = ax.plot(middle_of_gap, unit, marker=">", color="black", markersize=6, clip_on=False)
    return pointer


def draw_cursor(ax: Axes, at: float) -> Line2D:
    """Marks the timestep that is being read."""
    return ax.axvline(at, color="black", linewidth=1.4, alpha=0.8)


def name_state(state: StateName) -> tuple[str, str]:
    """The symbol and the name of "hidden" or "cell"."""
    return _NAMES[state]
