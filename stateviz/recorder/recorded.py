"""A block that records: what it plans to patch, what receives it, and how it gets there."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

from stateviz.recorder.backends import backend
from stateviz.recorder.capture import Capture
from stateviz.recorder.frameworks import keras
from stateviz.recorder.layers import layers_below
from stateviz.recorder.options import Options
from stateviz.recorder.patches import Block, open_blocks
from stateviz.recorder.plan import Plan


class RecordedBlock(Block):
    """One recording of one model, for as long as it is open.

    Args:
        model: The model or layer.
        plan: What is recorded of it.
        capture: What receives it.
        attach: Adds the patches of whatever the plan has.
    """

    def __init__(
        self,
        model: keras.layers.Layer,
        plan: Plan,
        capture: Capture,
        attach: Callable[[RecordedBlock], None],
    ) -> None:
        super().__init__()
        self.model = model
        self.plan = plan
        self.capture = capture
        self.tracing = backend.tracing(lambda: self.plan.layers)
        self._attach = attach
        self._there = {id(layer) for _, layer in layers_below(model)}
        # For each layer the name of each of its parts; None where that is not recorded.
        self.names = {id(layer): plan.names_of(layer) for layer in plan.layers}
        self._call: weakref.ref[Any] | None = None

    @property
    def options(self) -> Options:
        return self.capture.options

    def end_with_the_call(self) -> None:
        """Ends the block with the fit, evaluate or predict that runs now, also by an error."""
        held = _held_by_calls(sys._getframe())
        callbacks = next((x for x in held if isinstance(x, keras.callbacks.CallbackList)), None)
        if callbacks is not None:  # else a loop calls the callbacks itself
            self._call = weakref.ref(callbacks)
            weakref.finalize(callbacks, self.close)

    @property
    def is_over(self) -> bool:
        """Whether it is closed, or the call that it belongs to has ended in an error.

        Python keeps what such a call held for as long as its traceback may be asked for.
        """
        if self.closed or self._call is None:
            return self.closed
        callbacks, running = self._call(), sys._current_frames().values()
        if callbacks is None:
            return True
        return not any(x is callbacks for frame in running for x in _held_by_calls(frame))

    def open(self) -> None:
        super().open()
        self.capture.reopen()
        self.tracing.begin()
        self._attach(self)

    def __exit__(self, *error: object) -> None:
        try:
            self.tracing.wait()
        finally:
            super().__exit__(*error)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        unseen = self.tracing.end()
        super().close()
        for name, why in [*unseen, *self._made_since()]:
            self.capture.ran_unseen(name, why)
        names = [name for name, (layer, _) in self.plan.parts.items() if not layer.built]
        self.capture.close(never_built=names)

    def _made_since(self) -> Iterator[tuple[str, str]]:
        """The layers that the model made in the block, as in a `build` of its own."""
        for _, layer in layers_below(self.model) if self.options.layers is None else ():
            if isinstance(layer, keras.layers.RNN) and id(layer) not in self._there:
                yield layer.name, "was made inside the block; call the model once before it"


def recorded_blocks(blocks: Iterable[Block] | None = None) -> list[RecordedBlock]:
    """Of these blocks, or of all that are open, those that record a Keras model now."""
    among = open_blocks() if blocks is None else blocks
    recorded = [block for block in among if isinstance(block, RecordedBlock)]
    for block in recorded:
        if block.is_over:
            block.close()
    return [block for block in recorded if not block.closed]


def _held_by_calls(frame: FrameType | None) -> Iterator[Any]:
    """What the fits, evaluates and predicts around a frame hold, the innermost first."""
    while frame is not None:
        if frame.f_code.co_name in ("fit", "evaluate", "predict"):
            yield from frame.f_locals.values()
        frame = frame.f_back
