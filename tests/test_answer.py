"""The picture of the question counts what was recorded, by columns and by rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

import stateviz
from stateviz.drawing.answer import MOST_BATCHES
from stateviz.drawing.signs import sign
from stateviz.recording import BatchRecord, LayerRecording, Origin, Recording, Start
from tests.building.payload import Unpacked
from tests.building.recordings import a_batch, starts

ORIGIN_SIGNS: tuple[Origin, ...] = ("carried", "fresh", "given")
SIGNS_AT = 120.0  # pixels of CSS from the top


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


def counts(said: list[str]) -> list[tuple[str, str]]:
    """The two large numbers, each with what it counts."""
    of = [next(each for each in said if "state tensor" in each and " of zeros" in each)]
    of += [next(each for each in said if "rows' states" in each or "row's state" in each)]
    first = said.index(of[0])
    return list(zip(said[first - 2 : first], of, strict=True))


def rings_on(figure: Any) -> list[int]:
    """How many rings stand in each frame that is seen."""
    lines = [line for ax in figure.axes for line in ax.lines if line.get_label() == "rings"]
    return [np.size(line.get_xdata()) for line in lines if line.get_visible()]


def rings(recording: Recording) -> list[int]:
    return rings_on(stateviz.draw_answer(recording))


def test_of_many_rows_a_ring_stands_for_ten_and_says_so() -> None:
    batch = a_batch(0, origin="fresh", batch_size=1_000)
    assert rings(recording_of([batch])) == [100]
    said = words(stateviz.draw_answer(recording_of([batch])))
    assert any(each.startswith("one ring: c of 10 rows") for each in said)


def test_columns_and_rows_are_counted_on_one_picture() -> None:
    recording = recording_of(a_run("fresh", "fresh", "fresh"))
    said = words(stateviz.draw_answer(recording))
    assert counts(said) == [("3", "state tensors of zeros"), ("12", "rows' states of zeros")]
    assert "counted by row: 3 × 4" in said
    assert rings(recording) == [4, 4, 4]
    totals = recording.resets()
    assert (totals.state_tensors_zeroed, totals.sample_states_zeroed) == (3, 12)


def test_a_carried_state_is_not_counted() -> None:
    recording = recording_of(a_run("reset", "carried"))
    said = words(stateviz.draw_answer(recording))
    assert counts(said) == [("1", "state tensor of zeros"), ("4", "rows' states of zeros")]
    assert rings(recording) == [4]
    assert "carried" in said


def is_signed(batches: list[BatchRecord], origin: Origin) -> bool:
    lines = stateviz.draw_answer(recording_of(batches)).axes[0].lines
    marks = [line.get_marker() for line in lines if SIGNS_AT in np.asarray(line.get_ydata())]
    return sign(origin, 11)["marker"] in marks


def test_a_batch_whose_rows_began_in_different_ways_has_the_sign_of_none() -> None:
    both = (Start(1, "fresh", True), Start(3, "given", False))
    mixed = replace(*a_run("given"), starts=both)
    found = [
        is_signed(batches, origin)
        for batches in (a_run("carried"), a_run("fresh"), [mixed])
        for origin in ORIGIN_SIGNS
    ]
    assert found == [True, False, False, False, True, False, False, False, False]
    assert "1 of 4" in words(stateviz.draw_answer(recording_of([mixed])))


def test_a_rail_has_no_sign_where_rows_began_in_different_ways() -> None:
    mixed = replace(*a_run("given"), starts=(Start(1, "fresh", True), Start(3, "given", False)))
    alike = [a_run(origin)[0] for origin in ORIGIN_SIGNS]
    for batch, drawn in zip([*alike, mixed], [*ORIGIN_SIGNS, ""], strict=True):
        for play in (stateviz.play_batches, stateviz.play_resets):
            [(_, _, sign_of_it)] = Unpacked(play(recording_of([batch]))).scene["marks"]
            assert sign_of_it == drawn


def test_it_draws_what_was_recorded_on_the_axes_that_it_gets() -> None:
    figure = Figure()
    ax = figure.add_subplot()
    batches = a_run("fresh", "given")
    assert stateviz.draw_answer(recording_of(batches), ax) is figure
    for place, batch in enumerate(batches):
        shown = np.asarray(ax.images[place].get_array())
        held = batch.states[-1]
        np.testing.assert_array_equal(shown[:, 0], held.initial[:, 0])
        np.testing.assert_array_equal(shown[:, 1:], held.after[:, :, 0])


def test_the_first_epoch_is_drawn_and_the_rest_is_said() -> None:
    fresh: list[Origin] = ["fresh"] * (MOST_BATCHES + 3)
    many = [*a_run(*fresh), a_batch(20, epoch=1, origin="fresh")]
    said = words(stateviz.draw_answer(recording_of(many)))
    assert rings(recording_of(many)) == [4] * MOST_BATCHES
    assert any("12 batches: 12 state tensors and 48 sample states" in each for each in said)
    title = stateviz.play_answer(recording_of(many)).title
    assert f"(fit, epoch 0, the first {MOST_BATCHES} of {MOST_BATCHES + 3} batches)" in title


def test_zeros_that_are_given_are_counted_as_resets_counts_them() -> None:
    zeros = np.zeros((4, 2), "float32")
    given = a_batch(1, epoch=0, batch=1, starts=starts("given", zeros=True),
                    initial_hidden_state=zeros, initial_cell_state=zeros)  # fmt: skip
    recording = recording_of([*a_run("fresh"), given, *a_run("given", "given", "given")[2:]])
    said = words(stateviz.draw_answer(recording))
    assert counts(said)[0] == ("2", "state tensors of zeros")
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
    assert counts(said)[0] == ("2", "state tensors of zeros")
    # What was not kept is counted in the whole.
    assert any("8 batches: 8 state tensors and 8 sample states" in each for each in said)


def test_played_it_counts_batch_after_batch() -> None:
    player = stateviz.play_answer(recording_of(a_run("reset", "carried", "reset")))
    said = []
    for frame in range(player.n_frames):
        player.frame = frame
        said.append(player.readout.split(": ")[1])
        assert len(rings_on(player.figure)) == [0, 1, 1, 2][frame]
    assert said == [
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
