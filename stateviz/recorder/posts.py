"""What stands in the attributes of objects while something is recorded, shared by all open blocks.

Blocks end in any order, in any thread, and an interrupt can end one anywhere, also in the middle
of its own leaving. So nothing here rests on an order or on a `finally`: a `Block` is over once it
is closed or nobody is left who could close it, a `Post` is manned while one block that is not over
needs it, and `settle` ends what is over. It can run at any time, and again where it was
interrupted.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

from stateviz.recorder.replacing import mend

_ABSENT = object()
_lock = threading.RLock()
_blocks: list[Block] = []
_P = ParamSpec("_P")
_Result = TypeVar("_Result")


def one_at_a_time(function: Callable[_P, _Result]) -> Callable[_P, _Result]:
    """Only one thread at a time runs what is so marked."""

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _Result:
        # On one line: no interrupt can fall between the body and the release of the lock.
        with _lock: return function(*args, **kwargs)  # noqa: E701  # fmt: skip

    return run


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
    mend()
    for block in _taken_down():
        try:
            block.ended()
        finally:
            with suppress(ValueError):  # another thread was quicker
                _blocks.remove(block)


@one_at_a_time
def _taken_down() -> list[Block]:
    """Takes down what stands for no live block, and returns the blocks that are over."""
    for post in list(Post.manned.values()):
        post.settle()
    return [block for block in _blocks if block.over]


class Post:
    """What stands in attributes of one object for as long as a block needs it.

    Attributes are set past Keras's tracking. What was there comes back, unless its owner has set
    the attribute anew in the meantime.
    """

    manned: ClassVar[dict[tuple[type, int], Post]] = {}

    @classmethod
    def of(cls, owner: Any) -> Self:
        """The post of an object: the one that is manned, or a new one."""
        manned = cls.manned.get((cls, id(owner)))
        return manned if isinstance(manned, cls) else cls(owner)

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.blocks: list[Block] = []
        self.standing: dict[str, tuple[object, object]] = {}

    def stand_ins(self) -> Mapping[str, object]:
        """What to set in which attribute; the first is put back last, so it can mend the rest."""
        raise NotImplementedError

    def live(self) -> list[Block]:
        """The blocks that it stands for; what is over, or was left half-way, is cleared first."""
        if not self.blocks or any(block.over for block in self.blocks):
            settle()
        return list(self.blocks)

    def join(self, block: Block) -> None:
        """Stands for a block too, from here until it is over."""
        _man(self, block)

    def settle(self) -> None:
        """Forgets the blocks that are over; without any it puts back what was there."""
        self.blocks = [block for block in self.blocks if not block.over]
        if self.blocks:
            return
        for name, (stand_in, before) in reversed(list(self.standing.items())):
            if vars(self.owner).get(name) is stand_in:
                _set(self.owner, name, before)
            del self.standing[name]
        self.manned.pop((type(self), id(self.owner)), None)


@one_at_a_time
def _man(post: Post, block: Block) -> None:
    if block in post.blocks:
        return
    if not post.blocks:
        # Noted before anything is set, so that `settle` finds it whatever comes between.
        post.manned[type(post), id(post.owner)] = post
        for name, stand_in in post.stand_ins().items():
            post.standing[name] = stand_in, vars(post.owner).get(name, _ABSENT)
            _set(post.owner, name, stand_in)
    post.blocks.append(block)


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
