"""What was recorded on Keras 2 is whole, and today's Keras does the same with the same weights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import stateviz
from stateviz.course import (
    keras2,
    keras2_data,
    keras2_facts,
    keras2_weights,
    load_keras2,
    old_model,
    try_calls,
)

REPOSITORY = Path(__file__).parent.parent
BOTH = pytest.mark.parametrize("stateful", [True, False], ids=["stateful", "stateless"])


def run_today(name: str, *, stateful: bool) -> tuple[stateviz.Recording, list[np.ndarray]]:
    X, y = keras2_data(name)
    model = old_model(keras, name, stateful=stateful, weights=keras2_weights(name))
    with stateviz.record(model) as recording:
        model.fit(X, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
        if stateful:
            stateviz.reset_state(model)
        model.predict(X, batch_size=2, verbose=0)
    return recording, model.get_weights()


@BOTH
@pytest.mark.parametrize("name", keras2.NAMES)
def test_today_s_keras_goes_through_the_same_states(name: str, stateful: bool) -> None:
    old, (today, weights) = load_keras2(name, stateful=stateful), run_today(name, stateful=stateful)
    pairs = list(zip(old["lstm"].batches, today["lstm"].batches, strict=True))
    assert len(pairs) == 6
    for a, b in pairs:
        assert (a.phase, a.epoch, a.batch, a.origin) == (b.phase, b.epoch, b.batch, b.origin)
        for which in ("hidden_state", "cell_state"):
            for when in ("initial_", "", "final_"):
                one, other = (getattr(each, when + which) for each in (a, b))
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(a.inputs, b.inputs)
    assert [event.kind for event in old.events] == [event.kind for event in today.events]
    if stateful:
        for one, other in zip(keras2_weights(name, "trained"), weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


@BOTH
def test_the_recorded_counts_are_sums_of_the_inputs(stateful: bool) -> None:
    for batch in load_keras2("counting", stateful=stateful)["lstm"].batches:
        assert batch.inputs is not None
        assert batch.initial_cell_state is not None
        sums = batch.initial_cell_state[:, np.newaxis] + batch.inputs.cumsum(axis=1)
        np.testing.assert_array_equal(batch.cell_state, sums)
        np.testing.assert_array_equal(batch.hidden_state, sums)


def test_training_moved_the_seeded_weights() -> None:
    start, end = keras2_weights("seeded"), keras2_weights("seeded", "trained")
    assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(start, end, strict=True))


def test_each_call_was_tried_on_keras_2() -> None:
    assert list(keras2_facts()["calls"]) == [call.name for call in keras2.CALLS]


def test_the_calls_that_changed() -> None:
    then, today = keras2_facts()["calls"], try_calls(keras)
    assert (then["model.reset_states()"], today["model.reset_states()"]) == (
        "state 0",
        "AttributeError",
    )
    assert (then["model.predict(ones(1))"], today["model.predict(ones(1))"]) == (
        "4 rows",
        "ValueError",
    )
    rows = "model.predict(ones(5), batch_size=4)"
    assert then[rows] == today[rows] == "8 rows"


def test_an_unknown_program_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'counting', 'seeded'.*got 'other'"):
        load_keras2("other")


def test_the_tool_says_what_it_needs() -> None:
    code = (
        "import sys; sys.modules['tf_keras'] = None; from tools.record_keras2 import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "needs Keras 2" in run.stderr
    assert "pip install tf_keras==2.21.0" in run.stderr
