"""Sets attributes for a while, and puts back just what was there."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence
from typing import Any

from stateviz.recorder.leaving import OnlyWith

_ABSENT = object()


class _Replacement:
    def __init__(self, owner: object, name: str, stand_in: object) -> None:
        self.owner, self.name, self.stand_in = owner, name, stand_in
        self.before = vars(owner).get(name, _ABSENT)

    def put_back(self) -> None:
        if self.before is _ABSENT:
            vars(self.owner).pop(self.name, None)
        else:
            vars(self.owner)[self.name] = self.before


class replaced(OnlyWith[None]):
    """Sets instance attributes past Keras's tracking, for as long as a `with` statement runs.

    Where an interrupt ends the statement before it has put them back, `mend` does.

    Args:
        what: An object, the name of its attribute, and what stands there; any number of them.
    """

    def __init__(self, what: Sequence[tuple[object, str, object]]) -> None:
        self._held = [_Replacement(*each) for each in what]
        super().__init__(functools.partial(_put_back, self._held))

    def __enter__(self) -> None:
        # Noted before anything is set, so that `mend` finds it whatever comes between.
        _noted.append((self.holder(), self._held))
        try:
            for each in self._held:
                vars(each.owner)[each.name] = each.stand_in
        except BaseException:
            self.leave()
            raise


_noted: list[tuple[weakref.ref[Any], list[_Replacement]]] = []


def _put_back(held: list[_Replacement]) -> None:
    for each in reversed(held):
        each.put_back()
    _noted[:] = [noted for noted in _noted if noted[1] is not held]


def mend() -> None:
    """Puts back what stands for no `with` statement any more."""
    for holder, held in reversed(list(_noted)):
        if holder() is None:
            _put_back(held)
