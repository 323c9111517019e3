"""The scenes of docs/gallery.md, each of a small model that is trained and recorded for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import stateviz
from stateviz.course import quietly
from stateviz.playing.player import Player
from stateviz.recording import Recording

WAVE = 14


def waves(lanes: int, batches: int) -> tuple[np.ndarray, np.ndarray]:
    """Sine waves of many lengths, cut into `batches` pieces, and what comes next.

    Returns:
        X of shape (batches * lanes, timesteps, 1), row i of a batch going on with row i of the
        batch before, and y of shape (batches * lanes, 1).
    """
    random = np.random.default_rng(1)
    t = np.arange(batches * WAVE + 1)
    lengths, starts = random.uniform(9, 40, (lanes, 1)), random.uniform(0, 6, (lanes, 1))
    whole = np.sin(2 * np.pi * t / lengths + starts).astype("float32")
    pieces = whole[:, :-1].reshape(lanes, batches, WAVE).transpose(1, 0, 2)
    nexts = whole[:, WAVE::WAVE].T
    return pieces.reshape(-1, WAVE, 1), nexts.reshape(-1, 1)


@cache
def trained(lanes: int, stateful: bool = True, shuffle: bool = False) -> Recording:
    """A stack of two LSTMs in training, then in use."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    X, y = waves(lanes, 5)
    inputs = keras.Input(batch_shape=(lanes, WAVE, 1))
    x = keras.layers.Masking()(inputs)
    x = keras.layers.LSTM(8, return_sequences=True, stateful=stateful, name="lower")(x)
    x = keras.layers.LSTM(6, stateful=stateful, name="upper")(x)
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    checks = X[: 2 * lanes].copy()
    checks[::2, 4:8] = 0  # masked
    with stateviz.record(model, gates=True) as recording:
        model.fit(
            X,
            y,
            batch_size=lanes,
            epochs=2,
            shuffle=shuffle,
            validation_data=(checks, y[: 2 * lanes]),
            verbose=0,
        )
        if stateful:
            stateviz.reset_state(model)
        model.predict(checks, batch_size=lanes, verbose=0)
    return recording


@cache
def both_ways() -> Recording:
    """A Bidirectional LSTM in use."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    inner = keras.layers.LSTM(6, name="lstm")
    model = keras.Sequential([keras.Input((WAVE, 1)), keras.layers.Bidirectional(inner)])
    with stateviz.record(model) as recording:
        model.predict(waves(4, 1)[0], verbose=0)
    return recording


def sequence(**options: Any) -> Callable[[], Player]:
    """One sample of the lower layer."""
    return lambda: stateviz.play_sequence(trained(10), **({"layer": "lower"} | options))


def batches(lanes: int, *, shuffle: bool = False, stateful: bool = True) -> Callable[[], Player]:
    """The lanes of the lower layer, with the rows of the data."""

    def make() -> Player:
        recording = trained(lanes, stateful=stateful, shuffle=shuffle)
        return stateviz.play_batches(recording, layer="lower", data=waves(lanes, 5)[0])

    return make


def used_after() -> Player:
    """What validation leaves to training, and a reset."""
    return stateviz.play_batches(trained(10), layer="lower", batches=[6, 7, 13, 14])


@cache
def handed() -> Recording:
    """A loop that hands the state on by hand."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    lstm = keras.layers.LSTM(8, return_state=True, name="lstm")
    X = waves(10, 3)[0]
    h = c = np.full((10, 8), 0.5, "float32")
    with stateviz.record(lstm) as recording:
        for start in range(0, 30, 10):
            _, h, c = lstm(X[start : start + 10], initial_state=[h, c])
        lstm(X[:10], initial_state=[h * 0 - 0.5, c * 0 - 0.5])
    return recording


def given() -> Player:
    """The first batch and the last, which began with a state from elsewhere."""
    return stateviz.play_batches(handed(), batches=[2, 3])


def handed_on() -> Player:
    """It, played."""
    return stateviz.play_batches(handed(), batches=[0, 1, 2])


