"""StateRecorder: what the block records, and a model that is put back even after an error."""

from __future__ import annotations

import threading
from typing import Any

import keras
import numpy as np
import pytest

import stateviz
from tests.building.recordings import gates_of
from tests.references import counting_lstm, set_to_count

ONES = np.ones((6, 3, 1), "float32")
OPTIONS: dict[str, Any] = {"batch_size": 2, "verbose": 0}


def counting_model() -> keras.Model:
    layer = counting_lstm(stateful=True, name="lstm")
    model = keras.Sequential([keras.Input((3, 1), batch_size=2), layer])
    set_to_count(layer)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


def own_attributes(model: keras.Model) -> dict[str, Any]:
    """What stands in the model's and its layer's instances."""
    return {
        f"{owner.name}.{name}": value
        for owner in (model, model.layers[0])
        for name, value in vars(owner).items()
        if callable(value) and not name.endswith("_function")  # these are made anew
    }


def as_told(recording: stateviz.Recording) -> list[tuple[Any, ...]]:
    return [(b.phase, b.epoch, b.batch, b.origin) for b in recording["lstm"].batches]


def test_it_records_what_the_block_records() -> None:
    def run(model: keras.Model, *callbacks: Any) -> None:
        model.fit(
            ONES,
            ONES[:, 0],
            epochs=2,
            shuffle=False,
            validation_data=(ONES[:2], ONES[:2, 0]),
            callbacks=list(callbacks),
            **OPTIONS,
        )
        model.evaluate(ONES, ONES[:, 0], callbacks=list(callbacks), **OPTIONS)
        model.predict(ONES, callbacks=list(callbacks), **OPTIONS)

    model = counting_model()
    with stateviz.record(model) as expected:
        run(model)
    recorder = stateviz.StateRecorder()
    run(counting_model(), recorder)
    recording = recorder.recording
    assert as_told(recording) == as_told(expected)
    for batch, right in zip(recording["lstm"].batches, expected["lstm"].batches, strict=True):
        np.testing.assert_array_equal(batch.cell_state, right.cell_state)
    assert recording.events == expected.events


def test_it_puts_the_model_back() -> None:
    model = counting_model()
    model.fit(ONES, ONES[:, 0], **OPTIONS)
    before = own_attributes(model)
    model.fit(ONES, ONES[:, 0], callbacks=[stateviz.StateRecorder()], **OPTIONS)
    assert own_attributes(model) == before


def test_it_passes_its_arguments_on() -> None:
    recorder = stateviz.StateRecorder(layers="lstm", every=2, gates=True, inputs=False, samples=0)
    counting_model().predict(ONES, callbacks=[recorder], **OPTIONS)
    first, last = recorder.recording["lstm"].batches
    assert (first.batch, last.batch) == (0, 2)
    assert first.inputs is None
    assert gates_of(first).input.shape == (1, 3, 1)
    with pytest.raises(ValueError, match="`every` must be an integer"):
        counting_model().predict(ONES, callbacks=[stateviz.StateRecorder(every=0)], **OPTIONS)


def test_it_says_that_nothing_is_recorded_yet() -> None:
    with pytest.raises(RuntimeError, match=r"Nothing is recorded yet.*callbacks=\[recorder\]"):
        _ = stateviz.StateRecorder().recording


class Fails(keras.callbacks.Callback):  # type: ignore[misc]
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            raise KeyboardInterrupt


def test_an_interrupt_in_another_callback_puts_the_model_back_at_once() -> None:
    model = counting_model()
    before = own_attributes(model)
    recorder = stateviz.StateRecorder()
    with pytest.raises(KeyboardInterrupt):
        model.fit(ONES, ONES[:, 0], callbacks=[recorder, Fails()], **OPTIONS)
    assert own_attributes(model) == before
    assert len(recorder.recording["lstm"].batches) == 2
    model.predict(ONES, **OPTIONS)
    assert len(recorder.recording["lstm"].batches) == 2
    model.fit(ONES, ONES[:, 0], callbacks=[recorder], **OPTIONS)
    assert len(recorder.recording["lstm"].batches) == 5


def test_an_error_in_a_training_step_puts_the_model_back_at_once() -> None:
    model = counting_model()
    before = own_attributes(model)

    def batches() -> Any:
        # Keras reads some batches ahead, before the training begins.
        for _ in range(5):
            yield ONES[:2], ONES[:2, 0]
        raise OSError("the disk is gone")

    recorder = stateviz.StateRecorder()
    with pytest.raises(Exception, match="the disk is gone"):
        model.fit(batches(), steps_per_epoch=9, callbacks=[recorder], verbose=0)
    assert own_attributes(model) == before
    assert len(recorder.recording["lstm"].batches) >= 3


