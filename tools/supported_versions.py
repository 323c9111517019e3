"""Runs the tests with the oldest and the newest versions that pyproject.toml allows.

`make test-versions` calls it. "oldest" is the lowest version of every direct dependency, as `uv`
resolves them; "newest" what is newest today. Each gets a fresh environment in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TESTS = (
    "tests/test_backend.py",
    "tests/test_recorder.py",
    "tests/test_origins.py",
    "tests/test_phases.py",
    "tests/test_left_unharmed.py",
    "tests/test_options.py",
    "tests/test_cells.py",
    "tests/test_callback.py",
    "tests/test_cures.py",
    "tests/test_properties.py",
    "tests/test_keras_own.py",
    "tests/test_unusual_calls.py",
    "tests/test_recording.py",
    "tests/test_select.py",
    "tests/test_labelled.py",
    "tests/test_findings.py",
    "tests/test_scenes.py",
    "tests/test_player.py",
    "tests/test_export.py",
    "tests/test_quiz.py",
    "stateviz/recorder",
    "stateviz/recording",
    "stateviz/playing",
)
TEST_TOOLS = (
    "hypothesis",
    "ipykernel",
    "nbclient",
    "nbval",
    "packaging",
    "pytest",
    "pytest-xdist",
)
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
EXTRAS = ("keras", "xarray", "pandas")
SHOW_VERSIONS = "import keras, tensorflow; print(keras.__version__, tensorflow.__version__)"


@dataclass(frozen=True)
class Result:
    """What became of the tests with one set of versions."""

    which: str
    keras: str
    tensorflow: str
    summary: str
    passed: bool


def resolved(which: str, folder: Path) -> Path:
    """Writes the versions of all dependencies to a file, as pip reads it."""
    versions = folder / f"{which}.txt"
    extras = [option for extra in EXTRAS for option in ("--extra", extra)]
    resolution = ["--resolution", RESOLUTIONS[which], "--python", sys.executable]
    uv = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", *resolution, *extras]
    command = [*uv, "--output-file", str(versions), str(REPOSITORY / "pyproject.toml")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return versions


def tested(which: str, folder: Path) -> Result:
    """Makes an environment and runs the tests in it."""
    versions = resolved(which, folder)
    say(f"{which}: installing ...\n{versions.read_text(encoding='utf-8')}")
    venv = folder / which
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(venv)], check=True)
    install = [*uv, "pip", "install", "--python", str(python), "--constraint", str(versions)]
    wanted = ["--requirement", str(versions), *TEST_TOOLS, "-e", str(REPOSITORY)]
    subprocess.run([*install, *wanted], check=True, cwd=folder)
    shown = subprocess.run(
        [python, "-c", SHOW_VERSIONS], check=True, capture_output=True, text=True
    )
    keras, tensorflow = shown.stdout.split()
    say(f"{which}: testing Keras {keras} and TensorFlow {tensorflow} ...")
    run = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not nightly", *TESTS],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if run.returncode:
        say(run.stdout)
    summary = run.stdout.strip().splitlines()[-1]
    return Result(which, keras, tensorflow, summary, run.returncode == 0)


def say(line: str) -> None:
    """Prints at once, so that whoever waits sees how far it is."""
    print(line, flush=True)


def main() -> int:
    """Tests both and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", nargs="*", default=list(RESOLUTIONS))
    with tempfile.TemporaryDirectory() as folder:
        results = [tested(which, Path(folder)) for which in parser.parse_args().which]
    say(f"{'':8} {'Keras':10} {'TensorFlow':12}")
    for each in results:
        say(f"{each.which:8} {each.keras:10} {each.tensorflow:12} {each.summary}")
    return not all(each.passed for each in results)


if __name__ == "__main__":
    sys.exit(main())
