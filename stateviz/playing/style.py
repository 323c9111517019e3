"""How lines, markers, colours and the values of an image look, in the page's words."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle

from stateviz.playing.theme import LEVELS, token_of

COLORS = LEVELS
TRANSPARENT = 255


def marker_outline(line: Line2D) -> Any:
    """The marker as a polygon about the origin, in points, y downwards; None for no marker."""
    if line.get_marker() in (None, "None", "", " "):
        return None
    style = MarkerStyle(line.get_marker())
    polygons = style.get_path().transformed(style.get_transform()).to_polygons()
    if not polygons:
        return None
    outline = np.asarray(polygons[0]) * line.get_markersize() * [1, -1]
    return np.round(outline, 2).tolist()


def dashes(artist: Line2D | Rectangle) -> list[float]:
    """The lengths of dashes and gaps of a line or an edge, in points; none where it is solid."""
    # matplotlib has no public word for them.
    lengths = vars(artist)["_unscaled_dash_pattern"][1] or []
    return [round(dash * float(artist.get_linewidth()), 2) for dash in lengths]


def css_color(color: Any, alpha: float | None) -> str:
    """A CSS colour; for a reserved one its name and its opacity, such as "ink 0.5"."""
    if isinstance(color, str) and color.lower() == "none":
        return ""
    *rgb, a = to_rgba(color, alpha)
    if a == 0:
        return ""
    token = token_of(tuple(rgb))
    if token is not None:
        return f"{token} {a:.3g}"
    return "rgba({},{},{},{:.3g})".format(*(round(255 * channel) for channel in rgb), a)


def levels_of(image: AxesImage, values: np.ma.MaskedArray) -> np.ndarray:
    """The places in the colour table of all values, row 0 on top; 255 where there is none."""
    scaled: np.ma.MaskedArray = np.ma.masked_invalid(image.norm(np.ma.masked_invalid(values)))
    levels: np.ndarray = np.clip(np.floor(scaled.filled(0) * COLORS), 0, COLORS - 1)
    levels = levels.astype(np.uint8)
    levels[np.ma.getmaskarray(scaled)] = TRANSPARENT
    return levels


def colors_of(image: AxesImage) -> np.ndarray:
    """The colour table of an image, RGBA as uint8, shape (COLORS, 4)."""
    colors: np.ndarray = image.cmap((np.arange(COLORS) + 0.5) / COLORS, bytes=True)
    return colors
