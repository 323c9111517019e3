"""Attributes of objects that are replaced while something is recorded, shared by all open blocks.

A block may end in any order and in any thread. It is marked as closed before anything is restored,
and a replacement whose blocks are all closed only calls what it replaced: so where an interrupt
ends `close` half-way, what it leaves behind does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, Self

_ABSENT = object()
lock = threading.RLock()
_open: list[Block] = []


class Block:
    """Something that is recorded, from `open` to `close`."""

    def __init__(self) -> None:
        self.closed = False
        self._patches: list[Patch] = []

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self.close)
            self.open()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        _open.append(self)

    def add(self, patch: Patch) -> None:
        """Keeps a patch active until the block is closed."""
        with lock:
            if self not in patch.blocks:
                self._patches.append(patch)
                patch.activate(self)

    def close(self) -> None:
        """Restores whatever was replaced for this block alone; to call it twice does no harm."""
        self.closed = True
        with lock:
            _open[:] = [block for block in _open if not block.closed]
            while self._patches:
                self._patches[-1].deactivate()
                self._patches.pop()


def open_blocks() -> list[Block]:
    return [block for block in list(_open) if not block.closed]


class Patch:
    """Replaces attributes of one object for as long as a block needs it.

    Attributes are set past Keras's tracking. The original value is restored unless the user has
    since replaced it.
    """

    active: ClassVar[dict[tuple[type, int], Patch]] = {}

    @classmethod
    def of(cls, owner: Any) -> Self:
        """The patch of an object: the active one, or a new one."""
        active = cls.active.get((cls, id(owner)))
        return active if isinstance(active, cls) else cls(owner)

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self._blocks: list[Block] = []
        self._replaced: dict[str, tuple[object, object]] = {}

    def replacements(self) -> Mapping[str, object]:
        raise NotImplementedError

    @property
    def blocks(self) -> list[Block]:
        return [block for block in self._blocks if not block.closed]

    def activate(self, block: Block) -> None:
        if not self.blocks:
            self.deactivate()  # an interrupt may have ended it half-way
            self.active[type(self), id(self.owner)] = self
            for name, value in self.replacements().items():
                self._replaced[name] = value, vars(self.owner).get(name, _ABSENT)
                _set(self.owner, name, value)
        self._blocks.append(block)

    def deactivate(self) -> None:
        self._blocks = self.blocks
        if self._blocks:
            return
        for name, (value, before) in self._replaced.items():
            if vars(self.owner).get(name) is value:
                _set(self.owner, name, before)
        self._replaced.clear()
        self.active.pop((type(self), id(self.owner)), None)


@contextmanager
def patched(replacements: Sequence[tuple[object, str, object]]) -> Iterator[None]:
    """Replaces attributes, each an (object, name, value), while a `with` statement runs."""
    with ExitStack() as restore:
        for owner, name, value in replacements:
            restore.callback(_set, owner, name, vars(owner).get(name, _ABSENT))
            _set(owner, name, value)
        yield


def _set(owner: Any, name: str, value: object) -> None:
    """Sets or removes an attribute; of an instance past what Keras does on setting."""
    if isinstance(owner, type):
        if value is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, value)
    elif value is _ABSENT:
        vars(owner).pop(name, None)
    else:
        vars(owner)[name] = value
