"""How a line, a marker or a colour looks, in the page's words."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle


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
