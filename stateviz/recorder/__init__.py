"""Fills a recording while a model runs; what is on the host's side needs no Keras."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stateviz.recorder.block import record as record


def __getattr__(name: str) -> Any:
    if name != "record":
        raise AttributeError(f"module 'stateviz.recorder' has no attribute {name!r}")
    return import_module("stateviz.recorder.block").record
