"""Two calls that the docstring of keras.layers.RNN promises, and that fail on every backend."""

import keras
import numpy as np


def outcomes() -> dict[str, str]:
    """Each call, and the error that it raises."""
    lstm = keras.layers.LSTM(4, stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(2, 3, 1)), lstm])
    zeros = [np.zeros((2, 4)), np.zeros((2, 4))]
    calls = {
        "model.reset_state()": lambda: model.reset_state(),
        "lstm.reset_state(states=zeros)": lambda: lstm.reset_state(states=zeros),
    }
    found = {}
    for call, run in calls.items():
        try:
            run()
            found[call] = "works"
        except Exception as error:
            found[call] = type(error).__name__
    return found


if __name__ == "__main__":
    for call, found in outcomes().items():
        print(f"{call:32}{found}")
