"""A small program of the days of Keras 2, recorded there, to set beside today's Keras.

Source of the data: `tools/record_keras2.py`, run by hand on `tf_keras` 2.21, the Keras 2 that is
still published. It wrote the recordings `keras2_*.npz` and the file `keras2.json`: the weights
that the program began with, those that it ended with, and what each of `CALLS` did there.

The functions take the Keras module as an argument, so that the same lines run on both.
"""

from __future__ import annotations

import functools
import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stateviz.recording import Recording, load

FOLDER = Path(__file__).with_name("files")
NAMES = ("counting", "seeded")


def load_keras2(name: str = "counting", *, stateful: bool = True) -> Recording:
    """Opens what the program's LSTM held on Keras 2, at every timestep; nothing old is needed.

    The program: `fit` of 2 batches in 2 epochs, `model.reset_states()`, then `predict`.

    Args:
        name: "counting", an LSTM that sums its inputs, or "seeded", one with random weights.
        stateful: Whether the layer was made with `stateful=True`.

    Example:
        >>> load_keras2("counting", stateful=True)
        Recording of 'lstm': a stateful LSTM of 1 unit
            fit: 4 batches in 2 epochs; states began 3 carried, 1 reset
            predict: 2 batches; states began 1 carried, 1 reset
            began from zeros: 2 state tensors, 4 sample states; reset_state called 1 time
    """
    return load(FOLDER / file_name(name, stateful=stateful))


def file_name(name: str, *, stateful: bool) -> str:
    """The name of a recording's file."""
    _check_name(name)
    return f"keras2_{name}_{'stateful' if stateful else 'stateless'}.npz"


def keras2_facts() -> dict[str, Any]:
    """What else the tool wrote down on Keras 2.

    Returns:
        "versions": of `tf_keras` and TensorFlow. "calls": what each of `CALLS` did, by its name.
        "weights": for each name the arrays that the program began with, as nested lists.
        "trained": for each name those that the stateful program ended with.

    Example:
        >>> keras2_facts()["calls"]["model.reset_states()"]
        'state 0'
    """
    facts: dict[str, Any] = json.loads((FOLDER / "keras2.json").read_text(encoding="utf-8"))
    return facts


def keras2_weights(name: str, which: str = "weights") -> list[np.ndarray]:
    """The shipped weights, float32, in the order of `model.get_weights()`.

    Args:
        name: "counting" or "seeded".
        which: "weights", those at the start, or "trained", those after the stateful `fit`.

    Example:
        >>> [array.shape for array in keras2_weights("counting")]
        [(1, 4), (1, 4), (4,)]
    """
    _check_name(name)
    return [np.array(array, np.float32) for array in keras2_facts()[which][name]]


