"""What compiled steps held, delivered when they have run: as more of their results.

Keras compiles a train, test or predict step whole, and what is traced in it is seen as numbers by
nobody but whoever calls it. So the step returns more than Keras asked for, and what Keras lets call
it, `_make_function`, takes that off again. The loss is differentiated in a trace of its own; its
tensors leave that beside the loss, through the auxiliary results of `value_and_grad`.

What cannot be read there without changing it is read in the step's shadow: its forward pass, once
more, in a program of its own, which runs before the step.
"""

from __future__ import annotations

import functools
import types
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from stateviz.recorder.backends.base import CannotObserve, OnHost, callers, to_numpy
from stateviz.recorder.context import Step, context
from stateviz.recorder.frameworks import checked, keras

jax = checked("jax")
_trace_state = import_module("jax.extend.core").get_opaque_trace_state


@jax.tree_util.register_pytree_node_class
class ExtraResults:
    """Tensors, and who takes each of them: what a step returns beside what Keras asked for.

    Args:
        tensors: For each taker, what it takes.
        takers: Who takes them; known when a step is traced.
        result: What Keras asked for.
        has_a_shadow: Whether more of the step is to be read in its shadow.
    """

    def __init__(
        self,
        tensors: Sequence[Any],
        takers: Sequence[OnHost],
        result: Any = None,
        *,
        has_a_shadow: bool = False,
    ) -> None:
        self.tensors, self.takers, self.result = tensors, tuple(takers), result
        self.has_a_shadow = has_a_shadow

    def tree_flatten(self) -> tuple[Any, Any]:
        return (self.tensors, self.result), (self.takers, self.has_a_shadow)

    @classmethod
    def tree_unflatten(cls, known: Any, children: Any) -> ExtraResults:
        takers, has_a_shadow = known
        return cls(children[0], takers, children[1], has_a_shadow=has_a_shadow)

    def deliver(self) -> None:
        for taker, tensors in zip(self.takers, self.tensors, strict=True):
            taker(jax.tree.map(to_numpy, tensors))


class Collected:
    """What one step holds, as far as it is traced in the same trace as the step.

    Args:
        leaves_with_the_loss: Whether what the loss holds, in its own trace, can leave beside it.
        can_have_a_shadow: Whether the step does no more than Keras's own.
    """

    def __init__(
        self, *, leaves_with_the_loss: bool = False, can_have_a_shadow: bool = False
    ) -> None:
        self.leaves_with_the_loss = leaves_with_the_loss
        self.can_have_a_shadow = can_have_a_shadow
        self.has_a_shadow = False
        self.trace = _trace_state()
        self._collected: list[tuple[OnHost, Any]] = []

    def add(self, taker: OnHost, tensors: Any) -> None:
        self._collected.append((taker, tensors))

    def packed(self, result: Any = None) -> ExtraResults:
        return ExtraResults(
            [each for _, each in self._collected],
            [taker for taker, _ in self._collected],
            result,
            has_a_shadow=self.has_a_shadow,
        )


CHECKPOINT = "jax._src.ad_checkpoint.fun_remat"  # of jax.checkpoint, so of keras.RematScope
_runs: Counter[Step] = Counter()


class RunOrder:
    """Has what a step emits carry the number of its run, also where a loop emits it many times."""

    def __init__(self, step: Step) -> None:
        self._step = step

    def emit(self, layer: int, began: OnHost, send: OnHost, tensors: Any, result: Any) -> Any:
        def numbered(arrays: dict[str, Any]) -> int | None:
            return send(arrays | {"number": _runs[self._step]})

        emit(numbered, jax.tree.map(keras.ops.convert_to_tensor, tensors))
        return result, None


def emit(taker: OnHost, tensors: Any) -> None:
    """Gives tensors to a taker: at once, with the step's results, or from within the program."""
    flat, structure = jax.tree.flatten(tensors)
    if not any(isinstance(each, jax.core.Tracer) for each in flat):
        taker(jax.tree.map(to_numpy, tensors))
        return
    collected = context.extra_outputs
    if isinstance(collected, Collected) and collected.trace == _trace_state():
        collected.add(taker, tensors)
        return

    if CHECKPOINT in callers():
        raise CannotObserve(
            "inside of jax.checkpoint (keras.RematScope), where JAX would call the host once more "
            "for the gradient. Record it without"
        )

    spread = keras.distribution.distribution()
    if spread is not None and spread.device_mesh.devices.size > 1:
        raise CannotObserve(
            "in a loop or a gradient of your own in a program for several devices "
            "(keras.distribution), where JAX calls the host in no order. Record it on one device"
        )

    def on_host(*arrays: Any) -> None:
        taker(jax.tree.unflatten(structure, list(map(to_numpy, arrays))))

    # An io_callback would be dropped from a scan that is differentiated.
    try:
        jax.debug.callback(on_host, *map(jax.lax.stop_gradient, flat), ordered=True)
    except ValueError as error:  # as in a vmap
        raise CannotObserve("where JAX allows no callback, such as in a vmap") from error


def must_have_a_shadow(layer: keras.layers.RNN) -> None:
    """Has the step that is traced now run once more beside itself.

    Raises:
        ValueError: It is no step of Keras's own.
    """
    collected = context.extra_outputs
    if isinstance(collected, Collected) and collected.can_have_a_shadow:
        collected.has_a_shadow = True
        return
    raise ValueError(
        f"Layer {layer.name!r} is unrolled, reads a single timestep, or its gates are asked for, "
        f"in a compiled function of your own. JAX would compute its last bits another way if it "
        f"were observed there. Call the model's own fit, evaluate or predict, or do not compile "
        f"it; unroll=False, and a recording without gates, can be seen in there too."
    )


