"""Interrupts that reach the host's side of a graph, where TensorFlow would make errors of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_raised: list[BaseException] = []


def keep(interrupt: BaseException) -> None:
    """Keeps an interrupt, such as the stop button's, until the graph has ended."""
    _raised.append(interrupt)


@contextmanager
def raised_later() -> Iterator[None]:
    """Raises what was kept while a graph ran."""
    try:
        yield
    finally:
        if _raised:
            raise _raised.pop()
