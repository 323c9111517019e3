"""A block that records: what it plans to touch, what receives it, and how it gets there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from stateviz.recorder.backend import keras
from stateviz.recorder.backends import here
from stateviz.recorder.backends.base import Traced
from stateviz.recorder.capture import Capture
from stateviz.recorder.options import Options
from stateviz.recorder.plan import Plan, planned
from stateviz.recorder.posts import Block, open_blocks


class Recorded(Traced):
    """One recording of one model, for as long as it is open.

    Args:
        keeper: Whoever closes it.
        model: The model or layer.
        plan: What is recorded of it.
        capture: What receives it.
        attach: Joins the posts of whatever the plan has.
    """

    def __init__(
        self,
        keeper: object,
        model: keras.layers.Layer,
        plan: Plan,
        capture: Capture,
        attach: Callable[[Recorded], None],
    ) -> None:
        super().__init__(keeper)
        self.traces = here.traces(lambda: self.plan.layers)
        self.model = model
        self.plan = plan
        self.capture = capture
        self._attach = attach
        self._names: dict[int, Sequence[str | None]] = {}

    @property
    def options(self) -> Options:
        """What to keep."""
        return self.capture.options

    def open(self) -> None:
        """Begins to record."""
        super().open()
        self.capture.reopen()
        self.traces.begin()
        self._join()

    def names_of(self, layer: keras.layers.RNN) -> Sequence[str | None]:
        """The name in the recording of each of a layer's parts; None where it is not recorded."""
        if id(layer) not in self._names:
            self._names[id(layer)] = self.plan.names_of(layer)
        return self._names[id(layer)]

    def _join(self) -> None:
        self._names.clear()
        for layer in self.plan.recording(self.options).values():
            self.capture.grow(layer)
        self._attach(self)

    def look_again(self) -> None:
        """Records also what was made since, such as the layers that a model makes in its build."""
        if not self.plan.complete:
            self.plan = planned(self.model, self.options, known=self.plan, wait=True)
            self._join()

    def ended(self) -> None:
        """Ends the recording; what it lacks is told in warnings."""
        super().ended()
        self.capture.close(self.plan.never_built())


def recorded_blocks(blocks: Iterable[Block] | None = None) -> list[Recorded]:
    """Of these blocks, or of all that are open, those that record now."""
    among = open_blocks() if blocks is None else blocks
    return [block for block in among if isinstance(block, Recorded) and not block.over]


def recorded_layers(blocks: Iterable[Block]) -> set[int]:
    """The identities of the layers that these blocks record now."""
    return {id(layer) for block in recorded_blocks(blocks) for layer in block.plan.layers}
