"""compare: two recordings on one clock, and where their states part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.drawing import lanes
from stateviz.recording import BatchRecord, LayerRecording, Recording
from stateviz.scenes import comparison
from tests.building.recordings import TIMESTEPS, UNITS, a_batch, changed, there

# Of three batches; a batch takes a gap, its initial state and its timesteps.
GAP = lanes.lay_out([a_batch(index) for index in range(3)]).gap
COLUMNS = GAP + 1 + TIMESTEPS


def recording_of(*batches: BatchRecord) -> Recording:
    return Recording([LayerRecording("lstm", "LSTM", UNITS, True, list(batches))])


def parted() -> tuple[list[BatchRecord], list[BatchRecord]]:
    """Three batches each; the second differs at its timestep 1, in one unit of one sample."""
    one = [a_batch(index) for index in range(3)]
    other = list(one)
    cell = there(one[1].cell_state).copy()
    cell[1, 1, 1] += 8
    other[1] = changed(one[1], cell_state=cell, origin="reset")
    return one, other


def test_the_difference_is_the_largest_of_any_unit_and_sample() -> None:
    one, other = parted()
    apart = comparison.difference(one, other, "cell")
    assert len(apart) == 3 * COLUMNS
    where = COLUMNS + GAP + 1 + 1  # the second batch, after its gap and initial state, t = 1
    assert apart[where] == pytest.approx(8)
    assert np.flatnonzero(apart.filled(0)).tolist() == [where]
    assert np.flatnonzero(np.ma.getmaskarray(apart))[:GAP].tolist() == list(range(GAP))


def texts(player: stateviz.Player) -> list[str]:
    every = [text for ax in player.figure.axes for text in ax.texts]
    return [text.get_text() for text in every if text.get_visible()]


def test_it_says_where_two_runs_part_first() -> None:
    one, other = parted()
    player = stateviz.compare(recording_of(*one), recording_of(*other), names=("with", "without"))
    assert [text.get_text() for text in player.figure.texts][:2] == ["with", "without"]
    # Said once it is reached, and not before: a guess comes first.
    said = "first at t = 1 of fit, epoch 0, batch 1"
    parts = player.stops[TIMESTEPS + 1 + 2]
    for frame in (0, parts - 1, parts, player.n_frames - 1):
        player.frame = frame
        assert (said in player.readout) == (frame >= parts)
    same = stateviz.compare(recording_of(*one), recording_of(*one))
    same.frame = 0
    assert "0, bit for bit" not in texts(same)
    same.frame = same.n_frames - 1
    assert texts(same).count("0, bit for bit") == 3
    assert same.readout.endswith("the same bit for bit")


def test_a_frame_shows_both_up_to_one_column_and_says_how_far_they_are_apart() -> None:
    one, other = parted()
    player = stateviz.compare(recording_of(*one), recording_of(*other), unit=1)
    assert len(player.stops) == 3 * (TIMESTEPS + 1)
    player.frame = player.stops[(TIMESTEPS + 1) + 2]  # the second batch, t = 1
    assert player.readout == (
        "fit, epoch 0, batch 1   t = 1   apart by 8.000   first at t = 1 of fit, epoch 0, batch 1"
    )
    [first, second] = [ax.images[0] for ax in player.figure.axes if ax.get_label() == "lanes"]
    column = COLUMNS + GAP + 2
    assert np.ma.asarray(first.get_array())[1, column] == there(one[1].cell_state)[1, 1, 1]
    assert np.ma.asarray(second.get_array())[1, column] == there(other[1].cell_state)[1, 1, 1]
    for image in (first, second):
        assert np.ma.getmaskarray(np.ma.asarray(image.get_array()))[:, column + 1 :].all()
        assert image.get_clim() == first.get_clim()
    player.frame = player.stops[TIMESTEPS + 1]
    assert player.readout == (
        "fit, epoch 0, batch 1   before t = 0   a: carried over   b: reset to zeros   "
        "apart by 0.000"
    )


def test_an_lstm_and_a_gru_are_compared_in_the_state_that_both_have() -> None:
    one = [a_batch(index) for index in range(2)]
    other = [changed(batch, cell_state=None) for batch in one]
    for pair in ((one, other), (other, one)):
        player = stateviz.compare(*(recording_of(*batches) for batches in pair))
        assert player.options["state"] == ("h",)
        with pytest.raises(ValueError, match="no state 'cell'"):
            stateviz.compare(*(recording_of(*batches) for batches in pair), state="cell")


def test_what_one_has_more_of_is_left_out() -> None:
    one, other = parted()
    player = stateviz.compare(recording_of(*one), recording_of(*other[:2]))
    assert len(player.stops) == 2 * (TIMESTEPS + 1)
    few = stateviz.compare(recording_of(*one), recording_of(*other), batches=[2], state="hidden")
    assert len(few.stops) == TIMESTEPS + 1
    assert few.title.startswith("h of unit 0")


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"unit": UNITS}, IndexError, "unit=.* is out of range"),
        ({"batches": [7]}, IndexError, "batch=7 is out of range"),
        ({"state": "cello"}, ValueError, "no state 'cello'"),
        ({"layer": "gru"}, KeyError, "no recurrent layer 'gru'"),
    ],
)
def test_bad_arguments_are_refused(
    words: dict[str, Any], error: type[Exception], message: str
) -> None:
    one, other = parted()
    with pytest.raises(error, match=message):
        stateviz.compare(recording_of(*one), recording_of(*other), **words)


def test_batches_of_different_shapes_are_refused() -> None:
    one, _ = parted()
    shorter = changed(
        one[0], cell_state=there(one[0].cell_state)[:, 1:], hidden_state=one[0].hidden_state[:, 1:]
    )
    with pytest.raises(ValueError, match=r"batch 0 of a has .* \(samples, timesteps, units\)"):
        stateviz.compare(recording_of(one[0]), recording_of(shorter))
