"""How lines, markers, colours and the values of an image look, in the page's words."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle

COLORS = 255
TRANSPARENT = 255
# On a dark page zero is as dark as the page; a middle lighter than this would glare there.
_DARK_PAGE, _GLARING = 20, 230
# Up to this part of the way from zero, colours come out of the page's; at the end of it they are
# this much lighter than the darkest.
_COMES_OUT, _LIGHTENED = 0.35, 0.62


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


def text_color(color: Any, alpha: float | None) -> str:
    """As `css_color`; "paper" for white: what stands on a colour that a dark page turns about."""
    css = css_color(color, alpha)
    return css.replace("rgba(255,255,255,", "paper ").rstrip(")") if "255,255,255" in css else css


def css_color(color: Any, alpha: float | None) -> str:
    """A CSS colour; "ink" and its opacity for black, which the page draws in its text colour."""
    if isinstance(color, str) and color.lower() == "none":
        return ""
    *rgb, a = to_rgba(color, alpha)
    if a == 0:
        return ""
    if not any(rgb):
        return f"ink {a:.3g}"
    return "rgba({},{},{},{:.3g})".format(*(round(255 * channel) for channel in rgb), a)


def color_levels(image: AxesImage) -> np.ndarray:
    """The image's values as places in its colour table, uint8, row 0 on top; 255 where empty."""
    values: np.ma.MaskedArray = np.ma.asarray(image.get_array())
    return masked(image, levels_of(image, np.ma.getdata(values)), values)


def levels_of(image: AxesImage, data: np.ndarray) -> np.ndarray:
    """The places in the colour table of all values, as they lie in the array."""
    if data.ndim != 2:
        raise TypeError(
            f"An image to play is a table of values (rows, columns) with a colormap; got an "
            f"array of shape {data.shape}."
        )
    scaled: np.ma.MaskedArray = np.ma.masked_invalid(image.norm(np.ma.masked_invalid(data)))
    levels: np.ndarray = np.clip(np.floor(scaled.filled(0) * COLORS), 0, COLORS - 1)
    levels = levels.astype(np.uint8)
    levels[np.ma.getmaskarray(scaled)] = TRANSPARENT
    return levels


def masked(image: AxesImage, levels: np.ndarray, values: np.ma.MaskedArray) -> np.ndarray:
    """The levels without those of masked values, row 0 on top."""
    levels[np.ma.getmaskarray(values)] = TRANSPARENT
    return levels if image.origin == "upper" else np.flipud(levels)


def colors_of(image: AxesImage) -> np.ndarray:
    """The colour table of an image, RGBA as uint8, shape (COLORS, 4)."""
    colors: np.ndarray = image.cmap((np.arange(COLORS) + 0.5) / COLORS, bytes=True)
    return colors


def dark_colors_of(image: AxesImage) -> np.ndarray | None:
    """The colour table on a dark page; None where it is the same as on a light one.

    A map that is white in its middle and darker to both ends shows zero as nothing on a light page.
    So that it does on a dark one too, its colours are turned about there: from the page's darkness
    in the middle to light colours at both ends.
    """
    colors = colors_of(image)
    middle = COLORS // 2
    if colors[middle, :3].min() < _GLARING or colors[[0, -1], :3].max() > _GLARING:
        return None
    away = np.abs(np.arange(COLORS) - middle) / middle
    side = np.sign(np.arange(COLORS) - middle)
    light = colors[np.round(middle + side * middle * (1 - _LIGHTENED * away)).astype(int), :3]
    seen = np.minimum(away / _COMES_OUT, 1)[:, np.newaxis]
    found = colors.copy()
    found[:, :3] = np.round(_DARK_PAGE + seen * (light.astype(float) - _DARK_PAGE))
    return found
