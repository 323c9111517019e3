"""Pictures of batches side by side: each sample of a batch has a lane, a row of its own.

A batch takes its initial state and its timesteps, a column each, and a gap before it: there the
eye sees whether the lanes were zeroed or carried over. Each function takes an axes first and
returns what it drew; `column` is the last column that is shown, and None shows all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from stateviz.recording import BatchRecord

_MOST_MARKERS = 20
_GAP = 2


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


def lay_out(batches: Sequence[BatchRecord]) -> Layout:
    """Gives each batch its columns, one after the other, with a gap before each."""
    starts: list[int] = []
    frames: list[int] = []
    owners: list[int] = []
    column = 0
    for place, batch in enumerate(batches):
        column += _GAP
        starts.append(column)
        frames += range(column, column + batch.timesteps + 1)
        owners += [place] * (batch.timesteps + 1)
        column += batch.timesteps + 1
    lanes = max(len(batch.samples) for batch in batches)
    return Layout(tuple(starts), column, lanes, tuple(frames), tuple(owners))


def state_lanes(batches: Sequence[BatchRecord], state: str, unit: int) -> np.ma.MaskedArray:
    """One unit's "hidden" or "cell" state, shape (lanes, columns); gaps are masked."""
    layout = lay_out(batches)
    lanes = np.ma.masked_all((layout.lanes, layout.columns))
    for start, batch in zip(layout.starts, batches, strict=True):
        rows = len(batch.samples)
        lanes[:rows, start] = getattr(batch, f"initial_{state}_state")[:, unit]
        after = getattr(batch, f"{state}_state")[:, :, unit]
        lanes[:rows, start + 1 : start + 1 + batch.timesteps] = after
    return lanes


def input_lanes(batches: Sequence[BatchRecord], feature: int) -> np.ma.MaskedArray:
    """One feature of the inputs, shape (lanes, columns); gaps and initial states are masked."""
    layout = lay_out(batches)
    lanes = np.ma.masked_all((layout.lanes, layout.columns))
    for start, batch in zip(layout.starts, batches, strict=True):
        if batch.inputs is not None:
            columns = slice(start + 1, start + 1 + batch.timesteps)
            lanes[: len(batch.samples), columns] = batch.inputs[:, :, feature]
    return lanes


def until_column(lanes: np.ma.MaskedArray, column: int | None) -> np.ma.MaskedArray:
    """The lanes with everything after a column left out."""
    shown = lanes.copy()
    if column is not None:
        shown[:, column + 1 :] = np.ma.masked
    return shown


def draw_lanes(
    ax: Axes, lanes: np.ma.MaskedArray, *, cmap: str, column: int | None = None
) -> AxesImage:
    """Draws lanes as a heat map whose colours are symmetric about zero."""
    reach = max(float(np.abs(lanes).max()), 1e-6)
    image = ax.imshow(
        until_column(lanes, column),
        aspect="auto",
        cmap=cmap,
        norm=Normalize(-reach, reach),
        interpolation="nearest",
        origin="upper",
    )
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    return image


def set_batch_axis(ax: Axes, batches: Sequence[BatchRecord], *, labelled: bool) -> None:
    """Names each batch's initial state and its timesteps on the time axis."""
    places: list[float] = []
    labels: list[str] = []
    for start, batch in zip(lay_out(batches).starts, batches, strict=True):
        places += [start, start + (1 + batch.timesteps) / 2]
        labels += ["initial", f"t = 0 to {batch.timesteps - 1}"]
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


def draw_batch_names(ax: Axes, batches: Sequence[BatchRecord], names: Sequence[str]) -> list[Text]:
    """Writes over each batch what it is and how its states began."""
    return [
        ax.text(
            start - 0.5, 1.03, name, transform=ax.get_xaxis_transform(), fontsize=9, va="bottom"
        )
        for start, name in zip(lay_out(batches).starts, names, strict=True)
    ]


def draw_handovers(
    ax: Axes, batches: Sequence[BatchRecord], looks: dict[str, dict[str, object]]
) -> list[Line2D]:
    """Marks in the gap before each batch, lane by lane, how its states began.

    With many lanes every n-th one is marked: all lanes of a batch begin alike.
    """
    layout = lay_out(batches)
    lines = []
    for start, batch in zip(layout.starts, batches, strict=True):
        rows = np.arange(0, len(batch.samples), -(-len(batch.samples) // _MOST_MARKERS))
        lines += ax.plot(
            np.full(len(rows), start - 1.5),
            rows,
            linestyle="None",
            markersize=5,
            **looks[batch.origin],  # type: ignore[arg-type]
        )
    return lines
