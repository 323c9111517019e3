"""The recorder is true, live, and leaves the model as it was.

That it is harmless, bit for bit, in every configuration and every way to run it: tests/matrix.py.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from stateviz import lessons
from stateviz.recorder.capture import RecordingWarning
from tests.references import counting_lstm, lstm_states, set_to_count

SAMPLES, TIMESTEPS, FEATURES, UNITS, BATCH = 12, 7, 3, 5, 4


def series(samples: int = SAMPLES, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.normal(size=(samples, TIMESTEPS, FEATURES)).astype("float32")
    return X, X.sum(axis=(1, 2))[:, np.newaxis]


def a_model(
    *,
    stateful: bool = False,
    masked: bool = False,
    eager: bool = False,
    stack: int = 1,
    steps_per_execution: int = 1,
    **options: Any,
) -> keras.Model:
    keras.utils.set_random_seed(1)
    shape = (TIMESTEPS, FEATURES)
    inputs = keras.Input(batch_shape=(BATCH, *shape)) if stateful else keras.Input(shape)
    x = keras.layers.Masking()(inputs) if masked else inputs
    for place in range(stack):
        last = place == stack - 1
        x = keras.layers.LSTM(
            UNITS,
            stateful=stateful,
            return_sequences=not last,
            name="lstm" if stack == 1 else f"lstm_{place}",
            **options,
        )(x)
    outputs = keras.layers.Dense(1)(keras.layers.Dropout(0.2)(x))
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Adam(0.01),
        "mse",
        metrics=["mae"],
        run_eagerly=eager,
        steps_per_execution=steps_per_execution,
    )
    return model


FIT = {"batch_size": BATCH, "verbose": 0}


def on_batches(model: keras.Model, X: np.ndarray, y: np.ndarray) -> Any:
    return [
        model.train_on_batch(X[:BATCH], y[:BATCH]),
        model.test_on_batch(X[:BATCH], y[:BATCH]),
        model.predict_on_batch(X[:BATCH]),
    ]


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
            batch.initial_cell_state,
            used,
        )
        np.testing.assert_allclose(batch.hidden_state, expected.hidden, atol=2e-6)
        np.testing.assert_allclose(batch.cell_state, expected.cell, atol=2e-6)
        np.testing.assert_array_equal(batch.inputs, rows)
        np.testing.assert_array_equal(batch.final_hidden_state, batch.hidden_state[:, -1])
        np.testing.assert_array_equal(batch.final_cell_state, batch.cell_state[:, -1])
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

    class Weights(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            weights.append(model.get_layer("lstm").get_weights())

    with stateviz.record(model) as recording:
        model.fit(X, y, epochs=2, callbacks=[Weights()], shuffle=False, **FIT)
    twin = a_model().get_layer("lstm")
    for batch, then in zip(recording["lstm"].batches, weights, strict=True):
        twin.set_weights(then)
        zeros = np.zeros((BATCH, UNITS))
        expected = lstm_states(twin, batch.inputs, zeros, zeros)
        np.testing.assert_allclose(batch.cell_state, expected.cell, atol=2e-6)
    assert not np.array_equal(weights[0][0], weights[-1][0])


def test_gates_satisfy_the_equations_of_the_cell() -> None:
    X, y = series()
    for options in ({}, {"recurrent_dropout": 0.2}, {"unroll": True}):
        model = a_model(**options)
        with stateviz.record(model, gates=True) as recording:
            model.train_on_batch(X[:BATCH], y[:BATCH])
        [batch] = recording["lstm"].batches
        gates = batch.gates
        before = np.concatenate(
            [batch.initial_cell_state[:, np.newaxis], batch.cell_state[:, :-1]], axis=1
        )
        c = gates.forget * before + gates.input * gates.candidate
        np.testing.assert_allclose(batch.cell_state, c, atol=1e-6)
        h = gates.output * np.tanh(batch.cell_state)
        np.testing.assert_allclose(batch.hidden_state, h, atol=1e-6)
    with stateviz.record(model) as recording:
        model.predict(X, **FIT)
    assert recording["lstm"].batches[0].gates is None


def counting_model(*, stateful: bool, batch_size: int = 2) -> keras.Model:
    """The exact probe: on ones its state counts the timesteps it has read."""
    return lessons.counting_model(batch_size=batch_size, timesteps=3, stateful=stateful)


ONES = np.ones((6, 3, 1), "float32")


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


def test_a_stateful_layer_carries_over_until_it_is_reset() -> None:
    model = counting_model(stateful=True)
    layer = model.layers[0]

    class ResetAtEpochs(keras.callbacks.Callback):
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


def test_validation_is_seen_to_alter_the_training_state() -> None:
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
        *["altered", "carried", "carried", "carried"],
    ]
    assert batches[4].came_from == 3
    assert batches[4].initial_cell_state.ravel().tolist() == [309.0, 309.0]
    assert batches[3].training is False


def test_a_state_that_was_put_back_after_validation_is_carried_over() -> None:
    model = counting_model(stateful=True)
    layer = model.layers[0]

    class KeepState(keras.callbacks.Callback):
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
    assert recording["lstm"].batches[2].initial_cell_state.tolist() == [[1.0], [1.0]]


def test_a_reset_inside_a_compiled_step_is_seen_at_every_run() -> None:
    layer = counting_lstm(stateful=True, name="lstm")

    class ResetsInItsStep(keras.Sequential):
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


def test_all_phases_in_one_block_are_told_apart() -> None:
    X, y = series()
    model = a_model()

    class Predicts(keras.callbacks.Callback):
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
        recording["both/backward"].batches[0].inputs[:, ::-1],
        recording["a"].batches[0].hidden_state,
    )
    with stateviz.record(model, layers="both/forward") as recording:
        model.predict(X, **FIT)
    assert recording.layers == ("both/forward",)


class Boom(Exception):
    pass


class Fails(keras.callbacks.Callback):
    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            raise self.error


@pytest.mark.parametrize("error", [Boom, KeyboardInterrupt])
@pytest.mark.parametrize("fitted_before", [False, True])
def test_the_model_is_left_as_it_was_found(error: type[BaseException], fitted_before: bool) -> None:
    X, y = series()

    def prepared() -> keras.Model:
        model = a_model(stateful=True, stack=2)
        if fitted_before:
            model.fit(X, y, **FIT)
            model.predict(X, **FIT)
        return model

    def run(model: keras.Model) -> None:
        model.predict(X, **FIT)
        model.fit(X, y, epochs=2, callbacks=[Fails(error)], **FIT)

    def attributes(model: keras.Model) -> dict[tuple[str, str], Any]:
        owners = {"model": model, **{f"layer {i}": each for i, each in enumerate(model.layers)}}
        owners |= {f"cell {i}": each.cell for i, each in enumerate(model.layers[1:3])}
        return {(who, name): v for who, owner in owners.items() for name, v in vars(owner).items()}

    model, twin = prepared(), prepared()
    before = attributes(model)
    function_call = type(tf.function(lambda: None)).__call__
    with pytest.raises(error), stateviz.record(model, gates=True) as recording:
        run(model)
    with pytest.raises(error):
        run(twin)
    after = attributes(model)
    assert after.keys() == attributes(twin).keys()
    kept = [key for key in before if callable(before[key]) or key[1].endswith("_function")]
    assert {("model", "train_function"), ("model", "predict_function")} < set(kept)
    assert all(after[key] is before[key] for key in kept)
    assert type(tf.function(lambda: None)).__call__ is function_call
    assert len(recording["lstm_0"].batches) == 5
    assert [event.kind for event in recording.events][-1] == "phase ended"


def test_a_failure_half_way_through_attaching_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = a_model(stack=2)
    before = {layer.name: dict(vars(layer)) for layer in model.layers}
    monkeypatch.setattr("stateviz.recorder.block._phases_announced", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError), stateviz.record(model):
        pass
    assert {layer.name: dict(vars(layer)) for layer in model.layers} == before


def test_a_user_own_stand_in_for_a_method_is_put_back() -> None:
    model = a_model()
    called = []
    keras_step = model.train_step

    def own_step(data: Any) -> Any:
        called.append(True)
        return keras_step(data)

    model.train_step = own_step
    X, y = series()
    with stateviz.record(model) as recording:
        model.fit(X, y, **FIT)
    assert model.train_step is own_step
    assert called
    assert [b.phase for b in recording["lstm"].batches] == ["fit"] * 3


def test_compiling_in_the_block_is_not_undone() -> None:
    X, y = series()
    model = a_model()
    model.fit(X, y, **FIT)
    with stateviz.record(model) as recording:
        model.compile("sgd", "mae")
        model.fit(X, y, **FIT)
    assert model.train_function is None
    assert len(recording["lstm"].batches) == 3
    model.fit(X, y, **FIT)


def test_blocks_can_be_nested_and_repeated() -> None:
    X, _ = series()
    model = a_model()
    with stateviz.record(model) as outer:
        model.predict(X[:BATCH], **FIT)
        with stateviz.record(model, gates=True) as inner:
            model.predict(X, **FIT)
        model.predict(X[:BATCH], **FIT)
    model.predict(X, **FIT)
    assert [len(each["lstm"].batches) for each in (outer, inner)] == [5, 3]
    assert outer["lstm"].batches[1].gates is None
    assert inner["lstm"].batches[0].gates is not None
    with stateviz.record(model) as again:
        model.predict(X, **FIT)
    np.testing.assert_array_equal(again["lstm"].hidden_state, inner["lstm"].hidden_state)


def test_filters_keep_what_was_asked_for_and_count_the_rest() -> None:
    X, _ = series(10)
    model = a_model()
    with stateviz.record(model) as whole:
        model.predict(X, **FIT)
    with stateviz.record(model, samples=[0, 3], units=[4, 1], every=2, inputs=False) as few:
        model.predict(X, **FIT)
    kept = few["lstm"].batches
    assert [b.batch for b in kept] == [0, 2]
    assert [b.samples.tolist() for b in kept] == [[0, 3], [0]]
    all_of_it = whole["lstm"].batches[0]
    np.testing.assert_array_equal(kept[0].cell_state, all_of_it.cell_state[[0, 3]][..., [4, 1]])
    np.testing.assert_array_equal(
        kept[0].final_hidden_state, all_of_it.final_hidden_state[[0, 3]][:, [4, 1]]
    )
    assert kept[0].inputs is None
    assert few.resets().sample_states_zeroed == 10
    with pytest.raises(ValueError, match=r"different shapes .*Index them one by one"):
        _ = few["lstm"].hidden_state


def test_the_memory_bound_stops_the_recording_and_not_the_training() -> None:
    X, y = series()
    model = a_model()
    one_batch = BATCH * (2 * (TIMESTEPS + 2) * UNITS + TIMESTEPS * FEATURES) * 4 + BATCH * 8
    with (
        pytest.warns(RecordingWarning, match=r"first 2 of 6 batches were kept.*every=3 would"),
        stateviz.record(model, max_bytes=2 * one_batch) as recording,
    ):
        history = model.fit(X, y, epochs=2, **FIT).history
    assert len(history["loss"]) == 2
    assert len(recording["lstm"].batches) == 2
    assert recording.nbytes == 2 * one_batch
    assert recording.resets().state_tensors_zeroed == 6
    assert "memory bound" in repr(recording)
    with stateviz.record(model, max_bytes=2 * one_batch, every=3) as recording:
        model.fit(X, y, epochs=2, **FIT)
    assert len(recording["lstm"].batches) == 2
    assert not recording.stopped


def test_a_failure_of_the_recorder_does_not_reach_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, y = series()
    model = a_model()
    monkeypatch.setattr("stateviz.recorder.capture._origin", lambda *_, **__: 1 / 0)
    with (
        pytest.warns(RecordingWarning, match="error of stateviz itself.*ZeroDivisionError"),
        stateviz.record(model) as recording,
    ):
        history = model.fit(X, y, **FIT).history
    assert history["loss"]
    assert recording["lstm"].batches == []


def test_a_last_batch_of_one_is_recorded_as_keras_broadcasts_it() -> None:
    model = counting_model(stateful=True, batch_size=4)
    with stateviz.record(model) as recording:
        outputs = model.predict(ONES[:5], batch_size=4, verbose=0)
    assert len(outputs) == 8
    last = recording["lstm"].batches[-1]
    assert last.hidden_state.shape == (4, 3, 1)
    assert last.inputs.shape == (4, 3, 1)
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
        cells = np.concatenate([b.cell_state[:, -1] for b in batches])
        np.testing.assert_array_equal(cells, final[1])
    else:
        assert batches[0].cell_state is None
        with pytest.raises(ValueError, match="has no cell_state; it has only h"):
            _ = recording["it"].cell_state


def test_the_fused_kernels_way_gives_the_same_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU the states are derived beside the layer's own computation, which stays untouched."""
    X, y = series()
    model = a_model(stateful=True, dropout=0.2)
    with stateviz.record(model) as expected:
        model.fit(X, y, shuffle=False, **FIT)
    monkeypatch.setattr("stateviz.recorder.tap._must_be_left_alone", lambda layer: True)
    model = a_model(stateful=True, dropout=0.2)
    with stateviz.record(model) as recording:
        model.fit(X, y, shuffle=False, **FIT)
    np.testing.assert_array_equal(recording["lstm"].cell_state, expected["lstm"].cell_state)
    assert [b.origin for b in recording["lstm"].batches] == ["reset", "carried", "carried"]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_dtype_policies_are_recorded_without_rounding(policy: str) -> None:
    X, _ = series()
    inputs = keras.Input((TIMESTEPS, FEATURES), dtype="float32")
    layer = keras.layers.LSTM(UNITS, return_sequences=True, name="lstm", dtype=policy)
    model = keras.Model(inputs, layer(inputs))
    with stateviz.record(model) as recording:
        sequences = model.predict(X[:BATCH], **FIT)
    kept = {"mixed_float16": "float16", "mixed_bfloat16": "float32", "float64": "float64"}
    assert recording["lstm"].batches[0].cell_state.dtype == kept[policy]
    np.testing.assert_array_equal(
        recording["lstm"].hidden_state[0], np.asarray(sequences).astype(kept[policy])
    )


