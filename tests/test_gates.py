"""The gates' picture shows the recorded gates, and its equation adds up."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.drawing import gates
from stateviz.recording import BatchRecord, Gates, GRUGates, LayerRecording, Recording
from tests.building.recordings import a_batch, changed, gates_of, there

SAMPLES, TIMESTEPS, UNITS = 3, 5, 4


def lstm_batch(**words: Any) -> BatchRecord:
    """A batch whose states follow from its gates."""
    random = np.random.default_rng(0)
    shape = (SAMPLES, TIMESTEPS, UNITS)
    i, f, o = (random.uniform(0, 1, shape) for _ in range(3))
    g = random.uniform(-1, 1, shape)
    before = initial = random.normal(size=(SAMPLES, UNITS))
    c = np.empty(shape)
    for t in range(TIMESTEPS):
        c[:, t] = before = f[:, t] * before + i[:, t] * g[:, t]
    h = o * np.tanh(c)
    held = {
        "initial_cell_state": initial,
        "initial_hidden_state": np.zeros((SAMPLES, UNITS)),
        "cell_state": c,
        "hidden_state": h,
        "final_cell_state": c[:, -1],
        "final_hidden_state": h[:, -1],
        "samples": np.arange(SAMPLES),
        "gates": Gates(i, f, g, o),
    }
    return changed(a_batch(0), **held | words)


def numbers_in(text: str) -> list[float]:
    return [float(each.replace("−", "-")) for each in re.findall(r"−?\d+\.\d\d", text)]


@pytest.mark.parametrize("timestep", [0, 3])
def test_the_equation_of_an_lstm_adds_up(timestep: int) -> None:
    batch = lstm_batch()
    text = gates.equation(batch, sample=1, unit=2, timestep=timestep)
    assert text.startswith("c = f × c_before + i × g = ")
    f, before, i, g, c, h = numbers_in(text)
    assert c == pytest.approx(f * before + i * g, abs=0.02)
    assert before == pytest.approx(
        there(batch.cell_state)[1, timestep - 1, 2]
        if timestep
        else there(batch.initial_cell_state)[1, 2],
        abs=0.005,
    )
    assert "h = o × tanh(c)" in text
    assert h == pytest.approx(batch.hidden_state[1, timestep, 2], abs=0.005)
    other = lstm_batch(
        hidden_state=gates_of(batch).output * np.maximum(there(batch.cell_state), 0) + 2
    )
    assert "h = o × activation(c)" in gates.equation(other, sample=1, unit=2, timestep=timestep)


def test_the_equation_of_a_gru_adds_up() -> None:
    random = np.random.default_rng(1)
    shape = (SAMPLES, TIMESTEPS, UNITS)
    z, r, g = (random.uniform(-1, 1, shape) for _ in range(3))
    h = random.normal(size=shape)
    h[:, 2] = z[:, 2] * h[:, 1] + (1 - z[:, 2]) * g[:, 2]
    batch = lstm_batch(
        gates=GRUGates(z, r, g), hidden_state=h, cell_state=None, initial_cell_state=None
    )
    text = gates.equation(batch, sample=0, unit=3, timestep=2)
    update, before, rest, candidate, after = numbers_in(text)
    assert after == pytest.approx(update * before + rest * candidate, abs=0.02)
    assert list(gates.gates_of(batch, 0, 3)) == ["reset", "update", "candidate"]


def test_a_negative_number_is_put_in_brackets() -> None:
    batch = lstm_batch(initial_cell_state=np.full((SAMPLES, UNITS), -0.5))
    assert "× (−0.50) +" in gates.equation(batch, sample=0, unit=0, timestep=0)


def test_there_is_no_equation_for_the_initial_state_nor_at_a_masked_timestep() -> None:
    mask = np.ones((SAMPLES, TIMESTEPS), bool)
    mask[0, 1] = False
    batch = lstm_batch(mask=mask)
    assert gates.equation(batch, sample=0, unit=0, timestep=-1) == ""
    assert "the state is held" in gates.equation(batch, sample=0, unit=0, timestep=1)
    assert gates.equation(batch, sample=1, unit=0, timestep=1).startswith("c = ")


def test_play_sequence_shows_the_gates_of_each_frame() -> None:
    batch = lstm_batch()
    layer = LayerRecording("lstm", "LSTM", UNITS, True, [batch])
    player = stateviz.play_sequence(Recording([layer]), sample=1, unit=2)
    [ax] = [ax for ax in player.figure.axes if ax.get_label() == "gates"]
    words = [text.get_text() for text in ax.texts]
    assert words[:4] == ["forget f", "input i", "candidate g", "output o"]
    player.frame = 4
    assert player.readout.split("\n")[1] == gates.equation(batch, sample=1, unit=2, timestep=3)
    shown: np.ma.MaskedArray = np.ma.asarray(ax.images[0].get_array())
    order = ("forget", "input", "candidate", "output")
    for row, name in enumerate(order):
        values = getattr(gates_of(batch), name)[1, :, 2]
        np.testing.assert_array_equal(shown[row].compressed(), values[:4])
        assert ax.texts[4 + row].get_text() == f"{values[3]:.2f}".replace("-", "−")
    without = Recording([LayerRecording("lstm", "LSTM", UNITS, True, [replace(batch, gates=None)])])
    axes = stateviz.play_sequence(without).figure.axes
    assert "gates" not in [ax.get_label() for ax in axes]


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
@pytest.mark.parametrize(
    ("activation", "recurrent_activation"),
    [("relu", "hard_sigmoid"), ("gelu", "sigmoid"), ("linear", "sigmoid"), ("silu", "elu")],
)
def test_reading_the_gates_changes_no_bit_whatever_the_activations_are(
    layer: str, activation: str, recurrent_activation: str
) -> None:
    """TensorFlow merges an activation of several operations with what follows, unless it is read:
    `predict` with hard_sigmoid and gates was off by 6e-8.
    """
    import keras

    X = np.random.default_rng(0).normal(size=(8, 5, 3)).astype("float32")

    def model() -> keras.Model:
        keras.utils.set_random_seed(1)
        recurrent = getattr(keras.layers, layer)(
            4, activation=activation, recurrent_activation=recurrent_activation
        )
        return keras.Sequential([keras.Input((5, 3)), recurrent])

    expected = model().predict(X, verbose=0)
    recorded = model()
    with stateviz.record(recorded, gates=True) as recording:
        found = recorded.predict(X, verbose=0)
    assert found.tobytes() == expected.tobytes()
    [batch] = recording[recording.layers[0]].batches
    found_gates = batch.gates
    before = np.concatenate(
        [batch.initial_hidden_state[:, np.newaxis], batch.hidden_state[:, :-1]], axis=1
    )
    if layer == "GRU":
        assert isinstance(found_gates, GRUGates)
        z, g = found_gates.update, found_gates.candidate
        np.testing.assert_allclose(batch.hidden_state, z * before + (1 - z) * g, atol=1e-5)
    else:
        c_before = np.concatenate(
            [there(batch.initial_cell_state)[:, np.newaxis], there(batch.cell_state)[:, :-1]],
            axis=1,
        )
        assert isinstance(found_gates, Gates)
        c = found_gates.forget * c_before + found_gates.input * found_gates.candidate
        np.testing.assert_allclose(there(batch.cell_state), c, atol=1e-5)
