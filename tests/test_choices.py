"""A player lets choose what it shows: in the page, by a click, by a key, or from Python."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

import stateviz
from stateviz.drawing import sample as drawings
from stateviz.drawing.rows import draw_rows, rows_read, said_of_rows
from stateviz.playing.moving import Keyed
from stateviz.playing.player import Player
from stateviz.playing.scene import Pick, Scene
from stateviz.recording import BatchRecord, LayerRecording, Recording
from tests.building.payload import Unpacked
from tests.building.recordings import (
    SAMPLES,
    TIMESTEPS,
    UNITS,
    a_batch,
    a_recording,
    changed,
    there,
)

INPUTS = np.random.default_rng(3).normal(size=(SAMPLES, TIMESTEPS, 1)).astype("float32")


def a_scene(column: int, *, row: int = 0) -> Scene:
    """A line at the height of `row`, in a figure of its own for each `column`."""
    figure = Figure()
    ax = figure.add_subplot(xlim=(0, 4), ylim=(3, -1))
    [line] = ax.plot([], [])

    def show(frame: int, row: int) -> None:
        line.set_data([column, frame], [row, row])

    return Scene(
        figure,
        3 + column,
        parts=[Keyed([line], range(3 + column), show)],
        describe=lambda frame, row: f"column {column}, row {row}, frame {frame}",
        options={"column": ["left", "right"], "row": ["0", "1", "2"]},
        chosen={"column": column, "row": row},
        in_page="row",
        varies=[line],
        picks=[Pick(ax, "row", "y", -0.5)],
    )


def a_player() -> Player:
    return Player(lambda *, column, row: a_scene(column, row=row), column=0, row=1)


def test_a_choice_in_the_page_needs_no_new_scene() -> None:
    player = a_player()
    payload, figure = player._payload, player.figure
    player.frame = 2
    player.choose(row=2)
    assert player.readout == "column 0, row 2, frame 2"
    assert np.asarray(player.figure.axes[0].lines[0].get_ydata())[0] == 2
    assert (player._payload, player.figure) == (payload, figure)


def test_another_choice_makes_a_new_scene_and_keeps_the_frame() -> None:
    player = a_player()
    player.frame = 2
    player.frame = 1
    player.choose(column=1)
    assert player.n_frames == 4
    assert player.readout == "column 1, row 1, frame 1"
    assert Unpacked(player).scene["chosen"] == {"column": 1, "row": 1}
    player.frame = 3  # where it rests, it does so in the other scene too
    player.choose(column=0, row=0)
    assert (player.frame, player.readout) == (2, "column 0, row 0, frame 2")


def test_every_option_of_the_choice_in_the_page_is_in_the_page() -> None:
    scene = Unpacked(a_player()).scene
    [track] = scene["tracks"]
    assert len(scene["readouts"]) == 3 * 3
    assert len(track["frames"]) == 3
    assert scene["readouts"][2 * 3 + 1] == "column 0, row 2, frame 1"
    heights = []
    for option in range(3):
        state = track["states"][track["frames"][option][1]]
        heights.append(track["lines"][state["line"]][0][1])
    assert heights == sorted(heights)
    assert len(set(heights)) == 3


def test_a_click_has_a_place() -> None:
    [pick] = Unpacked(a_player()).scene["picks"]
    left, top, width, height = pick["box"]
    assert (pick["choice"], pick["axis"], pick["limits"]) == ("row", "y", [-1, 3])
    # Row 2 stands at three quarters of the height of an axes from -1 on top to 3.
    part = (2 - pick["limits"][0]) / (pick["limits"][1] - pick["limits"][0])
    assert part == 0.75
    figure = a_player().figure
    box = figure.axes[0].get_position()
    stage = figure.get_size_inches() * 72
    expected = np.array([box.x0, 1 - box.y1, box.width, box.height]) * np.tile(stage, 2)
    np.testing.assert_allclose([left, top, width, height], expected, atol=0.02)


def test_what_cannot_be_chosen_is_refused_in_words() -> None:
    player = a_player()
    with pytest.raises(ValueError, match=r"Unknown choice 'colum'; available: column, row"):
        player.choose(colum=1)
    with pytest.raises(IndexError, match=r"row=3 is out of range: there are 3 options, 0 to 2"):
        player.choose(row=3)
    assert player.options == {"column": ("left", "right"), "row": ("0", "1", "2")}


# --- The scenes -----------------------------------------------------------------------------------


def stacked() -> Recording:
    """Two layers; the upper one reads the lower one's h. And the backward half of a pair."""
    lower = [a_batch(i, inputs=INPUTS) for i in range(2)]
    upper = [
        a_batch(i, layer="upper", inputs=lower[i].hidden_state, origin="given") for i in range(2)
    ]
    back = [replace(batch, layer="back", go_backwards=True) for batch in lower]
    layers = [("lstm", lower), ("upper", upper), ("back", back)]
    return Recording(
        [LayerRecording(name, "LSTM", UNITS, True, batches) for name, batches in layers]
    )


