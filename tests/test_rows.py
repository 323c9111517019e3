"""Where each row's state came from, in generated programs, against a ledger kept beside them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import stateviz
from tests.building.backend import only_on_tensorflow
from tests.rows import ZEROS, Ledger, Row

ROWS, UNITS, STEPS = 4, 3, 2
# A few where time is short, all in `make test-all`.
PROGRAMS = [pytest.param(seed, marks=pytest.mark.full if seed > 5 else []) for seed in range(60)]


def numbers(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.normal(size=shape).astype("float32")


def two_layers(*, stateful: bool) -> tuple[keras.Model, list[keras.layers.Layer]]:
    """Two LSTMs in one model, so that both are recorded."""
    kwargs = {"return_state": True, "stateful": stateful}
    layers = [keras.layers.LSTM(UNITS, name=name, **kwargs) for name in ("one", "other")]
    inputs = keras.Input((STEPS, 1), batch_size=ROWS)
    return keras.Model(inputs, [layer(inputs) for layer in layers]), layers


@pytest.mark.parametrize("seed", PROGRAMS)
def test_states_that_are_passed(seed: int) -> None:
    """Zeros, random numbers, and rows that a layer had left, in any order and mixture."""
    random = np.random.default_rng(seed)
    model, layers = two_layers(stateful=False)
    ledger = Ledger()
    with stateviz.record(model) as recording:
        for _ in range(6):
            layer = layers[random.integers(2)]
            X = numbers(random, ROWS, STEPS, 1)
            if random.integers(4):
                chosen = [ledger.some_row(random, UNITS) for _ in range(ROWS)]
                rows = [row for row, _ in chosen]
                states = [np.stack(each) for each in zip(*(s for _, s in chosen), strict=True)]
                _, *final = layer(X, initial_state=states)
                ledger.began(layer.name, ["given"] * ROWS, rows)
            else:
                _, *final = layer(X)
                ledger.began(layer.name, ["fresh"] * ROWS, [ZEROS] * ROWS)
            ledger.ended(layer.name, [keras.ops.convert_to_numpy(each) for each in final])
    for name in ledger.expected:
        ledger.compare(recording[name])


class Kept:
    """A stateful layer, and where the rows of its states come from."""

    def __init__(self, layer: keras.layers.RNN) -> None:
        self.layer = layer
        self.rows: list[Row] = [ZEROS] * ROWS

    @property
    def values(self) -> list[np.ndarray]:
        return [np.copy(keras.ops.convert_to_numpy(state)) for state in self.layer.states]

    def words(self) -> list[str]:
        own = self.layer.name
        return [
            "reset" if row == ZEROS else "carried" if row[0] == own else "altered"
            for row in self.rows
        ]

    def change(self, random: np.random.Generator, ledger: Ledger) -> None:
        """Changes rows by hand: zeros them, puts others in their place, or all in another order."""
        values, kind = self.values, random.integers(5)
        if kind == 0:
            self.layer.reset_state()
            self.rows = [ZEROS] * ROWS
            return
        if kind == 1:
            order = random.permutation(ROWS)
            values = [value[order] for value in values]
            self.rows = [self.rows[row] for row in order]
        elif kind == 2:
            for row in np.flatnonzero(random.integers(0, 2, ROWS)):
                self.rows[row], of_row = ledger.some_row(random, UNITS)
                for value, one in zip(values, of_row, strict=True):
                    value[row] = one
        else:
            done = random.integers(0, 2, (ROWS, 1))
            values = [value * (1 - done) for value in values]
            self.rows = [ZEROS if d else r for d, r in zip(done[:, 0], self.rows, strict=True)]
        for state, value in zip(self.layer.states, values, strict=True):
            state.assign(value)


@only_on_tensorflow
@pytest.mark.parametrize("seed", PROGRAMS)
def test_states_that_are_kept(seed: int) -> None:
    """Rows zeroed, permuted, assigned, reset, and given, in training, validation and predict."""
    random = np.random.default_rng(1000 + seed)
    model, layers = two_layers(stateful=True)
    model.compile("sgd", "mse")
    kept = [Kept(layer) for layer in layers]
    ledger = Ledger()

    def ran() -> None:
        for each in kept:
            ledger.began(each.layer.name, each.words(), each.rows)
            each.rows = ledger.ended(each.layer.name, each.values)

    class Between(keras.callbacks.Callback):  # type: ignore[misc]
        """Writes down what each batch left, and changes states between them."""

        def batch_ended(self, batch: int, logs: object = None) -> None:
            ran()
            if random.integers(2):
                kept[random.integers(2)].change(random, ledger)

        on_train_batch_end = on_test_batch_end = on_predict_batch_end = batch_ended

    X = numbers(random, 2 * ROWS, STEPS, 1)
    y = [np.zeros((2 * ROWS, UNITS), "float32")] * 6
    options = {"batch_size": ROWS, "verbose": 0, "callbacks": [Between()]}
    with stateviz.record(model) as recording:
        for _ in range(3):
            match random.integers(4):
                case 0:
                    data = (X[:ROWS] + 1, [each[:ROWS] for each in y])
                    model.fit(X, y, shuffle=False, validation_data=data, epochs=2, **options)
                case 1:
                    model.predict(X, **options)
                case 2:
                    model.train_on_batch(X[:ROWS], [each[:ROWS] for each in y])
                    ran()
                case _:
                    one = kept[random.integers(2)]
                    chosen = [ledger.some_row(random, UNITS) for _ in range(ROWS)]
                    states = zip(*(states for _, states in chosen), strict=True)
                    one.layer(X[:ROWS], initial_state=[np.stack(each) for each in states])
                    ledger.began(one.layer.name, ["given"] * ROWS, [row for row, _ in chosen])
                    one.rows = ledger.ended(one.layer.name, one.values)
            kept[random.integers(2)].change(random, ledger)
            X = X + 0.25
    for name in ledger.expected:
        ledger.compare(recording[name])
