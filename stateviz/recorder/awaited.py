"""The batches whose gradients are still on their way back, and what is kept of these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from stateviz.recorder.keeping import held_through_mask
from stateviz.recorder.options import Options
from stateviz.recording import BatchRecord, Event, Gradients

_Batch = tuple[int, BatchRecord | None]


class AwaitedGradients:
    """For each layer the batches of a step that is not over.

    They are known by the number of the step and the layer's call in it. A layer may be called
    several times in a step, and a loop may hold one of the calls: then the gradients come back to
    the last of its batches first.
    """

    def __init__(self) -> None:
        self._of_call: dict[tuple[str, int], tuple[int, list[_Batch]]] = {}
        self._arrived: set[str] = set()

    def expect(self, name: str, at: tuple[int, int], number: int, batch: Event) -> None:
        """Expects those of a batch, the layer's `number`-th, a `BatchRecord` if it was kept."""
        record = batch if isinstance(batch, BatchRecord) else None
        step, place = at
        expected, batches = self._of_call.get((name, place), (step, []))
        before = batches if expected == step else []
        self._of_call[name, place] = step, [*before, (number, record)]

    def batch_of(self, name: str, at: tuple[int, int]) -> _Batch | None:
        """The batch of a layer for which gradients have arrived, once; None where none waits."""
        step, place = at
        expected, batches = self._of_call.get((name, place), (None, []))
        if expected != step or not batches:
            return None
        self._arrived.add(name)
        return batches.pop()

    def lacking(self, ran: Iterable[str]) -> Iterator[str]:
        """What to say of the layers that ran and to which no gradient came back at all."""
        if names := sorted({*ran} - self._arrived):
            yield (
                f"no gradient came back to {', '.join(map(repr, names))}: gradients are recorded "
                f"where a batch is trained on, in this block, with a loss that depends on the layer"
            )


def gradients_kept(
    options: Options,
    record: BatchRecord | None,
    initial: Sequence[np.ndarray],
    after: Sequence[np.ndarray],
) -> Gradients | None:
    """The gradients of the rows and units to keep, where a mask leaves a timestep out of its state.

    Args:
        record: The batch, if it is kept.
        initial, after: For each state, of all rows and units; None where Keras repeated a row.
    """
    batch_size = len(initial[0])
    if len(after[0]) != batch_size:
        return None
    rows, kept = options.rows(batch_size), []
    for before, each in zip(initial, after, strict=True):
        before, each = (np.array(array[rows][..., options.unit_index]) for array in (before, each))
        kept += [before, held_through_mask(each, before, record.mask if record else None)]
    return Gradients(*kept)
