"""What stands in a recurrent layer's methods while it is recorded, and hands out its states.

Keras looks `inner_loop` up on the layer at every call, so an instance attribute can stand in for
it. The stand-in runs Keras's own loop, whose step here also yields every state; the layer gets
what it would have got, and the states go to the host once a batch.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from stateviz.recorder import interrupts
from stateviz.recorder.backend import keras, tf
from stateviz.recorder.cells import Part, draws_random_numbers_in_its_loop, parts_of
from stateviz.recorder.keeping import Called, LayerCall
from stateviz.recorder.loops import (
    Held,
    gates_must_be_derived,
    loop_with_states,
    must_be_left_alone,
)
from stateviz.recorder.posts import Post
from stateviz.recorder.recorded import recorded_blocks
from stateviz.recorder.steps import now

_Announced = Literal["reset_state", "build"]


class Tap(Post):
    """The stand-ins of one layer, shared by all blocks that record it at the same time.

    A graph that was traced with a tap keeps it. When no block is open, its host call finds no
    capture and does nothing.
    """

    def __init__(self, owner: keras.layers.RNN) -> None:
        super().__init__(owner)
        self._call_now = threading.local()

    def stand_ins(self) -> dict[str, object]:
        """Its call and its loop, and what tells of resets."""
        layer = self.owner
        return {
            "call": self._call(layer),
            "inner_loop": self._inner_loop(layer),
            "reset_state": self._announcing(layer.reset_state, "reset_state"),
            "reset_states": self._announcing(layer.reset_states, "reset_state"),
            "build": self._announcing(layer.build, "build"),
        }

    def _call(self, layer: keras.layers.RNN) -> Callable[..., Any]:
        keras_call = layer.call
        signature = inspect.signature(keras_call)

        @functools.wraps(keras_call)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not self._seen():
                return keras_call(*args, **kwargs)
            arguments = signature.bind(*args, **kwargs).arguments
            mine = self._call_now
            mine.given = arguments.get("initial_state") is not None
            mine.loops, mine.left_alone = 0, None
            result = keras_call(*args, **kwargs)
            if not mine.loops:
                for block in recorded_blocks(self.live()):
                    for name in filter(None, block.names_of(layer)):
                        block.capture.ran_unseen(name)
            if mine.left_alone is not None:
                hand_out, mine.left_alone = mine.left_alone, None
                # Read only after the layer has kept them, so that nothing in it is read twice.
                dtype = layer.cell.compute_dtype
                states = keras.tree.flatten(layer.states)
                hand_out(final=[keras.ops.convert_to_tensor(each, dtype) for each in states])
            return result

        return call

    def _seen(self) -> bool:
        """Whether what runs or is traced now is for an open block."""
        return not now.here.unseen and bool(recorded_blocks(self.live()))

    def _inner_loop(self, layer: keras.layers.RNN) -> Callable[..., Any]:
        keras_loop = layer.inner_loop

        @functools.wraps(keras_loop)
        def inner_loop(
            sequences: Any, initial_state: Any, mask: Any = None, training: Any = False
        ) -> Any:
            if not self._seen():
                return keras_loop(sequences, initial_state, mask, training)
            _refuse_xla(layer)
            self._call_now.loops = getattr(self._call_now, "loops", 0) + 1
            if isinstance(mask, list | tuple):
                mask = mask[0]
            if must_be_left_alone(layer):
                _refuse_a_second_loop(layer)
                # A stateful layer hands on its variables, which it sets before they are read.
                before = keras.tree.map_structure(tf.identity, initial_state)
                result = keras_loop(sequences, initial_state, mask, training)
                derived, held = self._beside(layer, sequences, before, mask, training)
                hand_out = functools.partial(
                    self._hand_out, layer, sequences, before, mask, training, held, derived=True
                )
                if not layer.unroll:
                    hand_out(final=result[2])
                # In a graph even a reader of the last state would be one too many.
                elif layer.stateful:
                    self._call_now.left_alone = hand_out
                else:
                    hand_out(final=derived[2])
                return result
            arguments = (layer, sequences, initial_state, mask, training)
            if self._gates_wanted() and gates_must_be_derived(layer):
                result, held = loop_with_states(*arguments, gates=False)
                held = replace(held, gates=self._beside(*arguments)[1].gates)
            else:
                result, held = loop_with_states(*arguments, gates=self._gates_wanted())
            self._hand_out(layer, sequences, initial_state, mask, training, held, final=result[2])
            return result

        return inner_loop

    def derive_fused(self, sequences: Any, initial_state: Sequence[Any]) -> None:
        """Derives the states of a layer that a fused kernel of its wrapper passed over.

        Args:
            sequences: What the wrapper read.
            initial_state: What was given to this layer, or nothing.
        """
        if not self._seen():
            return
        layer = self.owner
        self._call_now.given = bool(initial_state)
        sequences = keras.ops.cast(sequences, layer.compute_dtype)
        if not initial_state:
            initial_state = layer.get_initial_state(batch_size=keras.ops.shape(sequences)[0])
        result, held = self._beside(layer, sequences, list(initial_state), None, False)
        self._hand_out(
            layer, sequences, initial_state, None, False, held, final=result[2], derived=True
        )

    def _beside(
        self, layer: keras.layers.RNN, sequences: Any, initial: Any, mask: Any, training: Any
    ) -> tuple[tuple[Any, Any, Any], Held]:
        """Runs the loop a second time, which adds nothing to any gradient."""
        still = keras.tree.map_structure(keras.ops.stop_gradient, (sequences, initial))
        return loop_with_states(
            layer, still[0], still[1], mask, training, gates=self._gates_wanted()
        )

    def _gates_wanted(self) -> bool:
        return any(block.options.gates for block in recorded_blocks(self.live()))

    def _hand_out(
        self,
        layer: keras.layers.RNN,
        sequences: Any,
        initial_state: Any,
        mask: Any,
        training: Any,
        held: Held,
        *,
        final: Any,
        derived: bool = False,
    ) -> None:
        """Sends what the loop held to the host, once for the whole batch."""
        called = Called(
            step=now.here.step,
            thread=threading.get_ident() if tf.executing_eagerly() else None,
            place=now.here.calls[id(layer)],
            given=getattr(self._call_now, "given", False),
            stateful=bool(layer.stateful),
            training=None if training is None or tf.is_tensor(training) else bool(training),
            go_backwards=bool(layer.go_backwards),
            derived=derived,
        )
        now.here.calls[id(layer)] += 1
        if layer.go_backwards:
            sequences = keras.ops.flip(sequences, axis=1)
            mask = None if mask is None else keras.ops.flip(mask, axis=1)
        by_loop = {"states": held.states, "inputs": held.inputs, "gates": held.gates}
        tensors = {
            "sequences": sequences,
            "initial_states": keras.tree.flatten(initial_state),
            "final_states": keras.tree.flatten(final),
            "by_loop": keras.tree.map_structure(_time_first, by_loop),
        }
        if mask is not None:
            tensors["mask"] = mask
        if tf.is_tensor(training):
            tensors["training"] = training
        _on_host(functools.partial(self._deliver, parts_of(layer), called), tensors)

    def _deliver(self, parts: Sequence[Part], called: Called, arrays: dict[str, Any]) -> None:
        mask = arrays.get("mask")
        mask = None if mask is None else mask.reshape(mask.shape[:2]).astype(bool)
        if "training" in arrays:
            called = replace(called, training=bool(arrays["training"]))
        by_loop = keras.tree.map_structure(lambda array: array.swapaxes(0, 1), arrays["by_loop"])
        inputs = [arrays["sequences"], *by_loop["inputs"]]
        first = 0
        for place, part in enumerate(parts):
            # One cell has all states, whatever shapes its state_size is made of.
            own = slice(first, first + part.states) if len(parts) > 1 else slice(None)
            first += part.states
            call = LayerCall(
                **vars(called),
                inputs=inputs[place],
                initial_states=arrays["initial_states"][own],
                states=by_loop["states"][own],
                final_states=arrays["final_states"][own],
                gates=by_loop["gates"][place],
                mask=mask,
                units=part.units,
                unit_axis=part.unit_axis,
            )
            for block in recorded_blocks(self.live()):
                name = block.names_of(self.owner)[place]
                if name is not None:
                    block.capture.take(name, call)

    def _announcing(self, keras_method: Callable[..., Any], what: _Announced) -> Callable[..., Any]:
        """The method, which tells all captures whenever it has run."""

        @functools.wraps(keras_method)
        def method(*args: Any, **kwargs: Any) -> Any:
            result = keras_method(*args, **kwargs)
            if self._seen():
                _on_host(functools.partial(self._announce, what), {})
            return result

        return method

    def _announce(self, what: _Announced, _: dict[str, Any]) -> None:
        for block in recorded_blocks(self.live()):
            for name in filter(None, block.names_of(self.owner)):
                block.capture.method_called(name, what)


def _time_first(tensor: Any) -> Any:
    """What Keras's loop yields, shape (samples, timesteps, ...), as (timesteps, samples, ...).

    So the loop itself holds it, and TensorFlow leaves out of a graph both this transposition and
    the one that it undoes. On the host it costs nothing.
    """
    return keras.ops.swapaxes(tensor, 0, 1)


def _on_host(function: Callable[[dict[str, Any]], None], tensors: dict[str, Any]) -> None:
    """Calls a Python function with arrays: at once if eager, else whenever the graph runs."""
    flat = keras.tree.flatten(tensors)

    def on_host(*arrays: np.ndarray) -> None:
        function(keras.tree.pack_sequence_as(tensors, list(map(_plain, arrays))))

    def in_graph(*arrays: np.ndarray) -> None:
        try:
            on_host(*arrays)
        except BaseException as interrupt:  # TensorFlow would make an UnknownError of it.
            interrupts.keep(interrupt)

    if tf.executing_eagerly():
        on_host(*(keras.ops.convert_to_tensor(tensor).numpy() for tensor in flat))
    else:
        tf.numpy_function(in_graph, flat, [])


def _plain(array: np.ndarray) -> np.ndarray:
    """The array in a dtype of NumPy's own: bfloat16 as float32, which holds it exactly."""
    return array if array.dtype.kind in "fiub" else array.astype(np.float32)


def _refuse_xla(layer: keras.layers.RNN) -> None:
    if now.here.compiled_by_xla and not tf.config.functions_run_eagerly():
        raise ValueError(
            f"Layer {layer.name!r} runs in a tf.function with jit_compile=True, where no state can "
            f"be handed out. Make it with jit_compile=False to record it; the results then differ "
            f"by rounding only."
        )


def _refuse_a_second_loop(layer: keras.layers.RNN) -> None:
    if draws_random_numbers_in_its_loop(layer):
        raise ValueError(
            f"Layer {layer.name!r} is unrolled around {type(layer.cell).__name__}, a cell of your "
            f"own that keeps variables beside its weights (such as a seed). Its states could only "
            f"be derived by running it twice, which would change them. Make it with unroll=False "
            f"to record it."
        )