# --- Bad input ------------------------------------------------------------------------------------


def test_what_is_not_a_model_is_refused() -> None:
    with pytest.raises(TypeError, match=r"takes a Keras model or layer; received str: 'model'"):
        with stateviz.record("model"):
            pass


def test_a_model_without_recurrent_layers_is_refused() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="dense")], name="flat")
    with pytest.raises(ValueError, match=r"'flat' has no layer that can be recorded.*Dense.*LSTM"):
        with stateviz.record(model):
            pass


def test_an_unknown_layer_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(ValueError, match=r"no recurrent layer 'ltsm'. Did you mean 'lstm'\?"):
        with stateviz.record(a_model(), layers=["ltsm"]):
            pass


@pytest.mark.parametrize("subclassed", [False, True])
def test_an_unbuilt_model_is_refused(subclassed: bool) -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = keras.layers.LSTM(2)

        def call(self, x: Any) -> Any:
            return self.lstm(x)

    model = Own() if subclassed else keras.Sequential([keras.layers.LSTM(2)])
    with pytest.raises(ValueError, match=r"not built yet.*keras.Input, or call it once"):
        with stateviz.record(model):
            pass


def test_a_tf_function_that_was_traced_before_the_block_is_refused() -> None:
    X, _ = series()
    model = a_model()
    function = tf.function(model)
    function(X[:BATCH])
    with stateviz.record(model) as recording:
        with pytest.raises(RuntimeError, match=r"traced before the record block.*inside the block"):
            function(X[:BATCH])
        tf.function(model)(X[:BATCH])
        tf.function(lambda x: x + 1)(X)
    assert len(recording["lstm"].batches) == 1
    function(X[:BATCH])


def test_an_xla_compiled_model_is_refused_in_plain_words() -> None:
    model = a_model()
    model.compile("sgd", "mse", jit_compile=True)
    with pytest.raises(ValueError, match=r"XLA \(jit_compile=True\).*jit_compile=False"):
        with stateviz.record(model):
            pass


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 5}, r"received 5, but layer 'lstm' has 5 units, 0 to 4"),
        ({"units": [-1]}, r"counted from 0; received -1"),
        ({"samples": "first"}, r"samples is a 0-based index.*received 'first'"),
        ({"samples": []}, r"samples is a 0-based index.*received \[\]"),
        ({"every": 0}, r"every is a whole number from 1 on; received 0"),
        ({"max_bytes": 0}, r"max_bytes is a positive number of bytes; received 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message), stateviz.record(a_model(), **arguments):
        pass