@cache
def rows_apart() -> Recording:
    """An encoder and its decoder, whose state is then handed on in rows of another order."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    options = {"return_state": True, "return_sequences": True}
    encoder, decoder = (keras.layers.LSTM(6, **options, name=f"{e}coder") for e in ("en", "de"))
    texts, answers = keras.Input((WAVE, 1)), keras.Input((6, 1))
    _, *state = encoder(texts)
    model = keras.Model([texts, answers], decoder(answers, initial_state=state)[0])
    X = waves(6, 3)[0]
    with stateviz.record(model) as recording:
        model.predict([X[:6], X[6:12, :6]], verbose=0)
        encoded = recording["encoder"].batches[0]
        state = [each.final for each in encoded.states]
        for order in ([0, 1, 3, 3, 2, 5], [5, 1, 2, 0, 0, 4]):
            state = [np.array(each)[order] for each in state]
            state[0][order.index(2)] = state[1][order.index(2)] = 0  # a row begins anew
            _, *state = decoder(X[12:18, 4:10], initial_state=state)
    return recording


def from_encoder() -> Player:
    """The decoder, after the encoder whose state it began with."""
    return stateviz.play_batches(rows_apart(), layer="decoder", batches=[0])


def by_row() -> Player:
    """The decoder's state, handed on in rows of another order."""
    return stateviz.play_batches(rows_apart(), layer="decoder", batches=[1, 2])


def gradients() -> Player:
    """Three batches of a stateful layer in training, and the gradient of each."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    X, y = waves(8, 3)
    layers = [keras.layers.LSTM(8, stateful=True, name="lstm"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input(batch_shape=(8, WAVE, 1)), *layers])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    with stateviz.record(model, gradients=True) as recording:
        model.fit(X, y, batch_size=8, shuffle=False, verbose=0)
    return stateviz.play_gradients(recording)


def gradients_cross() -> Player:
    """An encoder and its decoder in training: the gradient goes from the one to the other."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    X, y = waves(4, 2)
    inputs = keras.Input((WAVE, 1))
    _, *state = keras.layers.LSTM(6, return_state=True, name="encoder")(inputs)
    decoded = keras.layers.LSTM(6, name="decoder")(inputs, initial_state=state)
    model = keras.Model(inputs, keras.layers.Dense(1)(decoded))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    with stateviz.record(model, gradients=True) as recording:
        model.fit(X, y, batch_size=4, shuffle=False, verbose=0)
    return stateviz.play_gradients(recording, layer="decoder")


def inside() -> Player:
    """The cell of one unit."""
    return stateviz.play_cell(trained(10), layer="lower", batch=1, unit=2)


@cache
def small(stateful: bool = True) -> Recording:
    """Two small batches."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    layer = keras.layers.LSTM(2, stateful=stateful, name="lstm")
    model = keras.Sequential([keras.Input(batch_shape=(4, 5, 1)), layer])
    with stateviz.record(model) as recording:
        model.predict(waves(4, 2)[0][:, :5], batch_size=4, verbose=0)
    return recording


def few() -> Player:
    """The same, with numbers in the cells."""
    return stateviz.play_batches(small())


def flow() -> Player:
    """They, carried over and dropped: the film in the README."""
    return stateviz.compare(small(), small(stateful=False), names=("stateful", "stateless"))


def answer() -> Player:
    """Columns and rows counted."""
    return stateviz.play_answer(trained(200, stateful=False), layer="lower")


def resets() -> Player:
    """The whole run."""
    return stateviz.play_resets(trained(10), layer="lower")


def opened() -> Player:
    """A batch of it, opened."""
    player = resets()
    player.choose(open=6)
    return player


def compared() -> Player:
    """The same data, stateful and stateless."""
    return stateviz.compare(
        trained(10), trained(10, stateful=False), layer="lower", names=("stateful", "stateless")
    )


def stack() -> Player:
    """Both layers."""
    return stateviz.play_sequence(trained(10), layer=("lower", "upper"), batch=1)


def directions() -> Player:
    """Both directions."""
    recording = both_ways()
    return stateviz.play_sequence(recording, layer=recording.layers)
