"""The picture of the question counts what was recorded, by columns and by rows."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

import stateviz
from stateviz.drawing.answer import MOST_BATCHES
from stateviz.recording import BatchRecord, LayerRecording, Origin, Recording
from tests.building.recordings import a_batch, starts


def a_run(*origins: Origin) -> list[BatchRecord]:
    return [
        a_batch(index, origin=origin, batch=index, epoch=0, batch_size=4)
        for index, origin in enumerate(origins)
    ]


def recording_of(batches: list[BatchRecord]) -> Recording:
    return Recording([LayerRecording("lstm", "LSTM", 2, True, batches)])


def words(figure: Any) -> list[str]:
    texts = [*figure.texts, *(text for ax in figure.axes for text in ax.texts)]
    return [text.get_text() for text in texts if text.get_visible()]


def test_columns_and_rows_are_counted_on_one_picture() -> None:
    recording = recording_of(a_run("fresh", "fresh", "fresh"))
    said = words(stateviz.draw_answer(recording))
    assert "by columns, one a batch: 3 state tensors of zeros" in said
    assert "by rows, one a sequence: 3 × 4 = 12 sample states of zeros" in said
    assert said.count("4 rows") == 3
    totals = recording.resets()
    assert (totals.state_tensors_zeroed, totals.sample_states_zeroed) == (3, 12)


def test_a_carried_state_is_not_counted() -> None:
    said = words(stateviz.draw_answer(recording_of(a_run("reset", "carried"))))
    assert "by columns, one a batch: 1 state tensor of zeros" in said
    assert "by rows, one a sequence: 4 sample states of zeros" in said
    assert said.count("4 rows") == 1
    assert "carried over" in said


def test_it_draws_what_was_recorded_on_the_axes_that_it_gets() -> None:
    figure = Figure()
    ax = figure.add_subplot()
    batches = a_run("fresh", "given")
    assert stateviz.draw_answer(recording_of(batches), ax) is figure
    for place, batch in enumerate(batches):
        column, steps = ax.images[2 * place : 2 * place + 2]
        held = batch.states[-1]
        np.testing.assert_array_equal(np.asarray(column.get_array()), held.initial[:, :1])
        np.testing.assert_array_equal(np.asarray(steps.get_array()), held.after[:, :, 0])


def test_the_first_epoch_is_drawn_and_the_rest_is_said() -> None:
    fresh: list[Origin] = ["fresh"] * (MOST_BATCHES + 3)
    many = [*a_run(*fresh), a_batch(20, epoch=1, origin="fresh")]
    said = words(stateviz.draw_answer(recording_of(many)))
    assert sum(each == "4 rows" for each in said) == MOST_BATCHES
    assert any("12 batches: 12 state tensors and 48 sample states" in each for each in said)
    assert f"(fit, epoch 0, the first {MOST_BATCHES} of {MOST_BATCHES + 3} batches)" in said[0]


def test_zeros_that_are_given_are_counted_as_resets_counts_them() -> None:
    zeros = np.zeros((4, 2), "float32")
    given = a_batch(1, epoch=0, batch=1, starts=starts("given", zeros=True),
                    initial_hidden_state=zeros, initial_cell_state=zeros)  # fmt: skip
    recording = recording_of([*a_run("fresh"), given, *a_run("given", "given", "given")[2:]])
    said = words(stateviz.draw_answer(recording))
    assert "by columns, one a batch: 2 state tensors of zeros" in said
    assert recording.resets().state_tensors_zeroed == 2


def test_a_second_fit_is_not_counted_as_the_first_epoch() -> None:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3, 1)), keras.layers.LSTM(2, name="lstm")])
    model.compile("sgd", "mse")
    X = np.ones((4, 3, 1), "float32")
    with stateviz.record(model, every=2) as recording:
        for _ in range(2):
            model.fit(X, X[:, 0], batch_size=1, verbose=0)
    said = words(stateviz.draw_answer(recording))
    assert "by columns, one a batch: 2 state tensors of zeros" in said
    # What was not kept is counted in the whole.
    assert any("8 batches: 8 state tensors and 8 sample states" in each for each in said)


def test_played_it_counts_batch_after_batch() -> None:
    player = stateviz.play_answer(recording_of(a_run("reset", "carried", "reset")))
    counts = []
    for frame in range(player.n_frames):
        player.frame = frame
        counts.append(player.readout.split(": ")[1])
        assert words(player.figure).count("4 rows") == [0, 1, 1, 2][frame]
    assert counts == [
        "0 by batch, 0 by row",
        "1 by batch, 4 by row",
        "1 by batch, 4 by row",
        "2 by batch, 8 by row",
    ]


def test_a_notebook_shows_the_still() -> None:
    figure: Any = stateviz.draw_answer(recording_of(a_run("fresh")))
    assert figure._repr_png_()[:4] == b"\x89PNG"
    with pytest.raises(TypeError, match="Expected a Recording; got"):
        stateviz.draw_answer("run.npz")  # type: ignore[arg-type]
