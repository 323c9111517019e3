"""Which Keras and TensorFlow can be recorded, and what a student reads with another."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import pytest
from packaging.requirements import Requirement

from stateviz.recorder import frameworks

REPOSITORY = Path(__file__).resolve().parent.parent


def test_the_oldest_versions_are_those_of_pyproject() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    asked = map(Requirement, [*extras["keras"], *extras["jax"], *extras["torch"]])
    assert {each.name: str(each.specifier) for each in asked} == {
        name: f">={version}" for name, version in frameworks.OLDEST.items()
    }


@pytest.mark.parametrize(
    ("version", "is_enough"),
    [
        ("3.14.0", False),
        ("2.15.1", False),
        ("3.9.2", False),
        ("3.14.1", True),
        ("3.15.0", True),
        ("4.0", True),
    ],
)
def test_versions_are_compared_as_numbers(
    version: str, is_enough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.__version__", version)
    if is_enough:
        assert frameworks.checked("keras").__version__ == version
    else:
        with pytest.raises(ImportError, match=rf"needs keras 3.14.1 or newer; {version} is inst"):
            frameworks.checked("keras")


def in_a_fresh_python(code: str, tmp_path: Path, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}", **environment},
        capture_output=True,
        text=True,
    )
    return result.stderr.strip().splitlines()[-1] if result.returncode else result.stdout


def test_without_tensorflow_the_error_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no such package')")
    error = in_a_fresh_python("import stateviz; stateviz.record", tmp_path)
    assert "needs tensorflow 2.20 or newer; it cannot be imported (no such package)" in error
    assert "pip install --upgrade tensorflow" in error
    assert in_a_fresh_python("import stateviz; print(stateviz.load)", tmp_path).startswith("<func")


def test_another_backend_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("__version__ = '2.21.0'")
    (tmp_path / "keras.py").write_text(
        "class backend:\n    backend = staticmethod(lambda: 'openvino')\n__version__ = '3.15.0'"
    )
    error = in_a_fresh_python("import stateviz; stateviz.record", tmp_path)
    assert "this is 'openvino'. Set KERAS_BACKEND=tensorflow before Keras is imported" in error


TWO_REPLICAS = """
import keras, numpy as np, stateviz, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    copied = keras.Sequential([keras.Input((5, 1)), keras.layers.LSTM(2)])
alone = keras.Sequential([keras.Input((5, 1)), keras.layers.LSTM(2)])
with stateviz.record(alone) as recording:
    alone(keras.ops.ones((4, 5, 1)))
assert len(recording[recording.layers[0]].batches) == 1
layer = keras.layers.LSTM(2, name="layer")
layer(keras.ops.ones((4, 5, 1)))
function = tf.function(lambda x: copied.distribute_strategy.run(layer, (x,)))
expected = function(keras.ops.ones((4, 5, 1))).values[1].numpy()
with stateviz.record(layer) as recording:  # no model says so beforehand
    found = tf.function(lambda x: copied.distribute_strategy.run(layer, (x,)))
    np.testing.assert_array_equal(found(keras.ops.ones((4, 5, 1))).values[1].numpy(), expected)
assert not recording["layer"].batches
assert "'layer' ran, but copied to several devices" in recording.stopped, recording
with stateviz.record(copied):
    pass
"""


@pytest.mark.full
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a strategy is TensorFlow's")
def test_a_model_that_is_copied_to_several_devices_is_refused(tmp_path: Path) -> None:
    """Each copy reads a part of a batch: counts of batches would be of parts."""
    error = in_a_fresh_python(TWO_REPLICAS, tmp_path)
    assert "copied to several devices (tf.distribute)" in error
    assert "Record it on one device" in error
