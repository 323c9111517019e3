"""Batches side by side, in which each sample has a lane: where they stand, and what they hold.

A batch is a card with its initial state and its timesteps, a column each, and a gap before it, in
which no time passes: there the state column moves (`handover.py`). A lane is a small area chart
around its own zero line; more than `MOST_AREAS` lanes are threads on one axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import ceil
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text

from stateviz.drawing import POINTS, draw_box, write, written
from stateviz.drawing.finite import mark_not_finite, reach_of
from stateviz.playing.artists import Areas, Threads, bold_rows
from stateviz.playing.theme import STATE_MAP, soft
from stateviz.recording import BatchRecord, StateName

MOST_AREAS = 12  # lanes
# In pixels of CSS, at the width for which a picture is made.
WIDTH, LEFT, RIGHT = 760.0, 46.0, 72.0
_GAP, _LEAST_GAP, _GAPS_SHARE = 84.0, 28.0, 0.4
_PITCHES = ((5, 66.0), (8, 38.0), (MOST_AREAS, 27.0))
_THREADS_HEIGHT = 320.0
LETTER = 8.0  # the width of a letter
_ROOM_FOR_BOTH = 22  # letters: a name and the word for how its states began
# Lanes whose largest values differ more than so many times have a scale each.
_ONE_SCALE = 8
_ROUND = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_MOST, _OUTLIERS = 2.5, 98.0  # a few values so much beyond this percentile are cut off


@dataclass(frozen=True)
class Layout:
    """Where the batches stand.

    Attributes:
        starts: The column of each batch's initial state; timestep t is t + 1 columns further.
        timesteps: The number of timesteps of each batch.
        columns: The number of columns in all.
        lanes: The number of lanes, that of the largest batch.
        gap: The number of columns before each batch in which no time passes.
        column: The width of a column, in pixels of CSS.
        pitch: The height of a lane, in pixels of CSS.
        margins: What is left free on the left and on the right, in pixels of CSS.
        width: The width of the picture, in pixels of CSS.
    """

    starts: tuple[int, ...]
    timesteps: tuple[int, ...]
    columns: int
    lanes: int
    gap: int
    column: float
    pitch: float
    margins: tuple[float, float] = (LEFT, RIGHT)
    width: float = WIDTH

    def end(self, place: int) -> int:
        """The first column after a batch."""
        return self.starts[place] + 1 + self.timesteps[place]

    @property
    def are_threads(self) -> bool:
        """Whether the lanes are threads on one axis."""
        return self.lanes > MOST_AREAS

    @property
    def height(self) -> float:
        """The height of all lanes, in pixels of CSS."""
        return self.lanes * self.pitch


def lay_out(
    batches: Sequence[BatchRecord],
    *,
    pitch: float | None = None,
    gap: float = _GAP,
    margins: tuple[float, float] = (LEFT, RIGHT),
    width: float = WIDTH,
) -> Layout:
    """Gives each batch its columns, one after the other, with a gap before each.

    Args:
        batches: The batches.
        pitch: The height of a lane, in pixels of CSS; where None, so that all have enough room.
        gap: The width of a gap, in pixels of CSS, where there is room for it.
        margins: What is left free on the left and on the right, in pixels of CSS.
        width: The width of the picture, in pixels of CSS.
    """
    room = width - sum(margins)
    timesteps = tuple(batch.timesteps for batch in batches)
    filled = sum(timesteps) + len(batches)
    wanted = min(gap, max(min(_LEAST_GAP, gap), _GAPS_SHARE * room / len(batches)))
    between = max(1, ceil(wanted * filled / (room - wanted * len(batches)) - 0.25))
    starts: list[int] = []
    column = 0
    for steps in timesteps:
        starts.append(column + between)
        column += between + steps + 1
    lanes = max(len(batch.samples) for batch in batches)
    own = next((high for most, high in _PITCHES if lanes <= most), _THREADS_HEIGHT / lanes)
    high = own if pitch is None else pitch
    return Layout(
        tuple(starts), timesteps, column, lanes, between, room / column, high, margins, width
    )


def state_lanes(
    batches: Sequence[BatchRecord], state: StateName, unit: int, layout: Layout | None = None
) -> np.ma.MaskedArray:
    """One unit's "hidden" or "cell" state, shape (lanes, columns); gaps are masked."""
    layout = layout or lay_out(batches)
    lanes = _nothing(layout.lanes, layout.columns)
    for start, batch in zip(layout.starts, batches, strict=True):
        rows = len(batch.samples)
        held = batch.state(state)
        lanes[:rows, start] = held.initial[:, unit]
        lanes[:rows, start + 1 : start + 1 + batch.timesteps] = held.after[:, :, unit]
    return lanes


