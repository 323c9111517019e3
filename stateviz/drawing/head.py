"""The state of a whole run as a point that moves along its line.

Where a batch begins, what becomes of the point is one of five ways, the same as between the lanes
of `handover.py`:

- carried: it runs on, and nothing happens to it;
- fresh: it falls out at the bottom and fades; another appears where the zeros are;
- reset: a gate stops it, and it falls to the zeros along the gate;
- given: it falls out and fades; another rises from the bottom;
- altered: it fades where it is; another comes down from the top.
"""

from __future__ import annotations

from dataclasses import dataclass

from stateviz.drawing.handover import LEFT_OPACITY, eased
from stateviz.recording import Origin


@dataclass(frozen=True)
class Dot:
    """A point at one moment.

    Attributes:
        y: Where it is.
        opacity: From 0 to 1.
    """

    y: float
    opacity: float = 1.0


@dataclass(frozen=True)
class Crossing:
    """The way of the point from the end of one batch to the beginning of the next.

    Attributes:
        origin: How the next batch's states began.
        before: Where the point is at the end of the batch before; None before the first.
        after: Where it is when the next batch begins.
        low, high: The ends of the axis.
    """

    origin: Origin
    before: float | None
    after: float
    low: float
    high: float

    def at(self, part: float) -> tuple[Dot, Dot | None]:
        """The point that will be the state, and the one that leaves, if there is one.

        Args:
            part: How much of the way has passed, from 0 to 1.
        """
        if self.origin == "carried" or (self.origin == "reset" and self.before is not None):
            start = self.after if self.before is None else self.before
            return Dot(_between(start, self.after, part)), None
        begins = {"given": self.low, "altered": self.high}.get(self.origin)
        if begins is None:
            coming = Dot(self.after, 0.1 + 0.9 * part)
        else:
            coming = Dot(_between(begins, self.after, part))
        return coming, self._leaving(part)

    def _leaving(self, part: float) -> Dot | None:
        if self.before is None:
            return None
        opacity = 1 - LEFT_OPACITY * part
        if self.origin == "altered":
            return Dot(self.before, opacity)
        return Dot(_between(self.before, self.low, part), opacity)


def _between(one: float, other: float, part: float) -> float:
    return one + (other - one) * eased(part)
