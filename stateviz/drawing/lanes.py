"""Pictures of batches side by side: each sample of a batch has a lane, a row of its own.

A batch takes its initial state and its timesteps, a column each, and a gap before it: there the
eye sees whether the lanes were zeroed or carried over. Each function takes an axes first and
returns what it drew; `column` is the last column that is shown, and None shows all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from stateviz.drawing.finite import mark_not_finite, reach_of
from stateviz.recording import BatchRecord, Origin, StateName

_MOST_MARKERS = 20
GAP = 3  # columns before a batch
# As many letters of a batch's name stand side by side over the axes of a scene.
_LETTERS = 112


@dataclass(frozen=True)
class Layout:
    """Where the batches stand.

    Attributes:
        starts: The column of each batch's initial state; timestep t is t + 1 columns further.
        columns: The number of columns in all.
        lanes: The number of lanes, that of the largest batch.
        frames: For each frame, the column that is read then.
        batches: For each frame, the place of its batch among those shown.
    """

    starts: tuple[int, ...]
    columns: int
    lanes: int
    frames: tuple[int, ...]
    batches: tuple[int, ...]

    def marks(self, names: Sequence[str]) -> list[tuple[int, str]]:
        """The frame at which each batch begins, with its name."""
        return [
            (self.frames.index(start), name) for start, name in zip(self.starts, names, strict=True)
        ]


def lay_out(batches: Sequence[BatchRecord]) -> Layout:
    """Gives each batch its columns, one after the other, with a gap before each."""
    starts: list[int] = []
    frames: list[int] = []
    owners: list[int] = []
    column = 0
    for place, batch in enumerate(batches):
        column += GAP
        starts.append(column)
        frames += range(column, column + batch.timesteps + 1)
        owners += [place] * (batch.timesteps + 1)
        column += batch.timesteps + 1
    lanes = max(len(batch.samples) for batch in batches)
    return Layout(tuple(starts), column, lanes, tuple(frames), tuple(owners))


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
    """Names each batch's initial state and its timesteps on the time axis."""
    places: list[float] = []
    labels: list[str] = []
    layout = lay_out(batches)
    for start, batch in zip(layout.starts, batches, strict=True):
        places += [start, start + (1 + batch.timesteps) / 2]
        room = _LETTERS / layout.columns * (batch.timesteps + 1 + GAP)
        steps = f"t = 0 to {batch.timesteps - 1}" if batch.timesteps > 1 else "t = 0"
        labels += ["initial" if room > len(steps) + 8 else "", _fitting(room, steps)]
    ax.set_xticks(places, labels if labelled else [""] * len(labels))


def draw_batch_frames(ax: Axes, batches: Sequence[BatchRecord]) -> list[Rectangle]:
    """Draws an outline around each batch's initial state."""
    layout = lay_out(batches)
    outlines = []
    for start in layout.starts:
        outline = Rectangle(
            (start - 0.5, -0.5), 1, layout.lanes, facecolor="none", edgecolor="black", linewidth=0.8
        )
        ax.add_patch(outline)
        outlines.append(outline)
    return outlines


def draw_batch_names(
    ax: Axes, batches: Sequence[BatchRecord], began: Sequence[str], *, placed: bool = True
) -> list[Text]:
    """Writes over each batch how its states began, in words, as far as there is room.

    With `placed` it writes over that, in two more lines, where in the run the batch stands.
    """
    layout = lay_out(batches)
    letters = _LETTERS / layout.columns
    lines: list[list[str]] = [[] for _ in batches]
    rooms = [letters * (batch.timesteps + 1 + GAP) for batch in batches]
    if placed:
        numbered = list(enumerate(batches))
        for _, members in groupby(numbered, lambda each: (each[1].phase, each[1].epoch)):
            (first, batch), *rest = members
            room = sum(rooms[place] for place, _ in [(first, batch), *rest])
            epoch = "" if batch.epoch is None else f" {batch.epoch}"
            phase = batch.phase or "?"
            whole = phase + (f", epoch{epoch}" if epoch else "")
            lines[first].append(_fitting(room, whole, phase[:3] + epoch))
            for place, _ in rest:
                lines[place].append("")
        for place, batch in numbered:
            if batch.batch is None:
                lines[place].append(_fitting(rooms[place], f"#{batch.index}"))
            else:
                lines[place].append(
                    _fitting(rooms[place], f"batch {batch.batch}", str(batch.batch))
                )
    for place, words in enumerate(began):
        lines[place].append(_fitting(rooms[place], words))
    return [
        ax.text(
            start - 0.5,
            1.03,
            "\n".join(words),
            transform=ax.get_xaxis_transform(),
            fontsize=9,
            va="bottom",
        )
        for start, words in zip(layout.starts, lines, strict=True)
    ]


def _fitting(room: float, *words: str) -> str:
    """The first words that are shorter than the room in letters; "" where none are."""
    return next((each for each in words if len(each) < room), "")


def draw_handovers(
    ax: Axes, batches: Sequence[BatchRecord], looks: Mapping[Origin, dict[str, Any]]
) -> list[Line2D]:
    """Marks in the gap before each batch, lane by lane, how its states began.

    With many lanes every n-th one is marked: all lanes of a batch begin alike.
    """
    layout = lay_out(batches)
    lines = []
    for start, batch in zip(layout.starts, batches, strict=True):
        rows = np.arange(0, len(batch.samples), -(-len(batch.samples) // _MOST_MARKERS))
        lines += ax.plot(
            np.full(len(rows), start - 1.75),
            rows,
            linestyle="None",
            markersize=5,
            **looks[batch.origin],
        )
    return lines
