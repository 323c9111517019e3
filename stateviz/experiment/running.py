"""Runs a program in a thread of its own, which can be stopped and reports its progress."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from stateviz.experiment.outcome import Outcome

_PROGRESS_S = 0.2


class Run:
    """A run in a thread of its own: an interrupt meets that thread alone, and no bookkeeping.

    Args:
        make: Makes the outcome, and puts names into what it is given.
    """

    def __init__(self, make: Callable[[dict[str, Any]], Outcome]) -> None:
        self.names: dict[str, Any] = {}
        self._make = make
        self._outcome: Outcome | None = None
        self._lock = threading.Lock()
        self._can_be_stopped = True
        # Until Python 3.12 an interrupted Thread.join marks a running thread as stopped:
        # https://github.com/python/cpython/issues/90882
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._act, daemon=True)
        self._thread.start()

    def wait(self, report: Callable[[dict[str, Any]], None]) -> Outcome | None:
        """Waits for the outcome; None if the run was stopped.

        Args:
            report: Is called a few times a second with the names so far.

        Raises:
            KeyboardInterrupt: The caller was interrupted; the run has ended then too.
        """
        try:
            while not self._ended.wait(_PROGRESS_S):
                report(self.names)
        except KeyboardInterrupt:
            self.stop()
            self._ended.wait()
            raise
        return self._outcome

    def stop(self) -> None:
        """Interrupts the run at its next line, as the stop button of a notebook does."""
        with self._lock:
            if self._can_be_stopped:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
                )

    def _act(self) -> None:
        try:
            self._outcome = self._make(self.names)
        except KeyboardInterrupt:
            pass
        finally:
            self._end()

    def _end(self) -> None:
        """An interrupt that is still on its way arrives here, where it does no harm."""
        try:
            with self._lock:
                self._can_be_stopped = False
        except KeyboardInterrupt:
            self._end()
        self._ended.set()
