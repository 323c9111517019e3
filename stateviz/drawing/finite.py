"""States that are not finite: the rest keeps its own scale, they are marked as what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Transform

from stateviz.drawing import draw_box, write

_COLOR = "#7b2d8b"
_LOOK: dict[str, Any] = {
    # Opaque: under a hatch an SVG draws a translucent face in its full colour, which hides it.
    "facecolor": "#ecdff0",
    "edgecolor": _COLOR,
    "hatch": "xxx",
    "linewidth": 0.6,
}
_MOST_PATCHES = 200


def reach_of(*arrays: np.ndarray, least: float = 1e-6) -> float:
    """The largest finite distance from zero of any value, at least `least`."""
    reach = least
    for array in arrays:
        values = np.abs(np.ma.asarray(array, dtype=float).filled(np.nan))
        reach = max(reach, float(np.max(values, initial=0, where=np.isfinite(values))))
    return reach


def mark_not_finite(ax: Axes, values: np.ndarray, *, extent: tuple[float, float]) -> list[Artist]:
    """Hatches the cells of a heat map that are not finite, and writes what they hold.

    Args:
        ax: The axes of the heat map.
        values: Shape (rows, columns); row 0 at the top, around 0.
        extent: Where the columns begin and end, which may run to the left.
    """
    odd = ~np.isfinite(values)
    if not odd.any():
        return []
    left, right = extent
    width = (right - left) / values.shape[1]
    boxes = list(_boxes(odd))
    drawn: list[Artist] = [
        draw_box(
            ax, left + begin * width, first - 0.5, (end - begin) * width, last - first, **_LOOK
        )
        for first, last, begin, end in boxes
    ]
    first, last, begin, end = max(boxes, key=lambda box: (box[1] - box[0]) * (box[3] - box[2]))
    at = (left + (begin + end) / 2 * width, (first + last - 1) / 2)
    return [*drawn, _word(ax, values[odd], at, ax.transData)]


def mark_spans(ax: Axes, values: np.ndarray, *, starts: np.ndarray, width: float) -> list[Artist]:
    """Hatches the whole height of a line plot where a value is not finite, and writes what it is.

    Args:
        ax: The axes.
        values: Shape (places, ...).
        starts: Where each place begins, shape (places,).
        width: How wide each is.
    """
    odd = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not odd.any():
        return []
    drawn: list[Artist] = [ax.axvspan(start, start + width, **_LOOK) for start in starts[odd]]
    middle = starts[odd][odd.sum() // 2] + width / 2
    known = values[odd][~np.isfinite(values[odd])]
    return [*drawn, _word(ax, known, (middle, 0.5), ax.get_xaxis_transform())]


def _word(ax: Axes, odd: np.ndarray, at: tuple[float, float], transform: Transform) -> Text:
    """Writes what values that are not finite are."""
    words = [*["NaN"] * bool(np.isnan(odd).any()), *["inf"] * bool(np.isinf(odd).any())]
    box = {"facecolor": "white", "edgecolor": _COLOR, "pad": 2, "linewidth": 0.8}
    look: dict[str, Any] = {"ha": "center", "weight": "bold", "color": "#303030", "bbox": box}
    return write(ax, *at, ", ".join(words), transform=transform, **look)


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
