"""The diagrams of the cells that Keras has, as data: which parts, where, and what meets what.

The equations are Keras's own: Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al.
(2000) for an LSTM, Cho et al. (2014) for a GRU, Elman (1990) for a SimpleRNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]
WIDE, HIGH = 100.0, 50.0  # the diagram's own units


@dataclass(frozen=True)
class Chip:
    """A value in a box of its own; `words` say under the pointer what it is."""

    value: str
    label: str
    at: Point
    words: str


@dataclass(frozen=True)
class Valve:
    """A gate: filled from its floor, or from its middle where it can be negative."""

    value: str
    label: str
    at: Point
    words: str
    signed: bool = False


@dataclass(frozen=True)
class Road:
    """What carries a value from place to place, with an arrow at its end."""

    value: str
    through: tuple[Point, ...]
    arrow: bool = True


@dataclass(frozen=True)
class Junction:
    """Where values meet: ×, +, or a function."""

    symbol: str
    at: Point
    words: str


@dataclass(frozen=True)
class Amount:
    """A value beside a road, with a word for what it is."""

    value: str
    word: str
    at: Point


Way = tuple[float, float, str, tuple[Point, ...]]


@dataclass(frozen=True)
class Diagram:
    """All parts of a cell's diagram.

    Attributes:
        chips, valves, roads, junctions, amounts: The parts.
        body: The cell itself: left, bottom, width and height.
        ways: For each value that moves on the way to a timestep, its stretches: the part of the way
            at which it begins and ends, the value, and the points that it passes.
    """

    chips: tuple[Chip, ...]
    valves: tuple[Valve, ...]
    roads: tuple[Road, ...]
    junctions: tuple[Junction, ...]
    amounts: tuple[Amount, ...]
    body: tuple[float, float, float, float]
    ways: tuple[Way, ...]


_TOP, _FLOOR, _ABOVE = 40.0, 10.0, 49.0
_LEFT_CHIP, _RIGHT_CHIP = 5.0, 95.0
_X_CHIP = (22.0, 0.5)
_LEFT_OF_OUT = 73.5
_X = Chip("x", "x", _X_CHIP, "x: what this timestep reads")
_H_BEFORE = "h before: what the layer gave out at the timestep before"
_H_NOW = "h now: goes out of the layer, and to the next timestep"
_CANDIDATE = "the candidate g: what could be added, made of x and h before"
PHI = "φ: the layer's activation; tanh, unless another was chosen"


def _to_gates(places: Sequence[float], value: str) -> tuple[Road, ...]:
    """The road from h before and x along the floor, up to each gate."""
    floor = _FLOOR - 2.0
    along = Road(value, ((_LEFT_CHIP + 6.5, floor), (max(places), floor)), arrow=False)
    ups = [Road(value, ((x, floor), (x, 13.4))) for x in places]
    return along, Road("x", ((_X_CHIP[0], 4.3), (_X_CHIP[0], floor))), *ups


LSTM = Diagram(
    chips=(
        Chip("c before", "c before", (_LEFT_CHIP, _TOP), "c before: the cell state so far"),
        Chip("h before", "h before", (_LEFT_CHIP, _FLOOR - 2), _H_BEFORE),
        _X,
        Chip("c", "c now", (_RIGHT_CHIP, _TOP), "c now: what was kept and what was added"),
        Chip("h", "h now", (_RIGHT_CHIP, _FLOOR - 2), _H_NOW),
    ),
    valves=(
        Valve(
            "f",
            "forget\nf",
            (30, 19),
            "the forget gate f: 1 keeps all of c before, 0 nothing of it",
        ),
        Valve(
            "i",
            "input\ni",
            (43, 19),
            "the input gate i: 1 adds all of the candidate, 0 nothing of it",
        ),
        Valve("g", "candidate\ng", (57, 19), _CANDIDATE, signed=True),
        Valve(
            "o",
            "output\no",
            (71, 19),
            "the output gate o: 1 lets all of tanh(c) out as h, 0 nothing",
        ),
    ),
    roads=(
        Road("c before", ((_LEFT_CHIP + 6.5, _TOP), (28.3, _TOP))),
        Road("kept", ((31.7, _TOP), (48.3, _TOP))),
        Road("f", ((30, 23.5), (30, _TOP - 2.4))),
        Road("i", ((43, 23.5), (43, 30), (48.3, 30))),
        Road("g", ((57, 23.5), (57, 30), (51.7, 30))),
        Road("added", ((50, 32.4), (50, _TOP - 2.4))),
        Road("c", ((51.7, _TOP), (_RIGHT_CHIP - 6.5, _TOP))),
        Road("c", ((79, _TOP), (79, 37.4))),
        Road("squashed", ((79, 32.6), (79, 29.4))),
        Road("o", ((71, 23.5), (71, 27), (77.3, 27))),
        Road("h", ((80.7, 27), (84.5, 27), (84.5, _FLOOR - 2), (_RIGHT_CHIP - 6.5, _FLOOR - 2))),
        Road("h", ((84.5, 27), (84.5, _ABOVE))),
        *_to_gates((30, 43, 57, 71), "h before"),
    ),
    junctions=(
        Junction("×", (30, _TOP), "f × c before: what is kept"),
        Junction("+", (50, _TOP), "c now: what is kept and what is added meet"),
        Junction("×", (50, 30), "i × g: what is added"),
        Junction("tanh", (79, 35), "tanh(c): between −1 and 1"),
        Junction("×", (79, 27), "h now: o × what comes from c"),
    ),
    amounts=(
        Amount("kept", "kept: f × c before", (40, 43.4)),
        Amount("added", "added:\ni × g", (60, 35.2)),
        Amount("", "out of the layer", (_LEFT_OF_OUT, _ABOVE - 0.6)),
    ),
    body=(15, 5.6, 72, 40),
    ways=(
        (0.0, 0.3, "h before", ((_LEFT_CHIP, 8), (71, 8))),
        (0.1, 0.3, "x", (_X_CHIP, (_X_CHIP[0], 8))),
        (0.1, 0.4, "c before", ((_LEFT_CHIP, _TOP), (30, _TOP))),
        (0.4, 0.6, "kept", ((30, _TOP), (50, _TOP))),
        (0.3, 0.45, "i", ((43, 24), (43, 30), (50, 30))),
        (0.3, 0.45, "g", ((57, 24), (57, 30), (50, 30))),
        (0.45, 0.6, "added", ((50, 30), (50, _TOP))),
        (0.6, 0.95, "c", ((50, _TOP), (_RIGHT_CHIP, _TOP))),
        (0.7, 1.0, "h", ((79, 27), (84.5, 27), (84.5, 8), (_RIGHT_CHIP, 8))),
    ),
)

GRU = Diagram(
    chips=(
        Chip("h before", "h before", (_LEFT_CHIP, _TOP), _H_BEFORE),
        _X,
        Chip("h", "h now", (_RIGHT_CHIP, _TOP), _H_NOW),
    ),
    valves=(
        Valve(
            "z",
            "update\nz",
            (30, 19),
            "the update gate z: 1 keeps all of h before, 0 nothing of it",
        ),
        Valve(
            "r",
            "reset\nr",
            (43, 19),
            "the reset gate r: how much of h before the candidate is made of; it resets no state",
        ),
        Valve("g", "candidate\ng", (57, 19), _CANDIDATE, signed=True),
        Valve("1 − z", "1 − z", (72, 19), "1 − z: how much of the candidate comes in"),
    ),
    roads=(
        Road("h before", ((_LEFT_CHIP + 6.5, _TOP), (28.3, _TOP))),
        Road("kept", ((31.7, _TOP), (62.8, _TOP))),
        Road("z", ((30, 23.5), (30, _TOP - 2.4))),
        Road("r", ((47, 19), (52.8, 19))),
        Road("g", ((57, 23.5), (57, 30), (62.8, 30))),
        Road("1 − z", ((72, 23.5), (72, 30), (66.2, 30))),
        Road("added", ((64.5, 32.4), (64.5, _TOP - 2.4))),
        Road("h", ((66.2, _TOP), (_RIGHT_CHIP - 6.5, _TOP))),
        Road("h", ((84.5, _TOP), (84.5, _ABOVE))),
        Road("h before", ((_LEFT_CHIP, _TOP - 4), (_LEFT_CHIP, 8), (57, 8)), arrow=False),
        Road("x", ((_X_CHIP[0], 4.3), (_X_CHIP[0], 8))),
        *(Road("h before", ((x, 8), (x, 13.4))) for x in (30, 43, 57)),
    ),
    junctions=(
        Junction("×", (30, _TOP), "z × h before: what is kept"),
        Junction("×", (64.5, 30), "(1 − z) × g: what is added"),
        Junction("+", (64.5, _TOP), "h now: what is kept and what is added meet"),
    ),
    amounts=(
        Amount("kept", "kept: z × h before", (46, 43.4)),
        Amount("added", "added:\n(1 − z) × g", (53, 35.2)),
        Amount("", "out of the layer", (_LEFT_OF_OUT, _ABOVE - 0.6)),
    ),
    body=(15, 5.6, 72, 40),
    ways=(
        (0.0, 0.3, "h before", ((_LEFT_CHIP, _TOP), (_LEFT_CHIP, 8), (57, 8))),
        (0.1, 0.4, "h before", ((_LEFT_CHIP, _TOP), (30, _TOP))),
        (0.1, 0.3, "x", (_X_CHIP, (_X_CHIP[0], 8))),
        (0.45, 0.7, "kept", ((30, _TOP), (64.5, _TOP))),
        (0.3, 0.5, "g", ((57, 24), (57, 30), (64.5, 30))),
        (0.3, 0.5, "1 − z", ((72, 24), (72, 30), (64.5, 30))),
        (0.5, 0.7, "added", ((64.5, 30), (64.5, _TOP))),
        (0.7, 1.0, "h", ((64.5, _TOP), (_RIGHT_CHIP, _TOP))),
    ),
)

SIMPLE = Diagram(
    chips=(
        Chip("h before", "h before", (_LEFT_CHIP, 27), _H_BEFORE),
        Chip("x", "x", (42, _X_CHIP[1]), _X.words),
        Chip("h", "h now", (_RIGHT_CHIP, 27), _H_NOW),
    ),
    valves=(),
    roads=(
        Road("h before", ((_LEFT_CHIP + 6.5, 27), (40.3, 27))),
        Road("x", ((42, 4.3), (42, 24.6))),
        Road("inside", ((43.7, 27), (61.3, 27))),
        Road("h", ((64.7, 27), (_RIGHT_CHIP - 6.5, 27))),
        Road("h", ((80, 27), (80, _ABOVE))),
    ),
    junctions=(
        Junction("+", (42, 27), "W x + U h before + b, over all features and all units"),
        Junction("φ", (63, 27), PHI),
    ),
    amounts=(
        Amount("", "all units, weighted", (28, 30.4)),
        Amount("", "x, weighted", (48.5, 15)),
        Amount("", "out of the layer", (69, _ABOVE - 0.6)),
    ),
    body=(15, 5.6, 72, 40),
    ways=(
        (0.0, 0.5, "h before", ((_LEFT_CHIP, 27), (42, 27))),
        (0.1, 0.5, "x", ((42, 0.5), (42, 27))),
        (0.5, 1.0, "h", ((42, 27), (_RIGHT_CHIP, 27))),
    ),
)
