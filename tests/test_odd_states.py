"""What is odd about a state is played as what it is: not finite, of another size, of kept units."""

from __future__ import annotations

import gc
import re
import warnings
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import traitlets

import stateviz
from stateviz.playing.player import Player
from stateviz.recording import BatchRecord, LayerRecording, Recording, Start, State
from tests.building.models import BATCH, FEATURES, FIT, TIMESTEPS, a_model, series
from tests.building.payload import Unpacked
from tests.building.recordings import SAMPLES, UNITS, a_recording
from tests.building.recordings import TIMESTEPS as STEPS

PLAYED: dict[str, Callable[[Recording], Player]] = {
    "sequence": stateviz.play_sequence,
    "batches": stateviz.play_batches,
    "resets": stateviz.play_resets,
    "compare": lambda recording: stateviz.compare(recording, recording),
}


def texts(player: Player) -> list[str]:
    return [text.get_text() for ax in player.figure.axes for text in ax.texts]


def play_all(player: Player) -> None:
    for frame in range(player.n_frames):
        player.frame = frame
    assert player.readout
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        player.figure.savefig(Path("/dev/null"), format="svg")


def odd_recording(value: float, where: tuple[Any, ...]) -> Recording:
    """A recording in whose batches some of c and of the inputs has one value."""
    recording = a_recording(2)
    for place, batch in enumerate(recording["lstm"].batches):
        after = batch.states[1].after.copy()
        after[where] = value
        inputs = np.ones((SAMPLES, STEPS, 1), "float32")
        inputs[where[:2]] = value
        states = (batch.states[0], replace(batch.states[1], after=after))
        recording["lstm"].batches[place] = replace(batch, states=states, inputs=inputs)
    return recording


EVERYWHERE = (slice(None), slice(None), slice(None))
FROM_1_ON = (0, slice(1, None), slice(None))
ONE_CELL = (0, 1, 0)


NOT_FINITE = [
    *((scene, where, np.nan) for scene in PLAYED for where in (EVERYWHERE, FROM_1_ON, ONE_CELL)),
    ("sequence", ONE_CELL, np.inf),
    ("batches", FROM_1_ON, -np.inf),
]


@pytest.mark.parametrize(("scene", "where", "value"), NOT_FINITE)
def test_a_state_that_is_not_finite_is_marked_and_the_rest_keeps_its_scale(
    scene: str, where: tuple[Any, ...], value: float
) -> None:
    player = PLAYED[scene](odd_recording(value, where))
    play_all(player)
    assert any(("NaN" if np.isnan(value) else "inf") in text for text in texts(player))
    finite = PLAYED[scene](odd_recording(0.0, where))
    if where == ONE_CELL and scene == "sequence":
        limits = [
            [ax.images[-1].get_clim() for ax in each.figure.axes if ax.images]
            for each in (player, finite)
        ]
        assert limits[0] == limits[1]


def test_the_hatch_is_seen_in_the_page() -> None:
    stage = Unpacked(stateviz.play_sequence(odd_recording(np.nan, FROM_1_ON))).scene["stage"]
    patterns = re.findall(r"<pattern.*?</pattern>", stage, re.DOTALL)
    assert patterns
    for pattern in patterns:
        face, hatch = re.findall(r"fill[:=] ?\"?(#\w+)", pattern)[:2]
        assert face != hatch


def test_the_initial_state_and_the_gates_may_be_odd_too() -> None:
    recording = odd_recording(np.nan, ONE_CELL)
    first = recording["lstm"].batches[0]
    nothing = np.full_like(first.states[0].initial, np.nan)
    states = (replace(first.states[0], initial=nothing), first.states[1])
    recording["lstm"].batches[0] = replace(first, states=states)
    player = stateviz.play_sequence(recording)
    play_all(player)
    player.frame = 0
    assert "h = nan" in player.readout
    model = a_model()
    X, _ = series()
    X[0] = np.nan
    with stateviz.record(model, gates=True) as real:
        model.predict(X, **FIT)
    play_all(stateviz.play_sequence(real))


def a_recording_of(*shapes: tuple[int, ...]) -> Recording:
    """A recording of a cell whose states have these shapes."""
    random = np.random.default_rng(0)

    def state(shape: tuple[int, ...]) -> State:
        return State(
            random.normal(size=(SAMPLES, *shape)),
            random.normal(size=(SAMPLES, STEPS, *shape)),
            random.normal(size=(SAMPLES, *shape)),
        )

    layer = LayerRecording("own", "Cell", shapes[0][0] if shapes[0] else 1, stateful=False)
    for place in range(2):
        batch = BatchRecord(
            layer="own",
            index=place,
            phase="predict",
            batch=place,
            training=False,
            batch_size=SAMPLES,
            starts=(Start(SAMPLES, "fresh", zeros=True),),
            samples=np.arange(SAMPLES),
            states=tuple(map(state, shapes)),
        )
        layer.batches.append(batch)
    return Recording([layer])