def titles(player: Player) -> list[str]:
    return [ax.get_title("left") for ax in player.figure.axes]


@pytest.mark.parametrize(("option", "value"), [("batch", 2), ("sample", 3), ("unit", 1)])
def test_a_sequence_is_chosen_from_python_and_shows_what_it_says(option: str, value: int) -> None:
    recording = a_recording(inputs=np.tile(INPUTS, 1))
    place: dict[str, Any] = {"batch": 0, "sample": 0, "unit": 0} | {option: value}
    player = stateviz.play_sequence(recording)
    player.choose(**{option: value})
    player.frame = TIMESTEPS
    batch = recording["lstm"].batches[place["batch"]]
    values = drawings.trace_of(batch, "cell", place["sample"], place["unit"])
    [ax] = [ax for ax in player.figure.axes if ax.get_label() == "unit"]
    large = np.ma.asarray(ax.images[0].get_array())[0].compressed()
    np.testing.assert_array_equal(large, values)
    assert f"c = {values[-1]:.3f}   (unit {place['unit']})" in player.readout
    same = stateviz.play_sequence(recording, **place)
    same.frame = TIMESTEPS
    assert player.readout == same.readout
    assert player.title == same.title


def test_who_left_a_state_is_named() -> None:
    recording = a_recording()
    player = stateviz.play_sequence(recording, batch=3)
    player.frame = 0
    words = "before t = 0: carried, the final state of fit, epoch 0, batch 2   "
    assert player.readout.startswith(words)
    batch = recording["lstm"].batches[3]
    recording["lstm"].batches[3] = changed(batch, origin="altered", came_from=None)
    player = stateviz.play_sequence(recording, batch=3)
    player.frame = 0
    assert "an assignment" in player.readout


def test_a_sample_that_the_next_batch_has_not_gives_way_to_its_last() -> None:
    recording = a_recording()
    short = recording["lstm"].batches[1]
    names = ("initial_hidden_state", "hidden_state", "initial_cell_state", "cell_state")
    cut = {name: getattr(short, name)[:2] for name in (*names, "samples")}
    recording["lstm"].batches[1] = changed(short, **cut)
    player = stateviz.play_sequence(recording, sample=3)
    player.choose(batch=1)
    assert player.chosen["sample"] == 1
    assert player.title.endswith("sample 1")


def test_a_stack_shows_that_h_is_what_the_layer_above_reads() -> None:
    player = stateviz.play_sequence(stacked(), layer=["lstm", "upper"])
    names = [text.get_text() for text in player.figure.texts]
    assert names == ["upper", "lstm; its h goes up ↑: it is what upper reads"]


def test_a_layer_that_reads_backwards_fills_in_from_the_right() -> None:
    recording = stacked()
    player = stateviz.play_sequence(recording, layer=["lstm", "back"])
    player.frame = 1
    ends = []
    for ax in [ax for ax in player.figure.axes if ax.get_label() == "lanes"]:
        image = ax.images[0]
        filled = ~np.ma.getmaskarray(np.ma.asarray(image.get_array())).all(axis=0)
        at = ax.transData.transform([(np.flatnonzero(filled)[-1], 0)])[0, 0]
        initial = ax.transData.transform([(np.flatnonzero(filled)[0], 0)])[0, 0]
        ends.append((at, initial))
    (back, back_initial), (forth, forth_initial) = ends  # the lowest layer is the lowest panel
    assert back < back_initial
    assert forth > forth_initial
    assert back > forth  # each has read one timestep, from its own end
    size = np.linalg.norm(recording["lstm"].batches[0].hidden_state[0, 0])
    assert f"lstm, t = 0: |h| = {size:.3f}" in player.readout
    assert f"back, t = {TIMESTEPS - 1}: " in player.readout


def test_layers_that_read_different_batches_are_not_shown_together() -> None:
    recording = stacked()
    recording["upper"].batches.pop()
    with pytest.raises(ValueError, match=r"\['lstm', 'upper'\] cannot be shown together.*one of"):
        stateviz.play_sequence(recording, layer=["lstm", "upper"])
    assert ("lstm and back") in stateviz.play_sequence(recording, layer="lstm").options["layer"]


def test_batches_of_the_same_name_are_told_apart() -> None:
    calls = a_recording(2, phase="call", epoch=None, batch=None)
    assert stateviz.play_sequence(calls).options["batch"] == ("call #0", "call #1")
    assert stateviz.play_sequence(calls, batch=1).title.startswith("lstm: call #1, sample 0")
    again = a_recording(2, phase="predict", epoch=None, batch=0)
    told_apart = ("predict, batch 0 (#0)", "predict, batch 0 (#1)")
    assert stateviz.play_sequence(again).options["batch"] == told_apart
    assert stateviz.play_resets(again).options["open"][1:] == told_apart


