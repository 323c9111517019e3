"""Whatever the order in which blocks end, and wherever one is interrupted, nothing is left."""

from __future__ import annotations

import gc
import os
import sys
import threading
import types
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from stateviz.recorder import posts
from tests.building.models import BATCH, FIT, a_model, series

pytestmark = pytest.mark.full

HERE = os.path.dirname(posts.__file__)


class Interrupt(BaseException):
    pass


def standing(model: keras.Model) -> dict[str, Any]:
    """What stands in a model, its layers and the classes around them."""
    owners = {"model": model, **{layer.name: layer for layer in model.layers}}
    owners["cell"] = model.get_layer("lstm").cell
    own = {
        f"{who}.{name}": value
        for who, owner in owners.items()
        for name, value in vars(owner).items()
        if callable(value) or name.endswith("_function")
    }
    classes = (keras.Model, type(tf.function(lambda: None)))
    return own | {f"{each}.{name}": v for each in classes for name, v in vars(each).items()}


def run(model: keras.Model) -> list[str | None]:
    """Whatever is recorded of one prediction: the phases of its batches."""
    X, _ = series()
    with stateviz.record(model) as recording:
        model.predict(X, **FIT)
    return [batch.phase for batch in recording["lstm"].batches]


@pytest.fixture(autouse=True)
def nothing_stands_from_before() -> None:
    """A StateRecorder of another test may live on in a cycle, and with it what notices it."""
    gc.collect()
    posts.settle()
    assert not posts.Post.manned


@pytest.fixture(scope="module")
def model() -> keras.Model:
    model = a_model()
    X, y = series()
    model.fit(X, y, **FIT)
    model.predict(X, **FIT)
    return model


def lines_of(what: Callable[[], Any]) -> int:
    """How many lines of the recorder's own code a function runs."""
    count = 0

    def trace(frame: types.FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        count += event == "line"
        return trace

    sys.settrace(trace)
    try:
        what()
    finally:
        sys.settrace(None)
    return count


def interrupted(what: Callable[[], Any], line: int) -> None:
    """Runs a function, and raises an interrupt before the n-th line of the recorder's own code."""
    count = 0

    def trace(frame: types.FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        if event == "line":
            count += 1
            if count == line:
                sys.settrace(None)
                raise Interrupt
        return trace

    sys.settrace(trace)
    try:
        what()
    except Interrupt as kept:
        # A traceback keeps the frames alive, as the last error of a notebook does.
        sys.last_value = kept
    finally:
        sys.settrace(None)


def enter_and_leave(model: keras.Model) -> None:
    with stateviz.record(model, gates=True):
        pass


def trace_and_run(model: keras.Model) -> None:
    with stateviz.record(model, gates=True):
        model.predict_on_batch(series()[0][:BATCH])


@pytest.mark.parametrize(("what", "apart"), [(enter_and_leave, 7), (trace_and_run, 97)])
def test_an_interrupt_at_any_line_is_mended_by_the_next_block_or_call(
    model: keras.Model, what: Callable[[keras.Model], None], apart: int
) -> None:
    X, _ = series()
    before = standing(model)
    lines = lines_of(lambda: what(model))
    assert lines > 500
    left = 0
    for line in range(1, lines + 1, 1 if os.environ.get("STATEVIZ_EVERY_LINE") else apart):
        interrupted(lambda: what(model), line)
        left += standing(model) != before
        if line % 2:
            posts.settle()  # as the next block does when it opens
        else:
            model.predict_on_batch(X[:BATCH])
        after = standing(model)
        changed = {
            name for name in before.keys() | after.keys() if before.get(name) is not after.get(name)
        }
        assert not changed, (line, changed)
    posts.settle()
    assert not posts.Post.manned
    assert left, "no interrupt left anything, so nothing was mended"
    assert run(model) == ["predict"] * 3


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


def test_a_block_whose_end_is_interrupted_before_its_first_line_is_over(
    model: keras.Model,
) -> None:
    before = standing(model)

    def trace(frame: types.FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_name == "_close" and event == "line":
            sys.settrace(None)
            raise Interrupt
        return trace

    with pytest.raises(Interrupt) as kept:  # with the traceback, and so with all frames
        with stateviz.record(model) as recording:
            sys.settrace(trace)
    assert kept.tb is not None
    assert standing(model) != before
    posts.settle()
    assert standing(model) == before
    noted = len(recording.events)
    model.predict_on_batch(series()[0][:BATCH])
    assert len(recording.events) == noted


def test_an_interrupt_in_the_capture_comes_out_as_what_it_is(
    model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = series()

    def pressed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stateviz.recorder.capture.origin_of", pressed)
    with pytest.raises(KeyboardInterrupt), stateviz.record(model):
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
