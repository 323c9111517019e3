"""A model with the same weights for another batch size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stateviz.recorder.frameworks import keras


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
            f"stateviz.twin copies Sequential and functional models, layer by layer; received "
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
        return type(layer).from_config(config)

    def new_input(tensor: keras.KerasTensor) -> keras.KerasTensor:
        shape = _new_shape(tensor.shape, batch_size, timesteps)
        return keras.Input(batch_shape=shape, dtype=tensor.dtype, name=tensor.name)

    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
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
