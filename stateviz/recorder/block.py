"""Records the states of a live Keras model at every timestep, and leaves the model as it was.

The path of one batch: the layer's `Tap` runs Keras's own loop and hands out what it held; the
`Capture` sees on the host how the batch's states began, and keeps it in the `Recording`. Here are
the block around both, which layers it reaches, and what it does to the model's methods.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

import numpy as np

from stateviz.recorder.backend import keras, tf
from stateviz.recorder.capture import Capture, Options, RecordingWarning
from stateviz.recorder.cells import Part, parts_of
from stateviz.recorder.layers import layers_below, unique_names
from stateviz.recorder.replacing import replaced
from stateviz.recorder.tap import Tap, calls_so_far, compiled_by_xla, one_step
from stateviz.recording import LayerRecording, Recording, unknown_layer

DEFAULT_MAX_BYTES = 2**30

# The method that a user calls, and the step that Keras runs in it, once a batch.
_STEPS = {
    "fit": "train_step",
    "evaluate": "test_step",
    "predict": "predict_step",
    "train_on_batch": "train_step",
    "test_on_batch": "test_step",
    "predict_on_batch": "predict_step",
}
PHASE_METHODS = tuple(_STEPS)
_COMPILED = ("train_function", "test_function", "predict_function")
_KERAS_LOOPS = tuple(
    each.inner_loop
    for each in (keras.layers.RNN, keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN)
)


@contextmanager
def record(
    model: keras.layers.Layer,
    *,
    layers: str | Sequence[str] | None = None,
    samples: int | Sequence[int] | slice | None = None,
    units: int | Sequence[int] | slice | None = None,
    every: int = 1,
    gates: bool = False,
    inputs: bool = True,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Iterator[Recording]:
    """Records what the recurrent layers of a model hold, while it runs in this block.

    Any phase may run in the block, any number of times. The model's weights, losses, random
    numbers, states and predictions are bit for bit those of an unrecorded run, and the model is
    left as it was found, whatever ends the block. Each compiled function is traced once more.

    Args:
        model: A built Keras model or layer on the TensorFlow backend.
        layers: Names of the layers to record, as in `recording.layers`; all where None.
        samples: Rows of each batch to keep (0-based); all where None.
        units: Units to keep (0-based); all where None.
        every: Keep each n-th batch of a layer. The others are still counted.
        gates: Keep the gates of LSTM layers too.
        inputs: Keep what each layer read.
        max_bytes: Stop recording, never the training, when the arrays take this many bytes.

    Yields:
        The `Recording`, which fills while the block runs.

    Raises:
        ValueError: The model is not built, has no recurrent layer that can be recorded, is
            compiled with XLA, or an argument is out of range.
        TypeError: `model` is not a Keras layer.
        RuntimeError: In the block, a `tf.function` was called that had been traced before.

    Example:
        >>> import keras, numpy as np, stateviz
        >>> model = keras.Sequential([keras.Input((20, 1)), keras.layers.LSTM(4, name="lstm")])
        >>> with stateviz.record(model) as recording:
        ...     _ = model.predict(np.zeros((10, 20, 1)), batch_size=5, verbose=0)
        >>> recording
        Recording of 'lstm': a stateless LSTM of 4 units
            predict: 2 batches; states began 2 fresh
            began from zeros: 2 state tensors, 10 sample states; reset_state called 0 times
        >>> recording["lstm"].hidden_state.shape
        (2, 5, 20, 4)
    """
    capture, found = prepared(
        model,
        layers=layers,
        samples=samples,
        units=units,
        every=every,
        gates=gates,
        inputs=inputs,
        max_bytes=max_bytes,
    )
    with attached(model, found, capture):
        yield capture.recording


def prepared(
    model: keras.layers.Layer,
    *,
    layers: str | Sequence[str] | None,
    samples: int | Sequence[int] | slice | None,
    units: int | Sequence[int] | slice | None,
    every: int,
    gates: bool,
    inputs: bool,
    max_bytes: int,
) -> tuple[Capture, Found]:
    """An empty recording's capture, and what it will record; checks all arguments of `record`."""
    found = _find_layers(model, layers)
    options = Options(
        samples=_index("samples", samples),
        units=_index("units", units),
        every=every,
        gates=gates,
        inputs=inputs,
        max_bytes=max_bytes,
    )
    _check_options(options, found)
    _refuse_xla(model)
    recording = Recording(
        [
            LayerRecording(
                name=name,
                kind=part.kind,
                units=part.units,
                stateful=bool(layer.stateful),
                go_backwards=bool(layer.go_backwards),
            )
            for name, (layer, part) in found.items()
        ]
    )
    return Capture(recording, options), found


