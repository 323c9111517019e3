"""What Keras runs on: `backend` is the one of this process, and no other is imported."""

from __future__ import annotations

from importlib import import_module

from stateviz.recorder.backends.base import Backend
from stateviz.recorder.frameworks import keras

backend: Backend = import_module(f"{__name__}.{keras.backend.backend()}").BACKEND
