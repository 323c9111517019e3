"""What becomes of a state between two batches is seen: in path, in shape, and in words."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.image import AxesImage

import stateviz
from stateviz.drawing import lanes
from stateviz.drawing.handover import Handover
from stateviz.drawing.lanes import Layout
from stateviz.playing.scene import Scene, frames_of_a_motion, pace
from stateviz.recording import ORIGINS, BatchRecord, LayerRecording, Origin, Recording
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_batch, changed, there

ZEROS = np.zeros((SAMPLES, UNITS), "float32")
PARTS = np.linspace(0, 0.99, 12)


LAYOUT = Layout((6, 16), (3, 3), 20, 4, 6, 12.0, 40.0)


def a_handover(origin: Origin, *, first: bool = False, comes_back: bool = False) -> Handover:
    before, after = (np.ma.array(np.arange(1.0, 5).reshape(4, 1) * sign) for sign in (1, -1))
    goes_on = origin == "carried" or comes_back
    if goes_on:
        after = before
    if origin in ("fresh", "reset"):
        after = np.ma.zeros((4, 1))
    return Handover(
        None if first else before,
        after,
        [origin] * 4,
        np.arange(4.0) if goes_on and not first else np.full(4, np.nan),
        left=8.5,
        right=15.0,
        width=2.0,
        layout=LAYOUT,
        word="word",
    )


def in_its_lanes(box: tuple[float, ...]) -> bool:
    return box[2:] == (-0.5, 3.5)


def test_a_carried_state_glides_in_its_lanes_and_never_changes() -> None:
    handover = a_handover("carried")
    lefts = []
    for part in PARTS:
        column, leaving = handover.at(part)
        assert column is not None
        assert leaving is None
        assert in_its_lanes(column.box)
        assert column.opacity == 1
        np.testing.assert_array_equal(column.values, there(handover.before))
        lefts.append(column.box[0])
    assert lefts[0] == 8.5
    assert (np.diff(lefts) > 0).all()
    assert 14 < lefts[-1] < 15
    [(rows, columns, held), *others] = handover.bridges()
    assert rows.tolist() == [0, 1, 2, 3]
    assert columns == slice(10, 16)  # from one card to the next
    np.testing.assert_array_equal(held, there(handover.before)[:, 0])
    assert all(not len(rows) for rows, *_ in others)


def test_a_fresh_state_comes_from_nowhere_and_the_old_one_falls_and_fades() -> None:
    handover = a_handover("fresh")
    ways = [handover.at(part) for part in PARTS]
    assert ways[0][0] is None  # the old one goes first
    columns = [column for column, _ in ways if column is not None]
    assert all(not column.values.any() for column in columns)
    assert {column.box[0] for column in columns} == {15}  # in its place from the start
    heights = [column.box[3] - column.box[2] for column in columns]
    assert heights[0] < 0.3
    assert (np.diff(heights) >= 0).all()
    leaving = [column for _, column in ways if column is not None]
    tops = [each.box[2] for each in leaving]
    assert (np.diff(tops) >= 0).all()
    assert tops[-1] > 0.5
    assert (np.diff([each.opacity for each in leaving]) < 0).all()
    assert ways[-1][1] is None
    assert all(not len(rows) for rows, *_ in handover.bridges())


def test_a_reset_state_is_the_same_column_that_a_wall_wipes() -> None:
    handover = a_handover("reset")
    columns = [there(handover.at(part)[0]) for part in np.linspace(0, 0.99, 60)]
    lefts = [column.box[0] for column in columns]
    assert (np.diff(lefts) > 0).all()  # it never jumps back, and never stands still
    sizes = [float(np.abs(column.values).sum()) for column in columns]
    assert (np.diff(sizes) <= 0).all()
    assert sizes[0] == 10
    assert sizes[-1] == 0
    assert len({*sizes} - {0.0, 10.0}) >= 1  # it is seen to be wiped
    for column in columns:
        assert in_its_lanes(column.box)
        if column.box[1] <= handover.wall:
            np.testing.assert_array_equal(column.values, there(handover.before))
        if column.box[0] >= handover.wall:
            assert not column.values.any()
    stands = [(rows.tolist(), columns) for rows, columns, _ in handover.bridges() if len(rows)]
    assert stands == [([0, 1, 2, 3], slice(10, 13))]  # up to the wall


def test_a_given_state_rises_from_below() -> None:
    handover = a_handover("given")
    ways = [handover.at(part) for part in PARTS]
    columns = [column for column, _ in ways if column is not None]
    middles = [sum(column.box[2:]) / 2 for column in columns]
    assert columns[0].box[3] <= handover.tray[3] + 0.1
    assert (np.diff(middles) < 0).all()
    for column in columns:
        np.testing.assert_array_equal(column.values, handover.after)


def test_an_altered_state_goes_into_the_rift_and_comes_out_changed() -> None:
    handover = a_handover("altered")
    for part in np.linspace(0, 0.99, 40):
        column, leaving = handover.at(part)
        assert leaving is None
        assert column is not None
        assert in_its_lanes(column.box)
        left = sum(column.box[:2]) / 2 < handover.wall
        expected = there(handover.before) if left else handover.after
        np.testing.assert_array_equal(column.values, expected)
    halves = [(columns, held.tolist()) for _, columns, held in handover.bridges() if len(held)]
    assert halves == [(slice(10, 13), [1, 2, 3, 4]), (slice(13, 16), [-1, -2, -3, -4])]


def test_a_state_that_comes_back_goes_all_the_way_itself() -> None:
    handover = a_handover("given", comes_back=True)
    ways = [handover.at(part) for part in (0.0, 0.5, 1.0)]
    assert all(leaving is None for _, leaving in ways)
    boxes = [there(column).box for column, _ in ways]
    assert boxes[0] == handover.standing(8.5)
    assert boxes[1] == handover.tray
    assert boxes[2] == pytest.approx(handover.standing(15))


def test_a_state_that_is_handed_on_by_hand_is_seen_to_be() -> None:
    batches = a_run("given", "carried")
    batches[1] = changed(batches[1], origin="given")
    player = played(batches)
    player.frame = half_way(player, 1)
    assert "is handed on: it was passed as initial_state" in player.readout
    assert "leaving column" not in columns_of(player)


@pytest.mark.parametrize("origin", ORIGINS)
def test_every_way_ends_where_the_batch_begins(origin: Origin) -> None:
    for first in (False, True):
        handover = a_handover(origin, first=first)
        column, leaving = handover.at(1.0)
        assert there(column).box == pytest.approx(handover.standing(15))
        assert (leaving is None) or not first
        np.testing.assert_array_equal(there(column).values, handover.after)


def a_run(*origins: Origin, layer: str = "lstm") -> list[BatchRecord]:
    """Batches that began in these ways, whose carried states are those before them."""
    batches: list[BatchRecord] = []
    for index, origin in enumerate(origins):
        words: dict[str, Any] = {"origin": origin, "came_from": None}
        if origin == "carried" and batches:
            words |= {
                "came_from": index - 1,
                "initial_hidden_state": batches[-1].final_hidden_state,
                "initial_cell_state": batches[-1].final_cell_state,
            }
        if origin in ("fresh", "reset"):
            words |= {"initial_hidden_state": ZEROS, "initial_cell_state": ZEROS}
        batch = a_batch(index, layer=layer, **words)
        cell, hidden = there(batch.cell_state), batch.hidden_state
        ends = {"final_cell_state": cell[:, -1], "final_hidden_state": hidden[:, -1]}
        batches.append(a_batch(index, layer=layer, **words, **ends))
    return batches


def recorded(run: list[BatchRecord]) -> Recording:
    return Recording([LayerRecording("lstm", "LSTM", UNITS, True, run)])


def both(one: list[BatchRecord], other: list[BatchRecord]) -> stateviz.Player:
    return stateviz.compare(recorded(one), recorded(other))


def played(run: list[BatchRecord], **words: Any) -> stateviz.Player:
    return stateviz.play_batches(recorded(run), **words)


def columns_of(player: stateviz.Player) -> dict[str, AxesImage]:
    ax = [ax for ax in player.figure.axes if ax.get_label() == "lanes"][-1]
    return {str(image.get_label()): image for image in ax.images if image.get_visible()}


def half_way(player: stateviz.Player, place: int) -> int:
    """A frame in the middle of the motion before a batch."""
    stop = player.stops[place * (TIMESTEPS + 1)]
    return (stop + (player.stops[place * (TIMESTEPS + 1) - 1] if place else 0)) // 2


def test_the_moving_column_holds_the_final_state_of_the_batch_before_row_by_row() -> None:
    batches = a_run("reset", "carried", "fresh")
    player = played(batches, unit=1)
    player.frame = half_way(player, 1)
    shown = columns_of(player)
    moving: np.ma.MaskedArray = np.ma.asarray(shown["state column"].get_array())
    np.testing.assert_array_equal(moving[:, 0], there(batches[0].final_cell_state)[:, 1])
    assert "leaving column" not in shown
    assert player.readout == (
        "fit, epoch 0, batch 1   the final state of fit, epoch 0, batch 0 is carried over, "
        "row by row"
    )
    player.frame = half_way(player, 2)
    shown = columns_of(player)
    assert not np.ma.asarray(shown["state column"].get_array()).any()
    leaving: np.ma.MaskedArray = np.ma.asarray(shown["leaving column"].get_array())
    np.testing.assert_array_equal(leaving[:, 0], there(batches[1].final_cell_state)[:, 1])
    assert "is dropped, and fresh zeros arrive" in player.readout


def test_at_each_stop_the_column_stands_on_the_state_that_is_read() -> None:
    batches = a_run("reset", "carried", "fresh")
    player = played(batches, unit=1)
    layout = lanes.lay_out(batches)
    values = lanes.state_lanes(batches, "cell", 1)
    columns = [start + step for start in layout.starts for step in range(TIMESTEPS + 1)]
    for stop, column in zip(player.stops, columns, strict=True):
        player.frame = stop
        shown = columns_of(player)["state column"]
        left, right, bottom, top = shown.get_extent()
        assert (top, bottom) == (-0.5, SAMPLES - 0.5)
        assert left <= column - 0.5
        assert left + right == pytest.approx(2 * column)
        np.testing.assert_array_equal(np.ma.asarray(shown.get_array())[:, 0], values[:, column])


def test_nothing_comes_from_a_batch_that_was_not_the_one_before() -> None:
    batches = a_run("reset", "carried", "carried", "fresh")
    player = played(batches, batches=[0, 2, 3])
    player.frame = half_way(player, 1)
    assert "a state is carried over from a batch that is not shown" in player.readout
    moving: np.ma.MaskedArray = np.ma.asarray(columns_of(player)["state column"].get_array())
    np.testing.assert_array_equal(moving[:, 0], there(batches[2].initial_cell_state)[:, 0])
    player.frame = half_way(player, 2)
    assert "leaving column" in columns_of(player)


def test_batches_between_which_others_ran_are_not_joined() -> None:
    model = keras.Sequential([keras.Input((3, 1)), keras.layers.LSTM(2, name="lstm")])
    with stateviz.record(model, every=2) as recording:
        model.predict(np.ones((8, 3, 1), "float32"), batch_size=2, verbose=0)
    assert [batch.index for batch in recording["lstm"].batches] == [0, 1]
    player = stateviz.play_batches(recording)
    player.frame = player.stops[4] - 2
    assert "leaving column" not in columns_of(player)
    assert player.readout.endswith("   fresh zeros arrive")


def test_words_and_signs_come_when_they_are_reached() -> None:
    player = played(a_run("reset", "carried", "given", "altered", "fresh"))
    words = ["new", "carried", "given", "altered", "fresh"]

    def seen() -> list[str]:
        texts = [text for ax in player.figure.axes for text in ax.texts]
        return [each.get_text() for each in texts if each.get_visible()]

    for place in range(len(words)):
        player.frame = player.stops[place * (TIMESTEPS + 1) - 1] if place else 0
        assert not {*words[place + bool(not place) :]} & {*seen()}
        player.frame = half_way(player, place)
        assert {*words[: place + 1]} <= {*seen()}


def test_the_first_frame_shows_what_will_be_read_and_no_state() -> None:
    inputs = np.random.default_rng(0).normal(size=(SAMPLES, TIMESTEPS, 1)).astype("float32")
    batches = [a_batch(each.index, **vars_of(each), inputs=inputs) for each in a_run("reset")]
    player = played(batches)
    player.frame = 0
    axes = {ax.get_label(): ax for ax in player.figure.axes}
    pale, read = axes["inputs"].images
    shown: np.ndarray = np.ma.compressed(np.ma.asarray(pale.get_array()))
    largest = np.abs(inputs).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(shown, (inputs / largest).ravel(), rtol=1e-6)
    for image in (read, axes["lanes"].images[0]):
        assert np.ma.getmaskarray(np.ma.asarray(image.get_array())).all()


def vars_of(batch: BatchRecord) -> dict[str, Any]:
    names = ("initial_hidden_state", "initial_cell_state", "origin", "came_from")
    return {name: getattr(batch, name) for name in names}


def test_what_reset_a_state_is_told_from_the_events() -> None:
    model = keras.Sequential(
        [keras.Input(batch_shape=(2, 3, 1)), keras.layers.LSTM(2, stateful=True, name="lstm")]
    )
    X = np.ones((2, 3, 1), "float32")
    with stateviz.record(model) as recording:
        model.predict(X, verbose=0)
        model.predict(X, verbose=0)
        model.get_layer("lstm").reset_state()
        model.predict(X, verbose=0)
    player = stateviz.play_batches(recording)
    said = []
    for place in range(3):
        stop = player.stops[4 * place]
        player.frame = stop - 2
        said.append(player.readout)
    assert "the state is new" in said[0]
    assert "is carried over" in said[1]
    assert "is stopped, and zeros arrive, by reset_state()" in said[2]


def test_lanes_of_very_different_size_have_a_scale_each() -> None:
    sizes = np.array([3, 9, 30, 300], "float32")[:, np.newaxis, np.newaxis]
    cell = np.ones((SAMPLES, TIMESTEPS, UNITS), "float32") * sizes
    player = played([a_batch(0, cell_state=cell, initial_cell_state=ZEROS, origin="reset")])
    player.frame = player.n_frames - 1
    [ax] = player.figure.axes
    image: np.ma.MaskedArray = np.ma.asarray(ax.images[0].get_array())
    shown = image.compressed()
    assert {*shown.tolist()} == {0.0, 1.0}
    assert player._scene.scales[ax.images[0]] == [3, 9, 30, 300]
    numbers = [text.get_text() for text in ax.texts if text.get_visible()]
    assert {"+3.00", "+9.00", "+30.0", "+300"} <= {*numbers}


def test_stops_are_what_was_recorded_and_all_else_is_motion() -> None:
    player = played(a_run("reset", "carried"))
    assert len(player.stops) == 2 * (TIMESTEPS + 1)
    assert player.stops[-1] == player.n_frames - 1
    gaps = np.diff([-1, *player.stops]) - 1
    assert gaps.tolist() == [24, 0, 0, 0, 24, 0, 0, 0]
    plain = stateviz.play_sequence(Recording([LayerRecording("lstm", "LSTM", UNITS, True,
                                                             a_run("reset"))]))  # fmt: skip
    assert plain.stops == tuple(range(plain.n_frames))


def test_a_scene_refuses_stops_that_it_cannot_keep() -> None:
    player = played(a_run("reset"))
    for stops, message in (
        ([0, 0, 5], "in order"),
        ([], "at least one"),
        ([1, 3], "last stop must"),
    ):
        with pytest.raises(ValueError, match=message):
            Scene(player.figure, 6, describe=str, stops=stops)


@pytest.mark.parametrize(("stops", "motions"), [(2, 0), (4, 1), (16, 2), (105, 5), (300, 12)])
def test_a_short_play_lasts_for_seconds_and_a_long_one_is_over_in_a_minute(
    stops: int, motions: int
) -> None:
    found = pace(stops, motions=motions)
    motion = found.between_ms * frames_of_a_motion(motions)
    whole = stops * found.interval_ms + motions * motion
    assert min(6_000, 1_200 * stops) - stops <= whole <= 60_000
    if 0 < motions <= 12:
        assert 1_900 <= motion <= 2_100
    assert pace(10_000, motions=1_000).interval_ms * 10_000 < 60_000
