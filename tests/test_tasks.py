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


class AtBegin(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        for layer in self.model.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()


class AtEnd(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        stateviz.reset_state(self.model)


class AtBatch(keras.callbacks.Callback):  # type: ignore[misc]
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        stateviz.reset_state(self.model)


class Misspelled(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_start(self, epoch: int) -> None:
        stateviz.reset_state(self.model)


def fitted(
    batch_size: int,
    *,
    epochs: int = 1,
    samples: int = 1000,
    stateful: bool = False,
    method: str = "fit",
    layers: int = 1,
) -> Any:
    shape = (batch_size if stateful else None, 2, 1)
    stack = [
        keras.layers.SimpleRNN(1, stateful=stateful, return_sequences=place < layers - 1)
        for place in range(layers)
    ]
    model = keras.Sequential([keras.Input(batch_shape=shape), *stack])
    model.compile("sgd", "mse", jit_compile=False)
    with stateviz.record(model) as recording:
        X = np.zeros((samples, 2, 1))
        if method == "fit":
            model.fit(X, X[:, 0], batch_size=batch_size, epochs=epochs, verbose=0)
        else:
            model.predict(X, batch_size=batch_size, verbose=0)
    return recording


def assign(model: Any, change: Callable[[np.ndarray], np.ndarray], which: slice) -> None:
    for state in model.get_layer("lstm").states[which]:
        state.assign(change(keras.ops.convert_to_numpy(state)))


def without_row_3(state: np.ndarray) -> np.ndarray:
    kept: np.ndarray = state * np.array([[1.0], [1], [1], [0]])
    return kept


def by_lanes(series: np.ndarray, lanes: int, timesteps: int) -> np.ndarray:
    parts = series.reshape(lanes, -1)
    batches = np.split(parts, parts.shape[1] // timesteps, axis=1)
    joined: np.ndarray = np.concatenate(batches)[..., np.newaxis]
    return joined


def by_transposing(series: np.ndarray, lanes: int, timesteps: int) -> np.ndarray:
    cut = series.reshape(lanes, -1, timesteps)
    turned: np.ndarray = cut.transpose(1, 0, 2).reshape(-1, timesteps, 1)
    return turned


def by_a_second_model(model: Any, sample: np.ndarray) -> Any:
    single = keras.Sequential([keras.Input(batch_shape=(1, 3, 1)), _like(model)])
    single.set_weights(model.get_weights())
    return single.predict(sample, verbose=0)


def _like(model: Any) -> Any:
    return keras.layers.LSTM.from_config(model.get_layer("lstm").get_config())


def by_32_copies(model: Any, sample: np.ndarray) -> Any:
    stateviz.reset_state(model)
    return model.predict(np.repeat(sample, 32, axis=0), batch_size=32, verbose=0)[:1]


def fit_with(**options: Any) -> Callable[[Any, np.ndarray, np.ndarray], None]:
    def train(model: Any, X: np.ndarray, y: np.ndarray) -> None:
        chosen: dict[str, Any] = {
            "shuffle": False,
            "validation_split": 0.25,
            "callbacks": [stateviz.ResetStates()],
            "samples": 8,
            "epochs": 2,
            **options,
        }
        kept = chosen.pop("samples")
        model.fit(X[:kept], y[:kept], batch_size=2, verbose=0, **chosen)

    return train


class AlsoBeforeTests(AtBegin):
    def on_test_begin(self, logs: Any = None) -> None:
        stateviz.reset_state(self.model)


class OnlyTests(AlsoBeforeTests):
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Training goes on with what is there."""


def by_initial_state(layer: Any, first: Any, second: Any) -> Any:
    _, h, c = layer(first)
    return layer(second, initial_state=[h, c])[-1]


def by_joining(layer: Any, first: Any, second: Any) -> Any:
    return layer(keras.ops.concatenate([first, second], axis=1))[-1]


def by_plain_numbers(layer: Any, first: Any, second: Any) -> Any:
    _, h, c = layer(first)
    return layer(second, initial_state=[keras.ops.array(h.numpy()), keras.ops.array(c.numpy())])[-1]


def stepping(*, begin: bool = True, between: bool = False) -> Callable[[Any, np.ndarray], float]:
    def answer(model: Any, numbers: np.ndarray) -> Any:
        if begin:
            stateviz.reset_state(model)
        for number in numbers:
            if between:
                model.get_layer("lstm").reset_state()
            said = model.predict(np.full((1, 1, 1), number), verbose=0)
        return said

    return answer


def masked_with(*values: float, after: bool = False, layers: int = 1) -> Callable[[], Any]:
    def build() -> Any:
        masks = [keras.layers.Masking(value) for value in values]
        lstms = [keras.layers.LSTM(2, return_sequences=True) for _ in range(layers)]
        order = [*lstms, *masks] if after else [*masks, *lstms]
        return keras.Sequential([keras.Input((None, 1)), *order])

    return build


def masked_and(layer: Any) -> Callable[[], Any]:
    return lambda: keras.Sequential([keras.Input((None, 1)), keras.layers.Masking(-1.0), layer])


def masked_by_hand() -> Any:
    x = keras.Input((None, 1))
    states = keras.layers.LSTM(2)(x, mask=x[..., 0] != -1)
    return keras.Model(x, states)


class BeforeTraining(keras.callbacks.Callback):  # type: ignore[misc]
    def on_train_begin(self, logs: Any = None) -> None:
        stateviz.reset_state(self.model)


class OnlyH(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        h, _ = self.model.get_layer("lstm").states
        h.assign(np.zeros(h.shape))


class OfTheModel(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.reset_states()


class Empty(stateviz.ResetStates):
    """Writes nothing of its own."""


def batch_after_batch(model: Any, X: np.ndarray, y: np.ndarray) -> None:
    """The loop that fit is, written out."""
    for _ in range(2):
        stateviz.reset_state(model)
        for start in (0, 2, 4):
            model.train_on_batch(X[start : start + 2], y[start : start + 2])
        stateviz.reset_state(model)
        model.evaluate(X[6:8], y[6:8], batch_size=2, verbose=0)


def without_resets(model: Any, X: np.ndarray, y: np.ndarray) -> None:
    for _ in range(2):
        for start in (0, 2, 4, 6):
            model.train_on_batch(X[start : start + 2], y[start : start + 2])
    stateviz.reset_state(model)
    model.evaluate(X[:2], y[:2], batch_size=2, verbose=0)


def handed(*places: int | None, result: int = 2) -> Callable[[Any, Any, Any], Any]:
    """Hands over what the first part returned at these places, zeros where there is none."""

    def end(layer: Any, first: Any, second: Any) -> Any:
        found = layer(first)
        zeros = keras.ops.zeros_like(found[2])
        state = [zeros if place is None else found[place] for place in places]
        return layer(second, initial_state=state)[result]

    return end


def by_a_loop(layer: Any, first: Any, second: Any) -> Any:
    state = None
    for t in range(first.shape[1]):
        _, *state = layer(first[:, t : t + 1], initial_state=state)
    return layer(second, initial_state=state)[-1]


def by_masks(*keep: int) -> Callable[[], Any]:
    """A model whose mask keeps these timesteps, whatever is in the data."""

    def build() -> Any:
        x = keras.Input((5, 1))
        mask = keras.ops.any(keras.ops.equal(keras.ops.arange(5)[:, None], list(keep)), -1)
        everywhere = keras.ops.logical_and(x[..., 0] > -99, mask)
        return keras.Model(x, keras.layers.LSTM(2)(x, mask=everywhere))

    return build


def one_call(model: Any, numbers: np.ndarray) -> Any:
    stateviz.reset_state(model)
    return model.predict(np.full((1, 1, 1), numbers.sum()), verbose=0)


def all_outputs(model: Any, numbers: np.ndarray) -> Any:
    stateviz.reset_state(model)
    return [model.predict(np.full((1, 1, 1), each), verbose=0)[0, 0] for each in numbers]


def stopping_early(model: Any, numbers: np.ndarray) -> Any:
    stateviz.reset_state(model)
    return model.predict(np.full((1, 1, 1), numbers[0]), verbose=0)


def by_predict_on_batch(model: Any, numbers: np.ndarray) -> Any:
    model.get_layer("lstm").reset_state()
    outputs = [model.predict_on_batch(each.reshape(1, 1, 1)) for each in numbers]
    return outputs[-1]


def by_calling_it(model: Any, numbers: np.ndarray) -> Any:
    stateviz.reset_state(model)
    for each in numbers:
        last = model(np.full((1, 1, 1), each))
    return float(last[0, 0])


def by_a_loop_of_windows(series: np.ndarray, lanes: int, timesteps: int) -> np.ndarray:
    length = len(series) // lanes
    rows = [
        series[lane * length + start : lane * length + start + timesteps]
        for start in range(0, length, timesteps)
        for lane in range(lanes)
    ]
    return np.array(rows)[..., None]


def kept_and_put_back(model: Any, sample: np.ndarray) -> Any:
    single = stateviz.twin(model, batch_size=1)
    stateviz.reset_state(single)
    return float(single(sample)[0, 0])


def row_by_row(model: Any) -> None:
    for state in model.layers[0].states:
        value = state.numpy()
        value[3] = 0
        state.assign(value)


def by_where(model: Any) -> None:
    rows = np.arange(4)[:, None]
    for state in stateviz_states(model):
        state.assign(keras.ops.where(rows == 3, 0.0, state))


def stateviz_states(model: Any) -> Any:
    return model.get_layer("lstm").states


def in_another_order(series: np.ndarray, lanes: int, timesteps: int) -> np.ndarray:
    return by_lanes(np.concatenate(np.split(series, lanes)[::-1]), lanes, timesteps)


def masked_by_a_layer() -> Any:
    """-1 stands for padding, and 0 for a word."""
    x = keras.Input((None, 1))
    return keras.Model(x, keras.layers.LSTM(2)(keras.layers.Masking(mask_value=-1)(x)))


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
    for task in ("lanes", "one_sample", "hand_over", "one_at_a_time", "padding"):
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
