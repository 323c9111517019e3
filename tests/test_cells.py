"""What a layer is made of: inner cells, own cells, spatial states, gates, wrappers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from stateviz.drawing.flat import flat
from stateviz.recording import GRUGates, RecordingWarning
from tests.building.recordings import there
from tests.references import LeakyCell, states_of_cell

SAMPLES, TIMESTEPS, FEATURES = 4, 6, 3


def series(*space: int, seed: int = 0) -> np.ndarray:
    shape = (SAMPLES, TIMESTEPS, *space, FEATURES)
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def recorded(layer: keras.layers.Layer, X: np.ndarray, **options: Any) -> tuple[Any, Any]:
    """The recording of one call of a layer in a compiled model, and what the model returned."""
    inputs = keras.Input(X.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    with stateviz.record(model, **options) as recording:
        outputs = model.predict(X, verbose=0)
    return recording, outputs


def test_each_inner_cell_has_its_own_name_inputs_and_states() -> None:
    cells = [keras.layers.LSTMCell(4, name="low"), keras.layers.GRUCell(5, name="high")]
    layer = keras.layers.RNN(cells, return_sequences=True, return_state=True, name="rnn")
    X = series()
    recording, (sequences, low, high) = recorded(layer, X)
    assert recording.layers == ("rnn/low", "rnn/high")
    assert [recording[name].kind for name in recording] == ["LSTMCell", "GRUCell"]
    assert [recording[name].units for name in recording] == [4, 5]
    [below], [above] = recording["rnn/low"].batches, recording["rnn/high"].batches
    np.testing.assert_array_equal(below.inputs, X)
    np.testing.assert_array_equal(above.inputs, below.hidden_state)
    np.testing.assert_array_equal(above.hidden_state, sequences)
    np.testing.assert_array_equal(below.final_hidden_state, low[0])
    np.testing.assert_array_equal(below.final_cell_state, low[1])
    assert above.cell_state is None
    np.testing.assert_array_equal(above.final_hidden_state, np.asarray(high).squeeze())
    for cell, batch in zip(cells, (below, above), strict=True):
        initial = [batch.initial_hidden_state, batch.initial_cell_state][: 1 + (cell is cells[0])]
        expected = states_of_cell(cell, cell.get_weights(), batch.inputs, initial)
        np.testing.assert_allclose(batch.hidden_state, expected[0], atol=1e-6)


def test_inner_cells_of_one_name_are_told_apart_and_can_be_chosen() -> None:
    cells = [keras.layers.SimpleRNNCell(2, name="same") for _ in range(2)]
    layer = keras.layers.RNN(keras.layers.StackedRNNCells(cells), name="rnn")
    recording, _ = recorded(layer, series())
    assert recording.layers == ("rnn/same", "rnn/same#2")
    recording, _ = recorded(keras.layers.RNN(cells, name="rnn"), series(), layers="rnn/same#2")
    assert recording.layers == ("rnn/same#2",)
    np.testing.assert_array_equal(recording["rnn/same#2"].batches[0].inputs.shape, (4, 6, 2))
    recording, _ = recorded(keras.layers.RNN(cells, name="rnn"), series(), layers="rnn")
    assert len(recording.layers) == 2


def test_a_cell_of_your_own_is_recorded_with_all_its_states(tmp_path: Any) -> None:
    cell = LeakyCell(4)
    X = series()
    recording, outputs = recorded(
        keras.layers.RNN(cell, return_sequences=True, name="leaky"), X, units=[2, 0]
    )
    [batch] = recording["leaky"].batches
    zeros = [np.zeros((SAMPLES, size)) for size in cell.state_size]
    fast, slow, count = states_of_cell(cell, cell.get_weights(), X, zeros)
    np.testing.assert_allclose(batch.hidden_state, fast[..., [2, 0]], atol=1e-6)
    np.testing.assert_allclose(batch.cell_state, slow[..., [2, 0]], atol=1e-6)
    np.testing.assert_allclose(outputs, fast - slow, atol=1e-6)
    recording, _ = recorded(keras.layers.RNN(cell, name="leaky"), X)
    [batch] = recording["leaky"].batches
    [further] = batch.states[2:]
    np.testing.assert_array_equal(further.after, count)
    np.testing.assert_array_equal(further.final, count[:, -1])
    again = stateviz.load(recording.save(tmp_path / "leaky"))["leaky"].batches[0]
    for part in ("initial", "after", "final"):
        kept = getattr(again.states[2], part)
        np.testing.assert_array_equal(kept, getattr(further, part))
    assert further.initial.any() != further.final.any()
    assert again.nbytes == batch.nbytes


class PlainCell:
    """A cell that is no Keras layer; RNN takes it as long as it has call and state_size."""

    state_size = FEATURES
    compute_dtype = "float32"

    def call(self, x: Any, states: Any) -> Any:
        h = keras.ops.tanh(x + states[0])
        return h, [h]

    __call__ = call


@pytest.mark.parametrize("stack", [False, True])
def test_a_cell_that_is_no_layer_is_recorded(stack: bool) -> None:
    cells = [keras.layers.SimpleRNNCell(FEATURES), PlainCell()] if stack else PlainCell()
    layer = keras.layers.RNN(cells, return_sequences=True, name="rnn")
    recording, outputs = recorded(layer, series())
    name = "rnn/PlainCell" if stack else "rnn"
    [batch] = recording[name].batches
    np.testing.assert_array_equal(batch.hidden_state, outputs)
    before = np.concatenate([np.zeros_like(outputs[:, :1]), outputs[:, :-1]], axis=1)
    np.testing.assert_allclose(outputs, np.tanh(batch.inputs + before), atol=1e-6)
    assert "call" not in vars(cells[1] if isinstance(cells, list) else cells)


class DrawingCell(LeakyCell):
    """Draws random numbers in its call, from a seed that moves with each."""

    def __init__(self) -> None:
        super().__init__(2)
        self.seed = keras.random.SeedGenerator(1)

    def call(self, x: Any, states: Any) -> Any:
        output, after = super().call(x, states)
        return output + keras.random.normal(keras.ops.shape(output), seed=self.seed), after


def test_an_unrolled_cell_that_draws_in_its_call_is_refused_and_rolled_it_is_not() -> None:
    for unroll in (False, True):
        keras.utils.set_random_seed(3)
        plain = keras.layers.RNN(DrawingCell(), unroll=unroll)
        inputs = keras.Input((TIMESTEPS, FEATURES))
        expected = keras.Model(inputs, plain(inputs)).predict(series(), verbose=0)
        keras.utils.set_random_seed(3)
        layer = keras.layers.RNN(DrawingCell(), unroll=unroll, name="drawing")
        if unroll:
            with pytest.raises(
                ValueError, match=r"'drawing' is unrolled around DrawingCell.*twice"
            ):
                recorded(layer, series())
        else:
            np.testing.assert_array_equal(recorded(layer, series())[1], expected)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_conv_lstm_keeps_its_spatial_axes(data_format: str) -> None:
    first = data_format == "channels_first"
    X = series(4)
    X = np.moveaxis(X, -1, 2) if first else X
    layer = keras.layers.ConvLSTM1D(
        2, 3, padding="same", data_format=data_format, return_sequences=True, name="conv"
    )
    try:
        recording, outputs = recorded(layer, X, gates=True)
    except tf.errors.OpError:
        assert first
        pytest.skip("TensorFlow convolves channels_first on a GPU only")
    [batch] = recording["conv"].batches
    assert recording["conv"].units == 2
    assert batch.cell_state.shape == ((4, 6, 2, 4) if first else (4, 6, 4, 2))
    np.testing.assert_array_equal(batch.hidden_state, outputs)
    shape = "2 x 4" if first else "4 x 2"
    assert f"4 samples x 6 timesteps x {shape} units" in repr(batch)
    few, _ = recorded(layer, X, units=[1])
    one = batch.cell_state[:, :, [1]] if first else batch.cell_state[..., [1]]
    np.testing.assert_array_equal(few["conv"].batches[0].cell_state, one)
    with pytest.raises(ValueError, match=r"got 2, but layer 'conv' has 2"):
        recorded(layer, X, units=2)
    c = batch.gates.input * batch.gates.candidate
    before = np.concatenate([0 * c[:, :1], batch.cell_state[:, :-1]], axis=1)
    np.testing.assert_allclose(batch.cell_state, batch.gates.forget * before + c, atol=1e-6)


@pytest.mark.parametrize("reset_after", [False, True])
@pytest.mark.parametrize("implementation", [1, 2])
def test_the_gates_of_a_gru_satisfy_its_equations(
    reset_after: bool, implementation: int, tmp_path: Any
) -> None:
    cell = keras.layers.GRUCell(4, reset_after=reset_after, implementation=implementation)
    X = series()
    recording, _ = recorded(keras.layers.RNN(cell, name="gru"), X, gates=True)
    [batch] = recording["gru"].batches
    gates = batch.gates
    assert isinstance(gates, GRUGates)
    h = batch.hidden_state
    before = np.concatenate([np.zeros_like(h[:, :1]), h[:, :-1]], axis=1)
    np.testing.assert_allclose(
        h, gates.update * before + (1 - gates.update) * gates.candidate, atol=1e-6
    )
    kernel, recurrent, bias = cell.get_weights()
    both = np.zeros((2, 12)) if bias.ndim == 1 else bias
    both = np.stack([bias, both[1]]) if bias.ndim == 1 else both
    x, u, b = (np.split(each, 3, axis=-1) for each in (X @ kernel + both[0], recurrent, both[1]))
    inner = gates.reset * (before @ u[2] + b[2]) if reset_after else (gates.reset * before) @ u[2]
    np.testing.assert_allclose(gates.candidate, np.tanh(x[2] + inner), atol=1e-6)
    again = stateviz.load(recording.save(tmp_path / "gru"))["gru"].batches[0].gates
    assert isinstance(again, GRUGates)
    np.testing.assert_array_equal(again.reset, gates.reset)


def test_gates_of_inner_cells_are_told_apart() -> None:
    cells = [
        keras.layers.LSTMCell(2, name="a"),
        keras.layers.SimpleRNNCell(2, name="b"),
        keras.layers.GRUCell(2, name="c"),
    ]
    recording, _ = recorded(keras.layers.RNN(cells, name="rnn"), series(), gates=True)
    a, b, c = (recording[name].batches[0] for name in recording)
    assert b.gates is None
    cell = a.gates.input * a.gates.candidate
    np.testing.assert_allclose(a.cell_state[:, 0], cell[:, 0], atol=1e-6)
    h = (1 - c.gates.update) * c.gates.candidate
    np.testing.assert_allclose(c.hidden_state[:, 0], h[:, 0], atol=1e-6)


def test_a_subclass_with_a_call_of_its_own_is_recorded_without_gates() -> None:
    class Doubling(keras.layers.LSTMCell):  # type: ignore[misc]
        def call(self, x: Any, states: Any, training: bool = False) -> Any:
            self.activation(x)
            return super().call(2 * x, states, training=training)

    recording, outputs = recorded(keras.layers.RNN(Doubling(3), name="it"), series(), gates=True)
    [batch] = recording["it"].batches
    assert batch.gates is None
    np.testing.assert_array_equal(batch.hidden_state[:, -1], outputs)


def test_time_distributed_gives_a_record_for_each_of_its_timesteps() -> None:
    X = np.random.default_rng(0).normal(size=(4, 3, 5, 2)).astype("float32")
    layer = keras.layers.TimeDistributed(keras.layers.LSTM(3, name="lstm"))
    recording, outputs = recorded(layer, X)
    batches = recording["lstm"].batches
    assert [batch.batch for batch in batches] == [0, 0, 0]
    for place, batch in enumerate(batches):
        np.testing.assert_array_equal(batch.inputs, X[:, place])
        np.testing.assert_array_equal(batch.hidden_state[:, -1], outputs[:, place])


def test_time_distributed_of_unknown_length_runs_and_is_said() -> None:
    inputs = keras.Input((None, 5, 2))
    layer = keras.layers.TimeDistributed(keras.layers.LSTM(3, name="lstm"), name="rows")
    model = keras.Model(inputs, layer(inputs))
    dataset = tf.data.Dataset.from_generator(
        lambda: iter([np.zeros((2, length, 5, 2), "float32") for length in (3, 4)]),
        output_signature=tf.TensorSpec((None, None, 5, 2), tf.float32),
    )
    before = model.predict(dataset, verbose=0).to_list()
    with pytest.warns(RecordingWarning, match="'lstm' ran, but .* once its axis 1 has a length"):
        with stateviz.record(model):
            assert model.predict(dataset, verbose=0).to_list() == before


def test_a_fused_bidirectional_is_named() -> None:
    """On a GPU one kernel can compute both directions, and neither layer is called."""
    layer = keras.layers.Bidirectional(keras.layers.LSTM(3), name="both")
    layer.build(series().shape)
    layer.call = lambda sequences, **_: sequences
    model = keras.Sequential([keras.Input((TIMESTEPS, FEATURES)), layer])
    words = "'both/backward', 'both/forward' ran, but in one fused kernel for both directions"
    with pytest.warns(RecordingWarning, match=words), stateviz.record(model) as recording:
        model.predict(series(), verbose=0)
    assert not any(recording[name].batches for name in recording)


def test_batches_of_different_lengths_are_recorded_as_long_as_they_are() -> None:
    model = keras.Sequential([keras.Input((None, FEATURES)), keras.layers.LSTM(2, name="lstm")])
    model.compile("sgd", "mse")
    X = series()

    def batches() -> Any:
        for length in (2, 6, 1):
            yield X[:, :length], np.ones((SAMPLES, 2))

    with stateviz.record(model) as recording:
        model.fit(batches(), steps_per_epoch=3, verbose=0)
        model.train_on_batch(X[:, :4], np.ones((SAMPLES, 2)))
    assert [batch.timesteps for batch in recording["lstm"].batches] == [2, 6, 1, 4]
    with pytest.raises(ValueError, match="different shapes"):
        _ = recording["lstm"].cell_state


def test_a_loop_of_its_own_is_named_and_the_others_are_recorded() -> None:
    class OwnLoop(keras.layers.LSTM):  # type: ignore[misc]
        def inner_loop(self, *args: Any, **kwargs: Any) -> Any:
            return super().inner_loop(*args, **kwargs)

    layers = [OwnLoop(2, return_sequences=True, name="own"), keras.layers.LSTM(2, name="lstm")]
    model = keras.Sequential([keras.Input((TIMESTEPS, FEATURES)), *layers])
    with pytest.warns(RecordingWarning, match=r"Not recorded: 'own' \(OwnLoop\).*a loop of its"):
        with stateviz.record(model) as recording:
            model.predict(series(), verbose=0)
    assert recording.layers == ("lstm",)
    alone = keras.Sequential([keras.Input((TIMESTEPS, FEATURES)), layers[0]])
    with pytest.raises(
        ValueError, match=r"no layer that can be recorded: it has 'own' \(OwnLoop\)"
    ):
        with stateviz.record(alone):
            pass


def test_build_called_again_resets() -> None:
    layer = keras.layers.LSTM(2, stateful=True, name="lstm")
    model = keras.Sequential([keras.Input((TIMESTEPS, FEATURES), batch_size=SAMPLES), layer])
    with stateviz.record(model) as recording:
        model.predict(series(), verbose=0, batch_size=SAMPLES)
        layer.build((SAMPLES, TIMESTEPS, FEATURES))
        model.predict(series(), verbose=0, batch_size=SAMPLES)
    assert [batch.origin for batch in recording["lstm"].batches] == ["reset", "reset"]


def test_where_recording_stopped_is_an_event() -> None:
    model = keras.Sequential([keras.Input((TIMESTEPS, FEATURES)), keras.layers.LSTM(2)])
    with pytest.warns(RecordingWarning, match="memory bound"):
        with stateviz.record(model, max_bytes=500) as recording:
            model.predict(series(), verbose=0, batch_size=1)
    kinds = [event.kind for event in recording.events]
    assert kinds.count("recording stopped") == 1
    place = kinds.index("recording stopped")
    assert kinds[:place].count("batch") == len(recording[recording.layers[0]].batches)


def test_the_flat_view_of_a_conv_lstm_has_its_places_as_units() -> None:
    X = series(2, 3)
    recording, _ = recorded(keras.layers.ConvLSTM2D(2, 1, name="conv"), X, gates=True)
    [batch] = recording["conv"].batches
    laid_out = flat(batch)
    assert laid_out.hidden_state.shape == (SAMPLES, TIMESTEPS, 2 * 3 * 2)
    assert there(laid_out.inputs).shape == (SAMPLES, TIMESTEPS, 2 * 3 * FEATURES)
    assert there(laid_out.final_cell_state)[1, 5] == batch.final_cell_state[1, 0, 2, 1]
    assert there(laid_out.cell_state)[2, 3, 5] == batch.cell_state[2, 3, 0, 2, 1]
    assert flat(laid_out) is laid_out
    player = stateviz.play_sequence(recording, unit=11)
    player.frame = TIMESTEPS
    assert f"h = {batch.hidden_state[0, -1, 1, 2, 1]:.3f}" in player.readout
    assert "(unit 11)" in player.readout
    assert len(stateviz.play_resets(recording).stops) == 1
