"""Runs the tests of a backend in a fresh environment that has it and no other.

`make test-backends` calls it for each, `make test-torch` and `make test-jax` for one. The versions
are named, so that the same wheels come each time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_TOOLS = ("hypothesis", "ipykernel", "nbval", "packaging", "pytest", "pytest-xdist")


@dataclass(frozen=True)
class _Backend:
    """What a backend needs and what is tested on it."""

    packages: tuple[str, ...]
    imports: str
    tests: tuple[str, ...]
    environment: dict[str, str]


BACKENDS = {
    "torch": _Backend(
        packages=("torch==2.13.0", "lightning>=2.6"),
        imports="torch, lightning",
        tests=("tests/backends", "stateviz/torch"),
        environment={},
    ),
    "jax": _Backend(
        packages=("keras==3.15.1", "jax==0.10.2"),
        imports="jax, keras",
        tests=(
            "tests/backends",
            "tests/test_recorder.py",
            "tests/test_gates.py",
            "tests/test_properties.py",
            "tests/test_odd_states.py",
            "tests/test_origins.py",
            "tests/test_phases.py",
            "tests/test_callback.py",
            "tests/test_cell_diagram.py",
        ),
        environment={"KERAS_BACKEND": "jax"},
    ),
}


def main() -> int:
    """Makes an environment for each backend, runs its tests in it, and takes it away."""
    parser = argparse.ArgumentParser(prog="python -m tools.test_backends")
    parser.add_argument("backend", nargs="*", choices=[*BACKENDS, []], help="all where none")
    options, for_pytest = parser.parse_known_args()
    return max(_tested(name, for_pytest) for name in options.backend or BACKENDS)


def _tested(name: str, for_pytest: list[str]) -> int:
    backend = BACKENDS[name]
    with tempfile.TemporaryDirectory() as folder:
        print(f"Installing {' and '.join(backend.packages)} into an environment of its own ...")
        sys.stdout.flush()
        venv.create(folder, with_pip=True)
        python = f"{folder}/{'Scripts/python.exe' if os.name == 'nt' else 'bin/python'}"
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *backend.packages, *_TOOLS, "-e", str(REPOSITORY)], check=True)
        environment = {**os.environ, **backend.environment}
        # Where one of them is missing its tests are skipped: here they would never run.
        subprocess.run([python, "-c", f"import {backend.imports}"], check=True, env=environment)
        test = [python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *backend.tests]
        return subprocess.run([*test, *for_pytest], cwd=REPOSITORY, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
