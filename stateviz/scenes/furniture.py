"""What stands around a picture: size, headline, names of rows, markers explained, scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec, SubplotSpec
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stateviz.drawing import FONT as FONT
from stateviz.drawing import timeline
from stateviz.drawing.minus import MinusSigns
from stateviz.playing.moving import Grow
from stateviz.playing.scene import ELLIPSIS
from stateviz.recording import Origin

WIDTH = 7.5  # inches, of 96 CSS pixels where there is room; a letter is then 14 pixels high
LEFT = 0.088  # of the width, for numbers; names of rows take more
RIGHT = 0.885  # of the width, where the panels end and the scales begin
OVER_LANES, UNDER_LANES = 0.36, 0.42  # inches, in which a state that leaves or comes is seen
SEQUENCE_INTERVAL_MS = 400
LONGEST_HEADLINE = 68  # letters
_BEFORE_SCALE, _SCALE = 0.02, 0.012  # of the width
_SCALE_STEPS = 255


def panels_over_time(
    heights: Sequence[float], *, room: float, over: float, left: float = LEFT
) -> tuple[Figure, GridSpec]:
    """A figure with a row for each panel, and beside each a narrow column for its scale.

    Args:
        heights: The height of each panel, 1 for a little over an inch.
        room: What the figure is higher than the panels, in inches.
        over: The room over the panels, in inches.
        left: Where the panels begin, as a part of the width.
    """
    height = room + 1.05 * sum(heights)
    figure = Figure(figsize=(WIDTH, height), dpi=100)
    grid = figure.add_gridspec(
        len(heights),
        2,
        width_ratios=[1, 0.016],
        height_ratios=heights,
        left=left,
        right=RIGHT,
        top=1 - over / height,
        bottom=0.47 / height,
        wspace=0.03,
        hspace=0.62,
    )
    return figure, grid


class Rooms:
    """Rooms of a figure from top to bottom, each with its height in inches."""

    def __init__(self) -> None:
        self._rooms: dict[str, tuple[float, float]] = {}
        self.height = 0.0

    def add(self, name: str, inches: float) -> None:
        """Puts a room under the others."""
        self._rooms[name] = self.height, inches
        self.height += inches

    def above(self, name: str, inches: float) -> float:
        """A height over a room, as a part of the figure's."""
        return 1 - (self._rooms[name][0] - inches) / self.height

    def axes(self, figure: Figure, name: str) -> Axes:
        """An axes that fills a room, between the numbers on the left and the scales."""
        top, inches = self._rooms[name]
        return figure.add_axes(
            (LEFT, 1 - (top + inches) / self.height, RIGHT - LEFT, inches / self.height)
        )


def headline(figure: Figure, text: str, *, left: float, longest: int = LONGEST_HEADLINE) -> None:
    """Writes what the whole figure shows over it, shortened in the middle where it is long.

    Args:
        figure: The figure.
        text: What it shows.
        left: Where the text begins, as a part of the width.
        longest: How many letters there is room for.
    """
    if len(text) > longest:
        half = longest // 2
        text = text[:half] + ELLIPSIS + text[-half:]
    top = 1 - 0.18 / figure.get_figheight()
    # A name of the user's own may have a $, which is no formula.
    figure.text(left, top, text, fontsize=FONT + 1.5, weight="bold", va="center", parse_math=False)


def explain_markers(
    figure: Figure,
    words: Mapping[Origin, str],
    *,
    at: tuple[float, float],
    loc: Literal["lower left", "center right"],
) -> None:
    """Writes beside the marker of each origin its words, in the order of `timeline.MARKERS`."""
    figure.legend(
        handles=[
            Line2D([], [], linestyle="None", markersize=7, label=words[origin], **look)
            for origin, look in timeline.MARKERS.items()
            if origin in words
        ],
        loc=loc,
        bbox_to_anchor=at,
        ncols=len(words),
        frameon=False,
        fontsize=FONT,
        handletextpad=0.2,
        columnspacing=1.4,
        borderpad=0,
        borderaxespad=0,
    )


def draw_scale_at(image: AxesImage, *, own: bool = False) -> None:
    """Draws the colour scale of an image at the right end of the figure.

    With `own` each row has its own: the ends are then its largest values.
    """
    figure, box = _figure_of(image), image.axes.get_position()
    ax = figure.add_axes((RIGHT + _BEFORE_SCALE, box.y0, _SCALE, box.height))
    _draw_scale_on(ax, image)
    if own:
        ax.set_yticks([*image.get_clim(), 0], labels=["least", "most", "0"])
    else:
        ax.yaxis.set_major_locator(MaxNLocator(3))


def draw_scale(image: AxesImage, place: SubplotSpec) -> None:
    """Draws the colour scale of an image beside it."""
    _draw_scale_on(_figure_of(image).add_subplot(place), image)


def _draw_scale_on(ax: Axes, image: AxesImage) -> None:
    """Draws it as an image, which a player can draw in the colours of the reader's theme."""
    low, high = image.get_clim()
    ax.imshow(
        np.linspace(low, high, _SCALE_STEPS)[:, np.newaxis],
        cmap=image.get_cmap(),
        clim=(low, high),
        extent=(0, 1, low, high),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    ax.yaxis.tick_right()
    ax.set_xticks([])
    ax.tick_params(labelsize=FONT, length=2, pad=2)
    ax.spines[:].set_visible(False)


def _figure_of(image: AxesImage) -> Figure:
    figure = image.get_figure(root=True)
    assert figure is not None  # the image stands on an axes
    return figure


def set_name(ax: Axes, text: str, *, y: str = "") -> None:
    """Writes what an axes shows over it."""
    ax.set_title(text, loc="left", fontsize=FONT, pad=4, parse_math=False)
    ax.set_ylabel(y, fontsize=FONT)


def grown_signs(signs: MinusSigns, columns: Sequence[int]) -> list[Grow]:
    """Minus signs, each shown once its column is filled in.

    Args:
        signs: The signs.
        columns: For each frame, how many columns are filled in.
    """
    return [
        Grow(line, [places], counts)
        for line, places, counts in zip(
            signs.lines, signs.places, signs.counts(columns), strict=True
        )
    ]
