"""The model is left as it was found, whatever ends the block."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from stateviz.recording import RecordingWarning
from tests.building.models import (
    BATCH,
    FIT,
    a_model,
    series,
)


class Boom(Exception):
    pass


class Fails(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            raise self.error


@pytest.mark.parametrize("error", [Boom, KeyboardInterrupt])
@pytest.mark.parametrize("fitted_before", [False, True])
def test_the_model_is_left_as_it_was_found(error: type[BaseException], fitted_before: bool) -> None:
    X, y = series()

    def prepared() -> keras.Model:
        model = a_model(stateful=True, stack=2)
        if fitted_before:
            model.fit(X, y, **FIT)
            model.predict(X, **FIT)
        return model

    def run(model: keras.Model) -> None:
        model.predict(X, **FIT)
        model.fit(X, y, epochs=2, callbacks=[Fails(error)], **FIT)

    def attributes(model: keras.Model) -> dict[tuple[str, str], Any]:
        owners = {"model": model, **{f"layer {i}": each for i, each in enumerate(model.layers)}}
        owners |= {f"cell {i}": each.cell for i, each in enumerate(model.layers[1:3])}
        return {(who, name): v for who, owner in owners.items() for name, v in vars(owner).items()}

    model, twin = prepared(), prepared()
    before = attributes(model)
    function_class = dict(vars(type(tf.function(lambda: None))))
    with pytest.raises(error), stateviz.record(model, gates=True) as recording:
        run(model)
    with pytest.raises(error):
        run(twin)
    after = attributes(model)
    assert after.keys() == attributes(twin).keys()
    compiled = [key for key in after if key[1].endswith("_function")]
    assert {("model", "train_function"), ("model", "predict_function")} < set(compiled)
    assert all((after[key] is None) == (attributes(twin)[key] is None) for key in compiled)
    assert all(after[key] is before[key] for key in compiled if before[key] is not None)
    kept = [key for key in before if callable(before[key]) and key not in compiled]
    assert all(after[key] is before[key] for key in kept)
    assert dict(vars(type(tf.function(lambda: None)))) == function_class
    assert len(recording["lstm_0"].batches) == 5
    assert [event.kind for event in recording.events][-1] == "phase ended"


def test_a_failure_half_way_through_attaching_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = a_model(stack=2)
    before = {layer.name: dict(vars(layer)) for layer in model.layers}
    monkeypatch.setattr("stateviz.recorder.block.ModelPatch.activate", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError), stateviz.record(model):
        pass
    assert {layer.name: dict(vars(layer)) for layer in model.layers} == before


def test_a_user_own_stand_in_for_a_method_is_put_back() -> None:
    model = a_model()
    called = []
    keras_step = model.train_step

    def own_step(data: Any) -> Any:
        called.append(True)
        return keras_step(data)

    model.train_step = own_step
    X, y = series()
    with stateviz.record(model) as recording:
        model.fit(X, y, **FIT)
    assert model.train_step is own_step
    assert called
    assert [b.phase for b in recording["lstm"].batches] == ["fit"] * 3


def test_compiling_in_the_block_is_not_undone() -> None:
    X, y = series()
    model = a_model()
    model.fit(X, y, **FIT)
    with stateviz.record(model) as recording:
        model.compile("sgd", "mae")
        model.fit(X, y, **FIT)
    assert len(recording["lstm"].batches) == 3
    assert model.loss == "mae"
    model.fit(X, y, **FIT)
    assert len(recording["lstm"].batches) == 3


def test_blocks_can_be_nested_and_repeated() -> None:
    X, _ = series()
    model = a_model()
    with stateviz.record(model) as outer:
        model.predict(X[:BATCH], **FIT)
        with stateviz.record(model, gates=True) as inner:
            model.predict(X, **FIT)
        model.predict(X[:BATCH], **FIT)
    model.predict(X, **FIT)
    assert [len(each["lstm"].batches) for each in (outer, inner)] == [5, 3]
    assert outer["lstm"].batches[1].gates is None
    assert inner["lstm"].batches[0].gates is not None
    with stateviz.record(model) as again:
        model.predict(X, **FIT)
    np.testing.assert_array_equal(again["lstm"].hidden_state, inner["lstm"].hidden_state)


def test_a_failure_of_the_recorder_does_not_reach_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, y = series()
    model = a_model()
    monkeypatch.setattr("stateviz.recorder.origins.Origins.of", lambda *_, **__: 1 / 0)
    with (
        pytest.warns(RecordingWarning, match="error of stateviz itself.*ZeroDivisionError"),
        stateviz.record(model) as recording,
    ):
        history = model.fit(X, y, **FIT).history
    assert history["loss"]
    assert recording["lstm"].batches == []
