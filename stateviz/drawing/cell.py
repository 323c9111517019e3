"""The diagram of a recurrent cell, filled in with the numbers of one unit at one timestep.

What is carried is a stream, as thick as its value is large, in the colour of its sign; below zero
it has a pale core. A gate is a pair of jaws that narrow it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from stateviz.drawing import FONT, HEAD, POINTS, draw_box, write, written
from stateviz.drawing.diagrams import (
    BODY,
    GAUGE,
    GAUGES,
    HIGH,
    WIDE,
    Diagram,
    Gauge,
    Jaws,
    Node,
    Number,
    Stream,
)
from stateviz.playing.theme import GROUND, INK, color, soft

_THINNEST, _THICKEST, _CORE = 2.0, 34.0, 0.36
_JAW, _BEYOND, _LEAST_ROOM = 5.0, 9.0, 10.0
Values = Mapping[str, float]
Part = tuple[tuple[str, ...], Sequence[Artist], Callable[[Values], None]]


class Cell:
    """A diagram on an axes.

    Args:
        ax: An axes of its own, `diagrams.WIDE` by `diagrams.HIGH` pixels of CSS.
        diagram: The diagram.
        reach: The value of the thickest stream.
    """

    def __init__(self, ax: Axes, diagram: Diagram, reach: float) -> None:
        self.ax, self.diagram, self._reach = ax, diagram, reach
        ax.set_xlim(0, WIDE)
        ax.set_ylim(HIGH, 0)
        ax.axis("off")
        ax.autoscale(False)
        draw_box(ax, *BODY, facecolor=soft(0.04))
        for line in diagram.lines:
            ax.plot(*zip(*line, strict=True), color=soft(0.5), linewidth=2 * POINTS, zorder=1)
        for jaws in diagram.jaws:
            wire = zip(*jaws.wire, strict=True)
            ax.plot(*wire, color=soft(0.5), linewidth=1.5 * POINTS, zorder=1)
        self._streams = [(each, _draw_stream(ax, each)) for each in diagram.streams]
        self._jaws = [(each, _draw_jaws(ax)) for each in diagram.jaws]
        self._gauges = [(each, _draw_gauge(ax, each)) for each in diagram.gauges]
        self._numbers = [(each, _draw_number(ax, each)) for each in diagram.numbers]
        for node in diagram.nodes:
            _draw_node(ax, node)

    def notes(self) -> list[tuple[tuple[float, float, float, float], str]]:
        """What is said of each part: left, right, bottom and top of its place, and the words."""
        found = []
        for gauge in self.diagram.gauges:
            half = GAUGE[0] / 2
            box = gauge.x - half, gauge.x + half, GAUGES + GAUGE[1], GAUGES
            found.append((box, gauge.words))
        meet: list[tuple[Node | Jaws, float]] = [(jaws, 12.0) for jaws in self.diagram.jaws]
        meet += [(node, 21.0 if len(node.symbol) > 1 else 12.0) for node in self.diagram.nodes]
        for each, half in meet:
            x, y = each.at
            found.append(((x - half, x + half, y + half, y - half), each.words))
        return found

    def parts(self) -> list[Part]:
        """The artists that change together, the values that they show, and what sets them."""
        return [
            *(
                ((each.value,), lines, partial(self._show_stream, each.value, lines))
                for each, lines in self._streams
            ),
            *(
                ((each.value, each.of), both, partial(self._show_jaws, each, both))
                for each, both in self._jaws
            ),
            *(
                ((each.value,), both, partial(_show_gauge, each, both))
                for each, both in self._gauges
            ),
            *(
                ((each.value,), (text,), partial(_show_number, each.value, text))
                for each, text in self._numbers
                if each.value
            ),
        ]

    def show(self, values: Values) -> None:
        """Shows values by their names; what has none is not known yet."""
        for _, _, show in self.parts():
            show(values)

    def _thickness(self, value: float) -> float:
        share = min(abs(value) / self._reach, 1.0) if np.isfinite(value) else 1.0
        return round(_THINNEST + (_THICKEST - _THINNEST) * share, 1)

    def _show_stream(self, name: str, lines: tuple[Line2D, Line2D, Line2D], values: Values) -> None:
        value, (line, core, arrow) = values.get(name), lines
        thick = _THINNEST if value is None else self._thickness(value)
        line.set_linewidth(thick * POINTS)
        line.set_color(soft(0.25) if value is None else _sign_color(value))
        core.set_visible(value is not None and value < 0)
        core.set_linewidth(round(max(thick * _CORE, 0.8), 1) * POINTS)
        arrow.set_visible(arrow.get_label() == "arrow" and value is not None)
        arrow.set_markersize((thick + 12) * POINTS)
        arrow.set_xdata([float(np.asarray(line.get_xdata())[-1]) + (thick + 12) / 2 - 2])
        arrow.set_color(soft(0.25) if value is None else _sign_color(value))

    def _show_jaws(self, jaws: Jaws, both: Sequence[Rectangle], values: Values) -> None:
        opened, stream = values.get(jaws.value), values.get(jaws.of)
        known = opened is not None and stream is not None
        room = max(self._thickness(stream) if stream is not None else 0, _LEAST_ROOM)
        inner = room / 2 * (float(np.clip(opened, 0, 1)) if known and opened is not None else 1.0)
        length = room / 2 + _BEYOND - inner
        x, y = jaws.at
        for side, jaw in zip((-1, 1), both, strict=True):
            begin = side * inner if side > 0 else -inner - length
            if jaws.across == "y":
                jaw.set_bounds(x - _JAW / 2, y + begin, _JAW, length)
            else:
                jaw.set_bounds(x + begin, y - _JAW / 2, length, _JAW)


def said(value: float | None) -> str:
    """A value with its sign and two decimals; "" where it is not known."""
    return "" if value is None else written(value)


def _sign_color(value: float) -> str:
    return color("below" if value < 0 else "above")


def _draw_stream(ax: Axes, stream: Stream) -> tuple[Line2D, Line2D, Line2D]:
    x, y = np.array(stream.through).T
    [line] = ax.plot(x, y, zorder=2, clip_on=False)
    [core] = ax.plot(x, y, color=GROUND, alpha=0.75, zorder=2.1, clip_on=False)
    end = stream.through[-1]
    [arrow] = ax.plot([end[0]], [end[1]], linestyle="None", marker=">", markeredgewidth=0,
                      zorder=2.2, clip_on=False)  # fmt: skip
    arrow.set_label("arrow" if stream.arrow else "none")
    return line, core, arrow


def _draw_jaws(ax: Axes) -> list[Rectangle]:
    return [draw_box(ax, 0, 0, 1, 1, facecolor=INK, zorder=6) for _ in range(2)]


def _draw_gauge(ax: Axes, gauge: Gauge) -> tuple[Rectangle, Text]:
    wide, high = GAUGE
    left = gauge.x - wide / 2
    look: dict[str, Any] = {"facecolor": soft(0.06), "edgecolor": soft(0.5), "zorder": 3}
    draw_box(ax, left, GAUGES, wide, high, linewidth=1.5 * POINTS, **look)
    if gauge.signed:  # where zero is
        ax.plot([left, left + wide], [GAUGES + high / 2] * 2, color=soft(0.5), linewidth=POINTS,
                zorder=3.3)  # fmt: skip
    fill = draw_box(ax, left, GAUGES, wide, 0, facecolor=soft(0.34), zorder=3.2)
    write(ax, gauge.x, GAUGES + high + 33, gauge.label, ha="center", color=soft(0.66))
    text = write(ax, gauge.x, GAUGES + high + 15, "", ha="center", weight="bold")
    return fill, text


def _show_gauge(gauge: Gauge, both: tuple[Rectangle, Text], values: Values) -> None:
    wide, high = GAUGE
    value, (fill, text) = values.get(gauge.value), both
    text.set_text("" if value is None else said(value) if gauge.signed else f"{value:.2f}")
    opened = 0.0 if value is None or not np.isfinite(value) else float(np.clip(value, -1, 1))
    if gauge.signed:
        middle, half = GAUGES + high / 2, high / 2 - 3
        fill.set_bounds(gauge.x - wide / 2 + 3, middle - max(opened, 0) * half, wide - 6,
                        abs(opened) * half)  # fmt: skip
        fill.set_facecolor(_sign_color(opened))
    else:
        height = max(opened, 0) * (high - 6)
        fill.set_bounds(gauge.x - wide / 2 + 3, GAUGES + high - 3 - height, wide - 6, height)


def _draw_number(ax: Axes, number: Number) -> Text:
    x, y = number.at
    write(ax, x, y, number.word, ha=number.align, color=soft(0.66))
    size = HEAD if number.large else FONT
    return write(ax, x, y + 19, "", ha=number.align, weight="bold", fontsize=size, zorder=8)


def _show_number(name: str, text: Text, values: Values) -> None:
    text.set_text(said(values.get(name)))


def _draw_node(ax: Axes, node: Node) -> None:
    size = 42 if len(node.symbol) > 1 else 24
    x, y = node.at
    ax.plot([x], [y], marker="o", markersize=size * POINTS, markerfacecolor=GROUND,
            markeredgecolor=INK, markeredgewidth=1.5 * POINTS, zorder=7)  # fmt: skip
    write(ax, *node.at, node.symbol, ha="center", va="center_baseline", zorder=8)
