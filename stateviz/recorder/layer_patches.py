"""Patches of recurrent layers and their wrappers, which emit the states of each batch.

Keras looks `inner_loop` up on the layer at every call, so an instance attribute can replace it. The
replacement runs Keras's own loop, whose step here also yields every state; the layer gets what it
would have got, and the states go to the host once a batch.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from stateviz.recorder.backends import backend
from stateviz.recorder.backends.base import Backward, CannotObserve, Held, LoopCall, Looped
from stateviz.recorder.capture import Capture
from stateviz.recorder.cells import RecordedCell, parts_of
from stateviz.recorder.context import STEPS, Step, context
from stateviz.recorder.frameworks import keras
from stateviz.recorder.keeping import LayerCall
from stateviz.recorder.patches import Patch
from stateviz.recorder.recorded import recorded_blocks

_BY_HAND = "its cell was stepped by hand too, outside of the layer, and those steps are not seen"


class _Call(threading.local):
    """The call of a layer that this thread runs.

    Attributes:
        observed: Whether it is for an open block.
        given: Whether `initial_state` was passed.
        loops: How often its loop was run.
        emit_later: Emits what the loop held, once the layer has kept its states.
    """

    observed = False
    given = False
    loops = 0
    emit_later: Callable[..., None] | None = None


class LayerPatch(Patch):
    """Emits the states of one layer, for all blocks that record it at the same time.

    A graph that was traced with it keeps it. When no block is open, its host call finds no block
    and does nothing.
    """

    def __init__(self, owner: keras.layers.RNN) -> None:
        super().__init__(owner)
        self._now = _Call()
        self._steps: Counter[Step | None] = Counter()

    def replacements(self) -> dict[str, object]:
        layer = self.owner
        return {
            "call": self._call(layer),
            "inner_loop": self._inner_loop(layer),
            "reset_state": self._resetting(layer.reset_state),
            "reset_states": self._resetting(layer.reset_states),
        }

    def _call(self, layer: keras.layers.RNN) -> Callable[..., Any]:
        keras_call = layer.call
        signature = inspect.signature(keras_call)

        def observed(*args: Any, **kwargs: Any) -> Any:
            now = self._now
            now.observed = self.is_observed()
            if not now.observed:
                return keras_call(*args, **kwargs)
            arguments = signature.bind(*args, **kwargs).arguments
            now.given = arguments.get("initial_state") is not None
            now.loops, now.emit_later = 0, None
            result = keras_call(*args, **kwargs)
            if not now.loops:
                self.ran_unseen(
                    "in a call of its own class that does not use Keras's loop over the timesteps "
                    "(inner_loop)"
                )
            if now.emit_later is not None:
                emit, now.emit_later = now.emit_later, None
                # Read only after the layer has kept them, so that nothing in it is read twice.
                dtype = layer.cell.compute_dtype
                states = keras.tree.flatten(layer.states)
                emit(final=[keras.ops.convert_to_tensor(each, dtype) for each in states])
            return result

        @functools.wraps(keras_call)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                with context.set(in_layer=True):
                    return observed(*args, **kwargs)
            except BaseException:
                # Keras does so only at the end of its call; a mask of a lost graph would stay.
                layer._maybe_reset_dropout_masks(layer.cell)
                raise

        return call

    def _recording(self, place: int | None = None) -> Iterator[tuple[Capture, str]]:
        """What receives the layer's parts, or one of these, and their names there."""
        for block in recorded_blocks(self.blocks):
            names = block.names[id(self.owner)]
            for name in names if place is None else [names[place]]:
                if name is not None:
                    yield block.capture, name

    def ran_unseen(self, why: str) -> None:
        for capture, name in self._recording():
            capture.ran_unseen(name, why)

    def is_observed(self) -> bool:
        """Whether what runs or is traced now is for an open block."""
        return bool(recorded_blocks(self.blocks)) and not backend.is_symbolic()

    def _inner_loop(self, layer: keras.layers.RNN) -> Callable[..., Any]:
        keras_loop = layer.inner_loop

        @functools.wraps(keras_loop)
        def inner_loop(
            sequences: Any, initial_state: Any, mask: Any = None, training: Any = False
        ) -> Any:
            if not self._now.observed:
                return keras_loop(sequences, initial_state, mask, training)
            self._now.loops += 1
            if isinstance(mask, list | tuple):
                mask = mask[0]
            handed = id(keras.tree.flatten(initial_state)[0])  # a tensor, in a graph too
            trains = context.step is None or context.step.method == STEPS["fit"]
            backward = Backward() if trains and self._wanted("gradients") else None
            call = LoopCall(layer, keras_loop, sequences, initial_state, mask, training)
            call = replace(call, gates=self._wanted("gates"), backward=backward)
            try:
                looped = backend.run_loop(call)
            except CannotObserve as error:
                self.ran_unseen(str(error))
                looped = Looped(call.run())
            if looped.held is None:
                context.calls[id(layer)] += 1
                return looped.result
            call = replace(call, initial_state=looped.initial_state)
            emit = functools.partial(self._emit, call, looped, looped.held, handed=handed)
            if looped.final is None:
                self._now.emit_later = emit
                return looped.result
            return emit(final=looped.final)

        return inner_loop

    def _wanted(self, option: str) -> bool:
        return any(getattr(block.options, option) for block in recorded_blocks(self.blocks))

    def _emit(self, call: LoopCall, looped: Looped, held: Held, *, handed: int, final: Any) -> Any:
        """Sends what the loop held to the host, once for the whole batch; gives its result."""
        layer, sequences, mask, training = call.layer, call.sequences, call.mask, call.training
        backward = call.backward
        is_known_later = keras.ops.is_tensor(training)
        called: dict[str, Any] = {
            "step": context.step,
            "place": context.calls[id(layer)],
            "given": self._now.given,
            "stateful": bool(layer.stateful),
            "training": None if training is None or is_known_later else bool(training),
            "go_backwards": bool(layer.go_backwards),
            "derived": looped.derived,
            "is_own": backend.emits_its_own,
            "initial_address": handed,
            "final_address": id(keras.tree.flatten(final)[0]),
        }
        context.calls[id(layer)] += 1
        if layer.go_backwards:
            sequences = keras.ops.flip(sequences, axis=1)
            mask = None if mask is None else keras.ops.flip(mask, axis=1)
        tensors = {
            "sequences": sequences,
            "initial_states": keras.tree.flatten(call.initial_state),
            "final_states": keras.tree.flatten(final),
            "by_loop": {"states": held.states, "inputs": held.inputs, "gates": held.gates},
        }
        if mask is not None:
            tensors["mask"] = mask
        if is_known_later:
            tensors["training"] = training
        deliver = functools.partial(self._deliver, parts_of(layer), called, backward is not None)
        began = functools.partial(self._began, context.step)
        result = looped.result
        try:
            if context.order is None:
                number = backend.on_host(deliver, tensors)
            else:
                result, number = context.order.emit(id(layer), began, deliver, tensors, result)
        except CannotObserve as error:
            self.ran_unseen(str(error))
        else:
            if backward is not None:
                backward.number = number
                backward.deliver = functools.partial(self._deliver_gradients, called)
        return result

    def _began(self, step: Step | None, _: Any = None) -> int:
        """Counts one more of a model's steps in which the layer runs."""
        self._steps[step] += 1
        return self._steps[step]

    def _deliver(
        self,
        parts: Sequence[RecordedCell],
        called: dict[str, Any],
        awaits_gradients: bool,
        arrays: dict[str, Any],
    ) -> int:
        step = called["step"]
        if "number" in arrays:
            number = int(arrays["number"])
        else:
            number = self._steps[step] if called["place"] else self._began(step)
        called = called | {"number": number}
        if awaits_gradients:
            called["gradients_at"] = number, called["place"]
        mask = arrays.get("mask")
        mask = None if mask is None else mask.reshape(mask.shape[:2]).astype(bool)
        if "training" in arrays:
            called = called | {"training": bool(arrays["training"])}
        by_loop = keras.tree.map_structure(lambda array: array.swapaxes(0, 1), arrays["by_loop"])
        inputs = [arrays["sequences"], *by_loop["inputs"]]
        first = 0
        for place, part in enumerate(parts):
            # One cell has all states, whatever shapes its state_size is made of.
            own = slice(first, first + part.states) if len(parts) > 1 else slice(None)
            first += part.states
            call = LayerCall(
                **called,
                inputs=inputs[place],
                initial_states=arrays["initial_states"][own],
                states=by_loop["states"][own],
                final_states=arrays["final_states"][own],
                gates=by_loop["gates"][place],
                mask=mask,
                units=part.units,
                unit_axis=part.unit_axis,
            )
            for capture, name in self._recording(place):
                capture.take(name, call)
        return number

    def _deliver_gradients(self, called: dict[str, Any], arrays: dict[str, Any]) -> None:
        """Takes what came back to the states of a call, which were delivered before."""
        after = arrays["after"]
        if called["go_backwards"]:
            after = [array[:, ::-1] for array in after]
        for capture, name in self._recording():
            at = int(arrays["number"]), called["place"]
            capture.take_gradients(name, at, arrays["initial"], after)

    def _resetting(self, keras_method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(keras_method)
        def method(*args: Any, **kwargs: Any) -> Any:
            result = keras_method(*args, **kwargs)
            if self.is_observed():
                backend.on_host(self._reset, {})
            return result

        return method

    def _reset(self, _: dict[str, Any]) -> None:
        for capture, name in self._recording():
            capture.reset_called(name)


class BidirectionalPatch(Patch):
    """Names the layers of a Bidirectional where a fused kernel of a GPU passes over both."""

    def replacements(self) -> dict[str, object]:
        keras_call = self.owner.call
        layers = (self.owner.forward_layer, self.owner.backward_layer)

        @functools.wraps(keras_call)
        def call(*args: Any, **kwargs: Any) -> Any:
            before = [context.calls[id(each)] for each in layers]
            result = keras_call(*args, **kwargs)
            if before == [context.calls[id(each)] for each in layers]:
                for patch in filter(LayerPatch.is_observed, map(LayerPatch.of, layers)):
                    patch.ran_unseen(
                        "in one fused kernel for both directions. Make the layer with "
                        "use_cudnn=False"
                    )
            return result

        return {"call": call}


class CellPatch(Patch):
    """Notices a cell that is stepped by hand, outside of the layer that is recorded."""

    def replacements(self) -> dict[str, object]:
        cell = self.owner
        keras_call = cell.call

        @functools.wraps(keras_call)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not context.in_layer and not backend.is_symbolic():
                for block in recorded_blocks(self.blocks):
                    for name, (_, part) in block.plan.parts.items():
                        if part.cell is cell:
                            block.capture.ran_unseen(name, _BY_HAND)
            return keras_call(*args, **kwargs)

        return {"call": call}
