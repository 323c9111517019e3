"""Keras on TensorFlow: the states are yielded by the layer's own loop, and sent to the host."""

from __future__ import annotations

import functools
import gc
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from stateviz.recorder.backends import base
from stateviz.recorder.backends.tensorflow_gradients import with_gradients
from stateviz.recorder.cells import (
    Observed,
    draws_random_numbers_in_its_loop,
    is_one_operation,
    observed,
    observing_one,
    parts_of,
)
from stateviz.recorder.context import Step
from stateviz.recorder.frameworks import checked, keras
from stateviz.recorder.patches import open_blocks

tf = checked("tensorflow")
_FUNCTION = type(tf.function(lambda: None))
_BY_XLA = (
    "compiled by XLA (jit_compile=True), which runs no Python. Use jit_compile=False while "
    "recording; the results then differ by rounding only"
)
_COPIED = (
    "copied to several devices (tf.distribute), each of which reads a part of every batch. Record "
    "it on one device"
)
# What of TensorFlow traces a function that then runs otherwise.
_UNSEEN_IN = {
    "tensorflow.python.ops.parallel_for.control_flow_ops._pfor_impl": "vectorized "
    "(tf.vectorized_map), where nothing runs for itself. Use a loop, such as tf.map_fn; a "
    "TimeDistributed has one once its axis 1 has a length, as in keras.Input((10, *rest))",
    "tensorflow.python.data.ops.structured_function.wrapper_helper": "in a pipeline of tf.data, "
    "which runs beside the model. Call it on the batches instead",
}
_traced_in_a_block: set[Any] = set()
_interrupts: list[BaseException] = []
_of_keras_now: list[Any] = []  # the functions compiled by Keras that run and raise those


def loop_with_states(call: base.LoopCall) -> tuple[tuple[Any, Any, Any], base.Held]:
    """Runs Keras's own loop with a step that yields all that the cells hold beside the output.

    Returns:
        What `inner_loop` returns (last output, outputs, final states), and what was held.
    """
    layer, gates, run_cell = call.layer, call.gates, call.layer.cell
    cell, parts = layer.cell, parts_of(layer)
    takes = inspect.signature(cell.call).parameters if isinstance(cell, keras.layers.Layer) else ()
    kwargs = {"training": call.training} if "training" in takes else {}
    extras = base.ExtraOutputs(keras.ops.stop_gradient)
    if call.backward is not None:
        call, run_cell = with_gradients(call, functools.partial(_sent, call.backward))

    def step(inputs: Any, before: Any) -> tuple[Any, Any]:
        seen = Observed()
        with observing_one, observed(parts, seen, gates=gates):
            output, after = run_cell(inputs, before, **kwargs)
        return extras.of(output, after, seen), after

    last_output, outputs, final = call.run(base.rolled(layer, step))
    # With the time axis first, as the loop itself holds it, TensorFlow leaves out of a graph both
    # this transposition and the one that it undoes. On the host it costs nothing.
    held = extras.held(lambda place: keras.ops.swapaxes(outputs[place], 0, 1))
    return (last_output[0], outputs[0], final), held


def _sent(backward: base.Backward, gradients: Sequence[Any]) -> None:
    """Sends to the host the gradients of the initial states, then of those after each timestep."""
    n = len(gradients) // 2
    came = {"initial": gradients[:n], "after": gradients[n:], "number": backward.number}
    if backward.deliver is not None and not _why_unseen():
        BACKEND.on_host(backward.deliver, came)


def must_not_be_observed(layer: keras.layers.RNN) -> bool:
    """Whether the layer's own computation would not stay the same, or yields no states.

    The fused cuDNN kernel never yields c inside the sequence. In an unrolled loop TensorFlow's
    graph optimizer rewrites sums and products by who else reads them, so one more reader would
    change the last bits of the gradients.
    """
    use_cudnn = getattr(layer, "use_cudnn", False)
    has_gpu = bool(tf.config.list_logical_devices("GPU"))
    return layer.unroll or use_cudnn is True or (use_cudnn == "auto" and has_gpu)


def gates_must_be_derived(layer: keras.layers.RNN) -> bool:
    """Whether a reader of the gates would change the layer's own last bits.

    An activation that is made of several operations, such as gelu or hard_sigmoid, is merged with
    what follows by TensorFlow's graph optimizer, as long as nobody else reads it.
    """
    if tf.executing_eagerly():
        return False
    cells = [part.cell for part in parts_of(layer) if part.gates]
    used = [x for cell in cells for x in (cell.activation, cell.recurrent_activation)]
    return not all(map(is_one_operation, used))


