"""What becomes of the state between two batches, as one object that moves: the state column.

The *state column* holds the state of all lanes. Between the last timestep of a batch and the first
of the next it goes one of five ways, which differ in path, shape and word:

- carried: it glides across the gap, lane to lane, along lines that stay;
- fresh: it falls out of the lanes and fades; zeros grow where nothing was;
- reset: it is stopped at a gate, and zeros come out on the other side;
- given: it falls and fades; what was passed rises out of a tray below;
- altered: it fades where it is; another comes down out of a box above.

A given state that is that of the batch before, bit for bit, takes the same way itself: down into
the tray, and from there to the next batch. Where rows go different ways, those that go on glide
along their lines; the others fade where they are, and behind a wall in their lane zeros begin.

x is in columns, y in lanes, downwards; `part` is how much of the way has passed, from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from stateviz.drawing import FONT
from stateviz.drawing.timeline import MARKERS
from stateviz.recording import BatchOrigin, Origin

_MOST_LINES = 12
LEFT_OPACITY = 0.85  # how much of itself what leaves has lost at the end
# Of the height of the lanes, around their middle: a gate reaches beyond them.
_GATE = 1.16

Box = tuple[float, float, float, float]  # left, right, top, bottom


@dataclass(frozen=True)
class Column:
    """A state column at one moment.

    Attributes:
        values: The state of each lane, shape (lanes, 1); masked where a lane has none.
        box: Where it stands: left, right, top, bottom.
        opacity: From 0 to 1.
    """

    values: np.ma.MaskedArray
    box: Box
    opacity: float = 1.0


@dataclass(frozen=True, eq=False)
class Handover:
    """The way from the end of one batch to the beginning of the next.

    Attributes:
        origin: How the next batch's states began.
        before: The final state of the batch before, shape (lanes, 1); None where that is not shown.
        after: The state that the next batch begins with, shape (lanes, 1).
        left: Where the column stands at the end of the batch before; without it, where it enters.
        right: Where it stands at the beginning of the next.
        width: The column's own width.
        over, under: The room over and under the lanes, in lanes.
        word: What reset it, what was given, or what altered it.
        is_same: Whether a given state is that of the batch before.
        lanes_before: Where rows go different ways, for each lane the one of the batch before whose
            state it begins with, shape (lanes,); NaN where there is none. None where all go one.
        origins: Where rows go different ways, how each lane began.
    """

    origin: BatchOrigin
    before: np.ma.MaskedArray | None
    after: np.ma.MaskedArray
    left: float
    right: float
    width: float
    over: float
    under: float
    word: str
    is_same: bool = False
    lanes_before: np.ndarray | None = None
    origins: Sequence[Origin] = ()

    @cached_property
    def going_on(self) -> np.ma.MaskedArray:
        """What the lanes hold that go on, shape (lanes, 1); masked where one begins anew."""
        return np.ma.masked_where(~self._goes[:, np.newaxis], self.after)

    @cached_property
    def ending(self) -> np.ma.MaskedArray:
        """What the lanes of the batch before hold that do not go on, shape (lanes, 1)."""
        assert self.before is not None
        assert self.lanes_before is not None
        goes = np.isin(np.arange(len(self.before)), self.lanes_before)
        return np.ma.masked_where(goes[:, np.newaxis], self.before)

    @property
    def _goes(self) -> np.ndarray:
        """Which lanes go on, also where the batch before is not shown."""
        assert self.lanes_before is not None
        goes: np.ndarray = ~np.isnan(self.lanes_before)
        if self.before is None:
            goes |= [origin == "carried" for origin in self.origins]
        return goes

    @property
    def lanes(self) -> int:
        """How many lanes there are."""
        return len(self.after)

    @property
    def gate(self) -> float:
        """Where the gate stands, in the middle of the gap."""
        return (self.left + self.width + self.right) / 2

    @property
    def drop(self) -> float:
        """Where a column that is dropped falls."""
        return self.left + 0.3 * (self.right - self.left) + 0.15 * self.width

    @property
    def tray(self) -> Box:
        """The place below out of which a given state comes."""
        bottom = self.lanes - 0.5
        return self.right, self.right + self.width, bottom + 0.35 * self.under, bottom + self.under

    @property
    def source(self) -> Box:
        """The box above out of which an altered state comes."""
        half = 0.75 * self.width
        middle = self.right + self.width / 2
        return middle - half, middle + half, -0.5 - 0.95 * self.over, -0.5 - 0.4 * self.over

    def at(self, part: float) -> tuple[Column | None, Column | None]:
        """The column that will be the state, and the one that leaves, if there are such."""
        if self.lanes_before is not None:
            return self._by_row(part)
        ways = {
            "carried": self._carried,
            "fresh": self._fresh,
            "reset": self._reset,
            "given": self._given,
            "altered": self._altered,
        }
        return ways[self.origin](part)

    def standing(self, x: float) -> Box:
        """A column in its lanes."""
        return x, x + self.width, -0.5, self.lanes - 0.5

    def _carried(self, part: float) -> tuple[Column | None, Column | None]:
        x = self.left + eased(part) * (self.right - self.left)
        return Column(self.after if self.before is None else self.before, self.standing(x)), None

    def _by_row(self, part: float) -> tuple[Column | None, Column | None]:
        x = self.left + eased(part) * (self.right - self.left)
        ending = None
        if self.before is not None and not self.ending.mask.all():
            ending = Column(self.ending, self.standing(self.left), 1 - LEFT_OPACITY * part)
        return Column(self.going_on, self.standing(x)), ending

    def _fresh(self, part: float) -> tuple[Column | None, Column | None]:
        grown = max(0.04, eased((part - 0.1) / 0.9))
        middle = self.lanes / 2 - 0.5
        half = grown * self.lanes / 2
        box = self.right, self.right + self.width, middle - half, middle + half
        return Column(self.after, box), self._falling(part)

    def _falling(self, part: float) -> Column | None:
        if self.before is None:
            return None
        x = self.left + eased(part / 0.3) * (self.drop - self.left)
        fallen = eased((part - 0.1) / 0.9) * self.under
        left, right, top, bottom = self.standing(x)
        box = left, right, top + fallen, bottom + fallen
        return Column(self.before, box, 1 - LEFT_OPACITY * part)

    def _reset(self, part: float) -> tuple[Column | None, Column | None]:
        stopped = self.gate - 1.15 * self.width
        begins = self.gate + 0.15 * self.width
        if self.before is None:
            return Column(self.after, self._between(begins, self.right, part)), None
        if part < 0.5:
            return Column(self.before, self._between(self.left, stopped, 2 * part)), None
        gone = 2 * part - 1
        held = Column(self.before, self.standing(stopped), 1 - LEFT_OPACITY * gone)
        return Column(self.after, self._between(begins, self.right, gone)), held

    def _between(self, one: float, other: float, part: float) -> Box:
        return self.standing(one + eased(part) * (other - one))

    def _given(self, part: float) -> tuple[Column | None, Column | None]:
        begins, ends = self.standing(self.left), self.standing(self.right)
        if self.is_same and part < 0.5:
            return Column(self.after, _on_the_way(begins, self.tray, 2 * part)), None
        if self.is_same:
            return Column(self.after, _on_the_way(self.tray, ends, 2 * part - 1)), None
        box = _on_the_way(self.tray, self.standing(self.right), part)
        return Column(self.after, box), self._falling(part)

    def _altered(self, part: float) -> tuple[Column | None, Column | None]:
        box = _on_the_way(self.source, self.standing(self.right), part)
        fading = None
        if self.before is not None:
            fading = Column(self.before, self.standing(self.left), 1 - LEFT_OPACITY * part)
        return Column(self.after, box), fading


def eased(part: float) -> float:
    """The same way, which begins and ends gently, but never stands still."""
    part = min(max(part, 0.0), 1.0)
    return 0.6 * part * part * (3 - 2 * part) + 0.4 * part


def _on_the_way(one: Box, other: Box, part: float) -> Box:
    passed = eased(part)
    left, right, top, bottom = (a + passed * (b - a) for a, b in zip(one, other, strict=True))
    return left, right, top, bottom


def draw_signs(ax: Axes, handover: Handover) -> list[Artist]:
    """Draws what stays of a handover: its lines and arrows, a gate, a tray or a box, with words."""
    if handover.lanes_before is not None:
        return _draw_by_row(ax, handover)
    signs = {
        "carried": _draw_lines,
        "fresh": _draw_drop,
        "reset": _draw_gate,
        "given": _draw_tray,
        "altered": _draw_source,
    }
    return signs[handover.origin](ax, handover)


def _draw_lines(ax: Axes, handover: Handover) -> list[Artist]:
    lanes = np.arange(handover.lanes)
    return _arrows(ax, handover, lanes, lanes, MARKERS["carried"]["color"])


def _arrows(
    ax: Axes, handover: Handover, rows: np.ndarray, rows_before: np.ndarray, color: Any
) -> list[Artist]:
    """Lines from rows of the batch before to rows of the next, as many as can be told apart."""
    start = handover.left + (0 if handover.before is None else handover.width)
    shown = np.unique(
        np.linspace(0, len(rows) - 1, min(len(rows), _MOST_LINES)).round().astype(int)
    )
    rows, rows_before = rows[shown], rows_before[shown]
    x = np.tile([start, handover.right, np.nan], len(rows))
    y = np.column_stack([rows_before, rows, np.full(len(rows), np.nan)]).ravel()
    drawn: list[Artist] = [*_line(ax, x, y, color=color, linewidth=1.6)]
    at = 0.88 * handover.right + 0.12 * start
    ends = 0.88 * rows + 0.12 * rows_before
    look = {"color": color, "linestyle": "None", "marker": ">", "markersize": 7}
    return drawn + _line(ax, np.full(len(rows), at), ends, **look)


def _draw_by_row(ax: Axes, handover: Handover) -> list[Artist]:
    """Arrows for the rows that go on; for those that begin anew a wall, and a 0 behind it."""
    before = handover.lanes_before
    assert before is not None
    origins = np.array(handover.origins)
    drawn: list[Artist] = []
    for origin, look in MARKERS.items():
        rows = np.flatnonzero((origins == origin) & handover._goes)
        if len(rows):
            starts = np.where(np.isnan(before[rows]), rows, before[rows])
            drawn += _arrows(ax, handover, rows, starts, look["color"])
        rows = np.flatnonzero((origins == origin) & ~handover._goes)
        if not len(rows):
            continue
        x = np.tile([handover.gate, handover.gate, np.nan], len(rows))
        y = np.column_stack([rows - 0.42, rows + 0.42, np.full(len(rows), np.nan)]).ravel()
        drawn += _line(ax, x, y, color=look["color"], linewidth=4, solid_capstyle="butt")
        zeros = rows[~np.any(handover.after.filled(1)[rows], axis=1)]
        if handover.lanes <= _MOST_LINES:
            at = (handover.gate + handover.right) / 2
            drawn += [_word(ax, at, float(row), "0", color=look["color"]) for row in zeros]
    return drawn


def _draw_drop(ax: Axes, handover: Handover) -> list[Artist]:
    if handover.before is None:
        return []
    color = MARKERS["fresh"]["color"]
    x = handover.drop + handover.width / 2
    bottom = handover.lanes - 0.5
    ends = bottom, bottom + 0.8 * handover.under
    return [
        *_line(ax, [x, x], ends, color=color, linewidth=1.8, linestyle=(0, (2, 1.2))),
        *_line(ax, [x], ends[1:], color=color, linestyle="None", marker="v", markersize=8),
    ]


def _draw_gate(ax: Axes, handover: Handover) -> list[Artist]:
    color = MARKERS["reset"]["color"]
    beyond = (_GATE - 1) / 2 * handover.lanes
    half = 0.11 * handover.width
    gate = Rectangle(
        (handover.gate - half, -0.5 - beyond),
        2 * half,
        handover.lanes + 2 * beyond,
        facecolor=color,
        edgecolor=color,
        linewidth=1.5,
        clip_on=False,
        zorder=2.5,
    )
    ax.add_patch(gate)
    top = -0.5 - beyond
    return [gate, _word(ax, handover.gate, top, handover.word, va="bottom")]


def _draw_tray(ax: Axes, handover: Handover) -> list[Artist]:
    color = MARKERS["given"]["color"]
    left, right, top, bottom = handover.tray
    room = 0.25 * handover.width
    tray = _outline(ax, (left - room, right + room, top, bottom), color)
    x = (left + right) / 2
    ends = top, handover.lanes - 0.5
    return [
        *([] if handover.is_same else _draw_drop(ax, handover)),
        tray,
        *_line(ax, [x, x], ends, color=color, linewidth=1.8),
        *_line(ax, [x], ends[1:], color=color, linestyle="None", marker="^", markersize=9),
    ]


def _draw_source(ax: Axes, handover: Handover) -> list[Artist]:
    color = MARKERS["altered"]["color"]
    left, right, top, bottom = handover.source
    box = _outline(ax, handover.source, color)
    x = (left + right) / 2
    return [
        box,
        *_line(ax, [x, x], [bottom, -0.5], color=color, linewidth=1.8),
        *_line(ax, [x], [-0.5], color=color, linestyle="None", marker="v", markersize=9),
        _word(ax, left - 0.2 * handover.width, (top + bottom) / 2, handover.word, ha="right"),
    ]


def _outline(ax: Axes, box: Box, color: Any) -> Rectangle:
    left, right, top, bottom = box
    outline = Rectangle(
        (left, top),
        right - left,
        bottom - top,
        facecolor="none",
        edgecolor=color,
        linewidth=1.8,
        clip_on=False,
        zorder=2.5,
    )
    ax.add_patch(outline)
    return outline


def _line(ax: Axes, x: Any, y: Any, **look: Any) -> list[Line2D]:
    return ax.plot(x, y, clip_on=False, zorder=2.5, **look)


def _word(ax: Axes, x: float, y: float, word: str, **align: Any) -> Text:
    look = {"ha": "center", "va": "center"} | align
    return ax.text(x, y, word, fontsize=FONT, zorder=6, parse_math=False, **look)
