"""A real Trainer of Lightning: its phases and epochs, and nothing changed by the recording."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")
lightning = pytest.importorskip("lightning")
from stateviz.torch.lightning import StateRecorder  # noqa: E402 - only where both are

nn = torch.nn


class Model(lightning.LightningModule):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 8, batch_first=True)
        self.head = nn.Linear(8, 1)

    def forward(self, x: Any) -> Any:
        return self.head(self.lstm(x)[0][:, -1])

    def training_step(self, batch: Any, _: int) -> Any:
        return ((self(batch[0]) - batch[1]) ** 2).mean()

    def validation_step(self, batch: Any, _: int) -> None:
        self(batch[0])

    def predict_step(self, batch: Any, _: int) -> Any:
        return self(batch[0])

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters())


def run(recorder: StateRecorder | None, model: Model | None = None) -> list[Any]:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    lightning.seed_everything(0, verbose=False)
    model = model or Model()
    x = torch.randn(12, 5, 1)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x.sum(1)), 4)
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = lightning.Trainer(
        max_epochs=2,
        callbacks=[recorder] if recorder else [],
        accelerator="cpu",
        **dict.fromkeys(quiet, False),
    )
    trainer.fit(model, data, data)
    fitted = recorder.recording if recorder else None
    predicted = trainer.predict(model, data)
    return [fitted, *model.state_dict().values(), *predicted, torch.rand(3)]


def test_a_trainer_is_recorded_with_its_phases_and_changes_nothing() -> None:
    recorder = StateRecorder()
    _, *bare = run(None)
    fitted, *recorded = run(recorder)
    for one, other in zip(bare, recorded, strict=True):
        assert torch.equal(one, other)
    told = [(b.phase, b.epoch, b.batch) for b in fitted["lstm"].batches]
    sanity = [("evaluate", None, number) for number in range(2)]
    epochs = [
        (phase, epoch, number)
        for epoch in range(2)
        for phase in ("fit", "validation")
        for number in range(3)
    ]
    assert told == [*sanity, *epochs]
    assert {b.origin for b in fitted["lstm"].batches} == {"fresh"}
    assert [b.phase for b in recorder.recording["lstm"].batches] == ["predict"] * 3


class Stopping(Model):
    def training_step(self, batch: Any, number: int) -> Any:
        if number == 1:
            raise ZeroDivisionError
        return super().training_step(batch, number)


def test_an_error_in_the_training_ends_the_recording() -> None:
    recorder, model = StateRecorder(), Stopping()
    with pytest.raises(ZeroDivisionError):
        run(recorder, model)
    assert len(recorder.recording["lstm"].batches) == 3  # two of the sanity check, one of fit
    assert not torch.nn.modules.module._global_forward_hooks
    model(torch.ones(1, 5, 1))
    assert len(recorder.recording["lstm"].batches) == 3
