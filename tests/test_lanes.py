"""Each sample has a lane of its own, and each batch begins with what its lanes began with."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import stateviz
from stateviz.drawing import lanes
from stateviz.playing.moving import Fill
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
    gaps = [column for start in layout.starts for column in range(start - layout.gap, start)]
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
    layout = lanes.lay_out(records)
    reach = lanes.half_lane(values)
    image = lanes.draw_lanes(ax, values, layout, (-reach, reach))
    Fill(image, [values], [layout.starts[0] + 1]).show(0, 0)
    shown: np.ma.MaskedArray = np.ma.asarray(image.get_array())
    first = layout.starts[0]
    np.testing.assert_array_equal(shown[:, first], values[:, first])
    assert np.ma.getmaskarray(shown)[:, first + 1 :].all()
    largest = float(np.abs(values).max())
    assert largest < image.get_clim()[1] < 1.4 * largest  # a round number, and nothing cut off


def played(records: list[BatchRecord]) -> stateviz.Player:
    layer = LayerRecording("lstm", "LSTM", 2, stateful=True, batches=records)
    return stateviz.play_batches(Recording([layer]), unit=1)


def lanes_of(player: stateviz.Player) -> Axes:
    return next(ax for ax in player.figure.axes if ax.get_label() == "lanes")


def test_the_scene_reads_all_lanes_in_parallel() -> None:
    records = batches()
    player = played(records)
    values = lanes.state_lanes(records, "cell", 1)
    layout = lanes.lay_out(records)
    columns = [start + step for start in layout.starts for step in range(TIMESTEPS + 1)]
    assert len(player.stops) == len(columns) == 3 * (TIMESTEPS + 1)
    image = lanes_of(player).images[0]
    for step, (stop, column) in enumerate(zip(player.stops, columns, strict=True)):
        player.frame = stop
        filled = ~np.ma.getmaskarray(np.ma.asarray(image.get_array()))
        assert (filled.all(axis=0) | ~filled.any(axis=0)).all()
        assert filled.any(axis=0).sum() == step + 1
        np.testing.assert_array_equal(
            np.ma.asarray(image.get_array())[:, column], values[:, column]
        )
    player.frame = player.stops[TIMESTEPS + 1]
    first = ", ".join(f"{value:.2f}" for value in there(records[1].initial_cell_state)[:, 1])
    assert player.readout == (
        f"fit, epoch 0, batch 1   before t = 0: carried over   c by lane = {first}"
    )


def test_without_inputs_only_the_state_is_shown() -> None:
    player = played([a_batch(index) for index in range(2)])
    assert [ax.get_label() for ax in player.figure.axes] == ["lanes"]
    assert repr(player) == f"Player('c of unit 1 in 4 lanes · lstm', {player.n_frames} frames)"
    assert len(player.stops) == 8


def test_what_is_not_there_is_refused() -> None:
    layer = LayerRecording("lstm", "LSTM", 2, stateful=True, batches=batches())
    recording = Recording([layer])
    with pytest.raises(IndexError, match=r"batch=3 is out of range"):
        stateviz.play_batches(recording, batches=[0, 3])
    with pytest.raises(ValueError, match=r"no state 'carry'; it has \['hidden', 'cell'\]"):
        stateviz.play_batches(recording, state="carry")  # type: ignore[arg-type]
    with pytest.raises(IndexError, match=r"unit=2 is out of range"):
        stateviz.play_batches(recording, unit=2)
    with pytest.raises(ValueError, match="is empty; name at least one"):
        stateviz.play_batches(recording, batches=[])
    assert len(stateviz.play_batches(recording, batches=[1]).stops) == TIMESTEPS + 1


@pytest.mark.parametrize(
    ("numbers", "heads"),
    [
        ((0, 1, 2), ["fit", "", ""]),
        ((0, 0, 0), ["predict", "predict", "predict"]),
        ((0, 1, 0, 1), ["predict", "", "predict", ""]),
        ((None, None), ["predict", ""]),
    ],
)
def test_each_call_that_counts_anew_has_its_own_head(
    ax: Axes, numbers: tuple[int | None, ...], heads: list[str]
) -> None:
    phase = heads[0]
    records = [
        a_batch(index, phase=phase, epoch=None, batch=number)
        for index, number in enumerate(numbers)
    ]
    texts = lanes.draw_batch_names(ax, records, lanes.lay_out(records), over=50)
    assert [text.get_text().removesuffix(", batch") for text in texts[1::2]] == heads
