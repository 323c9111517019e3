"""A stateful LSTM on the JAX backend: fit, evaluate and predict carry no state, without a word.

Run: KERAS_BACKEND=jax python jax_stateful.py (and KERAS_BACKEND=tensorflow to compare).
The layer counts: its output is the sum of all inputs since its state was last zero.
"""

import keras
import numpy as np


def counting_model() -> keras.Model:
    """One unit whose gates are all open, and whose candidate is its input."""
    lstm = keras.layers.LSTM(1, activation="linear", unit_forget_bias=False, stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(2, 3, 1)), lstm])
    bias = np.array([30.0, 30.0, 0.0, 30.0])
    lstm.set_weights([np.array([[0.0, 0.0, 1.0, 0.0]]), np.zeros((1, 4)), bias])
    return model


if __name__ == "__main__":
    model = counting_model()
    outputs = model.predict(np.ones((6, 3, 1)), batch_size=2, verbose=0)[::2, 0]
    print("expected, as on TensorFlow: 3 6 9")
    print("predict, 3 batches:        ", *(f"{value:.0f}" for value in outputs))
