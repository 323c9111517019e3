"""A stateful LSTM on the torch backend: the first step of fit raises a RuntimeError.

Run: KERAS_BACKEND=torch python torch_stateful.py (use_cudnn=False trains).
"""

import keras
import numpy as np


def outcome(**options: object) -> str:
    """What a fit of two batches comes to."""
    lstm = keras.layers.LSTM(4, stateful=True, **options)
    model = keras.Sequential([keras.Input(batch_shape=(2, 3, 1)), lstm, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    try:
        model.fit(np.ones((4, 3, 1)), np.ones((4, 1)), batch_size=2, verbose=0)
    except RuntimeError as error:
        return f"RuntimeError: {str(error).split(':')[0]}"
    return "trains"


if __name__ == "__main__":
    print("as it is:       ", outcome())
    print("use_cudnn=False:", outcome(use_cudnn=False))
