"""All that runs in a block is recorded live, in order, under the names of its layers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import stateviz
from tests.building.backend import only_on_tensorflow
from tests.building.models import (
    BATCH,
    FEATURES,
    FIT,
    TIMESTEPS,
    a_model,
    on_batches,
    series,
)
from tests.building.recordings import there


def test_all_phases_in_one_block_are_told_apart() -> None:
    X, y = series()
    model = a_model()

    class Predicts(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.predict(X[:BATCH], verbose=0)

    with stateviz.record(model) as recording:
        model.fit(X[:8], y[:8], epochs=1, callbacks=[Predicts()], **FIT)
        model.evaluate(X[:BATCH], y[:BATCH], **FIT)
        on_batches(model, X, y)
        model(X[:1])
    assert [(b.phase, b.epoch, b.batch, b.training) for b in recording["lstm"].batches] == [
        ("fit", 0, 0, True),
        ("fit", 0, 1, True),
        ("predict", None, 0, False),
        ("evaluate", None, 0, False),
        ("train_on_batch", None, None, True),
        ("test_on_batch", None, None, False),
        ("predict_on_batch", None, None, False),
        ("call", None, None, False),
    ]
    assert [event.kind for event in recording.events][:3] == ["phase began", "epoch began", "batch"]


@only_on_tensorflow
def test_batches_are_numbered_one_by_one_with_many_steps_per_execution() -> None:
    X, y = series()
    model = a_model(steps_per_execution=2, stateful=True)
    with stateviz.record(model) as recording:
        model.fit(X, y, epochs=2, **FIT)
    assert [b.batch for b in recording["lstm"].batches] == [0, 1, 2, 0, 1, 2]
    assert [b.epoch for b in recording["lstm"].batches] == [0, 0, 0, 1, 1, 1]
    assert [b.origin for b in recording["lstm"].batches] == ["reset", *["carried"] * 5]


def test_a_layer_that_is_called_twice_in_a_step_gives_two_records_of_one_batch() -> None:
    X, _ = series(8)
    inputs = keras.Input((TIMESTEPS, FEATURES))
    layer = keras.layers.LSTM(FEATURES, return_sequences=True, name="lstm")
    model = keras.Model(inputs, layer(layer(inputs)))
    with stateviz.record(model) as recording:
        model.predict(X, **FIT)
    batches = recording["lstm"].batches
    assert [b.batch for b in batches] == [0, 0, 1, 1]
    np.testing.assert_array_equal(batches[1].inputs, batches[0].hidden_state)


@only_on_tensorflow
def test_an_unrolled_stateful_layer_is_seen_to_carry_its_state_over() -> None:
    X, y = series()
    model = a_model(stateful=True, unroll=True)
    with stateviz.record(model) as recording:
        model.fit(X, y, epochs=2, shuffle=False, **FIT)
    batches = recording["lstm"].batches
    assert [b.origin for b in batches] == ["reset", *["carried"] * 5]
    states = [state.numpy() for state in model.get_layer("lstm").states]
    np.testing.assert_array_equal(batches[-1].final_hidden_state, states[0])
    np.testing.assert_array_equal(batches[-1].final_cell_state, states[1])


def test_layers_have_their_own_names_and_records() -> None:
    inner = keras.Sequential(
        [keras.Input((TIMESTEPS, FEATURES)), keras.layers.LSTM(3, return_sequences=True, name="a")]
    )
    model = keras.Sequential(
        [
            keras.Input((TIMESTEPS, FEATURES)),
            inner,
            keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True), name="both"),
            keras.layers.LSTM(4, name="b"),
        ]
    )
    X, _ = series()
    with stateviz.record(model) as recording:
        model.predict(X, **FIT)
    assert set(recording.layers) == {"a", "both/forward", "both/backward", "b"}
    assert recording["both/backward"].hidden_state.shape == (3, BATCH, TIMESTEPS, 2)
    np.testing.assert_array_equal(
        recording["both/forward"].batches[0].inputs, recording["a"].batches[0].hidden_state
    )
    np.testing.assert_array_equal(
        there(recording["both/backward"].batches[0].inputs)[:, ::-1],
        recording["a"].batches[0].hidden_state,
    )
    with stateviz.record(model, layers="both/forward") as recording:
        model.predict(X, **FIT)
    assert recording.layers == ("both/forward",)
