"""Whatever the order in which blocks end, and however, nothing that acts is left."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from stateviz.recorder import patches
from tests.building.models import BATCH, FIT, a_model, series


def standing(model: keras.Model) -> dict[str, Any]:
    """What stands in a model, its layers and the classes around them."""
    owners = {"model": model, **{layer.name: layer for layer in model.layers}}
    owners["cell"] = model.get_layer("lstm").cell
    own = {
        f"{who}.{name}": value
        for who, owner in owners.items()
        for name, value in vars(owner).items()
        # Compiled functions are made anew when a block ends.
        if callable(value) and not name.endswith("_function")
    }
    classes = (keras.Model, type(tf.function(lambda: None)))
    return own | {f"{each}.{name}": v for each in classes for name, v in vars(each).items()}


def run(model: keras.Model) -> list[str | None]:
    """Whatever is recorded of one prediction: the phases of its batches."""
    X, _ = series()
    with stateviz.record(model) as recording:
        model.predict(X, **FIT)
    return [batch.phase for batch in recording["lstm"].batches]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    model = a_model()
    X, y = series()
    model.fit(X, y, **FIT)
    model.predict(X, **FIT)
    return model


def test_blocks_that_end_in_the_order_in_which_they_began(model: keras.Model) -> None:
    X, _ = series()
    before = standing(model)
    with ExitStack() as first, ExitStack() as second:
        one = first.enter_context(stateviz.record(model))
        other = second.enter_context(stateviz.record(model, gates=True))
        model.predict(X, **FIT)
        first.close()
        model.predict(X[:BATCH], **FIT)
    assert standing(model) == before
    assert [len(each["lstm"].batches) for each in (one, other)] == [3, 4]
    noted = len(one.events)
    model.predict(X, **FIT)
    assert len(one.events) == noted


def test_two_threads_that_record_one_model(model: keras.Model) -> None:
    X, _ = series()
    before = standing(model)
    lengths: list[int] = []

    def record(times: int) -> None:
        for _ in range(times):
            with stateviz.record(model) as recording:
                model(X[:BATCH])
            lengths.append(len(recording["lstm"].batches))

    threads = [threading.Thread(target=record, args=(4,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert standing(model) == before
    assert len(lengths) == 12
    assert min(lengths) >= 1


def test_what_an_interrupted_end_leaves_behind_does_nothing_and_is_restored_next_time(
    model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = series()
    before = standing(model)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        with stateviz.record(model) as recording:
            patch.setattr(patches.Patch, "deactivate", interrupted)
    assert standing(model) != before
    noted = len(recording.events)
    expected = model.predict(X, **FIT)
    assert len(recording.events) == noted
    assert run(model) == ["predict"] * 3
    assert standing(model) == before
    np.testing.assert_array_equal(model.predict(X, **FIT), expected)


def interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_in_the_capture_comes_out_as_what_it_is(
    model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = series()

    monkeypatch.setattr("stateviz.recorder.origins.Origins.of", interrupted)
    with pytest.raises(KeyboardInterrupt), stateviz.record(model):
        model.predict(X, **FIT)


def test_an_interrupt_in_a_tf_function_of_ones_own_stops_it_and_nothing_later(
    model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = series()
    with stateviz.record(model):
        own = tf.function(lambda x: model(x))
        with monkeypatch.context() as patch:
            patch.setattr("stateviz.recorder.origins.Origins.of", interrupted)
            with pytest.raises(tf.errors.UnknownError):
                own(X[:8])
        model.predict(X, **FIT)


def test_memory_that_runs_out_is_no_error_of_stateviz(
    model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = series()

    def full(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("stateviz.recorder.capture.Capture._record", full)
    with (
        pytest.warns(stateviz.RecordingWarning, match="memory of this machine ran out"),
        stateviz.record(model),
    ):
        predicted = model.predict(X, **FIT)
    np.testing.assert_array_equal(predicted, model.predict(X, **FIT))
