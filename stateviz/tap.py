"""What stands in a recurrent layer's methods while it is recorded, and hands out its states.

Keras looks `inner_loop` up on the layer at every call, so an instance attribute can stand in for
it. The stand-in runs Keras's own loop, whose step here also yields every state; the layer gets
what it would have got, and the states go to the host once a batch.
"""

from __future__ import annotations

import functools
import inspect
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from stateviz.capture import Capture, LayerCall

_ABSENT = object()


@contextmanager
def replaced(owner: object, name: str, stand_in: object) -> Iterator[None]:
    """Sets an instance attribute past Keras's tracking, and puts back just what was there."""
    before = vars(owner).get(name, _ABSENT)
    try:
        vars(owner)[name] = stand_in
        yield
    finally:
        if before is _ABSENT:
            vars(owner).pop(name, None)
        else:
            vars(owner)[name] = before


class _Step(threading.local):
    """Whether this thread traces or runs a Keras step, and the calls of each layer in it so far."""

    def __init__(self) -> None:
        self.running = False
        self.calls: Counter[int] = Counter()


_step = _Step()


@contextmanager
def one_step() -> Iterator[None]:
    """Holds while Keras traces or runs one train, test or predict step."""
    before = _step.running, _step.calls
    _step.running, _step.calls = True, Counter()
    try:
        yield
    finally:
        _step.running, _step.calls = before


@dataclass(frozen=True)
class _Traced:
    """What is known of a layer's call when it is traced; the rest arrives with the tensors."""

    in_step: bool
    place: int
    given: bool
    stateful: bool
    masked: bool
    training: bool | None
    training_is_tensor: bool
    states: int
    gates: int


class Tap:
    """The stand-ins of one layer, shared by all blocks that record it at the same time.

    A graph that was traced with a tap keeps it. When no block is open, its host call finds no
    capture and does nothing.
    """

    _taps: ClassVar[weakref.WeakKeyDictionary[keras.layers.RNN, Tap]] = weakref.WeakKeyDictionary()

    @classmethod
    def of(cls, layer: keras.layers.RNN) -> Tap:
        """The tap of a layer; the same one each time."""
        if layer not in cls._taps:
            cls._taps[layer] = cls()
        return cls._taps[layer]

    def __init__(self) -> None:
        self._captures: list[tuple[Capture, str]] = []
        self._attached = ExitStack()
        self._initial_state = threading.local()

    @contextmanager
    def attached(self, layer: keras.layers.RNN, capture: Capture, name: str) -> Iterator[None]:
        """Hands what `layer` holds to `capture`, under `name`, for as long as it holds."""
        try:
            if not self._captures:
                stand_ins = {
                    "call": self._call(layer),
                    "inner_loop": self._inner_loop(layer),
                    "reset_state": self._reset_state(layer),
                    "reset_states": self._reset_state(layer),
                }
                for method, stand_in in stand_ins.items():
                    self._attached.enter_context(replaced(layer, method, stand_in))
            self._captures.append((capture, name))
            yield
        finally:
            self._captures = [each for each in self._captures if each[0] is not capture]
            if not self._captures:
                self._attached.close()

    def _call(self, layer: keras.layers.RNN) -> Callable[..., Any]:
        keras_call = layer.call
        signature = inspect.signature(keras_call)

        def call(*args: Any, **kwargs: Any) -> Any:
            arguments = signature.bind(*args, **kwargs).arguments
            self._initial_state.given = arguments.get("initial_state") is not None
            return keras_call(*args, **kwargs)

        return call

    def _inner_loop(self, layer: keras.layers.RNN) -> Callable[..., Any]:
        keras_loop = layer.inner_loop

        def inner_loop(
            sequences: Any, initial_state: Any, mask: Any = None, training: Any = False
        ) -> Any:
            if isinstance(mask, list | tuple):
                mask = mask[0]
            loop = functools.partial(
                _loop_with_states,
                layer,
                mask=mask,
                training=training,
                gates=any(capture.options.gates for capture, _ in self._captures),
            )
            if _must_be_left_alone(layer):
                # Derive the states beside it, from the same inputs, initial state and weights.
                result = keras_loop(sequences, initial_state, mask, training)
                still = keras.tree.map_structure(
                    keras.ops.stop_gradient, (sequences, initial_state)
                )
                beside, states, gates = loop(*still)
                # In a graph even a reader of the last state would be one too many.
                final = beside[2] if layer.unroll else result[2]
            else:
                result, states, gates = loop(sequences, initial_state)
                final = result[2]

            traced = _Traced(
                in_step=_step.running,
                place=_step.calls[id(layer)],
                given=getattr(self._initial_state, "given", False),
                stateful=bool(layer.stateful),
                masked=mask is not None,
                training=None if training is None or tf.is_tensor(training) else bool(training),
                training_is_tensor=tf.is_tensor(training),
                states=len(states),
                gates=len(gates),
            )
            _step.calls[id(layer)] += 1
            if layer.go_backwards:
                sequences = keras.ops.flip(sequences, axis=1)
                mask = None if mask is None else keras.ops.flip(mask, axis=1)
            tensors = [sequences, *initial_state, *states, *final, *gates]
            tensors += [mask] if traced.masked else []
            tensors += [training] if traced.training_is_tensor else []
            _on_host(functools.partial(self._deliver, traced), tensors)
            return result

        return inner_loop

    def _deliver(self, traced: _Traced, *arrays: np.ndarray) -> None:
        if not self._captures:
            return
        rest = [_plain(array) for array in arrays]

        def next_(count: int) -> list[np.ndarray]:
            taken, rest[:] = rest[:count], rest[count:]
            return taken

        [inputs] = next_(1)
        initial, states, final = (next_(traced.states) for _ in range(3))
        gates = next_(traced.gates)
        mask = next_(1)[0] if traced.masked else None
        call = LayerCall(
            in_step=traced.in_step,
            place=traced.place,
            given=traced.given,
            stateful=traced.stateful,
            training=bool(next_(1)[0]) if traced.training_is_tensor else traced.training,
            inputs=inputs,
            initial_states=initial,
            states=states,
            final_states=final,
            gates=gates,
            mask=None if mask is None else mask.reshape(mask.shape[:2]).astype(bool),
        )
        for capture, name in self._captures:
            capture.take(name, call)

    def _reset_state(self, layer: keras.layers.RNN) -> Callable[[], None]:
        keras_reset_state = layer.reset_state

        def reset_state() -> None:
            keras_reset_state()
            _on_host(self._announce_reset, [])

        return reset_state

    def _announce_reset(self) -> None:
        for capture, name in self._captures:
            capture.reset_state_called(name)