def keras2_data(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The program's data: 2 batches of 2 samples.

    Returns:
        X, float32, of shape (4, 3, 1) for "counting", where lane 0 reads 1 at each timestep and
        lane 1 reads -2, or (4, 5, 1) for "seeded", two waves; and y of shape (4, 1).

    Example:
        >>> X, y = keras2_data("counting")
        >>> X[:, 0, 0].tolist()
        [1.0, -2.0, 1.0, -2.0]
    """
    _check_name(name)
    if name == "counting":
        X = np.tile(np.array([1.0, -2.0], np.float32).reshape(2, 1, 1), (2, 3, 1))
    else:
        # Lane i goes on from batch to batch: 10 timesteps of a wave, in two halves.
        waves = np.stack([np.sin(np.arange(10) * pace) for pace in (0.5, 0.9)])
        X = waves.reshape(2, 2, 5).swapaxes(0, 1).reshape(4, 5, 1).astype(np.float32)
    return X, X.sum(axis=1) / 4


def old_model(
    keras: Any, name: str, *, stateful: bool = True, weights: list[np.ndarray] | None = None
) -> Any:
    """Builds the program's model with the Keras that it is given.

    Args:
        keras: The module: `tf_keras` or today's `keras`.
        name: "counting": an LSTM of 1 unit, learning rate 0. "seeded": an LSTM of 3 units and a
            Dense layer, learning rate 0.1.
        stateful: Whether the LSTM is.
        weights: What to begin with; where None, what the layers are initialised with.

    Example:
        >>> import keras
        >>> model = old_model(keras, "counting", weights=keras2_weights("counting"))
        >>> model.output_shape
        (2, 1)
    """
    _check_name(name)
    X, _ = keras2_data(name)
    counting = name == "counting"
    options = {"activation": "linear", "unit_forget_bias": False} if counting else {}
    lstm = keras.layers.LSTM(1 if counting else 3, stateful=stateful, name="lstm", **options)
    layers = [keras.Input(batch_shape=(2, *X.shape[1:])), lstm]
    model = keras.Sequential(layers if counting else [*layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0 if counting else 0.1), "mse", jit_compile=False)
    if weights is not None:
        model.set_weights(weights)
    return model


@dataclass(frozen=True)
class Call:
    """A line of old code, and what to look at after it.

    Attributes:
        code: What is called. `model` counts, is stateful, built for 4 rows, and holds the state 3;
            `lstm` is its layer; `ones(n)` has n rows; `other` is a stateless layer that has run.
        shows: The expression that tells what came of it; `result` is the value of `code`.
        before: What is called first.
    """

    code: str
    shows: str = "state(lstm)"
    before: str = ""

    @property
    def name(self) -> str:
        """The call, and what came before it."""
        return f"{self.before}; {self.code}" if self.before else self.code


CALLS = (
    Call("model.reset_states()"),
    Call("lstm.reset_states()"),
    Call("lstm.reset_state()"),
    Call("lstm.reset_states(states=[sevens, sevens])"),
    Call("lstm.states[0].assign(sevens)"),
    Call("keras.backend.get_value(lstm.states[0])", "'state ' + str(int(result[0, 0]))"),
    Call("LSTM(1, stateful=True, batch_input_shape=(4, 3, 1))", "'a layer'"),
    Call("keras.Sequential([keras.Input((3, 1)), LSTM(1, stateful=True)])", "'a model'"),
    Call("keras.Input(batch_shape=(4, 3, 1))", "'shape ' + str(tuple(result.shape))"),
    Call("LSTM(1, time_major=True)", "'a layer'"),
    Call("model.predict(ones(10), batch_size=4)", "str(len(result)) + ' rows'"),
    Call("model.predict(ones(5), batch_size=4)", "str(len(result)) + ' rows'"),
    Call("model.predict(ones(1))", "str(len(result)) + ' rows'"),
    Call("model.predict(ones(1))", "str(len(result)) + ' rows'", before="model.predict(ones(4))"),
    Call("other.states", "str(None if result is None else list(result))"),
    Call("other.reset_states()", "'nothing happens'"),
    Call("save_reset_restore(model)"),
)


def try_calls(keras: Any) -> dict[str, str]:
    """Runs each of `CALLS` on a new model of the Keras that it is given.

    Returns:
        By the call's name: what came of it, or the name of the error that it raised.

    Example:
        >>> import keras
        >>> try_calls(keras)["model.reset_states()"]
        'AttributeError'
    """
    logger = logging.getLogger("tensorflow")
    level = logger.level
    # So many new models in a row: TensorFlow would warn that each is compiled anew.
    logger.setLevel(logging.ERROR)
    try:
        return {call.name: _outcome(keras, call) for call in CALLS}
    finally:
        logger.setLevel(level)


def _outcome(keras: Any, call: Call) -> str:
    model, other = (_counting(keras, stateful=stateful) for stateful in (True, False))
    model(_ones(4))
    other(_ones(4))
    model.predict = functools.partial(model.predict, verbose=0)
    names: dict[str, Any] = {
        "keras": keras,
        "LSTM": keras.layers.LSTM,
        "model": model,
        "lstm": model.layers[-1],
        "other": other.layers[-1],
        "ones": _ones,
        "sevens": np.full((4, 1), 7, np.float32),
        "state": lambda lstm: f"state {int(lstm.states[0].numpy()[0, 0])}",
        "save_reset_restore": _save_reset_restore,
    }
    try:
        exec(call.before, names)
        names["result"] = eval(call.code, names)
    except Exception as error:
        return type(error).__name__
    return str(eval(call.shows, names))


def _counting(keras: Any, *, stateful: bool) -> Any:
    lstm = keras.layers.LSTM(1, activation="linear", unit_forget_bias=False, stateful=stateful)
    model = keras.Sequential([keras.Input(batch_shape=(4, 3, 1)), lstm])
    lstm.set_weights(keras2_weights("counting"))
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=False)
    return model


def _ones(rows: int) -> np.ndarray:
    return np.ones((rows, 3, 1), np.float32)


def _save_reset_restore(model: Any) -> None:
    """Keeps a model in a `tf.train.Checkpoint`, resets its layer, and takes the checkpoint back."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        path = tf.train.Checkpoint(model=model).save(f"{folder}/checkpoint")
        model.layers[-1].reset_states()
        tf.train.Checkpoint(model=model).restore(path)


def _check_name(name: str) -> None:
    if name not in NAMES:
        raise ValueError(f"`name` must be one of {NAMES}; got {name!r}.")
