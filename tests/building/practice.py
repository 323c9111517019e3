"""What students write for the tasks of lessons 1, 2, 6, 9, 11 and 12: right and wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import keras
import numpy as np

import stateviz


def by_the_equations(c: Any, f: Any, i: Any, g: Any, o: Any) -> tuple[Any, Any]:
    new = f * c + i * g
    return new, o * np.tanh(new)


def with_keras(c: Any, f: Any, i: Any, g: Any, o: Any) -> list[Any]:
    new = keras.ops.add(keras.ops.multiply(f, c), keras.ops.multiply(i, g))
    return [new, keras.ops.multiply(o, keras.ops.tanh(new))]


def number_by_number(c: Any, f: Any, i: Any, g: Any, o: Any) -> tuple[Any, Any]:
    new, h = np.empty_like(c), np.empty_like(c)
    for place in np.ndindex(c.shape):
        new[place] = c[place] * f[place] + g[place] * i[place]
        h[place] = (np.exp(2 * new[place]) - 1) / (np.exp(2 * new[place]) + 1) * o[place]
    return new, h


def by_counting(samples: int, batch_size: int, epochs: int) -> tuple[int, int]:
    tensors = 0
    for _ in range(epochs):
        left = samples
        while left > 0:
            tensors, left = tensors + 1, left - batch_size
    return tensors, epochs * samples


def fitted(
    *, stateful: bool = True, resets: bool = True, method: str = "fit", shuffle: bool = False
) -> Any:
    shape = (2 if stateful else None, 3, 1)
    lstm = keras.layers.LSTM(2, stateful=stateful, name="mine")
    model = keras.Sequential([keras.Input(batch_shape=shape), lstm, keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    X, y = np.random.default_rng(0).normal(size=(8, 3, 1)), np.ones((8, 1))
    options: dict[str, Any] = {"batch_size": 2, "shuffle": shuffle, "verbose": 0}
    callbacks = [stateviz.ResetStates()] if resets else []
    with stateviz.record(model) as recording:
        if method == "predict":
            model.predict(X, batch_size=2, verbose=0)
        elif method == "fit alone":
            model.fit(X, y, callbacks=callbacks, **options)
        else:
            model.fit(X, y, epochs=2, validation_data=(X, y), callbacks=callbacks, **options)
    return recording


def two_layers() -> Any:
    layers = [
        keras.layers.GRU(2, stateful=True, return_sequences=True),
        keras.layers.LSTM(2, stateful=True),
    ]
    model = keras.Sequential([keras.Input(batch_shape=(2, 3, 1)), *layers])
    model.compile("sgd", "mse", jit_compile=False)
    X, y = np.random.default_rng(1).normal(size=(4, 3, 1)), np.ones((4, 2))
    with stateviz.record(model) as recording:
        model.fit(
            X, y, batch_size=2, validation_data=(X, y), shuffle=False, verbose=0,
            callbacks=[stateviz.ResetStates()],
        )  # fmt: skip
    return recording


def reading(
    *, handed: Sequence[int | None] = (1, 2), result: Any = 0, windows: Any = slice(None)
) -> Any:
    """Hands on what the model returned at these places, zeros for None; returns one of them."""

    def read(model: Any, all_windows: Any) -> Any:
        zeros = np.zeros((2, 4), "float32")
        state = [zeros, zeros]
        for window in all_windows[windows]:
            returned = model.predict_on_batch([window, *state])
            state = [zeros if place is None else returned[place] for place in handed]
        return returned if result == "all" else returned[result]

    return read


def by_calling(model: Any, windows: Any) -> Any:
    h = c = keras.ops.zeros((2, 4))
    for window in windows:
        output, h, c = model([keras.ops.convert_to_tensor(window), h, c])
    return output


def by_predict(model: Any, windows: Any) -> Any:
    state = list(np.zeros((2, 2, 4)))
    for window in windows:
        output, *state = model.predict([window, *state], verbose=0)
    return output


def states_of(model: Any) -> Any:
    return model.get_layer("lstm").states


def ahead(
    *,
    keep: str = "values",
    put: slice = slice(None),
    feed: bool = True,
    steps: int = 0,
    call: Any = None,
) -> Any:
    """Forecasts; how it keeps the states, which it puts back, whether it reads its own answers."""

    def forecast(model: Any, last: float, many: int) -> Any:
        states = states_of(model)
        kept = [np.copy(keras.ops.convert_to_numpy(state)) for state in states]
        if keep == "zeros first":
            stateviz.reset_state(model)
        value, given = last, []
        for _ in range(many + steps):
            x = np.full((1, 1, 1), value, "float32")
            answer = model(x) if call is None else call(model, x)
            given.append(float(np.ravel(keras.ops.convert_to_numpy(answer))[0]))
            value = given[-1] if feed else last
        if keep == "reset":
            stateviz.reset_state(model)
        elif keep != "nothing":
            for state, array in list(zip(states, kept, strict=True))[put]:
                state.assign(array)
        return given

    return forecast


def predicting(model: Any, x: Any) -> Any:
    return model.predict(x, verbose=0)


def on_a_batch(model: Any, x: Any) -> Any:
    return model.predict_on_batch(x)


RIGHT: dict[str, list[Callable[[], Any]]] = {
    "one_timestep": [lambda: by_the_equations, lambda: with_keras, lambda: number_by_number],
    "zeros_made": [
        lambda: lambda n, b, e: (-(-n // b) * e, n * e),
        lambda: lambda n, b, e: [e * ceil(n / b), e * n],
        lambda: by_counting,
    ],
    "shortest_window": [
        lambda: lambda gap: gap + 1,
        lambda: lambda gap: len(range(gap)) + 1,
        lambda: lambda gap: np.int64(1 + gap),
    ],
    "own_model": [fitted, two_layers, lambda: fitted(resets=True)],
    "hand_on": [reading, lambda: by_calling, lambda: by_predict],
    "forecast": [ahead, lambda: ahead(call=predicting), lambda: ahead(call=on_a_batch)],
}

WRONG: list[tuple[str, Callable[[], Any], str]] = [
    ("one_timestep", lambda: lambda c, f, i, g, o: f * c + i * g, "Return two things"),
    ("one_timestep", lambda: lambda *a: by_the_equations(*a)[::-1], "return c, then h"),
    ("one_timestep", lambda: lambda c, f, i, g, o: (f * c + i * g, o), "c is right"),
    ("one_timestep", lambda: lambda c, f, i, g, o: (i * g, o * np.tanh(i * g)), "of the old c"),
    ("one_timestep", lambda: lambda c, f, i, g, o: (f * c + g, o), "how much of the candidate"),
    (
        "one_timestep",
        lambda: lambda c, f, i, g, o: (f * c + i * g, o * (f * c + i * g)),
        "c is right",
    ),
    (
        "one_timestep",
        lambda: lambda c, f, i, g, o: (f * c + i * g, np.tanh(f * c + i * g)),
        "the output gate says how much",
    ),
    ("one_timestep", lambda: lambda c, f, i, g, o: (f * c + i * g, o * np.tanh(c)), "*new* c"),
    ("zeros_made", lambda: lambda n, b, e: n // b, "Return two numbers"),
    ("zeros_made", lambda: lambda n, b, e: (n // b * e, n * e), "may be short"),
    ("zeros_made", lambda: lambda n, b, e: (ceil(n / b), n), "each epoch makes its own"),
    ("zeros_made", lambda: lambda n, b, e: (n * e, n * e), "recorded were 4 state tensors"),
    ("zeros_made", lambda: lambda n, b, e: (e, b), "recorded were 4 state tensors"),
    ("zeros_made", lambda: lambda n, b, e: (ceil(n / b) * e, ceil(n / b) * b * e), "with 22 rows"),
    ("shortest_window", lambda: lambda gap: gap, "the timestep of the cue counts too"),
    ("shortest_window", lambda: lambda gap: 2 * gap, "so does less"),
    ("shortest_window", lambda: lambda gap: 20, "so does less"),
    ("shortest_window", lambda: lambda gap: 0, "a whole number from 1"),
    ("shortest_window", lambda: lambda gap: gap / 2, "a whole number from 1"),
    ("shortest_window", lambda: lambda gap: gap + 2, "so does less"),
    ("own_model", lambda: 5, "Give the recording"),
    ("own_model", lambda: fitted(stateful=False, resets=False), "No layer of it is stateful"),
    ("own_model", lambda: fitted(method="predict"), "no fit and no validation"),
    ("own_model", lambda: fitted(method="fit alone"), "no validation"),
    ("own_model", lambda: fitted(resets=False), "found. The first:"),
    ("own_model", lambda: fitted(shuffle=True), "found. The first:"),
    ("hand_on", lambda: reading(handed=(None, None)), "with the h and c that"),
    ("hand_on", lambda: reading(handed=(2, 1)), "with the h and c that"),
    ("hand_on", lambda: reading(handed=(1, None)), "with the c that"),
    ("hand_on", lambda: reading(handed=(None, 2)), "with the h that"),
    ("hand_on", lambda: reading(windows=slice(1)), "The model read 1 batches"),
    ("hand_on", lambda: reading(result=2), "Return the output of the last window"),
    ("hand_on", lambda: lambda model, windows: windows[0, :, 0, :], "The model read 0 batches"),
    ("forecast", lambda: ahead(keep="nothing"), "but the state moved"),
    ("forecast", lambda: ahead(keep="reset"), "but the state is zero now"),
    ("forecast", lambda: ahead(keep="zeros first"), "The first step is another"),
    ("forecast", lambda: ahead(feed=False), "Each further step reads the forecast"),
    ("forecast", lambda: ahead(put=slice(1)), "Copy the values of both states"),
    ("forecast", lambda: ahead(steps=1), "Return the 3 steps"),
    ("forecast", lambda: lambda model, last, steps: [last] * steps, "The first step is another"),
]
