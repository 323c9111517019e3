"""Runs the tests of `stateviz.torch` in a fresh environment that has PyTorch and no Keras.

`make test-torch` calls it. The version is named, so that the same wheel comes each time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TESTS = ("tests/backends", "stateviz/torch")
PACKAGES = (
    "torch==2.13.0",
    "lightning>=2.6",
    "ipykernel",
    "nbval",
    "packaging",
    "pytest",
    "pytest-xdist",
)


def main() -> int:
    """Makes the environment, runs the tests in it, and takes it away."""
    with tempfile.TemporaryDirectory() as folder:
        print("Installing PyTorch into an environment of its own ...", flush=True)
        venv.create(folder, with_pip=True)
        python = f"{folder}/{'Scripts/python.exe' if os.name == 'nt' else 'bin/python'}"
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES, "-e", str(REPOSITORY)], check=True)
        test = [python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *TESTS]
        # Where one of them is missing its tests are skipped: here they would never run.
        subprocess.run([python, "-c", "import torch, lightning"], check=True)
        return subprocess.run([*test, *sys.argv[1:]], cwd=REPOSITORY).returncode


if __name__ == "__main__":
    sys.exit(main())
