"""The picture of a whole run shows each batch where it ran and how its states began."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

import stateviz
from stateviz.drawing import timeline
from stateviz.drawing.signs import SIGNS
from stateviz.recording import ORIGINS, Event, Origin, Phase, Recording
from tests.building.recordings import TIMESTEPS, a_batch, a_recording, there


@pytest.fixture
def ax() -> Axes:
    return Figure().add_subplot()


def a_run() -> Recording:
    """Three batches of fit, one of validation, two of the next epoch; a reset call before it."""
    recording = a_recording(0)
    lstm = recording["lstm"]
    run: list[tuple[Phase, int, int, Origin, int | None]] = [
        ("fit", 0, 0, "reset", None),
        ("fit", 0, 1, "carried", 0),
        ("fit", 0, 2, "carried", 1),
        ("validation", 0, 0, "carried", 2),
        ("fit", 1, 0, "carried", 3),
        ("fit", 1, 1, "carried", 4),
    ]
    for index, (phase, epoch, number, origin, came_from) in enumerate(run):
        if index == 4:
            recording.events.append(Event("reset_state", layer="lstm"))
        place: dict[str, Any] = {"phase": phase, "epoch": epoch, "batch": number}
        batch = a_batch(index, **place, origin=origin, came_from=came_from)
        lstm.batches.append(batch)
        recording.events.append(batch)
    return recording


def test_the_size_is_the_norm_of_c_over_its_units() -> None:
    batch = a_batch(0)
    size = timeline.state_size(batch)
    by_hand = [
        np.mean([np.sqrt((row**2).sum()) for row in states])
        for states in (there(batch.initial_cell_state), *there(batch.cell_state).swapaxes(0, 1))
    ]
    np.testing.assert_allclose(size, by_hand, rtol=1e-6)
    none = dict.fromkeys(("initial_cell_state", "cell_state", "final_cell_state"))
    only_h = timeline.state_size(a_batch(0, **none))
    np.testing.assert_allclose(only_h[0], np.linalg.norm(batch.initial_hidden_state, axis=1).mean())


def test_each_batch_has_its_room_in_the_level(ax: Axes) -> None:
    lstm = a_run()["lstm"]
    level: np.ma.MaskedArray = np.ma.asarray(timeline.draw_level(ax, lstm).get_array())
    assert level.shape == (1, 6 * (TIMESTEPS + 1))
    for place, batch in enumerate(lstm.batches):
        own = level[0, place * (TIMESTEPS + 1) : (place + 1) * (TIMESTEPS + 1)]
        np.testing.assert_array_equal(own, timeline.state_size(batch))


def test_a_long_run_is_drawn_with_fewer_columns_but_its_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lstm = a_run()["lstm"]
    monkeypatch.setattr("stateviz.drawing.timeline._MOST_COLUMNS", 12)
    level = timeline.level_of(lstm)
    assert level.shape == (1, 12)
    np.testing.assert_array_equal(level[0, :2], timeline.state_size(lstm.batches[0])[[0, -1]])


def test_origins_are_told_apart_by_shape_and_place(ax: Axes) -> None:
    recording = a_run()
    drawn = timeline.draw_origins(ax, recording, recording["lstm"], width=600, height=200)
    signs = [[each for each in of if each.get_label() in ORIGINS] for of in drawn]
    assert [[each.get_label() for each in of] for of in signs] == [["reset"], *[["carried"]] * 5]
    places = [np.asarray(of[0].get_xdata()).tolist() for of in signs]  # type: ignore[attr-defined]
    assert places == [[place - 0.5] for place in range(6)]
    assert not any(isinstance(each, Rectangle) for of in drawn for each in of)
    recording["lstm"].batches[2] = a_batch(2, origin="reset")
    again = timeline.draw_origins(ax, recording, recording["lstm"], width=600, height=200)
    walls = [place for place, of in enumerate(again) if any(isinstance(e, Rectangle) for e in of)]
    assert walls == [2]  # the zeros that a layer is built with are no reset
    assert len({str(style["marker"]) for style in SIGNS.values()}) == 5


def test_phases_and_epochs_are_named_brackets(ax: Axes) -> None:
    timeline.draw_phases(ax, a_run()["lstm"], [0] * 6, 600)
    brackets = [each for each in ax.patches if isinstance(each, Rectangle)]
    ends = [(round(each.get_x(), 1), round(each.get_width(), 1)) for each in brackets]
    assert ends == [(-0.5, 3.0), (2.5, 1.0), (3.5, 2.0)]
    assert [text.get_text() for text in ax.texts] == ["fit 0", "validation 0", "fit 1"]
    assert brackets[0].get_facecolor() != brackets[1].get_facecolor()


def test_a_call_of_reset_state_is_named_before_its_batch() -> None:
    recording = a_run()
    ax = Figure().add_subplot()
    drawn = timeline.draw_origins(ax, recording, recording["lstm"], width=900, height=200)
    said = [[each for each in of if isinstance(each, Text)] for of in drawn]
    assert [len(of) for of in said] == [0, 0, 0, 0, 1, 0]
    assert said[4][0].get_text() == "reset_state()"


def test_the_scene_shows_the_run_batch_by_batch() -> None:
    player = stateviz.play_resets(a_run())
    assert len(player.stops) == 6
    ax = player.figure.axes[0]
    counted = {"reset": [1] * 6, "carried": [0, 1, 2, 3, 4, 5]}
    for place, stop in enumerate(player.stops):
        player.frame = stop
        filled = ~np.ma.getmaskarray(np.ma.asarray(ax.images[0].get_array()))
        assert filled.sum() == (place + 1) * (TIMESTEPS + 1)
        signs = [line for line in ax.lines if line.get_label() in ORIGINS and line.get_visible()]
        assert len(signs) == place + 1
        words = [text.get_text() for text in ax.texts if text.get_visible()]
        for origin, counts in counted.items():
            assert (f"{counts[place]} {origin}" in words) == (counts[place] > 0)
    player.frame = player.stops[4]
    assert player.readout.startswith(
        "fit, epoch 1, batch 0: carried over from validation, epoch 0, batch 0   size of c "
    )
    player.frame = player.stops[5]
    assert player.readout.startswith("fit, epoch 1, batch 1: carried over   size of c")
    with pytest.raises(ValueError, match="nothing to play"):
        stateviz.play_resets(a_recording(0))


def test_a_second_fit_is_named_as_such() -> None:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3, 1)), keras.layers.LSTM(2, name="lstm")])
    model.compile("sgd", "mse")
    X = np.ones((4, 3, 1), "float32")
    with stateviz.record(model) as recording:
        for _ in range(2):
            model.fit(X, X[:, 0], batch_size=2, epochs=2, verbose=0)
        model.predict(X, batch_size=2, verbose=0)
    player = stateviz.play_resets(recording)
    bands = [text.get_text() for text in player.figure.axes[0].texts]
    assert bands[:5] == ["fit 0", "fit 1", "fit #2, 0", "fit #2, 1", "predict"]
    stops = player.stops
    assert [mark[0] for mark in player._scene.marks] == [0, *(stops[at] for at in (2, 4, 6, 8))]
