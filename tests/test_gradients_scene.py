"""The scene of both ways: the state crosses a border, and the gradient stops where it does."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import stateviz
from stateviz.playing.player import Player
from tests.building.gradients import falling, trained
from tests.building.recordings import a_recording

STEPS = 3


def axes_of(player: Player) -> dict[str, Any]:
    return {str(ax.get_label()): ax for ax in player.figure.axes}


def area(player: Player) -> np.ma.MaskedArray:
    found: np.ma.MaskedArray = np.ma.asarray(axes_of(player)["gradients"].images[0].get_array())
    row: np.ma.MaskedArray = found[0]
    return row


def words(player: Player) -> list[str]:
    return [t.get_text() for t in axes_of(player)["gradients"].texts if t.get_visible()]


def walls(player: Player) -> list[float]:
    lines = axes_of(player)["gradients"].lines
    return [
        float(np.asarray(line.get_xdata())[0])
        for line in lines
        if line.get_visible() and np.asarray(line.get_ydata()).tolist() == [0, 1]
    ]


def encoder_and_decoder() -> stateviz.Recording:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5, 2))
    _, *states = keras.layers.LSTM(3, return_state=True, name="encoder")(inputs)
    decoded = keras.layers.LSTM(3, name="decoder")(inputs, initial_state=states)
    model = keras.Model(inputs, keras.layers.Dense(1)(decoded))
    model.compile("adam", "mse", jit_compile=False)
    X = np.random.default_rng(0).normal(size=(12, 5, 2)).astype("float32")
    with stateviz.record(model, gradients=True) as recording:
        model.fit(X, X[:, 0, :1], batch_size=4, shuffle=False, verbose=0)
    return recording


def test_it_comes_back_a_timestep_at_a_time_once_the_batch_is_read() -> None:
    player = stateviz.play_gradients(trained(falling(10), falling(10)))
    seen = []
    for stop in player.stops:
        player.frame = stop
        seen.append(int(area(player).count()))
    once = [0] * (STEPS + 1) + [1, 2, 3, 4]
    assert seen == [*once, *[4] * (STEPS + 1), 5, 6, 7, 8]


def test_the_heights_are_the_powers_of_ten_of_what_was_recorded() -> None:
    recording = trained(falling(10), falling(100))
    player = stateviz.play_gradients(recording)
    player.frame = player.n_frames - 1
    heights = area(player).compressed()
    found = [batch.gradients for batch in recording["lstm"].batches]
    powers = np.concatenate([np.log10(each.norms("cell")) for each in found if each])
    apart = np.polyfit(powers, heights, 1)
    assert np.allclose(np.polyval(apart, powers), heights, atol=1e-5)
    assert apart[0] > 0
    assert 0 <= heights.min() < heights.max() <= 1


def test_a_wall_stands_once_it_has_come_back_and_says_what_arrives() -> None:
    player = stateviz.play_gradients(trained(falling(10), [0.07, 0.5, 0.7, 1.0]))
    player.frame = player.stops[2 * STEPS]
    assert walls(player) == []
    player.frame = player.stops[2 * STEPS + 1]
    [first] = walls(player)
    assert {"0.1 % arrives", "nothing before"} <= {*words(player)}
    player.frame = player.n_frames - 1
    assert walls(player)[0] == first
    assert len(walls(player)) == 2
    assert {"7 % arrives", "dropped here"} <= {*words(player)}


def test_what_is_next_to_nothing_and_what_grows_are_said_too() -> None:
    player = stateviz.play_gradients(trained(falling(1e3), falling(0.5), [0.0, 0.0, 0.5, 1.0]))
    assert {"1e-09 arrives", "8 times as much arrives", "nothing arrives"} <= {*words(player)}


def test_to_an_encoder_it_crosses_and_there_is_no_wall() -> None:
    player = stateviz.play_gradients(encoder_and_decoder(), layer="decoder")
    player.frame = player.n_frames - 1
    said = words(player)
    assert said.count("goes on") == 2
    assert said.count("nothing before") == 2
    assert len(walls(player)) == 2  # of the encoders alone
    readouts = []
    for stop in player.stops:
        player.frame = stop
        readouts.append(player.readout)
    crossing = next(k for k, each in enumerate(readouts) if "goes on into encoder" in each)
    assert readouts[crossing].startswith("decoder:")
    assert readouts[crossing + 1].startswith("encoder:")
    assert "the gradient is at t = 4" in readouts[crossing + 1]


def test_the_readout_says_both_numbers() -> None:
    player = stateviz.play_gradients(trained(falling(10)))
    player.frame = player.stops[STEPS + 2]
    assert player.readout.endswith("the gradient is at t = 1: |dL/dc| = 0.1, |dL/dh| = 0.1")


def test_a_layer_without_c_has_the_area_of_h_alone() -> None:
    recording = trained(falling(10), cell_state=None)
    [batch] = recording["lstm"].batches
    assert batch.state_names == ("hidden",)
    player = stateviz.play_gradients(recording)
    assert "◄ |dL/dh| comes back, on a logarithmic axis" in words(player)


@pytest.mark.parametrize(
    "norms", [[0.0] * 4, [np.nan] * 4, [np.inf, 1.0, 1.0, 1.0], [1e-40, 1e-30, 1e-20, 1.0]]
)
def test_odd_gradients_are_drawn_all_the_same(norms: list[float]) -> None:
    player = stateviz.play_gradients(trained(norms, falling(10)))
    for frame in range(player.n_frames):
        player.frame = frame
    assert np.isfinite(area(player).compressed()).all()


def test_three_batches_are_shown_and_others_on_request() -> None:
    recording = trained(*[falling(10)] * 5)
    later = stateviz.play_gradients(recording, batches=[3, 4], unit=1)
    later.frame = later.n_frames - 1
    assert later.readout.startswith("fit, epoch 1, batch 1")
    assert len(walls(stateviz.play_gradients(recording))) == 3
    assert len(walls(later)) == 2


def test_what_has_no_gradients_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="0 of 6 batches of 'lstm' have gradients: record with"):
        stateviz.play_gradients(a_recording())
    with pytest.raises(IndexError, match="unit=2 is out of range"):
        stateviz.play_gradients(trained(falling(10)), unit=2)
    with pytest.raises(IndexError, match="batch=7 is out of range"):
        stateviz.play_gradients(trained(falling(10)), batches=[7])
