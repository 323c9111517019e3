"""Tasks that check themselves: by recording what the reader's code does, never by reading it.

A check runs the code under `stateviz.record`, or looks at a recording that it made, and compares
states. Where it is wrong, the hint names the belief behind it.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import stateviz
from stateviz.course.counting import counting_model

Check = Callable[[Any], str]

_NOTHING = "Nothing is there yet: replace the dots by your code."
_ROWS, _STEPS, _BUILT_FOR = 4, 3, 32


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        right: Whether the task is done.
        words: What was seen, and where it is wrong a hint.
    """

    right: bool
    words: str

    def __repr__(self) -> str:
        return f"{'✓ Right.' if self.right else '✗ Not yet.'} {self.words}"

    def _repr_html_(self) -> str:
        sign, rest = ("✓ Right.", "") if self.right else ("✗ Not yet.", " Change it and run again.")
        return f"<p role='status'><b>{sign}</b> {html.escape(self.words)}{rest}</p>"


class NotYet(Exception):
    """What was seen is not what the task asks for; the text is the hint."""


def check(task: str, answer: Any) -> Verdict:
    """Checks what a reader made.

    Args:
        task: One of `TASKS`.
        answer: What the task asks for: a function, a class or a recording.

    Raises:
        ValueError: There is no such task.

    Example:
        >>> check("zero_row", lambda model: None)
        ✗ Not yet. Row 3 still holds 27.0. Find the layer's states: they are variables.
    """
    if task not in TASKS:
        raise ValueError(f"There is no task {task!r}; there are {', '.join(TASKS)}.")
    if answer is None or answer is ...:
        return Verdict(False, _NOTHING)
    try:
        return Verdict(True, TASKS[task](answer))
    except NotYet as hint:
        return Verdict(False, str(hint))
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        return Verdict(False, f"Your code raised {type(error).__name__}: {said}")


def _two_counts(recording: Any) -> str:
    """A recording with 10 state tensors zeroed, of 1000 rows in all."""
    if not isinstance(recording, stateviz.Recording):
        raise NotYet("Give the recording: check('two_counts', recording).")
    resets = recording.resets()
    counts = resets.state_tensors_zeroed, resets.sample_states_zeroed
    if counts == (10, 1000):
        return "10 tensors of zeros, with 100 rows each."
    seen = f"Zeroed were {counts[0]:,} state tensors with {counts[1]:,} rows in all. "
    if counts[0] == 1:
        raise NotYet(seen + "A stateful layer begins from zeros once, however many batches come.")
    if counts[1] % 1000 == 0 and counts[1] > 1000:
        raise NotYet(seen + "Each epoch makes its own zeros: how many epochs did you fit?")
    if counts[1] == 1000:
        raise NotYet(seen + "The rows are right. How many rows has a batch if there are 10?")
    raise NotYet(seen + "The rows are one for each sample: fit all of X, once.")


def _reset_each_epoch(callback: Any) -> str:
    """A callback by which each epoch of a fit begins from zeros, the first one too."""
    model = counting_model(batch_size=2, timesteps=_STEPS, stateful=True)
    ones, zeros = np.ones((4, _STEPS, 1)), np.zeros((4, 1))
    with stateviz.record(model) as recording:
        model.predict(ones, batch_size=2, verbose=0)
        model.fit(
            ones,
            zeros,
            batch_size=2,
            epochs=3,
            shuffle=False,
            verbose=0,
            callbacks=[callback() if isinstance(callback, type) else callback],
        )
    [layer] = recording.values()
    begins = [
        float(np.asarray(batch.initial_cell_state)[0, 0])
        for batch in layer.batches
        if batch.phase == "fit"
    ]
    seen = f"The batches of three epochs began with c = {', '.join(f'{c:.0f}' for c in begins)}. "
    if begins == [0, 3] * 3:
        return seen + "Each epoch begins from zeros, and nothing is reset within it."
    if not any(begins):
        raise NotYet(seen + "You reset before each batch. Within an epoch the state has to go on.")
    if begins[2::2] == [0, 0]:
        raise NotYet(
            seen + "The first epoch began with what predict had left: an epoch's end comes too "
            "late for it. Which method does Keras call before an epoch?"
        )
    raise NotYet(
        seen + "Nothing was reset before an epoch. Keras calls on_epoch_begin(self, epoch, "
        "logs=None) of your callback; the model is self.model, and reset_state belongs to a layer."
    )


def _zero_row(zero: Callable[[Any], Any]) -> str:
    """A function that zeroes row 3 of the state and leaves the others as they are."""
    model = counting_model(batch_size=_ROWS, timesteps=_STEPS, stateful=True)
    reads = np.repeat([1.0, 10.0, 100.0, 9.0], _STEPS).reshape(_ROWS, _STEPS, 1)
    with stateviz.record(model) as recording:
        model.predict(reads, batch_size=_ROWS, verbose=0)
        zero(model)
        model.predict(reads, batch_size=_ROWS, verbose=0)
    [layer] = recording.values()
    before, after = layer.batches
    was, now = np.asarray(before.final_cell_state), np.asarray(after.initial_cell_state)
    h_now = after.initial_hidden_state[3]
    if now[3].any():
        raise NotYet(
            f"Row 3 still holds {now[3, 0]:.1f}. Find the layer's states: they are variables."
        )
    if not np.array_equal(was[:3], now[:3]):
        raise NotYet(
            "Row 3 is zero, but so are others: reset_state sets all rows to zero. Assign a state "
            "of which you changed one row."
        )
    if h_now.any():
        raise NotYet("c of row 3 is zero, but h is not: an LSTM has two states.")
    return "Row 3 begins from zeros; rows 0 to 2 go on, bit for bit."


