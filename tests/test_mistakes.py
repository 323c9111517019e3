"""The commonest mistakes are found in a real run, cured by what is said, and never imagined."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from stateviz.recording import Recording
from tests.building.streams import FEATURES, LANES, QUIET, a_stateful_model, kinds, series


def test_the_same_predict_twice() -> None:
    model = a_stateful_model(5)
    X, _ = series(3, 5)
    kind = "predict read the same again from another state"

    def twice(*callbacks: Any) -> None:
        for _ in range(2):
            model.predict(X, batch_size=LANES, callbacks=list(callbacks), **QUIET)

    def chunk_by_chunk() -> None:
        for start in range(0, len(X), LANES):
            model.predict(X[start : start + LANES], batch_size=LANES, **QUIET)

    assert kinds(model, twice) == [kind]
    stateviz.reset_state(model)
    assert kinds(model, lambda: twice(stateviz.ResetStates())) == []
    stateviz.reset_state(model)
    assert kinds(model, chunk_by_chunk) == []
    stateviz.reset_state(model)
    assert kinds(model, twice, inputs=False) == []  # nothing proves it


def test_a_loop_of_fits_without_a_reset() -> None:
    model = a_stateful_model(5)
    X, y = series(3, 5)

    def loop(*, reset: bool = False, anew: bool = True) -> None:
        for epoch in range(3):
            if reset:
                stateviz.reset_state(model)
            part = slice(None) if anew else slice(epoch * LANES, (epoch + 1) * LANES)
            model.fit(X[part], y[part], batch_size=LANES, shuffle=False, **QUIET)

    kind = "fit read the same again from another state"
    assert kinds(model, loop) == [kind]
    stateviz.reset_state(model)
    assert kinds(model, lambda: loop(reset=True)) == []
    stateviz.reset_state(model)
    assert kinds(model, lambda: loop(anew=False)) == []


def test_epochs_made_by_hand() -> None:
    model = a_stateful_model(5)
    X, y = series(3, 5)

    def epochs(*, reset: bool) -> None:
        for _ in range(2):
            if reset:
                stateviz.reset_state(model)
            for start in range(0, len(X), LANES):
                model.train_on_batch(X[start : start + LANES], y[start : start + LANES])

    assert kinds(model, lambda: epochs(reset=False)) == [
        "the data began anew and the state went on"
    ]
    stateviz.reset_state(model)
    assert kinds(model, lambda: epochs(reset=True)) == []


@pytest.mark.parametrize("seen_by", ["predict", "the next epoch"])
def test_shuffled_rows_under_a_state(seen_by: str) -> None:
    model = a_stateful_model(5)
    X, y = series(6, 5)
    reset = [stateviz.ResetStates()]
    if seen_by == "the next epoch":
        tf.random.set_seed(None)  # with a seed, Keras shuffles each epoch alike

    def run(shuffle: bool) -> None:
        options = {"batch_size": LANES, "callbacks": reset, "verbose": 0}
        model.fit(X, y, shuffle=shuffle, epochs=3, **options)
        if seen_by == "predict":
            model.predict(X, **options)

    for shuffle in (True, False):
        stateviz.reset_state(model)
        found = kinds(model, lambda shuffle=shuffle: run(shuffle))  # type: ignore[misc]
        assert found == ["rows were shuffled under a state that was carried"] * shuffle


def test_a_stateless_model_may_be_shuffled_and_its_windows_may_overlap() -> None:
    model = a_stateful_model(5, stateful=False)
    X, y = windows(5, step=1)
    run = lambda: model.fit(X, y, batch_size=LANES, epochs=2, **QUIET)  # noqa: E731
    assert kinds(model, run) == []


def test_training_one_timestep_at_a_time() -> None:
    X, y = series(40, 1)
    longer = X.reshape(-1, LANES, 1, FEATURES).swapaxes(0, 1).reshape(LANES, 2, 20, FEATURES)
    long_X = longer.swapaxes(0, 1).reshape(-1, 20, FEATURES)

    def fitted(timesteps: int, data: np.ndarray) -> list[str]:
        model = a_stateful_model(timesteps)
        options = {"batch_size": LANES, "shuffle": False, "verbose": 0}
        return kinds(model, lambda: model.fit(data, data[:, 0, :1], **options))

    assert fitted(1, X) == ["training saw one timestep at a time"]
    assert fitted(20, long_X) == []
    model = a_stateful_model(1)
    assert kinds(model, lambda: model.predict(X, batch_size=LANES, **QUIET)) == []
    assert y.shape == (160, 1)


def windows(timesteps: int, *, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of four series, row i of a batch continuing row i of the batch before."""
    long = np.random.default_rng(3).normal(size=(LANES, 40, FEATURES)).astype("float32")
    starts = range(0, 40 - timesteps, step)
    X = np.concatenate([long[:, start : start + timesteps] for start in starts])
    return X, X[:, 0, :1]


