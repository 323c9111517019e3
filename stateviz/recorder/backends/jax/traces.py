"""Compiled functions of the user's own: traced anew in a block, and as they were after it."""

from __future__ import annotations

import itertools
from typing import ClassVar

from stateviz.recorder.backends.jax.package import jax


class Traces:
    """Tells JAX that functions look another way in a block, for as long as it lasts.

    JAX keeps each function that it compiled under all that it depends on, and lets a program add
    to that (`jax.make_user_context`). What was compiled before the block comes back after it.
    """

    _numbers = itertools.count(1)
    _open: ClassVar[list[int]] = []
    _context = jax.make_user_context(())

    def __init__(self) -> None:
        self._number = next(self._numbers)

    def begin(self) -> None:
        """Has what this thread calls from now on traced anew."""
        self._open.append(self._number)
        self._tell()

    def forget(self) -> None:
        """Has what was compiled before come back."""
        if self._number in self._open:
            self._open.remove(self._number)
        self._tell()

    def _tell(self) -> None:
        # Entered and never left: blocks end in any order.
        self._context(tuple(self._open)).__enter__()