def test_batches_are_paged_through() -> None:
    recording = a_recording(60)
    player = stateviz.play_batches(recording)
    player.frame = 0
    windows = player.options["window"]
    assert len(windows) > 1
    assert windows[0].startswith("fit, epoch 0, batch 0 to ")
    player.choose(window=1)
    first_of_window = player.readout.partition("   ")[0]
    assert windows[1].startswith(first_of_window)


def test_a_batch_of_a_run_can_be_opened_and_left() -> None:
    player = stateviz.play_resets(a_recording(), unit=1)
    whole = player.title
    assert player.options["open"][3] == "fit, epoch 0, batch 2"
    player.choose(open=3)
    assert player.title == "lstm: fit, epoch 0, batch 2"
    # It begins where the batch does, and there is a place to click for the way back.
    assert player.frame == player.stops[TIMESTEPS + 1]
    assert player.readout.startswith("fit, epoch 0, batch 2   before t = 0: carried over")
    [back] = player._scene.picks
    assert (back.choice, back.start) == ("open", 0)
    assert [text.get_text() for text in back.ax.texts] == ["← the whole run"]
    player.frame = player.n_frames - 1
    assert player.readout.startswith("fit, epoch 0, batch 2")
    player.choose(open=0)
    assert player.title == whole
    assert player.chosen["line"] == 2


def test_the_line_of_a_run_can_be_a_unit() -> None:
    recording = a_recording()
    player = stateviz.play_resets(recording, unit=1)
    player.frame = player.n_frames - 1
    level = np.ma.asarray(player.figure.axes[0].images[0].get_array())[0]
    batch = recording["lstm"].batches[0]
    np.testing.assert_array_equal(level[1 : 1 + TIMESTEPS], there(batch.cell_state)[0, :, 1])
    with pytest.raises(IndexError, match="unit=2 is out of range"):
        stateviz.play_resets(recording, unit=2)


# --- Which rows of the data a lane reads ----------------------------------------------------------


def batches_reading(*rows: list[int]) -> tuple[list[BatchRecord], np.ndarray]:
    data = np.random.default_rng(0).normal(size=(12, TIMESTEPS, 1)).astype("float32")
    return [a_batch(index, batch=index, inputs=data[of]) for index, of in enumerate(rows)], data


def test_lanes_that_read_the_data_in_order_are_not_torn() -> None:
    batches, data = batches_reading([0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11])
    rows = rows_read(batches, data)
    assert [each.read.tolist() for each in rows][1] == [4, 5, 6, 7]
    assert not any(each.torn.any() for each in rows)
    assert said_of_rows(rows) == "rows in order"


def test_a_shuffle_tears_the_lanes() -> None:
    batches, data = batches_reading([0, 1, 2, 3], [4, 9, 6, 7])
    rows = rows_read(batches, data)
    assert rows[1].torn.tolist() == [False, True, False, False]
    assert said_of_rows(rows).startswith("1 of 8 rows of the data out of order")
    ax = Figure().add_subplot()
    words = [text.get_text() for text in draw_rows(ax, batches, rows)]
    assert words == ["0", "1", "2", "3", "4", "≠9", "6", "7"]
    recording = Recording([LayerRecording("lstm", "LSTM", UNITS, True, batches)])
    player = stateviz.play_batches(recording, data=data)
    player.frame = player.stops[TIMESTEPS + 1]
    assert "rows 4, ≠9, 6, 7" in player.readout


def test_equal_rows_do_not_look_shuffled_and_unknown_ones_are_said() -> None:
    batches, data = batches_reading([0, 1, 2, 3], [4, 5, 6, 7])
    data[4:8] = data[0]
    batches[1] = replace(batches[1], inputs=data[4:8].copy())
    assert not any(each.torn.any() for each in rows_read(batches, data))
    there(batches[1].inputs)[2] = 99
    rows = rows_read(batches, data)
    assert rows[1].read.tolist() == [4, 5, -1, 7]
    assert "1 not of the data (?)" in said_of_rows(rows)


def test_other_data_than_the_layer_read_are_refused() -> None:
    batches, data = batches_reading([0, 1, 2, 3])
    with pytest.raises(ValueError, match=r"No lane read a row of data.*\(12, 3, 1\).*'lstm'"):
        rows_read(batches, data + 1)
    with pytest.raises(ValueError, match=r"were not recorded.*leave out data"):
        rows_read([replace(batches[0], inputs=None)], data)


# --- Held timesteps -------------------------------------------------------------------------------


def test_masked_timesteps_are_said_to_be_held() -> None:
    mask = np.array([[True, False, False]] * SAMPLES)
    ax = Figure().add_subplot()
    hatch, held = drawings.draw_held(ax, a_batch(0, mask=mask), sample=0, first=4)
    assert isinstance(held, Text)
    assert held.get_text() == "held"
    assert held.get_position()[0] == 5.5
    assert isinstance(hatch, Rectangle)
    assert (hatch.get_x(), hatch.get_width()) == (4.5, 2)
    assert drawings.draw_held(ax, a_batch(0), sample=0) == []
