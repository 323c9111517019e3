"""What Keras runs on: `here` is the one of this process, and no other is imported."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import Backend

here = cast(Backend, import_module(f"{__name__}.{keras.backend.backend()}"))
