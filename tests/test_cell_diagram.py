"""The diagram of the cell holds the numbers of the recorded run, at every timestep."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.patches import Rectangle

import stateviz
from stateviz.drawing import diagrams
from stateviz.recording import Recording
from tests.building.models import FEATURES, TIMESTEPS, a_model, series
from tests.building.recordings import there


def recorded(kind: str, *, gates: bool = True, masked: bool = False, **words: Any) -> Recording:
    keras.utils.set_random_seed(4)
    layers = [keras.Input((5, 1)), *[keras.layers.Masking(0.0)] * masked]
    model = keras.Sequential([*layers, getattr(keras.layers, kind)(3, name="rnn", **words)])
    X = np.random.default_rng(2).normal(size=(2, 5, 1)).astype("float32")
    X[:, 2] = 0
    with stateviz.record(model, gates=gates) as recording:
        model.predict(X, verbose=0)
    return recording


def texts(player: stateviz.Player) -> list[str]:
    ax = player.figure.axes[0]
    return [text.get_text() for text in ax.texts if text.get_text()]


def chips(player: stateviz.Player) -> dict[str, str]:
    """The number in each box, by the label over it."""
    found = [text.get_text() for text in player.figure.axes[0].texts]
    labels = ("c before", "h before", "x", "c now", "h now")
    return {each: found[found.index(each) + 1] for each in labels if each in found}


def number(player: stateviz.Player, word: str) -> str:
    """The number under a word."""
    found = [text.get_text() for text in player.figure.axes[0].texts]
    return found[found.index(word) + 1]


def said(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


@pytest.mark.parametrize(("sample", "unit"), [(0, 0), (1, 2)])
def test_the_boxes_of_an_lstm_hold_what_its_equations_take(sample: int, unit: int) -> None:
    recording = recorded("LSTM")
    batch = recording["rnn"].batches[0]
    player = stateviz.play_cell(recording, sample=sample, unit=unit)
    assert len(player.stops) == 6
    h, c = (batch.states[place].after[sample, :, unit] for place in (0, 1))
    g = batch.gates
    assert isinstance(g, stateviz.Gates)
    for t in range(5):
        player.frame = player.stops[t + 1]
        before = (0.0, 0.0) if t == 0 else (h[t - 1], c[t - 1])
        assert chips(player) == {
            "h before": said(before[0]),
            "c before": said(before[1]),
            "x": said(float(batch.inputs[sample, t, 0])),  # type: ignore[index]
            "h now": said(h[t]),
            "c now": said(c[t]),
        }
        at = (sample, t, unit)
        assert number(player, "kept: f × c before") == said(g.forget[at] * before[1])
        assert number(player, "added: i × g") == said(g.input[at] * g.candidate[at])
        assert g.forget[at] * before[1] + g.input[at] * g.candidate[at] == pytest.approx(
            c[t], abs=1e-6
        )


def test_a_valve_is_open_as_far_as_its_gate() -> None:
    recording = recorded("LSTM")
    gates = recording["rnn"].batches[0].gates
    assert isinstance(gates, stateviz.Gates)
    player = stateviz.play_cell(recording, unit=1)
    player.frame = player.stops[4]
    both = zip(diagrams.LSTM.gauges, fills_of(player), strict=True)
    of = {gauge.label.split()[0]: fill for gauge, fill in both}
    high = diagrams.GAUGE[1]
    for name in ("forget", "input", "output"):
        value = getattr(gates, name)[0, 3, 1]
        assert of[name].get_height() / (high - 6) == pytest.approx(value, abs=1e-6)
    candidate = float(gates.candidate[0, 3, 1])
    assert of["candidate"].get_height() / (high / 2 - 3) == pytest.approx(abs(candidate), abs=1e-6)
    below = of["candidate"].get_y() >= diagrams.GAUGES + high / 2
    assert below == (candidate < 0)


def fills_of(player: stateviz.Player) -> list[Rectangle]:
    patches: Any = player.figure.axes[0].patches
    return [patch for patch in patches if patch.get_zorder() == 3.2]


def test_jaws_narrow_a_stream_by_their_gate() -> None:
    recording = recorded("LSTM")
    batch = recording["rnn"].batches[0]
    player = stateviz.play_cell(recording)
    player.frame = player.stops[5]
    assert isinstance(batch.gates, stateviz.Gates)
    patches: Any = player.figure.axes[0].patches
    upper, lower = [patch for patch in patches if patch.get_zorder() == 6][:2]
    opened = lower.get_y() - (upper.get_y() + upper.get_height())
    stream = next(line for line in player.figure.axes[0].lines if line.get_zorder() == 2)
    thick = max(stream.get_linewidth() / 0.75, 10)
    assert opened == pytest.approx(batch.gates.forget[0, 4, 0] * thick, abs=0.1)
    kept = [line for line in player.figure.axes[0].lines if line.get_zorder() == 2][1]
    reach = max(1.0, float(np.abs(there(batch.inputs)[0]).max()))
    for line, value in (
        (stream, there(batch.cell_state)[0, 3, 0]),
        (kept, batch.gates.forget[0, 4, 0] * there(batch.cell_state)[0, 3, 0]),
    ):
        thick = 2 + 32 * abs(value) / reach
        assert line.get_linewidth() / 0.75 == pytest.approx(thick, abs=0.06)


@pytest.mark.parametrize("kind", ["GRU", "SimpleRNN"])
def test_the_other_cells_have_their_own_diagram(kind: str) -> None:
    recording = recorded(kind, gates=kind == "GRU")
    batch = recording["rnn"].batches[0]
    player = stateviz.play_cell(recording, unit=1)
    player.frame = player.stops[3]
    h = batch.hidden_state[0, :, 1]
    assert chips(player)["h before"] == said(h[1])
    assert chips(player)["h now"] == said(h[2])
    assert "c now" not in texts(player)
    if kind == "GRU":
        gates = batch.gates
        assert isinstance(gates, stateviz.GRUGates)
        z, g = gates.update[0, 2, 1], gates.candidate[0, 2, 1]
        assert number(player, "kept: z × h before") == said(z * h[1])
        assert number(player, "added: (1 − z) × g") == said((1 - z) * g)
        assert z * h[1] + (1 - z) * g == pytest.approx(h[2], abs=1e-6)


def test_nothing_of_a_timestep_is_known_before_its_values_meet() -> None:
    player = stateviz.play_cell(recorded("LSTM"))
    first, then = player.stops[1:3]
    for frame in range(first + 1, then):
        player.frame = frame
        assert bool(chips(player)["h now"]) == ((frame - first) / (then - first) >= 0.7)


def test_a_masked_timestep_holds_the_cell_still() -> None:
    player = stateviz.play_cell(recorded("LSTM", masked=True))
    player.frame = player.stops[3]
    assert "held, for it is masked" in player.readout
    assert "held: this timestep is masked, and the cell stands still" in player.readout
    shown = chips(player)
    assert shown["c before"] == shown["c now"]
    assert number(player, "kept: f × c before") == ""


def test_a_long_sequence_is_over_in_a_minute() -> None:
    for timesteps in (5, 100):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((timesteps, 1)), keras.layers.SimpleRNN(2)])
        with stateviz.record(model) as recording:
            model.predict(np.ones((1, timesteps, 1), "float32"), verbose=0)
        player = stateviz.play_cell(recording)
        scene = player._scene
        assert scene.pace is not None
        motion = (player.n_frames - len(player.stops)) * scene.pace.between_ms
        assert 5_000 < motion + len(player.stops) * player.interval_ms < 60_000


def test_an_activation_that_is_not_tanh_is_not_called_so() -> None:
    assert "tanh" in texts(stateviz.play_cell(recorded("LSTM")))
    other = texts(stateviz.play_cell(recorded("LSTM", activation="linear")))
    assert "tanh" not in other
    assert "φ" in other


def test_what_has_no_diagram_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"stateviz.record\(model, gates=True\)"):
        stateviz.play_cell(recorded("LSTM", gates=False))
    keras.utils.set_random_seed(1)
    inputs = keras.Input((2, 4, 4, 1))
    model = keras.Model(inputs, keras.layers.ConvLSTM2D(2, 3, name="conv")(inputs))
    with stateviz.record(model) as recording:
        model.predict(np.ones((1, 2, 4, 4, 1), "float32"), verbose=0)
    with pytest.raises(ValueError, match="layer 'conv' is a ConvLSTM2D"):
        stateviz.play_cell(recording)
    with pytest.raises(IndexError, match="unit=3 is out of range"):
        stateviz.play_cell(recorded("SimpleRNN"), unit=3)


def test_many_features_have_no_single_x() -> None:
    X, _ = series()
    model = a_model()
    with stateviz.record(model, gates=True) as recording:
        model.predict(X, verbose=0)
    assert X.shape[1:] == (TIMESTEPS, FEATURES)
    player = stateviz.play_cell(recording)
    player.frame = player.stops[2]
    assert chips(player)["x"] == ""


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_each_part_says_what_it_is_at_its_place(kind: str) -> None:
    player = stateviz.play_cell(recorded(kind))
    ax, notes = player.figure.axes[0], player._scene.notes
    signs = [text for text in ax.texts if text.get_text() in ("+", "tanh", "φ")]
    assert len(signs) == {"LSTM": 2, "GRU": 1, "SimpleRNN": 2}[kind]
    assert len(notes) == {"LSTM": 9, "GRU": 7, "SimpleRNN": 2}[kind]
    for text in signs:
        [words] = [note.words for note in notes if is_in(*text.get_position(), note.box)]
        assert len(words) > 15
    for one, other in itertools.combinations(notes, 2):
        assert one.words != other.words
        left, right, bottom, top = one.box
        assert not is_in((left + right) / 2, (bottom + top) / 2, other.box)


def is_in(x: float, y: float, box: tuple[float, float, float, float]) -> bool:
    left, right, bottom, top = box
    return left <= x <= right and top <= y <= bottom


def test_an_activation_of_ones_own_is_not_said_to_be_tanh() -> None:
    said_of = {
        activation: [note.words for note in stateviz.play_cell(run)._scene.notes]
        for activation in ("tanh", "relu")
        for run in [recorded("LSTM", activation=activation)]
    }
    assert diagrams.PHI not in said_of["tanh"]
    assert diagrams.PHI in said_of["relu"]
    assert not any(words.startswith("tanh(c)") for words in said_of["relu"])
