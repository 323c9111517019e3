"""What compiled steps held, handed over when they have run: as more of their results.

Keras compiles a train, test or predict step whole, and what is traced in it is seen as numbers by
nobody but whoever calls it. So the step gives more than Keras asked for, and what Keras lets call
it, `_make_function`, takes that off again. The loss is differentiated in a trace of its own; its
tensors leave that beside the loss, through the auxiliary results of `value_and_grad`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from stateviz.recorder.backend import keras
from stateviz.recorder.backends.base import OnHost
from stateviz.recorder.backends.jax.package import io_callback, jax, trace_state
from stateviz.recorder.steps import carrying, collecting, now


@jax.tree_util.register_pytree_node_class
class Handed:
    """Tensors, and who takes each of them; a result of a step beside what Keras asked for.

    Args:
        tensors: For each taker, what it takes.
        takers: Who takes them; known when a step is traced.
        result: What Keras asked for.
    """

    def __init__(
        self, tensors: Sequence[Any], takers: Sequence[OnHost], result: Any = None
    ) -> None:
        self.tensors, self.takers, self.result = tensors, tuple(takers), result

    def tree_flatten(self) -> tuple[Any, Any]:
        """Its tensors, for JAX, and what is known of them."""
        return (self.tensors, self.result), self.takers

    @classmethod
    def tree_unflatten(cls, takers: Any, children: Any) -> Handed:
        """The same with other tensors."""
        return cls(children[0], takers, children[1])

    def deliver(self) -> None:
        """Gives the tensors to whoever takes them."""
        for taker, tensors in zip(self.takers, self.tensors, strict=True):
            taker(jax.tree.map(_plain, tensors), threading.get_ident())


class Bag:
    """What one step holds, as far as it is traced in the same trace as the step.

    Args:
        leaves_with_the_loss: Whether what the loss holds, in its own trace, can leave beside it.
    """

    def __init__(self, *, leaves_with_the_loss: bool = False) -> None:
        self.leaves_with_the_loss = leaves_with_the_loss
        self.trace = trace_state()
        self._held: list[tuple[OnHost, Any]] = []

    def add(self, taker: OnHost, tensors: Any) -> None:
        """Adds what a layer held."""
        self._held.append((taker, tensors))

    def empty_into(self, other: Bag) -> None:
        """Moves all to another bag."""
        other._held += self._held
        self._held = []

    def packed(self, result: Any = None) -> Handed:
        """All of it, as a result."""
        return Handed([each for _, each in self._held], [taker for taker, _ in self._held], result)


def hand_out(taker: OnHost, tensors: Any) -> None:
    """Gives tensors to a taker: at once, with the step's results, or from within the program."""
    flat, structure = jax.tree.flatten(tensors)
    if not any(isinstance(each, jax.core.Tracer) for each in flat):
        taker(jax.tree.map(_plain, tensors), threading.get_ident())
        return
    bag = now.here.bag
    if isinstance(bag, Bag) and bag.trace == trace_state():
        bag.add(taker, tensors)
        return

    def on_host(*arrays: Any) -> None:
        taker(jax.tree.unflatten(structure, list(map(_plain, arrays))), None)

    io_callback(on_host, None, *flat, ordered=True)


def stepping(model: keras.Model, steps: Mapping[str, Callable[..., Any]]) -> dict[str, object]:
    """What stands in a model's steps, in its loss, and in what makes its compiled functions."""
    whole = all(_is_of_keras(model, each) for each in ("train_step", "compute_loss_and_updates"))
    stand_ins: dict[str, object] = {
        name: _handing(step, leaves_with_the_loss=whole and name == "train_step")
        for name, step in steps.items()
    }
    stand_ins["compute_loss_and_updates"] = _beside_the_loss(model.compute_loss_and_updates)
    stand_ins["_make_function"] = _taking_off(model._make_function)
    return stand_ins


def _is_of_keras(model: keras.Model, name: str) -> bool:
    own = getattr(type(model), name)
    return name not in vars(model) and own is getattr(keras.Model, name)


def _handing(step: Callable[..., Any], *, leaves_with_the_loss: bool) -> Callable[..., Any]:
    @functools.wraps(step)
    def handing(state: Any, *args: Any, **kwargs: Any) -> Any:
        if not now.here.carries:
            return step(state, *args, **kwargs)  # Called by the user: nobody would take it off.
        bag = Bag(leaves_with_the_loss=leaves_with_the_loss)
        with collecting(bag):
            result, state = step(state, *args, **kwargs)
        if leaves_with_the_loss:
            weights, others, *rest = state
            if others and isinstance(others[-1], Handed):
                *others, handed = others
                for taker, tensors in zip(handed.takers, handed.tensors, strict=True):
                    bag.add(taker, tensors)
                state = (weights, others, *rest)
        return bag.packed(result), state

    return handing


def _beside_the_loss(compute: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(compute)
    def computing(*args: Any, **kwargs: Any) -> Any:
        outer = now.here.bag
        if not isinstance(outer, Bag) or not outer.leaves_with_the_loss:
            return compute(*args, **kwargs)
        inner = Bag()
        with collecting(inner):
            loss, (unscaled, predicted, others, metrics) = compute(*args, **kwargs)
        return loss, (unscaled, predicted, [*others, inner.packed()], metrics)

    return computing


def _taking_off(make: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(make)
    def making(step: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        @functools.wraps(step)
        def taking_off(state: Any, data: Any) -> Any:
            with carrying():
                result, state = step(state, data)
            if isinstance(result, Handed):
                result.deliver()
                result = result.result
            return result, state

        return make(taking_off, *args, **kwargs)

    return making


def _plain(array: Any) -> np.ndarray:
    """A NumPy array in a dtype of NumPy's own: bfloat16 as float32, which holds it exactly."""
    plain: np.ndarray = np.asarray(array)
    return plain if plain.dtype.kind in "fiub" else plain.astype(np.float32)
