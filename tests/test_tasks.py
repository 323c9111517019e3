"""The lessons' tasks: what is right is right however it is written, what is wrong is told why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import stateviz
from stateviz.course import check
from stateviz.course.tasks import TASKS, Verdict
from tests.building import practice
from tests.building.answers import (
    AlsoBeforeTests,
    AtBatch,
    AtBegin,
    AtEnd,
    BeforeTraining,
    Empty,
    Misspelled,
    OfTheModel,
    OnlyH,
    OnlyTests,
    all_outputs,
    assign,
    batch_after_batch,
    by_32_copies,
    by_a_loop,
    by_a_loop_of_windows,
    by_a_second_model,
    by_calling_it,
    by_initial_state,
    by_joining,
    by_lanes,
    by_masks,
    by_plain_numbers,
    by_predict_on_batch,
    by_transposing,
    by_where,
    fit_with,
    fitted,
    handed,
    in_another_order,
    kept_and_put_back,
    masked_and,
    masked_by_a_layer,
    masked_by_hand,
    masked_with,
    one_call,
    row_by_row,
    stepping,
    stopping_early,
    without_resets,
    without_row_3,
)

RIGHT: dict[str, list[Callable[[], Any]]] = {
    "two_counts": [lambda: fitted(100), lambda: fitted(105), lambda: fitted(111)],
    "reset_each_epoch": [lambda: AtBegin, AtBegin, lambda: AlsoBeforeTests],
    "zero_row": [
        lambda: lambda model: assign(model, without_row_3, slice(None)),
        lambda: row_by_row,
        lambda: by_where,
    ],
    "lanes": [
        lambda: by_lanes,
        lambda: by_transposing,
        lambda: by_a_loop_of_windows,
        lambda: in_another_order,
    ],
    "one_sample": [
        lambda: by_a_second_model,
        lambda: lambda model, x: stateviz.twin(model, batch_size=1).predict(x, verbose=0),
        lambda: kept_and_put_back,
    ],
    "three_faults": [
        lambda: fit_with(),
        lambda: fit_with(callbacks=[AlsoBeforeTests()]),
        lambda: fit_with(validation_split=0.5),
        lambda: batch_after_batch,
    ],
    "hand_over": [
        lambda: by_initial_state,
        lambda: by_joining,
        lambda: by_a_loop,
        lambda: handed(1, 2),
    ],
    "one_at_a_time": [stepping, lambda: by_predict_on_batch, lambda: by_calling_it],
    "padding": [
        lambda: masked_with(-1.0),
        lambda: masked_with(-1.0, layers=2),
        lambda: masked_by_hand,
        lambda: masked_by_a_layer,
        lambda: masked_and(keras.layers.LSTM(2, go_backwards=True)),
        lambda: masked_and(keras.layers.Bidirectional(keras.layers.GRU(2))),
    ],
}

WRONG: list[tuple[str, Callable[[], Any], str]] = [
    ("two_counts", lambda: 5, "Give the recording"),
    ("two_counts", lambda: fitted(200), "How many rows has a batch"),
    ("two_counts", lambda: fitted(1000), "How many rows has a batch"),
    ("two_counts", lambda: fitted(100, stateful=True), "begins from zeros once"),
    ("two_counts", lambda: fitted(200, epochs=2), "how many epochs"),
    ("two_counts", lambda: fitted(100, samples=900), "fit all of X, once"),
    ("two_counts", lambda: fitted(100, method="predict"), "zeroed in predict: call fit"),
    ("two_counts", lambda: fitted(100, layers=2), "Two layers were recorded"),
    ("reset_each_epoch", lambda: AtEnd, "an epoch's end comes too late"),
    ("reset_each_epoch", lambda: AtBatch, "You reset before each batch"),
    ("reset_each_epoch", lambda: Misspelled, "Nothing was reset before an epoch"),
    ("reset_each_epoch", lambda: keras.callbacks.Callback(), "on_epoch_begin"),
    ("reset_each_epoch", lambda: stateviz.ResetStates, "a callback of your own"),
    ("reset_each_epoch", stateviz.ResetStates, "a callback of your own"),
    ("reset_each_epoch", lambda: Empty, "a callback of your own"),
    ("reset_each_epoch", lambda: BeforeTraining, "You reset once, before the first epoch"),
    ("reset_each_epoch", lambda: OnlyH, "h was zeroed and c was not"),
    ("reset_each_epoch", lambda: OfTheModel, "each of its layers has reset_state()"),
    ("zero_row", lambda: lambda model: None, "Row 3 still holds 27.0. Find"),
    ("zero_row", lambda: stateviz.reset_state, "so are others"),
    ("zero_row", lambda: lambda m: assign(m, without_row_3, slice(1, 2)), "h is not"),
    ("zero_row", lambda: lambda m: assign(m, without_row_3, slice(0, 1)), "Row 3 still holds"),
    (
        "zero_row",
        lambda: lambda m: assign(m, lambda s: s * [[1], [1], [0], [1]], slice(None)),
        "counted from 0",
    ),
    ("zero_row", lambda: lambda model: model.states, "raised AttributeError"),
    ("lanes", lambda: lambda s, n, t: s.reshape(-1, t, 1), "the next row, but the state goes on"),
    ("lanes", lambda: lambda s, n, t: s.reshape(n, -1), "It must be (samples, timesteps"),
    ("lanes", lambda: lambda s, n, t: by_lanes(s[::-1], n, t), "Row 0 read 60"),
    (
        "lanes",
        lambda: lambda s, n, t: by_lanes(s.reshape(-1, n).T.ravel(), n, t),
        "each 3rd number",
    ),
    ("lanes", lambda: lambda s, n, t: by_lanes(s, n, t)[::-1], "Row 0 read"),
    ("one_sample", lambda: lambda m, x: m.predict(x, verbose=0)[0], "Your answer is 13"),
    ("one_sample", lambda: by_32_copies, "the state of the model itself was moved"),
    ("one_sample", lambda: lambda m, x: np.zeros(32), "32 numbers came back"),
    ("one_sample", lambda: lambda m, x: 7.0, "Your answer is 7; 2 + 3 + 5 is 10"),
    ("one_sample", lambda: lambda m, x: np.array([[10.0]]), "Your answer is 10; 4 + 1 + 7 is 12"),
    ("three_faults", lambda: fit_with(shuffle=True), "mixes"),
    ("three_faults", lambda: fit_with(samples=9), "Sample 9 was alone in its batch"),
    ("three_faults", lambda: fit_with(samples=7), "Sample 5 was alone"),
    ("three_faults", lambda: fit_with(callbacks=[AtBegin()]), "Validation began with the state"),
    ("three_faults", lambda: fit_with(validation_split=0.0), "fitted, with validation"),
    ("three_faults", lambda: fit_with(callbacks=[OnlyTests()]), "An epoch began with the state"),
    ("three_faults", lambda: fit_with(batch_size=2), "raised TypeError"),
    ("three_faults", lambda: fit_with(epochs=1), "That was one epoch"),
    ("three_faults", lambda: fit_with(samples=4, validation_split=0.5), "Of 9 samples you used 4"),
    ("three_faults", lambda: without_resets, "An epoch began with the state"),
    ("hand_over", lambda: lambda layer, a, b: layer(b)[-1], "20: the second part began from zeros"),
    ("hand_over", lambda: by_plain_numbers, "no gradient reaches the first part"),
    ("hand_over", lambda: lambda layer, a, b: layer(a)[-1], "You returned 10"),
    ("hand_over", lambda: lambda _, a, b: keras.ops.sum(a) + keras.ops.sum(b), "hand it [h, c]"),
    ("hand_over", lambda: handed(2, 1), "You handed over [c, h]"),
    ("hand_over", lambda: handed(None, 2), "c, but not h"),
    ("hand_over", lambda: handed(1, 2, result=1), "You returned h"),
    ("hand_over", lambda: lambda layer, a, b: layer(a)[-1] + layer(b)[-1], "and added their c"),
    ("hand_over", lambda: lambda layer, a, b: by_initial_state(layer, b, a), "before the first"),
    (
        "hand_over",
        lambda: lambda layer, a, b: layer(b, initial_state=layer(a)[1:]),
        "return c alone",
    ),
    ("one_at_a_time", lambda: stepping(begin=False), "added to 100"),
    ("one_at_a_time", lambda: stepping(between=True), "what was read before it is forgotten"),
    ("one_at_a_time", lambda: lambda model, numbers: 14.0, "The model was not called"),
    ("one_at_a_time", lambda: one_call, "The model was called 1 times"),
    ("one_at_a_time", lambda: stopping_early, "The model was called 1 times"),
    ("one_at_a_time", lambda: all_outputs, "You returned 5 numbers"),
    ("padding", masked_with, "moved at t = 0, 1, 2, 3, 4. To a layer a -1 is a number"),
    ("padding", lambda: masked_with(-1.0, after=True), "until a mask says no"),
    ("padding", lambda: masked_with(0.0), "It was held at the 0"),
    ("padding", lambda: masked_with(-1.0, 0.0), "It was held at the 0"),
    ("padding", lambda: masked_with(2.0), "It was held at the 2"),
    ("padding", lambda: masked_with(1.0), "It was held at the 1, which is data"),
    (
        "padding",
        lambda: by_masks(0, 1, 2),
        "3, 0, 5, 1, -1 and moved at t = 0, 1, 2. It was held at the 1",
    ),
    ("padding", lambda: by_masks(2, 3, 4), "It was held at the 1"),
    ("padding", lambda: by_masks(1, 2, 3, 4), "It was held at the 1"),
    ("padding", lambda: by_masks(0, 1, 2, 3), "Each -1 is padding"),
]

RIGHT |= practice.RIGHT
WRONG += practice.WRONG


def test_each_task_was_tried_with_many_answers() -> None:
    assert all(len(RIGHT[task]) >= 3 for task in TASKS)
    assert all([each for each, _, _ in WRONG].count(task) >= 5 for task in TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_a_right_answer_is_right_however_it_is_written(task: str) -> None:
    for made in RIGHT[task]:
        verdict = check(task, made())
        assert verdict.right, verdict


@pytest.mark.parametrize(("task", "made", "hint"), WRONG)
def test_a_wrong_answer_is_told_the_belief_behind_it(
    task: str, made: Callable[[], Any], hint: str
) -> None:
    verdict = check(task, made())
    assert not verdict.right
    assert hint in verdict.words


@pytest.mark.parametrize("nothing", [None, ...])
def test_a_stub_is_not_an_answer(nothing: Any) -> None:
    for task in TASKS:
        assert repr(check(task, nothing)).startswith("✗ Not yet. Nothing is there yet")
    for task in set(TASKS) - {"two_counts", "reset_each_epoch", "zero_row", "three_faults"}:
        if task == "own_model":
            continue
        assert "Nothing is there yet" in check(task, lambda *_: nothing).words


def test_a_task_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="There is no task 'fly'; there are two_counts"):
        check("fly", 1)


def test_an_error_of_keras_is_told_in_plain_text_and_ends_with_a_word() -> None:
    def wrong_shape(model: Any, _: Any) -> Any:
        return model(np.zeros((1, 5, 7)))

    words = check("one_sample", wrong_shape).words
    assert "raised" in words
    assert not any(code in words for code in ("\x1b", "[1m", "[0m"))
    assert words.endswith((" ...", ".", ")", "}"))
    assert len(words) < 400


def test_a_verdict_is_shown_as_text_and_as_html() -> None:
    assert repr(Verdict(True, "a < b")) == "✓ Right. a < b"
    assert "a &lt; b" in Verdict(False, "a < b")._repr_html_()
