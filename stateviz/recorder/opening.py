"""What a `with` statement opens and closes to record."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Protocol

from stateviz.recorder.capture import Capture
from stateviz.recorder.leaving import OnlyWith
from stateviz.recording import Recording


class _Records(Protocol):
    capture: Capture

    def open(self) -> None: ...

    def close(self) -> None: ...


class Opening(OnlyWith[Recording]):
    """Opens a block for a `with` statement, and closes it.

    Args:
        new: Makes the block, given its keeper.
    """

    def __init__(self, new: Callable[[object], _Records]) -> None:
        self._new = new
        self._made: list[_Records] = []
        super().__init__(functools.partial(_close, self._made))

    def __enter__(self) -> Recording:
        try:
            block = self._new(self.leave)
            self._made.append(block)
            block.open()
            return block.capture.recording
        except BaseException:
            self.leave()
            raise


def _close(made: list[_Records]) -> None:
    while made:
        made[-1].close()
        made.pop()
