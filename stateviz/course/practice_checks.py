"""What the tasks of lessons 1, 2, 6, 9, 11 and 12 check, by running what the reader wrote."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import stateviz
from stateviz.course.counting import counting_model
from stateviz.course.task_checks import NotYet, returned


def one_timestep(step: Callable[..., Any]) -> str:
    """A function that gives c and h after a timestep, from c before it and the gates."""
    import keras

    model = keras.Sequential([keras.Input((5, 2)), keras.layers.LSTM(3, name="lstm")])
    with stateviz.record(model, gates=True) as recording:
        model(np.random.default_rng(0).normal(size=(2, 5, 2)))
    batch: Any = recording["lstm"].batches[0]
    gates, before = batch.gates, np.zeros_like(batch.initial_cell_state)
    for t in range(batch.timesteps):
        f, i, g, o = (
            getattr(gates, name)[:, t] for name in ("forget", "input", "candidate", "output")
        )
        made = returned(step(before, f, i, g, o))
        if not isinstance(made, tuple | list) or len(made) != 2:
            raise NotYet("Return two things, c and h: return new_c, h.")
        c, h = (np.asarray(each, float) for each in made)
        wanted_c, wanted_h = batch.cell_state[:, t], batch.hidden_state[:, t]
        if _is_near(c, wanted_h) and _is_near(h, wanted_c):
            raise NotYet("Both numbers are right, in the other order: return c, then h.")
        if not _is_near(c, wanted_c):
            raise NotYet(
                f"At timestep {t} Keras holds c = {wanted_c[0, 0]:.4f}, yours is {_first(c)}. The "
                f"forget gate says how much of the old c is kept, the input gate how much of the "
                f"candidate comes in."
            )
        if not _is_near(h, wanted_h):
            raise NotYet(
                f"c is right. At timestep {t} Keras gives h = {wanted_h[0, 0]:.4f}, yours is "
                f"{_first(h)}. h is a part of tanh of the *new* c; the output gate says how much."
            )
        before = batch.cell_state[:, t]
    return "Five timesteps of two samples: c and h are those that Keras held."


def zeros_made(count: Callable[[int, int, int], Any]) -> str:
    """A function that counts the state tensors and rows zeroed by a stateless fit."""
    for samples, batch_size, epochs in ((20, 5, 1), (20, 5, 3), (22, 5, 1), (3, 8, 2)):
        model = counting_model(batch_size=None, timesteps=2)
        X, y = np.ones((samples, 2, 1)), np.zeros((samples, 1))
        with stateviz.record(model) as recording:
            model.fit(X, y, batch_size=batch_size, epochs=epochs, verbose=0)
        resets = recording.resets()
        wanted = resets.state_tensors_zeroed, resets.sample_states_zeroed
        made = returned(count(samples, batch_size, epochs))
        if not isinstance(made, tuple | list) or len(made) != 2:
            raise NotYet("Return two numbers: the tensors and the rows.")
        if tuple(made) != wanted:
            raise NotYet(
                f"{samples} samples, batch_size={batch_size}, epochs={epochs}: recorded were "
                f"{wanted[0]} state tensors with {wanted[1]} rows in all; you say {made[0]} and "
                f"{made[1]}. A last batch may be short, and each epoch makes its own zeros."
            )
    return "Four fits, short last batches among them: the counts are those that were recorded."


def shortest_window(timesteps: Callable[[int], Any]) -> str:
    """A function that gives the fewest timesteps of a window that holds a cue and its answer."""
    for gap in (1, 7, 30):
        wanted = returned(timesteps(gap))
        if isinstance(wanted, bool) or not isinstance(wanted, int | np.integer) or wanted < 1:
            raise NotYet(f"For a gap of {gap} you return {wanted!r}: give a whole number from 1.")
        held = []
        for length in (int(wanted), max(int(wanted) - 1, 1)):
            stream = np.zeros(gap + 101)
            stream[100] = 5.0  # the cue; the answer is asked at the last timestep
            model = counting_model(batch_size=1, timesteps=min(length, len(stream)))
            with stateviz.record(model) as recording:
                model(stream[-length:].reshape(1, -1, 1))
            end: Any = recording["lstm"].batches[0].final_cell_state
            held.append(end.item() == 5)
        if not held[0]:
            raise NotYet(
                f"The answer comes {gap} timesteps after the cue. In a window of {wanted} that "
                f"ends with it, c knows nothing of the cue: the timestep of the cue counts too."
            )
        if held[1] and wanted > 1:
            raise NotYet(f"For a gap of {gap} a window of {wanted} holds both, and so does less.")
    return "The cue is the first timestep of the window, the answer the last: c knows it."


def own_model(recording: Any) -> str:
    """A recording of a fit of a stateful model of the reader's own, with nothing to find."""
    if not isinstance(recording, stateviz.Recording):
        raise NotYet("Give the recording: check('own_model', recording).")
    stateful = [name for name, layer in recording.items() if layer.stateful]
    if not stateful:
        raise NotYet("No layer of it is stateful: give one of its recurrent layers stateful=True.")
    phases = {event.phase for event in recording.events}
    missing = {"fit", "validation"} - phases
    if missing:
        raise NotYet(f"It has no {' and no '.join(sorted(missing))}: call fit with validation.")
    found = recording.findings()
    if found:
        raise NotYet(f"{len(found)} found. The first: {found[0]}")
    batches = sum(len(recording[name].batches) for name in stateful)
    return f"{batches} batches of {', '.join(stateful)}, and findings() has nothing to say."


