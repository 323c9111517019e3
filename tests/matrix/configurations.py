"""Every kind of recurrent layer, in a small model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tests.references import LeakyCell

SAMPLES, TIMESTEPS, FEATURES, UNITS, BATCH = 12, 5, 3, 4, 4

Wiring = Callable[[Any], Any]


@dataclass(frozen=True)
class Configuration:
    """A model around recurrent layers.

    Attributes:
        name: What the page calls it.
        wire: From the model's input (samples, timesteps, features) to what its head reads.
        stateful: The batch size is fixed.
        masked: A Masking layer stands before; the data have leading, middle, trailing and
            whole gaps.
        samples: Rows of data, in batches of 4.
        space: The spatial shape of the input.
        timesteps: None where the model does not know their number.
        tolerance: Of the states against NumPy in float64.
        random: In training the layer draws dropout masks, so that its states are compared with
            their own gates' equations instead.
    """

    name: str
    wire: Wiring
    stateful: bool = False
    masked: bool = False
    samples: int = SAMPLES
    space: tuple[int, ...] = ()
    timesteps: int | None = TIMESTEPS
    tolerance: float = 1e-5
    random: bool = False


@keras.saving.register_keras_serializable("stateviz-tests")
class OwnLayer(keras.layers.Layer):  # type: ignore[misc]
    """A layer of a user's own with a recurrent layer in it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inner = keras.layers.LSTM(UNITS, name="lstm")

    def build(self, shape: Any) -> None:
        self.inner.build(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.inner(x, training=training)


class OwnModel(keras.Model):  # type: ignore[misc]
    """A subclassed model with a recurrent layer in it."""

    def __init__(self) -> None:
        super().__init__(name="own_model")
        self.inner = keras.layers.LSTM(UNITS, name="lstm")

    def call(self, x: Any, training: bool = False) -> Any:
        return self.inner(x, training=training)


class OwnLoop(keras.layers.LSTM):  # type: ignore[misc]
    """A recurrent layer that does not run Keras's loop."""

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: Any) -> Any:
        return super().inner_loop(sequences, initial_state, mask, training)


def one(kind: str, **options: Any) -> Wiring:
    return lambda x: getattr(keras.layers, kind)(UNITS, **options)(x)


def around(*cells: Callable[[], Any], **options: Any) -> Wiring:
    def wire(x: Any) -> Any:
        made = [cell() for cell in cells]
        return keras.layers.RNN(made[0] if len(made) == 1 else made, **options)(x)

    return wire


def both_ways(stateful: bool = False, **options: Any) -> Wiring:
    layer = keras.layers.LSTM
    return lambda x: keras.layers.Bidirectional(layer(UNITS, stateful=stateful, **options))(x)


def convolved(rank: int, **options: Any) -> Wiring:
    layer = getattr(keras.layers, f"ConvLSTM{rank}D")
    return lambda x: layer(2, 2, **{"padding": "same", **options})(x)


def first_output(wire: Wiring) -> Wiring:
    return lambda x: wire(x)[0]


def from_constants(x: Any) -> Any:
    states = [keras.ops.ones_like(x[:, 0, :1]) * np.linspace(-1, 1, UNITS) for _ in range(2)]
    return keras.layers.LSTM(UNITS)(x, initial_state=states)


def from_an_encoder(x: Any) -> Any:
    _, *states = keras.layers.LSTM(UNITS, return_state=True, name="encoder")(x)
    return keras.layers.LSTM(UNITS, name="decoder")(x, initial_state=states)


def stacked(x: Any, **options: Any) -> Any:
    x = keras.layers.LSTM(UNITS, return_sequences=True, **options)(x)
    return keras.layers.LSTM(UNITS, **options)(x)


def called_twice(x: Any) -> Any:
    layer = keras.layers.LSTM(FEATURES, return_sequences=True, name="lstm")
    return layer(layer(x))


def in_a_nested_model(x: Any) -> Any:
    inputs = keras.Input(x.shape[1:])
    return keras.Model(inputs, keras.layers.LSTM(UNITS)(inputs), name="nested")(x)


def each_in_time(x: Any) -> Any:
    rows = keras.layers.Reshape((-1, 1))
    return keras.layers.TimeDistributed(keras.layers.LSTM(UNITS))(
        keras.layers.TimeDistributed(rows)(x)
    )


def cells() -> tuple[Callable[[], Any], ...]:
    return (
        lambda: keras.layers.LSTMCell(UNITS),
        lambda: keras.layers.GRUCell(UNITS + 1),
        lambda: keras.layers.SimpleRNNCell(UNITS),
    )


def dropping_cells() -> tuple[Callable[[], Any], ...]:
    return (
        lambda: keras.layers.LSTMCell(UNITS, dropout=0.3),
        lambda: keras.layers.GRUCell(UNITS, recurrent_dropout=0.3),
    )


