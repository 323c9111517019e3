"""A pytest plugin for Keras's own tests: every recurrent layer that a test makes is recorded.

`tests/test_keras_own.py` runs them with `-p tests.keras_recorded`.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import keras
import pytest

from stateviz.recorder.capture import Capture
from stateviz.recorder.cells import parts_of
from stateviz.recorder.options import Options
from stateviz.recorder.tap import Tap
from stateviz.recording import LayerRecording, Recording, RecordingWarning

counted: Counter[str] = Counter()


def recorded_from_now_on(layer: keras.layers.RNN) -> tuple[ExitStack, Capture]:
    """Attaches a tap to a layer, as `stateviz.record` does."""
    parts = parts_of(layer)
    layers = [
        LayerRecording(part.name, part.kind, part.units, bool(layer.stateful)) for part in parts
    ]
    capture = Capture(Recording(layers), Options(gates=True))
    stack = ExitStack()
    stack.enter_context(Tap.of(layer).attached(layer, capture, [part.name for part in parts]))
    return stack, capture


@pytest.fixture(autouse=True)
def every_recurrent_layer_is_recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    attached: list[tuple[ExitStack, Capture]] = []
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
        for stack, capture in attached:
            stack.close()
            capture.close()
            events = [event.kind for event in capture.recording.events]
            counted.update(layers=1, batches=events.count("batch"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    line = f"recorded {counted['layers']} layers, {counted['batches']} batches"
    terminalreporter.write_line(line)
