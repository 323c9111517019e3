"""The text of the last lesson, and the lanes it is cut into."""

from __future__ import annotations

import numpy as np
import pytest

from stateviz.course.data import SONNET_18, one_hot, text_lanes


def test_the_poem_is_a_sonnet() -> None:
    lines = SONNET_18.splitlines()
    assert len(lines) == 14
    assert lines[0] == "Shall I compare thee to a summer's day?"
    assert lines[13] == "So long lives this, and this gives life to thee."
    rhymes = [line.rstrip(".,;:?").split()[-1][-2:] for line in lines]
    assert [rhymes[place] for place in (1, 4, 8, 12)] == [rhymes[place] for place in (3, 6, 10, 13)]
    assert SONNET_18.isascii()


@pytest.mark.parametrize(("lanes", "timesteps"), [(8, 32), (1, 10), (5, 624)])
def test_each_lane_reads_on(lanes: int, timesteps: int) -> None:
    X, y, characters = text_lanes(lanes=lanes, timesteps=timesteps)
    assert X.shape == (*y.shape, len(characters))
    assert (X.sum(axis=2) == 1).all()
    twice = SONNET_18 * 3
    for lane in range(lanes):
        read = "".join(characters[code] for code in X[lane::lanes].argmax(axis=2).ravel())
        after = "".join(characters[code] for code in y[lane::lanes].ravel())
        start = lane * len(SONNET_18) // lanes
        assert read == twice[start : start + len(read)]
        assert after == twice[start + 1 : start + 1 + len(read)]


def test_one_hot_keeps_the_shape() -> None:
    codes = np.array([[1, 2], [0, 1]])
    assert one_hot(codes, 3).shape == (2, 2, 3)
    np.testing.assert_array_equal(one_hot(codes, 3).argmax(axis=2), codes)
