"""The recorder is true: each timestep is what the layer held.

That it is harmless, bit for bit, in every configuration and every way to run it: tests/matrix/.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import stateviz
from tests.building.backend import BACKEND, only_on_tensorflow
from tests.building.models import (
    BATCH,
    FEATURES,
    FIT,
    ONES,
    TIMESTEPS,
    UNITS,
    a_model,
    counting_model,
    series,
)
from tests.building.recordings import gates_of, there
from tests.references import lstm_states


@pytest.mark.parametrize("options", [{}, {"stateful": True}, {"eager": True}, {"unroll": True}])
@pytest.mark.parametrize("masked", [False, True])
def test_every_timestep_equals_an_lstm_in_numpy(options: dict[str, Any], masked: bool) -> None:
    X, _ = series()
    if masked:
        X[0, :2] = 0  # leading
        X[1, 3:5] = 0  # in the middle
        X[2, 4:] = 0  # trailing
        X[3] = 0  # all of it
    model = a_model(masked=masked, **options)
    model.layers[-3].set_weights(
        [np.random.default_rng(2).normal(size=w.shape) for w in model.layers[-3].get_weights()]
    )
    with stateviz.record(model) as recording:
        model.predict(X, **FIT)
    lstm = recording["lstm"]
    assert len(lstm.batches) == 3
    for place, batch in enumerate(lstm.batches):
        rows = X[place * BATCH :][:BATCH]
        used = (rows != 0).any(axis=-1) if masked else None
        expected = lstm_states(
            model.get_layer("lstm"),
            rows,
            batch.initial_hidden_state,
            there(batch.initial_cell_state),
            used,
        )
        np.testing.assert_allclose(batch.hidden_state, expected.hidden, atol=2e-6)
        np.testing.assert_allclose(there(batch.cell_state), expected.cell, atol=2e-6)
        np.testing.assert_array_equal(batch.inputs, rows)
        # What JAX computes beside an unrolled loop may differ from it in the last bit.
        apart = 1e-6 if BACKEND == "jax" and batch.training is False else 0
        ends = (
            (batch.hidden_state, batch.final_hidden_state),
            (batch.cell_state, batch.final_cell_state),
        )
        for state, end in ends:
            np.testing.assert_allclose(there(state)[:, -1], there(end), rtol=0, atol=apart)
        if masked:
            np.testing.assert_array_equal(batch.mask, used)
        else:
            assert batch.mask is None


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_states_are_those_that_keras_returns(go_backwards: bool, unroll: bool) -> None:
    X, _ = series()
    inputs = keras.Input((TIMESTEPS, FEATURES))
    layer = keras.layers.LSTM(
        UNITS,
        return_sequences=True,
        return_state=True,
        go_backwards=go_backwards,
        unroll=unroll,
        name="lstm",
    )
    model = keras.Model(inputs, layer(inputs))
    with stateviz.record(model) as recording:
        sequences, hidden, cell = model.predict(X, **FIT)
    batches = recording["lstm"].batches
    np.testing.assert_array_equal(np.concatenate([b.hidden_state for b in batches]), sequences)
    np.testing.assert_array_equal(np.concatenate([b.final_hidden_state for b in batches]), hidden)
    np.testing.assert_array_equal(np.concatenate([b.final_cell_state for b in batches]), cell)
    assert recording["lstm"].go_backwards is batches[0].go_backwards is go_backwards
    assert ("reads backwards" in repr(recording)) is go_backwards
    first = X[:BATCH, ::-1] if go_backwards else X[:BATCH]
    np.testing.assert_array_equal(batches[0].inputs, first)


def test_a_state_that_is_recorded_during_fit_is_the_one_of_that_moments_weights() -> None:
    X, y = series()
    model = a_model()
    weights = []

    class Weights(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            weights.append(self.model.get_layer("lstm").get_weights())

    with stateviz.record(model) as recording:
        model.fit(X, y, epochs=2, callbacks=[Weights()], shuffle=False, **FIT)
    twin = a_model().get_layer("lstm")
    for batch, then in zip(recording["lstm"].batches, weights, strict=True):
        twin.set_weights(then)
        zeros = np.zeros((BATCH, UNITS))
        expected = lstm_states(twin, there(batch.inputs), zeros, zeros)
        np.testing.assert_allclose(there(batch.cell_state), expected.cell, atol=2e-6)
    assert not np.array_equal(weights[0][0], weights[-1][0])


def test_gates_satisfy_the_equations_of_the_cell() -> None:
    X, y = series()
    for options in ({}, {"recurrent_dropout": 0.2}, {"unroll": True}):
        model = a_model(**options)
        with stateviz.record(model, gates=True) as recording:
            model.train_on_batch(X[:BATCH], y[:BATCH])
        [batch] = recording["lstm"].batches
        gates = gates_of(batch)
        before = np.concatenate(
            [there(batch.initial_cell_state)[:, np.newaxis], there(batch.cell_state)[:, :-1]],
            axis=1,
        )
        c = gates.forget * before + gates.input * gates.candidate
        np.testing.assert_allclose(there(batch.cell_state), c, atol=1e-6)
        h = gates.output * np.tanh(there(batch.cell_state))
        np.testing.assert_allclose(batch.hidden_state, h, atol=1e-6)
    with stateviz.record(model) as recording:
        model.predict(X, **FIT)
    assert recording["lstm"].batches[0].gates is None


@only_on_tensorflow
def test_a_last_batch_of_one_is_recorded_as_keras_broadcasts_it() -> None:
    model = counting_model(stateful=True, batch_size=4)
    with stateviz.record(model) as recording:
        outputs = model.predict(ONES[:5], batch_size=4, verbose=0)
    assert len(outputs) == 8
    last = recording["lstm"].batches[-1]
    assert last.hidden_state.shape == (4, 3, 1)
    assert there(last.inputs).shape == (4, 3, 1)
    assert last.origin == "carried"


@pytest.mark.parametrize(
    ("layer", "states"),
    [
        (keras.layers.GRU(4, name="it"), 1),
        (keras.layers.SimpleRNN(4, name="it"), 1),
        (keras.layers.RNN(keras.layers.LSTMCell(4), name="it"), 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_recurrent_layers_give_their_states_too(layer: Any, states: int) -> None:
    X, _ = series()
    inputs = keras.Input((TIMESTEPS, FEATURES))
    layer.return_sequences = layer.return_state = True
    model = keras.Model(inputs, layer(inputs))
    with stateviz.record(model) as recording:
        sequences, *final = model.predict(X, **FIT)
    batches = recording["it"].batches
    np.testing.assert_array_equal(np.concatenate([b.hidden_state for b in batches]), sequences)
    np.testing.assert_array_equal(np.concatenate([b.final_hidden_state for b in batches]), final[0])
    if states == 2:
        cells = np.concatenate([there(b.cell_state)[:, -1] for b in batches])
        np.testing.assert_array_equal(cells, final[1])
    else:
        assert batches[0].cell_state is None
        with pytest.raises(ValueError, match="has no cell_state; it has only h"):
            _ = recording["it"].cell_state


@only_on_tensorflow
def test_the_fused_kernels_way_gives_the_same_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU the states are derived beside the layer's own computation, which stays untouched."""
    X, y = series()
    model = a_model(stateful=True, dropout=0.2)
    with stateviz.record(model) as expected:
        model.fit(X, y, shuffle=False, **FIT)
    tensorflow = "stateviz.recorder.backends.tensorflow"
    monkeypatch.setattr(f"{tensorflow}.must_not_be_observed", lambda layer: True)
    model = a_model(stateful=True, dropout=0.2)
    with stateviz.record(model) as recording:
        model.fit(X, y, shuffle=False, **FIT)
    np.testing.assert_array_equal(recording["lstm"].cell_state, expected["lstm"].cell_state)
    assert [b.origin for b in recording["lstm"].batches] == ["reset", "carried", "carried"]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_dtype_policies_are_recorded_without_rounding(policy: str) -> None:
    if (policy, BACKEND) == ("float64", "jax"):
        pytest.skip("JAX computes in float32 unless the whole process is told otherwise")
    X, _ = series()
    inputs = keras.Input((TIMESTEPS, FEATURES), dtype="float32")
    layer = keras.layers.LSTM(UNITS, return_sequences=True, name="lstm", dtype=policy)
    model = keras.Model(inputs, layer(inputs))
    with stateviz.record(model) as recording:
        sequences = model.predict(X[:BATCH], **FIT)
    kept = {"mixed_float16": "float16", "mixed_bfloat16": "float32", "float64": "float64"}
    assert there(recording["lstm"].batches[0].cell_state).dtype == kept[policy]
    np.testing.assert_array_equal(
        recording["lstm"].hidden_state[0], np.asarray(sequences).astype(kept[policy])
    )


# --- Bad input ------------------------------------------------------------------------------------
