"""A pytest plugin for Keras's own tests: every recurrent layer that a test makes is recorded.

`tests/test_keras_own.py` runs them with `-p tests.keras_recorded`.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import keras
import pytest

from stateviz.recorder.capture import Capture
from stateviz.recorder.cells import parts_of
from stateviz.recorder.layer_patches import LayerPatch
from stateviz.recorder.options import Options
from stateviz.recorder.plan import Plan
from stateviz.recorder.recorded import RecordedBlock
from stateviz.recording import RecordingWarning

counted: Counter[str] = Counter()


def recorded_from_now_on(layer: keras.layers.RNN) -> RecordedBlock:
    """Patches a layer that may not be built yet, as `stateviz.record` does."""
    parts = {part.name: (layer, part) for part in parts_of(layer)}
    plan = Plan(parts, [], [])
    options = Options(gates=True)
    capture = Capture(plan.recording(options), options)
    block = RecordedBlock(layer, plan, capture, lambda block: block.add(LayerPatch.of(layer)))
    block.open()
    return block


@pytest.fixture(autouse=True)
def every_recurrent_layer_is_recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    attached: list[RecordedBlock] = []
    keras_init = keras.layers.RNN.__init__

    @functools.wraps(keras_init)
    def init(self: keras.layers.RNN, *args: Any, **kwargs: Any) -> None:
        keras_init(self, *args, **kwargs)
        attached.append(recorded_from_now_on(self))

    # Keras reads the arguments' names off it.
    vars(init)["__signature__"] = inspect.signature(keras_init)
    monkeypatch.setattr(keras.layers.RNN, "__init__", init)
    yield
    with warnings.catch_warnings():
        # Such as an error in the recorder, or states that do not end where the layer's own end.
        warnings.simplefilter("error", RecordingWarning)
        for block in attached:
            block.close()
            events = [event.kind for event in block.capture.recording.events]
            counted.update(layers=1, batches=events.count("batch"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    line = f"recorded {counted['layers']} layers, {counted['batches']} batches"
    terminalreporter.write_line(line)
