"""What is asked for is kept, and what cannot be recorded is refused in words."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import stateviz
from stateviz.recorder.keeping import Kept, LayerCall
from stateviz.recorder.options import Options
from stateviz.recording import RecordingWarning
from tests.building.models import (
    BATCH,
    FEATURES,
    FIT,
    TIMESTEPS,
    UNITS,
    a_model,
    series,
)
from tests.building.recordings import there


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
    np.testing.assert_array_equal(
        there(kept[0].cell_state), there(all_of_it.cell_state)[[0, 3]][..., [4, 1]]
    )
    np.testing.assert_array_equal(
        kept[0].final_hidden_state, all_of_it.final_hidden_state[[0, 3]][:, [4, 1]]
    )
    assert kept[0].inputs is None
    assert few.resets().sample_states_zeroed == 10
    with pytest.raises(ValueError, match=r"different shapes .*Index them one by one"):
        _ = few["lstm"].hidden_state


def test_rows_in_another_order_are_kept_in_that_order() -> None:
    X, _ = series(BATCH)
    model = a_model()
    with stateviz.record(model) as whole, stateviz.record(model, samples=[3, 0, 2, 1]) as turned:
        model.predict(X, **FIT)
    [batch], [other] = whole["lstm"].batches, turned["lstm"].batches
    assert other.samples.tolist() == [3, 0, 2, 1]
    np.testing.assert_array_equal(other.hidden_state, batch.hidden_state[[3, 0, 2, 1]])
    np.testing.assert_array_equal(there(other.inputs), X[[3, 0, 2, 1]])


def test_the_memory_bound_stops_the_recording_and_not_the_training() -> None:
    X, y = series()
    model = a_model()
    one_batch = BATCH * (2 * (TIMESTEPS + 2) * UNITS + TIMESTEPS * FEATURES) * 4 + BATCH * 8
    with (
        pytest.warns(
            RecordingWarning,
            match=r"first 2 of 6 batches were kept.*every=3 or max_bytes=10,848 would",
        ),
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


def test_what_is_not_a_model_is_refused() -> None:
    got = "Expected a Keras model or layer; got str: 'model'"
    with pytest.raises(TypeError, match=rf"{got}\. Modules of PyTorch are recorded by stateviz"):
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
def test_a_model_that_is_not_built_yet_is_recorded_from_its_first_batch_on(
    subclassed: bool,
) -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = keras.layers.LSTM(2, name="lstm")

        def call(self, x: Any) -> Any:
            return self.lstm(x)

    X, _ = series()
    model = Own() if subclassed else keras.Sequential([keras.layers.LSTM(2, name="lstm")])
    with stateviz.record(model) as recording:
        expected = model.predict(X[:BATCH], verbose=0)
    np.testing.assert_array_equal(recording["lstm"].batches[0].final_hidden_state, expected)


def test_a_model_without_layers_yet_is_refused() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.lstm = keras.layers.LSTM(2)

        def call(self, x: Any) -> Any:
            return self.lstm(x)

    with pytest.raises(ValueError, match=r"not built yet.*keras.Input, or call it once"):
        with stateviz.record(Own()):
            pass


def test_a_layer_that_is_made_in_the_block_is_named() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.enc = keras.layers.LSTM(2, name="enc", return_sequences=True)

        def build(self, shape: Any) -> None:
            self.dec = keras.layers.LSTM(3, name="dec")

        def call(self, x: Any) -> Any:
            return self.dec(self.enc(x))

    X, _ = series()
    model = Own()
    with (
        pytest.warns(RecordingWarning, match="'dec' ran, but was made inside the block; call"),
        stateviz.record(model) as recording,
    ):
        model.predict(X[:BATCH], verbose=0)
    assert len(recording["enc"].batches) == 1
    with stateviz.record(model) as recording:
        model.predict(X[:BATCH], verbose=0)
    assert len(recording["dec"].batches) == 1


def test_a_branch_that_never_ran_is_named_and_the_rest_recorded() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.enc = keras.layers.LSTM(2, name="enc")
            self.dec = keras.layers.LSTM(3, name="dec")

        def call(self, x: Any) -> Any:
            return self.enc(x)

    X, _ = series()
    model = Own()
    model(X[:BATCH])
    with (
        pytest.warns(RecordingWarning, match="'dec' was never built, so it never ran"),
        stateviz.record(model) as recording,
    ):
        model.predict(X[:BATCH], verbose=0)
    assert len(recording["enc"].batches) == 1
    assert recording["dec"].batches == []
    with stateviz.record(model, layers="enc") as recording:
        model.predict(X[:BATCH], verbose=0)
    assert recording.layers == ("enc",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 5}, r"`units` is out of range: got 5, but layer 'lstm' has 5 \(0 to 4\)"),
        ({"units": [-1]}, r"`units` must not be negative; got -1"),
        ({"samples": "first"}, r"`samples` must be a 0-based index.*got 'first'"),
        ({"samples": []}, r"`samples` must be a 0-based index.*got \[\]"),
        ({"every": 0}, r"`every` must be an integer >= 1; got 0"),
        ({"max_bytes": 0}, r"`max_bytes` must be a positive number of bytes.*got 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message), stateviz.record(a_model(), **arguments):
        pass


def test_filters_that_come_before_the_picture_are_kept_by_their_number() -> None:
    """As a ConvLSTM with channels_first holds them, which TensorFlow computes on a GPU only."""
    states = np.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6)  # 4 filters, 5 x 6 pixels
    call = LayerCall(
        step=None,
        place=0,
        given=False,
        stateful=False,
        training=None,
        go_backwards=False,
        inputs=np.zeros((2, 3, 1, 5, 6)),
        initial_states=[states[:, 0]],
        states=[states],
        final_states=[states[:, -1]],
        gates=[],
        mask=None,
        units=4,
        unit_axis=-3,
    )
    [kept] = Kept(Options(units=[3, 1]), call).states(None)
    np.testing.assert_array_equal(kept.after, states[:, :, [3, 1]])
    np.testing.assert_array_equal(kept.final, states[:, -1, [3, 1]])


def test_a_warning_points_to_the_line_of_its_owner() -> None:
    class Steps(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = keras.layers.LSTM(2, name="lstm")
            self.cell = keras.layers.LSTMCell(2)

        def call(self, x: Any) -> Any:
            return self.lstm(x)

    X, _ = series()
    model = Steps()
    model(X)
    with pytest.warns(stateviz.RecordingWarning, match="steps by hand") as warned:
        with stateviz.record(model):
            pass
    assert warned[0].filename == __file__
