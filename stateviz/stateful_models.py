"""Helpers for stateful models: resets at the right moments, and a twin for another batch size."""

from __future__ import annotations

from collections.abc import Iterator
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
        raise TypeError(f"Expected a Keras model or layer; got {type(model).__name__}.")
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


def twin(
    model: keras.Model,
    *,
    batch_size: int | None,
    timesteps: int | None = -1,
    stateful: bool | None = None,
) -> keras.Model:
    """Makes a model with the same weights for another batch size.

    A stateful layer is built for one batch size. To predict with another, such as one sample at a
    time, copy the weights into a twin. The twin has states of its own, and is not compiled.

    Args:
        model: A built Sequential or functional model.
        batch_size: The twin's; None for any, which a stateful layer does not allow.
        timesteps: The twin's, None for any; where left out, the model's.
        stateful: Whether the twin's recurrent layers are; where None, as in the model.

    Returns:
        The twin, whose weights are copies.

    Raises:
        TypeError: The model was made by subclassing, so that it cannot be copied layer by layer.
        ValueError: The twin would have a stateful layer without a batch size.

    Example:
        >>> import keras, stateviz
        >>> lstm = keras.layers.LSTM(4, stateful=True, name="lstm")
        >>> model = keras.Sequential([keras.Input(batch_shape=(32, 20, 1)), lstm])
        >>> one_by_one = stateviz.twin(model, batch_size=1, timesteps=1)
        >>> one_by_one.input_shape, one_by_one.get_layer("lstm").stateful
        ((1, 1, 1), True)
    """
    if not isinstance(model, keras.Sequential) and not _is_functional(model):
        raise TypeError(
            f"stateviz.twin copies Sequential and functional models, layer by layer; got "
            f"{type(model).__name__}. Make a second model of your class, call it once on a batch "
            f"of the new size, and give it the weights: new.set_weights(model.get_weights())."
        )
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} is not built yet, so it has no weights to copy."
        )

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.Sequential) or _is_functional(layer):
            return twin(layer, batch_size=batch_size, timesteps=timesteps, stateful=stateful)
        config = layer.get_config()
        for each in _recurrent_configs(config):
            each["stateful"] = each["stateful"] if stateful is None else stateful
            if batch_size is None and each["stateful"]:
                raise ValueError(
                    f"The layer {layer.name!r} would be stateful, so the twin needs a batch size, "
                    f"such as batch_size=1; or make it stateless, with stateful=False."
                )
        if isinstance(layer, keras.layers.Lambda):  # the function is here already, unlike a file's
            return keras.layers.Lambda.from_config(config, safe_mode=False)
        return type(layer).from_config(config)

    def new_input(tensor: keras.KerasTensor) -> keras.KerasTensor:
        shape = _new_shape(tensor.shape, batch_size, timesteps)
        return keras.Input(batch_shape=shape, dtype=tensor.dtype, name=tensor.name)

    kinds = {type(each) for _, each in layers_below(model)}
    own = {kind.__name__: kind for kind in kinds if not kind.__module__.startswith("keras.")}
    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    # A class of the user's own that nobody registered is found by its name, as when it was made.
    with keras.saving.CustomObjectScope(own):
        made = keras.models.clone_model(
            model,
            input_tensors=keras.tree.map_structure(new_input, inputs),
            clone_function=copied,
        )
    made.set_weights(model.get_weights())
    return made


def _is_functional(layer: keras.layers.Layer) -> bool:
    """Whether a layer is a model that knows how its layers are wired."""
    # Keras has no public name for the class; a subclass of a user's own has its own __init__.
    return isinstance(layer, keras.Model) and type(layer).__name__ == "Functional"


def _new_shape(
    shape: tuple[int | None, ...], batch_size: int | None, timesteps: int | None
) -> tuple[int | None, ...]:
    if len(shape) < 2:
        return (batch_size, *shape)[: len(shape)]  # a number for each sample
    _, time, *features = shape
    return (batch_size, time if timesteps == -1 else timesteps, *features)


def _recurrent_configs(config: Any) -> Iterator[dict[str, Any]]:
    """The configurations of recurrent layers in that of a layer, which may be a wrapper."""
    if isinstance(config, dict):
        if "stateful" in config:
            yield config
        config = list(config.values())
    if isinstance(config, list):
        for each in config:
            yield from _recurrent_configs(each)