def replaced_steps(
    model: keras.Model, steps: Mapping[str, Callable[..., Any]]
) -> dict[str, object]:
    """What stands in a model's steps, in its loss, and in what makes its compiled functions."""
    of_keras = {name: _is_of_keras(model, name) for name in (*steps, "compute_loss_and_updates")}
    replacements: dict[str, object] = {
        name: _returning_extras(
            step,
            leaves_with_the_loss=name == "train_step" and of_keras["compute_loss_and_updates"],
            is_of_keras=of_keras[name],
        )
        for name, step in steps.items()
    }
    replacements["compute_loss_and_updates"] = _with_the_loss(model.compute_loss_and_updates)
    replacements["_make_function"] = _without_extras(model._make_function, Shadows(model))
    return replacements


def _is_of_keras(model: keras.Model, name: str) -> bool:
    own = getattr(type(model), name)
    return name not in vars(model) and own is getattr(keras.Model, name)


def _returning_extras(
    step: Callable[..., Any], *, leaves_with_the_loss: bool, is_of_keras: bool
) -> Callable[..., Any]:
    leaves_with_the_loss = leaves_with_the_loss and is_of_keras

    @functools.wraps(step)
    def returning_extras(state: Any, *args: Any, **kwargs: Any) -> Any:
        if not context.returns_extras:
            return step(state, *args, **kwargs)  # Called by the user: nobody would take it off.
        collected = Collected(
            leaves_with_the_loss=leaves_with_the_loss, can_have_a_shadow=is_of_keras
        )
        with context.set(extra_outputs=collected, returns_extras=False):
            result, state = step(state, *args, **kwargs)
        if leaves_with_the_loss:
            weights, others, *rest = state
            if others and isinstance(others[-1], ExtraResults):
                *others, extra = others
                for taker, tensors in zip(extra.takers, extra.tensors, strict=True):
                    collected.add(taker, tensors)
                collected.has_a_shadow |= extra.has_a_shadow
                state = (weights, others, *rest)
        return collected.packed(result), state

    return returning_extras


def _with_the_loss(compute: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(compute)
    def computing(*args: Any, **kwargs: Any) -> Any:
        outer = context.extra_outputs
        if not isinstance(outer, Collected) or not outer.leaves_with_the_loss:
            return compute(*args, **kwargs)
        inner = Collected(can_have_a_shadow=outer.can_have_a_shadow)
        with context.set(extra_outputs=inner, returns_extras=False):
            loss, (unscaled, predicted, others, metrics) = compute(*args, **kwargs)
        return loss, (unscaled, predicted, [*others, inner.packed()], metrics)

    return computing


class Shadows:
    """The forward passes of a model's steps, in programs of their own."""

    _STEPS = types.MappingProxyType({4: "train_step", 3: "test_step", 2: "predict_step"})

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._of_traces: dict[Any, Callable[..., ExtraResults] | None] = {}

    def count(self, state: Any) -> None:
        """Counts one more run of a step."""
        _runs[Step(id(self._model), self._STEPS[len(state)])] += 1

    def run(self, step: Callable[..., Any], state: Any, data: Any) -> None:
        """Runs the shadow of a step, if it has one, and delivers what it held."""
        forward = self._shadow_of(step, state, data)
        if forward is not None:
            x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
            forward(state[0], state[1], x).deliver()

    def _shadow_of(
        self, step: Callable[..., Any], state: Any, data: Any
    ) -> Callable[..., ExtraResults] | None:
        shape_of = getattr(step, "eval_shape", None)
        if shape_of is None:
            return None  # It is not compiled.
        leaves, structure = jax.tree.flatten(data)
        trace = step, structure, tuple((each.shape, str(each.dtype)) for each in leaves)
        if trace not in self._of_traces:
            result, _ = shape_of(state, data)  # Traces the step, as its first call would.
            name = self._STEPS[len(state)]
            has_one = isinstance(result, ExtraResults) and result.has_a_shadow
            # One for each trace: a stateful layer's state is a constant of the moment of tracing.
            self._of_traces[trace] = (
                jax.jit(functools.partial(self._run, name)) if has_one else None
            )
        return self._of_traces[trace]

    def _run(self, step: str, weights: Any, others: Any, x: Any) -> ExtraResults:
        collected = Collected()
        model = self._model
        kwargs = {"training": step == "train_step"} if model._call_has_training_arg else {}
        own = Step(id(model), step)
        with context.set(
            step=own,
            calls=Counter(),
            order=RunOrder(own),
            extra_outputs=collected,
            shadow=True,
        ):
            model.stateless_call(weights, others, x, **kwargs)
        return collected.packed()


def _without_extras(make: Callable[..., Any], shadows: Shadows) -> Callable[..., Any]:
    @functools.wraps(make)
    def making(step: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        @functools.wraps(step)
        def without_extras(state: Any, data: Any) -> Any:
            shadows.count(state)
            with context.set(returns_extras=True):
                shadows.run(step, state, data)
                result, state = step(state, data)
            jax.effects_barrier()  # what the step emits from within has its number
            if isinstance(result, ExtraResults):
                result.deliver()
                result = result.result
            return result, state

        return make(without_extras, *args, **kwargs)

    return making
