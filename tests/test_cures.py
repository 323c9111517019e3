"""The cures: resets at the right moments, however deep the layers are, and twins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import stateviz
from tests.building.backend import only_on_tensorflow
from tests.building.models import ONES, counting_model

L = keras.layers
FIT: dict[str, Any] = {"batch_size": 2, "verbose": 0, "shuffle": False}
Y = ONES[:, 0]


def values(layer: Any) -> list[np.ndarray]:
    return [
        np.copy(keras.ops.convert_to_numpy(state)) for state in keras.tree.flatten(layer.states)
    ]


def nested() -> keras.Model:
    inner_inputs = keras.Input(batch_shape=(2, 3, 1))
    inner = keras.Model(inner_inputs, L.LSTM(3, stateful=True, name="deep")(inner_inputs))
    inputs = keras.Input(batch_shape=(2, 3, 1))
    both = L.Bidirectional(L.GRU(2, stateful=True), name="both")(inputs)
    return keras.Model(inputs, L.Concatenate()([inner(inputs), both]))


def stacked_cells() -> keras.Model:
    cells = [L.LSTMCell(3), L.GRUCell(2)]
    return keras.Sequential(
        [keras.Input(batch_shape=(2, 3, 1)), L.RNN(cells, stateful=True, name="rnn")]
    )


@only_on_tensorflow
@pytest.mark.parametrize(
    ("made", "names"),
    [(nested, {"deep", "both/forward", "both/backward"}), (stacked_cells, {"rnn"})],
)
def test_reset_state_reaches_every_stateful_layer(
    made: Callable[[], keras.Model], names: set[str]
) -> None:
    model = made()
    first = model.predict(ONES[:2, :3], verbose=0)
    assert (model.predict(ONES[:2, :3], verbose=0) != first).any()
    assert set(stateviz.reset_state(model)) == names
    np.testing.assert_array_equal(model.predict(ONES[:2, :3], verbose=0), first)


def test_reset_state_without_a_stateful_layer_says_why() -> None:
    with pytest.raises(ValueError, match=r"No built layer of .* is stateful.*from new zeros"):
        stateviz.reset_state(counting_model(stateful=False))
    with pytest.raises(TypeError, match="Expected a Keras model or layer; got int"):
        stateviz.reset_state(3)


def origins(model: keras.Model, run: Callable[[], Any]) -> dict[str, list[str]]:
    with stateviz.record(model) as recording:
        run()
    begun: dict[str, list[str]] = {}
    for batch in recording["lstm"].batches:
        begun.setdefault(str(batch.phase), []).append(batch.origin)
    return begun


@only_on_tensorflow
def test_each_epoch_begins_anew_and_validation_leaves_no_trace() -> None:
    model = counting_model(stateful=True)
    begun = origins(
        model,
        lambda: model.fit(
            ONES,
            Y,
            epochs=2,
            validation_data=(ONES[:4], Y[:4]),
            callbacks=[stateviz.ResetStates()],
            **FIT,
        ),
    )
    batches = len(ONES) // 2
    carried = ["carried"] * (batches - 1)
    assert begun["fit"] == ["reset", *carried] * 2
    assert begun["validation"] == ["reset", "carried"] * 2


@only_on_tensorflow
def test_epochs_can_go_on_and_validation_still_leaves_no_trace() -> None:
    """The state after two epochs is that of a fit without validation."""
    ends = []
    for validation in (None, (ONES[:4], Y[:4])):
        model = counting_model(stateful=True)
        cure = stateviz.ResetStates(each_epoch=False)
        model.fit(ONES, Y, epochs=2, validation_data=validation, callbacks=[cure], **FIT)
        ends.append(values(model.layers[0]))
    np.testing.assert_array_equal(ends[0], ends[1])
    assert (ends[0][0] != 0).any()


@pytest.mark.parametrize("phase", ["evaluate", "predict"])
def test_evaluate_and_predict_begin_anew_and_leave_the_state(phase: str) -> None:
    model = counting_model(stateful=True)
    model.predict(ONES[:2], verbose=0)
    before = values(model.layers[0])
    arguments = (ONES, Y) if phase == "evaluate" else (ONES,)
    run = getattr(model, phase)
    options = {"batch_size": 2, "verbose": 0, "callbacks": [stateviz.ResetStates()]}
    results = [run(*arguments, **options) for _ in range(2)]
    np.testing.assert_array_equal(*results)
    np.testing.assert_array_equal(values(model.layers[0]), before)


# --- Twins ----------------------------------------------------------------------------------------


def rows_alone(model: keras.Model, X: np.ndarray) -> np.ndarray:
    """What a twin of batch size one predicts of each row, timestep by timestep."""
    one = stateviz.twin(model, batch_size=1, timesteps=1, stateful=True)
    rows = []
    for row in X:
        stateviz.reset_state(one)
        for timestep in range(X.shape[1]):
            last = one.predict_on_batch(row[np.newaxis, timestep : timestep + 1])
        rows.append(last[0])
    return np.array(rows)


def sequential(*layers: Any, batch: int | None = 4) -> keras.Model:
    return keras.Sequential([keras.Input(batch_shape=(batch, 5, 2)), *layers])


def functional_in_sequential() -> keras.Model:
    inputs = keras.Input(batch_shape=(4, 5, 2))
    inner = keras.Model(inputs, L.LSTM(3, stateful=True, return_sequences=True)(inputs))
    return sequential(inner, L.GRU(2, stateful=True))


@only_on_tensorflow
@pytest.mark.parametrize(
    "made",
    [
        lambda: sequential(L.LSTM(3, stateful=True), L.Dense(2)),
        lambda: sequential(L.LSTM(3), L.Dense(2), batch=None),
        lambda: sequential(L.RNN([L.LSTMCell(3), L.GRUCell(2)], stateful=True)),
        functional_in_sequential,
    ],
    ids=["stateful", "stateless", "cells", "nested"],
)
def test_a_twin_of_one_gives_the_predictions_of_the_batch(made: Callable[[], Any]) -> None:
    model = made()
    X = np.random.default_rng(0).normal(size=(4, 5, 2)).astype(np.float32)
    expected = model.predict_on_batch(X)
    np.testing.assert_allclose(rows_alone(model, X), expected, atol=1e-6)


def test_a_twin_has_weights_and_states_of_its_own() -> None:
    model = counting_model(stateful=True)
    copy = stateviz.twin(model, batch_size=7)
    copy.predict_on_batch(np.ones((7, *model.input_shape[1:])))
    assert not np.any(values(model.layers[0]))
    copy.set_weights([weight + 1 for weight in copy.get_weights()])
    assert all((a != b).all() for a, b in zip(model.get_weights(), copy.get_weights(), strict=True))


def test_a_bidirectional_can_be_made_stateless() -> None:
    both = L.Bidirectional(L.LSTM(3, stateful=True), name="both")
    copy = stateviz.twin(sequential(both), batch_size=None, stateful=False)
    layer = copy.get_layer("both")
    assert (layer.forward_layer.stateful, layer.backward_layer.stateful) == (False, False)
    assert copy.input_shape == (None, 5, 2)


def test_what_cannot_have_a_twin_is_said() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(TypeError, match=r"got Own\. Make a second model of your class"):
        stateviz.twin(Own(), batch_size=1)
    with pytest.raises(ValueError, match="would be stateful, so the twin needs a batch size"):
        stateviz.twin(counting_model(stateful=True), batch_size=None)
    with pytest.raises(ValueError, match="is not built yet"):
        stateviz.twin(keras.Sequential([L.LSTM(2)]), batch_size=1)


def test_a_twin_of_inputs_without_an_axis_and_of_cells_that_nobody_registered() -> None:
    class Tanh(keras.layers.Layer):  # type: ignore[misc]
        state_size = output_size = 3

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(shape[-1], 3))

        def call(self, x: Any, states: Any) -> Any:
            new = keras.ops.tanh(x @ self.kernel + states[0])
            return new, [new]

    sequences, number = keras.Input((5, 2)), keras.Input(())
    output = keras.layers.RNN(Tanh())(sequences)
    scaled = keras.layers.Multiply()([output, keras.layers.Reshape((1,))(number)])
    model = keras.Model([sequences, number], scaled)
    twin = stateviz.twin(model, batch_size=2)
    assert [each.shape for each in twin.inputs] == [(2, *(5, 2)), (2,)]
    given = [np.ones((2, 5, 2), "float32"), np.ones(2, "float32")]
    np.testing.assert_array_equal(twin(given), model(given))


def test_a_twin_tells_a_users_class_from_one_of_keras_of_the_same_name() -> None:
    class LSTMCell(keras.layers.LSTMCell):  # type: ignore[misc]
        """A user's own, which nobody registered."""

    cells = [LSTMCell(2), keras.layers.LSTMCell(2)]
    layers = [keras.layers.RNN(cell, return_sequences=True) for cell in cells]
    twin = stateviz.twin(keras.Sequential([keras.Input((5, 2)), *layers]), batch_size=2)
    assert [type(layer.cell) for layer in twin.layers] == [type(cell) for cell in cells]
