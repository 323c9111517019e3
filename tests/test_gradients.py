"""What `record(gradients=True)` records: against an eager tape over the cell's own timesteps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from stateviz.recording import BatchRecord, RecordingWarning

ROWS, STEPS, FEATURES, UNITS = 4, 6, 2, 3
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(3 * ROWS, STEPS, FEATURES)).astype("float32")
Y = RANDOM.normal(size=(3 * ROWS, 1)).astype("float32")
layers = keras.layers
KINDS = [layers.LSTM, layers.GRU, layers.SimpleRNN]
full = pytest.mark.full  # in CI: make test has a part of these alone


def a_model(kind: Any = layers.LSTM, *, masked: bool = False, **options: Any) -> keras.Sequential:
    keras.utils.set_random_seed(3)
    rows = ROWS if options.get("stateful") else None
    before = [layers.Masking()] if masked else []
    after = [kind(UNITS, name="rnn", **options), layers.Flatten(), layers.Dense(1)]
    model = keras.Sequential([keras.Input((STEPS, FEATURES), batch_size=rows), *before, *after])
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)
    return model


def fit(model: keras.Model, **options: Any) -> Any:
    options = {"batch_size": ROWS, "epochs": 2, "shuffle": False, "verbose": 0} | options
    return model.fit(X, Y, **options)


def by_a_tape(
    model: keras.Model, states: list[np.ndarray], x: np.ndarray, y: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """dL/d(state) before the first timestep and after each, by stepping the cell itself."""
    rnn, flatten, dense = model.layers[-3:]
    initial = [tf.constant(each) for each in states]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(initial)
        now, after, outputs = initial, [], []
        for t in range(x.shape[1]):
            used = tf.constant((x[:, t] != 0).any(axis=-1, keepdims=True))
            output, new = rnn.cell(tf.constant(x[:, t]), now)
            new = [new] if tf.is_tensor(new) else new
            if len(model.layers) > 3:  # a mask holds the state, and repeats the output
                new = [tf.where(used, a, b) for a, b in zip(new, now, strict=True)]
                output = new[0]
            now = new
            after.append(now)
            outputs.append(output)
        read = tf.stack(outputs, 1) if rnn.return_sequences else outputs[-1]
        loss = tf.reduce_mean((dense(flatten(read)) - y) ** 2)

    def of(tensors: list[Any]) -> np.ndarray:
        found = tape.gradient(loss, tensors)
        shape = tensors[0].shape
        return np.stack([np.zeros(shape) if g is None else g.numpy() for g in found], 1)

    each = [of([states[place] for states in after]) for place in range(len(initial))]
    return [of([state])[:, 0] for state in initial], each


def assert_close(found: np.ndarray | None, expected: np.ndarray) -> None:
    assert found is not None
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()
    assert np.abs(expected).max() > 0


def assert_by_a_tape(model: keras.Model, batch: BatchRecord, weights: Any, at: slice) -> None:
    model.set_weights(weights)
    held = [state.initial for state in batch.states]
    initial, after = by_a_tape(model, held, X[at], Y[at])
    gradients = batch.gradients
    assert gradients is not None
    for place, name in enumerate(batch.state_names):
        assert_close(getattr(gradients, f"initial_{name}_state"), initial[place])
        assert_close(getattr(gradients, f"{name}_state"), after[place])
    assert (gradients.cell_state is None) == (len(held) == 1)


@pytest.mark.parametrize("eager", [False, True], ids=["graph", "eager"])
@pytest.mark.parametrize(
    "options",
    [
        {"stateful": True},
        pytest.param({}, marks=full),
        pytest.param({"return_sequences": True}, marks=full),
        pytest.param({"use_bias": False}, marks=full),
    ],
    ids=["stateful", "plain", "sequences", "no bias"],
)
@pytest.mark.parametrize("kind", [KINDS[0], *(pytest.param(k, marks=full) for k in KINDS[1:])])
def test_they_are_those_of_an_eager_tape(kind: Any, options: dict[str, Any], eager: bool) -> None:
    model = a_model(kind, **options)
    model.run_eagerly = eager
    with stateviz.record(model, gradients=True) as recording:
        fit(model, epochs=1)
        weights = model.get_weights()
        model.train_on_batch(X[:ROWS], Y[:ROWS])
    assert [batch.gradients is not None for batch in recording["rnn"].batches] == [True] * 4
    assert_by_a_tape(model, recording["rnn"].batches[-1], weights, slice(0, ROWS))


@pytest.mark.parametrize("kind", [KINDS[0], *(pytest.param(k, marks=full) for k in KINDS[1:])])
def test_a_state_held_through_a_mask_has_the_gradient_of_the_held_state(kind: Any) -> None:
    model = a_model(kind, masked=True)
    masked = X[:ROWS].copy()
    masked[0, :2] = masked[1, 2:4] = masked[2, 4:] = masked[3, 1:3] = 0
    weights = model.get_weights()
    with stateviz.record(model, gradients=True) as recording:
        model.train_on_batch(masked, Y[:ROWS])
    [batch] = recording["rnn"].batches
    model.set_weights(weights)
    initial, after = by_a_tape(model, [s.initial for s in batch.states], masked, Y[:ROWS])
    assert batch.gradients is not None
    assert_close(batch.gradients.initial_hidden_state, initial[0])
    used = (masked != 0).any(axis=-1)
    assert_close(batch.gradients.hidden_state[used], after[0][used])
    held, border = batch.gradients.hidden_state, batch.gradients.initial_hidden_state
    assert np.array_equal(held[0, :2], np.repeat(border[:1], 2, 0))
    assert np.array_equal(held[1, 2:4], np.repeat(held[1, 1:2], 2, 0))
    assert np.array_equal(held[2, 4:], np.repeat(held[2, 3:4], 2, 0))


@full
def test_the_order_of_a_layer_that_reads_backwards_is_that_of_its_reading() -> None:
    model = a_model(go_backwards=True)
    with stateviz.record(model, gradients=True) as recording:
        model.train_on_batch(X[:ROWS], Y[:ROWS])
    gradients = recording["rnn"].batches[0].gradients
    assert gradients is not None
    assert gradients.norms("cell").argmax() == STEPS  # the last that was read is nearest


OPTIONS: dict[str, dict[str, Any]] = {
    "stateful": {"stateful": True},
    "dropout": {"dropout": 0.3, "recurrent_dropout": 0.2},
    "sequences": {"return_sequences": True},
    "relu": {"activation": "relu", "recurrent_activation": "hard_sigmoid"},
    "bfloat16": {"dtype": "mixed_bfloat16"},
    "float64": {"dtype": "float64"},
    "frozen": {"trainable": False},
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=full if k > 1 else []) for k, name in enumerate(OPTIONS)]
)
def test_the_training_stays_bit_for_bit_the_same(name: str) -> None:
    def trained(*, recorded: bool) -> list[bytes]:
        model = a_model(**OPTIONS[name])
        if recorded:
            with stateviz.record(model, gates=True, gradients=True) as recording:
                losses = fit(model).history["loss"]
            found = [batch.gradients for batch in recording["rnn"].batches]
            assert len(found) == 6
            assert None not in found
        else:
            losses = fit(model).history["loss"]
        everything = [*model.variables, *model.optimizer.variables]
        return [np.array(losses).tobytes(), *(v.numpy().tobytes() for v in everything)]

    assert trained(recorded=True) == trained(recorded=False)


@full
def test_only_what_is_trained_has_gradients() -> None:
    model = a_model()
    with stateviz.record(model, gradients=True) as recording:
        fit(model, epochs=1, validation_data=(X, Y))
        model.evaluate(X, Y, verbose=0)
        model.predict(X, verbose=0)
    has = {(b.phase, b.gradients is not None) for b in recording["rnn"].batches}
    assert has == {("fit", True), ("validation", False), ("evaluate", False), ("predict", False)}


def test_each_gradient_is_with_its_own_batch_where_one_tape_holds_several() -> None:
    model = a_model()
    with stateviz.record(model, gradients=True) as recording:
        with tf.GradientTape() as tape:
            one, two, three = (model(X[:ROWS]) for _ in range(3))
            loss = tf.reduce_sum(one) + 10 * tf.reduce_sum(three)
        tape.gradient(loss, model.trainable_variables)
    first, second, third = (batch.gradients for batch in recording["rnn"].batches)
    assert first is not None
    assert third is not None
    assert second is None
    assert np.allclose(third.hidden_state, 10 * first.hidden_state, rtol=1e-5)
    assert float(tf.reduce_sum(two)) == float(tf.reduce_sum(one))


@full
def test_each_gradient_is_with_its_own_batch_where_a_graph_loops() -> None:
    class Looping(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.dense = layers.LSTM(UNITS, name="rnn"), layers.Dense(1)

        def call(self, x: Any) -> Any:
            def body(i: Any, total: Any) -> Any:
                power = tf.cast(10**i, x.dtype)
                return i + 1, total + self.rnn(x * tf.cast(i + 1, x.dtype)) * power

            return self.dense(tf.while_loop(lambda i, _: i < 3, body, (0, tf.zeros((4, UNITS))))[1])

    model = Looping()
    model(X[:ROWS])
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=False)
    with stateviz.record(model, gradients=True) as recording:
        fit(model, epochs=1)
    batches = recording["rnn"].batches
    assert len(batches) == 9
    for place, batch in enumerate(batches):
        assert batch.inputs is not None
        assert batch.gradients is not None
        assert np.allclose(batch.inputs, (place % 3 + 1) * X[place // 3 * ROWS :][:ROWS])
        last = batch.gradients.hidden_state[:, -1]
        first = batches[place - place % 3].gradients
        assert first is not None
        assert np.allclose(last, 10 ** (place % 3) * first.hidden_state[:, -1], rtol=1e-4)


def test_it_crosses_from_a_decoder_to_its_encoder_bit_for_bit() -> None:
    inputs = keras.Input((STEPS, FEATURES))
    _, *states = layers.LSTM(UNITS, return_state=True, name="encoder")(inputs)
    decoded = layers.LSTM(UNITS, name="decoder")(inputs, initial_state=states)
    model = keras.Model(inputs, layers.Dense(1)(decoded))
    model.compile("adam", "mse", jit_compile=False)
    with stateviz.record(model, gradients=True) as recording:
        fit(model)
    for one, other in zip(*(recording[name].batches for name in recording), strict=True):
        assert one.gradients is not None
        assert other.gradients is not None
        last = one.gradients.hidden_state[:, -1]
        assert np.array_equal(last, other.gradients.initial_hidden_state)
        assert last.any()


def test_one_row_that_keras_repeats_has_none_and_trains_on() -> None:
    model, plain = a_model(stateful=True), a_model(stateful=True)
    with stateviz.record(model, gradients=True) as recording:
        for rows in (ROWS, 1, ROWS):
            model.train_on_batch(X[:rows], Y[:rows])
            plain.train_on_batch(X[:rows], Y[:rows])
    assert [b.gradients is not None for b in recording["rnn"].batches] == [True, False, True]
    assert all(map(np.array_equal, model.get_weights(), plain.get_weights()))


@full
def test_what_is_kept_of_the_states_is_kept_of_the_gradients(tmp_path: Path) -> None:
    def recorded(**options: Any) -> stateviz.Recording:
        model = a_model()
        with stateviz.record(model, gradients=True, **options) as recording:
            fit(model)
        return recording

    whole, some = recorded(), recorded(samples=[0, 2], units=[1], every=2)
    kept = some["rnn"].batches
    assert len(kept) == 3
    for batch, full in zip(kept, whole["rnn"].batches[::2], strict=True):
        assert batch.gradients is not None
        assert full.gradients is not None
        expected = full.gradients.hidden_state[[0, 2]][..., [1]]
        assert np.array_equal(batch.gradients.hidden_state, expected)
        cell = full.gradients.initial_cell_state
        assert cell is not None
        assert np.array_equal(batch.gradients.initial_cell_state, cell[[0, 2]][:, [1]])  # type: ignore[arg-type]
    some.save(tmp_path / "run.npz")
    assert stateviz.load(tmp_path / "run.npz") == some


@full
def test_the_bound_of_memory_counts_them() -> None:
    model = a_model()
    with stateviz.record(model, gradients=True) as recording:
        fit(model)
    needed = sum(batch.nbytes for batch in recording["rnn"].batches)
    with stateviz.record(model, gradients=True, max_bytes=needed) as enough:
        fit(model)
    assert not enough.stopped
    with (
        pytest.warns(RecordingWarning, match=f"max_bytes={needed:,} would have fitted"),
        stateviz.record(model, gradients=True, max_bytes=needed - 1) as short,
    ):
        fit(model)
    assert short["rnn"].batches[0].gradients is not None
    assert short["rnn"].batches[-1].gradients is None


@full
def test_of_nested_blocks_each_keeps_what_it_asked_for() -> None:
    model = a_model()
    with (
        stateviz.record(model) as without,
        stateviz.record(model, gradients=True, samples=[1]) as some,
        stateviz.record(model, gradients=True) as all_of_them,
    ):
        fit(model, epochs=1)
    blocks = [each["rnn"].batches for each in (without, some, all_of_them)]
    for one, two, three in zip(*blocks, strict=True):
        assert one.gradients is None
        assert two.gradients is not None
        assert three.gradients is not None
        assert np.array_equal(two.gradients.hidden_state, three.gradients.hidden_state[1:2])


@full
def test_a_callback_records_them_too() -> None:
    model, recorder = a_model(), stateviz.StateRecorder(gradients=True)
    fit(model, callbacks=[recorder])
    assert all(batch.gradients for batch in recorder.recording["rnn"].batches)


def test_an_error_of_ours_never_reaches_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("stateviz.recorder.capture.gradients_kept", fails)
    model, plain = a_model(), a_model()
    with (
        pytest.warns(RecordingWarning, match="an error of stateviz itself"),
        stateviz.record(model, gradients=True),
    ):
        fit(model)
    fit(plain)
    assert all(map(np.array_equal, model.get_weights(), plain.get_weights()))


def test_it_is_said_where_no_gradient_came_back() -> None:
    model = a_model()
    with (
        pytest.warns(RecordingWarning, match="No gradient came back to 'rnn'"),
        stateviz.record(model, gradients=True),
    ):
        model.predict(X, verbose=0)


@full
def test_a_jacobian_is_what_it_would_be_and_has_none() -> None:
    def jacobian(model: keras.Model) -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            out = model(X[:ROWS])
        return [each.numpy() for each in tape.jacobian(out, model.trainable_variables)]

    model = a_model()
    with (
        pytest.warns(RecordingWarning, match="No gradient"),
        stateviz.record(model, gradients=True),
    ):
        found = jacobian(model)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(found, jacobian(model), strict=True))


def scaled_by_a_policy() -> keras.Model:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return a_model()
    finally:
        keras.config.set_dtype_policy("float32")


def around(layer: Any, shape: tuple[int, ...] = (STEPS, 2)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), layer])


REFUSED: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "unrolled": (lambda: a_model(unroll=True), "unroll=False"),
    "gelu": (lambda: a_model(activation="gelu"), "activation of several operations"),
    "a cell with gelu": (
        lambda: around(layers.RNN(layers.LSTMCell(2, activation="gelu"))),
        "activation of several operations",
    ),
    "cells": (lambda: around(layers.RNN([layers.LSTMCell(2), layers.LSTMCell(2)])), "only these"),
    "ConvLSTM": (lambda: around(layers.ConvLSTM1D(2, 3), (STEPS, 5, 2)), "only these"),
    "a scaled loss": (scaled_by_a_policy, "Train it in float32"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_followed_is_refused_in_words(name: str) -> None:
    make, words = REFUSED[name]
    model = make()
    with pytest.raises(ValueError, match=words), stateviz.record(model, gradients=True):
        pass
    with stateviz.record(model):  # without gradients it is recorded
        pass