@contextmanager
def attached(model: keras.layers.Layer, found: Found, capture: Capture) -> Iterator[None]:
    """Records the layers of a model for as long as it holds."""
    layers = list({id(layer): layer for layer, _ in found.values()}.values())
    name_of = {(id(layer), part.name): name for name, (layer, part) in found.items()}
    with ExitStack() as stack:
        stack.callback(capture.close)
        for layer in layers:
            names = [name_of.get((id(layer), part.name)) for part in parts_of(layer)]
            stack.enter_context(Tap.of(layer).attached(layer, capture, names))
        for _, each in layers_below(model):
            if isinstance(each, keras.layers.Bidirectional):
                stack.enter_context(_fused_directions_derived(each, layers))
            if isinstance(each, keras.layers.TimeDistributed):
                stack.enter_context(_vectorized_time_refused(each, layers))
        for trainer in _trainers(model):
            stack.enter_context(_phases_announced(trainer, capture))
            stack.enter_context(_compiled_functions_set_aside(trainer))
        stack.enter_context(_OldTraces(layers))
        yield


# --- Which layers ---------------------------------------------------------------------------------


Found = dict[str, tuple[keras.layers.RNN, Part]]
"""What is recorded, by its name in the recording: a layer, and which of its cells."""


def _find_layers(model: Any, wanted: str | Sequence[str] | None) -> Found:
    """The recurrent layers to record, by their names in the recording."""
    if not isinstance(model, keras.layers.Layer):
        raise TypeError(
            f"stateviz.record takes a Keras model or layer; received {type(model).__name__}: "
            f"{model!r}."
        )
    everything = list(layers_below(model))
    recurrent = [(path, layer) for path, layer in everything if isinstance(layer, keras.layers.RNN)]
    unbuilt = [layer.name for _, layer in recurrent if not layer.built]
    if unbuilt or not (model.built or recurrent):
        which = f"layer {unbuilt[0]!r}" if unbuilt else f"{model.name!r}"
        raise ValueError(
            f"The model is not built yet ({which} has no weights), so its recurrent layers cannot "
            f"be recorded. Give it a keras.Input, or call it once on a batch, before it is "
            f"recorded."
        )
    supported: dict[str, keras.layers.RNN] = {}
    others: dict[str, keras.layers.RNN] = {}
    for path, layer in recurrent:
        (supported if type(layer).inner_loop in _KERAS_LOOPS else others)[path] = layer
    if not supported:
        has = ", ".join(sorted({type(each).__name__ for _, each in everything})) or "no layers"
        raise ValueError(
            f"The model {model.name!r} has no layer that can be recorded: it has "
            f"{_with_their_own_loops(others) or has}. Expected a recurrent layer of Keras: an "
            f"LSTM, a GRU, a SimpleRNN, a ConvLSTM, or an RNN around cells of any kind."
        )
    found = {
        f"{name}/{part.name}" if part.name else name: (layer, part)
        for name, layer in unique_names(supported).items()
        for part in parts_of(layer)
    }
    if wanted is None:
        if others:
            warnings.warn(
                f"Not recorded: {_with_their_own_loops(others)}.", RecordingWarning, stacklevel=5
            )
        return found
    chosen: Found = {}
    for name in [wanted] if isinstance(wanted, str) else wanted:
        below = [each for each in found if each == name or each.startswith(f"{name}/")]
        if not below:
            raise ValueError(unknown_layer(name, tuple(found)))
        chosen |= {each: found[each] for each in below}
    return {name: found[name] for name in found if name in chosen}


def _with_their_own_loops(layers: dict[str, keras.layers.RNN]) -> str:
    named = ", ".join(f"{name!r} ({type(layer).__name__})" for name, layer in layers.items())
    return named and f"{named}, which runs a loop of its own instead of Keras's inner_loop"


# --- What was asked for ---------------------------------------------------------------------------


