"""Each sample has a lane of its own, and each batch begins with what its lanes began with."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import stateviz
from stateviz.drawing import lanes, timeline
from stateviz.recording import BatchRecord, LayerRecording, Recording, StateName
from tests.building.recordings import SAMPLES, TIMESTEPS, a_batch, there

INPUTS = np.random.default_rng(5).normal(size=(SAMPLES, TIMESTEPS, 2))


@pytest.fixture
def ax() -> Axes:
    return Figure().add_subplot()


def batches(count: int = 3) -> list[BatchRecord]:
    return [a_batch(index, inputs=INPUTS + index) for index in range(count)]


def a_short_one(index: int) -> BatchRecord:
    whole = a_batch(index)
    return a_batch(
        index,
        samples=whole.samples[:1],
        inputs=INPUTS[:1],
        **{
            name: getattr(whole, name)[:1]
            for name in (
                *("initial_hidden_state", "hidden_state", "final_hidden_state"),
                *("initial_cell_state", "cell_state", "final_cell_state"),
            )
        },
    )


@pytest.mark.parametrize("state", ["hidden", "cell"])
def test_a_lane_holds_its_own_sample_and_nothing_else(state: StateName) -> None:
    records = [*batches(2), a_short_one(2)]
    layout = lanes.lay_out(records)
    shown = lanes.state_lanes(records, state, 1)
    assert shown.shape == (SAMPLES, layout.columns)
    for start, record in zip(layout.starts, records, strict=True):
        for lane in range(len(record.samples)):
            row = shown[lane, start : start + TIMESTEPS + 1]
            expected = [
                record.state(state).initial[lane, 1],
                *record.state(state).after[lane, :, 1],
            ]
            np.testing.assert_array_equal(row, expected)
    mask = np.ma.getmaskarray(shown)
    assert mask[1:, layout.starts[2] :].all()
    gaps = [column for start in layout.starts for column in range(start - lanes.GAP, start)]
    assert mask[:, gaps].all()
    assert mask.sum() == len(gaps) * SAMPLES + (SAMPLES - 1) * (TIMESTEPS + 1)


def test_inputs_stand_over_the_state_that_they_made() -> None:
    records = batches()
    shown = lanes.input_lanes(records, 1)
    for start, record in zip(lanes.lay_out(records).starts, records, strict=True):
        columns = slice(start + 1, start + 1 + TIMESTEPS)
        np.testing.assert_array_equal(shown[:, columns], there(record.inputs)[:, :, 1])
        assert np.ma.getmaskarray(shown)[:, start].all()


def test_what_is_not_read_yet_is_left_open(ax: Axes) -> None:
    records = batches()
    values = lanes.state_lanes(records, "cell", 0)
    image = lanes.draw_lanes(ax, values, cmap="RdBu_r", column=3)
    shown = image.get_array()
    np.testing.assert_array_equal(there(shown)[:, 2:4], values[:, 2:4])
    assert np.ma.getmaskarray(there(shown))[:, 4:].all()
    assert image.norm.vmax == pytest.approx(np.abs(values).max())


@pytest.mark.parametrize(("samples", "marked"), [(1, 1), (10, 10), (200, 20)])
def test_every_lane_or_every_nth_is_marked(ax: Axes, samples: int, marked: int) -> None:
    whole = a_batch(0)
    many = {
        name: np.repeat(getattr(whole, name)[:1], samples, axis=0) for name in ("hidden_state",)
    }
    record = a_batch(0, samples=np.arange(samples), **many)
    [line] = lanes.draw_handovers(ax, [record], timeline.MARKERS)
    assert len(np.asarray(line.get_ydata())) == marked
    assert line.get_marker() == timeline.MARKERS["reset"]["marker"]


def played(records: list[BatchRecord]) -> stateviz.Player:
    layer = LayerRecording("lstm", "LSTM", 2, stateful=True, batches=records)
    return stateviz.play_batches(Recording([layer]), unit=1)


def test_the_scene_reads_all_lanes_in_parallel() -> None:
    records = batches()
    player = played(records)
    values = lanes.state_lanes(records, "cell", 1)
    columns = lanes.lay_out(records).frames
    assert player.n_frames == len(columns) == 3 * (TIMESTEPS + 1)
    axes = player.figure.axes
    image = axes[2].images[0]
    for frame, column in enumerate(columns):
        player.frame = frame
        filled = ~np.ma.getmaskarray(np.ma.asarray(image.get_array()))
        assert (filled.all(axis=0) | ~filled.any(axis=0)).all()
        assert filled.any(axis=0).sum() == frame + 1
        np.testing.assert_array_equal(
            np.ma.asarray(image.get_array())[:, column], values[:, column]
        )
    player.frame = TIMESTEPS + 1
    first = ", ".join(f"{value:.2f}" for value in there(records[1].initial_cell_state)[:, 1])
    assert player.readout == (
        f"fit, epoch 0, batch 1   before t = 0: carried over   c by lane = {first}"
    )


def test_handovers_appear_when_their_batch_begins() -> None:
    player = played(batches())
    handovers = [line for line in player.figure.axes[2].lines if line.get_linestyle() == "None"]
    for frame, expected in [(0, 1), (TIMESTEPS, 1), (TIMESTEPS + 1, 2), (player.n_frames - 1, 3)]:
        player.frame = frame
        assert sum(line.get_visible() for line in handovers) == expected


def test_without_inputs_only_the_state_is_shown() -> None:
    player = played([a_batch(index) for index in range(2)])
    assert len(player.figure.axes) == 2
    assert repr(player) == "Player('lstm: 4 lanes, 2 batches', 8 frames)"


def test_what_is_not_there_is_refused() -> None:
    layer = LayerRecording("lstm", "LSTM", 2, stateful=True, batches=batches())
    recording = Recording([layer])
    with pytest.raises(IndexError, match=r"batch=3 is out of range"):
        stateviz.play_batches(recording, batches=[0, 3])
    with pytest.raises(ValueError, match=r"no state 'carry'; it has \['hidden', 'cell'\]"):
        stateviz.play_batches(recording, state="carry")  # type: ignore[arg-type]
    with pytest.raises(IndexError, match=r"unit=2 is out of range"):
        stateviz.play_batches(recording, unit=2)
    with pytest.raises(ValueError, match="received an empty sequence"):
        stateviz.play_batches(recording, batches=[])
    assert stateviz.play_batches(recording, batches=[1]).n_frames == TIMESTEPS + 1
