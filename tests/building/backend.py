"""What Keras runs on while tests run: TensorFlow, unless KERAS_BACKEND says JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest

BACKEND = keras.backend.backend()

only_on_tensorflow = pytest.mark.skipif(
    BACKEND != "tensorflow", reason=f"this is another way on {BACKEND}, by Keras itself"
)


def compiled(function: Callable[..., Any]) -> Any:
    """A function compiled by hand, as a user's own."""
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    if BACKEND == "torch":
        return function
    import tensorflow as tf

    return tf.function(function)
