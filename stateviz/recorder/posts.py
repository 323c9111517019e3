"""What stands in the attributes of objects while something is recorded, shared by all open blocks.

Blocks end in any order, in any thread, and an interrupt can end one anywhere, also in the middle
of its own leaving. So nothing here rests on an order or on a `finally`: a `Block` is over once it
is closed or nobody is left who could close it, a `Post` is manned while one block that is not over
needs it, and `settle` ends what is over. It can run at any time, and again where it was
interrupted.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any, ClassVar, Self

_ABSENT = object()
_lock = threading.RLock()
_blocks: list[Block] = []


class Block:
    """Something that is recorded, from when it is opened until it is over.

    Args:
        keeper: Whoever closes the block. Once it is gone, nobody can, and the block is over.
    """

    def __init__(self, keeper: object) -> None:
        self._keeper = weakref.ref(keeper)
        self._closed = False

    @property
    def over(self) -> bool:
        """Whether it is closed, or nobody can close it any more."""
        return self._closed or self._keeper() is None

    def open(self) -> None:
        """Counts it among the open blocks; what is over is cleared away first."""
        settle()
        with _lock:
            _blocks.append(self)

    def close(self) -> None:
        """Ends it, and takes down whatever stands for it alone."""
        self._closed = True
        settle()

    def ended(self) -> None:
        """Runs when the block is over and nothing stands for it any more; perhaps twice."""


def open_blocks() -> list[Block]:
    """The blocks that are not over."""
    return [block for block in _blocks if not block.over]


def settle() -> None:
    """Takes down whatever stands for no block that is not over, and ends the blocks that are."""
    with _lock:
        for post in list(Post.manned.values()):
            post.settle()
        over = [block for block in _blocks if block.over]
    for block in over:
        try:
            block.ended()
        finally:
            if block in _blocks:
                _blocks.remove(block)


class Post:
    """What stands in attributes of one object for as long as a block needs it.

    Attributes are set past Keras's tracking. What was there comes back, unless its owner has set
    the attribute anew in the meantime.
    """

    manned: ClassVar[dict[tuple[type, int], Post]] = {}

    @classmethod
    def of(cls, owner: Any) -> Self:
        """The post of an object: the one that is manned, or a new one."""
        with _lock:
            manned = cls.manned.get((cls, id(owner)))
            return manned if isinstance(manned, cls) else cls(owner)

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.blocks: list[Block] = []
        self._standing: dict[str, tuple[object, object]] = {}

    def stand_ins(self) -> Mapping[str, object]:
        """What to set in which attribute."""
        raise NotImplementedError

    def live(self) -> list[Block]:
        """The blocks that it stands for; what is over, or was left half-way, is cleared first."""
        if not self.blocks or any(block.over for block in self.blocks):
            settle()
        return list(self.blocks)

    def join(self, block: Block) -> None:
        """Stands for a block too, from here until it is over."""
        with _lock:
            if block in self.blocks:
                return
            if not self.blocks:
                # Noted before anything is set, so that `settle` finds it whatever comes between.
                self.manned[type(self), id(self.owner)] = self
                for name, stand_in in self.stand_ins().items():
                    self._standing[name] = stand_in, vars(self.owner).get(name, _ABSENT)
                    _set(self.owner, name, stand_in)
            self.blocks.append(block)

    def settle(self) -> None:
        """Forgets the blocks that are over; without any it puts back what was there."""
        self.blocks = [block for block in self.blocks if not block.over]
        if self.blocks:
            return
        for name, (stand_in, before) in list(self._standing.items()):
            if vars(self.owner).get(name) is stand_in:
                _set(self.owner, name, before)
            del self._standing[name]
        self.manned.pop((type(self), id(self.owner)), None)


def _set(owner: Any, name: str, value: object) -> None:
    """Sets an attribute, or takes it away; of an instance past what Keras does on setting."""
    if isinstance(owner, type):
        if value is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, value)
    elif value is _ABSENT:
        vars(owner).pop(name, None)
    else:
        vars(owner)[name] = value
