"""What stands in a recurrent layer's methods while it is recorded, and hands out its states.

Keras looks `inner_loop` up on the layer at every call, so an instance attribute can stand in for
it. The stand-in runs Keras's own loop, whose step here also yields every state; the layer gets
what it would have got, and the states go to the host once a batch.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, Literal

from stateviz.recorder.backend import keras
from stateviz.recorder.backends import here
from stateviz.recorder.backends.base import Held, LoopCall, OnHost, Unseen
from stateviz.recorder.cells import Part, parts_of
from stateviz.recorder.keeping import Called, LayerCall
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
        self._waiting: dict[Hashable, tuple[OnHost, dict[str, Any]]] = {}

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
                self._ran_unseen()
            if mine.left_alone is not None:
                hand_out, mine.left_alone = mine.left_alone, None
                # Read only after the layer has kept them, so that nothing in it is read twice.
                dtype = layer.cell.compute_dtype
                states = keras.tree.flatten(layer.states)
                hand_out(final=[keras.ops.convert_to_tensor(each, dtype) for each in states])
            return result

        return call

    def _ran_unseen(self) -> None:
        for block in recorded_blocks(self.live()):
            for name in filter(None, block.names_of(self.owner)):
                block.capture.ran_unseen(name)

    def _seen(self) -> bool:
        """Whether what runs or is traced now is for an open block."""
        if now.here.unseen or here.is_symbolic():
            return False
        return bool(recorded_blocks(self.live()))

    def _inner_loop(self, layer: keras.layers.RNN) -> Callable[..., Any]:
        keras_loop = layer.inner_loop

        @functools.wraps(keras_loop)
        def inner_loop(
            sequences: Any, initial_state: Any, mask: Any = None, training: Any = False
        ) -> Any:
            if not self._seen():
                return keras_loop(sequences, initial_state, mask, training)
            self._call_now.loops = getattr(self._call_now, "loops", 0) + 1
            if isinstance(mask, list | tuple):
                mask = mask[0]
            call = LoopCall(sequences, initial_state, mask, training)
            looped = here.run_loop(layer, keras_loop, call, gates=self._gates_wanted())
            if looped.held is None:
                now.here.calls[id(layer)] += 1
                if looped.same_call is not None:
                    ended = functools.partial(self._ended, looped.same_call)
                    here.on_host(ended, keras.tree.flatten(looped.final))
                return looped.result
            call = call._replace(initial_state=looped.initial_state)
            hand_out = functools.partial(
                self._hand_out,
                layer,
                call,
                looped.held,
                derived=looped.derived,
                same_call=looped.same_call,
            )
            if looped.final is None:
                self._call_now.left_alone = hand_out
            else:
                hand_out(final=looped.final)
            return looped.result

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
        call = LoopCall(sequences, list(initial_state), None, False)
        result, held = here.beside(layer, call, gates=self._gates_wanted())
        self._hand_out(layer, call, held, final=result[2], derived=True)

    def _gates_wanted(self) -> bool:
        return any(block.options.gates for block in recorded_blocks(self.live()))

    def _hand_out(
        self,
        layer: keras.layers.RNN,
        call: LoopCall,
        held: Held,
        *,
        final: Any,
        derived: bool = False,
        same_call: Hashable = None,
    ) -> None:
        """Sends what the loop held to the host, once for the whole batch."""
        sequences, initial_state, mask, training = call
        is_told_later = keras.ops.is_tensor(training)
        called = Called(
            step=now.here.step,
            place=now.here.calls[id(layer)],
            given=getattr(self._call_now, "given", False),
            stateful=bool(layer.stateful),
            training=None if training is None or is_told_later else bool(training),
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
            "by_loop": by_loop,
        }
        if mask is not None:
            tensors["mask"] = mask
        if is_told_later:
            tensors["training"] = training
        taker: OnHost = functools.partial(self._deliver, parts_of(layer), called)
        if same_call is not None:
            taker = functools.partial(self._wait, same_call, taker)
        try:
            here.on_host(taker, tensors)
        except Unseen:
            self._ran_unseen()

    def _wait(
        self, same_call: Hashable, taker: OnHost, arrays: dict[str, Any], thread: int | None
    ) -> None:
        """Keeps what was held until it is known how the layer itself ended."""
        self._waiting[same_call] = taker, arrays

    def _ended(self, same_call: Hashable, final: list[Any], thread: int | None) -> None:
        waited = self._waiting.pop(same_call, None)
        if waited is not None:  # else two threads ran it at once, and raced for its state too
            taker, arrays = waited
            taker({**arrays, "final_states": final}, thread)

    def _deliver(
        self, parts: Sequence[Part], called: Called, arrays: dict[str, Any], thread: int | None
    ) -> None:
        called = replace(called, thread=thread)
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
                here.on_host(functools.partial(self._announce, what), {})
            return result

        return method

    def _announce(self, what: _Announced, _: dict[str, Any], thread: int | None) -> None:
        for block in recorded_blocks(self.live()):
            for name in filter(None, block.names_of(self.owner)):
                block.capture.method_called(name, what)
