"""An LSTM whose state can be foretold: it counts what it has read."""

from __future__ import annotations

from typing import Any

import numpy as np


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
