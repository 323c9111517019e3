"""A block that records: what it plans to patch, what receives it, and how it gets there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from stateviz.recorder.backends import backend
from stateviz.recorder.capture import Capture
from stateviz.recorder.frameworks import keras
from stateviz.recorder.options import Options
from stateviz.recorder.patches import Block, open_blocks
from stateviz.recorder.plan import Plan, planned


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
        self._names: dict[int, Sequence[str | None]] = {}

    @property
    def options(self) -> Options:
        return self.capture.options

    def open(self) -> None:
        super().open()
        self.capture.reopen()
        self.tracing.begin()
        self._grow()

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        unseen = self.tracing.end()
        super().close()
        for name, why in unseen:
            self.capture.ran_unseen(name, why)
        self.capture.close(self.plan.never_built())

    def names_of(self, layer: keras.layers.RNN) -> Sequence[str | None]:
        """The name in the recording of each of a layer's parts; None where it is not recorded."""
        if id(layer) not in self._names:
            self._names[id(layer)] = self.plan.names_of(layer)
        return self._names[id(layer)]

    def _grow(self) -> None:
        self._names.clear()
        for layer in self.plan.recording(self.options).values():
            self.capture.grow(layer)
        self._attach(self)

    def look_again(self) -> None:
        """Records also what was made since, such as the layers that a model makes in its build."""
        if not self.plan.complete:
            self.plan = planned(self.model, self.options, known=self.plan, wait=True)
            self._grow()


def recorded_blocks(blocks: Iterable[Block] | None = None) -> list[RecordedBlock]:
    """Of these blocks, or of all that are open, those that record a Keras model now."""
    among = open_blocks() if blocks is None else blocks
    return [block for block in among if isinstance(block, RecordedBlock) and not block.closed]


def recorded_layers(blocks: Iterable[Block]) -> set[int]:
    return {id(layer) for block in recorded_blocks(blocks) for layer in block.plan.layers}
