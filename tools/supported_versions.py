"""Runs the recorder's tests with the oldest and the newest Keras and TensorFlow.

`make test-versions` calls it. Each pair gets a fresh environment in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parent.parent
TESTS = (
    "tests/test_backend.py",
    "tests/test_recorder.py",
    "tests/test_cells.py",
    "tests/test_callback.py",
    "tests/test_properties.py",
    "tests/test_keras_own.py",
    "tests/test_recording.py",
    "tests/test_findings.py",
    "stateviz/recorder.py",
    "stateviz/callback.py",
)
TEST_TOOLS = ("hypothesis", "nbval", "packaging", "pytest", "pytest-xdist", "ipykernel")
SHOW_VERSIONS = "import keras, tensorflow; print(keras.__version__, tensorflow.__version__)"


@dataclass(frozen=True)
class Result:
    """What became of the tests with one pair of versions."""

    which: str
    keras: str
    tensorflow: str
    summary: str
    passed: bool


def requirements(which: str) -> list[str]:
    """Keras and TensorFlow for "oldest" or "newest", by pyproject.toml's extra `keras`."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    extra = list(map(Requirement, project["project"]["optional-dependencies"]["keras"]))
    if which == "newest":
        return list(map(str, extra))
    lowest = []
    for each in extra:
        [floor] = [spec.version for spec in each.specifier if spec.operator == ">="]
        lowest.append(f"{each.name}=={floor}")
    return lowest


def tested(which: str, folder: Path) -> Result:
    """Makes an environment and runs the tests in it."""
    wanted = requirements(which)
    say(f"{which}: installing {' and '.join(wanted)} ...")
    venv = folder / which
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(venv)], check=True)
    install = [*uv, "pip", "install", "--python", str(python), *wanted, *TEST_TOOLS]
    subprocess.run([*install, "-e", str(REPOSITORY)], check=True, cwd=folder)
    shown = subprocess.run(
        [python, "-c", SHOW_VERSIONS], check=True, capture_output=True, text=True
    )
    keras, tensorflow = shown.stdout.split()
    say(f"{which}: testing Keras {keras} and TensorFlow {tensorflow} ...")
    run = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS],
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
    """Tests all pairs and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("which", nargs="*", default=["oldest", "newest"])
    with tempfile.TemporaryDirectory() as folder:
        results = [tested(which, Path(folder)) for which in parser.parse_args().which]
    say(f"{'':8} {'Keras':10} {'TensorFlow':12}")
    for each in results:
        say(f"{each.which:8} {each.keras:10} {each.tensorflow:12} {each.summary}")
    return not all(each.passed for each in results)


if __name__ == "__main__":
    sys.exit(main())
