"""Records the states of a live Keras model at every timestep, and leaves the model as it was.

The path of one batch: the layer's `Tap` runs Keras's own loop and hands out what it held; the
`Capture` sees on the host how the batch's states began, and keeps it in the `Recording`. Here is
the block around both: it plans once what it will touch, and joins the posts of all of it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from stateviz.recorder.backend import keras
from stateviz.recorder.backends import here
from stateviz.recorder.capture import Capture
from stateviz.recorder.every_model import EveryModel
from stateviz.recorder.opening import Opening
from stateviz.recorder.options import Options, takes_options
from stateviz.recorder.plan import planned
from stateviz.recorder.posts import one_at_a_time
from stateviz.recorder.recorded import Recorded
from stateviz.recorder.tap import Tap
from stateviz.recorder.trainers import Trainer
from stateviz.recorder.wrappers import Directions, TimeSlices
from stateviz.recording import Recording


@takes_options(Options)
def record(model: keras.layers.Layer, options: Options) -> AbstractContextManager[Recording]:
    """Records what the recurrent layers of a model hold, while it runs in this block.

    Any phase may run in the block, any number of times. The model's weights, losses, random
    numbers, states and predictions are bit for bit those of an unrecorded run, and the model is
    left as it was found, whatever ends the block. Each compiled function is traced once more.

    Args:
        model: A Keras model or layer, on TensorFlow, JAX or PyTorch (docs/backends.md says what is
            seen where); what is not built yet is recorded once it is.
        layers: Names of the layers to record, as in `recording.layers`; all where None.
        samples: Rows of each batch to keep (0-based); all where None.
        units: Units to keep (0-based); all where None.
        every: Keep each n-th batch of a layer. The others are still counted.
        gates: Keep the gates of LSTM layers too.
        inputs: Keep what each layer read.
        max_bytes: Stop recording, never the training, when the arrays take this many bytes; a
            number, or words such as "500 MB".

    Returns:
        What a `with` statement opens and closes; it gives the `Recording`, which fills while the
        block runs.

    Raises:
        ValueError: The model has no recurrent layer that can be recorded or is not built, is
            compiled in a way in which nothing can be seen (by torch.compile; by XLA in a branch
            or loop of your own), or an argument is out of range.
        TypeError: `model` is not a Keras layer.
        RuntimeError: In the block, a `tf.function` was called that had been traced before, or a
            graph from `get_concrete_function`.

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
    return Opening(lambda keeper: _new(keeper, model, options))


def _new(keeper: object, model: keras.layers.Layer, options: Options) -> Recorded:
    plan = planned(model, options)
    return Recorded(keeper, model, plan, Capture(plan.recording(options), options), attach)


@one_at_a_time  # or two threads could make two posts of one object
def attach(block: Recorded) -> None:
    """Joins the posts of whatever a block plans to touch, once each."""
    plan = block.plan
    for layer in plan.layers:
        Tap.of(layer).join(block)
    for both in plan.bidirectional:
        Directions.of(both).join(block)
    for wrapper, _ in plan.time_distributed:
        TimeSlices.of(wrapper).join(block)
    for trainer in plan.trainers:
        Trainer.of(trainer).join(block)
    EveryModel.of(keras.Model).join(block)
    here.join(block)