def _lanes(cut: Callable[..., Any]) -> str:
    """A function that cuts one long series so that each row of a batch goes on in the next."""
    lanes, timesteps, batches = 3, 4, 5
    series = np.arange(1.0, 1 + lanes * timesteps * batches)
    X = np.asarray(_returned(cut(series, lanes, timesteps)), float)
    if X.shape != (batches * lanes, timesteps, 1):
        raise NotYet(
            f"Your X has the shape {X.shape}. It must be (samples, timesteps, features): "
            f"{(batches * lanes, timesteps, 1)} for {len(series)} numbers, {lanes} lanes and "
            f"{timesteps} timesteps."
        )
    model = counting_model(batch_size=lanes, timesteps=timesteps, stateful=True)
    with stateviz.record(model) as recording:
        model.predict(X, batch_size=lanes, verbose=0)
    [layer] = recording.values()
    read = np.concatenate([np.asarray(batch.inputs)[..., 0] for batch in layer.batches], axis=1)
    wanted = series.reshape(lanes, -1)
    if np.array_equal(read, wanted):
        return "Each lane reads its own part of the series in order, and its state goes along."
    if np.array_equal(X[:, :, 0], series.reshape(-1, timesteps)):
        raise NotYet(
            f"Row 0 read {_few(read[0])}: window k + 1 stands in the next row, but the state goes "
            "on in the next batch. Cut the series into long parts first, one for each row."
        )
    raise NotYet(f"Row 0 read {_few(read[0])}, and should read {_few(wanted[0])}.")


def _returned(value: Any) -> Any:
    if value is None or value is ...:
        raise NotYet(_NOTHING)
    return value


def _few(numbers: np.ndarray) -> str:
    return ", ".join(f"{number:.0f}" for number in numbers[:6]) + " ..."


def _one_sample(predict: Callable[[Any, Any], Any]) -> str:
    """A function that predicts one sample from zeros with a stateful model built for 32."""
    model = counting_model(batch_size=_BUILT_FOR, timesteps=_STEPS, stateful=True)
    model.predict(np.ones((_BUILT_FOR, _STEPS, 1)), batch_size=_BUILT_FOR, verbose=0)
    sample = np.array([2.0, 3.0, 5.0]).reshape(1, _STEPS, 1)
    lstm = model.get_layer("lstm")
    before = [state.numpy() for state in lstm.states]
    answer = np.asarray(_returned(predict(model, sample)), float).ravel()
    moved = not np.array_equal(before, [state.numpy() for state in lstm.states])
    if answer.size != 1:
        raise NotYet(f"One sample came in, and {answer.size} numbers came back.")
    if answer[0] == 13:
        raise NotYet(
            "Your answer is 13: the sample was added to the state that the model still held, 3."
        )
    if answer[0] != 10:
        raise NotYet(f"Your answer is {answer[0]:g}; 2 + 3 + 5 is 10.")
    if moved:
        raise NotYet(
            "The answer is right, but the state of the model itself was moved. Use a second model "
            "with the same weights: build it for one sample and hand it get_weights()."
        )
    return "2 + 3 + 5 = 10, and the model still holds its own state."


def _three_faults(train: Callable[[Any, Any, Any], Any]) -> str:
    """A function that fits in order, repeats no row, and begins each phase from zeros."""
    model = counting_model(batch_size=2, timesteps=_STEPS, stateful=True)
    X = np.repeat(np.arange(1.0, 10.0), _STEPS).reshape(9, _STEPS, 1)
    with stateviz.record(model) as recording:
        train(model, X, np.zeros((9, 1)))
    [layer] = recording.values()
    batches = {
        phase: [batch for batch in layer.batches if batch.phase == phase]
        for phase in ("fit", "validation")
    }
    if not all(batches.values()):
        raise NotYet("Nothing is there yet: the model has to be fitted, with validation.")
    read = [np.asarray(batch.inputs)[:, 0, 0].astype(int).tolist() for batch in batches["fit"]]
    seen = "The training read the samples " + ", ".join(f"{a} {b}" for a, b in read) + ". "
    for batch in layer.batches:
        first, second = np.asarray(batch.inputs)[:, 0, 0]
        if first == second:
            raise NotYet(
                f"Sample {first:.0f} was alone in its batch, and was repeated in both rows without "
                "a word. Give fit a number of samples that the batch size divides."
            )
    if any(later != sooner + 2 for pair in _pairs(batches["fit"]) for sooner, later in pair):
        raise NotYet(seen + "Row i must go on where row i stopped, but fit mixes the rows.")
    begins = {
        phase: [batch.initial_cell_state for batch in batches[phase] if batch.batch == 0]
        for phase in batches
    }
    if any(np.asarray(state).any() for state in begins["validation"]):
        raise NotYet(
            "Validation began with the state that training had left; and it leaves its own to the "
            "next epoch. Reset before each of them: stateviz.ResetStates() does."
        )
    if any(np.asarray(state).any() for state in begins["fit"]):
        raise NotYet("An epoch began with the state that another had left.")
    return seen + "Each epoch and each validation begins from zeros."


