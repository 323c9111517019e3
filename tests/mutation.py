"""Breaks a copy of the course on purpose: strict nbval has to notice."""

import ast
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
class Break:
    """One text to replace in one file, and the notebook that has to turn red.

    ``file`` is relative to the repository. In a notebook the text is looked for in the source and
    the saved output of the code cells. It must occur exactly once.
    """

    name: str
    notebook: str
    file: str
    old: str
    new: str

    def __str__(self) -> str:
        return self.name


class GuardError(Exception):
    """The break could not be tried, which says nothing about the notebook."""


def copy_course(source: Path, target: Path) -> Path:
    """Copy a repository, without its environment, history and caches."""
    return shutil.copytree(source, target, ignore=NOT_COPIED)


def apply_break(course: Path, wanted: Break) -> None:
    """Make the change in a copy of the course."""
    path = course / wanted.file
    if not path.is_file():
        raise GuardError(f"{wanted.name}: there is no file {wanted.file}.")
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        path.write_text(broken_notebook(text, wanted), encoding="utf-8")
        return
    count = text.count(wanted.old)
    if count != 1:
        raise occurs_wrongly(wanted, count)
    text = text.replace(wanted.old, wanted.new)
    if path.suffix == ".py":
        try:
            ast.parse(text)
        except SyntaxError as error:
            raise GuardError(
                f"{wanted.name}: the broken {wanted.file} is not Python: {error}."
            ) from None
    path.write_text(text, encoding="utf-8")


def broken_notebook(text: str, wanted: Break) -> str:
    """Give the notebook's text with the change made in its code cells."""
    content = json.loads(text)
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
        raise occurs_wrongly(wanted, count)
    return json.dumps(content)


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


def occurs_wrongly(wanted: Break, count: int) -> GuardError:
    """Make the error of a text that is not there, or is there more than once."""
    return GuardError(
        f"{wanted.name}: the text {wanted.old!r} occurs {count} times in {wanted.file}; exactly "
        f"once was expected. The code has changed: bring the break up to date."
    )


def run_nbval(course: Path, notebook: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run strict nbval on one notebook of a copy, up to its first red cell."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *options, notebook],
        cwd=course,
        env={**os.environ, "PYTHONPATH": str(course)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def turns_red(course: Path, notebook: str) -> bool:
    """Say whether strict nbval finds a cell of the notebook wrong."""
    run = run_nbval(course, notebook)
    if run.returncode == PASSED:
        return False
    if run.returncode == FAILED and "Notebook cell execution failed" in run.stdout:
        return True
    raise GuardError(
        f"pytest did not judge {notebook}: it ended with status {run.returncode}.\n"
        f"{run.stdout[-KEPT_OUTPUT:]}{run.stderr[-KEPT_OUTPUT:]}"
    )
