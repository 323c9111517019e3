"""`StateRecorder`: the recorder as a Keras callback, for whoever expects one."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.block import attached
from stateviz.recorder.capture import Capture
from stateviz.recorder.options import Options, takes_options
from stateviz.recorder.plan import Plan, planned
from stateviz.recorder.replacing import replaced
from stateviz.recorder.trainers import PHASE_METHODS
from stateviz.recording import Phase, Recording


class StateRecorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Records what a model's recurrent layers hold, as a callback of fit, evaluate or predict.

    It records what `stateviz.record` records, during the calls that it is given to; all of them
    fill one recording. Where training ends by an error or an interrupt, Keras tells no callback.
    Then the model is put back at once if the error came out of a training step, and else when
    one of its methods is called next, or by `close()`.

    Args:
        layers, samples, units, every, gates, inputs, max_bytes: As of `stateviz.record`.

    Example:
        >>> import keras, numpy as np, stateviz
        >>> model = keras.Sequential([keras.Input((20, 1)), keras.layers.LSTM(4, name="lstm")])
        >>> recorder = stateviz.StateRecorder(gates=True)
        >>> _ = model.predict(np.zeros((10, 20, 1)), batch_size=5, verbose=0, callbacks=[recorder])
        >>> recorder.recording
        Recording of 'lstm': a stateless LSTM of 4 units
            predict: 2 batches; states began 2 fresh
            began from zeros: 2 state tensors, 10 sample states; reset_state called 0 times
    """

    @takes_options(Options)
    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options
        self._planned: tuple[Any, Plan, Capture] | None = None
        self._open_block = ExitStack()
        self._phase: Phase | None = None
        self._frame: FrameType | None = None

    @property
    def recording(self) -> Recording:
        """What was recorded so far.

        Raises:
            RuntimeError: Nothing ran with this callback yet.
        """
        if self._planned is None:
            raise RuntimeError(
                "Nothing is recorded yet. Pass this StateRecorder to fit, evaluate or predict, for "
                "example model.fit(X, y, callbacks=[recorder])."
            )
        return self._planned[2].recording

    def close(self) -> None:
        """Stops recording and leaves the model as it was found; Keras's end of a call does so."""
        self._phase = self._frame = None
        self._open_block.close()

    def on_train_begin(self, logs: Any = None) -> None:
        """Records from here on."""
        self._open("fit")

    def on_train_end(self, logs: Any = None) -> None:
        """Stops recording."""
        self._ended("fit")

    def on_test_begin(self, logs: Any = None) -> None:
        """Records from here on; validation in fit is recorded already."""
        self._open("evaluate")

    def on_test_end(self, logs: Any = None) -> None:
        """Stops recording, if it began with this evaluation."""
        self._ended("evaluate")

    def on_predict_begin(self, logs: Any = None) -> None:
        """Records from here on."""
        self._open("predict")

    def on_predict_end(self, logs: Any = None) -> None:
        """Stops recording."""
        self._ended("predict")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Tells the recording which epoch begins."""
        if self._phase == "fit" and self._planned is not None:
            self._planned[2].epoch_began(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tells the recording that an epoch ended."""
        if self._phase == "fit" and self._planned is not None:
            self._planned[2].epoch_ended()

    def _open(self, phase: Phase) -> None:
        if self._phase is not None and _is_running(self._frame):
            return
        self.close()
        model = self.model
        if self._planned is None or self._planned[0] is not model:
            plan = planned(model, self._options)
            capture = Capture(plan.recording(self._options), self._options)
            self._planned = (model, plan, capture)
        _, plan, capture = self._planned
        capture.reopen()
        self._frame = _frame_of(phase, model)
        with ExitStack() as stack:
            stack.enter_context(attached(plan, capture))
            stack.enter_context(capture.phase(phase))
            stack.enter_context(self._closed_by_errors(phase))
            for method in PHASE_METHODS:
                stand_in = self._closing_when_over(method, getattr(model, method))
                stack.enter_context(replaced(model, method, stand_in))
            self._open_block = stack.pop_all()
        self._phase = phase

    def _ended(self, phase: Phase) -> None:
        if self._phase == phase:
            self.close()

    @contextmanager
    def _closed_by_errors(self, phase: Phase) -> Iterator[None]:
        """Traces the compiled function anew, and stops recording if it raises."""
        what = {"fit": "train", "evaluate": "test", "predict": "predict"}[phase]
        getattr(self.model, f"make_{what}_function")()
        function = getattr(self.model, f"{what}_function")

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except BaseException:
                self.close()
                raise

        with replaced(self.model, f"{what}_function", run):
            yield

    def _closing_when_over(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        model = self.model

        @functools.wraps(method)
        def run(*args: Any, **kwargs: Any) -> Any:
            if _is_running(self._frame):
                return method(*args, **kwargs)
            self.close()
            return getattr(model, name)(*args, **kwargs)

        return run


def _frame_of(method: str, model: Any) -> FrameType | None:
    """The frame of the Keras method that runs now and tells its callbacks."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == method and frame.f_locals.get("self") is model:
            return frame
        frame = frame.f_back
    return None


def _is_running(frame: FrameType | None) -> bool:
    """Whether a frame is on the stack of any thread; where there was none, nobody can say no."""
    if frame is None:
        return True
    for top in sys._current_frames().values():
        at: FrameType | None = top
        while at is not None:
            if at is frame:
                return True
            at = at.f_back
    return False