def _on_host(function: Callable[..., None], tensors: list[Any]) -> None:
    """Calls a Python function with arrays: at once if eager, else whenever the graph runs."""
    if tf.executing_eagerly():
        function(*(keras.ops.convert_to_tensor(tensor).numpy() for tensor in tensors))
    else:
        tf.numpy_function(function, tensors, [])


def _plain(array: np.ndarray) -> np.ndarray:
    """The array in a dtype of NumPy's own: bfloat16 as float32, which holds it exactly."""
    return array if array.dtype.kind in "fiub" else array.astype(np.float32)


def _loop_with_states(
    layer: keras.layers.RNN,
    sequences: Any,
    initial_state: Any,
    *,
    mask: Any,
    training: Any,
    gates: bool,
) -> tuple[tuple[Any, Any, Any], list[Any], list[Any]]:
    """Runs Keras's own loop with a step that yields every state beside the output.

    Returns:
        What `inner_loop` returns (last output, outputs, final states); the states that the cell
        returned at each timestep, each of shape (samples, timesteps, units), at a masked timestep
        not yet what the layer held (see `held_through_mask`); and the gates, of the same shape.
    """
    cell = layer.cell
    told = {"training": training} if "training" in inspect.signature(cell.call).parameters else {}
    output_is_state = False

    def step(inputs: Any, before: Any) -> tuple[Any, Any]:
        nonlocal output_is_state
        with _observed_gates(cell, wanted=gates) as observed:
            output, after = cell(inputs, before, **told)
        states = keras.tree.flatten(after)
        # The gradient must not flow through what is only looked at.
        beside = [keras.ops.stop_gradient(each) for each in [*states, *observed]]
        output_is_state = states[0] is output
        return (output, *(beside[1:] if output_is_state else beside)), after

    stand_in = SimpleNamespace(
        cell=step,
        go_backwards=layer.go_backwards,
        unroll=False,
        stateful=layer.stateful,
        zero_output_for_mask=layer.zero_output_for_mask,
        return_sequences=True,
    )
    last_output, outputs, final = keras.layers.RNN.inner_loop(
        stand_in, sequences, initial_state, mask, training
    )
    held = list(outputs if output_is_state else outputs[1:])
    count = len(keras.tree.flatten(final))
    return (last_output[0], outputs[0], final), held[:count], held[count:]


@contextmanager
def _observed_gates(cell: keras.layers.Layer, *, wanted: bool) -> Iterator[list[Any]]:
    """Collects what an LSTM cell's activations return: input, forget, candidate, output gate."""
    observed: list[Any] = []
    if not (wanted and isinstance(cell, keras.layers.LSTMCell)):
        yield observed
        return

    def observing(activation: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def observe(values: Any) -> Any:
            result = activation(values)
            observed.append(result)
            return result

        return observe

    with (
        replaced(cell, "activation", observing(cell.activation)),
        replaced(cell, "recurrent_activation", observing(cell.recurrent_activation)),
    ):
        yield observed
        # Keras's cell calls them in the order i, f, candidate, o, and the last on c, for h.
        del observed[4:]


def _must_be_left_alone(layer: keras.layers.RNN) -> bool:
    """Whether the layer's own computation would not stay the same, or yields no states.

    The fused cuDNN kernel never yields c inside the sequence. In an unrolled loop TensorFlow's
    graph optimizer rewrites sums and products by who else reads them, so one more reader would
    change the last bits of the gradients.
    """
    use_cudnn = getattr(layer, "use_cudnn", False)
    has_gpu = bool(tf.config.list_logical_devices("GPU"))
    return layer.unroll or use_cudnn is True or (use_cudnn == "auto" and has_gpu)
