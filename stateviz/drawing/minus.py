"""Minus signs on a heat map: both ends of its colours are dark, and alike without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

_LEAST_CELL = 5.5  # points; in a smaller one a sign would be a speck
_LONGEST = 6.0  # points
_SIGN = ((-0.5, -0.13), (0.5, -0.13), (0.5, 0.13), (-0.5, 0.13))
# Of the reach of the colours: almost white, and too dark for black.
_NEAR_ZERO, DARK = 0.04, 0.55


@dataclass(frozen=True)
class MinusSigns:
    """The minus signs of a heat map, those on pale colours and those on dark ones.

    Attributes:
        lines: Markers in the order of the columns.
        places: All places of each line's markers, x and y.
        columns: The column of each.
    """

    lines: tuple[Line2D, ...]
    places: tuple[tuple[np.ndarray, np.ndarray], ...]
    columns: tuple[np.ndarray, ...]

    def counts(self, filled: Sequence[int]) -> list[list[int]]:
        """How many markers of each line stand in the first columns, for each number of those."""
        return [np.searchsorted(columns, np.asarray(filled)).tolist() for columns in self.columns]

    def show(self, filled: int) -> None:
        """Shows those of the first columns alone."""
        for line, (x, y), [count] in zip(
            self.lines, self.places, self.counts([filled]), strict=True
        ):
            line.set_data(x[:count], y[:count])


NO_SIGNS = MinusSigns((), (), ())


def draw_minus_signs(image: AxesImage, values: np.ma.MaskedArray) -> MinusSigns:
    """Draws a minus sign on each cell below zero, where there is room for it.

    Args:
        image: The heat map, about zero, on an axes at its place in the figure.
        values: Of all cells, shape (rows, columns), also of those that are not filled yet.
    """
    ax = image.axes
    assert ax is not None
    rows, columns = values.shape
    left, right, bottom, top = image.get_extent()
    corners = ax.transData.transform([(left, bottom), (right, top)])
    points = 72 * abs(corners[1] - corners[0]) / ax.figure.dpi
    cell = float(min(points / (columns, rows), default=0))
    if cell < _LEAST_CELL:
        return NO_SIGNS
    size = np.ma.filled(values, np.nan) / image.get_clim()[1]
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = top + (np.arange(rows) + 0.5) * (bottom - top) / rows
    drawn, places, of_columns = [], [], []
    for color, least, most in (("black", _NEAR_ZERO, DARK), ("white", DARK, np.inf)):
        column, row = np.nonzero((least < -size.T) & (most >= -size.T))
        places.append((x[column], y[row]))
        [line] = ax.plot(
            *places[-1],
            linestyle="None",
            marker=_SIGN,
            markersize=min(_LONGEST, 0.6 * cell),
            markeredgewidth=0,
            color=color,
            alpha=0.75,
            scalex=False,
            scaley=False,
        )
        drawn.append(line)
        of_columns.append(column)
    return MinusSigns(tuple(drawn), tuple(places), tuple(of_columns))
