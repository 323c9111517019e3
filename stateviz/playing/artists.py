"""Artists for values (rows, columns): a small area chart, a line or a thread a row.

They are images to matplotlib, with data, an extent and a norm, and draw themselves otherwise; the
page draws them the same way (`page/charts.js`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.image import AxesImage
from matplotlib.transforms import Bbox, IdentityTransform

from stateviz.playing.theme import GROUND, INK, LEVELS

# In pixels of CSS, of which an inch has 96.
OUTLINE, LINE, HALO, TOOTH = 1.5, 1.75, 1.5, 1.0
_AREA_MARGIN = 1.0
_BEYOND = "#808080"  # under a value that is cut off
BOLD_THREADS = 8


class Chart(AxesImage):
    """An image that draws its values as charts.

    Args:
        ax: The axes.
        scale: A colormap; its ends are the colours of lines above and below zero.
        low, high: The values of the ends of a row's height, or of the whole height.
        kwargs: As for `AxesImage`: extent, alpha, zorder.
    """

    chart: ClassVar[str]

    def __init__(self, ax: Any, scale: Any, low: float, high: float, **kwargs: Any) -> None:
        super().__init__(ax, cmap=scale, interpolation="nearest", origin="upper", **kwargs)
        self.set_clim(low, high)
        ax.add_image(self)

    def draw(self, renderer: Any) -> None:
        """Draws the charts; matplotlib calls it."""
        if not self.get_visible():
            return
        values: np.ma.MaskedArray = np.ma.asarray(self.get_array(), float)
        own: Any = self.get_alpha()
        left, right, bottom, top = self.get_extent()
        corners = self.get_transform().transform([(left, top), (right, bottom)])
        for part in self.charts(np.ma.filled(values, np.nan), corners):
            part.set_figure(self.get_figure(root=True))  # type: ignore[arg-type]
            part.set_transform(IdentityTransform())
            if own is not None:
                alpha: Any = part.get_alpha()
                part.set_alpha(own * (1.0 if alpha is None else alpha))
            if self.get_clip_on() and self.axes is not None and part.clipbox is None:
                part.set_clip_box(self.axes.bbox)
            part.draw(renderer)
        self.stale = False

    def charts(self, values: np.ndarray, corners: np.ndarray) -> Iterator[Artist]:
        """The parts of the drawing, in pixels of the display.

        Args:
            values: Shape (rows, columns); NaN where there is nothing.
            corners: The upper left and the lower right corner, shape (2, 2).
        """
        raise NotImplementedError

    def _points(self, pixels: float) -> float:
        return 0.75 * pixels

    def _end(self, of: float) -> Any:
        return self.cmap(0.99 if of > 0 else 0.01)

    def _lines(self, lines: list[np.ndarray], of: float, width: float) -> LineCollection:
        wide = self._points(width)
        return LineCollection(lines, colors=[self._end(of)], linewidths=wide, capstyle="butt")


class Areas(Chart):
    """A row is an area chart around its own zero line, as high as the row's half at the limits.

    A value beyond the limits is cut off there, under a grey line.
    """

    chart = "areas"

    def charts(self, values: np.ndarray, corners: np.ndarray) -> Iterator[Artist]:
        (left, top), (right, bottom) = corners
        rows, columns = values.shape
        x = np.linspace(left, right, columns + 1)
        pitch = (bottom - top) / rows
        share = values / self.get_clim()[1]
        seen = np.abs(share) > 1 / LEVELS
        dots = self.axes.figure.dpi / 96 if self.axes is not None else 1.0
        half = max(abs(pitch) / 2 - _AREA_MARGIN * dots, 0.5) * np.sign(pitch)
        zero = top + (np.arange(rows) + 0.5) * pitch
        ends = zero[:, np.newaxis] - half * np.clip(np.nan_to_num(share), -1, 1)
        row, column = np.nonzero(seen & np.isfinite(share))
        boxes: Any = np.stack(
            [
                np.stack([x[column], zero[row]], -1),
                np.stack([x[column], ends[row, column]], -1),
                np.stack([x[column + 1], ends[row, column]], -1),
                np.stack([x[column + 1], zero[row]], -1),
            ],
            axis=1,
        )
        colors = self.cmap(self.norm(values[row, column]))
        yield PolyCollection(boxes, facecolors=colors, linewidths=0, antialiased=False)
        for sign in (1, -1):
            shown = [seen[r] & (sign * share[r] > 0) for r in range(rows)]
            yield self._lines(_edges(shown, x, ends), sign, OUTLINE)
        beyond = _edges([np.abs(of_row) > 1 - 1 / LEVELS for of_row in share], x, ends)
        yield LineCollection(beyond, colors=[_BEYOND], linewidths=self._points(2 * OUTLINE))


class OneRow(Areas):
    """The area of the first row alone, as high as all; in the page that of the lit row."""

    chart = "row"

    def charts(self, values: np.ndarray, corners: np.ndarray) -> Iterator[Artist]:
        return super().charts(values[:1], corners)


class Lines(Chart):
    """Each row is a line of ink around its own zero line, over an area of another state."""

    chart = "lines"

    def charts(self, values: np.ndarray, corners: np.ndarray) -> Iterator[Artist]:
        (left, top), (right, bottom) = corners
        rows, columns = values.shape
        pitch = (bottom - top) / rows
        x = left + (np.arange(columns) + 0.5) * (right - left) / columns
        share = np.clip(values / self.get_clim()[1], -1, 1)
        y = top + (np.arange(rows)[:, np.newaxis] + 0.5 - share / 2) * pitch
        lines = [
            np.column_stack([x[run], y[row, run]])
            for row in range(rows)
            for run in _runs(np.isfinite(y[row]))
        ]
        for width, line_color in ((LINE + HALO, GROUND), (LINE, INK)):
            yield LineCollection(lines, colors=[line_color], linewidths=self._points(width))


class Threads(Chart):
    """Each row is a line over one axis of values, warm above zero and cool below; a few are bold.

    Of one column, each row is a tooth at its value.

    Attributes:
        bold: The rows that are bold.
    """

    chart = "threads"
    bold: tuple[int, ...] = ()

    def charts(self, values: np.ndarray, corners: np.ndarray) -> Iterator[Artist]:
        (left, top), (right, bottom) = corners
        rows, columns = values.shape
        low, high = self.get_clim()
        step = (right - left) / columns
        x = left + (np.arange(columns) + 0.5) * step
        y = top + (high - values) / (high - low) * (bottom - top)
        zero = top + high / (high - low) * (bottom - top)
        if columns == 1:
            x = np.array([left + 0.1 * step, right - 0.1 * step])
            y = np.repeat(y, 2, axis=1)
        strength = opacity_of(rows) if columns > 1 else 0.55
        every = _lines_of(x, y)
        bold = _lines_of(x, y[[row for row in self.bold if row < rows]]) if columns > 1 else []
        ends = sorted((left, right))
        upper, lower = (Bbox.from_extents(ends[0], y0, ends[1], y1)
                        for y0, y1 in ((zero, top), (bottom, zero)))  # fmt: skip
        for lines, width, alpha in ((every, TOOTH, strength), (bold, OUTLINE, 1.0)):
            drawn = self._lines(lines, 1, width)  # once: making its paths takes the time
            for sign, half in ((1, upper), (-1, lower)):
                drawn.set_color([self._end(sign)])
                drawn.set_alpha(alpha)
                drawn.set_clip_box(half)
                yield drawn


def _lines_of(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """The lines of rows, shape (rows, columns), interrupted where a value is missing."""
    there = np.isfinite(y)
    if (there == there[:1]).all():  # all rows at the same columns
        runs = _runs(there[0]) if len(there) else []
        return [
            line
            for run in runs
            for line in np.stack([np.broadcast_to(x[run], (len(y), len(run))), y[:, run]], -1)
        ]
    both = ((row, run) for row in range(len(y)) for run in _runs(there[row]))
    return [np.column_stack([x[run], y[row, run]]) for row, run in both]


def _edges(shown: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """The upper edges of the columns that are shown of each row, as steps."""
    return [
        np.column_stack([np.repeat(x[run[0] : run[-1] + 2], 2)[1:-1], np.repeat(y[row, run], 2)])
        for row, of_row in enumerate(shown)
        for run in _runs(of_row)
    ]


def opacity_of(rows: int) -> float:
    """How strong a thread among so many is."""
    return float(np.clip(4 / np.sqrt(rows) / 2, 0.06, 0.8))


def bold_rows(final: np.ndarray) -> tuple[int, ...]:
    """Rows at even places in the order of their last value, shape (rows,)."""
    order = np.argsort(final)
    places = (np.arange(BOLD_THREADS) + 0.5) / BOLD_THREADS * len(order)
    return tuple(sorted({*order[places.astype(int)].tolist()}))


def _runs(there: np.ndarray) -> list[np.ndarray]:
    """The stretches of places that are there."""
    places = np.flatnonzero(there)
    return np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []
