"""Patches of a model's own methods: phases, epochs, and the functions that Keras compiled."""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from stateviz.recorder.backends import backend
from stateviz.recorder.capture import Capture
from stateviz.recorder.context import STEPS, Step, context
from stateviz.recorder.frameworks import keras
from stateviz.recorder.layers import layers_below
from stateviz.recorder.patches import Block, Patch, lock
from stateviz.recorder.recorded import RecordedBlock, recorded_blocks
from stateviz.recording import Phase

_COMPILED = ("train_function", "test_function", "predict_function")
RECORDS_ITS_CALL = "recording_of"  # what a callback has that records the call it is given to


class ModelPatch(Patch):
    """Reports to the blocks which method of a model runs, and has Keras trace anew for them."""

    def __init__(self, owner: keras.Model) -> None:
        super().__init__(owner)
        self._before: dict[str, object] = {}  # the compiled functions of before the first block
        self._renewed: dict[str, object] = {}
        self._made: list[object] = []

    def replacements(self) -> dict[str, object]:
        model = self.owner
        steps = {name: self._as_one_step(name) for name in {*STEPS.values()}}
        methods: dict[str, object] = {phase: self._announcing(phase) for phase in STEPS}
        return {
            **backend.replacements(model, steps),
            **methods,
            **{f"make_{name}": self._making(name) for name in _COMPILED},
        }

    def activate(self, block: Block) -> None:
        """Has Keras trace anew, so that the block is in the trace."""
        is_first, compiled = not self.blocks, self._compiled()
        super().activate(block)
        self._before = {
            name: function
            for name, function in (compiled if is_first else self._before).items()
            if is_first or compiled[name] is self._renewed[name]
        }
        self._renew()

    def deactivate(self) -> None:
        """Puts the compiled functions back, or has them made anew if they are not those of here."""
        super().deactivate()
        if self.blocks:
            self._renew()
            return
        for name, function in self._compiled().items():
            if function is self._renewed.get(name) and self._before.get(name) is not None:
                vars(self.owner)[name] = self._before[name]
            elif any(function is each for each in self._made):
                self._make_anew(name)
        self._before, self._renewed, self._made = {}, {}, []

    def _compiled(self) -> dict[str, object]:
        return {name: vars(self.owner).get(name) for name in _COMPILED}

    def _renew(self) -> None:
        """Has each compiled function made anew; a method that runs now calls it by its name."""
        for name, function in self._compiled().items():
            if function is not None:
                self._make_anew(name)
        self._renewed = self._compiled()

    def _make_anew(self, name: str) -> None:
        vars(self.owner)[name] = None
        getattr(self.owner, f"make_{name}")()

    def _making(self, name: str) -> Callable[..., Any]:
        keras_make = getattr(self.owner, f"make_{name}")

        @functools.wraps(keras_make)
        def make(*args: Any, **kwargs: Any) -> Any:
            keras_make(*args, **kwargs)
            function = vars(self.owner)[name]
            if not any(function is each for each in self._made):
                vars(self.owner)[name] = function = backend.compiled(function)
                self._made.append(function)
            return function

        return make

    def _as_one_step(self, name: str) -> Callable[..., Any]:
        keras_step = getattr(self.owner, name)
        step_of_model = Step(id(self.owner), name)

        @functools.wraps(keras_step)
        def step(*args: Any, **kwargs: Any) -> Any:
            order = backend.order(step_of_model)
            with context.set(step=step_of_model, calls=Counter(), order=order):
                return keras_step(*args, **kwargs)

        return step

    def _announcing(self, phase: Phase) -> Callable[..., Any]:
        keras_method = getattr(self.owner, phase)

        @functools.wraps(keras_method)
        def method(*args: Any, **kwargs: Any) -> Any:
            blocks = recorded_blocks(self.blocks)
            return announced(keras_method, phase, blocks, args, kwargs)

        return method


def announced(
    keras_method: Callable[..., Any],
    phase: Phase,
    blocks: Sequence[RecordedBlock],
    args: Sequence[Any],
    kwargs: dict[str, Any],
) -> Any:
    """Calls a method of a model, and reports its phase to blocks."""
    # fit hands its own CallbackList to the evaluate that validates.
    given = (*args, *kwargs.values())
    shared = any(isinstance(each, keras.callbacks.CallbackList) for each in given)
    with ExitStack() as stack:
        for block in blocks:
            validates = phase == "evaluate" and shared and block.capture.phase_name == "fit"
            stack.enter_context(block.capture.phase("validation" if validates else phase))
        return keras_method(*args, **kwargs)


class EveryFitPatch(Patch):
    """Patches the class of all callback lists, to which each fit of Keras tells its epochs.

    So they are known whatever signature the `fit` has that the user calls.
    """

    def replacements(self) -> dict[str, object]:
        return {
            "on_epoch_begin": self._reporting(self.owner.on_epoch_begin, Capture.epoch_began),
            "on_epoch_end": self._reporting(self.owner.on_epoch_end, Capture.epoch_ended),
        }

    @staticmethod
    def _reporting(
        keras_method: Callable[..., Any], report: Callable[[Capture, int], None]
    ) -> Callable[..., Any]:
        @functools.wraps(keras_method)
        def method(callbacks: Any, epoch: int, *args: Any, **kwargs: Any) -> Any:
            for block in recorded_blocks(ModelPatch.of(callbacks.model).blocks):
                if block.capture.phase_name == "fit":
                    report(block.capture, epoch)
            return keras_method(callbacks, epoch, *args, **kwargs)

        return method


class EveryModelPatch(Patch):
    """Patches the class of all Keras models, for those that nobody has named to a block.

    A second model over recorded layers, such as an extractor or the encoder of a pair, has compiled
    functions and phases of its own. It is noticed when one of its methods is called. A callback
    that records its call is noticed then too, and records for as long as it lasts.
    """

    def replacements(self) -> dict[str, object]:
        return {phase: self._adopting(phase) for phase in STEPS}

    def _adopting(self, phase: Phase) -> Callable[..., Any]:
        keras_method = getattr(self.owner, phase)

        @functools.wraps(keras_method)
        def method(model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            own = functools.partial(keras_method, model)
            with ExitStack() as stack:
                opened = [
                    stack.enter_context(callback.recording_of(model))
                    for callback in _recording_callbacks(own, args, kwargs)
                    if callback.block is None  # else the call around this one is recorded
                ]
                return announced(own, phase, [*_adopted(model), *opened], args, kwargs)

        return method


def _adopted(model: keras.Model) -> list[RecordedBlock]:
    """The blocks that record a layer of a model and did not know of it before."""
    with lock:
        patch = ModelPatch.of(model)
        new = [block for block in recorded_blocks() if block not in patch.blocks]
        layers = {id(layer) for _, layer in layers_below(model)} if new else set()
        adopting = [each for each in new if any(id(one) in layers for one in each.plan.layers)]
        for block in adopting:
            block.add(patch)
    return adopting


def _recording_callbacks(
    method: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> list[Any]:
    signature = inspect.signature(method)
    if "callbacks" not in signature.parameters:
        return []
    given = signature.bind(*args, **kwargs).arguments.get("callbacks")
    if isinstance(given, keras.callbacks.CallbackList):
        given = given.callbacks
    return [each for each in keras.tree.flatten(given) if hasattr(each, RECORDS_ITS_CALL)]
