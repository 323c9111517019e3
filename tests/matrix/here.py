"""What of the table differs from backend to backend: the module of this process's backend."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import keras

# Each has: VERSION, its name and version; FAILURES, what it raises; EVERY_BATCH, whether the test
# sees the weights at each batch, and `keep`, which hands them to it; CARRIES, whether a compiled
# step carries a state over; EXACT, whether what is derived ends in the very bits of the layer,
# and HAS_FLOAT64, whether a layer of float64 is one; HAS_GRADIENTS, whether gradients are
# recorded; DATA, its own sources of batches by name; Stepping, a model with a train_step; LOOPS
# and COMPILED_LOOPS, trainings of one's own; COMPILED, ways to compile a fit.
here: ModuleType = import_module(f"tests.matrix.on_{keras.backend.backend()}")