def _pairs(batches: list[Any]) -> list[list[tuple[float, float]]]:
    """For each batch that goes on in its epoch: what each row read before, and what it reads."""
    return [
        list(zip(np.asarray(last.inputs)[:, 0, 0], np.asarray(batch.inputs)[:, 0, 0], strict=True))
        for last, batch in pairwise(batches)
        if batch.batch
    ]


def _hand_over(end: Callable[[Any, Any, Any], Any]) -> str:
    """A function that reads two parts so that the gradient goes back through both."""
    import keras
    import tensorflow as tf

    layer = keras.layers.LSTM(1, activation="linear", return_state=True)
    layer.build((1, None, 1))
    layer.set_weights(counting_model(batch_size=1, timesteps=None).get_weights())
    first, second = tf.ones((1, 10, 1)), 2 * tf.ones((1, 10, 1))
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        c = _returned(end(layer, first, second))
    reached = tape.gradient(c, [first, second])
    total = float(np.asarray(c).ravel()[0])
    if total == 20:
        raise NotYet("c at the end is 20: the second part began from zeros. Hand h and c over.")
    if total != 30:
        raise NotYet(f"You returned {total:g}; c at the end is the sum of all inputs, 30.")
    missing = [
        name for name, part in zip(("first", "second"), reached, strict=True) if part is None
    ]
    if missing:
        raise NotYet(
            f"c is right, but no gradient reaches the {missing[0]} part. A state that was turned "
            "into plain numbers (numpy, or a stateful layer's variable) has forgotten its way."
        )
    return "c is 30, and the gradient goes back through the border to all 20 timesteps."


def _one_at_a_time(answer: Callable[[Any, Any], Any]) -> str:
    """A function that reads a sequence, one timestep a call, and returns the last output."""
    model = counting_model(batch_size=1, timesteps=1, stateful=True)
    model.predict(np.full((1, 1, 1), 100.0), verbose=0)  # somebody used it before
    numbers = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    with stateviz.record(model) as recording:
        said = float(np.asarray(_returned(answer(model, numbers)), float).ravel()[-1])
    [layer] = recording.values()
    begins = [float(np.asarray(batch.initial_cell_state)[0, 0]) for batch in layer.batches]
    seen = f"You returned {said:g}. "
    if not begins:
        raise NotYet(seen + "The model was not called: let it read each number.")
    if said == 14 and begins == [0, 3, 4, 8, 9]:
        return "3 + 1 + 4 + 1 + 5 = 14, one timestep a call."
    if begins[0] == 100:
        raise NotYet(seen + "Your first number was added to 100, what the model held before.")
    if not any(begins):
        raise NotYet(seen + "You reset before each number: what was read before it is forgotten.")
    raise NotYet(seen + f"The calls began with c = {', '.join(f'{c:g}' for c in begins)}.")


def _padding(build: Callable[[], Any]) -> str:
    """A function that builds a model whose state is held where the data is padded with -1."""
    model = _returned(build())
    padded = np.array([1.0, 0, 2, -1, -1]).reshape(1, 5, 1)
    with stateviz.record(model) as recording:
        model.predict(padded, verbose=0)
    for name, layer in recording.items():
        [batch] = layer.batches
        h = np.concatenate([batch.initial_hidden_state[:, np.newaxis], batch.hidden_state], axis=1)
        moved = (h[0, 1:] != h[0, :-1]).any(axis=-1).tolist()
        if moved[0] is False and batch.mask is not None and not batch.mask[0, 0]:
            moved.reverse()  # it reads from the end, and the padding stands there
        at = ", ".join(str(t) for t, does in enumerate(moved) if does)
        seen = f"{name} read 1, 0, 2, -1, -1 and moved at t = {at}. "
        if all(moved):
            raise NotYet(seen + "To a layer a -1 is a number like any other, until a mask says no.")
        if not moved[1]:
            raise NotYet(seen + "It was held at the 0, which is data here: which value is padding?")
        if moved != [True, True, True, False, False]:
            raise NotYet(seen + "Only the two -1 are padding.")
    return "The state moves at 1, 0 and 2, and is held at both -1."


TASKS: dict[str, Check] = {
    "two_counts": _two_counts,
    "reset_each_epoch": _reset_each_epoch,
    "zero_row": _zero_row,
    "lanes": _lanes,
    "one_sample": _one_sample,
    "three_faults": _three_faults,
    "hand_over": _hand_over,
    "one_at_a_time": _one_at_a_time,
    "padding": _padding,
}
