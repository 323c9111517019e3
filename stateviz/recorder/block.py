"""Records the states of a live Keras model at every timestep, and leaves the model as it was.

The path of one batch: the layer's `LayerPatch` runs Keras's own loop and emits what it held; the
`Capture` decides on the host how the batch's states began, and keeps it in the `Recording`. Here is
the block around both: it plans once what it will patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stateviz.recorder.backends import backend
from stateviz.recorder.capture import Capture
from stateviz.recorder.frameworks import keras
from stateviz.recorder.layer_patches import BidirectionalPatch, CellPatch, LayerPatch
from stateviz.recorder.model_patches import EveryFitPatch, EveryModelPatch, ModelPatch
from stateviz.recorder.options import Options
from stateviz.recorder.patches import lock
from stateviz.recorder.plan import planned
from stateviz.recorder.recorded import RecordedBlock
from stateviz.recording import Recording


@contextmanager
def record(
    model: keras.layers.Layer,
    *,
    layers: str | Sequence[str] | None = None,
    samples: int | Sequence[int] | slice | None = None,
    units: int | Sequence[int] | slice | None = None,
    every: int = 1,
    gates: bool = False,
    gradients: bool = False,
    inputs: bool = True,
    max_bytes: int | str = 2**30,
) -> Iterator[Recording]:
    """Records what the recurrent layers of a model hold, while it runs in this block.

    Any phase may run in the block, any number of times. The model's weights, losses, random
    numbers, states and predictions are bit for bit those of an unrecorded run, and the model is
    left as it was found, however the block ends. Each compiled function is traced once more.

    Args:
        model: A Keras model or layer, on TensorFlow, JAX or PyTorch (docs/backends.md says what is
            seen where); what is not built yet is recorded once it is.
        layers: Names of the layers to record, as in `recording.layers`; all where None.
        samples: Rows of each batch to keep (0-based); all where None.
        units: Units to keep (0-based); all where None.
        every: Keep each n-th batch of a layer. The others are still counted.
        gates: Keep the gates of LSTM, GRU and ConvLSTM layers too.
        gradients: Keep dL/dh and dL/dc of each batch that is trained on, in `batch.gradients`; of
            LSTM, GRU and SimpleRNN layers, not on JAX.
        inputs: Keep what each layer read.
        max_bytes: Stop recording, never the training, when the arrays take this many bytes; a
            number, or text such as "500 MB".

    Yields:
        The `Recording`, which fills while the block runs.

    Raises:
        ValueError: The model has no recurrent layer that can be recorded, is compiled with
            `jit_compile=True`, its gradients cannot be recorded, or an argument is out of range.
        TypeError: `model` is not a Keras layer.

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
    options = Options(
        layers=layers,
        samples=samples,
        units=units,
        every=every,
        gates=gates,
        gradients=gradients,
        inputs=inputs,
        max_bytes=max_bytes,
    )
    plan = planned(model, options)
    capture = Capture(plan.recording(options), options)
    with RecordedBlock(model, plan, capture, attach):
        yield capture.recording


def attach(block: RecordedBlock) -> None:
    """Adds the patches of whatever a block plans to patch, once each."""
    plan = block.plan
    with lock:  # or two threads could make two patches of one object
        for layer in plan.layers:
            block.add(LayerPatch.of(layer))
        for wrapper in plan.bidirectional:
            block.add(BidirectionalPatch.of(wrapper))
        for _, part in plan.parts.values():
            if isinstance(part.cell, keras.layers.Layer):
                block.add(CellPatch.of(part.cell))
        for model in plan.models:
            block.add(ModelPatch.of(model))
        block.add(EveryModelPatch.of(keras.Model))
        block.add(EveryFitPatch.of(keras.callbacks.CallbackList))
        for patch in backend.patches():
            block.add(patch)