def hand_on(read: Callable[[Any, Any], Any]) -> str:
    """A function that reads windows with a stateless model and hands h and c on by itself."""
    import keras

    keras.utils.set_random_seed(0)
    x, h, c = keras.Input((3, 2)), keras.Input((4,)), keras.Input((4,))
    lstm = keras.layers.LSTM(4, return_state=True, name="lstm")
    model = keras.Model([x, h, c], lstm(x, initial_state=[h, c]))
    windows = np.random.default_rng(0).normal(size=(4, 2, 3, 2)).astype("float32")
    with stateviz.record(model) as recording:
        end = np.asarray(keras.ops.convert_to_numpy(returned(read(model, windows))))
    batches: Any = recording["lstm"].batches
    if len(batches) != len(windows):
        raise NotYet(f"The model read {len(batches)} batches; there are {len(windows)} windows.")
    if batches[0].initial_cell_state.any() or batches[0].initial_hidden_state.any():
        raise NotYet("The first window has nothing before it: begin with zeros of shape (2, 4).")
    for before, after in pairwise(batches):
        same_h = np.array_equal(before.final_hidden_state, after.initial_hidden_state)
        same_c = np.array_equal(before.final_cell_state, after.initial_cell_state)
        if not (same_h and same_c):
            lost = "h and c" if not (same_h or same_c) else "c" if same_h else "h"
            raise NotYet(
                f"Window {after.index} does not begin with the {lost} that the window before gave. "
                f"The model returns output, h, c."
            )
    if not _is_near(end, batches[-1].final_hidden_state):
        raise NotYet("The state is handed on. Return the output of the last window alone.")
    return "Each window begins with the h and c that the one before gave, bit for bit."


def forecast(ahead: Callable[[Any, Any, int], Any]) -> str:
    """A function that forecasts some steps with a stateful model and puts its state back."""
    import keras

    keras.utils.set_random_seed(0)
    lstm = keras.layers.LSTM(4, stateful=True, name="lstm")
    model = keras.Sequential([keras.Input(batch_shape=(1, 1, 1)), lstm, keras.layers.Dense(1)])
    for read in (0.3, -0.8, 1.2):
        model(np.full((1, 1, 1), read, "float32"))
    kept = [np.array(keras.ops.convert_to_numpy(state)) for state in lstm.states]
    value: Any = np.float32(0.5)
    wanted: list[float] = []
    for _ in range(3):
        value = np.float32(keras.ops.convert_to_numpy(model(np.full((1, 1, 1), value))).item())
        wanted.append(float(value))
    for state, array in zip(lstm.states, kept, strict=True):
        state.assign(array)
    given = np.ravel(np.asarray(returned(ahead(model, 0.5, 3)), float))
    now = [np.array(keras.ops.convert_to_numpy(state)) for state in lstm.states]
    if given.shape != (3,):
        raise NotYet(f"Return the 3 steps that are asked for; yours are {given.size}.")
    if not _is_near(given[:1], np.array(wanted[:1])):
        raise NotYet("The first step is another: read the last value once, from the state it has.")
    if not _is_near(given, np.array(wanted)):
        raise NotYet("The first step is right. Each further step reads the forecast before it.")
    if not any(each.any() for each in now):
        raise NotYet("The forecast is right, but the state is zero now: put back what it was.")
    if not all(map(np.array_equal, kept, now)):
        raise NotYet(
            "The forecast is right, but the state moved. Copy the values of both states first "
            "(a variable itself changes with each call), and assign them afterwards."
        )
    return "Three steps ahead, each from the one before, and the state is as it was."


def _is_near(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, atol=1e-5)


def _first(array: np.ndarray) -> str:
    return f"{np.ravel(array)[0]:.4f}" if array.size else "nothing"
