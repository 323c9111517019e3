"""The diagrams of the cells that Keras has, as data: which parts, where, and what meets what.

Places are in pixels of CSS from the upper left corner. The equations are Keras's own: Hochreiter
and Schmidhuber (1997) with the forget gate of Gers et al. (2000) for an LSTM, Cho et al. (2014) for
a GRU, Elman (1990) for a SimpleRNN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]
WIDE, HIGH = 760.0, 432.0
BODY = (104.0, 28.0, 552.0, 398.0)  # left, top, width and height of the cell itself
GAUGE = (58.0, 66.0)  # the size of a gauge
_TOP, _MIDDLE, GAUGES, _BUS = 92.0, 196.0, 262.0, 388.0
_F, _I, _G, _O = 196.0, 330.0, 452.0, 570.0  # the gauges
_PLUS, _OUT, _BEGIN, _END = 391.0, 622.0, 24.0, 700.0


@dataclass(frozen=True)
class Stream:
    """What carries a value, as thick as it is large; with an arrow at its end."""

    value: str
    through: tuple[Point, ...]
    arrow: bool = False


@dataclass(frozen=True)
class Gauge:
    """A gate, filled from its floor, or from its middle where it can be negative."""

    value: str
    label: str
    x: float
    words: str
    signed: bool = False


@dataclass(frozen=True)
class Jaws:
    """Two jaws on a stream, which leave as much of it as a gate is open.

    Attributes:
        value: The gate.
        of: The value of the stream before them.
        at: Where they are.
        across: "y" where the stream runs to the right or left, "x" where up or down.
        wire: From the gauge to the jaws.
        words: What is said of them under the pointer.
    """

    value: str
    of: str
    at: Point
    across: Literal["x", "y"]
    wire: tuple[Point, ...]
    words: str


@dataclass(frozen=True)
class Node:
    """Where values meet, +, or go through a function."""

    symbol: str
    at: Point
    words: str


@dataclass(frozen=True)
class Number:
    """A value under a word for what it is; a word alone where it has no value."""

    value: str
    word: str
    at: Point
    align: Literal["left", "center", "right"] = "left"
    large: bool = False


@dataclass(frozen=True)
class Diagram:
    """All parts of a cell's diagram; `lines` are those of which no value is shown."""

    streams: tuple[Stream, ...]
    gauges: tuple[Gauge, ...]
    jaws: tuple[Jaws, ...]
    nodes: tuple[Node, ...]
    numbers: tuple[Number, ...]
    lines: tuple[tuple[Point, ...], ...]


def _bus(begin: float, *ends: float) -> tuple[tuple[Point, ...], ...]:
    """What h before and x run along, up to each gauge."""
    ups = [((x, _BUS), (x, GAUGES + GAUGE[1] + 44)) for x in ends]
    return ((begin, _BUS), (max(ends), _BUS)), *ups


_CANDIDATE = "the candidate g: what could be added, made of x and h before"
PHI = "φ: the layer's activation; tanh, unless another was chosen"
_X = Number("x", "x", (_BEGIN, _BUS + 16))
_ADDED: tuple[Point, ...] = ((_PLUS, _MIDDLE), (_PLUS, _TOP))
_KEEPS: tuple[Point, Literal["x", "y"], tuple[Point, ...]] = (
    (_F, _TOP), "y", ((_F, GAUGES), (_F, _TOP + 30)))  # fmt: skip
_LETS_IN: tuple[Point, Literal["x", "y"], tuple[Point, ...]] = (
    (_PLUS + 26, _MIDDLE), "y",
    ((_I, GAUGES), (_I, _MIDDLE + 36), (_PLUS + 26, _MIDDLE + 36)))  # fmt: skip
_FROM_G: tuple[Point, ...] = ((_G, GAUGES), (_G, _MIDDLE), (_PLUS, _MIDDLE))

