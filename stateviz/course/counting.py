"""Two small LSTMs: one counts what it has read, one was trained to forecast."""

from __future__ import annotations

from typing import Any

import numpy as np

import stateviz
from stateviz.course.data import co2_lanes
from stateviz.course.notebook import quietly


def counting_model(
    *, batch_size: int | None, timesteps: int | None, stateful: bool = False, **options: Any
) -> Any:
    """Makes a compiled model of one LSTM of one unit that sums its inputs, exactly.

    After each timestep the cell state c is the sum of all inputs since the state was last zero, and
    h is c. It is a real `keras.layers.LSTM` whose weights were chosen: the input and the output
    gate are always 1, since sigmoid(30) is exactly 1 in float32, and so is the forget gate; the
    candidate is the input. The learning rate is 0, so `fit` runs Keras's own code and leaves the
    weights alone.

    Args:
        batch_size: The batch size; None for any, which a stateful layer does not allow.
        timesteps: The timesteps of a sequence; None for any.
        stateful: Whether the state is carried over from batch to batch.
        options: More arguments of `keras.layers.LSTM`.

    Returns:
        A `keras.Sequential` that reads (batch, timesteps, 1); its layer is named "lstm".

    Example:
        >>> import numpy as np
        >>> model = counting_model(batch_size=1, timesteps=4)
        >>> model.predict(np.array([[[1.0], [2.0], [3.0], [4.0]]]), verbose=0)
        array([[10.]], dtype=float32)
    """
    import keras

    lstm = keras.layers.LSTM(
        1,
        activation="linear",
        unit_forget_bias=False,
        stateful=stateful,
        name="lstm",
        **options,
    )
    model = keras.Sequential([keras.Input(batch_shape=(batch_size, timesteps, 1)), lstm])
    kernel, recurrent_kernel = np.array([[0.0, 0.0, 1.0, 0.0]]), np.zeros((1, 4))
    lstm.set_weights([kernel, recurrent_kernel, np.array([30.0, 30.0, 0.0, 30.0])])
    # On a GPU Keras chooses XLA for such a layer by itself; here all machines run the same.
    jit = False if keras.backend.backend() == "tensorflow" else "auto"
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=jit)
    return model


def co2_model() -> tuple[Any, np.ndarray]:
    """Trains a stateful LSTM of 8 units to forecast the next week of CO2; it takes some seconds.

    Returns:
        The model, which reads (10, 10, 1), and 60 weeks in a row for it, of shape (6, 10, 1).
    """
    with quietly():
        import keras

    X, y = co2_lanes(samples=400, timesteps=10, batch_size=10)
    keras.utils.set_random_seed(0)
    layers = [keras.layers.LSTM(8, stateful=True, name="lstm"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input(batch_shape=(10, 10, 1)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    resets = [stateviz.ResetStates()]
    model.fit(X, y, batch_size=10, epochs=15, shuffle=False, callbacks=resets, verbose=0)
    return model, X[::10][:6]
