"""Copies the lessons without their answers: python -m tools.student_copies [folder].

What the cells print is left out, and the folded answers, and of each prediction what is right and
what is said of each option. A student runs the cells, commits predictions and writes answers; the
teacher has the lessons.
"""

import argparse
import ast
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.course_environment import NOTEBOOKS, REPOSITORY
from tools.regenerate_notebooks import read_notebook, tidy, to_text

FOLDER = REPOSITORY / "student-copies"
_FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
_SPACE_TO_WRITE = "*Your answer:*"


def without_answers(notebook: NotebookNode) -> NotebookNode:
    """Gives a student's copy of a lesson."""
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = _FOLDED.sub(_SPACE_TO_WRITE, cell.source)
        elif cell.cell_type == "code":
            cell.source = without_feedback(cell.source)
            cell.outputs = []
            cell.execution_count = None
    return tidy(copy)


def without_feedback(source: str) -> str:
    """Gives a cell's code with every `Prediction` in it reduced to its question and options.

    Raises:
        ValueError: The options of a `Prediction` are not written out where it is made.

    Example:
        >>> without_feedback('p = Prediction("1 + 1?", {"2": "Yes.", "11": "No."}, answer="2")')
        "p = Prediction('1 + 1?', {'2': '', '11': ''}, answer=None)"
    """
    tree = ast.parse(source)
    found = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and _is_quiz(each)]
    for call in found:
        if len(call.args) != 2 or not isinstance(call.args[1], ast.Dict):
            raise ValueError(
                "A Prediction's options must be written out as a dict, so that the answers can be "
                f"taken out of them; received:\n{ast.unparse(call)}"
            )
        call.args[1].values = [ast.Constant("") for _ in call.args[1].values]
        for keyword in call.keywords:
            if keyword.arg == "answer":
                keyword.value = ast.Constant(None)
    return ast.unparse(tree) if found else source


def _is_quiz(call: ast.Call) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] == "Prediction"


def main() -> None:
    """Write the copies."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.student_copies",
        description="Copies the lessons without their answers.",
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    lessons = sorted(NOTEBOOKS.glob("*.ipynb"))
    for path in lessons:
        copy = to_text(without_answers(read_notebook(path)))
        (folder / path.name).write_text(copy, encoding="utf-8")
    print(f"Wrote {len(lessons)} lessons without answers to {folder}.")


if __name__ == "__main__":
    main()
