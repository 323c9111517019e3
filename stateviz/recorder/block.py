"""Records the states of a live Keras model at every timestep, and leaves the model as it was.

The path of one batch: the layer's `Tap` runs Keras's own loop and hands out what it held; the
`Capture` sees on the host how the batch's states began, and keeps it in the `Recording`. Here is
the block around both: it plans once what it will touch, and attaches the plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from stateviz.recorder.backend import keras
from stateviz.recorder.capture import Capture
from stateviz.recorder.options import Options, takes_options
from stateviz.recorder.plan import Plan, planned
from stateviz.recorder.tap import Tap
from stateviz.recorder.traces import OldTraces
from stateviz.recorder.trainers import compiled_functions_set_aside, phases_announced
from stateviz.recorder.wrappers import fused_directions_derived, vectorized_time_refused
from stateviz.recording import Recording


@takes_options(Options)
@contextmanager
def record(model: keras.layers.Layer, options: Options) -> Iterator[Recording]:
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
    plan = planned(model, options)
    capture = Capture(plan.recording(options), options)
    with attached(plan, capture):
        yield capture.recording


@contextmanager
def attached(plan: Plan, capture: Capture) -> Iterator[None]:
    """Records what is planned for as long as it holds."""
    layers = plan.layers
    with ExitStack() as stack:
        stack.callback(capture.close)
        for layer in layers:
            names = plan.names_of(layer)
            stack.enter_context(Tap.of(layer).attached(layer, capture, names))
        for both in plan.bidirectional:
            stack.enter_context(fused_directions_derived(both, layers))
        for wrapper, inner in plan.time_distributed:
            stack.enter_context(vectorized_time_refused(wrapper, inner))
        for trainer in plan.trainers:
            stack.enter_context(phases_announced(trainer, capture))
            stack.enter_context(compiled_functions_set_aside(trainer))
        stack.enter_context(OldTraces(layers))
        yield
