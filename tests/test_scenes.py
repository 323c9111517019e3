"""A scene shows at each frame what the recording holds at that timestep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import stateviz
from stateviz.recording import STATE_NAMES, LayerRecording, Recording
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_batch, a_recording

INPUTS = np.arange(SAMPLES * TIMESTEPS, dtype="float32").reshape(SAMPLES, TIMESTEPS, 1)


def played(**words: Any) -> tuple[stateviz.Player, Any]:
    recording = a_recording(**{"inputs": INPUTS} | words)
    player = stateviz.play_sequence(recording, batch=4, sample=2, unit=1)
    return player, recording["lstm"].batches[4]


def axes_of(player: stateviz.Player) -> dict[str, Any]:
    return {str(ax.get_label()): ax for ax in player.figure.axes}


def values_of(image: Any) -> np.ma.MaskedArray:
    return np.ma.asarray(image.get_array())


def test_frame_0_is_the_initial_state_and_each_next_frame_one_timestep_more() -> None:
    player, batch = played()
    assert player.n_frames == TIMESTEPS + 1
    axes = axes_of(player)
    states = [batch.state(name) for name in STATE_NAMES]
    wholes = [np.concatenate([each.initial[2][None], each.after[2]]) for each in states]
    by_state: dict[str, np.ndarray] = dict(zip(STATE_NAMES, wholes, strict=True))
    units, large = axes["lanes"], axes["unit"]
    for frame in range(player.n_frames):
        player.frame = frame
        shown = {"cell": units.images[0], "hidden": units.images[-1]}
        for state, image in shown.items():
            values = values_of(image)
            for unit in range(UNITS):
                expected = by_state[state][: frame + 1, unit]
                np.testing.assert_array_equal(values[unit].compressed(), expected)
        for state, image in zip(("cell", "hidden"), large.images, strict=True):
            expected = by_state[state][: frame + 1, 1]
            np.testing.assert_array_equal(values_of(image)[0].compressed(), expected)


def test_the_state_column_holds_all_units_at_the_timestep_that_is_read() -> None:
    player, batch = played()
    for frame in range(player.n_frames):
        player.frame = frame
        axes = axes_of(player)
        [column] = [each for each in axes["lanes"].images if each.get_label() == "state column"]
        held = batch.state("cell")
        now = held.after[2, frame - 1] if frame else held.initial[2]
        np.testing.assert_array_equal(values_of(column)[:, 0], now)
        [cursor] = axes["reading"].lines
        left, right, *_ = column.get_extent()
        assert left < np.asarray(cursor.get_xdata())[0] <= right + 1e-6


def test_a_layer_that_reads_backwards_is_shown_in_its_own_order_of_time() -> None:
    player, _ = played(go_backwards=True)
    when = axes_of(player)["reading"].texts[-1]
    for frame, t in ((1, TIMESTEPS - 1), (TIMESTEPS, 0)):
        player.frame = frame
        assert player.readout.startswith(f"t = {t} ")
        when = axes_of(player)["reading"].texts[-1]
        assert when.get_text() == f"t = {t}"
    assert axes_of(player)["lanes"].get_xlim()[0] < 0  # time runs to the right all the same


def test_the_readout_says_the_timestep_the_input_and_the_states() -> None:
    player, batch = played()
    player.frame = 0
    h, c = batch.initial_hidden_state[2, 1], batch.initial_cell_state[2, 1]
    assert player.readout == (
        "before t = 0: carried, the final state of fit, epoch 1, batch 0   "
        f"h = {h:.3f}   c = {c:.3f}   (unit 1)"
    )
    player.frame = 2
    h, c = batch.hidden_state[2, 1, 1], batch.cell_state[2, 1, 1]
    assert player.readout == f"t = 1   x = 7.00   h = {h:.3f}   c = {c:.3f}   (unit 1)"


def test_several_features_and_a_mask_are_said() -> None:
    mask = np.ones((SAMPLES, TIMESTEPS), bool)
    mask[2, 1] = False
    player, _ = played(inputs=np.zeros((SAMPLES, TIMESTEPS, 5)), mask=mask)
    player.frame = 2
    assert "x = [0.00, 0.00, 0.00, ...]   masked, so the state is held:" in player.readout


def test_a_layer_without_a_cell_state_can_be_played() -> None:
    none = dict.fromkeys(("initial_cell_state", "cell_state", "final_cell_state"))
    player, _ = played(**none)
    player.frame = 1
    assert "c =" not in player.readout


def test_the_title_names_the_place_in_the_run() -> None:
    player, _ = played(samples=np.array([5, 6, 7, 8]), batch_size=9)
    assert repr(player) == "Player('lstm: fit, epoch 1, batch 1, sample 7', 4 frames)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 6}, r"batch=6 is out of range: .*'lstm' has 6 batches here, 0 to 5"),
        ({"batch": -1}, r"batch=-1 is out of range"),
        ({"sample": 4}, r"sample=4 is out of range: .* has 4 samples here, 0 to 3"),
        ({"unit": 2}, r"unit=2 is out of range: .* has 2 units here, 0 to 1"),
    ],
)
def test_an_index_out_of_range_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(IndexError, match=message):
        stateviz.play_sequence(a_recording(), **arguments)


def test_an_empty_recording_is_refused() -> None:
    with pytest.raises(ValueError, match=r"holds no batch.*nothing to play.*record\(model\)"):
        stateviz.play_sequence(a_recording(0))


def test_of_several_layers_one_must_be_named() -> None:
    other = LayerRecording("other", "LSTM", UNITS, stateful=False, batches=[a_batch(0)])
    both = Recording([a_recording()["lstm"], other])
    with pytest.raises(ValueError, match=r"2 layers: 'lstm', 'other'. Say which.*layer='lstm'"):
        stateviz.play_sequence(both)
    assert stateviz.play_sequence(both, layer="other").n_frames == TIMESTEPS + 1
    with pytest.raises(KeyError, match="Did you mean 'other'"):
        stateviz.play_sequence(both, layer="othr")


SCENES: dict[str, Callable[[], stateviz.Player]] = {
    "sequence": lambda: stateviz.play_sequence(
        a_recording(2, inputs=np.ones((SAMPLES, TIMESTEPS, 1)))
    ),
    "batches": lambda: stateviz.play_batches(a_recording(2)),
    "resets": lambda: stateviz.play_resets(a_recording(2)),
    "comparison": lambda: stateviz.compare(a_recording(2), a_recording(2, origin="altered")),
    "stack": lambda: stateviz.play_sequence(a_stack(), layer=["low", "high"]),
}


def a_stack() -> Recording:
    layers = [
        LayerRecording(
            name, "LSTM", UNITS, True, [a_batch(0, layer=name, go_backwards=name == "high")]
        )
        for name in ("low", "high")
    ]
    return Recording(layers)


def sharp(figure: Figure) -> bytes:
    """A picture in which a motion that begins gently is seen too: its first step is small."""
    file = BytesIO()
    figure.savefig(file, format="raw", dpi=250)
    return sha256(file.getvalue()).digest()


@pytest.mark.full
@pytest.mark.parametrize("name", SCENES)
def test_a_frame_shows_the_same_whatever_was_shown_before(name: str) -> None:
    def pictures(order: Sequence[int]) -> dict[int, bytes]:
        player = SCENES[name]()
        found = {}
        for frame in order:
            player.frame = frame
            found[frame] = sharp(player.figure)
        return found

    frames = range(SCENES[name]().n_frames)
    in_order = pictures(frames)
    assert len(set(in_order.values())) == len(frames)
    assert pictures([*reversed(frames)]) == in_order
    assert pictures([*frames[::2], *frames[1::2]]) == in_order
