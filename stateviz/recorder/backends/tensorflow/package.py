"""TensorFlow, its version checked."""

from __future__ import annotations

from stateviz.recorder.backend import checked

tf = checked("tensorflow")
