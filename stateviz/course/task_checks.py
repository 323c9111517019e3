"""What each task checks: it runs the reader's code under `stateviz.record`, and compares states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import stateviz
from stateviz.course.counting import counting_model

NOTHING = "Nothing is there yet: replace the dots by your code."
_ROWS, _STEPS, _BUILT_FOR = 4, 3, 32


class NotYet(Exception):
    """What was seen is not what the task asks for; the text is the hint."""


def two_counts(recording: Any) -> str:
    """A recording of a fit with 10 state tensors zeroed, of 1000 rows in all."""
    if not isinstance(recording, stateviz.Recording):
        raise NotYet("Give the recording: check('two_counts', recording).")
    if len(recording.layers) > 1:
        raise NotYet("Two layers were recorded, each with states of its own. Take one.")
    [layer] = recording.values()
    zeroed = [each for each in recording.events if each.kind == "batch" and each.zeros]
    phases = {each.phase for each in recording.events if each.kind == "batch"}
    resets = recording.resets()
    counts = resets.state_tensors_zeroed, resets.sample_states_zeroed
    if counts == (10, 1000) and phases == {"fit"}:
        first, last = zeroed[0].batch_size, zeroed[-1].batch_size
        rows = f"{first} rows each" if first == last else f"{first} rows each, the last with {last}"
        return f"10 tensors of zeros, with {rows}."
    seen = f"Zeroed were {counts[0]:,} state tensors with {counts[1]:,} rows in all. "
    if phases and phases != {"fit"}:
        raise NotYet(seen + f"They were zeroed in {', '.join(map(str, phases))}: call fit.")
    if counts[0] == 1 and layer.stateful:
        raise NotYet(seen + "A stateful layer begins from zeros once, however many batches come.")
    if counts[1] % 1000 == 0 and counts[1] > 1000:
        raise NotYet(seen + "Each epoch makes its own zeros: how many epochs did you fit?")
    if counts[1] == 1000:
        raise NotYet(seen + "The rows are right. How many rows has a batch if there are 10?")
    raise NotYet(seen + "The rows are one for each sample: fit all of X, once.")


def reset_each_epoch(callback: Any) -> str:
    """A callback by which each epoch of a fit begins from zeros, the first one too."""
    callback = callback() if isinstance(callback, type) else callback
    if isinstance(callback, stateviz.ResetStates):
        raise NotYet("ResetStates does it. Here write what it does: a callback of your own.")
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
            callbacks=[callback],
        )
    [layer] = recording.values()
    fits = [batch for batch in layer.batches if batch.phase == "fit"]
    begins = [float(np.asarray(batch.initial_cell_state)[0, 0]) for batch in fits]
    seen = f"The batches of three epochs began with c = {', '.join(f'{c:.0f}' for c in begins)}. "
    if begins == [0, 3] * 3:
        return seen + "Each epoch begins from zeros, and nothing is reset within it."
    if not any(begins):
        raise NotYet(seen + "You reset before each batch. Within an epoch the state has to go on.")
    if begins[0] == 0:
        raise NotYet(seen + "You reset once, before the first epoch; do it before each.")
    if not any(np.asarray(batch.initial_hidden_state).any() for batch in fits[::2]):
        raise NotYet(seen + "h was zeroed and c was not: an LSTM has two states.")
    if begins[2::2] == [0, 0]:
        raise NotYet(
            seen + "The first epoch began with what predict had left: an epoch's end comes too "
            "late for it. Which method does Keras call before an epoch?"
        )
    raise NotYet(
        seen + "Nothing was reset before an epoch. Keras calls on_epoch_begin(self, epoch, "
        "logs=None) of your callback; its model is self.model, and reset_state() is a layer's."
    )


def zero_row(zero: Callable[[Any], Any]) -> str:
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
    if now[3].any() and not np.array_equal(was[:3], now[:3]):
        raise NotYet(
            f"Row 3 still holds {now[3, 0]:.1f}, and another row was changed. Rows are counted "
            f"from 0: row 3 is the last of four."
        )
    if now[3].any():
        raise NotYet(
            f"Row 3 still holds {now[3, 0]:.1f}. Find the layer's states: they are variables, and "
            f"a new value gets into one by state.assign(value)."
        )
    if not np.array_equal(was[:3], now[:3]):
        raise NotYet(
            "Row 3 is zero, but so are others: reset_state sets all rows to zero. Assign a state "
            "of which you changed one row."
        )
    if h_now.any():
        raise NotYet("c of row 3 is zero, but h is not: an LSTM has two states.")
    return "Row 3 begins from zeros; rows 0 to 2 go on, bit for bit."


def lanes(cut: Callable[..., Any]) -> str:
    """A function that cuts one long series so that each row of a batch goes on in the next."""
    lanes, timesteps, batches = 3, 4, 5
    series = np.arange(1.0, 1 + lanes * timesteps * batches)
    X = np.asarray(returned(cut(series, lanes, timesteps)), float)
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
    if np.array_equal(read[np.argsort(read[:, 0])], wanted):
        return "Each lane reads its own part of the series in order, and its state goes along."
    if np.array_equal(X[:, :, 0], series.reshape(-1, timesteps)):
        raise NotYet(
            f"Row 0 read {_few(read[0])}: window k + 1 stands in the next row, but the state goes "
            "on in the next batch. Cut the series into long parts first, one for each row."
        )
    if np.array_equal(read, series.reshape(-1, lanes).T):
        raise NotYet(
            f"Row 0 read {_few(read[0])}: each {lanes}rd number. A lane is one long part of the "
            f"series, without holes."
        )
    raise NotYet(f"Row 0 read {_few(read[0])}, and should read {_few(wanted[0])}.")


def returned(value: Any) -> Any:
    if value is None or value is ...:
        raise NotYet(NOTHING)
    return value


def _few(numbers: np.ndarray) -> str:
    return ", ".join(f"{number:.0f}" for number in numbers[:6]) + " ..."


def one_sample(predict: Callable[[Any, Any], Any]) -> str:
    """A function that predicts one sample from zeros with a stateful model built for 32."""
    model = counting_model(batch_size=_BUILT_FOR, timesteps=_STEPS, stateful=True)
    model.predict(np.ones((_BUILT_FOR, _STEPS, 1)), batch_size=_BUILT_FOR, verbose=0)
    lstm = model.get_layer("lstm")
    before = [state.numpy() for state in lstm.states]
    moved = False
    for numbers in ([2, 3, 5], [4, 1, 7]):
        sample = np.array(numbers, float).reshape(1, _STEPS, 1)
        answer = np.asarray(returned(predict(model, sample)), float).ravel()
        moved |= not np.array_equal(before, [state.numpy() for state in lstm.states])
        for state, held in zip(lstm.states, before, strict=True):
            state.assign(held)
        if answer.size != 1:
            raise NotYet(f"One sample came in, and {answer.size} numbers came back.")
        if answer[0] == sum(numbers) + _STEPS:
            raise NotYet(
                f"Your answer is {answer[0]:g}: the sample was added to the state that the model "
                f"still held, {_STEPS}."
            )
        if answer[0] != sum(numbers):
            raise NotYet(
                f"Your answer is {answer[0]:g}; {' + '.join(map(str, numbers))} is {sum(numbers)}."
            )
    if moved:
        raise NotYet(
            "The answer is right, but the state of the model itself was moved. Use a second model "
            "with the same weights: build it for one sample and hand it get_weights()."
        )
    return "2 + 3 + 5 = 10, and the model still holds its own state."


def three_faults(train: Callable[[Any, Any, Any], Any]) -> str:
    """A function that fits in order, repeats no row, and begins each phase from zeros."""
    model = counting_model(batch_size=2, timesteps=_STEPS, stateful=True)
    X = np.repeat(np.arange(1.0, 10.0), _STEPS).reshape(9, _STEPS, 1)
    with stateviz.record(model) as recording:
        train(model, X, np.zeros((9, 1)))
    [layer] = recording.values()
    epochs, validations = _passes(layer.batches)
    if not epochs or not validations:
        raise NotYet("Nothing is there yet: the model has to be fitted, with validation.")
    read = [f"{first} {second}" for each in epochs for first, second in map(_samples_of, each)]
    seen = f"The training read the samples {', '.join(read)}. "
    for batch in layer.batches:
        first, second = _samples_of(batch)
        if first == second:
            raise NotYet(
                f"Sample {first} was alone in its batch, and was repeated in both rows without "
                "a word. Give fit a number of samples that the batch size divides."
            )
    steps = [pair for each in epochs for pair in pairwise(map(_samples_of, each))]
    if any(later != sooner + 2 for pair in steps for sooner, later in zip(*pair, strict=True)):
        raise NotYet(seen + "Row i must go on where row i stopped, but fit mixes the rows.")
    if any(np.asarray(each[0].initial_cell_state).any() for each in validations):
        raise NotYet(
            "Validation began with the state that training had left; and it leaves its own to the "
            "next epoch. Reset before each of them: stateviz.ResetStates() does."
        )
    if any(np.asarray(each[0].initial_cell_state).any() for each in epochs):
        raise NotYet("An epoch began with the state that another had left.")
    if len(epochs) == 1:
        raise NotYet(seen + "That was one epoch. Fit for two: only then can one leave a state.")
    used = {sample for batch in layer.batches for sample in _samples_of(batch)}
    if len(used) < 8:
        raise NotYet(seen + f"Of 9 samples you used {len(used)}; only one of them is over.")
    return seen + "Each epoch and each validation begins from zeros."


def _samples_of(batch: Any) -> list[int]:
    samples: list[int] = np.asarray(batch.inputs)[:, 0, 0].astype(int).tolist()
    return samples


def _passes(batches: Sequence[Any]) -> tuple[list[list[Any]], list[list[Any]]]:
    """The epochs and the validations, each a list of its batches, by whatever method they ran."""
    passes: tuple[list[list[Any]], list[list[Any]]] = ([], [])
    last: Any = None
    for batch in batches:
        trains = batch.phase in ("fit", "train_on_batch")
        now = (trains, batch.epoch)
        own = passes[0] if trains else passes[1]
        again = bool(own) and _samples_of(batch)[0] in [_samples_of(each)[0] for each in own[-1]]
        if now != last or again:
            own.append([])
        own[-1].append(batch)
        last = now
    return passes


def hand_over(end: Callable[[Any, Any, Any], Any]) -> str:
    """A function that reads two parts so that the gradient goes back through both."""
    import keras
    import tensorflow as tf

    layer = keras.layers.LSTM(1, activation="linear", return_state=True)
    layer.build((1, None, 1))
    layer.set_weights(counting_model(batch_size=1, timesteps=None).get_weights())
    first, second = tf.ones((1, 10, 1)), 2 * tf.ones((1, 10, 1))
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        c = returned(end(layer, first, second))
    reached = tape.gradient(c, [first, second])
    total = float(np.asarray(c).ravel()[0])
    if isinstance(c, list | tuple):
        raise NotYet(f"You returned {len(c)} tensors: return c alone.")
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
    _with_random_weights(end)
    return "c is 30, and the gradient goes back through the border to all 20 timesteps."


def _with_random_weights(end: Callable[[Any, Any, Any], Any]) -> None:
    """Tells what the counting weights cannot: there h is c, and the order is all one."""
    import keras
    import tensorflow as tf

    layer = keras.layers.LSTM(2, return_state=True)
    layer.build((1, None, 1))
    random = np.random.default_rng(0)
    layer.set_weights([random.normal(size=weights.shape) for weights in layer.get_weights()])
    first, second = (tf.constant(random.normal(size=(1, n, 1)), tf.float32) for n in (4, 6))
    _, h, c = layer(first)
    nothing = tf.zeros_like(c)

    def ends(*state: Any, read: Any = second) -> Any:
        return layer(read, initial_state=list(state))

    right = ends(h, c)
    other, own = layer(second), np.asarray(end(layer, first, second))
    hints = {
        "You returned h; return c, the last of the three.": right[1],
        "You ran both parts from zeros and added their c.": c + other[2],
        "You handed over [c, h]: the order of initial_state is [h, c].": ends(c, h)[2],
        "You handed over c, but not h.": ends(nothing, c)[2],
        "You handed over h, but not c.": ends(h, nothing)[2],
        "You read the second part before the first.": ends(other[1], other[2], read=first)[2],
        "That is c of the second part from zeros.": other[2],
        "That is c of the first part.": c,
    }
    seen = "With counting weights c is 30, with other weights it is not the layer's c. "
    for hint, wrong in hints.items():
        if own.shape == wrong.shape and np.allclose(own, wrong, atol=1e-6):
            raise NotYet(seen + hint)
    if own.shape != right[2].shape or not np.allclose(own, right[2], atol=1e-5):
        raise NotYet(seen + "Let the layer read both parts, and hand it [h, c] between them.")


def one_at_a_time(answer: Callable[[Any, Any], Any]) -> str:
    """A function that reads a sequence, one timestep a call, and returns the last output."""
    model = counting_model(batch_size=1, timesteps=1, stateful=True)
    model.predict(np.full((1, 1, 1), 100.0), verbose=0)  # somebody used it before
    numbers = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    with stateviz.record(model) as recording:
        outputs = np.asarray(returned(answer(model, numbers)), float).ravel()
    if outputs.size != 1:
        raise NotYet(f"You returned {outputs.size} numbers: return the last output alone.")
    said = float(outputs[0])
    [layer] = recording.values()
    begins = [float(np.asarray(batch.initial_cell_state)[0, 0]) for batch in layer.batches]
    seen = f"You returned {said:g}. "
    if not begins:
        raise NotYet(seen + "The model was not called: let it read each number.")
    if said == 14 and begins == [0, 3, 4, 8, 9]:
        return "3 + 1 + 4 + 1 + 5 = 14, one timestep a call."
    if len(begins) != len(numbers):
        raise NotYet(
            seen + f"The model was called {len(begins)} times; let it read {len(numbers)} numbers, "
            f"one a call."
        )
    if begins[0] == 100:
        raise NotYet(seen + "Your first number was added to 100, what the model held before.")
    if not any(begins):
        raise NotYet(seen + "You reset before each number: what was read before it is forgotten.")
    raise NotYet(seen + f"The calls began with c = {', '.join(f'{c:g}' for c in begins)}.")


def padding(build: Callable[[], Any]) -> str:
    """A function that builds a model whose state is held where the data is padded with -1."""
    model = returned(build())
    for numbers in ([1, 0, 2, -1, -1], [3, 0, 5, 1, -1]):
        with stateviz.record(model) as recording:
            model.predict(np.array(numbers, float).reshape(1, 5, 1), verbose=0)
        for name, layer in recording.items():
            _held_at_padding(name, layer, numbers)
    return "The state moves at 1, 0 and 2, and is held at both -1."


def _held_at_padding(name: str, layer: Any, numbers: Sequence[int]) -> None:
    [batch] = layer.batches
    h = np.concatenate([batch.initial_hidden_state[:, np.newaxis], batch.hidden_state], axis=1)
    moved = (h[0, 1:] != h[0, :-1]).any(axis=-1)
    moved = moved[::-1] if layer.go_backwards else moved  # in the order of the data
    at = ", ".join(str(t) for t, does in enumerate(moved) if does)
    seen = f"{name} read {', '.join(map(str, numbers))} and moved at t = {at}. "
    data = np.array(numbers) != -1
    if moved.all():
        raise NotYet(seen + "To a layer a -1 is a number like any other, until a mask says no.")
    held = np.flatnonzero(data & ~moved)
    if len(held):
        held_at = numbers[held[0]]
        raise NotYet(
            seen + f"It was held at the {held_at}, which is data here: which value is padding?"
        )
    if not np.array_equal(moved, data):
        raise NotYet(seen + "Each -1 is padding, wherever it stands.")
