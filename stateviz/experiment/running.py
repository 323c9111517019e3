"""Runs something beside its caller, so that it can be stopped and tell how far it is."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from stateviz.experiment.outcome import Outcome

_LOOK_S = 0.2


class Run:
    """A run in a thread of its own: an interrupt meets that thread alone, and no bookkeeping.

    Args:
        make: Makes the outcome, and puts names into what it is given.
    """

    def __init__(self, make: Callable[[dict[str, Any]], Outcome]) -> None:
        self.names: dict[str, Any] = {}
        self._make = make
        self._outcome: Outcome | None = None
        self._inside = threading.Event()
        self._thread = threading.Thread(target=self._act, daemon=True)
        self._thread.start()

    def wait(self, tell: Callable[[dict[str, Any]], None]) -> Outcome | None:
        """Waits for the outcome; None where the run was stopped.

        Args:
            tell: Is called a few times a second with the names so far.

        Raises:
            KeyboardInterrupt: The caller was interrupted; the run has ended then too.
        """
        try:
            while self._thread.is_alive():
                self._thread.join(_LOOK_S)
                tell(self.names)
        except KeyboardInterrupt:
            self.stop()
            self._thread.join()
            raise
        return self._outcome

    def stop(self) -> None:
        """Interrupts the run at its next line, as the stop button of a notebook does."""
        if self._thread.is_alive() and self._inside.wait(_LOOK_S):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
            )

    def _act(self) -> None:
        try:
            self._inside.set()
            self._outcome = self._make(self.names)
            self._inside.clear()
        except KeyboardInterrupt:
            pass
