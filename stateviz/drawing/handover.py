"""What becomes of the state between two batches: the state column on its way, and what stays.

The *state column* holds the state of all lanes; it is one tensor. Between the last timestep of a
batch and the first of the next its lanes go one of five ways, each with a shape that stays:

- carried: it glides across between two rails, and the state bridges the gap at its height;
- fresh: the old column falls away, and a new one of zeros grows; an empty gap, rings behind it;
- reset: the same column goes on, and a wall wipes its content to zeros; rings behind the wall;
- given: the old column falls away, and another rises out of a tray below; diamonds on the lanes;
- altered: it goes into a jagged rift under a box that says why, and comes out changed.

A given state that is that of the batch before goes through the tray itself. Where rows go different
ways, each lane has its own shape: those that go on glide, the others end where they are.

x is in columns, y in lanes, downwards; `part` is how much of the way has passed, from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stateviz.drawing.lanes import Layout
from stateviz.recording import Origin

LEFT_OPACITY = 0.92  # how much of itself what leaves has lost at the end
_WIPES = 6  # pictures of a column that is wiped
OVER, UNDER = 40.0, 56.0  # pixels of CSS, of the box above and the tray below

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
        before: The final state of the batch before, shape (lanes, 1); None where that is not shown.
        after: The state that the next batch begins with, shape (lanes, 1).
        origins: How each lane's state began; "" where the batch has no such lane.
        lanes_before: For each lane the one of the batch before whose state it begins with, shape
            (lanes,); NaN where there is none.
        left: Where the column stands at the end of the batch before; without it, where it enters.
        right: Where it stands at the beginning of the next.
        width: The column's own width.
        layout: Where the batches stand.
        word: What altered the state, in a word; "new" where zeros are those it was built with.
        zero: Where zero is on an axis of threads, in lanes.
    """

    before: np.ma.MaskedArray | None
    after: np.ma.MaskedArray
    origins: Sequence[Origin | str]
    lanes_before: np.ndarray
    left: float
    right: float
    width: float
    layout: Layout
    word: str = ""
    zero: float = 0.0

    @cached_property
    def goes_on(self) -> np.ndarray:
        """Which lanes begin with a state that is shown to leave, or with one that was carried."""
        goes: np.ndarray = ~np.isnan(self.lanes_before)
        if self.before is None:
            goes |= [origin == "carried" for origin in self.origins]
        return goes

    @property
    def own_lane(self) -> np.ndarray:
        """Which lanes go on as the same lane."""
        moved = ~np.isnan(self.lanes_before) & (self.lanes_before != np.arange(self.lanes))
        stays: np.ndarray = self.goes_on & ~moved
        return stays

    @cached_property
    def alike(self) -> Origin | None:
        """How all lanes began, where they did so alike and go on each in its own lane."""
        origins: set[Any] = {*self.origins} - {""}
        there = np.array([origin != "" for origin in self.origins])
        kept = self.own_lane[there].all() or not self.goes_on[there].any()
        # Those that no lane of this batch goes on from end, which is seen by row.
        return next(iter(origins)) if len(origins) == 1 and kept else None

    @property
    def lanes(self) -> int:
        """How many lanes there are."""
        return len(self.after)

    @property
    def comes_back(self) -> bool:
        """Whether a given state is that of the batch before."""
        return self.alike == "given" and bool(self.goes_on.any())

    @property
    def begins(self) -> float:
        """Where the gap begins."""
        return self.ends - self.layout.gap

    @property
    def ends(self) -> float:
        """Where the gap ends, and the card of the next batch begins."""
        return self.right + (self.width - 1) / 2

    @property
    def wall(self) -> float:
        """Where a wall or a rift stands, in the gap, between two columns of it."""
        return self.begins + max(self.layout.gap // 2, 0.5)

    @cached_property
    def going_on(self) -> np.ma.MaskedArray:
        """What the lanes hold that go on, shape (lanes, 1); masked where one begins anew."""
        return np.ma.masked_where(~self.goes_on[:, np.newaxis], self.after)

    @cached_property
    def ending(self) -> np.ma.MaskedArray:
        """What the lanes of the batch before hold that do not go on, shape (lanes, 1)."""
        assert self.before is not None
        goes = np.isin(np.arange(len(self.before)), self.lanes_before)
        return np.ma.masked_where(goes[:, np.newaxis], self.before)

    @cached_property
    def wiped(self) -> tuple[np.ma.MaskedArray, ...]:
        """The state before as it is wiped to zeros at a wall."""
        assert self.before is not None
        return tuple(self.before * (1 - (k + 1) / (_WIPES + 1)) for k in range(_WIPES))

    @property
    def tray(self) -> Box:
        """The place below out of which a given state comes."""
        under = UNDER / self.layout.pitch
        bottom = self.lanes - 0.5
        return self.right, self.right + self.width, bottom + 0.5 * under, bottom + 0.9 * under

    def at(self, part: float) -> tuple[Column | None, Column | None]:
        """The column that will be the state, and the one that leaves, if there are such."""
        if self.alike is None:
            return self._by_row(part)
        motions = {
            "carried": self._carried,
            "fresh": self._fresh,
            "reset": self._reset,
            "given": self._given,
            "altered": self._altered,
        }
        return motions[self.alike](part)

    def standing(self, x: float) -> Box:
        """A column in its lanes."""
        return x, x + self.width, -0.5, self.lanes - 0.5

    def _x(self, part: float) -> float:
        return self.left + eased(part) * (self.right - self.left)

    def _carried(self, part: float) -> tuple[Column | None, Column | None]:
        values = self.after if self.before is None else self.before
        return Column(values, self.standing(self._x(part))), None

    def _by_row(self, part: float) -> tuple[Column | None, Column | None]:
        ending = None
        if self.before is not None and not self.ending.mask.all():
            ending = Column(self.ending, self.standing(self.left), 1 - LEFT_OPACITY * part)
        return Column(self.going_on, self.standing(self._x(part))), ending

    def _fresh(self, part: float) -> tuple[Column | None, Column | None]:
        if self.before is not None and part < 0.3:
            return None, self._falling(part)
        grown = max(0.04, eased((part - 0.3) / 0.7))
        middle = self.zero if self.layout.are_threads else self.lanes / 2 - 0.5
        top, bottom = (middle + grown * (end - middle) for end in (-0.5, self.lanes - 0.5))
        box = self.right, self.right + self.width, top, bottom
        return Column(self.after, box), self._falling(part)

    def _falling(self, part: float) -> Column | None:
        if self.before is None or part > 0.7:
            return None
        gone = part / 0.7
        fallen = eased(gone) * 1.1 * UNDER / self.layout.pitch
        left, right, top, bottom = self.standing(self.left)
        box = left, right, top + fallen, bottom + fallen
        return Column(self.before, box, 1 - LEFT_OPACITY * gone)

    def _reset(self, part: float) -> tuple[Column | None, Column | None]:
        if self.before is None:
            begins = self.wall + 0.3 * self.width
            x = begins + eased(part) * (self.right - begins)
            return Column(self.after, self.standing(x)), None
        x = self._x(part)
        passed = (x + self.width - self.wall) / self.width
        wiped = self.before if passed <= 0 else self.after
        if 0 < passed < 1:
            wiped = self.wiped[int(passed * _WIPES)]
        return Column(wiped, self.standing(x)), None

    def _given(self, part: float) -> tuple[Column | None, Column | None]:
        begins, ends = self.standing(self.left), self.standing(self.right)
        if self.comes_back and part < 0.5:
            return Column(self.after, _on_the_way(begins, self.tray, 2 * part)), None
        if self.comes_back:
            return Column(self.after, _on_the_way(self.tray, ends, 2 * part - 1)), None
        if self.before is not None and part < 0.25:
            return None, self._falling(part)
        box = _on_the_way(self.tray, ends, (part - 0.25) / 0.75)
        return Column(self.after, box), self._falling(part)

    def _altered(self, part: float) -> tuple[Column | None, Column | None]:
        x = self._x(part)
        if self.before is None:
            x = self.wall + eased(part) * (self.right - self.wall)
        middle = x + self.width / 2
        values = self.before if self.before is not None and middle < self.wall else self.after
        hidden = min(1.0, abs(middle - self.wall) / self.width + 0.12)  # in the rift it is not seen
        return Column(values, self.standing(x), hidden), None

    def bridges(self) -> Iterator[tuple[np.ndarray, slice, np.ndarray]]:
        """What stays of the state in the gap: lanes, columns of the gap, and the value of each."""
        start, gap = round(self.ends + 0.5), self.layout.gap
        end = start - gap
        middle = end + round(self.wall - self.begins)
        lanes = np.arange(self.lanes)
        on = self.own_lane if not self.layout.are_threads else self.goes_on
        if not self.comes_back:
            yield lanes[on], slice(end, start), self.after[on, 0]
        origins = np.array(self.origins)
        if self.before is None:
            return
        stopped = ~self.goes_on & np.isin(origins, ["reset", "altered"])
        yield lanes[stopped], slice(end, middle), self.before[stopped, 0]
        changed = ~self.goes_on & (origins == "altered")
        yield lanes[changed], slice(middle, start), self.after[changed, 0]


def eased(part: float) -> float:
    """The same way, which begins and ends gently, but never stands still."""
    part = min(max(part, 0.0), 1.0)
    return 0.6 * part * part * (3 - 2 * part) + 0.4 * part


def _on_the_way(one: Box, other: Box, part: float) -> Box:
    passed = eased(part)
    left, right, top, bottom = (a + passed * (b - a) for a, b in zip(one, other, strict=True))
    return left, right, top, bottom