def _index(name: str, wanted: int | Sequence[int] | slice | None) -> np.ndarray | slice:
    if wanted is None:
        return slice(None)
    if isinstance(wanted, slice):
        return wanted
    index = np.atleast_1d(np.asarray(wanted))
    if index.ndim != 1 or index.size == 0 or index.dtype.kind not in "iu":
        raise ValueError(
            f"{name} is a 0-based index, a sequence of them, or a slice; received {wanted!r}."
        )
    if index.min() < 0:
        raise ValueError(f"{name} are counted from 0; received {index.min()} in {wanted!r}.")
    return index.astype(np.int64)


def _check_options(options: Options, found: Found) -> None:
    if isinstance(options.units, np.ndarray):
        for name, (_, part) in found.items():
            if options.units.max() >= part.units:
                raise ValueError(
                    f"units: received {options.units.max()}, but layer {name!r} has "
                    f"{part.units} units, 0 to {part.units - 1}."
                )
    if not isinstance(options.every, int) or options.every < 1:
        raise ValueError(f"every is a whole number from 1 on; received {options.every!r}.")
    if options.max_bytes <= 0:
        raise ValueError(f"max_bytes is a positive number of bytes; received {options.max_bytes}.")


def _refuse_xla(model: keras.layers.Layer) -> None:
    for trainer in _trainers(model):
        if getattr(trainer, "jit_compile", False) is True and not trainer.run_eagerly:
            raise ValueError(
                f"The model {trainer.name!r} is compiled with XLA (jit_compile=True), where no "
                f"state can be handed out while it runs. Compile it with "
                f"model.compile(..., jit_compile=False) to record it; the results then differ by "
                f"rounding only."
            )


# --- Around layers that do not call their inner layers one by one --------------------------------


@contextmanager
def _fused_directions_derived(
    both: keras.layers.Bidirectional, recorded: Sequence[keras.layers.RNN]
) -> Iterator[None]:
    """Derives both directions where one fused kernel computed them and called neither layer."""
    directions = [each for each in (both.forward_layer, both.backward_layer) if each in recorded]
    keras_call = both.call
    signature = inspect.signature(keras_call)

    @functools.wraps(keras_call)
    def call(*args: Any, **kwargs: Any) -> Any:
        before = [calls_so_far(each) for each in directions]
        result = keras_call(*args, **kwargs)
        if before == [calls_so_far(each) for each in directions]:
            arguments = signature.bind(*args, **kwargs).arguments
            given = list(arguments.get("initial_state") or [])
            half = len(given) // 2
            for each in directions:
                own = given[:half] if each is both.forward_layer else given[half:]
                Tap.of(each).derive_fused(each, arguments["sequences"], own)
        return result

    with replaced(both, "call", call):
        yield


