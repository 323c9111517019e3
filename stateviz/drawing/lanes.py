"""Pictures of batches side by side: each sample of a batch has a lane, a row of its own.

A batch takes its initial state and its timesteps, a column each, and a gap before it: there the
state column moves (`handover.py`). Each function takes an axes first and
returns what it drew; `column` is the last column that is shown, and None shows all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from stateviz.drawing import FONT
from stateviz.drawing.finite import mark_not_finite, reach_of
from stateviz.drawing.minus import DARK
from stateviz.recording import BatchRecord, StateName

_LEAST_GAP = 2  # columns before a batch
# Of all columns, the gap before a batch takes this part, and all gaps together no more than that.
_GAP_SHARE, _GAPS_SHARE = 0.075, 0.5
# As many letters of a batch's name stand side by side over the axes of a scene.
_LETTERS = 78
# A timestep has a tick of its own where its column has room for so many letters.
_LETTERS_OF_A_TICK = 4
# Lanes whose largest values differ more than so many times have a scale each.
_ONE_SCALE = 8
# A number is written into a cell of so many inches and more, and into so many lanes at most.
_CELL, _MOST_NUMBERED = (0.37, 0.16), 12
# In a narrower one a number has four signs at most.
_WIDE_CELL = 0.47
_GROUND, _SLOT = (0.5, 0.5, 0.5, 0.14), (0.5, 0.5, 0.5, 0.9)


@dataclass(frozen=True)
class Layout:
    """Where the batches stand.

    Attributes:
        starts: The column of each batch's initial state; timestep t is t + 1 columns further.
        timesteps: The number of timesteps of each batch.
        columns: The number of columns in all.
        lanes: The number of lanes, that of the largest batch.
        gap: The number of columns before each batch in which nothing stands.
    """

    starts: tuple[int, ...]
    timesteps: tuple[int, ...]
    columns: int
    lanes: int
    gap: int

    def end(self, place: int) -> int:
        """The first column after a batch."""
        return self.starts[place] + 1 + self.timesteps[place]


def lay_out(batches: Sequence[BatchRecord]) -> Layout:
    """Gives each batch its columns, one after the other, with a gap before each."""
    timesteps = tuple(batch.timesteps for batch in batches)
    filled = sum(timesteps) + len(batches)
    share = min(_GAP_SHARE, _GAPS_SHARE / len(batches))
    gap = max(_LEAST_GAP, round(share * filled / (1 - share * len(batches))))
    starts: list[int] = []
    column = 0
    for steps in timesteps:
        starts.append(column + gap)
        column += gap + steps + 1
    lanes = max(len(batch.samples) for batch in batches)
    return Layout(tuple(starts), timesteps, column, lanes, gap)


def state_lanes(batches: Sequence[BatchRecord], state: StateName, unit: int) -> np.ma.MaskedArray:
    """One unit's "hidden" or "cell" state, shape (lanes, columns); gaps are masked."""
    layout = lay_out(batches)
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


def draw_numbers(
    ax: Axes, values: np.ma.MaskedArray, colored: np.ma.MaskedArray, reach: float
) -> dict[int, list[Text]]:
    """Writes the value into each cell, where there are few cells and there is room.

    Args:
        ax: The axes of the lanes, at its place in the figure.
        values: What to write, shape (lanes, columns).
        colored: What the colours stand for, of the same shape.
        reach: The value of the darkest colour.

    Returns:
        The texts of each column.
    """
    lanes, columns = values.shape
    box, figure = ax.get_position(), ax.get_figure(root=True)
    assert figure is not None
    wide = box.width * figure.get_figwidth() / columns
    high = box.height * figure.get_figheight() / lanes
    if wide < _CELL[0] or high < _CELL[1] or lanes > _MOST_NUMBERED:
        return {}
    texts: dict[int, list[Text]] = {}
    for lane, column in zip(*np.nonzero(~np.ma.getmaskarray(values)), strict=True):
        value = float(np.ma.getdata(values)[lane, column])
        if not np.isfinite(value):
            continue
        color = float(np.ma.getdata(colored)[lane, column])
        dark = abs(color) > DARK * reach
        text = ax.text(
            column,
            lane,
            _short(value, narrow=wide < _WIDE_CELL),
            ha="center",
            va="center",
            fontsize=FONT,
            color="white" if dark else "black",
            zorder=6,
        )
        texts.setdefault(int(column), []).append(text)
    return texts