LSTM = Diagram(
    streams=(
        Stream("c before", ((_BEGIN, _TOP), (_F, _TOP))),
        Stream("kept", ((_F, _TOP), (_PLUS, _TOP))),
        Stream("g", _FROM_G),
        Stream("added", _ADDED),
        Stream("c", ((_PLUS, _TOP), (_END, _TOP)), arrow=True),
        Stream("squashed", ((_OUT, _TOP), (_OUT, _TOP + 88))),
        Stream("h", ((_OUT, _TOP + 88), (_OUT, _MIDDLE + 34), (_END, _MIDDLE + 34)), arrow=True),
    ),
    gauges=(
        Gauge("f", "forget f", _F, "the forget gate f: 1 keeps all of c before, 0 nothing of it"),
        Gauge("i", "input i", _I, "the input gate i: 1 adds all of the candidate, 0 nothing of it"),
        Gauge("g", "candidate g", _G, _CANDIDATE, signed=True),
        Gauge("o", "output o", _O, "the output gate o: 1 lets all of tanh(c) out as h, 0 nothing"),
    ),
    jaws=(
        Jaws("f", "c before", *_KEEPS, "f × c before: what is kept"),
        Jaws("i", "g", *_LETS_IN, "i × g: what is added"),
        Jaws("o", "squashed", (_OUT, _TOP + 92), "x",
             ((_O, GAUGES), (_O, _TOP + 92), (_OUT - 28, _TOP + 92)),
             "h now: o × what comes from c"),
    ),
    nodes=(
        Node("+", (_PLUS, _TOP), "c now: what is kept and what is added meet"),
        Node("tanh", (_OUT, _TOP + 48), "tanh(c): between −1 and 1"),
    ),
    numbers=(
        Number("c before", "c before", (_BEGIN, 44), large=True),
        Number("kept", "kept: f × c before", ((_F + _PLUS) / 2, 44), "center"),
        Number("added", "added: i × g", (_PLUS + 30, 132)),
        Number("c", "c now", (736, 44), "right", large=True),
        Number("h", "h now", (736, 258), "right", large=True),
        Number("h before", "h before", (_BEGIN, _BUS - 44)),
        _X,
    ),
    lines=_bus(_BEGIN, _F, _I, _G, _O),
)  # fmt: skip

GRU = Diagram(
    streams=(
        Stream("h before", ((_BEGIN, _TOP), (_F, _TOP))),
        Stream("kept", ((_F, _TOP), (_PLUS, _TOP))),
        Stream("g", _FROM_G),
        Stream("added", _ADDED),
        Stream("h", ((_PLUS, _TOP), (_END, _TOP)), arrow=True),
    ),
    gauges=(
        Gauge("z", "update z", _F, "the update gate z: 1 keeps all of h before, 0 nothing of it"),
        Gauge("1 − z", "1 − z", _I, "1 − z: how much of the candidate comes in"),
        Gauge("g", "candidate g", _G, _CANDIDATE, signed=True),
        Gauge("r", "reset r", _O, "the reset gate r: how much of h before the candidate is made "
              "of; it resets no state"),
    ),
    jaws=(
        Jaws("z", "h before", *_KEEPS, "z × h before: what is kept"),
        Jaws("1 − z", "g", *_LETS_IN, "(1 − z) × g: what is added"),
    ),
    nodes=(Node("+", (_PLUS, _TOP), "h now: what is kept and what is added meet"),),
    numbers=(
        Number("h before", "h before", (_BEGIN, 44), large=True),
        Number("kept", "kept: z × h before", ((_F + _PLUS) / 2, 44), "center"),
        Number("added", "added: (1 − z) × g", (_PLUS + 30, 132)),
        Number("h", "h now", (736, 44), "right", large=True),
        _X,
    ),
    lines=(
        ((60, _TOP), (60, _BUS)),
        ((_O - 29, GAUGES + 33), (_G + 29, GAUGES + 33)),
        *_bus(_BEGIN, _F, _G, _O),
    ),
)  # fmt: skip

SIMPLE = Diagram(
    streams=(
        Stream("h before", ((_BEGIN, _MIDDLE), (300, _MIDDLE))),
        Stream("x", ((300, _BUS), (300, _MIDDLE))),
        Stream("inside", ((300, _MIDDLE), (480, _MIDDLE))),
        Stream("h", ((480, _MIDDLE), (_END, _MIDDLE)), arrow=True),
    ),
    gauges=(),
    jaws=(),
    nodes=(
        Node("+", (300, _MIDDLE), "W x + U h before + b, over all features and all units"),
        Node("φ", (480, _MIDDLE), PHI),
    ),
    numbers=(
        Number("h before", "h before", (_BEGIN, _MIDDLE - 60), large=True),
        Number("x", "x", (316, _BUS - 30)),
        Number("", "U h before: all units, weighted", (300, _MIDDLE - 46), "center"),
        Number("", "W x: weighted", (316, _MIDDLE + 60)),
        Number("h", "h now", (736, _MIDDLE - 60), "right", large=True),
    ),
    lines=(),
)
