"""What this thread traces or runs now: one of Keras's steps, and the calls of each layer in it."""

from __future__ import annotations

import functools
import threading
import weakref
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from stateviz.recorder.leaving import OnlyWith
from stateviz.recording import Phase

# The method that a user calls, and the step that Keras runs in it, once a batch.
STEPS: dict[Phase, str] = {
    "fit": "train_step",
    "evaluate": "test_step",
    "predict": "predict_step",
    "train_on_batch": "train_step",
    "test_on_batch": "test_step",
    "predict_on_batch": "predict_step",
}


class Step(NamedTuple):
    """A train, test or predict step of a model."""

    model: int
    method: str


@dataclass(frozen=True, eq=False)
class _Here:
    """Where this thread is: what a `with` statement says of it, while the statement runs."""

    step: Step | None = None
    calls: Counter[int] = field(default_factory=Counter)
    compiled_by_xla: bool = False
    unseen: bool = False
    in_function: bool = False
    loop: object = None
    bag: object = None
    carries: bool = False
    shadow: bool = False


class _While(OnlyWith[None]):
    """Says where this thread is, for as long as a `with` statement runs.

    Args:
        changes: What is other there than around it.
    """

    def __init__(self, **changes: Any) -> None:
        self._here = replace(now.here, **changes)
        super().__init__(functools.partial(now.left, self._here))

    def __enter__(self) -> None:
        now.entered.append((self.holder(), self._here))


class _Now(threading.local):
    """The `with` statements that this thread is in; one that an interrupt ended is not counted."""

    def __init__(self) -> None:
        self._outside = _Here()
        self.entered: list[tuple[weakref.ref[Any], _Here]] = []

    @property
    def here(self) -> _Here:
        """Where this thread is now."""
        while self.entered and self.entered[-1][0]() is None:
            self.entered.pop()
        return self.entered[-1][1] if self.entered else self._outside

    def left(self, here: _Here) -> None:
        """Ends one, and with it whatever was entered in it."""
        places = [place for place, (_, each) in enumerate(self.entered) if each is here]
        del self.entered[min(places, default=len(self.entered)) :]


now = _Now()


def one_step(step: Step) -> AbstractContextManager[None]:
    """Holds while Keras traces or runs one train, test or predict step."""
    return _While(step=step, calls=Counter())


def compiled_by_xla() -> AbstractContextManager[None]:
    """Holds while a `tf.function` with `jit_compile=True` is called."""
    return _While(compiled_by_xla=True)


def unseen() -> AbstractContextManager[None]:
    """Holds while a graph is traced that is not to run here, such as one that is exported."""
    return _While(unseen=True)


def one_function() -> AbstractContextManager[None]:
    """Holds while a `tf.function` is called."""
    return _While(in_function=True)


def observing_loop(loop: object) -> AbstractContextManager[None]:
    """Holds while a layer's loop runs, of which `loop` is told; None where of nothing."""
    return _While(loop=loop)


def collecting(bag: object) -> AbstractContextManager[None]:
    """Holds while a step runs whose tensors go into a bag, and on with its results."""
    return _While(bag=bag, carries=False)


def carrying() -> AbstractContextManager[None]:
    """Holds while a step is called by whoever takes the bag off its results."""
    return _While(carries=True)


def shadowing(
    step: Step | None, bag: object, calls: Counter[int] | None = None
) -> AbstractContextManager[None]:
    """Holds while what is compiled runs once more, in a program of its own.

    Args:
        step: The step that it is, or is part of.
        bag: Where what is held goes.
        calls: How often each layer was called in the step before; not once where none is given.
    """
    calls = Counter() if calls is None else calls
    return _While(step=step, calls=calls, bag=bag, shadow=True)


def calls_so_far(layer: object) -> int:
    """How often a layer's tap has handed out states in the step that this thread runs now."""
    return now.here.calls[id(layer)]
