"""Context managers whose end cannot be lost, wherever an interrupt comes."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

_Given = TypeVar("_Given", covariant=True)


class _Leaving:
    """The `__exit__` of an `OnlyWith`, which a `with` statement holds and nobody else."""

    def __get__(self, opening: OnlyWith[Any] | None, owner: type | None = None) -> Any:
        # contextlib.ExitStack asks the class.
        return self if opening is None else opening.leave

    def __call__(self, opening: OnlyWith[Any], *why: object) -> None:
        opening.leave()


class OnlyWith(AbstractContextManager[_Given]):
    """What a `with` statement opens and closes, and what nobody but the statement holds.

    A `with` statement looks `__exit__` up once, when it begins, and forgets it however it ends. So
    what it gets here, `leave`, is gone even where an interrupt ends the statement before the first
    line of any `__exit__`: a weak reference to it tells whether the statement still runs.

    Args:
        leave: Ends what was opened.
    """

    def __init__(self, leave: Callable[[], object]) -> None:
        self.leave = functools.partial(_leave, leave)

    def holder(self) -> weakref.ref[Any]:
        """Dead once the `with` statement has ended, however it ended."""
        return weakref.ref(self.leave)

    __exit__ = _Leaving()


def _leave(leave: Callable[[], object], *_: object) -> None:
    leave()