SHAPES: dict[str, tuple[tuple[int, ...], ...]] = {
    "4 and 1": ((4,), (1,)),
    "1 and 4": ((1,), (4,)),
    "a matrix": ((3, 4),),
    "a vector and a matrix": ((3,), (3, 2)),
    "a matrix and a vector": ((3, 2), (5,)),
    "a number": ((),),
    "three": ((2,), (3,), (4,)),
}


@pytest.mark.parametrize(
    ("scene", "shapes"),
    [
        *(("sequence", shapes) for shapes in SHAPES),
        *((scene, "a vector and a matrix") for scene in ("batches", "resets", "compare")),
        ("batches", "a number"),
        ("compare", "three"),
    ],
)
def test_states_of_any_size_can_be_played_and_kept(scene: str, shapes: str, tmp_path: Path) -> None:
    recording = a_recording_of(*SHAPES[shapes])
    player = PLAYED[scene](recording)
    play_all(player)
    for name, labels in player.options.items():
        player.choose(**{name: len(labels) - 1})
        assert player.chosen[name] == len(labels) - 1
    play_all(player)
    assert stateviz.load(recording.save(tmp_path / "own")) == recording


def test_a_cell_with_states_of_other_sizes_is_recorded_as_it_is() -> None:
    class Counts(keras.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.state_size = [4, 1]

        def call(self, inputs: Any, states: Any) -> Any:
            held, count = states
            held = held + keras.ops.sum(inputs, -1, keepdims=True)
            return held, [held, count + 1.0]

        def get_initial_state(self, batch_size: Any = None) -> Any:
            return [keras.ops.zeros((batch_size, 4)), keras.ops.zeros((batch_size, 1))]

    X, _ = series()
    inputs = keras.Input((TIMESTEPS, FEATURES))
    model = keras.Model(inputs, keras.layers.RNN(Counts(), name="rnn")(inputs))
    with stateviz.record(model) as recording:
        model.predict(X[:BATCH], verbose=0)
    batch = recording["rnn"].batches[0]
    np.testing.assert_array_equal(batch.states[1].after[0, :, 0], np.arange(1, TIMESTEPS + 1))
    player = stateviz.play_sequence(recording, unit=3)
    play_all(player)
    assert "(unit 3)" in player.readout


@pytest.fixture(scope="module")
def of_two_units() -> Recording:
    model = a_model()
    X, _ = series()
    with stateviz.record(model, units=[3, 1], samples=[2, 0], gates=True) as recording:
        model.predict(X, **FIT)
    return recording


def test_kept_units_and_samples_carry_their_numbers(
    of_two_units: Recording, tmp_path: Path
) -> None:
    for recording in (of_two_units, stateviz.load(of_two_units.save(tmp_path / "two"))):
        assert recording["lstm"].batches[0].unit_numbers == [3, 1]
        player = stateviz.play_sequence(recording, unit=0)
        player.frame = 1
        assert player.options["unit"] == ("3", "1")
        assert player.options["sample"] == ("2", "0")
        assert player.readout.split("\n")[0].endswith("(unit 3)")
        assert any("of unit 3" in text for text in texts(player))
        assert "sample 2" in player.title
        [lanes_of] = [ax for ax in player.figure.axes if ax.get_label() == "lanes"]
        numbers = {text.get_position()[1]: text.get_text() for text in lanes_of.texts}
        assert [numbers[row] for row in (0, 1)] == ["3", "1"]
        lanes = stateviz.play_batches(recording, unit=1)
        assert lanes.options["unit"] == ("3", "1")
        assert lanes.title.startswith("c of unit 1 in ")
        assert "unit 3" in stateviz.play_resets(recording).options["line"]
        assert "of unit 3" in stateviz.compare(recording, recording, unit=0).title


def described(player: Player) -> list[dict[str, Any]]:
    """The tracks as the page gets them."""
    tracks: list[dict[str, Any]] = Unpacked(player).scene["tracks"]
    return tracks


def test_the_page_gets_the_numbers_of_units_and_samples(of_two_units: Recording) -> None:
    rows = {
        tuple(track.get("rows", ())) for track in described(stateviz.play_sequence(of_two_units))
    }
    assert ("3", "1") in rows
    rows = {
        tuple(track.get("rows", ())) for track in described(stateviz.play_batches(of_two_units))
    }
    assert ("2", "0") in rows


@pytest.mark.parametrize("name", ["c{x}", "{foo:.2f}", "a$b$c", "<b>", "{{", "}"])
def test_a_name_with_signs_that_mean_something_is_a_name(name: str) -> None:
    layers = []
    for each in (name, "other"):
        batches = [replace(b, layer=each) for b in a_recording(2)["lstm"].batches]
        layers.append(LayerRecording(each, "LSTM", UNITS, stateful=True, batches=batches))
    recording = Recording(layers)
    player = stateviz.play_sequence(recording, layer=[name, "other"])
    play_all(player)
    said = name.replace("{", "{{").replace("}", "}}")
    assert any(said in (track.get("hover") or "") for track in described(player))
    for play in (stateviz.play_sequence, stateviz.play_batches, stateviz.play_resets):
        play_all(play(recording, layer=name))


@pytest.mark.parametrize("chosen", [{"unit": 99}, {"unit": -1}, {"nothing": 0}, {"batch": 6}])
def test_a_choice_that_is_not_there_is_refused_and_the_player_lives_on(
    chosen: dict[str, int],
) -> None:
    player = stateviz.play_sequence(a_recording())
    before = dict(player.chosen)
    with pytest.raises(traitlets.TraitError, match=r"chosen here|out of range"):
        player.chosen = {**before, **chosen}
    with pytest.raises((ValueError, IndexError)):
        player.choose(**chosen)
    assert player.chosen == before
    player.set_state({"chosen": before | {"batch": 2}})  # as the page does
    play_all(player)
    assert player.chosen["batch"] == 2


@pytest.mark.parametrize("play", [stateviz.play_sequence, stateviz.play_batches])
def test_what_is_no_recording_is_refused_in_words(play: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"Open it first: stateviz\.load\('run\.npz'\)"):
        play("run.npz")
    with pytest.raises(TypeError, match=r"got dict.*stateviz\.record\(model\)"):
        play({})
    with pytest.raises(TypeError, match=r"got dict"):
        stateviz.play_resets({})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": []}, "`layers` is empty"),
        ({"units": slice(10, 20)}, "selects no unit: layer 'lstm' has 5"),
        ({"every": True}, "`every` must be an integer"),
        ({"every": 1.5}, "`every` must be an integer"),
        ({"max_bytes": "1 XB"}, "positive number of bytes"),
        ({"max_bytes": True}, "positive number of bytes"),
        ({"max_bytes": float("nan")}, "positive number of bytes"),
        ({"gates": "yes"}, "`gates` must be True or False"),
    ],
)
def test_an_option_that_means_nothing_is_refused_in_words(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said), stateviz.record(a_model(), **options):
        pass


