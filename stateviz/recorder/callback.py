"""`StateRecorder`: the recorder as a Keras callback, for whoever expects one."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partialmethod
from typing import Any

from stateviz.recorder.block import attach
from stateviz.recorder.capture import Capture
from stateviz.recorder.frameworks import keras
from stateviz.recorder.model_patches import EveryModelPatch
from stateviz.recorder.options import Options
from stateviz.recorder.patches import Block
from stateviz.recorder.plan import planned
from stateviz.recorder.recorded import RecordedBlock
from stateviz.recording import Phase, Recording


class StateRecorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Records what a model's recurrent layers hold, as a callback of fit, evaluate or predict.

    It records what `stateviz.record` records, during the calls that it is given to; all of them
    fill one recording. However such a call ends, the model is then as it was. In a training loop
    of your own that calls the callbacks itself, it records from `on_train_begin` to `on_train_end`;
    where that loop ends by an error, `close()` puts the model back.

    Args:
        layers, samples, units, every, gates, gradients, inputs, max_bytes: See `stateviz.record`.

    Example:
        >>> import keras, numpy as np, stateviz
        >>> model = keras.Sequential([keras.Input((20, 1)), keras.layers.LSTM(4, name="lstm")])
        >>> recorder = stateviz.StateRecorder(gates=True)
        >>> _ = model.predict(np.zeros((10, 20, 1)), batch_size=5, verbose=0, callbacks=[recorder])
        >>> recorder.recording
        Recording of 'lstm': a stateless LSTM of 4 units
            predict: 2 batches; states began 2 fresh
            began from zeros: 2 state tensors, 10 sample states; reset_state called 0 times
    """

    def __init__(
        self,
        *,
        layers: str | Sequence[str] | None = None,
        samples: int | Sequence[int] | slice | None = None,
        units: int | Sequence[int] | slice | None = None,
        every: int = 1,
        gates: bool = False,
        gradients: bool = False,
        inputs: bool = True,
        max_bytes: int | str = 2**30,
    ) -> None:
        super().__init__()
        self._options = Options(
            layers=layers,
            samples=samples,
            units=units,
            every=every,
            gates=gates,
            gradients=gradients,
            inputs=inputs,
            max_bytes=max_bytes,
        )
        self._recorded: tuple[Any, Capture] | None = None
        self._recording: Recording | None = None
        self._block: RecordedBlock | None = None
        self._own_loop = ExitStack()
        self._phase: Phase | None = None
        self._wait_for_a_call()

    def _wait_for_a_call(self) -> None:
        """Has a call that it is given to seen from its first line to its last."""
        block = Block()
        block.add(EveryModelPatch.of(keras.Model))
        weakref.finalize(self, block.close)

    def __getstate__(self) -> dict[str, Any]:
        """Of a copy: what was recorded goes along, the model and what is open do not."""
        of_this_one = ("_model", "_recorded", "_block", "_own_loop", "_phase")
        return vars(self) | dict.fromkeys(of_this_one)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _own_loop=ExitStack())
        self._wait_for_a_call()

    @property
    def recording(self) -> Recording:
        """What was recorded so far.

        Raises:
            RuntimeError: Nothing ran with this callback yet.
        """
        if self._recording is None:
            raise RuntimeError(
                "Nothing is recorded yet. Pass this StateRecorder to fit, evaluate or predict, for "
                "example model.fit(X, y, callbacks=[recorder])."
            )
        return self._recording

    def close(self) -> None:
        """Stops recording and leaves the model as it was found; the end of a call does so."""
        self._phase = None
        self._own_loop.close()
        if self._block is not None:
            self._block.close()

    def recording_of(self, model: keras.Model) -> RecordedBlock:
        self.close()  # what an error has left
        plan = planned(model, self._options)
        if self._recorded is None or self._recorded[0] is not model:
            self._recording = plan.recording(self._options)
            self._recorded = model, Capture(self._recording, self._options)
        self._block = RecordedBlock(model, plan, self._recorded[1], attach)
        return self._block

    @property
    def block(self) -> RecordedBlock | None:
        return None if self._block is None or self._block.is_over else self._block

    # Where fit was looked up before this was made, or in a loop that calls the callbacks itself.

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._phase == "fit" and self._block is not None:
            self._block.capture.epoch_began(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._phase == "fit" and self._block is not None:
            self._block.capture.epoch_ended()

    def _begun(self, phase: Phase, logs: Any = None) -> None:
        if self._phase == phase:
            self.close()  # The loop before ended by an error.
        if self.block is None:
            block = self._own_loop.enter_context(self.recording_of(self.model))
            self._own_loop.enter_context(block.capture.phase(phase))
            self._phase = phase
            block.end_with_the_call()

    def _ended(self, phase: Phase, logs: Any = None) -> None:
        if self._phase == phase:
            self.close()

    on_train_begin = partialmethod(_begun, "fit")
    on_test_begin = partialmethod(_begun, "evaluate")
    on_predict_begin = partialmethod(_begun, "predict")
    on_train_end = partialmethod(_ended, "fit")
    on_test_end = partialmethod(_ended, "evaluate")
    on_predict_end = partialmethod(_ended, "predict")