def _short(value: float, *, narrow: bool) -> str:
    """A number in at most five signs or so; in four where there is little room."""
    digits = 0 if value == 0 or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    if narrow and digits:
        digits = 2 if abs(value) < 0.995 else digits - 1
    words = f"{value:.{digits}f}".replace("-", "−")
    return words.replace("0.", ".") if narrow and abs(value) < 1 else words


def height_for_numbers(layout: Layout, width: float) -> float:
    """The height of lanes in which numbers can be written, in inches; 0 where none can.

    Args:
        layout: Where the batches stand.
        width: The width of the lanes, in inches.
    """
    fit = width / layout.columns >= _CELL[0] and layout.lanes <= _MOST_NUMBERED
    return (_CELL[1] + 0.01) * layout.lanes if fit else 0.0


def _nothing(*shape: int) -> np.ma.MaskedArray:
    """An array in which all is masked; numpy's `masked_all` leaves any number under the mask."""
    return np.ma.array(np.zeros(shape), mask=True)


def until_column(lanes: np.ma.MaskedArray, column: int | None) -> np.ma.MaskedArray:
    """The lanes with everything after a column left out."""
    mask = np.ma.getmaskarray(lanes) | ~np.isfinite(np.ma.getdata(lanes))
    if column is not None:
        mask[:, column + 1 :] = True
    return np.ma.array(np.ma.getdata(lanes), mask=mask)


def draw_lanes(
    ax: Axes, lanes: np.ma.MaskedArray, *, cmap: str, column: int | None = None
) -> AxesImage:
    """Draws lanes as a heat map whose colours are symmetric about zero."""
    reach = reach_of(lanes)
    image = ax.imshow(
        until_column(lanes, column),
        aspect="auto",
        cmap=cmap,
        norm=Normalize(-reach, reach),
        interpolation="nearest",
        origin="upper",
    )
    mark_not_finite(ax, lanes.filled(0.0), extent=(-0.5, lanes.shape[1] - 0.5))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    return image


def lane_names(batches: Sequence[BatchRecord]) -> list[str]:
    """The number of the sample in each lane, where it is not the lane's own; else nothing."""
    kept = {tuple(batch.samples.tolist()) for batch in batches}
    in_place = all(each == tuple(range(len(each))) for each in kept)
    return [] if in_place or len(kept) > 1 else list(map(str, *kept))


def lane_word(batches: Sequence[BatchRecord]) -> str:
    """What a lane is called: the sample whose number it has, or a lane."""
    return "sample" if lane_names(batches) else "lane"


def name_lanes(ax: Axes, batches: Sequence[BatchRecord]) -> None:
    """Writes the numbers of the kept samples beside their lanes."""
    named = dict(enumerate(lane_names(batches)))
    if named:
        ax.yaxis.set_major_formatter(lambda lane, _: named.get(int(lane), ""))


def set_batch_axis(ax: Axes, batches: Sequence[BatchRecord], *, labelled: bool) -> None:
    """Names each batch's timesteps on the time axis, or each timestep where there is room."""
    places: list[float] = []
    labels: list[str] = []
    layout = lay_out(batches)
    letters = letters_of(layout)
    for start, steps in zip(layout.starts, layout.timesteps, strict=True):
        if letters > _LETTERS_OF_A_TICK:
            places += [start + 1 + step for step in range(steps)]
            labels += ["t = 0", *map(str, range(1, steps))]
        else:
            places.append(start + (1 + steps) / 2)
            words = f"t = 0 to {steps - 1}" if steps > 1 else "t = 0"
            labels.append(fitting(letters * (steps + 1 + layout.gap), words))
    ax.set_xticks(places, labels if labelled else [""] * len(labels))


