"""Stands around layers that do not call their inner layers one by one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.replacing import replaced
from stateviz.recorder.steps import calls_so_far
from stateviz.recorder.tap import Tap


@contextmanager
def fused_directions_derived(
    both: keras.layers.Bidirectional, recorded: Sequence[keras.layers.RNN]
) -> Iterator[None]:
    """Derives both directions where one fused kernel computed them and called neither layer."""
    directions = [each for each in (both.forward_layer, both.backward_layer) if each in recorded]
    keras_call = both.call
    signature = inspect.signature(keras_call)

    @functools.wraps(keras_call)
    def call(*args: Any, **kwargs: Any) -> Any:
        before = [calls_so_far(each) for each in directions]
        result = keras_call(*args, **kwargs)
        if before == [calls_so_far(each) for each in directions]:
            arguments = signature.bind(*args, **kwargs).arguments
            given = list(arguments.get("initial_state") or [])
            half = len(given) // 2
            for each in directions:
                own = given[:half] if each is both.forward_layer else given[half:]
                Tap.of(each).derive_fused(each, arguments["sequences"], own)
        return result

    with replaced(both, "call", call):
        yield


@contextmanager
def vectorized_time_refused(
    wrapper: keras.layers.TimeDistributed, inner: keras.layers.RNN
) -> Iterator[None]:
    """Refuses a TimeDistributed of unknown length: vectorized, it runs no timestep for itself."""
    keras_call = wrapper.call

    @functools.wraps(keras_call)
    def call(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if inputs.shape[1] is None:
            raise ValueError(
                f"The layer {wrapper.name!r} (TimeDistributed) does not know how many timesteps it "
                f"has, so Keras runs them all at once and {inner.name!r} in it cannot be "
                f"recorded. Give its axis 1 a length, for example "
                f"keras.Input((10, *rest)) and not keras.Input((None, *rest))."
            )
        return keras_call(inputs, *args, **kwargs)

    with replaced(wrapper, "call", call):
        yield
