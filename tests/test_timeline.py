"""The picture of a whole run shows each batch where it ran and how its states began."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import stateviz
from stateviz.drawing import timeline
from stateviz.playing.moving import Grow
from stateviz.recording import Event, Origin, Phase, Recording
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


def test_each_batch_has_its_room_and_the_line_breaks_after_it(ax: Axes) -> None:
    lstm = a_run()["lstm"]
    line = timeline.draw_state_size(ax, lstm, last=1)
    x, y = map(np.asarray, line.get_data())
    assert np.isnan(x).nonzero()[0].tolist() == [TIMESTEPS + 1, 2 * TIMESTEPS + 3]
    np.testing.assert_allclose(x[: TIMESTEPS + 1], np.linspace(0, 1, TIMESTEPS + 1))
    np.testing.assert_array_equal(y[TIMESTEPS + 2 : -1], timeline.state_size(lstm.batches[1]))


def test_a_long_run_is_drawn_with_fewer_points_but_its_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lstm = a_run()["lstm"]
    monkeypatch.setattr("stateviz.drawing.timeline._MAX_POINTS", 12)
    x, y, ends = timeline.size_line(lstm)
    assert ends.tolist() == [3, 6, 9, 12, 15, 18]
    assert x[:2].tolist() == [0, 1]
    np.testing.assert_array_equal(y[:2], timeline.state_size(lstm.batches[0])[[0, -1]])


def test_origins_are_told_apart_by_shape_and_place(ax: Axes) -> None:
    lstm = a_run()["lstm"]
    lines = timeline.draw_beginnings(ax, lstm)
    assert {origin: np.asarray(line.get_xdata()).tolist() for origin, line in lines.items()} == {
        "carried": [1, 2, 3, 4, 5],
        "reset": [0],
    }
    assert len({line.get_marker() for line in lines.values()}) == 2
    assert len({look["marker"] for look in timeline.MARKERS.values()}) == 5
    assert np.asarray(lines["carried"].get_ydata())[3] == timeline.state_size(lstm.batches[4])[0]
    shown = timeline.draw_beginnings(ax, lstm, last=1)
    assert {origin: len(np.asarray(line.get_xdata())) for origin, line in shown.items()} == {
        "carried": 1,
        "reset": 1,
    }


def test_phases_and_epochs_are_labelled_bands(ax: Axes) -> None:
    bands = timeline.draw_phases(ax, a_run()["lstm"])
    assert [(band.get_x(), band.get_width()) for band in bands] == [(0, 3), (3, 1), (4, 2)]
    assert [text.get_text() for text in ax.texts] == ["fit 0", "validation 0", "fit 1"]
    assert bands[0].get_facecolor() != bands[1].get_facecolor()


def test_reset_calls_stand_between_their_batches(ax: Axes) -> None:
    recording = a_run()
    [(place, (line, _))] = timeline.draw_reset_calls(ax, recording, recording["lstm"])
    assert place == 4
    assert isinstance(line, Line2D)
    assert np.asarray(line.get_xdata())[0] == 4


def test_the_scene_shows_the_run_batch_by_batch() -> None:
    player = stateviz.play_resets(a_run())
    assert len(player.stops) == 6
    [line] = [part.line for part in player._scene.parts if isinstance(part, Grow)][:1]
    markers = [part.line for part in player._scene.parts if isinstance(part, Grow)][1:]
    for place, stop in enumerate(player.stops):
        player.frame = stop
        assert sum(np.size(marker.get_xdata()) for marker in markers) == place + 1
        assert np.nanmax(np.asarray(line.get_xdata())) == place + 1
    player.frame = player.stops[4]
    assert player.readout.startswith(
        "fit, epoch 1, batch 0: carried over from validation, epoch 0, batch 0   size of c "
    )
    player.frame = player.stops[5]
    assert player.readout.startswith("fit, epoch 1, batch 1: carried over   size of c")
    labels = [text.get_text() for text in player.figure.legends[0].get_texts()]
    assert labels == ["fresh", "reset", "carried", "given", "altered"]  # which came is not told
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
    assert [frame for frame, _ in player._scene.marks] == [stops[at] for at in (0, 2, 4, 6, 8)]
