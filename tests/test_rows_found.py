"""Findings that go by rows, and by what was read: where they must speak, and where be silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import stateviz
from tests.building.streams import LANES, QUIET, a_stateful_model, kinds, series


@pytest.mark.parametrize("text", ["hello", "haha haha", "aaaaaaaa"])
@pytest.mark.parametrize("at_once", [1, 2])
def test_equal_letters_one_after_the_other_prove_nothing(text: str, at_once: int) -> None:
    """A generation, or a stream of sensor values, reads the same again, and is meant to go on."""
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(1, at_once, 128)),
            keras.layers.LSTM(3, stateful=True),
            keras.layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse")
    letters = np.eye(128, dtype="float32")[[ord(letter) for letter in text]]

    def stream() -> None:
        for place in range(0, len(text) - at_once + 1, at_once):
            model.predict(letters[None, place : place + at_once], **QUIET)

    assert kinds(model, stream) == []


@pytest.mark.parametrize(("steps", "found"), [(3, False), (4, True), (6, False)])
def test_resets_that_miss_the_beginning_of_the_data(steps: int, found: bool) -> None:
    """The data begins anew every 3 batches; an epoch of 4 batches resets in the middle of it."""
    model = a_stateful_model(5)
    X, y = series(3, 5)

    def batches() -> Any:
        while True:
            for start in range(0, len(X), LANES):
                yield X[start : start + LANES], y[start : start + LANES]

    def run() -> None:
        callbacks = [stateviz.ResetStates()]
        model.fit(batches(), steps_per_epoch=steps, epochs=3, callbacks=callbacks, **QUIET)

    with stateviz.record(model) as recording:
        run()
    kind = "resets missed the beginning of the data"
    assert [each.kind for each in recording.findings()] == [kind] * found
    if found:
        [finding] = recording.findings()
        assert finding.batches == (4, 8)
        assert "begins anew every 3 batches" in finding.what
        assert "steps_per_epoch=3" in finding.cure


def test_rows_that_nobody_left_are_named_and_rows_that_began_anew_are_not() -> None:
    model = a_stateful_model(5)
    X, _ = series(4, 5)
    states = model.layers[0].states

    def run(change: Callable[[np.ndarray], Any]) -> list[Any]:
        stateviz.reset_state(model)
        with stateviz.record(model) as recording:
            for start in range(0, len(X), LANES):
                model.predict_on_batch(X[start : start + LANES])
                for state in states:
                    value = np.copy(keras.ops.convert_to_numpy(state))
                    change(value)
                    state.assign(value)
        return recording.findings()

    def begin_anew(value: np.ndarray) -> None:
        value[0] = 0

    def another(value: np.ndarray) -> None:
        value[1] += 1

    def swap(value: np.ndarray) -> None:
        value[:] = value[::-1].copy()

    assert run(begin_anew) == run(swap) == []
    [finding] = run(another)
    assert finding.kind == "a state came from outside the recording"
    assert finding.batches == (1, 2, 3)
    assert "Open the record block" not in finding.cure  # it was open


@pytest.mark.parametrize("states_too", [True, False])
def test_rows_that_move_with_their_states_are_not_torn(states_too: bool) -> None:
    model = a_stateful_model(5)
    X, y = series(6, 5)
    random = np.random.default_rng(1)
    orders = [random.permutation(LANES) for _ in range(6)]
    lanes, moved = np.arange(LANES), []
    for order, batch in zip(orders, X.reshape(6, LANES, *X.shape[1:]), strict=True):
        lanes = lanes[order]
        moved.append(batch[lanes])

    class Moves(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            for state in model.layers[0].states if states_too else ():
                state.assign(keras.ops.convert_to_numpy(state)[orders[batch]])

    def run() -> None:
        data = np.concatenate(moved)
        options: dict[str, Any] = {"batch_size": LANES, "shuffle": False, "callbacks": [Moves()]}
        model.fit(data, y, **options, **QUIET)
        stateviz.reset_state(model)
        model.predict(X, batch_size=LANES, **QUIET)  # the order as it was

    assert kinds(model, run) == ["rows were shuffled under a state that was carried"] * (
        not states_too
    )
