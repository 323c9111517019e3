"""Stands around layers that do not call their inner layers one by one."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from stateviz.recorder.layers import layers_below
from stateviz.recorder.posts import Post
from stateviz.recorder.recorded import recorded_layers
from stateviz.recorder.steps import calls_so_far
from stateviz.recorder.tap import Tap


class Directions(Post):
    """Derives both directions of a Bidirectional where one fused kernel called neither layer."""

    def stand_ins(self) -> dict[str, object]:
        """Its call."""
        both = self.owner
        keras_call = both.call
        signature = inspect.signature(keras_call)

        @functools.wraps(keras_call)
        def call(*args: Any, **kwargs: Any) -> Any:
            recorded = recorded_layers(self.live())
            directions = [
                each for each in (both.forward_layer, both.backward_layer) if id(each) in recorded
            ]
            before = [calls_so_far(each) for each in directions]
            result = keras_call(*args, **kwargs)
            if before == [calls_so_far(each) for each in directions]:
                arguments = signature.bind(*args, **kwargs).arguments
                given = list(arguments.get("initial_state") or [])
                half = len(given) // 2
                for each in directions:
                    own = given[:half] if each is both.forward_layer else given[half:]
                    Tap.of(each).derive_fused(arguments["sequences"], own)
            return result

        return {"call": call}


class TimeSlices(Post):
    """Refuses a TimeDistributed of unknown length: vectorized, it runs no timestep for itself."""

    def stand_ins(self) -> dict[str, object]:
        """Its call."""
        wrapper = self.owner
        keras_call = wrapper.call

        @functools.wraps(keras_call)
        def call(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            recorded = recorded_layers(self.live())
            inner = [each.name for _, each in layers_below(wrapper) if id(each) in recorded]
            if inner and inputs.shape[1] is None:
                raise ValueError(
                    f"The layer {wrapper.name!r} (TimeDistributed) does not know how many "
                    f"timesteps it has, so Keras runs them all at once and {inner[0]!r} in it "
                    f"cannot be recorded. Give its axis 1 a length, for example "
                    f"keras.Input((10, *rest)) and not keras.Input((None, *rest))."
                )
            return keras_call(inputs, *args, **kwargs)

        return {"call": call}
