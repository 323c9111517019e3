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
from stateviz.drawing import sample as drawings
from stateviz.recording import STATE_NAMES, LayerRecording, Recording
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_batch, a_recording

INPUTS = np.arange(SAMPLES * TIMESTEPS, dtype="float32").reshape(SAMPLES, TIMESTEPS, 1)


def played(**words: Any) -> tuple[stateviz.Player, Any]:
    recording = a_recording(**{"inputs": INPUTS} | words)
    player = stateviz.play_sequence(recording, batch=4, sample=2, unit=1)
    return player, recording["lstm"].batches[4]


def test_frame_0_is_the_initial_state_and_each_next_frame_one_timestep_more() -> None:
    player, batch = played()
    assert player.n_frames == TIMESTEPS + 1
    _, h, c, unit = player.figure.axes[:4]
    for frame in range(player.n_frames):
        player.frame = frame
        for ax, state in zip((h, c), STATE_NAMES, strict=True):
            initial, image = ax.images
            whole = batch.state(state).after[2].T
            shown: np.ma.MaskedArray = np.ma.asarray(image.get_array())
            np.testing.assert_array_equal(shown[:, :frame], whole[:, :frame])
            assert np.ma.getmaskarray(shown)[:, frame:].all()
            before = batch.state(state).initial[2]
            np.testing.assert_array_equal(np.ma.asarray(initial.get_array())[:, 0], before)
        for line, state in zip(unit.lines, STATE_NAMES, strict=False):
            values = drawings.trace_of(batch, state, 2, 1)[: frame + 1]
            np.testing.assert_array_equal(line.get_ydata(), values)


def test_the_cursor_stands_at_the_timestep_on_every_axes() -> None:
    player, batch = played()
    for frame, place in [(0, drawings.initial_place(batch)), (1, 0), (3, 2)]:
        player.frame = frame
        cursors = [ax.lines[-1] for ax in player.figure.axes[:4]]
        assert len(cursors) == 4
        seen = [cursor for cursor in cursors if cursor.get_visible()]
        assert {tuple(np.asarray(cursor.get_xdata())) for cursor in seen} == {(place, place)}
        # No input is read before t = 0; there the words of the origin stand.
        assert [cursor.get_visible() for cursor in cursors] == [frame > 0, True, True, True]


def test_a_layer_that_reads_backwards_is_shown_in_its_own_order_of_time() -> None:
    player, _ = played(go_backwards=True)
    player.frame = 1
    assert player.readout.startswith(f"t = {TIMESTEPS - 1} ")
    player.frame = TIMESTEPS
    assert player.readout.startswith("t = 0 ")
    unit = player.figure.axes[3]
    assert unit.get_xlabel() == "timestep t of the data, read backwards"
    ticks = [text.get_text() for text in unit.get_xticklabels()]
    assert ticks[:2] == ["initial", str(TIMESTEPS - 1)]
    assert ticks[-1] == "0"
    forward, _ = played()
    assert forward.figure.axes[3].get_xlabel() == "timestep t"


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
