"""Stands in for nbval: compares each notebook with what its code makes, in pytest.

nbval's last release is of 2024. Should it no longer run, put `--compare-notebooks` in the place of
its four options in pyproject.toml. The comparing is that of `tools.regenerate_notebooks`: it is as
strict as nbval, apart from a cell that writes to stderr, which it always refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option that turns it on."""
    parser.addoption(
        "--compare-notebooks",
        action="store_true",
        help="run each notebook and compare all that it prints with what is saved, without nbval",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    """Takes the notebooks, if it is turned on."""
    if file_path.suffix != ".ipynb" or not parent.config.getoption("compare_notebooks"):
        return None
    return ComparedNotebook.from_parent(parent, path=file_path)


class NotebookDiffers(Exception):
    """What a notebook prints is not what is saved in it."""


class ComparedNotebook(pytest.File):
    """A notebook."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its one test: all its cells, in order, in a fresh kernel."""
        yield AllCells.from_parent(self, name="all cells")


class AllCells(pytest.Item):
    """The cells of a notebook."""

    def runtest(self) -> None:
        """Runs them, and compares."""
        from tools.regenerate_notebooks import difference, execute

        changes = difference(self.path, execute(self.path))
        if changes:
            raise NotebookDiffers(changes)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> str:
        """Says how it differs, or why it stopped."""
        return str(excinfo.value)
