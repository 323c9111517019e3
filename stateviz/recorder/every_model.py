"""Stands in the class of all Keras models, for those that nobody has named to a block.

A second model over recorded layers, such as an extractor or the encoder of a pair, has compiled
functions and phases of its own. It is noticed when one of its methods is called. A `StateRecorder`
is noticed among the callbacks of that call, and records for as long as it lasts.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.layers import layers_below
from stateviz.recorder.posts import Post, one_at_a_time, settle
from stateviz.recorder.recorded import Recorded, recorded_blocks
from stateviz.recorder.steps import STEPS
from stateviz.recorder.trainers import Trainer, announced
from stateviz.recording import Phase, Recording


class RecordsItsCall(keras.callbacks.Callback):  # type: ignore[misc]
    """A callback that records the call of the model that it is given to."""

    def recording_of(self, model: keras.Model) -> AbstractContextManager[Recording]:
        """What records a model for as long as the call lasts."""
        raise NotImplementedError

    def block(self) -> Recorded | None:
        """The block that is open."""
        raise NotImplementedError


class EveryModel(Post):
    """Adopts the models that hold a recorded layer, and opens the callbacks that record."""

    def stand_ins(self) -> dict[str, object]:
        """Every method that runs a model."""
        return {phase: self._adopting(phase) for phase in STEPS}

    def _adopting(self, phase: Phase) -> Callable[..., Any]:
        keras_method = getattr(self.owner, phase)

        @functools.wraps(keras_method)
        def method(model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            settle()
            own = functools.partial(keras_method, model)
            callbacks = _callbacks(own, args, kwargs)

            def run(waiting: Sequence[RecordsItsCall], opened: Sequence[Recorded]) -> Any:
                if not waiting:
                    return announced(own, phase, model, opened, args, kwargs)
                first, *others = waiting
                if first.block() is not None:
                    return run(others, opened)  # The call around this one is recorded.
                # Not in a variable: only the statement may hold it.
                with first.recording_of(model):
                    return run(others, [*opened, *recorded_blocks(filter(None, [first.block()]))])

            return run(callbacks, _adopted(model))

        return method


@one_at_a_time
def _adopted(model: keras.Model) -> list[Recorded]:
    """The blocks that record a layer of a model and did not know of it before."""
    trainer = Trainer.of(model)
    new = [block for block in recorded_blocks() if block not in trainer.blocks]
    if not new:
        return []
    layers = {id(layer) for _, layer in layers_below(model)}
    adopting = [block for block in new if any(id(each) in layers for each in block.plan.layers)]
    for block in adopting:
        trainer.join(block)
    return adopting


def _callbacks(
    method: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> list[RecordsItsCall]:
    """The callbacks of a call that record it."""
    signature = inspect.signature(method)
    if "callbacks" not in signature.parameters:
        return []
    given = signature.bind(*args, **kwargs).arguments.get("callbacks")
    if isinstance(given, keras.callbacks.CallbackList):
        given = given.callbacks
    return [each for each in keras.tree.flatten(given) if isinstance(each, RecordsItsCall)]
