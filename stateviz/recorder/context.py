"""What this thread traces or runs now: one of Keras's steps, and the calls of each layer in it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

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
    """A train, test or predict step of a model, which is named by its identity."""

    model: int
    method: str


class _Context(threading.local):
    """What this thread traces or runs.

    Attributes:
        step: The step of a model, or None.
        calls: How often each layer was called in it, by the layer's identity.
        in_layer: Whether a recorded layer runs.
        order: What has the calls in it reach the host in their order, where a graph would not.
        extra_outputs: What collects the tensors that a compiled step returns beside its results.
        returns_extras: Whether the caller of the step takes them off its results.
        loop: What observes the layer's loop that runs.
        shadow: Whether the step runs once more, in a program of its own.
    """

    step: Step | None = None
    in_layer = False
    order: Any = None
    extra_outputs: Any = None
    returns_extras = False
    loop: Any = None
    shadow = False

    def __init__(self) -> None:
        self.calls: Counter[int] = Counter()

    @contextmanager
    def set(self, **changes: Any) -> Iterator[None]:
        before = {name: getattr(self, name) for name in changes}
        vars(self).update(changes)
        try:
            yield
        finally:
            vars(self).update(before)


context = _Context()
