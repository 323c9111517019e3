"""compare: two recordings on one clock, and where their states part."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

import stateviz
from stateviz.drawing import lanes
from stateviz.playing import stage
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
    titles = [ax.get_title("left") for ax in player.figure.axes]
    assert titles[0] == "with"
    assert "without" in titles
    # Said once it is reached, and not before: a guess comes first.
    said = "first at t = 1 of fit, epoch 0, batch 1"
    parts = player.stops[TIMESTEPS + 1 + 2]
    for frame in (0, parts - 1, parts, player.n_frames - 1):
        player.frame = frame
        assert (said in texts(player)) == (frame >= parts)
    same = stateviz.compare(recording_of(*one), recording_of(*one))
    assert not any("the same bit for bit" in each for each in texts(same))
    same.frame = same.n_frames - 1
    assert any("the same bit for bit" in each for each in texts(same))


def test_a_frame_shows_both_up_to_one_column_and_says_how_far_they_are_apart() -> None:
    one, other = parted()
    player = stateviz.compare(recording_of(*one), recording_of(*other), unit=1)
    assert len(player.stops) == 3 * (TIMESTEPS + 1)
    player.frame = player.stops[(TIMESTEPS + 1) + 2]  # the second batch, t = 1
    assert player.readout == "fit, epoch 0, batch 1   t = 1   apart by 8.000"
    [first, second] = [ax.images[0] for ax in player.figure.axes if ax.get_ylabel() == "lane"]
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
    assert few.title.startswith("h, the hidden state")


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


def test_equal_lanes_look_equal_also_where_they_outnumber_the_pixels() -> None:
    random = np.random.default_rng(3)
    lanes_count, timesteps = 200, 5
    states = random.normal(size=(2, lanes_count, timesteps, 1)).astype("float32")
    zeros = np.zeros((lanes_count, 1), "float32")
    batch = a_batch(
        0,
        batch_size=lanes_count,
        samples=np.arange(lanes_count),
        inputs=None,
        initial_hidden_state=zeros,
        initial_cell_state=zeros,
        hidden_state=states[0],
        cell_state=states[1],
        final_hidden_state=states[0][:, -1],
        final_cell_state=states[1][:, -1],
    )
    player = stateviz.compare(recording_of(batch), recording_of(batch))
    player.frame = player.n_frames - 1
    picture = mpl.image.imread(io.BytesIO(stage.poster_png(player.figure)))
    height, width = picture.shape[:2]
    panels = []
    for ax in (ax for ax in player.figure.axes if ax.get_ylabel() == "lane"):
        box = ax.get_position()
        # Without the axes' own lines and the marker in the gap.
        left, right = int((box.x0 + 0.6 * box.width) * width), int(box.x1 * width) - 8
        top, bottom = round((1 - box.y1) * height), round((1 - box.y0) * height)
        panels.append(picture[top + 2 : bottom - 2, left:right])
    assert len(np.unique(panels[0][:, 0], axis=0)) > 50
    np.testing.assert_array_equal(panels[0], panels[1])
