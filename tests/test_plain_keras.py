"""What the lessons give to copy, in plain Keras, does what stateviz does: the same states."""

from __future__ import annotations

import ast
from typing import Any

import keras
import numpy as np
import pytest

import stateviz
from tools.course_environment import NOTEBOOKS
from tools.regenerate_notebooks import read_notebook

BATCH, STEPS = 2, 3
X = np.random.default_rng(0).normal(size=(6, STEPS, 1)).astype("float32")
Y = np.zeros((6, 1), "float32")


def copied(notebook: str, cell_id: str, name: str) -> Any:
    """A function or class as a student copies it: alone, with Keras and nothing of stateviz."""
    [cell] = [
        each for each in read_notebook(NOTEBOOKS / f"{notebook}.ipynb").cells if each.id == cell_id
    ]
    [definition] = [
        node for node in ast.parse(cell.source).body if getattr(node, "name", None) == name
    ]
    names: dict[str, Any] = {"keras": keras}
    exec(compile(ast.Module([definition], []), cell_id, "exec"), names)
    return names[name]


def sequential() -> Any:
    return [keras.layers.LSTM(3, stateful=True, name="lstm"), keras.layers.Dense(1)]


def both_ways() -> Any:
    gru = keras.layers.GRU(2, stateful=True)
    return [keras.layers.Bidirectional(gru, name="ways"), keras.layers.Dense(1)]


def nested() -> Any:
    inner = [keras.layers.SimpleRNN(2, stateful=True, return_sequences=True, name="inner")]
    outer = [keras.layers.LSTM(2, stateful=True, name="outer"), keras.layers.Dense(1)]
    return [keras.Sequential(inner, name="deep"), *outer]


KINDS = [sequential, both_ways, nested]


def a_model(kind: Any) -> Any:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input(batch_shape=(BATCH, STEPS, 1)), *kind()])
    model.compile("sgd", "mse", jit_compile=False)
    return model


def states_of(recording: stateviz.Recording) -> list[np.ndarray]:
    return [
        state.after
        for layer in recording.values()
        for batch in layer.batches
        for state in batch.states
    ]


def assert_equal(ours: stateviz.Recording, plain: stateviz.Recording) -> None:
    pairs = list(zip(states_of(ours), states_of(plain), strict=True))
    assert pairs
    assert all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_the_callback_to_copy_keeps_the_same_states_as_reset_states(kind: Any) -> None:
    plain = copied("04_resets", "cell-30-plain", "PlainResets")
    runs = []
    for callback in (stateviz.ResetStates(), plain(), None):
        model = a_model(kind)
        with stateviz.record(model) as recording:
            model.fit(
                *(X[:4], Y[:4]),
                validation_data=(X[4:], Y[4:]),
                batch_size=BATCH,
                epochs=3,
                shuffle=False,
                verbose=0,
                callbacks=[callback] if callback else [],
            )
            model.evaluate(
                X, Y, batch_size=BATCH, verbose=0, callbacks=[callback] if callback else []
            )
        runs.append(recording)
    assert_equal(runs[0], runs[1])
    with pytest.raises(AssertionError):
        assert_equal(runs[0], runs[2])


@pytest.mark.parametrize("kind", KINDS)
def test_the_reset_to_copy_leaves_the_same_states_as_reset_state(kind: Any) -> None:
    runs = []
    for reset in (
        stateviz.reset_state,
        copied("09_your_own_model", "cell-06-plain", "plain_reset"),
    ):
        model = a_model(kind)
        with stateviz.record(model) as recording:
            model.predict(X, batch_size=BATCH, verbose=0)
            reset(model)
            model.predict(X, batch_size=BATCH, verbose=0)
        runs.append(recording)
        origins = {batch.origin for layer in recording.values() for batch in layer.batches[3:4]}
        assert origins == {"reset"}
    assert_equal(*runs)


def stacked() -> Any:
    lower = keras.layers.GRU(2, stateful=True, return_sequences=True, name="lower")
    return [lower, keras.layers.LSTM(3, stateful=True, name="upper"), keras.layers.Dense(1)]


@pytest.mark.parametrize("kind", [sequential, stacked])
def test_the_twin_to_copy_reads_as_a_twin_of_ours(kind: Any) -> None:
    model = a_model(kind)
    runs = []
    for make in (stateviz.twin, copied("03_stateful", "cell-39-plain", "plain_twin")):
        other = make(model, batch_size=1)
        with stateviz.record(other) as recording:
            other.predict(X, batch_size=1, verbose=0)
        runs.append(recording)
    assert_equal(*runs)
