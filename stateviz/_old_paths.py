"""Where the modules of the time before the rooms went: their old paths can still be imported."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

MOVED: dict[str, tuple[str, ...]] = {
    "backend": ("recorder.backend",),
    "callback": ("recorder.callback",),
    "capture": ("recorder.capture", "recorder.options", "recording"),
    "cells": ("recorder.cells",),
    "cures": ("recorder.cures", "recorder.twins"),
    "drawings": ("drawing.sample",),
    "export": ("playing.export",),
    "findings": ("recording.findings", "recording.evidence"),
    "gates": ("drawing.gates",),
    "lanes": ("drawing.lanes", "drawing.rows"),
    "layers": ("recorder.layers",),
    "lessons.points": ("lessons.dot_plot",),
    "lessons.probe": ("lessons.counting",),
    "player": ("playing.player",),
    "replacing": ("recorder.replacing",),
    "scenes.staging": ("scenes.choosing", "scenes.furniture", "scenes.naming"),
    "tap": ("recorder.tap", "recorder.steps"),
    "timeline": ("drawing.timeline",),
    "tracks": ("playing.scene", "playing.tracks", "playing.packing", "playing.stage"),
}


class OldPaths(MetaPathFinder, Loader):
    """Finds a module that moved under its old path, with the names of all that it became."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, if it is one that moved."""
        package, _, old = name.partition(".")
        return spec_from_loader(name, self) if package == "stateviz" and old in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        """Makes each name of the module that of the first new one which has it."""
        homes = [
            import_module(f"stateviz.{new}") for new in MOVED[module.__name__.partition(".")[2]]
        ]

        def named(name: str) -> Any:
            for home in homes:
                if hasattr(home, name):
                    return getattr(home, name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        vars(module)["__getattr__"] = named


def keep_old_paths() -> None:
    """Lets the old paths be imported."""
    if not any(isinstance(finder, OldPaths) for finder in sys.meta_path):
        sys.meta_path.append(OldPaths())
