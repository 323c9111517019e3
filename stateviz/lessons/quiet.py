"""Keeps what TensorFlow says of the machine while it is imported out of a lesson."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """Silences the standard error stream of this process, also for C++ code, in the block.

    TensorFlow's C++ libraries write to the file descriptor, past `sys.stderr`, before any of its
    log levels is in force. An exception still comes through.

    Example:
        >>> with quietly():
        ...     import keras
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
