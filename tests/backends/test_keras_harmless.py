"""Keras on JAX and on PyTorch: a recorded training stays the same, and all of it is seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import stateviz
from tests.backends.keras_models import BACKEND, BATCHES, Drawn, trained

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# STATEVIZ_EXAMPLES=100 looks further.
SEEDS = range(int(os.environ.get("STATEVIZ_EXAMPLES", "6")))


@pytest.mark.parametrize("seed", SEEDS)
def test_any_training_stays_as_it_was_and_all_of_it_is_seen(seed: int) -> None:
    drawn = Drawn.of(seed)
    gates = seed % 3 == 0
    expected = trained(drawn.model(), drawn)
    model = drawn.model()
    with stateviz.record(model, gates=gates) as recording:
        assert trained(model, drawn) == expected, str(drawn)
    assert recording.stopped == ""
    for name in recording.layers:
        layer = recording[name]
        assert layer.backend == BACKEND
        assert len(layer.batches) == BATCHES, str(drawn)
        assert layer.ends_within < 1e-5
        if gates and drawn.kind in ("LSTM", "GRU", "Bidirectional", "ConvLSTM2D"):
            assert all(batch.gates is not None for batch in layer.batches)


def test_recording_imports_no_other_backend() -> None:
    others = {"tensorflow", "jax", "torch"} - {BACKEND}
    program = (
        "import sys, numpy, keras, stateviz\n"
        "m = keras.Sequential([keras.Input((5, 1)), keras.layers.LSTM(2, name='lstm')])\n"
        "with stateviz.record(m) as r: m.predict(numpy.ones((4, 5, 1)), verbose=0)\n"
        "assert len(r['lstm'].batches) == 1\n"
        f"assert not {others} & set(sys.modules), 'imported'\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
