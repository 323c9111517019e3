"""Closes what a notebook's cell had made, when the cell runs again.

ipywidgets keeps every widget until it is closed, so a cell that makes a player each time it runs
would keep all of them, each with what it plays.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any, Protocol


class Closable(Protocol):
    """Something that holds memory until it is closed."""

    def close(self) -> None:
        """Lets go of it."""


# For each cell: the run that made them, and what it made.
_made: dict[str, tuple[str, weakref.WeakSet[Any]]] = {}


def cell_now() -> tuple[str, str] | None:
    """The cell that runs now and which run of it this is, where a front end says so."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)()
    cell = (parent.get("metadata") or {}).get("cellId")
    run = (parent.get("header") or {}).get("msg_id")
    return (cell, run) if cell and run else None


def made_by_this_run(widget: Closable) -> None:
    """Counts a widget to the run of the cell that makes it, and closes those of its runs before."""
    now = cell_now()
    if now is None:
        return
    cell, run = now
    before, widgets = _made.get(cell, ("", weakref.WeakSet()))
    if before != run:
        for each in list(widgets):
            each.close()
        widgets = weakref.WeakSet()
        _made[cell] = run, widgets
    widgets.add(widget)
