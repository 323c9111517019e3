"""JAX, its version checked, and the modules of Keras for it that have no public name."""

from __future__ import annotations

from importlib import import_module

from stateviz.recorder.backend import checked

jax = checked("jax")
io_callback = import_module("jax.experimental").io_callback
trace_state = import_module("jax.extend.core").get_opaque_trace_state
# `keras.src.backend.jax.rnn` is also the name of a function in it.
keras_loops = import_module("keras.src.backend.jax.rnn")
in_symbolic_scope = import_module("keras.src.backend.common.symbolic_scope").in_symbolic_scope