def _run_unobserved(call: base.LoopCall) -> base.Looped:
    layer = call.layer
    if draws_random_numbers_in_its_loop(layer):
        raise ValueError(
            f"Layer {layer.name!r} is unrolled around {type(layer.cell).__name__}, a cell of your "
            f"own that keeps variables beside its weights (such as a seed). Its states could only "
            f"be derived by running it twice, which would change them. Make it with unroll=False "
            f"to record it."
        )
    # A stateful layer hands on its variables, which it sets before they are read.
    before = keras.tree.map_structure(tf.identity, call.initial_state)
    result = call.run()
    derived, held = _recompute(replace(call, initial_state=before))
    final = result[2]
    if layer.unroll:
        # In a graph even a reader of the last state would be one too many.
        final = None if layer.stateful else derived[2]
    return base.Looped(result, held, before, final, derived=True)


def _recompute(call: base.LoopCall) -> tuple[Any, base.Held]:
    """Runs the loop once more, which adds nothing to any gradient."""
    both = call.sequences, call.initial_state
    sequences, states = keras.tree.map_structure(keras.ops.stop_gradient, both)
    still = replace(call, sequences=sequences, initial_state=states, backward=None)
    return loop_with_states(still)


def _functions_being_traced() -> Iterator[tuple[Any, str]]:
    """The `tf.function`s that are traced now, the innermost first, and the method of each."""
    frame = None if tf.executing_eagerly() else sys._getframe()
    while frame is not None:
        function = frame.f_locals.get("self")
        if isinstance(function, _FUNCTION):
            yield function, frame.f_code.co_name
        frame = frame.f_back


def _why_unseen() -> str:
    """Why what is traced now calls nobody on the host, or another way than it seems; or ""."""
    copy = tf.distribute.get_replica_context()  # None where the copies come together
    if copy is not None and copy.num_replicas_in_sync > 1:
        return _COPIED
    around = () if tf.executing_eagerly() else base.callers()
    return next((_UNSEEN_IN[name] for name in around if name in _UNSEEN_IN), "")


def _refuse_xla() -> None:
    # TensorFlow has no public word for it.
    if any(getattr(each, "_jit_compile", False) for each, _ in _functions_being_traced()):
        raise base.CannotObserve(_BY_XLA)