@pytest.mark.parametrize("step", [1, 2])
def test_windows_that_overlap(step: int) -> None:
    options: dict[str, Any] = {"batch_size": LANES, "shuffle": False, "verbose": 0}

    def fitted(data: np.ndarray, *, stateful: bool = True) -> list[str]:
        model = a_stateful_model(data.shape[1], stateful=stateful)
        return kinds(model, lambda: model.fit(data, data[:, 0, :1], **options))

    X, _ = windows(5, step=step)
    kind = "windows overlap under a state that was carried"
    assert fitted(X) == [kind]
    assert fitted(X, stateful=False) == []
    assert fitted(windows(5, step=5)[0]) == []


@pytest.mark.parametrize("period", [1, 2, 3, 5, 7])
def test_a_periodic_series_is_not_taken_for_overlapping_windows(period: int) -> None:
    wave = np.random.default_rng(0).normal(size=(LANES, period, FEATURES)).astype("float32")
    long = np.tile(wave, (1, 60 // period, 1))
    starts = range(0, long.shape[1] - 8, 8)
    X = np.concatenate([long[:, start : start + 8] for start in starts])
    model = a_stateful_model(8)
    options = {"batch_size": LANES, "shuffle": False, "verbose": 0}
    assert kinds(model, lambda: model.fit(X, X[:, 0, :1], **options)) == []


def told(recording: Recording) -> dict[str, str]:
    return {finding.kind: finding.what for finding in recording.findings()}


def test_calls_are_told_apart() -> None:
    model = a_stateful_model(5)
    X, y = series(2, 5)
    with stateviz.record(model) as recording:
        for _ in range(5):
            stateviz.reset_state(model)
            model.fit(X, y, batch_size=LANES, shuffle=False, **QUIET)
    assert "fit: 10 batches in 5 epochs of 5 calls" in repr(recording)
    assert [(row.call, row.epoch, row.batches) for row in recording.resets()] == [
        (call, 0, 2) for call in range(5)
    ]
    assert "call" in repr(recording.resets()).splitlines()[0].split()


def test_validation_that_a_filter_hid_is_still_named() -> None:
    model = a_stateful_model(5)
    X, y = series(3, 5)
    with stateviz.record(model, every=2) as recording:
        options = {"batch_size": LANES, "shuffle": False, "verbose": 0}
        model.fit(X, y, epochs=3, validation_data=(X[:LANES], y[:LANES]), **options)
    assert "validation altered the training state" in told(recording)
    assert "a state came from outside the recording" not in told(recording)


def test_a_predict_between_epochs_is_not_called_the_end_of_an_epoch() -> None:
    X, y = series(3, 5)

    class Predicts(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.predict(X[:LANES], batch_size=LANES, verbose=0)

    model = a_stateful_model(5)
    with stateviz.record(model) as recording:
        options = {"batch_size": LANES, "shuffle": False, "verbose": 0}
        model.fit(X, y, epochs=2, callbacks=[Predicts()], **options)
    assert "an epoch began with the state of the epoch before" not in told(recording)
    assert "one phase went on where another had ended" in told(recording)


@pytest.mark.parametrize("in_input", [True, False])
def test_where_a_state_stopped_being_finite(in_input: bool) -> None:
    X, _ = series(4, 5)
    model = a_stateful_model(5, stateful=False)
    if in_input:
        X[LANES + 1, 2] = np.nan
    else:
        model.get_layer("lstm").cell.bias.assign(np.full(12, np.nan, "float32"))
    with stateviz.record(model) as recording:
        model.predict(X, batch_size=LANES, **QUIET)
    [what] = told(recording).values()
    if in_input:
        assert "In 1 of 4 batches" in what
        assert "first in batch 1 of the recording at timestep 2; its input held it" in what
    else:
        assert "In 4 of 4 batches" in what
        assert "at timestep 0; its input was finite up to there" in what


def test_zeros_that_are_given_are_counted_and_a_state_that_is_handed_on_is_named() -> None:
    inputs = keras.Input((5, FEATURES))
    states = [keras.Input((3,)) for _ in range(2)]
    lstm = keras.layers.LSTM(3, return_state=True, name="lstm")
    model = keras.Model([inputs, *states], lstm(inputs, initial_state=states))
    X, _ = series(3, 5)
    held = [np.zeros((LANES, 3), "float32")] * 2
    with stateviz.record(model) as recording:
        for start in range(0, len(X), LANES):
            _, *held = model.predict([X[start : start + LANES], *held], **QUIET)
    batches = recording["lstm"].batches
    assert [b.origin for b in batches] == ["given"] * 3
    assert [b.came_from for b in batches] == [None, 0, 1]
    assert recording.resets().state_tensors_zeroed == 1
    assert recording.resets().sample_states_zeroed == LANES


def test_a_cell_that_learns_its_initial_state_is_not_told_to_reset_it() -> None:
    class Cell(keras.layers.LSTMCell):  # type: ignore[misc]
        def get_initial_state(self, batch_size: Any = None) -> Any:
            return [keras.ops.ones((batch_size, self.units)) for _ in range(2)]

    X, _ = series(3, 5)
    model = keras.Sequential([keras.Input((5, FEATURES)), keras.layers.RNN(Cell(3), name="rnn")])
    assert kinds(model, lambda: model.predict(X, batch_size=LANES, **QUIET)) == []


def test_events_and_batches_are_one_truth() -> None:
    model = a_stateful_model(5)
    X, y = series(3, 5)
    with stateviz.record(model) as recording:
        model.fit(X, y, batch_size=LANES, epochs=2, shuffle=False, **QUIET)
    bare = Recording(list(recording.values()))
    assert bare.resets().origins == recording.resets().origins
    assert bare.resets().sample_states_zeroed == recording.resets().sample_states_zeroed
    assert "fit: 6 batches in 2 epochs" in repr(bare)
    assert told(bare).keys() == told(recording).keys()


def test_a_layer_that_runs_unseen_is_named() -> None:
    class Own(keras.layers.LSTM):  # type: ignore[misc]
        def call(
            self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None
        ) -> Any:
            return sequences[:, 0] + keras.ops.zeros((1, 1))

    inputs = keras.Input((5, FEATURES))
    model = keras.Model(
        inputs, [Own(2, name="own")(inputs), keras.layers.LSTM(2, name="b")(inputs)]
    )
    X, _ = series(2, 5)
    with (
        pytest.warns(stateviz.RecordingWarning, match="'own' ran, but in a call of its own class"),
        stateviz.record(model) as recording,
    ):
        model.predict(X, **QUIET)
    assert "no batch: it did not run, or not in a way that can be seen" in repr(recording)


def test_a_cell_that_is_stepped_by_hand_is_named() -> None:
    class Steps(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = keras.layers.LSTM(2, name="lstm", return_sequences=True)
            self.cell = keras.layers.LSTMCell(3, name="by_hand")

        def call(self, x: Any) -> Any:
            x = self.lstm(x)
            held = [keras.ops.zeros((keras.ops.shape(x)[0], 3))] * 2
            for t in range(5):
                out, held = self.cell(x[:, t], held)
            return out

    X, _ = series(2, 5)
    model = Steps()
    model(X)
    with (
        pytest.warns(stateviz.RecordingWarning, match=r"by_hand \(LSTMCell\).*steps by hand"),
        stateviz.record(model) as recording,
    ):
        model.predict(X, **QUIET)
    assert recording.layers == ("lstm",)


def test_the_advice_of_the_memory_bound_holds() -> None:
    inputs = keras.Input((5, FEATURES))
    small = keras.layers.LSTM(2, name="small", return_sequences=True)(inputs)
    model = keras.Model(inputs, keras.layers.LSTM(9, name="large")(small))
    X, _ = series(11, 5)
    for bound in (5_000, 9_000, 20_000):
        with (
            pytest.warns(stateviz.RecordingWarning, match="memory bound"),
            stateviz.record(model, max_bytes=bound) as recording,
        ):
            model.predict(X, batch_size=LANES, **QUIET)
        said = recording.stopped
        every = int(said.split("every=")[1].split()[0])
        enough = int(said.split("or max_bytes=")[1].split()[0].replace(",", ""))
        advised: list[dict[str, Any]] = [
            {"every": every, "max_bytes": bound},
            {"max_bytes": enough},
        ]
        for options in advised:
            with stateviz.record(model, **options) as recording:
                model.predict(X, batch_size=LANES, **QUIET)
            assert recording.stopped == ""
        assert recording.nbytes == enough
        with (
            pytest.warns(stateviz.RecordingWarning),
            stateviz.record(model, every=every - 1, max_bytes=bound),
        ):
            model.predict(X, batch_size=LANES, **QUIET)


def test_a_state_that_began_as_nan_is_not_laid_to_its_input() -> None:
    model = a_stateful_model(5)
    X, _ = series(2, 5)
    for state in model.get_layer("lstm").states:
        state.assign(np.full((LANES, 3), np.nan, "float32"))
    with stateviz.record(model) as recording:
        model.predict(X, batch_size=LANES, **QUIET)
    what = told(recording)["a state is not finite"]
    assert "in batch 0 of the recording before its first timestep; it began so" in what


def test_the_input_of_another_sample_is_not_to_blame() -> None:
    X, _ = series(1, 5)
    X[0, 0] = np.nan  # masked for sample 0, so that its state stays finite
    mask = np.ones(X.shape[:2], bool)
    mask[0, 0] = False
    inputs, told_mask = keras.Input((5, FEATURES)), keras.Input((5,), dtype="bool")
    lstm = keras.layers.LSTM(3, name="lstm")
    model = keras.Model([inputs, told_mask], lstm(inputs, mask=told_mask))
    with stateviz.record(model) as recording:
        model.predict([X, mask], batch_size=LANES, **QUIET)
    [batch] = recording["lstm"].batches
    batch.states[0].after[2, 3] = np.inf
    what = told(recording)["a state is not finite"]
    assert "at timestep 3; its input was finite up to there" in what