CONFIGURATIONS = [
    Configuration("LSTM", one("LSTM")),
    Configuration("LSTM, return_sequences", one("LSTM", return_sequences=True)),
    Configuration("LSTM, return_state", first_output(one("LSTM", return_state=True))),
    Configuration("LSTM, go_backwards", one("LSTM", go_backwards=True)),
    Configuration("LSTM, unroll", one("LSTM", unroll=True)),
    Configuration(
        "LSTM, unroll, go_backwards, masked",
        one("LSTM", unroll=True, go_backwards=True),
        masked=True,
    ),
    Configuration("LSTM, stateful", one("LSTM", stateful=True), stateful=True),
    Configuration(
        "LSTM, stateful, go_backwards",
        one("LSTM", stateful=True, go_backwards=True),
        stateful=True,
    ),
    Configuration("LSTM, stateful, unroll", one("LSTM", stateful=True, unroll=True), stateful=True),
    Configuration("LSTM, masked", one("LSTM"), masked=True),
    Configuration(
        "LSTM, masked, zero_output_for_mask",
        one("LSTM", return_sequences=True, zero_output_for_mask=True),
        masked=True,
    ),
    Configuration("LSTM, stateful, masked", one("LSTM", stateful=True), stateful=True, masked=True),
    Configuration("LSTM, initial_state constant", from_constants),
    Configuration("LSTM, initial_state from an encoder", from_an_encoder),
    Configuration("LSTM, dropout", one("LSTM", dropout=0.3), random=True),
    Configuration("LSTM, recurrent_dropout", one("LSTM", recurrent_dropout=0.3), random=True),
    Configuration(
        "LSTM, dropout, stateful, unroll",
        one("LSTM", dropout=0.3, stateful=True, unroll=True),
        stateful=True,
        random=True,
    ),
    Configuration(
        "LSTM, relu and hard_sigmoid",
        one("LSTM", activation="relu", recurrent_activation="hard_sigmoid"),
    ),
    Configuration("LSTM, no bias", one("LSTM", use_bias=False)),
    Configuration(
        "RNN(LSTMCell, implementation=1)",
        around(lambda: keras.layers.LSTMCell(UNITS, implementation=1)),
    ),
    Configuration("LSTM, mixed_float16", one("LSTM", dtype="mixed_float16"), tolerance=5e-3),
    Configuration("LSTM, mixed_bfloat16", one("LSTM", dtype="mixed_bfloat16"), tolerance=5e-2),
    Configuration("LSTM, float64", one("LSTM", dtype="float64"), tolerance=1e-12),
    Configuration("LSTM, timesteps None", one("LSTM"), timesteps=None),
    Configuration("LSTM, a last short batch", one("LSTM"), samples=10),
    Configuration("LSTM, a last batch of one", one("LSTM"), samples=9),
    Configuration(
        "LSTM, stateful, a last batch of one",
        one("LSTM", stateful=True),
        stateful=True,
        samples=9,
    ),
    Configuration("two LSTMs, one on the other", stacked),
    Configuration(
        "two stateful LSTMs, one on the other",
        lambda x: stacked(x, stateful=True),
        stateful=True,
    ),
    Configuration("GRU", one("GRU")),
    Configuration("GRU, reset_after=False", one("GRU", reset_after=False)),
    Configuration("GRU, stateful, masked", one("GRU", stateful=True), stateful=True, masked=True),
    Configuration("GRU, unroll", one("GRU", unroll=True)),
    Configuration("GRU, dropout", one("GRU", dropout=0.3), random=True),
    Configuration(
        "RNN(GRUCell, implementation=1)",
        around(lambda: keras.layers.GRUCell(UNITS, implementation=1)),
    ),
    Configuration("SimpleRNN", one("SimpleRNN")),
    Configuration(
        "SimpleRNN, stateful, unroll", one("SimpleRNN", stateful=True, unroll=True), stateful=True
    ),
    Configuration("RNN(cell of your own)", around(lambda: LeakyCell(UNITS))),
    Configuration(
        "RNN(cell of your own), stateful, masked",
        around(lambda: LeakyCell(UNITS), stateful=True),
        stateful=True,
        masked=True,
    ),
    Configuration("RNN(cell of your own), unroll", around(lambda: LeakyCell(UNITS), unroll=True)),
    Configuration("RNN([cells])", around(*cells())),
    Configuration(
        "RNN([cells]), stateful, masked",
        around(*cells(), stateful=True),
        stateful=True,
        masked=True,
    ),
    Configuration("RNN([cells]), unroll", around(*cells(), unroll=True)),
    Configuration("RNN([cells]), dropout", around(*dropping_cells()), random=True),
    Configuration("Bidirectional", both_ways()),
    Configuration(
        "Bidirectional, return_sequences, masked",
        both_ways(return_sequences=True),
        masked=True,
    ),
    Configuration("Bidirectional, stateful", both_ways(stateful=True), stateful=True),
    Configuration("ConvLSTM1D", convolved(1), space=(4,)),
    Configuration("ConvLSTM2D", convolved(2), space=(3, 4)),
    Configuration("ConvLSTM2D, valid", convolved(2, padding="valid"), space=(3, 4)),
    Configuration("ConvLSTM3D", convolved(3), space=(2, 3, 2)),
    Configuration("ConvLSTM1D, stateful", convolved(1, stateful=True), space=(4,), stateful=True),
    Configuration("ConvLSTM2D, dropout", convolved(2, dropout=0.3), space=(3, 4), random=True),
    Configuration("TimeDistributed(LSTM)", each_in_time),
    Configuration("TimeDistributed(LSTM), timesteps None", each_in_time, timesteps=None),
    Configuration("one LSTM called twice", called_twice),
    Configuration("in a nested model", in_a_nested_model),
    Configuration("in a layer of your own", lambda x: OwnLayer()(x)),
    Configuration("in a subclassed model", lambda x: OwnModel()(x)),
    Configuration("a subclass of LSTM with its own inner_loop", lambda x: OwnLoop(UNITS)(x)),
]