def input_lanes(batches: Sequence[BatchRecord], feature: int) -> np.ma.MaskedArray:
    """One feature of the inputs, shape (lanes, columns); gaps and initial states are masked."""
    layout = lay_out(batches)
    lanes = _nothing(layout.lanes, layout.columns)
    for start, batch in zip(layout.starts, batches, strict=True):
        if batch.inputs is not None:
            columns = slice(start + 1, start + 1 + batch.timesteps)
            lanes[: len(batch.samples), columns] = batch.inputs[:, :, feature]
    return lanes


def _nothing(*shape: int) -> np.ma.MaskedArray:
    """An array in which all is masked; numpy's `masked_all` leaves any number under the mask."""
    return np.ma.array(np.zeros(shape), mask=True)


def lane_scales(*lanes: np.ma.MaskedArray) -> np.ndarray:
    """What to divide each lane by, shape (lanes,), so that a small state is seen beside large ones.

    1 where one scale shows all of them: where the largest values of any two lanes differ little.
    """
    each = [[reach_of(run[lane], least=0) for run in lanes] for lane in range(lanes[0].shape[0])]
    reach = np.array(each).max(axis=1)
    used = reach[reach > 0]
    if not used.size or used.max() <= _ONE_SCALE * used.min():
        return np.ones(len(reach))
    return np.where(reach > 0, reach, 1.0)


def scaled(lanes: np.ma.MaskedArray, scales: np.ndarray) -> np.ma.MaskedArray:
    """Each lane divided by its scale; what is not finite stays what it is."""
    data = np.ma.getdata(lanes) / scales[:, np.newaxis]
    return np.ma.array(data, mask=np.ma.getmaskarray(lanes))


def half_lane(*lanes: np.ma.MaskedArray) -> float:
    """A round number for the height of half a lane: beyond the largest value, or nearly all."""
    sizes = np.abs(np.concatenate([np.ma.masked_invalid(run).compressed() for run in lanes]))
    most = float(sizes.max(initial=0))
    usual = float(np.percentile(sizes, _OUTLIERS)) if sizes.size else 0.0
    reach = usual if usual > 0 and most > _MOST * usual else most
    if reach == 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(reach))
    return next(float(power * number) for number in (*_ROUND, 12) if power * number > reach)


def limits_of(*lanes: np.ma.MaskedArray) -> tuple[float, float]:
    """An axis of values that holds zero and all of them: no thread is cut off."""
    values = np.concatenate([np.ma.masked_invalid(run).compressed() for run in lanes])
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    room = 0.06 * (high - low or 1.0)
    return low - room, high + room


def limits_in(layout: Layout, *lanes: np.ma.MaskedArray) -> tuple[float, float]:
    """The values of both ends of a lane, or of the axis of threads."""
    reach = half_lane(*lanes)
    return limits_of(*lanes) if layout.are_threads else (-reach, reach)


def draw_lanes(
    ax: Axes, lanes: np.ma.MaskedArray, layout: Layout, limits: tuple[float, float]
) -> Areas | Threads:
    """Draws lanes as area charts or as threads, over the whole axes."""
    chart = Threads if layout.are_threads else Areas
    edges = (-0.5, layout.columns - 0.5, layout.lanes - 0.5, -0.5)
    image = chart(ax, STATE_MAP, *limits, extent=edges, zorder=3)
    image.set_data(np.ma.masked_invalid(lanes))
    if isinstance(image, Threads):
        last = layout.end(0) - 1
        image.bold = bold_rows(np.ma.masked_invalid(lanes)[:, last].filled(0))
    shown = lanes.filled(0.0)
    if layout.are_threads:  # a thread has no place where it is not finite: the columns are marked
        shown = np.where(np.isfinite(shown).all(axis=0), 0.0, np.full_like(shown, np.nan))
    mark_not_finite(ax, shown, extent=(-0.5, layout.columns - 0.5))
    return image


def draw_cards(
    ax: Axes, batches: Sequence[BatchRecord], layout: Layout, zero: float
) -> list[Artist]:
    """Draws a card for each batch, and on it the zero lines on which its lanes wait.

    Args:
        ax: The axes of the lanes.
        batches: The batches.
        layout: Where they stand.
        zero: Where zero is on an axis of threads, in lanes.
    """
    drawn: list[Artist] = []
    beyond = 5 / layout.pitch
    for place, batch in enumerate(batches):
        left, right = layout.starts[place] - 0.5, layout.end(place) - 0.5
        rows = layout.lanes if layout.are_threads else len(batch.samples)
        high = rows + 2 * beyond
        look: dict[str, Any] = {"facecolor": soft(0.045), "zorder": 0.2}
        card = draw_box(ax, left, -0.5 - beyond, right - left, high, **look)
        y = np.array([zero]) if layout.are_threads else np.arange(rows)
        x = np.tile([left, right, np.nan], len(y))
        [line] = ax.plot(x, np.repeat(y, 3), color=soft(0.3), linewidth=POINTS, zorder=1)
        drawn += [card, line]
    return drawn


