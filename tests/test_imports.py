"""Imports point one way, and opening a recording stays light.

What may import what stands in pyproject.toml, under [tool.importlinter].
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import stateviz
from tools.course_environment import REPOSITORY

PACKAGE = REPOSITORY / "stateviz"


def broken_contracts(folder: Path) -> str:
    """What import-linter says of the package in a folder; "" where all contracts are kept."""
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=folder,
        # The package of that folder, not the one that is installed.
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts: " in run.stdout, run.stdout + run.stderr
    _, _, broken = run.stdout.partition("Broken contracts")
    assert bool(broken) == bool(run.returncode)
    return " ".join(broken.split())


def test_imports_point_one_way() -> None:
    assert broken_contracts(REPOSITORY) == ""


@pytest.mark.full
@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("recording/records", "import keras", "Only the recorder needs Keras"),
        ("recording/resets", "def f():\n    import keras", "Only the recorder needs Keras"),
        ("recording/story", "import matplotlib.pyplot", "A recording needs NumPy alone"),
        ("recording/records", "from stateviz.drawing import lanes", "The rooms follow the flow"),
        ("recording/findings", "from stateviz.recording import recording", "No circle in a room"),
        ("drawing/sample", "import stateviz.recorder", "The rooms follow the flow"),
        (
            "recorder/layer_patches",
            "from stateviz.drawing import lanes",
            "The recorder draws nothing",
        ),
        ("stateful_models", "import keras", "One module imports Keras and its backends"),
        ("torch/calls", "import keras", "Recording PyTorch needs no Keras"),
        ("torch/block", "import stateviz.recorder.block", "Recording PyTorch needs no Keras"),
        ("recorder/capture", "import stateviz.torch", "The rooms follow the flow"),
        ("playing/player", "from ..recording import load", "Playing knows no LSTM"),
        ("scenes/panel", "from stateviz.recorder import record", "The rooms follow the flow"),
        ("scenes/naming", "import stateviz.course", "The core never imports the course"),
    ],
)
def test_a_wrong_import_is_seen(tmp_path: Path, module: str, line: str, complaint: str) -> None:
    ignore = shutil.ignore_patterns("__pycache__", "*.csv", "*.npz", "*.json")
    package = shutil.copytree(PACKAGE, tmp_path / "stateviz", ignore=ignore)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    path = package / f"{module}.py"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")

    assert complaint in broken_contracts(tmp_path)


def test_every_public_name_is_there() -> None:
    for name in stateviz.__all__:
        assert getattr(stateviz, name) is not None
    with pytest.raises(AttributeError, match=r"has no attribute 'recrod'; it has \['BatchRecord'"):
        _ = stateviz.recrod


OPEN_AND_DRAW = """
import sys
import stateviz
recording = stateviz.load(sys.argv[1])
repr(recording), recording.resets(), recording["lstm"].hidden_state
player = stateviz.play_sequence(recording, batch=0, sample=0)
player.frame = player.n_frames - 1
player.to_html()
"""


def loaded_modules(script: str, folder: Path, *arguments: str) -> set[str]:
    """Run a script in a fresh process that finds stateviz in ``folder``; what it loaded."""
    ending = "\nimport sys; print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    fresh = subprocess.run(
        [sys.executable, "-c", script + ending, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert fresh.returncode == 0, fresh.stderr
    return set(fresh.stdout.rpartition("LOADED")[2].split())


@pytest.fixture(scope="module")
def saved_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras
    import numpy as np

    import stateviz

    model = keras.Sequential([keras.Input((5, 1)), keras.layers.LSTM(3, name="lstm")])
    with stateviz.record(model) as recording:
        model.predict(np.linspace(-1, 1, 20, dtype="float32").reshape(4, 5, 1), verbose=0)
    path = tmp_path_factory.mktemp("recording") / "run.npz"
    recording.save(path)
    return path


def heavy_after_drawing(package: Path, saved: Path) -> set[str]:
    loaded = loaded_modules(OPEN_AND_DRAW, package.parent, str(saved))
    assert {"stateviz", "matplotlib"} <= loaded
    return loaded & {"keras", "tensorflow"}


def test_importing_loads_neither_keras_nor_matplotlib() -> None:
    loaded = loaded_modules("import stateviz", REPOSITORY)

    assert "stateviz" in loaded
    assert loaded & {"keras", "tensorflow", "matplotlib"} == set()


def test_opening_and_drawing_a_recording_loads_no_keras(saved_recording: Path) -> None:
    assert heavy_after_drawing(PACKAGE, saved_recording) == set()


@pytest.mark.full
def test_a_keras_import_would_be_seen(tmp_path: Path, saved_recording: Path) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "stateviz")
    recording = package / "recording" / "records.py"
    text = recording.read_text(encoding="utf-8")
    assert "\nimport numpy as np\n" in text
    recording.write_text(
        text.replace("\nimport numpy as np\n", "\nimport keras\nimport numpy as np\n", 1),
        encoding="utf-8",
    )

    assert heavy_after_drawing(package, saved_recording) == {"keras", "tensorflow"}
