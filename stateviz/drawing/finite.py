"""States that are not finite: the rest keeps its own scale, they are marked as what they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

NOT_FINITE_COLOR = "#7b2d8b"
_MOST_PATCHES = 200


def reach_of(*arrays: np.ndarray, least: float = 1e-6) -> float:
    """The largest finite distance from zero of any value, at least `least`."""
    reach = least
    for array in arrays:
        values = np.abs(np.ma.asarray(array, dtype=float).filled(np.nan))
        reach = max(reach, float(np.max(values, initial=0, where=np.isfinite(values))))
    return reach


def finite(values: np.ndarray) -> np.ndarray:
    """The values with a gap (nan) where one is not finite, for a line."""
    return np.where(np.isfinite(values), values, np.nan)


def mark_not_finite(
    ax: Axes, values: np.ndarray, *, extent: tuple[float, float], top: float = -0.5
) -> list[Artist]:
    """Hatches the cells of a heat map that are not finite, and writes what they hold.

    Args:
        ax: The axes of the heat map.
        values: Shape (rows, columns); row 0 at the top.
        extent: Where the columns begin and end, which may run to the left.
        top: Where row 0 begins; a row is 1 high.
    """
    odd = ~np.isfinite(values)
    if not odd.any():
        return []
    left, right = extent
    width = (right - left) / values.shape[1]
    drawn: list[Artist] = []
    boxes = list(_boxes(odd))
    for first, last, begin, end in boxes:
        box = Rectangle(
            (left + begin * width, top + first),
            (end - begin) * width,
            last - first,
            facecolor=(*_rgb(NOT_FINITE_COLOR), 0.25),
            edgecolor=NOT_FINITE_COLOR,
            hatch="xxx",
            linewidth=0.6,
        )
        drawn.append(ax.add_patch(box))
    kinds = "NaN" if np.isnan(values[odd]).all() else "inf"
    if np.isnan(values[odd]).any() and kinds == "inf":
        kinds = "NaN, inf"
    first, last, begin, end = max(boxes, key=lambda box: (box[1] - box[0]) * (box[3] - box[2]))
    said = ax.text(
        left + (begin + end) / 2 * width,
        top + (first + last) / 2,
        kinds,
        ha="center",
        va="center",
        fontsize=9,
        weight="bold",
        color="#303030",
        bbox={"facecolor": "white", "edgecolor": NOT_FINITE_COLOR, "pad": 2, "linewidth": 0.8},
    )
    return [*drawn, said]


def _boxes(odd: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
    """The runs of cells, as (first row, after the last, first column, after the last)."""
    columns = np.flatnonzero(odd.any(axis=0))
    if odd[:, columns].all() or odd.sum() > _MOST_PATCHES:
        for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
            rows = np.flatnonzero(odd[:, run].any(axis=1))
            yield int(rows[0]), int(rows[-1]) + 1, int(run[0]), int(run[-1]) + 1
        return
    for row in np.flatnonzero(odd.any(axis=1)):
        places = np.flatnonzero(odd[row])
        for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
            yield int(row), int(row) + 1, int(run[0]), int(run[-1]) + 1


def _rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
