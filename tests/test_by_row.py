"""Rows that go different ways are drawn so, and an encoder is played before its decoder."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.image import AxesImage

import stateviz
from stateviz.recording import BatchRecord, LayerRecording, Recording, Source, Start
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_batch, changed, starts, there

ROWS = np.arange(SAMPLES)


def run(*of_second: Start, order: Any = ROWS, zeros: Any = ()) -> list[BatchRecord]:
    """Two batches of "lstm": the second begins with these rows of the first, or with zeros."""
    first = a_batch(0)
    ends = [there(state.after)[:, -1] for state in first.states]
    first = changed(first, final_hidden_state=ends[0], final_cell_state=ends[1])
    begins = [end[order].copy() for end in ends]
    for each in begins:
        each[list(zeros)] = 0
    words = {"initial_hidden_state": begins[0], "initial_cell_state": begins[1]}
    return [first, a_batch(1, starts=of_second, **words)]


def played(batches: list[BatchRecord]) -> stateviz.Player:
    return stateviz.play_batches(Recording([LayerRecording("lstm", "LSTM", UNITS, True, batches)]))


def half_way(player: stateviz.Player) -> int:
    return (player.stops[TIMESTEPS] + player.stops[TIMESTEPS + 1]) // 2


def columns_of(player: stateviz.Player) -> dict[str, np.ma.MaskedArray]:
    """What moves, by its name: the state of each lane; masked where a lane has none."""
    images: list[AxesImage] = [image for ax in player.figure.axes for image in ax.images]
    shown = {str(image.get_label()): image for image in images if image.get_visible()}
    return {
        name: np.ma.asarray(shown[name].get_array())[:, 0] for name in shown if "column" in name
    }


def carried(row: int, rows: int = 1) -> Start:
    return Start(rows, "carried", source=Source("lstm", 0, row, 0))


def test_rows_that_go_on_glide_and_the_others_end() -> None:
    mixed = run(carried(0), *starts("reset", rows=2), carried(3), zeros=[1, 2])
    player = played(mixed)
    player.frame = half_way(player)
    assert "goes on in some rows alone: 2 of 4 rows carried over, 2 of 4 rows" in player.readout
    columns = columns_of(player)
    ended = there(mixed[0].final_cell_state)[:, 0]
    gliding, leaving = columns["state column"], columns["leaving column"]
    assert gliding.mask.tolist() == [False, True, True, False]
    assert leaving.mask.tolist() == [True, False, False, True]
    np.testing.assert_array_equal(gliding.compressed(), ended[[0, 3]])
    np.testing.assert_array_equal(leaving.compressed(), ended[[1, 2]])
    words = [text.get_text() for ax in player.figure.axes for text in ax.texts]
    assert "2 of 4 reset" in words
    player.frame = player.stops[TIMESTEPS + 1]
    np.testing.assert_array_equal(
        columns_of(player)["state column"], there(mixed[1].initial_cell_state)[:, 0]
    )


@pytest.mark.parametrize("origin", ["carried", "given"])
def test_rows_in_another_order_have_arrows_to_their_lanes(origin: Any) -> None:
    order = [2, 0, 0, 3]
    batches = run(
        *[Start(1, origin, source=Source("lstm", 0, row, 0)) for row in order], order=order
    )
    player = played(batches)
    player.frame = half_way(player)
    assert "another order" in player.readout
    assert "leaving column" in columns_of(player)  # what row 1 held goes nowhere
    lines = [line.get_ydata() for ax in player.figure.axes for line in ax.get_lines()]
    ends = [(0.0, 1.0), (0.0, 2.0), (2.0, 0.0)]
    assert any(
        sorted(zip(y[::3], y[1::3], strict=True)) == ends
        for y in map(np.asarray, lines)
        if len(y) == 3 * len(ends)
    )
    player.frame = player.n_frames - 1
    bridge = next(image for ax in player.figure.axes for image in ax.images if image.get_alpha())
    kept = ~np.ma.getmaskarray(np.ma.asarray(bridge.get_array())).all(axis=1)
    assert kept.tolist() == [False, False, False, True]  # row 3 stays in its own lane


def test_a_source_that_is_not_certain_is_not_drawn() -> None:
    unsure = Start(SAMPLES, "carried", source=Source("lstm", 0, 0, 0, certain=False))
    player = played(run(unsure))
    player.frame = half_way(player)
    assert "a state is carried over from a batch that is not shown" in player.readout


def test_an_encoder_is_played_before_its_decoder() -> None:
    keras.utils.set_random_seed(0)  # lanes of very different sizes would have a scale each
    texts, answers = keras.Input((TIMESTEPS, 1)), keras.Input((2, 1))
    _, *state = keras.layers.LSTM(UNITS, return_state=True, name="encoder")(texts)
    decoder = keras.layers.LSTM(UNITS, name="decoder")
    model = keras.Model([texts, answers], decoder(answers, initial_state=state))
    X = np.random.default_rng(0).normal(size=(SAMPLES, TIMESTEPS, 1))
    with stateviz.record(model) as recording:
        model.predict([X, X[:, :2]], verbose=0)
    player = stateviz.play_batches(recording, layer="decoder")
    assert player.title == f"c of unit 0 in {SAMPLES} lanes · encoder and decoder"
    assert len(player.stops) == TIMESTEPS + 1 + 2 + 1
    player.frame = half_way(player)
    assert player.readout == (
        "decoder: predict, batch 0   the final state of encoder: predict, batch 0 is handed on: it "
        "was passed as initial_state"
    )
    encoded = there(recording["encoder"].batches[0].final_cell_state)
    np.testing.assert_array_equal(columns_of(player)["state column"], encoded[:, 0])
    alone = stateviz.play_batches(recording, layer="encoder")
    assert alone.title == f"c of unit 0 in {SAMPLES} lanes · encoder"


def test_an_encoder_whose_state_is_used_twice_is_played_once() -> None:
    encoder = keras.layers.LSTM(UNITS, return_state=True, name="encoder")
    decoder = keras.layers.LSTM(UNITS, name="decoder")
    inputs = keras.Input((TIMESTEPS, 1))
    model = keras.Model(inputs, [decoder(inputs, initial_state=encoder(inputs)[1:])])
    X = np.random.default_rng(0).normal(size=(SAMPLES, TIMESTEPS, 1)).astype("float32")
    with stateviz.record(model) as recording:
        _, *state = encoder(X)
        for _ in range(2):
            decoder(X, initial_state=state)
    player = stateviz.play_batches(recording, layer="decoder")
    assert player.title == f"c of unit 0 in {SAMPLES} lanes · encoder and decoder"
    player.frame = (player.stops[2 * TIMESTEPS + 1] + player.stops[2 * TIMESTEPS + 2]) // 2
    assert "is dropped, and what was passed as initial_state arrives, from 'encoder'" in (
        player.readout
    )
