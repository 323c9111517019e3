"""Sets an attribute for a while, and puts back just what was there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_ABSENT = object()


@contextmanager
def replaced(owner: object, name: str, stand_in: object) -> Iterator[None]:
    """Sets an instance attribute past Keras's tracking, and puts back just what was there."""
    before = vars(owner).get(name, _ABSENT)
    try:
        vars(owner)[name] = stand_in
        yield
    finally:
        if before is _ABSENT:
            vars(owner).pop(name, None)
        else:
            vars(owner)[name] = before
