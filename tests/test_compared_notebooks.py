"""What can stand in for nbval judges as nbval judges."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.building.small_course import SMALL_LESSON, add_output, display, edit, set_source, stream
from tests.mutation import FAILED, PASSED, run_nbval
from tools.regenerate_notebooks import sanitize_patterns

pytestmark = pytest.mark.full
# As pyproject.toml would have it without nbval's four options.
WITHOUT_NBVAL = ("-p", "no:nbval", "-o", "addopts=--strict-markers --compare-notebooks")


def output(place: int, **changed: object) -> Callable[[NotebookNode], object]:
    """Changes the first output of a cell."""
    return lambda notebook: notebook.cells[place].outputs[0].update(changed)


CHANGES: dict[str, tuple[Callable[[NotebookNode], object], bool]] = {
    "nothing": (lambda notebook: None, False),
    "words": (lambda notebook: notebook.cells[0].update(source="# Other words"), False),
    "the code": (set_source(2, "[counter.advance() for _ in '123']\nprint('counted to 3')"), False),
    "what it prints": (set_source(2, "print('counted to', 4)"), True),
    "what is saved": (output(2, text="counted to 4\n"), True),
    "one output more": (add_output(2, stream("stdout", "and more\n")), True),
    "an error's value": (output(4, evalue="4 is enough"), True),
    "no error": (set_source(4, "counter.count"), True),
    "HTML": (output(3, data={"text/plain": "Shown", "text/html": "<p>four</p>"}), True),
    "a picture": (
        lambda notebook: notebook.cells.append(
            nbformat.v4.new_code_cell("1", execution_count=5, id="more", outputs=[])
        ),
        True,  # it prints 1, and nothing is saved
    ),
    "another cell": (add_output(1, display({"text/plain": "a slider"})), True),
}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            change, marks=[] if change in ("nothing", "what is saved") else pytest.mark.nightly
        )
        for change in CHANGES
    ],
)
def test_it_judges_as_nbval_does(lesson: Path, change: str) -> None:
    edit(lesson, CHANGES[change][0])
    verdict = FAILED if CHANGES[change][1] else PASSED

    by_nbval = run_nbval(lesson.parent.parent, SMALL_LESSON)
    without = run_nbval(lesson.parent.parent, SMALL_LESSON, *WITHOUT_NBVAL)

    assert by_nbval.returncode == verdict, by_nbval.stdout
    assert without.returncode == verdict, without.stdout + without.stderr
    if verdict == FAILED:
        assert "as run now" in without.stdout or "NotebookError" in without.stdout


def test_the_sanitize_file_is_read_as_nbval_reads_it() -> None:
    from nbval.plugin import get_sanitize_patterns

    from tools.regenerate_notebooks import SANITIZE_FILE

    text = SANITIZE_FILE.read_text(encoding="utf-8")
    assert len(sanitize_patterns(text)) == len(re.findall("^regex:", text, re.MULTILINE)) > 0
    assert sanitize_patterns(text) == get_sanitize_patterns(text)