def edges(layout: Layout) -> tuple[float, float]:
    """The upper and the lower edge of the lanes."""
    return -0.5, layout.lanes - 0.5


def draw_read(ax: Axes) -> Rectangle:
    """Draws a frame that goes around what all lanes read; a line would strike numbers through."""
    frame = Rectangle((0, 0), 1, 1, fill=False, edgecolor="black", linewidth=1.6, zorder=5)
    frame.set_clip_on(False)
    ax.add_patch(frame)
    return frame


def draw_ground(ax: Axes, batches: Sequence[BatchRecord], *, width: float) -> list[Rectangle]:
    """Draws the lanes of each batch as they wait, and an outline where its initial state comes."""
    layout = lay_out(batches)
    drawn: list[Rectangle] = []
    for start, steps, batch in zip(layout.starts, layout.timesteps, batches, strict=True):
        lanes = len(batch.samples)
        ground = Rectangle(
            (start - 0.5, -0.5), 1 + steps, lanes, linewidth=0, color=_GROUND, zorder=-2
        )
        slot = Rectangle(
            (start - 0.5, -0.5),
            width,
            lanes,
            facecolor="none",
            edgecolor=_SLOT,
            linewidth=1,
            zorder=-2,
        )
        ax.add_patch(ground)
        ax.add_patch(slot)
        drawn += [ground, slot]
    return drawn


def draw_batch_names(ax: Axes, batches: Sequence[BatchRecord], *, y: float = 1.03) -> list[Text]:
    """Writes over each batch in two lines where in the run it stands, as far as there is room."""
    layout = lay_out(batches)
    letters = letters_of(layout)
    lines: list[list[str]] = [[] for _ in batches]
    rooms = [letters * (batch.timesteps + 1 + layout.gap) for batch in batches]
    numbered = list(enumerate(batches))
    runs = _runs_of(batches)
    for _, members in groupby(numbered, lambda each: runs[each[0]]):
        (first, batch), *rest = members
        room = sum(rooms[place] for place, _ in [(first, batch), *rest])
        epoch = "" if batch.epoch is None else f" {batch.epoch}"
        phase = batch.phase or "?"
        whole = phase + (f", epoch{epoch}" if epoch else "")
        lines[first].append(fitting(room, whole, phase[:3] + epoch))
        for place, _ in rest:
            lines[place].append("")
    several_layers = len({batch.layer for batch in batches}) > 1
    for place, batch in numbered:
        if several_layers:
            lines[place].append(fitting(rooms[place], batch.layer, batch.layer[:6]))
        elif batch.batch is None:
            lines[place].append(fitting(rooms[place], f"#{batch.index}"))
        else:
            lines[place].append(fitting(rooms[place], f"batch {batch.batch}", str(batch.batch)))
    return [
        ax.text(
            start - 0.5,
            y,
            "\n".join(words),
            transform=ax.get_xaxis_transform(),
            fontsize=FONT,
            va="bottom",
        )
        for start, words in zip(layout.starts, lines, strict=True)
    ]


def _runs_of(batches: Sequence[BatchRecord]) -> list[int]:
    """For each batch the run that it belongs to: a phase, an epoch, or a call that counts anew."""
    runs = [0] * len(batches[:1])
    for before, batch in pairwise(batches):
        same = (before.phase, before.epoch) == (batch.phase, batch.epoch)
        counts_on = before.batch is None or batch.batch is None or before.batch < batch.batch
        runs.append(runs[-1] + (not (same and counts_on)))
    return runs


def letters_of(layout: Layout) -> float:
    """How many letters of a word stand over a column, in a scene."""
    return _LETTERS / layout.columns


def fitting(room: float, *words: str) -> str:
    """The first words that are shorter than the room in letters; "" where none are."""
    return next((each for each in words if len(each) < room), "")
