"""The lessons' models where Keras finds a GPU: it would choose XLA, which rounds in another way.

No GPU is needed: Keras is told of one where it asks whether to choose XLA.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import stateviz
from stateviz.course import counting_model
from stateviz.course.keras2 import old_model


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras chooses as on a machine with a GPU; what then runs, runs on the CPU."""
    rnn = sys.modules["keras.src.backend.tensorflow.rnn"]
    real, device = tf.config.list_physical_devices, SimpleNamespace(device_type="GPU")

    def devices(kind: str | None = None) -> list[Any]:
        asked = sys._getframe(1).f_code.co_name == "_resolve_auto_jit_compile"
        return [device] if asked else real(kind)

    monkeypatch.setattr(tf.config, "list_physical_devices", devices)
    # Only while layers are made: the loops would try to use it.
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: "__init__" in callers())


def callers() -> list[str]:
    frame, names = sys._getframe(1), []
    while frame.f_back is not None:
        frame = frame.f_back
        names.append(frame.f_code.co_name)
    return names[:4]


def plain(layer: Any) -> Any:
    model = keras.Sequential([keras.Input((3, 1)), layer])
    model.compile("sgd", "mse")
    return model


def test_keras_would_choose_xla_for_what_cudnn_cannot(gpu: None) -> None:
    assert not plain(keras.layers.LSTM(2)).jit_compile
    for layer in (keras.layers.LSTM(2, activation="linear"), keras.layers.SimpleRNN(2)):
        model = plain(layer)
        assert model.jit_compile
        with pytest.raises(ValueError, match="jit_compile=False"), stateviz.record(model):
            pass
        model.compile("sgd", "mse", jit_compile=False)
        with stateviz.record(model) as recording:
            model.predict(np.ones((2, 3, 1)), verbose=0)
        assert [batch.phase for each in recording.values() for batch in each.batches] == ["predict"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: counting_model(batch_size=2, timesteps=3),
        lambda: counting_model(batch_size=2, timesteps=3, stateful=True, unroll=True),
        lambda: old_model(keras, "counting"),
        lambda: old_model(keras, "seeded"),
    ],
)
def test_the_lessons_models_are_recorded_on_a_gpu_too(gpu: None, make: Callable[[], Any]) -> None:
    model = make()
    assert not model.jit_compile
    with stateviz.record(model) as recording:
        pass
    assert recording.layers
