"""Stands around a model's own methods: phases and epochs, and the functions that Keras compiled."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.backends import here
from stateviz.recorder.posts import Block, Post, settle
from stateviz.recorder.recorded import Recorded, recorded_blocks
from stateviz.recorder.steps import STEPS, Step, one_step
from stateviz.recording import Phase

_COMPILED = ("train_function", "test_function", "predict_function")


class Trainer(Post):
    """Tells the blocks which method of a model runs, and lets Keras trace anew for them."""

    def __init__(self, owner: keras.Model) -> None:
        super().__init__(owner)
        self._aside: dict[str, Any] = {}
        self._made: dict[str, Any] = {}
        self._by_keras: list[Any] = []
        # Which functions are being made, and whether for `_renew`: an interrupt can end it there.
        self._pending: dict[str, bool] = {}
        self._baked_in: Any = None

    def stand_ins(self) -> dict[str, object]:
        """Its methods and steps, and whatever makes its compiled functions."""
        model = self.owner
        steps = here.stepping(model, {each: self._as_one_step(each) for each in STEPS.values()})
        methods: dict[str, object] = {method: self._announcing(method) for method in STEPS}
        making = {f"make_{name}": self._making(name) for name in _COMPILED}
        building = {"build": self._building(model.build), "compile": self._compiling(model.compile)}
        return steps | methods | making | building

    def join(self, block: Block) -> None:
        """Makes Keras trace anew, so that the block is in the trace."""
        if not self.blocks:
            self._aside = {name: vars(self.owner).get(name) for name in _COMPILED}
            self._baked_in = _baked_in(self.owner)
        super().join(block)
        self._renew()

    def settle(self) -> None:
        """Puts back the compiled functions that are still valid."""
        before = len(self.blocks)
        if all(block.over for block in self.blocks):
            self._put_back()
        super().settle()
        if 0 < len(self.blocks) < before:
            self._renew()

    def _renew(self) -> None:
        """Has each compiled function made anew; a method that runs now calls it by its name."""
        for name in _COMPILED:
            if vars(self.owner).get(name) is not None:
                self._pending[name] = True
                vars(self.owner)[name] = None
                getattr(self.owner, f"make_{name}")()
                self._made[name] = vars(self.owner)[name]
                del self._pending[name]

    def _put_back(self) -> None:
        """Puts each function back, or none where something has changed that it has baked in."""
        changed = self._baked_in != _baked_in(self.owner)
        for name, before in self._aside.items():
            function = vars(self.owner).get(name)
            by_keras = name in self._pending or any(function is each for each in self._by_keras)
            if function is not None and not by_keras:
                continue  # a function of the user's own
            as_made = self._pending.get(name) or function is self._made.get(name)
            valid = before is not None and as_made and not changed
            vars(self.owner)[name] = before if valid else None
            if before is not None and not valid:
                # A method that runs now calls it by its name, so there must be one.
                getattr(self.owner, f"make_{name}")()
        self._aside = {}

    def _making(self, name: str) -> Callable[..., Any]:
        keras_make = getattr(self.owner, f"make_{name}")

        @functools.wraps(keras_make)
        def make(*args: Any, **kwargs: Any) -> Any:
            renewing = name in self._pending
            self._pending.setdefault(name, False)
            result = keras_make(*args, **kwargs)
            self._by_keras.append(vars(self.owner).get(name))
            if not renewing:
                del self._pending[name]
            return result

        return make

    def _compiling(self, keras_compile: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(keras_compile)
        def compile_(*args: Any, **kwargs: Any) -> Any:
            result = keras_compile(*args, **kwargs)
            self._aside = dict.fromkeys(_COMPILED)
            if recorded_blocks(self.live()):
                here.refuse(self.owner)
            return result

        return compile_

    def _building(self, keras_build: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(keras_build)
        def build(*args: Any, **kwargs: Any) -> Any:
            result = keras_build(*args, **kwargs)
            for block in recorded_blocks(self.live()):
                block.look_again()
            return result

        return build

    def _as_one_step(self, name: str) -> Callable[..., Any]:
        keras_step = getattr(self.owner, name)
        step_of_model = Step(id(self.owner), name)

        @functools.wraps(keras_step)
        def step(*args: Any, **kwargs: Any) -> Any:
            with one_step(step_of_model):
                return keras_step(*args, **kwargs)

        return step

    def _announcing(self, phase: Phase) -> Callable[..., Any]:
        keras_method = getattr(self.owner, phase)

        @functools.wraps(keras_method)
        def method(*args: Any, **kwargs: Any) -> Any:
            settle()
            return announced(
                keras_method, phase, self.owner, recorded_blocks(self.live()), args, kwargs
            )

        return method


def announced(
    keras_method: Callable[..., Any],
    phase: Phase,
    model: keras.Model,
    blocks: Sequence[Recorded],
    args: Sequence[Any],
    kwargs: dict[str, Any],
) -> Any:
    """Calls a method of a model, and tells blocks its phase and its epochs."""
    if not blocks:
        return keras_method(*args, **kwargs)
    signature = inspect.signature(keras_method)
    bound = signature.bind(*args, **kwargs)
    callbacks = bound.arguments.get("callbacks")
    # fit hands its own CallbackList to the evaluate that validates.
    shared = isinstance(callbacks, keras.callbacks.CallbackList)
    with ExitStack() as stack:
        for block in blocks:
            capture = block.capture
            validates = phase == "evaluate" and shared and capture.phase_name == "fit"
            stack.enter_context(capture.phase("validation" if validates else phase, id(model)))
        if phase != "fit" or "callbacks" not in signature.parameters:
            return keras_method(*args, **kwargs)
        told = [_Epochs(block) for block in blocks]
        if shared:
            stack.enter_context(_appended(callbacks, told))
            return keras_method(*args, **kwargs)
        bound.arguments["callbacks"] = [*told, *keras.tree.flatten(callbacks or [])]
        return keras_method(*bound.args, **bound.kwargs)


@contextmanager
def _appended(
    callbacks: keras.callbacks.CallbackList, more: Sequence[keras.callbacks.Callback]
) -> Iterator[None]:
    for each in more:
        callbacks.append(each)
    try:
        yield
    finally:
        for each in more:
            callbacks.callbacks.remove(each)


class _Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells a block when an epoch of fit begins and ends."""

    def __init__(self, block: Recorded) -> None:
        super().__init__()
        self._block = block

    def on_train_begin(self, logs: Any = None) -> None:
        self._block.look_again()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._block.capture.epoch_began(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._block.capture.epoch_ended()


def _baked_in(model: keras.Model) -> Any:
    """What a trace of a model has in it for good, as far as its owner could have changed it."""
    layers = list(model._flatten_layers())
    # A layer may hold anything: only what is plain is compared, by its value.
    plain = [
        {
            name: value
            for name, value in vars(layer).items()
            if isinstance(value, bool | int | float | str)
            # Keras sets stop_training and its like in every run.
            and not name.startswith(("_", "stop_"))
        }
        for layer in layers
    ]
    weights = [
        (_Itself(weight), tuple(weight.shape), weight.dtype, weight.trainable)
        for weight in model.weights
    ]
    given = [_Itself(getattr(model, name, None)) for name in ("optimizer", "loss", "_compile_loss")]
    policies = [str(getattr(layer, "dtype_policy", "")) for layer in layers]
    return plain, weights, given, policies


@dataclass(frozen=True, eq=False)
class _Itself:
    """Equal to the very same object alone, which it keeps, so that no other takes its identity."""

    it: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.it is other.it

    __hash__ = None  # type: ignore[assignment]
