"""A student's copy has the questions and none of the answers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from nbformat import NotebookNode

import stateviz
from stateviz.course import ask, check
from stateviz.course.tasks import TASKS
from tools.course_environment import NOTEBOOKS
from tools.regenerate_notebooks import read_notebook
from tools.student_copies import graded, without_answers, without_feedback

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))


def predictions(sources: list[str]) -> list[stateviz.course.Prediction]:
    """Every prediction that these cells make, made."""
    calls = [
        call
        for source in sources
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(("Prediction", "ask"))
    ]
    known = {"stateviz": stateviz, "Prediction": stateviz.course.Prediction, "ask": ask}
    return [eval(ast.unparse(call), known) for call in calls]


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_copy_asks_what_the_lesson_asks_and_answers_nothing(path: Path) -> None:
    lesson = read_notebook(path)
    copy = without_answers(lesson)
    cells = [cell for cell in copy.cells if cell.cell_type == "code"]
    text = "\n".join(cell.source for cell in copy.cells)
    asked = predictions([c.source for c in lesson.cells if c.cell_type == "code"])
    asked_in_copy = predictions([cell.source for cell in cells])
    assert asked
    assert [(each.question, [*each.options]) for each in asked_in_copy] == [
        (each.question, [*each.options]) for each in asked
    ]
    assert all(each.answer is None for each in asked_in_copy)
    for prediction in asked:
        for feedback in prediction.options.values():
            assert feedback not in text
    assert not any(cell.outputs for cell in cells)
    told = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    folds = re.findall(r"<details><summary>(.*?)</summary>\s*(.*?)\s*</details>", told, re.DOTALL)
    assert folds
    assert "<details>" not in text
    for question, answer in folds:
        assert answer not in text
        assert question == "Answer" or f"**{question}**" in text
    whole = [cell for cell in lesson.cells if "answer" in cell.metadata.get("tags", [])]
    assert not any(answer.source in text for answer in whole)
    in_words = [cell for cell in whole if cell.cell_type == "markdown"]
    assert text.count("*Your answer:*") == len(folds) + len(in_words)


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_each_task_keeps_its_stub_and_loses_its_solution(path: Path) -> None:
    def checks(notebook: NotebookNode) -> list[str]:
        cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        return [source for source in cells if "\ncheck(" in source]

    lesson = read_notebook(path)
    copy = without_answers(lesson)
    assert len(checks(lesson)) == 2 * len(checks(copy))
    assert not any("# A solution" in cell.source for cell in copy.cells)
    assert not any("A solution is folded" in cell.source for cell in copy.cells)


def test_the_answer_of_the_course_is_not_in_the_copy_of_its_first_lesson() -> None:
    copy = without_answers(read_notebook(LESSONS[0]))
    text = "\n".join(cell.source for cell in copy.cells)
    assert "never reset" not in text
    assert "begins from zeros once" not in text


def test_a_lesson_itself_is_left_as_it_is() -> None:
    lesson = read_notebook(LESSONS[0])
    without_answers(lesson)
    assert lesson == read_notebook(LESSONS[0])


def test_options_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(ValueError, match=r"written out as a dict.*\nPrediction\('\?', options"):
        without_feedback("Prediction('?', options, answer='5')")


def test_with_nbgrader_each_task_is_a_cell_to_write_in_and_a_cell_that_checks_it() -> None:
    names = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        copy = graded(read_notebook(path))
        marked = [cell for cell in copy.cells if "nbgrader" in cell.metadata]
        for code, checked in zip(marked[::2], marked[1::2], strict=True):
            of_code, of_check = code.metadata["nbgrader"], checked.metadata["nbgrader"]
            assert (of_code["solution"], of_code["grade"], of_code["locked"]) == (
                True,
                False,
                False,
            )
            assert (of_check["solution"], of_check["grade"], of_check["points"]) == (False, True, 1)
            assert of_check["locked"]
            assert "check(" not in code.source
            names += [of_code["grade_id"], of_check["grade_id"]]
    assert len(names) == len(set(names)) == 2 * len(TASKS)


def test_the_cell_that_checks_is_red_with_the_hint_and_green_with_the_solution() -> None:
    lesson = read_notebook(NOTEBOOKS / "03_stateful.ipynb")
    marked = [cell for cell in graded(lesson).cells if "nbgrader" in cell.metadata]
    stub, checked = (cell for cell in marked if "lanes" in cell.metadata["nbgrader"]["grade_id"])
    names = {"np": np, "check": check}
    exec(stub.source, names)
    with pytest.raises(AssertionError, match="Nothing is there yet"):
        exec(checked.source, names)
    [solution] = (
        cell
        for cell in lesson.cells
        if 'check("lanes"' in cell.source and "answer" in cell.metadata.get("tags", [])
    )
    exec(solution.source, names)
    exec(checked.source, names)
