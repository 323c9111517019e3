"""What `stateful=True` does on JAX is seen, found, and mended by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stateviz
from tests.backends.keras_models import keras
from tests.building.recordings import there
from tests.references import counting_lstm, set_to_count

ONES = np.ones((6, 3, 1), "float32")
TARGETS = np.ones((6, 1), "float32")


def counting(*, stateful: bool) -> keras.Model:
    """C counts the timesteps: 3 a batch. A learning rate of 0 keeps it so."""
    layer = counting_lstm(stateful=stateful, name="lstm")
    model = keras.Sequential([keras.Input(batch_shape=(2, 3, 1)), layer])
    set_to_count(layer)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


def ends(recording: stateviz.Recording) -> list[float]:
    return [float(there(batch.final_cell_state)[0, 0]) for batch in recording["lstm"].batches]


def test_a_stateful_fit_begins_each_batch_from_zeros_and_says_so() -> None:
    model = counting(stateful=True)
    with stateviz.record(model) as recording:
        model.fit(ONES, TARGETS, batch_size=2, epochs=2, shuffle=False, verbose=0)
    assert ends(recording) == [3.0] * 6
    assert "a stateful LSTM of 1 unit on JAX" in repr(recording)
    [found] = recording.findings()
    assert found.kind == "stateful=True had no effect"
    assert found.batches == (1, 2, 4, 5)
    assert "from zeros" in found.what
    assert "return_state=True" in found.cure


def test_a_constant_that_was_compiled_in_is_seen_too() -> None:
    """`model(x)` does keep its state, and what is compiled after it begins from there."""
    model = counting(stateful=True)
    with stateviz.record(model) as recording:
        model(ONES[:2])
        model.predict(ONES, batch_size=2, verbose=0)
        model.layers[0].reset_state()
        model.predict(ONES, batch_size=2, verbose=0)
    assert ends(recording) == [3.0, *[6.0] * 6]
    found = {each.kind: each for each in recording.findings()}["stateful=True had no effect"]
    assert "from the state that was compiled into the program" in found.what
    assert found.batches == (2, 3, 5, 6)
    assert [batch.origin for batch in recording["lstm"].batches[:2]] == ["reset", "carried"]


@pytest.mark.parametrize("stateful", [False, True])
def test_nothing_is_found_where_state_was_not_meant_to_be_kept(stateful: bool) -> None:
    model = counting(stateful=stateful)
    with stateviz.record(model) as recording:
        if stateful:
            for start in (0, 2, 4):
                model(ONES[start : start + 2])
        else:
            model.fit(ONES, TARGETS, batch_size=2, verbose=0)
    assert recording.findings() == []
    assert ends(recording) == ([3.0, 6.0, 9.0] if stateful else [3.0] * 3)


def handed_over() -> list[Any]:
    """The README's way, in plain Keras."""
    x, h, c = keras.Input((3, 1)), keras.Input((1,)), keras.Input((1,))
    lstm = counting_lstm(return_state=True, name="lstm")
    y, *after = lstm(x, initial_state=[h, c])
    model = keras.Model([x, h, c], [y, *after])
    set_to_count(lstm)
    state = [np.zeros((2, 1), "float32")] * 2
    with stateviz.record(model) as recording:
        for start in (0, 2, 4):
            _, *state = model.predict_on_batch([ONES[start : start + 2], *state])
    return [recording, state]


def test_a_state_handed_over_by_hand_goes_on() -> None:
    recording, (_, c) = handed_over()
    assert ends(recording) == [3.0, 6.0, 9.0]
    np.testing.assert_array_equal(c, [[9.0], [9.0]])
    assert [batch.came_from for batch in recording["lstm"].batches] == [None, 0, 1]
    assert recording.findings() == []


def test_a_recording_of_jax_keeps_its_backend_in_a_file(tmp_path: Any) -> None:
    model = counting(stateful=True)
    with stateviz.record(model) as recording:
        model.predict(ONES, batch_size=2, verbose=0)
    recording.save(tmp_path / "run.npz")
    again = stateviz.load(tmp_path / "run.npz")
    assert again["lstm"].backend == "jax"
    assert again == recording
    assert again.findings() == recording.findings()