left_without_values = pytest.mark.skipif(
    keras.backend.backend() == "jax",
    reason="Keras (3.15.1) on JAX leaves a model without values if this is interrupted, in a block "
    "or not",
)


@pytest.mark.parametrize(
    "method",
    ["fit", *(pytest.param(each, marks=left_without_values) for each in ("evaluate", "predict"))],
)
def test_an_error_ends_it_where_the_method_was_looked_up_before_it_was_made(method: str) -> None:
    """As in `model.fit(X, y, callbacks=[stateviz.StateRecorder()])`, the first of a process."""
    model = counting_model()
    before = own_attributes(model)
    run = getattr(keras.Model, method)  # while nothing is patched
    recorders = []

    def call(error: type[BaseException] | None) -> None:
        recorders.append(stateviz.StateRecorder())
        Failing = type("Failing", (keras.callbacks.Callback,), {})
        if error is not None:
            for name in ("train", "test", "predict"):
                setattr(Failing, f"on_{name}_batch_end", lambda *_, **__: fail(error))
        given = [ONES, ONES[:, 0]][: 1 if method == "predict" else 2]
        run(model, *given, callbacks=[recorders[-1], Failing()], **OPTIONS)

    def fail(error: type[BaseException]) -> None:
        raise error

    call(None)
    assert own_attributes(model) == before
    for error in (KeyboardInterrupt, ValueError):
        try:
            call(error)
        except error:
            model.predict(ONES, **OPTIONS)  # the traceback is still there
        assert own_attributes(model) == before
    assert [len(each.recording["lstm"].batches) for each in recorders] == [3, 1, 1]
    for _ in range(2):  # it goes on with another call
        model.predict(ONES, callbacks=[recorders[-1]], **OPTIONS)
        run(model, *[ONES, ONES[:, 0]][: 1 if method == "predict" else 2],
            callbacks=[recorders[-1]], **OPTIONS)  # fmt: skip
    assert len(recorders[-1].recording["lstm"].batches) == 1 + 4 * 3
    assert own_attributes(model) == before


def test_predicting_in_a_callback_does_not_end_it() -> None:
    class Predicts(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.predict(ONES[:2], **OPTIONS)
            thread = threading.Thread(target=lambda: self.model.predict(ONES[:2], **OPTIONS))
            thread.start()
            thread.join()

    model = counting_model()
    recorder = stateviz.StateRecorder()
    model.fit(ONES, ONES[:, 0], epochs=2, callbacks=[recorder, Predicts()], **OPTIONS)
    phases = [batch.phase for batch in recorder.recording["lstm"].batches]
    assert phases == (["fit"] * 3 + ["predict"] * 2) * 2


def test_a_model_that_fit_builds_is_recorded() -> None:
    model = keras.Sequential([keras.layers.LSTM(1, name="lstm")])
    model.compile("sgd", "mse")
    recorder = stateviz.StateRecorder()
    model.fit(ONES, ONES[:, 0], callbacks=[recorder], **OPTIONS)
    assert [b.batch for b in recorder.recording["lstm"].batches] == [0, 1, 2]


def test_a_loop_of_ones_own_is_recorded_from_begin_to_end() -> None:
    model, recorder = counting_model(), stateviz.StateRecorder()
    before = own_attributes(model)
    callbacks = keras.callbacks.CallbackList([recorder], model=model)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(3)
    model.train_on_batch(ONES[:2], ONES[:2, 0])
    callbacks.on_train_end()
    assert own_attributes(model) == before
    model.train_on_batch(ONES[:2], ONES[:2, 0])
    assert [event.epoch for event in recorder.recording.events if event.kind == "batch"] == [None]
    assert [event.epoch for event in recorder.recording.events][1] == 3


def test_epochs_are_known_where_the_callbacks_are_a_list_of_keras() -> None:
    model = counting_model()
    callbacks = keras.callbacks.CallbackList([], add_history=True, model=model)
    with stateviz.record(model) as recording:
        model.fit(ONES, ONES[:, 0], callbacks=callbacks, **{**OPTIONS, "epochs": 2})
    assert [batch.epoch for batch in recording["lstm"].batches] == [0] * 3 + [1] * 3
    assert [type(each).__name__ for each in callbacks.callbacks] == ["History"]


def test_in_a_block_both_record() -> None:
    model = counting_model()
    recorder = stateviz.StateRecorder()
    with stateviz.record(model) as recording:
        model.fit(ONES, ONES[:, 0], callbacks=[recorder], **OPTIONS)
    assert as_told(recorder.recording) == as_told(recording)
    assert len(recording["lstm"].batches) == 3
