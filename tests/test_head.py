"""The point that is the state of a whole run: five ways, told apart by their path."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.lines import Line2D

import stateviz
from stateviz.drawing.head import Crossing
from stateviz.recording import ORIGINS, Origin
from tests.test_motion import a_run, recorded

BEFORE, LOW, HIGH = 0.7, -0.1, 1.0
AFTER: dict[Origin, float] = {
    "carried": BEFORE,
    "fresh": 0.0,
    "reset": 0.0,
    "given": 0.4,
    "altered": 0.4,
}


def crossing(origin: Origin, before: float | None = BEFORE) -> Crossing:
    return Crossing(origin, before, AFTER[origin], LOW, HIGH)


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_point_ends_where_the_batch_begins(origin: Origin) -> None:
    for before in (BEFORE, None):
        dot, _ = crossing(origin, before).at(1.0)
        assert dot.y == pytest.approx(AFTER[origin])
        assert dot.opacity == 1
        assert crossing(origin, None).at(0.5)[1] is None


def test_no_two_origins_go_the_same_way() -> None:
    def way(origin: Origin) -> tuple[object, ...]:
        (first, leaves), (middle, left) = crossing(origin).at(0.0), crossing(origin).at(0.5)
        begins = {BEFORE: "where it was", LOW: "below", HIGH: "above"}.get(first.y, "at zero")
        falls = bool(leaves and left and left.y < leaves.y)
        return begins, leaves is not None, falls, bool(middle.y != first.y)

    assert {origin: way(origin) for origin in ORIGINS} == {
        "carried": ("where it was", False, False, False),
        "reset": ("where it was", False, False, True),
        "fresh": ("at zero", True, True, False),
        "given": ("below", True, True, True),
        "altered": ("above", True, False, True),
    }


def test_the_point_is_on_the_line_and_the_gate_stands_at_a_reset_alone() -> None:
    player = stateviz.play_resets(recorded(a_run("reset", "carried", "fresh", "given", "altered")))
    lines = [line for line in player.figure.axes[0].lines if isinstance(line, Line2D)]
    [line] = [line for line in lines if line.get_linewidth() == 1.3]
    [head] = [line for line in lines if line.get_markersize() == 11]
    [gate] = [line for line in lines if line.get_linewidth() == 4]
    shut: set[int] = set()
    for frame in range(player.n_frames):
        player.frame = frame
        place = int(np.searchsorted(player.stops, frame))
        if gate.get_visible():
            shut.add(place)
        if frame in player.stops:
            y = np.asarray(line.get_ydata(), float)
            [x], [at] = np.asarray(head.get_xdata()), np.asarray(head.get_ydata())
            assert (x, at) == (place + 1, y[np.isfinite(y)][-1])
    assert shut == {0}
    # A carried state runs on at once; each of the others crosses first.
    first = [player.stops[place - 1] + 2 for place in range(1, 5)]
    grown = []
    for place, frame in enumerate(first, start=1):
        player.frame = frame
        grown.append(float(np.asarray(head.get_xdata())[0]) > place)
    assert grown == [True, False, False, False]
