"""Models of Keras on JAX and on PyTorch, drawn at random, and a training of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

__all__ = ["BACKEND", "BATCHES", "Drawn", "L", "a_model", "keras", "trained"]

L = keras.layers
BACKEND = keras.backend.backend()
KINDS = ("LSTM", "GRU", "SimpleRNN", "cells", "Bidirectional", "ConvLSTM2D")


@dataclass(frozen=True)
class Drawn:
    """A model with one recurrent layer, and what it is fed."""

    kind: str
    seed: int
    batch: int
    timesteps: int
    features: int
    units: int
    activation: str
    recurrent_activation: str
    go_backwards: bool
    unroll: bool
    stateful: bool
    use_cudnn: bool | str
    sequences: bool
    dropout: float
    recurrent_dropout: float
    masked: bool
    jit: bool

    @classmethod
    def of(cls, seed: int) -> Drawn:
        """The model of a seed."""
        random = np.random.default_rng(seed)

        def chance(part: float) -> bool:
            return bool(random.random() < part)

        kind = KINDS[seed % len(KINDS)]
        return cls(
            kind=kind,
            seed=seed,
            batch=int(random.integers(2, 7)),
            timesteps=int(random.integers(1, 8)),
            features=int(random.integers(1, 5)),
            units=int(random.integers(1, 33)),
            activation=str(random.choice(["tanh", "tanh", "relu", "gelu", "linear"])),
            recurrent_activation=str(random.choice(["sigmoid", "sigmoid", "hard_sigmoid"])),
            go_backwards=chance(0.3) and kind != "Bidirectional",
            unroll=(unroll := chance(0.3) and kind != "ConvLSTM2D"),
            stateful=(stateful := chance(0.4) and kind != "Bidirectional"),
            # On PyTorch Keras 3.15.1 cannot train a stateful LSTM or GRU otherwise.
            use_cudnn=False if stateful or chance(0.3) else "auto",
            sequences=chance(0.5),
            dropout=0.3 * chance(0.3) if kind != "cells" else 0.0,
            recurrent_dropout=0.2 * chance(0.3) if kind != "cells" else 0.0,
            # On PyTorch Keras 3.15.1 cannot run a masked loop that is unrolled.
            masked=chance(0.3) and kind != "ConvLSTM2D" and not (unroll and BACKEND == "torch"),
            jit=chance(0.85) and BACKEND == "jax",
        )

    def __str__(self) -> str:
        said = [f"{name}={value}" for name, value in asdict(self).items() if value is not False]
        return ", ".join(said)

    def layer(self) -> Any:
        """The layer."""
        shape = {"stateful": self.stateful, "return_sequences": self.sequences, "name": "rnn"}
        loop = {"unroll": self.unroll, "go_backwards": self.go_backwards}
        drops = {"dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout}
        looks: dict[str, Any] = {"activation": self.activation}
        if self.kind == "cells":
            cells = [L.LSTMCell(self.units, **looks), L.GRUCell(min(self.units, 7))]
            return L.RNN(cells, **shape, **loop)
        if self.kind == "ConvLSTM2D":
            del loop["unroll"]
            return L.ConvLSTM2D(
                min(self.units, 5), 2, padding="same", **looks, **shape, **loop, **drops
            )
        if self.kind != "SimpleRNN":
            looks["recurrent_activation"] = self.recurrent_activation
            looks["use_cudnn"] = self.use_cudnn
        kind = getattr(L, "LSTM" if self.kind == "Bidirectional" else self.kind)
        layer = kind(self.units, **looks, **shape, **loop, **drops)
        return L.Bidirectional(layer, name="rnn") if self.kind == "Bidirectional" else layer

    def model(self) -> keras.Model:
        """A compiled model around it, always the same."""
        keras.utils.set_random_seed(self.seed)
        inputs = keras.Input(batch_shape=(self.batch, *self.data()[0].shape[1:]))
        x = L.Masking()(inputs) if self.masked else inputs
        model = keras.Model(inputs, L.Dense(1)(L.Flatten()(self.layer()(x))))
        eager = BACKEND == "jax" and not self.jit
        model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=self.jit, run_eagerly=eager)
        return model

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Three batches, X and y."""
        random = np.random.default_rng(self.seed)
        space = (4, 4) if self.kind == "ConvLSTM2D" else ()
        X = random.normal(size=(3 * self.batch, self.timesteps, *space, self.features))
        if self.masked:
            X[random.random(X.shape[:2]) < 0.3] = 0
            X[:, 0] = 1
        return X.astype("float32"), random.normal(size=(len(X), 1)).astype("float32")


def trained(model: keras.Model, drawn: Drawn) -> list[bytes]:
    """All that a training leaves, as bits."""
    X, y = drawn.data()
    some = {"batch_size": drawn.batch, "verbose": 0}
    one = slice(drawn.batch)
    history = model.fit(X, y, epochs=2, validation_data=(X[one], y[one]), **some).history
    left = [
        *(value for values in history.values() for value in values),
        model.evaluate(X, y, **some),
        model.train_on_batch(X[one], y[one]),
        model.predict(X, **some),
        keras.ops.stop_gradient(model(X[one], training=True)),
        *model.optimizer.variables,
        *model.variables,
    ]
    return [keras.ops.convert_to_numpy(each).tobytes() for each in left]


def a_model(**options: Any) -> keras.Model:
    """A small compiled model around an LSTM, always the same."""
    keras.utils.set_random_seed(3)
    layers = [keras.Input((5, 2)), L.LSTM(4, name="lstm", **options), L.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


BATCHES = 2 * (3 + 1) + 3 + 1 + 3 + 1  # of `trained`
