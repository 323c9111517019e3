"""What mends a state that its owner did not expect: resets at the right moments."""

from __future__ import annotations

from typing import Any

import numpy as np

from stateviz.recorder.frameworks import keras
from stateviz.recorder.layers import layers_below, unique_names


def reset_state(model: keras.layers.Layer) -> tuple[str, ...]:
    """Sets the states of all stateful recurrent layers of a model to zeros, however deep they are.

    Keras 3 has no such method on a model: `model.reset_states()` is an AttributeError, and a loop
    over `model.layers` misses the layers of nested models.

    Args:
        model: A built Keras model or layer.

    Returns:
        The names of the layers that were reset.

    Raises:
        TypeError: `model` is not a Keras layer.
        ValueError: No layer of it is stateful, so that there is nothing to reset.

    Example:
        >>> import keras, stateviz
        >>> lstm = keras.layers.LSTM(4, stateful=True, name="lstm")
        >>> model = keras.Sequential([keras.Input(batch_shape=(2, 5, 1)), lstm])
        >>> stateviz.reset_state(model)
        ('lstm',)
    """
    found = _stateful_layers(model)
    for layer in found.values():
        if any(isinstance(state, list | tuple) for state in layer.states):
            # RNN([cells]).reset_state() fails in Keras: its states are a list for each cell.
            for state in _states_of(layer):
                state.assign(np.zeros(state.shape))
        else:
            layer.reset_state()
    return tuple(found)


class ResetStates(keras.callbacks.Callback):  # type: ignore[misc]
    """Resets the states of a stateful model when its owner would expect it.

    Each epoch of fit begins from zeros. Validation, evaluate and predict begin from zeros too, and
    leave the states as they found them: without this they go on where training was, and training
    goes on where they ended. On JAX it has no effect: Keras keeps no state in its compiled steps.

    Args:
        each_epoch: Whether an epoch begins from zeros; if not, it goes on where the last ended.

    Example:
        >>> import keras, numpy as np, stateviz
        >>> lstm = keras.layers.LSTM(4, stateful=True, name="lstm")
        >>> model = keras.Sequential([keras.Input(batch_shape=(2, 5, 1)), lstm])
        >>> model.compile(loss="mse")
        >>> X, y = np.ones((4, 5, 1)), np.ones((4, 4))
        >>> with stateviz.record(model) as recording:
        ...     _ = model.fit(X, y, batch_size=2, epochs=2, shuffle=False, verbose=0,
        ...                   validation_data=(X, y), callbacks=[stateviz.ResetStates()])
        >>> [batch.origin for batch in recording["lstm"].batches if batch.phase == "fit"]
        ['reset', 'carried', 'reset', 'carried']
        >>> recording.findings()
        []
    """

    def __init__(self, *, each_epoch: bool = True) -> None:
        super().__init__()
        self.each_epoch = each_epoch
        self._kept: list[tuple[Any, np.ndarray]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Resets the states at the start of an epoch of fit."""
        if self.each_epoch:
            reset_state(self.model)

    def on_test_begin(self, logs: Any = None) -> None:
        """Keeps the states and resets them, before validation or evaluate."""
        layers = _stateful_layers(self.model).values()
        states = [state for layer in layers for state in _states_of(layer)]
        self._kept = [(state, _value(state)) for state in states]
        reset_state(self.model)

    def on_test_end(self, logs: Any = None) -> None:
        """Puts the kept states back, after validation or evaluate."""
        for state, value in self._kept:
            state.assign(value)
        self._kept = []

    on_predict_begin = on_test_begin
    on_predict_end = on_test_end


def _stateful_layers(model: keras.layers.Layer) -> dict[str, keras.layers.RNN]:
    """The stateful recurrent layers of a model by their names in a recording."""
    if not isinstance(model, keras.layers.Layer):
        raise TypeError(f"Expected a Keras model or layer; received {type(model).__name__}.")
    recurrent = {
        path: layer
        for path, layer in layers_below(model)
        if isinstance(layer, keras.layers.RNN) and layer.stateful and layer.built
    }
    if not recurrent:
        raise ValueError(
            f"No built layer of {model.name!r} is stateful, so there is no state to reset: a "
            f"stateless layer begins each batch from new zeros. Make the layer with stateful=True "
            f"to carry states over."
        )
    return unique_names(recurrent)


def _states_of(layer: keras.layers.RNN) -> list[Any]:
    return list(keras.tree.flatten(layer.states))


def _value(state: Any) -> np.ndarray:
    # np.array(state) would warn: variables of TensorFlow do not know NumPy 2's `copy`.
    return np.copy(keras.ops.convert_to_numpy(state))
