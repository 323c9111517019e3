"""Keras on JAX: a layer's own scan yields its carry, and compiled steps return it as results."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, ClassVar

from stateviz.recorder.backends import base
from stateviz.recorder.backends.jax.steps import (
    CHECKPOINT,
    RunOrder,
    emit,
    jax,
    must_have_a_shadow,
    replaced_steps,
)
from stateviz.recorder.cells import Observed, observed, observing_one, parts_of
from stateviz.recorder.context import Step, context
from stateviz.recorder.frameworks import keras
from stateviz.recorder.patches import Patch

# `keras.src.backend.jax.rnn` is also the name of a function in it.
keras_loops = import_module("keras.src.backend.jax.rnn")


class Loop:
    """One call of a layer's loop, which is to be observed."""

    def __init__(self, layer: keras.layers.RNN, *, gates: bool) -> None:
        self._parts, self._gates = parts_of(layer), gates
        self.held: base.Held | None = None

    @property
    def has_all_gates(self) -> bool:
        """Whether the gates that are wanted were seen: Keras's own GRU loop calls no cell."""
        held = self.held.gates if self.held else []
        return not self._gates or [len(each) for each in held] == [p.gates for p in self._parts]

    def scan(
        self, step: Callable[..., Any], init: Any, xs: Any, reverse: bool = False, **options: Any
    ) -> tuple[Any, Any]:
        """Scans as `jax.lax.scan` does, and keeps what each timestep held."""
        extras = base.ExtraOutputs(jax.lax.stop_gradient)

        def observed_step(before: Any, x: Any) -> tuple[Any, Any]:
            seen = Observed()
            with observing_one, observed(self._parts, seen, gates=self._gates):
                after, output = step(before, x)
            return after, extras.of(output, after, seen)

        with context.set(loop=None):
            final, yielded = jax.lax.scan(observed_step, init, xs, reverse=reverse, **options)

        def of_place(place: int) -> Any:
            array = jax.lax.stop_gradient(yielded[place])
            return jax.numpy.flip(array, axis=0) if reverse else array

        self.held = extras.held(of_place)
        return final, yielded[0]


class _Lax:
    """`jax.lax`, whose scan is observed where a loop is to be seen."""

    def __getattr__(self, name: str) -> Any:
        return getattr(jax.lax, name)

    def scan(self, f: Callable[..., Any], init: Any, xs: Any, **options: Any) -> tuple[Any, Any]:
        """Scans, and has the loop that this thread runs observe it."""
        if context.loop is None:
            scanned: tuple[Any, Any] = jax.lax.scan(f, init, xs, **options)
            return scanned
        return context.loop.scan(f, init, xs, **options)  # type: ignore[no-any-return]


class KerasLoopsPatch(Patch):
    """Patches Keras's module of loops, which has no hook for this."""

    def replacements(self) -> dict[str, object]:
        return {"lax": _Lax()}


class UserContextTracing(base.Tracing):
    """Tells JAX that functions look another way in a block, for as long as it lasts.

    JAX keeps each function that it compiled under all that it depends on, and lets a program add
    to that (`jax.make_user_context`). What was compiled before the block comes back after it.
    """

    _numbers = itertools.count(1)
    _open: ClassVar[list[int]] = []
    _context = jax.make_user_context(())

    def begin(self) -> None:
        self._number = next(self._numbers)
        self._open.append(self._number)
        self._apply()

    def wait(self) -> None:
        jax.effects_barrier()

    def end(self) -> list[tuple[str, str]]:
        if self._number in self._open:
            self._open.remove(self._number)
        self._apply()
        return []

    def _apply(self) -> None:
        # Entered and never left: blocks end in any order.
        self._context(tuple(self._open)).__enter__()


class Jax(base.Backend):
    """Keras on JAX."""

    tracing = UserContextTracing

    def is_symbolic(self) -> bool:
        """Whether Keras only finds out shapes now: what jax.checkpoint traces, it runs later."""
        return super().is_symbolic() and CHECKPOINT not in base.callers()

    def run_loop(self, call: base.LoopCall) -> base.Looped:
        """Runs a layer's loop with a scan that yields its carry.

        JAX compiles a whole program at once, and computes the last bits another way where one more
        value in it is read. A scan keeps its timesteps apart from the rest, and stays the same. A
        loop that is unrolled, by the user or by JAX where there is a single timestep, does not, nor
        do gates inside of a timestep: they are seen in a program of their own, the step's shadow.
        """
        layer = call.layer
        bit_sensitive = layer.unroll or call.gates or call.sequences.shape[1] == 1
        if context.shadow and not bit_sensitive:
            return base.Looped(call.run())
        loop = Loop(layer, gates=call.gates)
        if not bit_sensitive or context.shadow:
            with context.set(loop=loop):
                result = call.run()
        elif _is_compiled(call):
            must_have_a_shadow(layer)
            return base.Looped(call.run())
        else:
            result = call.run()
        derived = bit_sensitive
        if loop.held is None or not loop.has_all_gates:
            # It is unrolled, or a fused kernel, which yields no c inside the sequence, or no gates.
            loop, derived = _recomputed(call), True
        return base.Looped(result, loop.held, call.initial_state, result[2], derived=derived)

    def order(self, step: Step) -> Any:
        return RunOrder(step)

    def on_host(self, function: base.OnHost, tensors: Any) -> None:
        emit(function, keras.tree.map_structure(_value, tensors))

    def replacements(
        self, model: keras.Model, steps: Mapping[str, Callable[..., Any]]
    ) -> dict[str, object]:
        return replaced_steps(model, steps)

    def why_no_gradients(self, layer: keras.layers.RNN) -> str:
        return (
            "runs on JAX, where reading them would change the last bits of the training. Use "
            "KERAS_BACKEND=tensorflow"
        )

    def patches(self) -> Sequence[Patch]:
        return [KerasLoopsPatch.of(keras_loops)]


def _recomputed(call: base.LoopCall) -> Loop:
    """The loop, run once more, which adds nothing to any gradient."""
    states = keras.tree.map_structure(_value, call.initial_state)
    sequences, states = jax.tree.map(jax.lax.stop_gradient, (call.sequences, states))
    loop = Loop(call.layer, gates=call.gates)
    with context.set(loop=loop):
        replace(call, sequences=sequences, initial_state=states).run(base.rolled(call.layer))
    return loop


def _is_compiled(call: base.LoopCall) -> bool:
    weights = [variable.value for variable in call.layer.variables]
    initial_state = keras.tree.map_structure(_value, call.initial_state)
    read = jax.tree.leaves((call.sequences, initial_state, weights))
    # In a gradient that is not compiled, this takes off what keeps account of it.
    return any(isinstance(jax.lax.stop_gradient(each), jax.core.Tracer) for each in read)


def _value(state: Any) -> Any:
    """A state as a tensor: that of a stateful layer is a variable."""
    return keras.ops.convert_to_tensor(state)


BACKEND = Jax()
