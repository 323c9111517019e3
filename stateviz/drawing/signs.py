"""What stays of a state between two batches: rails, walls, rings, trays, rifts; their signs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from stateviz.drawing import POINTS, draw_box, write
from stateviz.drawing.handover import OVER, Handover
from stateviz.drawing.lanes import LETTER
from stateviz.playing.theme import GROUND, INK, color
from stateviz.recording import Origin

MOST_ARROWS = 12
RING, KNOT = 9.0, 13.0  # pixels of CSS
_BEYOND = 5.0  # pixels of CSS that cards and columns are higher than the lanes
SIGNS: dict[Origin, dict[str, Any]] = {
    "fresh": {"marker": "o", "markerfacecolor": GROUND, "markeredgewidth": 1.5},
    "reset": {"marker": ((-0.16, -0.6), (0.16, -0.6), (0.16, 0.6), (-0.16, 0.6))},
    "carried": {"marker": ">"},
    "given": {"marker": "D"},
    "altered": {"marker": ((-0.6, 0.5), (-0.2, -0.5), (0.2, 0.5), (0.6, -0.5), (0.6, -0.2),
                           (0.2, 0.8), (-0.2, -0.2), (-0.6, 0.8))},
}  # fmt: skip


def draw_signs(ax: Axes, handover: Handover) -> tuple[list[Artist], list[Artist]]:
    """Draws what stays of a handover, apart from its bridges.

    Returns:
        What is there from the beginning of the motion, and what comes at its end.
    """
    early: list[Artist] = []
    late: list[Artist] = []
    for kind, first, last in _groups(handover):
        if kind == "on":
            early += _draw_rails(ax, handover, first, last)
        elif kind == "reset" and handover.word == "new":
            pass  # the layer was built with zeros: nothing was wiped
        elif kind in ("reset", "altered"):
            early += (_draw_wall if kind == "reset" else _draw_rift)(ax, handover, first, last)
        if kind in ("reset", "fresh"):
            late += draw_rings(ax, handover, kind, np.arange(first, last + 1))
        elif kind == "given":
            late += _draw_diamonds(ax, handover, np.arange(first, last + 1))
    if "given" in handover.origins:
        early += _draw_tray(ax, handover)
    if handover.alike == "altered":
        early += _draw_box(ax, handover)
    moved = handover.goes_on & ~handover.own_lane
    if moved.any() and not handover.layout.are_threads:
        early += _draw_arrows(ax, handover, np.flatnonzero(moved))
    return early, late


def _groups(handover: Handover) -> Iterator[tuple[str, int, int]]:
    """Neighbouring lanes with the same shape: which, the first lane and the last."""
    threads = handover.layout.are_threads
    kinds = [
        "" if not origin else "moved" if goes and not own and not threads else
        "on" if goes and not handover.comes_back else origin
        for origin, goes, own in zip(
            handover.origins, handover.goes_on, handover.own_lane, strict=True
        )
    ]  # fmt: skip
    if threads:  # one axis: each shape once, over all of it
        for kind in dict.fromkeys(filter(None, kinds)):
            yield kind, 0, handover.lanes - 1
        return
    place = 0
    for kind, members in groupby(kinds):
        count = len(list(members))
        yield kind, place, place + count - 1
        place += count


def _pixels(handover: Handover, x: float, y: float) -> tuple[float, float]:
    """Pixels of CSS as columns and lanes."""
    return x / handover.layout.column, y / handover.layout.pitch


def _line(ax: Axes, x: Any, y: Any, **style: Any) -> list[Line2D]:
    return ax.plot(x, y, clip_on=False, zorder=style.pop("zorder", 3.2), **style)


def _edges(handover: Handover, first: int, last: int) -> tuple[float, float]:
    beyond = min(_BEYOND / handover.layout.pitch, 0.12 if last - first + 1 < handover.lanes else 9)
    return first - 0.5 - beyond, last + 0.5 + beyond


def rails(ax: Axes, left: float, right: float, top: float, bottom: float) -> list[Artist]:
    """Draws the rails between which a state is carried over."""
    look: dict[str, Any] = {"facecolor": color("carried"), "alpha": 0.1, "zorder": 0.5}
    tint = draw_box(ax, left, top, right - left, bottom - top, **look)
    x, y = [left, right, np.nan, left, right], [top, top, np.nan, bottom, bottom]
    return [tint, *_line(ax, x, y, linewidth=3 * POINTS, color=color("carried"))]


def rift(ax: Axes, x: float, side: float, y: np.ndarray, zorder: float) -> list[Artist]:
    """Draws the rift in which a state is altered: a zigzag about x through places from the top."""
    at = x + np.where(np.arange(len(y)) % 2, side, -side)
    return [
        *_line(ax, at, y, color=GROUND, linewidth=8 * POINTS, zorder=zorder),
        *_line(ax, at, y, color=INK, linewidth=2 * POINTS, zorder=zorder + 0.1),
    ]


def _draw_rails(ax: Axes, handover: Handover, first: int, last: int) -> list[Artist]:
    top, bottom = _edges(handover, first, last)
    left, right = handover.begins, handover.ends
    drawn = rails(ax, left, right, top, bottom)
    style: dict[str, Any] = {"color": color("carried")}
    if handover.layout.gap * handover.layout.column > 24:
        middle = (left + right) / 2
        style |= {"linestyle": "None", "marker": ">", "markersize": 12 * POINTS}
        drawn += _line(ax, [middle] * 2, [top, bottom], markeredgewidth=0, zorder=3.3, **style)
    return drawn


def _draw_wall(ax: Axes, handover: Handover, first: int, last: int) -> list[Artist]:
    wide, _ = _pixels(handover, 8, 0)
    top, bottom = _edges(handover, first, last)
    if handover.alike == "reset":
        top, bottom = top - 11 / handover.layout.pitch, bottom + 5 / handover.layout.pitch
    look: dict[str, Any] = {"facecolor": color("reset"), "zorder": 7}
    return [draw_box(ax, handover.wall - wide / 2, top, wide, bottom - top, **look)]


def _draw_rift(ax: Axes, handover: Handover, first: int, last: int) -> list[Artist]:
    top, bottom = _edges(handover, first, last)
    count = 2 * max(3, round((bottom - top) * handover.layout.pitch / 24)) + 1
    y = np.linspace(top, bottom, count)
    side, _ = _pixels(handover, 5.5, 0)
    return rift(ax, handover.wall, side, y, 6.8)


def _draw_box(ax: Axes, handover: Handover) -> list[Artist]:
    """The box over the rift that says what altered the state: values go in and come out changed."""
    word = handover.word[:12]
    wide, high = _pixels(handover, LETTER * len(word) + 14, 22)
    _, over = _pixels(handover, 0, OVER)
    left = min(handover.wall - wide / 2, handover.layout.columns - 0.5 - wide)
    y = -0.5 - over
    look: dict[str, Any] = {"facecolor": GROUND, "edgecolor": INK, "linewidth": 2 * POINTS}
    box = draw_box(ax, left, y - high / 2, wide, high, zorder=7, **look)
    text = write(ax, left + wide / 2, y, word, ha="center", zorder=8)
    x = [handover.wall] * 2
    ends = [y + high / 2, -0.5 - _BEYOND / handover.layout.pitch]
    return [box, text, *_line(ax, x, ends, color=INK, linewidth=2 * POINTS)]


def draw_rings(ax: Axes, handover: Handover, origin: str, rows: np.ndarray) -> list[Artist]:
    """A ring on each zero line where a state begins at zero; one knot where lanes are threads."""
    x = handover.right + handover.width / 2
    y, size = rows, min(RING, 0.34 * handover.layout.pitch + 2)
    if handover.layout.are_threads:
        y, size = np.array([handover.zero]), KNOT
    elif np.any(handover.after.filled(0)[rows]):
        return []  # zeros were wanted, and something else was there
    return [*_line(ax, np.full(len(y), x), y, **ring(origin, size))]


def sign(origin: Origin, size: float) -> dict[str, Any]:
    """How the sign of an origin is drawn, which is told by its shape alone; size in CSS pixels."""
    style = {"color": color(origin), "linestyle": "None", "clip_on": False}
    return style | {"markersize": size * POINTS, "markeredgewidth": 0.0} | SIGNS[origin]


def ring(origin: str, size: float) -> dict[str, Any]:
    """How a ring is drawn."""
    return {
        "linestyle": "None",
        "marker": "o",
        "markersize": size * POINTS,
        "markerfacecolor": GROUND,
        "markeredgecolor": color(origin),
        "markeredgewidth": (3 if size > RING else 2) * POINTS,
        "zorder": 7,
    }


def _draw_diamonds(ax: Axes, handover: Handover, rows: np.ndarray) -> list[Artist]:
    beside, _ = _pixels(handover, 10, 0)
    y = np.array([handover.zero]) if handover.layout.are_threads else rows
    style = {"color": color("given"), "linestyle": "None", "marker": "D"}
    size = min(8, 0.3 * handover.layout.pitch + 2) if not handover.layout.are_threads else 11
    x = np.full(len(y), handover.right - beside)
    return [*_line(ax, x, y, markersize=size * POINTS, markeredgewidth=0, zorder=7, **style)]


def _draw_tray(ax: Axes, handover: Handover) -> list[Artist]:
    left, right, top, bottom = handover.tray
    wide, high = _pixels(handover, 12, 8)
    style: dict[str, Any] = {"color": color("given")}
    x, y = [left - wide] * 2 + [right + wide] * 2, [top, bottom + high, bottom + high, top]
    middle = (left + right) / 2
    tip = handover.lanes - 0.5 + 13 / handover.layout.pitch
    drawn = [
        *_line(ax, x, y, linewidth=3 * POINTS, **style),
        *_line(ax, [middle] * 2, [bottom, tip], linewidth=2 * POINTS, **style),
        *_line(ax, [middle], [tip], marker="^", markersize=11 * POINTS, linestyle="None", **style),
    ]
    if handover.comes_back:  # it went down before it came up
        x = [handover.left + handover.width / 2] * 2 + [left - wide]
        y = [handover.lanes - 0.5 + _BEYOND / handover.layout.pitch, bottom, bottom]
        drawn += _line(ax, x, y, linewidth=2 * POINTS, linestyle=(0, (3, 2)), **style)
    return [*drawn]


def _draw_arrows(ax: Axes, handover: Handover, rows: np.ndarray) -> list[Artist]:
    """Lines to lanes from those of the batch before, as many as can be told apart."""
    count = min(len(rows), MOST_ARROWS)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, count).round().astype(int))]
    before = handover.lanes_before[rows]
    x = np.tile([handover.begins, handover.ends, np.nan], len(rows))
    y = np.column_stack([before, rows, np.full(len(rows), np.nan)]).ravel()
    style: dict[str, Any] = {"color": color(str(handover.origins[rows[0]]))}
    ends = 0.9 * rows + 0.1 * before
    at = np.full(len(rows), 0.9 * handover.ends + 0.1 * handover.begins)
    tips: dict[str, Any] = {"linestyle": "None", "marker": ">", "markersize": 9 * POINTS}
    return [
        *_line(ax, x, y, linewidth=2 * POINTS, **style),
        *_line(ax, at, ends, markeredgewidth=0, **tips, **style),
    ]
