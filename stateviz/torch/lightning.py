"""`StateRecorder`: the recorder as a callback of Lightning's Trainer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from lightning.pytorch.callbacks import Callback

from stateviz.recording import Phase, Recording
from stateviz.torch.block import epoch, phase, record


class StateRecorder(Callback):  # type: ignore[misc]
    """Records what a LightningModule's recurrent modules hold while a Trainer runs it.

    Phases and epochs come from the Trainer; its sanity check, which runs before the first epoch, is
    an "evaluate". Each call of the Trainer is a recording of its own, and `recording` the last.

    Args:
        options: Those of `stateviz.torch.record`, such as `layers=` and `gates=`.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._block = ExitStack()
        self._phases: list[ExitStack] = []
        self._recording: Recording | None = None

    @property
    def recording(self) -> Recording:
        """What was recorded by the last call of the Trainer; a RuntimeError before any."""
        if self._recording is None:
            raise RuntimeError(
                "Nothing is recorded yet. Pass this StateRecorder to a Trainer, for example "
                "Trainer(callbacks=[recorder]), and call its fit."
            )
        return self._recording

    # The hooks of Lightning, in the order in which they come.

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self.close()
        self._recording = self._block.enter_context(record(pl_module, **self._options))

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self._entered("fit")

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        epoch(trainer.current_epoch)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        self._entered("validation" if self._phases else "evaluate")

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        self._entered("evaluate")

    def on_predict_start(self, trainer: Any, pl_module: Any) -> None:
        self._entered("predict")

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._left()

    on_validation_end = on_test_end = on_predict_end = on_train_end

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self.close()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.close()

    def close(self) -> None:
        """Stops recording and leaves the module as it was found."""
        while self._phases:
            self._left()
        self._block.close()

    def _entered(self, name: Phase) -> None:
        self._phases.append(ExitStack())
        self._phases[-1].enter_context(phase(name))

    def _left(self) -> None:
        if self._phases:
            self._phases.pop().close()