def draw_scale(ax: Axes, layout: Layout, limits: tuple[float, float]) -> None:
    """Draws what half a lane is worth, once, or an axis of threads with zero and round numbers.

    Args:
        ax: The axes of the lanes.
        layout: Where the batches stand.
        limits: The values of both ends.
    """
    x = layout.columns - 0.5 + 8 / layout.column
    tick = 4 / layout.column
    low, high = limits
    if layout.are_threads:
        step = half_lane(np.ma.array([max(high, -low) / 3.3]))
        values = [k * step for k in range(-4, 5) if low <= k * step <= high]
        y = [(high - value) / (high - low) * layout.lanes - 0.5 for value in values]
    else:
        half = 0.5 - 2 / layout.pitch
        values, y = [high, 0.0, -high], [-half, 0.0, half]
        if layout.pitch < 54:  # no room for a number between two
            values, y = [high, -high], [-half, half]
        ax.plot([x, x], [-half, half], color=soft(0.5), linewidth=POINTS, clip_on=False)
    for value, place in zip(values, y, strict=True):
        ax.plot([x, x + tick], [place] * 2, color=soft(0.5), linewidth=POINTS, clip_on=False)
        words = written(value, "+.4g") if value else "0"
        write(ax, x + 1.8 * tick, place, words, color=soft(0.66))


def lane_names(batches: Sequence[BatchRecord]) -> list[str]:
    """The number of the sample in each lane, where it is not the lane's own; else nothing."""
    kept = {tuple(batch.samples.tolist()) for batch in batches}
    in_place = all(each == tuple(range(len(each))) for each in kept)
    return [] if in_place or len(kept) > 1 else list(map(str, *kept))


def lane_word(batches: Sequence[BatchRecord]) -> str:
    """What a lane is called: the sample whose number it has, or a lane."""
    return "sample" if lane_names(batches) else "lane"


def name_lanes(ax: Axes, batches: Sequence[BatchRecord], layout: Layout) -> None:
    """Writes its number before each lane."""
    if layout.are_threads:
        return
    names = lane_names(batches) or list(map(str, range(layout.lanes)))
    x = -12 / (layout.width - sum(layout.margins))  # on the left also where time runs to the left
    for lane, name in enumerate(names):
        look: dict[str, Any] = {"ha": "right", "color": soft(0.66)}
        write(ax, x, lane, name, transform=ax.get_yaxis_transform(), **look)


def draw_batch_names(
    ax: Axes, batches: Sequence[BatchRecord], layout: Layout, *, over: float
) -> list[Text]:
    """Writes over each batch in two lines where in the run it stands, as far as there is room.

    Args:
        ax: The axes of the lanes.
        batches: The batches.
        layout: Where they stand.
        over: How far the lower line is over the lanes, in pixels of CSS.
    """
    phases: list[str] = [""] * len(batches)
    names: list[str] = []
    rooms = [layout.column * (batch.timesteps + 1 + layout.gap) / LETTER for batch in batches]
    is_narrow = min(rooms) < _ROOM_FOR_BOTH
    numbered = list(enumerate(batches))
    runs = _runs_of(batches)
    for _, members in groupby(numbered, lambda each: runs[each[0]]):
        (first, batch), *rest = members
        room = sum(rooms[place] for place, _ in [(first, batch), *rest])
        epoch = "" if batch.epoch is None else f" {batch.epoch}"
        phase = batch.phase or "?"
        whole = phase + (f", epoch{epoch}" if epoch else "")
        numbers = ", batch" if is_narrow and batch.batch is not None else ""
        phases[first] = fitting(room, whole + numbers, whole, phase[:3] + epoch)
    several_layers = len({batch.layer for batch in batches}) > 1
    for place, batch in numbered:
        room = layout.column * (batch.timesteps + 1) / LETTER
        if is_narrow:  # the word for its origin stands before it
            room = min(room, len("batch"))
        if several_layers:
            names.append(fitting(rooms[place], batch.layer, batch.layer[:6]))
        elif batch.batch is None:
            names.append(fitting(room, f"#{batch.index}"))
        else:
            names.append(fitting(room, f"batch {batch.batch}", str(batch.batch)))
    texts = []
    for start, *lines in zip(layout.starts, names, phases, strict=True):
        for row, (words, color) in enumerate(zip(lines, (soft(1), soft(0.66)), strict=True)):
            y = -0.5 - (over + 22 * row) / layout.pitch
            texts.append(write(ax, start - 0.5, y, words, color=color))
    return texts


def _runs_of(batches: Sequence[BatchRecord]) -> list[int]:
    """For each batch the run that it belongs to: a phase, an epoch, or a call that counts anew."""
    runs = [0] * len(batches[:1])
    for before, batch in pairwise(batches):
        same = (before.phase, before.epoch) == (batch.phase, batch.epoch)
        counts_on = before.batch is None or batch.batch is None or before.batch < batch.batch
        runs.append(runs[-1] + (not (same and counts_on)))
    return runs


def fitting(room: float, *words: str) -> str:
    """The first words that are shorter than the room in letters; "" where none are."""
    return next((each for each in words if len(each) < room), "")
