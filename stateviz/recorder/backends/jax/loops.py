"""Keras's own `lax.scan` over the timesteps, which yields its carry beside the output."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import Held, LoopCall
from stateviz.recorder.backends.jax.package import jax, keras_loops
from stateviz.recorder.cells import Observed, observed, observing_one, parts_of
from stateviz.recorder.posts import Post
from stateviz.recorder.steps import now, observing_loop


class Loop:
    """One call of a layer's loop, which is to be seen.

    Args:
        layer: The layer.
        gates: Whether its gates are wanted too.
    """

    def __init__(self, layer: keras.layers.RNN, *, gates: bool) -> None:
        self._parts, self._gates = parts_of(layer), gates
        self.held: Held | None = None

    @property
    def has_all_gates(self) -> bool:
        """Whether the gates that are wanted were seen: Keras's own GRU loop calls no cell."""
        held = self.held.gates if self.held else []
        return not self._gates or [len(each) for each in held] == [p.gates for p in self._parts]

    def scan(
        self, step: Callable[..., Any], init: Any, xs: Any, reverse: bool = False, **options: Any
    ) -> tuple[Any, Any]:
        """Scans as `jax.lax.scan` does, and keeps what each timestep held."""
        places: dict[str, Any] = {}

        def seen(before: Any, x: Any) -> tuple[Any, Any]:
            looked = Observed()
            with observing_one, observed(self._parts, looked, gates=self._gates):
                after, output = step(before, x)
            wanted = {
                "states": keras.tree.flatten(after),
                "inputs": looked.inputs,
                "gates": looked.gates,
            }
            # What is one tensor, such as the output and h, is yielded once.
            once = {id(output): output} | {id(each): each for each in keras.tree.flatten(wanted)}
            order = {each: place for place, each in enumerate(once)}
            places.update(keras.tree.map_structure(lambda each: order[id(each)], wanted))
            _, *others = once.values()
            # The gradient must not flow through what is only looked at.
            return after, (output, *map(jax.lax.stop_gradient, others))

        with observing_loop(None):
            final, yielded = jax.lax.scan(seen, init, xs, reverse=reverse, **options)

        def held(place: int) -> Any:
            array = jax.lax.stop_gradient(yielded[place])
            return jax.numpy.flip(array, axis=0) if reverse else array

        self.held = Held(**keras.tree.map_structure(held, places))
        return final, yielded[0]


def loop_again(
    layer: keras.layers.RNN, call: LoopCall, *, gates: bool
) -> tuple[tuple[Any, Any, Any], Held]:
    """Runs Keras's loop over a layer's cell, not unrolled and by no fused kernel."""
    loop = Loop(layer, gates=gates)
    rolled = SimpleNamespace(
        cell=layer.cell,
        go_backwards=layer.go_backwards,
        unroll=False,
        stateful=layer.stateful,
        zero_output_for_mask=layer.zero_output_for_mask,
        return_sequences=True,
    )
    with observing_loop(loop):
        result = keras.layers.RNN.inner_loop(rolled, *call)
    assert loop.held is not None
    return result, loop.held


class _Lax:
    """`jax.lax`, whose scan is looked at where a loop is to be seen."""

    def __getattr__(self, name: str) -> Any:
        return getattr(jax.lax, name)

    def scan(self, f: Callable[..., Any], init: Any, xs: Any, **options: Any) -> tuple[Any, Any]:
        """Scans, and tells the loop that this thread runs now."""
        loop = now.here.loop
        if not isinstance(loop, Loop):
            scanned: tuple[Any, Any] = jax.lax.scan(f, init, xs, **options)
            return scanned
        return loop.scan(f, init, xs, **options)


class KerasLoops(Post):
    """Stands in Keras's module of loops, which has no hook for this."""

    @classmethod
    def of_keras(cls) -> KerasLoops:
        """The post of that module."""
        return cls.of(keras_loops)

    def stand_ins(self) -> dict[str, object]:
        """What it knows as `lax`."""
        return {"lax": _Lax()}
