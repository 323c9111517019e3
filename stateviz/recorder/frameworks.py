"""Keras and what it runs on, checked before anything of them is used.

The modules that touch a model import Keras from here, and what it runs on through `checked`, so
that a student with an old Keras reads one sentence and not the traceback of a name that it lacks.
"""

from __future__ import annotations

import importlib
import os
import re
from typing import Any

__all__ = ["keras"]

# As in pyproject.toml; a test compares them. Keras 3.12.0 to 3.13.2 crash on any dynamic batch
# dimension in a stateful layer. JAX has `make_user_context` from this version on.
OLDEST = {"keras": "3.14.1", "tensorflow": "2.20", "jax": "0.10", "torch": "2.8"}


def checked(package: str) -> Any:
    """The package, or an ImportError in plain words where nothing can be recorded with it."""
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise ImportError(_needed(package, f"it cannot be imported ({error})")) from error
    if _number(module.__version__) < _number(OLDEST[package]):
        raise ImportError(_needed(package, f"{module.__version__} is installed"))
    return module


def _needed(package: str, but: str) -> str:
    return (
        f"stateviz.record needs {package} {OLDEST[package]} or newer; {but}. Run: pip install "
        f"--upgrade {package}. Recordings can be opened and played without it."
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def _keras() -> Any:
    try:
        return checked("keras")
    except ImportError:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        if backend in OLDEST:
            checked(backend)  # Where it is the backend that is missing, this says so.
        raise


keras = _keras()
if keras.backend.backend() not in OLDEST:
    raise ImportError(
        f"stateviz.record needs Keras on TensorFlow, JAX or PyTorch; this is "
        f"{keras.backend.backend()!r}. Set KERAS_BACKEND=tensorflow before Keras is imported."
    )
