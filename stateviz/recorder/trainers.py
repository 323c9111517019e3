"""Stands around a model's own methods: phases and epochs, and the functions that Keras compiled."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.capture import Capture
from stateviz.recorder.plan import refuse_xla
from stateviz.recorder.replacing import replaced
from stateviz.recorder.steps import one_step
from stateviz.recording import Phase

# The method that a user calls, and the step that Keras runs in it, once a batch.
_STEPS: dict[Phase, str] = {
    "fit": "train_step",
    "evaluate": "test_step",
    "predict": "predict_step",
    "train_on_batch": "train_step",
    "test_on_batch": "test_step",
    "predict_on_batch": "predict_step",
}
PHASE_METHODS = tuple(_STEPS)
_COMPILED = ("train_function", "test_function", "predict_function")


@contextmanager
def phases_announced(trainer: Any, capture: Capture) -> Iterator[None]:
    """Tells the capture which method runs, and counts a layer's calls within each step."""
    with ExitStack() as stack:
        for step in set(_STEPS.values()):
            stack.enter_context(replaced(trainer, step, _as_one_step(getattr(trainer, step))))
        for method in _STEPS:
            announced = _announcing(getattr(trainer, method), method, capture)
            stack.enter_context(replaced(trainer, method, announced))
        yield


def _as_one_step(keras_step: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(keras_step)
    def step(*args: Any, **kwargs: Any) -> Any:
        with one_step():
            return keras_step(*args, **kwargs)

    return step


def _announcing(
    keras_method: Callable[..., Any], phase: Phase, capture: Capture
) -> Callable[..., Any]:
    signature = inspect.signature(keras_method)

    @functools.wraps(keras_method)
    def method(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        callbacks = bound.arguments.get("callbacks")
        # fit hands its own CallbackList to the evaluate that validates.
        validates = (
            phase == "evaluate"
            and capture.phase_name == "fit"
            and isinstance(callbacks, keras.callbacks.CallbackList)
        )
        with capture.phase("validation" if validates else phase):
            if phase != "fit" or "callbacks" not in signature.parameters:
                return keras_method(*args, **kwargs)
            epochs = _Epochs(capture)
            if isinstance(callbacks, keras.callbacks.CallbackList):
                callbacks.append(epochs)
                try:
                    return keras_method(*args, **kwargs)
                finally:
                    callbacks.callbacks.remove(epochs)
            bound.arguments["callbacks"] = [epochs, *keras.tree.flatten(callbacks or [])]
            return keras_method(*bound.args, **bound.kwargs)

    return method


class _Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells the capture when an epoch of fit begins and ends."""

    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self._capture = capture

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._capture.epoch_began(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._capture.epoch_ended()


@contextmanager
def compiled_functions_set_aside(trainer: Any) -> Iterator[None]:
    """Makes Keras trace anew in the block, and puts the compiled functions back after it."""
    before = {name: vars(trainer)[name] for name in _COMPILED if name in vars(trainer)}
    compiled_anew = []
    keras_compile = trainer.compile

    @functools.wraps(keras_compile)
    def compile_(*args: Any, **kwargs: Any) -> Any:
        result = keras_compile(*args, **kwargs)
        compiled_anew.append(True)
        refuse_xla(trainer)
        return result

    with replaced(trainer, "compile", compile_):
        try:
            vars(trainer).update(dict.fromkeys(before))
            yield
        finally:
            # The old functions belong to the old optimizer and loss.
            vars(trainer).update(dict.fromkeys(before) if compiled_anew else before)
