"""The diagram of a recurrent cell, filled in with the numbers of one unit at one timestep.

Roads carry values: wide where the value is large, solid where it is positive, dashed where it is
negative. Gates are valves that open by their value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.text import Text

from stateviz.drawing.diagrams import (
    HIGH,
    WIDE,
    Amount,
    Chip,
    Diagram,
    Junction,
    Point,
    Road,
    Valve,
    Way,
)

_FONT = 11
_PLUS, _MINUS, _UNKNOWN = "#b2182b", "#2166ac", (0.5, 0.5, 0.5, 0.45)
_DASHES = (0, (2.2, 1.1))
_VALVE = "#e8a62e"
_VALVE_SIZE = 8.0, 9.0
_CHIP_SIZE = 13.0, 7.5
_JUNCTION_SIZE = 5.0, 5.0
_THINNEST, _WIDEST = 1.2, 7.0
_LINE = "black"


class Cell:
    """A diagram on an axes.

    Args:
        ax: An axes of its own.
        diagram: The diagram.
        reach: The value of the widest road.
    """

    def __init__(self, ax: Axes, diagram: Diagram, reach: float) -> None:
        self.ax, self.diagram, self._reach = ax, diagram, reach
        ax.set_xlim(0, WIDE)
        ax.set_ylim(-4.2, HIGH)
        ax.axis("off")
        left, bottom, width, height = diagram.body
        ax.add_patch(
            FancyBboxPatch(
                (left, bottom),
                width,
                height,
                boxstyle="round,pad=0,rounding_size=1.5",
                facecolor=(0.5, 0.5, 0.5, 0.07),
                edgecolor=(0.5, 0.5, 0.5, 0.8),
            )
        )
        self._roads = [(road, *_draw_road(ax, road)) for road in diagram.roads]
        for junction in diagram.junctions:
            _draw_junction(ax, junction)
        self._valves = [(valve, *_draw_valve(ax, valve)) for valve in diagram.valves]
        self._chips = [(chip, _draw_chip(ax, chip)) for chip in diagram.chips]
        self._amounts = [(amount, _draw_amount(ax, amount)) for amount in diagram.amounts]
        self._beads = [_draw_bead(ax) for _ in diagram.ways]

    def notes(self) -> list[tuple[tuple[float, float, float, float], str]]:
        """What is said of each part: left, right, bottom and top of its place, and the words."""
        parts: list[tuple[Chip | Valve | Junction, tuple[float, float]]] = [
            *((part, _CHIP_SIZE) for part in self.diagram.chips),
            *((part, _VALVE_SIZE) for part in self.diagram.valves),
            *((part, _JUNCTION_SIZE) for part in self.diagram.junctions),
        ]
        return [
            ((x - width / 2, x + width / 2, y - height / 2, y + height / 2), part.words)
            for part, (width, height) in parts
            for x, y in [part.at]
        ]

    def show(self, values: dict[str, float], moving: float | None) -> list[Artist]:
        """Shows values by their names; what has none is not known yet.

        Args:
            values: The values.
            moving: How much of the way to a timestep has passed, from 0 to 1; None at a timestep.
        """
        changed: list[Artist] = []
        for road, line, arrow in self._roads:
            changed += _show_road(line, arrow, values.get(road.value), self._reach)
        for valve, fill, number in self._valves:
            changed += _show_valve(valve, fill, number, values.get(valve.value))
        for chip, number in self._chips:
            number.set_text(said(values.get(chip.value)))
            changed.append(number)
        for amount, number in self._amounts:
            if amount.value:
                number.set_text(f"{amount.word} {said(values.get(amount.value))}".strip())
                changed.append(number)
        for bead, way in zip(self._beads, self.diagram.ways, strict=True):
            self._show_bead(bead, way, values, moving)
            changed.append(bead)
        return changed

    def _show_bead(
        self,
        bead: Rectangle,
        way: Way,
        values: dict[str, float],
        moving: float | None,
    ) -> None:
        begins, ends, name, through = way
        value = values.get(name)
        on_its_way = moving is not None and begins <= moving < ends and value is not None
        bead.set_visible(on_its_way)
        if not on_its_way or moving is None or value is None:
            return
        x, y = _along(through, (moving - begins) / (ends - begins))
        half = 0.6 + 1.3 * _share(value, self._reach)
        bead.set_bounds(x - half, y - half, 2 * half, 2 * half)
        bead.set_facecolor(_color(value))


def said(value: float | None) -> str:
    """A value with its sign and two decimals; "" where it is not known."""
    return "" if value is None else f"{value:+.2f}".replace("-", "−")


def _share(value: float, reach: float) -> float:
    return min(abs(value) / reach, 1.0) if np.isfinite(value) else 1.0


def _color(value: float) -> str:
    return _MINUS if value < 0 else _PLUS


def _along(through: Sequence[Point], part: float) -> Point:
    """The point after a part of a path."""
    points = np.array(through, float)
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    far = part * lengths.sum()
    reached = np.concatenate([[0], np.cumsum(lengths)])
    return (
        float(np.interp(far, reached, points[:, 0])),
        float(np.interp(far, reached, points[:, 1])),
    )


def _draw_road(ax: Axes, road: Road) -> tuple[Line2D, Line2D | None]:
    x, y = np.array(road.through).T
    [line] = ax.plot(x, y, linewidth=_THINNEST, color=_UNKNOWN, zorder=1, clip_on=False)
    if not road.arrow:
        return line, None
    (x0, y0), (x1, y1) = road.through[-2:]
    marker = (">" if x1 > x0 else "<") if abs(x1 - x0) > abs(y1 - y0) else "^" if y1 > y0 else "v"
    [arrow] = ax.plot([x1], [y1], marker=marker, markersize=8, color=_UNKNOWN, clip_on=False)
    return line, arrow


def _show_road(
    line: Line2D, arrow: Line2D | None, value: float | None, reach: float
) -> list[Artist]:
    color = _UNKNOWN if value is None else _color(value)
    line.set_color(color)
    share = 0.0 if value is None else _share(value, reach)
    line.set_linewidth(round(_THINNEST + (_WIDEST - _THINNEST) * share, 2))
    line.set_linestyle("-" if value is None or value >= 0 else _DASHES)
    if arrow is None:
        return [line]
    arrow.set_color(color)
    return [line, arrow]


def _draw_junction(ax: Axes, junction: Junction) -> None:
    x, y = junction.at
    function = len(junction.symbol) > 1
    size = 34 if function else 22
    ax.plot([x], [y], marker="o", markersize=size, markerfacecolor="none", color=_LINE)
    ax.text(x, y, junction.symbol, ha="center", va="center_baseline", fontsize=_FONT)


def _draw_valve(ax: Axes, valve: Valve) -> tuple[Rectangle, Text]:
    x, y = valve.at
    width, height = _VALVE_SIZE
    left, bottom = x - width / 2, y - height / 2
    fill = Rectangle((left, bottom), width, 0, facecolor=_VALVE, linewidth=0, zorder=1.5)
    ax.add_patch(fill)
    ax.add_patch(Rectangle((left, bottom), width, height, fill=False, edgecolor=_LINE, zorder=2))
    if valve.signed:  # where zero is
        for end, out in ((left, -1.3), (left + width, 1.3)):
            ax.plot([end, end + out], [y, y], color=_LINE, linewidth=1.2)
    ax.text(x + 1.1, bottom - 0.6, valve.label, ha="left", va="top", fontsize=_FONT, linespacing=1)
    number = ax.text(x, y, "", ha="center", va="center", fontsize=_FONT, weight="bold", zorder=5)
    return fill, number


def _show_valve(valve: Valve, fill: Rectangle, number: Text, value: float | None) -> list[Artist]:
    x, y = valve.at
    width, height = _VALVE_SIZE
    opened = 0.0 if value is None or not np.isfinite(value) else float(np.clip(value, -1, 1))
    if valve.signed:
        half = opened * height / 2
        fill.set_bounds(x - width / 2, y + min(half, 0), width, abs(half))
    else:
        fill.set_bounds(x - width / 2, y - height / 2, width, max(opened, 0) * height)
    number.set_text("" if value is None else f"{value:.2f}".replace("-", "−"))
    return [fill, number]


def _draw_chip(ax: Axes, chip: Chip) -> Text:
    x, y = chip.at
    width, height = _CHIP_SIZE
    ax.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=1",
            facecolor="none",
            edgecolor=_LINE,
            linewidth=1.4,
            clip_on=False,
        )
    )
    ax.text(x, y + 1.7, chip.label, ha="center", va="center", fontsize=_FONT)
    return ax.text(x, y - 1.7, "", ha="center", va="center", fontsize=_FONT + 1, weight="bold")


def _draw_amount(ax: Axes, amount: Amount) -> Text:
    return ax.text(*amount.at, amount.word, ha="center", va="center", fontsize=_FONT)


def _draw_bead(ax: Axes) -> Rectangle:
    bead = Rectangle((0, 0), 1, 1, linewidth=1, edgecolor="white", zorder=4, clip_on=False)
    ax.add_patch(bead)
    return bead
