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

from tools.jax_cache import keeping_what_jax_compiles

REPOSITORY = Path(__file__).resolve().parent.parent
_TOOLS = ("hypothesis", "ipykernel", "nbval", "packaging", "pytest", "pytest-xdist")
_KERAS = "keras==3.15.1"
_RECORDER = tuple(
    f"tests/test_{name}.py" for name in ("recorder", "gates", "properties", "odd_states", "origins")
)
_TABLE = "tests/test_matrix.py"


@dataclass(frozen=True)
class _Run:
    """What is added to an environment, and what is tested then.

    Attributes:
        packages: What is installed.
        imports: What must be there: where it is missing its tests would be skipped.
        backend: What Keras runs on; None without Keras.
        tests: What is tested.
        more: What is tested too, unless time is short.
    """

    packages: tuple[str, ...]
    imports: str
    backend: str | None
    tests: tuple[str, ...]
    more: tuple[str, ...] = ()


RUNS = {
    "torch": [
        _Run(
            ("torch==2.13.0", "lightning>=2.6"),
            "torch, lightning",
            None,
            ("tests/backends", "stateviz/torch"),
        ),
        # PyTorch alone comes first: to record it no Keras is needed.
        _Run((_KERAS,), "torch, keras", "torch", ("tests/backends",), (*_RECORDER, _TABLE)),
    ],
    "jax": [
        _Run(
            (_KERAS, "jax==0.10.2"),
            "jax, keras",
            "jax",
            ("tests/backends",),
            (*_RECORDER, _TABLE, "tests/test_phases.py", "tests/test_callback.py"),
        )
    ],
}


def main() -> int:
    """Makes an environment for each backend, runs its tests in it, and takes it away."""
    parser = argparse.ArgumentParser(prog="python -m tools.test_backends")
    parser.add_argument("backend", nargs="?", choices=RUNS, help="all where none is named")
    parser.add_argument("--short", action="store_true", help="leave out what takes minutes")
    options, for_pytest = parser.parse_known_args()
    names = [options.backend] if options.backend else list(RUNS)
    return max(_tested(RUNS[name], for_pytest, short=options.short) for name in names)


def _tested(runs: list[_Run], for_pytest: list[str], *, short: bool) -> int:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = f"{folder}/{'Scripts/python.exe' if os.name == 'nt' else 'bin/python'}"
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *_TOOLS, "-e", str(REPOSITORY)], check=True)
        return max(_one(run, python, pip, for_pytest, short=short) for run in runs)


def _one(run: _Run, python: str, pip: list[str], for_pytest: list[str], *, short: bool) -> int:
    print(f"Installing {' and '.join(run.packages)} into an environment of its own ...", flush=True)
    subprocess.run([*pip, *run.packages], check=True)
    environment = {**os.environ}
    environment.pop("KERAS_BACKEND", None)
    if short:
        environment.setdefault("STATEVIZ_EXAMPLES", "3")
    if run.backend is not None:
        environment["KERAS_BACKEND"] = run.backend
    if run.backend == "jax":
        environment.update(keeping_what_jax_compiles(str(Path(python).parent.parent / "compiled")))
    subprocess.run([python, "-c", f"import {run.imports}"], check=True, env=environment)
    tests = run.tests if short else (*run.tests, *run.more)
    test = [python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-m", "not nightly"]
    return subprocess.run([*test, *tests, *for_pytest], cwd=REPOSITORY, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