class FunctionTracing(base.Tracing):
    """The `tf.function`s of one block: those traced in it are observed, others are not."""

    def __init__(self, layers: base.LayersOf) -> None:
        super().__init__(layers)
        self._calls: dict[int, int] = {}

    def begin(self) -> None:
        self._calls = {id(key): count for key, count in _calls_so_far()}

    def end(self) -> list[tuple[str, str]]:
        """Has what was traced in the block traced anew when it is called next."""
        names = {
            id(variable.value.handle): layer.name
            for layer in self._layers()
            for variable in layer.variables
        }
        unseen: list[tuple[str, str]] = []
        with suppress(AttributeError):  # what is read of TensorFlow there has no public name
            unseen += self._ran_unseen(names)
        for function in _traced_in_a_block:
            # TensorFlow has no public way. Without it the graphs stay, and do nothing.
            cache = getattr(function, "_function_cache", None)
            if cache is not None and _layer_read_by(cache.values(), names):
                cache.clear()
        if not open_blocks():
            _traced_in_a_block.clear()
        return unseen

    def _ran_unseen(self, names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
        """The layers whose weights were read by functions that had been traced before.

        TensorFlow counts all functions of the same code together, such as those that Keras makes
        for each model. Where not all of them read a recorded layer, nobody knows which ran.
        """
        observed_too = {id(_counted_by(function)) for function in _traced_in_a_block}
        before = self._calls
        again = {id(key) for key, count in _calls_so_far() if 0 < before.get(id(key), 0) < count}
        again -= observed_too
        alike: dict[int, list[Any]] = {}
        for function in gc.get_objects() if again else ():
            if isinstance(function, _FUNCTION) and id(_counted_by(function)) in again:
                alike.setdefault(id(_counted_by(function)), []).append(function)
        for functions in alike.values():
            layers = [
                _layer_read_by(function._list_all_concrete_functions(), names)
                for function in functions
            ]
            name = getattr(functions[0].python_function, "__name__", "?")
            for layer in layers if all(layers) else ():
                yield (
                    str(layer),
                    f"in the tf.function {name!r}, which was traced before the block. Make it "
                    f"inside the block, or call the model itself",
                )


def _layer_read_by(graphs: Iterable[Any], names: Mapping[int, str]) -> str | None:
    """The name of a recorded layer whose weights one of the graphs reads."""
    read = (names.get(id(captured)) for graph in graphs for captured in graph.captured_inputs)
    return next(filter(None, read), None)


def _counted_by(function: Any) -> Any:
    return getattr(function, "_key_for_call_stats", None)


def _calls_so_far() -> list[tuple[Any, int]]:
    """How often each `tf.function` was called, by what TensorFlow counts them by.

    TensorFlow counts them to warn of frequent tracing, and has no public way to ask.
    """
    try:
        counting = import_module(_FUNCTION.__module__)
        detectors = counting._frequent_tracing_detector_manager._detectors
        return [(key, detector._call_count) for key, detector in list(detectors.items())]
    except (ImportError, AttributeError):
        return []


class GraphOrder:
    """The order of a layer's calls in one step, which a graph keeps only where it is told to.

    Each call takes what the call before gave, a number that grows from step to step. Where the
    layer is called in a loop, what it returns waits for the host as well. A function inside the
    step may be called in another one, so that it counts for itself.
    """

    _INNER = ("WhileBodyFuncGraph", "WhileCondFuncGraph", "CondBranchFuncGraph")

    def __init__(self) -> None:
        self._step = tf.compat.v1.get_default_graph()
        self._last: dict[tuple[int, int], Any] = {}
        self._called: set[int] = set()

    def emit(
        self, layer: int, began: base.OnHost, send: base.OnHost, tensors: Any, result: Any
    ) -> Any:
        if tf.executing_eagerly():
            return result, BACKEND.on_host(send, tensors)
        graph = base = tf.compat.v1.get_default_graph()
        while base is not self._step and type(base).__name__ in self._INNER:
            base = base.outer_graph
        place = id(base), layer
        if graph is not base and layer not in self._called:
            with base.as_default():
                self._last[place] = BACKEND.on_host(began, {})
        self._called.add(layer)
        if place in self._last:
            tensors = tensors | {"number": self._last[place]}
        number = BACKEND.on_host(send, tensors)
        if graph is base:
            self._last[place] = number
            return result, number
        with tf.control_dependencies([number]):
            return keras.tree.map_structure(tf.identity, result), number


class TensorFlow(base.Backend):
    """Keras on TensorFlow."""

    tracing = FunctionTracing
    # In a graph TensorFlow writes to no tensor that somebody else holds; else numpy() copies.
    emits_its_own = True

    def is_symbolic(self) -> bool:
        """Whether this is computed once more for a gradient, or traced to be exported."""
        if "tensorflow.python.ops.custom_gradient.inner_recompute_grad" in base.callers():
            return True
        *_, (_, outermost) = [(None, "__call__"), *_functions_being_traced()]
        return outermost != "__call__" and not _why_unseen()

    def run_loop(self, call: base.LoopCall) -> base.Looped:
        """Runs a layer's loop with a step that yields every state, or beside it where it must."""
        layer = call.layer
        _traced_in_a_block.update(function for function, _ in _functions_being_traced())
        _refuse_xla()
        if why := _why_unseen():
            raise base.CannotObserve(why)
        if must_not_be_observed(layer):
            return _run_unobserved(call)
        alike = getattr(layer, "use_cudnn", False) and layer.dropout and call.training is True
        if alike and layer.cell.implementation == 1:
            call.run()  # Keras refuses some of these; recorded or not, the error is the same
        derive = call.gates and gates_must_be_derived(layer)
        result, held = loop_with_states(replace(call, gates=call.gates and not derive))
        if derive:
            held = replace(held, gates=_recompute(call)[1].gates)
        return base.Looped(result, held, call.initial_state, result[2])

    def order(self, step: Step) -> Any:
        return GraphOrder()

    def on_host(self, function: base.OnHost, tensors: Any) -> Any:
        flat = keras.tree.flatten(tensors)

        def called(*arrays: np.ndarray) -> int | None:
            return function(keras.tree.pack_sequence_as(tensors, list(map(base.to_numpy, arrays))))

        def in_graph(*arrays: np.ndarray) -> np.int64:
            try:
                return np.int64(called(*arrays) or 0)
            except BaseException as interrupt:  # TensorFlow would make an UnknownError of it.
                if not _of_keras_now:
                    raise
                _interrupts.append(interrupt)
                return np.int64(0)

        _refuse_xla()
        if tf.executing_eagerly():
            return called(*[keras.ops.convert_to_tensor(tensor).numpy() for tensor in flat])
        return tf.numpy_function(in_graph, flat, tf.int64)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Has a compiled function raise an interrupt, such as the stop button's, once it ends."""

        def run(*args: Any, **kwargs: Any) -> Any:
            _of_keras_now.append(function)
            try:
                return function(*args, **kwargs)
            finally:
                _of_keras_now.remove(function)
                if _interrupts:
                    raise _interrupts.pop()

        return run

    def why_no_gradients(self, layer: keras.layers.RNN) -> str:
        cell = layer.cell
        if isinstance(cell, keras.layers.LSTMCell) and not is_one_operation(cell.activation):
            return "has an activation of several operations, where c cannot be followed unchanged"
        if layer.unroll:
            return "is unrolled, where reading them would change it. Make it with unroll=False"
        if must_not_be_observed(layer):
            return "runs on cuDNN, which yields none of them. Make it with use_cudnn=False"
        return ""

    def refuse(self, model: keras.Model) -> None:
        if getattr(model, "jit_compile", False) is True and not model.run_eagerly:
            raise ValueError(
                f"The model {model.name!r} is {_BY_XLA}: model.compile(..., jit_compile=False)."
            )
        if model.distribute_strategy.num_replicas_in_sync > 1:
            raise ValueError(f"The model {model.name!r} is {_COPIED}.")


BACKEND = TensorFlow()