@contextmanager
def _vectorized_time_refused(
    wrapper: keras.layers.TimeDistributed, recorded: Sequence[keras.layers.RNN]
) -> Iterator[None]:
    """Refuses a TimeDistributed of unknown length: vectorized, it runs no timestep for itself."""
    keras_call = wrapper.call
    inner = [layer for _, layer in layers_below(wrapper) if layer in recorded]

    @functools.wraps(keras_call)
    def call(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if inner and inputs.shape[1] is None:
            raise ValueError(
                f"The layer {wrapper.name!r} (TimeDistributed) does not know how many timesteps it "
                f"has, so Keras runs them all at once and {inner[0].name!r} in it cannot be "
                f"recorded. Give its axis 1 a length, for example "
                f"keras.Input((10, *rest)) and not keras.Input((None, *rest))."
            )
        return keras_call(inputs, *args, **kwargs)

    with replaced(wrapper, "call", call):
        yield


# --- Around the model: phases, compiled functions, functions that were traced before --------------


def _trainers(model: keras.layers.Layer) -> list[Any]:
    """The model and the models in it: whatever can be fitted on its own."""
    return [each for _, each in layers_below(model) if isinstance(each, keras.Model)]


@contextmanager
def _phases_announced(trainer: Any, capture: Capture) -> Iterator[None]:
    """Tells the capture which method runs, and counts a layer's calls within each step."""
    with ExitStack() as stack:
        for step in set(_STEPS.values()):
            stack.enter_context(replaced(trainer, step, _as_one_step(getattr(trainer, step))))
        for method in _STEPS:
            announced = _announcing(getattr(trainer, method), method, capture)
            stack.enter_context(replaced(trainer, method, announced))
        yield


def _as_one_step(keras_step: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(keras_step)
    def step(*args: Any, **kwargs: Any) -> Any:
        with one_step():
            return keras_step(*args, **kwargs)

    return step


def _announcing(
    keras_method: Callable[..., Any], phase: str, capture: Capture
) -> Callable[..., Any]:
    signature = inspect.signature(keras_method)

    @functools.wraps(keras_method)
    def method(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        callbacks = bound.arguments.get("callbacks")
        # fit hands its own CallbackList to the evaluate that validates.
        validates = (
            phase == "evaluate"
            and capture.phase_name == "fit"
            and isinstance(callbacks, keras.callbacks.CallbackList)
        )
        with capture.phase("validation" if validates else phase):
            if phase != "fit" or "callbacks" not in signature.parameters:
                return keras_method(*args, **kwargs)
            epochs = _Epochs(capture)
            if isinstance(callbacks, keras.callbacks.CallbackList):
                callbacks.append(epochs)
                try:
                    return keras_method(*args, **kwargs)
                finally:
                    callbacks.callbacks.remove(epochs)
            bound.arguments["callbacks"] = [epochs, *keras.tree.flatten(callbacks or [])]
            return keras_method(*bound.args, **bound.kwargs)

    return method


class _Epochs(keras.callbacks.Callback):
    """Tells the capture when an epoch of fit begins and ends."""

    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self._capture = capture

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._capture.epoch_began(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._capture.epoch_ended()


@contextmanager
def _compiled_functions_set_aside(trainer: Any) -> Iterator[None]:
    """Makes Keras trace anew in the block, and puts the compiled functions back after it."""
    before = {name: vars(trainer)[name] for name in _COMPILED if name in vars(trainer)}
    compiled_anew = []
    keras_compile = trainer.compile

    @functools.wraps(keras_compile)
    def compile_(*args: Any, **kwargs: Any) -> Any:
        result = keras_compile(*args, **kwargs)
        compiled_anew.append(True)
        _refuse_xla(trainer)
        return result

    with replaced(trainer, "compile", compile_):
        try:
            vars(trainer).update(dict.fromkeys(before))
            yield
        finally:
            # The old functions belong to the old optimizer and loss.
            vars(trainer).update(dict.fromkeys(before) if compiled_anew else before)


class _OldTraces:
    """Refuses, while a block is open, a call of a `tf.function` that was traced before it.

    Such a function runs the layer's old graph, in which nothing can be seen. TensorFlow has no
    hook for this, so the class's `__call__` is replaced while at least one block is open.
    """

    _lock = threading.Lock()
    _watchers: ClassVar[list[_OldTraces]] = []

    def __init__(self, layers: Sequence[keras.layers.RNN]) -> None:
        self._names = {
            id(variable.value.handle): layer.name
            for layer in layers
            for variable in layer.variables
        }
        self._traced_here: weakref.WeakSet[Any] = weakref.WeakSet()

    def check(self, function: Any, args: Any, kwargs: Any) -> None:
        traces = function.experimental_get_tracing_count()
        if function in self._traced_here:
            return
        if traces == 0:
            self._traced_here.add(function)
            return
        concrete = function.get_concrete_function(*args, **kwargs)
        if function.experimental_get_tracing_count() > traces:
            return
        for captured in concrete.captured_inputs:
            if id(captured) in self._names:
                python = function.python_function
                what = getattr(python, "__name__", None) or getattr(python, "name", "?")
                raise RuntimeError(
                    f"{what!r} is a tf.function that was traced before the record "
                    f"block, so layer {self._names[id(captured)]!r} cannot be seen in it. Make the "
                    f"tf.function inside the block (for example tf.function(model)), or call the "
                    f"model itself."
                )

    def __enter__(self) -> None:
        function_class = type(tf.function(lambda: None))
        with self._lock:
            self._watchers.append(self)
            if len(self._watchers) == 1:
                original = function_class.__call__

                @functools.wraps(original)
                def watched(function: Any, *args: Any, **kwargs: Any) -> Any:
                    for watcher in list(_OldTraces._watchers):
                        watcher.check(function, args, kwargs)
                    # TensorFlow has no public word for it.
                    if getattr(function, "_jit_compile", False):
                        with compiled_by_xla():
                            return original(function, *args, **kwargs)
                    return original(function, *args, **kwargs)

                function_class.__call__ = watched

    def __exit__(self, *_: object) -> None:
        function_class = type(tf.function(lambda: None))
        with self._lock:
            self._watchers.remove(self)
            if not self._watchers:
                watched: Any = function_class.__call__
                function_class.__call__ = watched.__wrapped__
