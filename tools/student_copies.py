"""Copies the lessons without their answers: python -m tools.student_copies [folder] [--nbgrader].

What the cells print is left out, and the folded answers, the solutions of the tasks, and of each
prediction what is right and what is said of each option. A student runs the cells, commits
predictions and writes answers; the teacher has the lessons. With --nbgrader each task is a cell to
write in and a cell of one point that checks it, in the folders that nbgrader asks for.
"""

import argparse
import ast
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from stateviz.course.bank import questions
from tools.course_environment import NOTEBOOKS, REPOSITORY
from tools.regenerate_notebooks import read_notebook, tidy, to_text

FOLDER = REPOSITORY / "student-copies"
_FOLDED = re.compile(r"<details><summary>(.*?)</summary>.*?</details>", re.DOTALL)
_ANSWER_ALONE = "Answer"  # a fold under a task, which says the question itself
_SPACE_TO_WRITE = "*Your answer:*"
_SOLUTION_FOLDED = re.compile(r"\s*A solution is folded under the cell\.")
NBGRADER_CONFIG = """from pathlib import Path

c = get_config()
c.CourseDirectory.course_id = "stateviz"
# A folder of its own: docs/class/autograde.sh lets students' code write there and nowhere else.
c.CourseDirectory.db_url = f"sqlite:///{Path.cwd() / 'gradebook' / 'gradebook.db'}"
c.ExecutePreprocessor.timeout = 300
# The copies hold no solution that would have to be taken out.
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
]
"""
ANSWER_TAG = "answer"  # of a cell that is an answer as a whole: its text, a solution, a score


def without_answers(notebook: NotebookNode) -> NotebookNode:
    """Gives a student's copy of a lesson."""
    copy = nbformat.from_dict(notebook)
    copy.cells = [cell for cell in copy.cells if cell.cell_type != "code" or not is_answer(cell)]
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            text = _SOLUTION_FOLDED.sub("", without_folds(cell.source))
            cell.source = heading_of(cell) if is_answer(cell) else text
        elif cell.cell_type == "code":
            cell.source = without_feedback(cell.source)
            cell.outputs = []
            cell.execution_count = None
    return tidy(copy)


def graded(notebook: NotebookNode) -> NotebookNode:
    """Gives a student's copy, each of whose tasks is two cells of nbgrader's: code, and a test."""
    copy = without_answers(notebook)
    cells: list[NotebookNode] = []
    for cell in copy.cells:
        tree = ast.parse(cell.source).body if cell.cell_type == "code" else []
        last = tree[-1].value if tree and isinstance(tree[-1], ast.Expr) else None
        if not (isinstance(last, ast.Call) and _name(last) == "check"):
            cells.append(cell)
            continue
        task = ast.literal_eval(last.args[0])
        cell.source = "\n".join(cell.source.splitlines()[: last.lineno - 1]).rstrip()
        cell.metadata["nbgrader"] = _nbgrader(task, solution=True)
        test = f"verdict = {ast.unparse(last)}\nassert verdict.right, verdict.words\nverdict"
        checked = nbformat.v4.new_code_cell(test, id=f"{cell.id}-checked")
        checked.metadata["nbgrader"] = {
            **_nbgrader(f"{task}_checked", solution=False),
            "points": 1,
        }
        cells += [cell, checked]
    copy.cells = cells
    return copy


def _nbgrader(name: str, *, solution: bool) -> dict[str, object]:
    """A cell's metadata as nbgrader defines them, schema 3."""
    return {
        "schema_version": 3,
        "grade_id": name,
        "solution": solution,
        "grade": not solution,
        "locked": not solution,
        "task": False,
    }


def is_answer(cell: NotebookNode) -> bool:
    """Says whether a cell is an answer as a whole."""
    return ANSWER_TAG in cell.metadata.get("tags", [])


def heading_of(cell: NotebookNode) -> str:
    """The heading of a cell that is an answer as a whole, if it has one, and room to write."""
    heading = cell.source.partition("\n")[0]
    return f"{heading}\n\n{_SPACE_TO_WRITE}" if heading.startswith("#") else _SPACE_TO_WRITE


def without_folds(text: str) -> str:
    """Gives a text with room to write instead of each folded answer; its question stays.

    Example:
        >>> print(without_folds("<details><summary>Who?</summary>You.</details>"))
        **Who?**
        <BLANKLINE>
        *Your answer:*
    """

    def asked(fold: re.Match[str]) -> str:
        question = fold[1].strip()
        return (
            _SPACE_TO_WRITE if question == _ANSWER_ALONE else f"**{question}**\n\n{_SPACE_TO_WRITE}"
        )

    return _FOLDED.sub(asked, text)


def without_feedback(source: str) -> str:
    """Gives a cell's code with every question in it reduced to its text and its options.

    Args:
        source: Code that asks by `ask(...)`, or by a `Prediction` that is written out.

    Raises:
        ValueError: The options of a `Prediction` are not written out where it is made.

    Example:
        >>> without_feedback('p = Prediction("1 + 1?", {"2": "Yes.", "11": "No."}, answer="2")')
        "p = Prediction('1 + 1?', {'2': '', '11': ''}, answer=None)"
        >>> without_feedback('ask("0.1")').rpartition(", ")[2]
        'answer=None)'
    """
    tree = ast.parse(source)
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
    asked = [call for call in calls if _name(call) in ("ask", "Prediction")]
    for call in asked:
        if _name(call) == "ask":
            _write_out(call)
        if len(call.args) != 2 or not isinstance(call.args[1], ast.Dict):
            raise ValueError(
                "A Prediction's options must be written out as a dict, so that the answers can be "
                f"taken out of them; received:\n{ast.unparse(call)}"
            )
        call.args[1].values = [ast.Constant("") for _ in call.args[1].values]
        for keyword in call.keywords:
            if keyword.arg == "answer":
                keyword.value = ast.Constant(None)
    return ast.unparse(tree) if asked else source


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _write_out(call: ast.Call) -> None:
    """Makes an `ask(...)` the `Prediction` that it makes."""
    asked = questions()[ast.literal_eval(call.args[0])]
    prediction = "stateviz.course.Prediction"
    text = f"{prediction}({asked.question!r}, {asked.options!r}, answer={asked.answer!r})"
    written = ast.parse(text, mode="eval").body
    assert isinstance(written, ast.Call)
    call.func, call.args, call.keywords = written.func, written.args, written.keywords


def main() -> None:
    """Write the copies."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.student_copies",
        description="Copies the lessons without their answers.",
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--nbgrader", action="store_true", help="as a course of nbgrader's")
    asked = parser.parse_args()
    folder = asked.folder
    lessons = sorted(NOTEBOOKS.glob("*.ipynb"))
    for path in lessons:
        copy = (graded if asked.nbgrader else without_answers)(read_notebook(path))
        into = folder / "source" / path.stem if asked.nbgrader else folder
        into.mkdir(parents=True, exist_ok=True)
        (into / path.name).write_text(to_text(copy), encoding="utf-8")
    if asked.nbgrader:
        (folder / "gradebook").mkdir(exist_ok=True)
        (folder / "nbgrader_config.py").write_text(NBGRADER_CONFIG, encoding="utf-8")
    print(f"Wrote {len(lessons)} lessons without answers to {folder}.")


if __name__ == "__main__":
    main()
