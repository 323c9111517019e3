"""The way back that lesson 3 shows: as far as the gradient goes, and no further."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch

from stateviz.course.gradient import _GRADIENT, _STATE, Cut, play_gradient

STATE, GRADIENT = 1, 2
FILLED = {to_rgba(_STATE): STATE, to_rgba(_GRADIENT): GRADIENT, to_rgba("none"): 0}


def cut(*lengths: int) -> Cut:
    steps = sum(lengths)
    gradient = np.zeros(steps)
    gradient[steps - lengths[-1] :] = 1
    return Cut(lengths, np.arange(1.0, steps + 1), gradient)


def filled(cells: Sequence[Patch]) -> list[int]:
    return [FILLED[to_rgba(cell.get_facecolor())] for cell in cells]


def test_the_gradient_stops_where_it_was_measured_to_stop() -> None:
    player = play_gradient({"whole": cut(6), "cut": cut(4, 2)})
    [ax] = player.figure.axes
    whole, parts = ax.patches[:6], ax.patches[6:]
    told = {}
    for frame in (0, 3, 6, 8, 9, 12):
        player.frame = frame
        told[frame] = filled(whole), filled(parts), player.readout
    assert told[0][:2] == ([0] * 6, [0] * 6)
    assert told[3][:2] == ([STATE] * 3 + [0] * 3,) * 2
    assert told[6][2] == "all 6 timesteps read: the state has crossed each border"
    assert told[8][:2] == ([STATE] * 4 + [GRADIENT] * 2,) * 2
    assert told[9][:2] == ([STATE] * 3 + [GRADIENT] * 3, [STATE] * 4 + [GRADIENT] * 2)
    assert told[12][0] == [GRADIENT] * 6
    assert told[12][2] == "inputs that the gradient has reached: whole: 6, cut: 2"


def test_a_wall_stands_at_the_border_that_stopped_it_and_not_before() -> None:
    player = play_gradient({"whole": cut(6), "cut": cut(4, 2)})
    [ax] = player.figure.axes
    walls = [line for line in ax.lines if line.get_linewidth() == 5]
    player.frame = 7
    assert [np.size(wall.get_xdata()) for wall in walls] == [0, 0]
    player.frame = 12
    assert [np.asarray(wall.get_xdata()).tolist() for wall in walls] == [[], [3.5, 3.5]]


def test_the_numbers_beside_a_row_are_those_that_were_measured() -> None:
    player = play_gradient({"cut": cut(4, 2)})
    number = player.figure.axes[0].texts[-1]
    for frame, words in ((0, ""), (2, "c = 2"), (6, "c = 6"), (12, "c = 6\n2 of 6 inputs")):
        player.frame = frame
        assert number.get_text() == words


def test_cuts_of_other_lengths_cannot_stand_under_each_other() -> None:
    with pytest.raises(ValueError, match=r"as many timesteps; these have \[3, 4\]"):
        play_gradient({"a": cut(3), "b": cut(4)})
