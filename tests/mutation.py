"""Breaks a lesson, or stateviz in its kernel, on purpose: strict nbval has to notice."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOT_COPIED = shutil.ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "build", "dist", "node_modules"
)
KEPT_OUTPUT = 6000
# pytest's exit status: 0 all passed, 1 some test failed; the rest means that it never got so far.
PASSED, FAILED = 0, 1


@dataclass(frozen=True)
class BreakInCode:
    """A function of `tests.breaks` that breaks stateviz, and the notebook that has to turn red."""

    notebook: str
    function: str
    module: str = "tests.breaks"

    def __str__(self) -> str:
        return self.function

    def startup(self, folder: Path) -> Path:
        """Writes what IPython runs in a kernel before the first cell; returns its IPYTHONDIR."""
        scripts = folder / "profile_default" / "startup"
        scripts.mkdir(parents=True)
        script = f"import {self.module} as breaks\nbreaks.{self.function}()\n"
        (scripts / "break.py").write_text(script, encoding="utf-8")
        return folder


@dataclass(frozen=True)
class BreakInNotebook:
    """A text to replace in the code or the saved output of a notebook; it occurs exactly once."""

    name: str
    notebook: str
    old: str
    new: str

    def __str__(self) -> str:
        return self.name


class GuardError(Exception):
    """The break could not be tried, which says nothing about the notebook."""


def copy_course(source: Path, target: Path) -> Path:
    """Copy a repository, without its environment, history and caches."""
    return shutil.copytree(source, target, ignore=NOT_COPIED)


def apply_break(course: Path, wanted: BreakInNotebook) -> None:
    """Make the change in a copy of the course."""
    path = course / wanted.notebook
    content = json.loads(path.read_text(encoding="utf-8"))
    count = 0

    def change(old: str) -> str:
        nonlocal count
        count += old.count(wanted.old)
        return old.replace(wanted.old, wanted.new)

    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            for part in ("source", "outputs"):
                cell[part] = changed_text(cell[part], change)
    if count != 1:
        raise GuardError(
            f"{wanted.name}: the text {wanted.old!r} occurs {count} times in {wanted.notebook}; "
            f"exactly once was expected. The lesson has changed: bring the break up to date."
        )
    path.write_text(json.dumps(content), encoding="utf-8")


def changed_text(value: Any, change: Callable[[str], str]) -> Any:
    """Change every text in nested lists and mappings; nbformat's lists of lines are one text."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            return change("".join(value))
        return [changed_text(item, change) for item in value]
    if isinstance(value, dict):
        return {key: changed_text(item, change) for key, item in value.items()}
    return value


def run_nbval(
    course: Path, notebook: str, *options: str, ipython: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run strict nbval on one notebook of a course, up to its first red cell.

    Args:
        course: The repository, or a copy of it.
        notebook: The notebook, relative to it.
        options: More options for pytest.
        ipython: Where IPython finds what to run before the first cell.
    """
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *options, notebook],
        cwd=course,
        env={
            **os.environ,
            "PYTHONPATH": str(course),
            **({} if ipython is None else {"IPYTHONDIR": str(ipython)}),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def turns_red(course: Path, notebook: str, *, ipython: Path | None = None) -> bool:
    """Say whether strict nbval finds a cell of the notebook wrong."""
    run = run_nbval(course, notebook, ipython=ipython)
    if run.returncode == PASSED:
        return False
    if run.returncode == FAILED and "Notebook cell execution failed" in run.stdout:
        return True
    raise GuardError(
        f"pytest did not judge {notebook}: it ended with status {run.returncode}.\n"
        f"{run.stdout[-KEPT_OUTPUT:]}{run.stderr[-KEPT_OUTPUT:]}"
    )
