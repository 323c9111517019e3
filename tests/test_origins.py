"""How the states of each batch began is seen from the numbers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import stateviz
from tests.building.backend import only_on_tensorflow
from tests.building.models import (
    ONES,
    counting_model,
)
from tests.building.recordings import there
from tests.references import counting_lstm, set_to_count


def test_a_stateless_layer_starts_every_batch_fresh() -> None:
    model = counting_model(stateful=False)
    with stateviz.record(model) as recording:
        model.fit(ONES, ONES[:, 0], batch_size=2, epochs=2, verbose=0)
    lstm = recording["lstm"]
    assert [b.origin for b in lstm.batches] == ["fresh"] * 6
    assert [(b.phase, b.epoch, b.batch, b.training) for b in lstm.batches] == [
        ("fit", epoch, batch, True) for epoch in range(2) for batch in range(3)
    ]
    np.testing.assert_array_equal(lstm.cell_state[:, 0, :, 0], [[1, 2, 3]] * 6)
    resets = recording.resets()
    assert [(r.phase, r.epoch, r.state_tensors_zeroed) for r in resets] == [
        ("fit", 0, 3),
        ("fit", 1, 3),
    ]
    assert (resets.state_tensors_zeroed, resets.sample_states_zeroed) == (6, 12)
    assert resets[0].zeroed_batches == (0, 1, 2)


@only_on_tensorflow
def test_a_stateful_layer_carries_over_until_it_is_reset() -> None:
    model = counting_model(stateful=True)
    layer = model.layers[0]

    class ResetAtEpochs(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                layer.reset_state()

    with stateviz.record(model) as recording:
        model.fit(ONES, ONES[:, 0], batch_size=2, epochs=3, verbose=0, callbacks=[ResetAtEpochs()])
    lstm = recording["lstm"]
    assert [b.origin for b in lstm.batches] == [
        "reset",
        *["carried"] * 5,
        "reset",
        *["carried"] * 2,
    ]
    assert [b.came_from for b in lstm.batches] == [None, 0, 1, 2, 3, 4, None, 6, 7]
    np.testing.assert_array_equal(lstm.cell_state[:, 1, -1, 0], [3, 6, 9, 12, 15, 18, 3, 6, 9])
    kinds = [event.kind for event in recording.events]
    assert kinds.count("reset_state") == 1
    place = kinds.index("reset_state")
    assert recording.events[place].layer == "lstm"
    assert [event.batch for event in recording.events[place + 1 :] if event.kind == "batch"] == [
        0,
        1,
        2,
    ]
    assert recording.resets().origins == {"carried": 7, "reset": 2}
    assert recording.resets().sample_states_zeroed == 4


def test_a_state_of_zeros_is_carried_over_unless_a_reset_was_called() -> None:
    model = counting_model(stateful=True)
    X = np.zeros((2, 3, 1), "float32")
    with stateviz.record(model) as recording:
        model.predict_on_batch(X)
        model.predict_on_batch(X)
        model.get_layer("lstm").reset_state()
        model.predict_on_batch(X)
        model.predict_on_batch(X)
    origins = [batch.origin for batch in recording["lstm"].batches]
    assert origins == ["reset", "carried", "reset", "carried"]


@only_on_tensorflow
def test_training_is_seen_to_go_on_with_the_state_of_validation() -> None:
    model = counting_model(stateful=True)
    with stateviz.record(model) as recording:
        model.fit(
            ONES,
            ONES[:, 0],
            batch_size=2,
            epochs=2,
            verbose=0,
            shuffle=False,
            validation_data=(100 * ONES[:2], ONES[:2, 0]),
        )
    batches = recording["lstm"].batches
    assert [(b.phase, b.epoch, b.batch) for b in batches] == [
        *[("fit", 0, 0), ("fit", 0, 1), ("fit", 0, 2), ("validation", 0, 0)],
        *[("fit", 1, 0), ("fit", 1, 1), ("fit", 1, 2), ("validation", 1, 0)],
    ]
    assert [b.origin for b in batches] == [
        *["reset", "carried", "carried", "carried"],
        *["carried", "carried", "carried", "carried"],
    ]
    assert batches[4].came_from == 3
    assert batches[4].sources == (
        stateviz.Source("lstm", 3, 0, 3),
        stateviz.Source("lstm", 3, 1, 3),
    )
    assert there(batches[4].initial_cell_state).ravel().tolist() == [309.0, 309.0]
    assert batches[3].training is False


@only_on_tensorflow
def test_a_state_that_was_put_back_after_validation_is_carried_over() -> None:
    model = counting_model(stateful=True)
    layer = model.layers[0]

    class KeepState(keras.callbacks.Callback):  # type: ignore[misc]
        def on_test_begin(self, logs: Any = None) -> None:
            self.kept = [state.numpy() for state in layer.states]
            layer.reset_state()

        def on_test_end(self, logs: Any = None) -> None:
            for state, kept in zip(layer.states, self.kept, strict=True):
                state.assign(kept)

    with stateviz.record(model) as recording:
        model.fit(
            ONES,
            ONES[:, 0],
            batch_size=2,
            epochs=2,
            verbose=0,
            validation_data=(ONES[:2], ONES[:2, 0]),
            callbacks=[KeepState()],
        )
    batches = recording["lstm"].batches
    assert [b.origin for b in batches] == [
        *["reset", "carried", "carried", "reset"],
        *["carried", "carried", "carried", "reset"],
    ]
    assert batches[4].came_from == 2


@only_on_tensorflow
def test_assigned_and_unrecorded_states_are_altered_and_passed_ones_given() -> None:
    model = counting_model(stateful=True)
    model.predict(ONES, batch_size=2, verbose=0)
    layer = model.layers[0]
    with stateviz.record(model) as recording:
        model.predict(ONES[:2], batch_size=2, verbose=0)
        layer.states[0].assign(np.full((2, 1), 5.0))
        model.predict(ONES[:2], batch_size=2, verbose=0)
        layer(ONES[:2], initial_state=[np.ones((2, 1), "float32")] * 2)
        layer(ONES[:2])
        for state in layer.states:
            state.assign(np.zeros((2, 1)))
        layer(ONES[:2])
    assert [b.origin for b in recording["lstm"].batches] == [
        *["altered", "altered", "given", "carried", "reset"]
    ]
    assert there(recording["lstm"].batches[2].initial_cell_state).tolist() == [[1.0], [1.0]]


@only_on_tensorflow
def test_a_reset_inside_a_compiled_step_is_seen_at_every_run() -> None:
    layer = counting_lstm(stateful=True, name="lstm")

    class ResetsInItsStep(keras.Sequential):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:
            layer.reset_state()
            return super().train_step(data)

    model = ResetsInItsStep([keras.Input(batch_shape=(2, 3, 1)), layer])
    set_to_count(layer)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    with stateviz.record(model) as recording:
        model.fit(ONES, ONES[:, 0], batch_size=2, epochs=2, verbose=0)
    assert [b.origin for b in recording["lstm"].batches] == ["reset"] * 6
    assert [event.kind for event in recording.events].count("reset_state") == 6


def test_a_loop_by_hand_over_a_stateless_layer_is_seen_to_hand_its_state_on() -> None:
    layer = keras.layers.LSTM(1, return_state=True)
    layer(ONES)
    set_to_count(layer)
    zeros = [np.zeros((len(ONES), 1), "float32")] * 2
    with stateviz.record(layer) as recording:
        _, *first = layer(ONES)
        layer(0 * ONES)  # ends with zeros, as far as anyone can tell
        _, *then = layer(ONES, initial_state=first)
        layer(ONES, initial_state=zeros)
        layer(ONES, initial_state=then)
        layer(ONES, initial_state=first)
    batches = recording[layer.name].batches
    assert [b.origin for b in batches] == ["fresh", "fresh", *["given"] * 4]
    # Batch 3 ended where batch 0 did: the very tensor tells which was handed over.
    assert [b.came_from for b in batches] == [None, None, 0, None, 2, 0]


@only_on_tensorflow
def test_what_is_kept_does_not_change_what_is_decided() -> None:
    """It is decided on whole rows, of all batches; and -0.0 is zero."""

    def run(**options: Any) -> stateviz.Recording:
        model = counting_model(stateful=True)
        X = np.arange(6, dtype="float32").reshape(2, 3, 1)
        with stateviz.record(model, **options) as recording:
            for number in range(6):
                model.predict_on_batch(X + number)
                for state in model.layers[0].states:
                    value = state.numpy()
                    value[number % 2] = -0.0
                    state.assign(value)
        return recording

    whole, part = run(), run(samples=[1], units=[0], every=2, inputs=False)
    assert [batch.origin for batch in whole["lstm"].batches] == ["reset", *["mixed"] * 5]
    assert str(whole.resets()) == str(part.resets())
    for batch in part["lstm"].batches:
        same = whole["lstm"].batches[2 * batch.index]
        assert batch.origin == same.origin
        assert batch.origins.tolist() == same.origins[[1]].tolist()
        [source], of_whole = batch.sources, same.sources[1]
        assert (source is None) == (of_whole is None)
        if source is not None and of_whole is not None:
            assert (source.batch, source.row) == (of_whole.batch, of_whole.row)
            assert source.index is None  # an odd batch, which was not kept
