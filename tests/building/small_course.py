"""A course of one small notebook, with the project's own settings and tools."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tools.course_environment import REPOSITORY
from tools.regenerate_notebooks import execute, to_text

SMALL_LESSON = "notebooks/small.ipynb"
COUNTER = """
class Counter:
    def __init__(self):
        self.count = 0

    def advance(self):
        self.count += 1
        unseen = "nothing shows this"
"""


def small_notebook() -> NotebookNode:
    new = nbformat.v4
    return new.new_notebook(
        cells=[
            new.new_markdown_cell("# How far does it count?", id="header"),
            new.new_code_cell(
                "import ipywidgets\nfrom stateviz.counter import Counter\n\ncounter = Counter()",
                id="begin",
            ),
            new.new_code_cell(
                "for _ in range(3):\n    counter.advance()\nprint('counted to', counter.count)",
                id="count",
            ),
            new.new_code_cell(
                "class Shown(ipywidgets.IntSlider):\n"
                "    def _repr_mimebundle_(self, **options):\n"
                "        bundle = super()._repr_mimebundle_(**options)\n"
                "        return bundle | {'text/plain': 'Shown', 'text/html': '<p>three</p>'}\n\n\n"
                "Shown(value=counter.count)",
                id="show",
            ),
            new.new_code_cell(
                "raise ValueError(f'{counter.count} is enough')",
                id="raise",
                metadata={"tags": ["raises-exception"], "collapsed": True},
            ),
        ]
    )


def make_course(course: Path) -> Path:
    """Makes the course in a folder; its notebook is run and saved."""
    for folder in ("notebooks", "stateviz", "tests"):
        (course / folder).mkdir(parents=True)
    for name in ("pyproject.toml", "conftest.py", "tests/nbval_sanitize.cfg"):
        shutil.copy(REPOSITORY / name, course / name)
    shutil.copytree(REPOSITORY / "tools", course / "tools")
    (course / "stateviz" / "__init__.py").touch()
    (course / "stateviz" / "counter.py").write_text(COUNTER, encoding="utf-8")
    path = course / SMALL_LESSON
    nbformat.write(small_notebook(), path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(course))
        path.write_text(to_text(execute(path)), encoding="utf-8")
    return course


def edit(path: Path, change: Callable[[NotebookNode], object]) -> None:
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    path.write_text(to_text(notebook), encoding="utf-8")


def set_source(place: int, source: str) -> Callable[[NotebookNode], object]:
    return lambda notebook: notebook.cells[place].update(source=source)


def add_output(place: int, output: NotebookNode) -> Callable[[NotebookNode], object]:
    return lambda notebook: notebook.cells[place].outputs.append(output)


def stream(name: str, text: str) -> NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


def display(data: dict[str, object]) -> NotebookNode:
    return nbformat.v4.new_output("display_data", data=data)