def test_what_an_option_means_is_done() -> None:
    X, _ = series()
    model = a_model()
    with (
        pytest.warns(stateviz.RecordingWarning, match=r"max_bytes=2,000: the first \d of 3"),
        stateviz.record(model, max_bytes="2 kB", every=int(np.int64(1))) as recording,
    ):
        model.predict(X, **FIT)
    assert 0 < recording.nbytes <= 2000
    with (
        pytest.warns(stateviz.RecordingWarning, match="largest batch has 4 rows, 0 to 3"),
        stateviz.record(model, samples=1000) as recording,
    ):
        model.predict(X, **FIT)
    assert "kept: 0 of 3 batches" in repr(recording)


def test_a_closed_player_holds_nothing() -> None:
    recording = a_recording()
    held = weakref.ref(recording["lstm"].batches[0].hidden_state)
    player = stateviz.play_sequence(recording)
    figure = weakref.ref(player.figure)
    del recording
    gc.collect()
    assert held() is not None
    player.close()
    gc.collect()
    assert held() is None
    assert figure() is None
    assert player._payload == b""
    with pytest.raises(RuntimeError, match="This player is closed"):
        _ = player.figure


def test_a_cell_that_runs_again_closes_what_it_had_made(monkeypatch: pytest.MonkeyPatch) -> None:
    now = ("cell 1", "run 1")
    monkeypatch.setattr("stateviz.playing.reruns.cell_now", lambda: now)
    held = []

    def played() -> Player:
        recording = a_recording()
        held.append(weakref.ref(recording["lstm"].batches[0].hidden_state))
        return stateviz.play_sequence(recording)

    first, beside = played(), played()
    now = ("cell 2", "run 2")
    other = played()
    now = ("cell 1", "run 3")
    again = played()
    gc.collect()
    assert [each() is None for each in held] == [True, True, False, False]
    assert other.n_frames == again.n_frames == first.n_frames == beside.n_frames
    for _ in range(20):
        now = ("cell 1", f"run {len(held) + 1}")
        played()
    gc.collect()
    assert sum(each() is not None for each in held) == 2


def test_states_that_are_not_finite_are_recorded_without_a_word_of_numpys() -> None:
    class Grows(keras.layers.SimpleRNNCell):  # type: ignore[misc]
        def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
            held = states[0] + keras.ops.array([np.inf, np.nan, 1.0])
            return held, [held]

    inputs = keras.Input((TIMESTEPS, FEATURES))
    model = keras.Model(inputs, keras.layers.RNN(Grows(3), name="rnn")(inputs))
    X = np.ones((BATCH, TIMESTEPS, FEATURES), "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with stateviz.record(model) as recording:
            model.predict(X, verbose=0)
    assert recording.stopped == ""
    assert np.isinf(recording["rnn"].batches[0].final_hidden_state[0, 0])
