"""The notebooks are whole, are what their code makes, and turn red when the code is broken."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.breaks import CLAIMS, CODE
from tests.building.small_course import SMALL_LESSON, add_output, display, edit, set_source, stream
from tests.mutation import (
    BreakInCode,
    BreakInNotebook,
    GuardError,
    apply_break,
    copy_course,
    turns_red,
)
from tools.course_environment import NOTEBOOKS, REPOSITORY
from tools.reading_time import visible_lines
from tools.regenerate_notebooks import (
    NotebookError,
    difference,
    execute,
    main,
    read_notebook,
    tidy,
    to_text,
)
from tools.saved_widgets import WIDGET_VIEW, forget_dead_widgets

COURSE = sorted(NOTEBOOKS.glob("*.ipynb"))
LARGEST_NOTEBOOK_BYTES = 2_000_000
MOST_LINES, MOST_LINES_OF_A_CELL = 70, 12  # of code that is not folded

# "c is below 0: False". A choice, as in `shuffle=False` or a dict, denies nothing.
DENIED = re.compile(r"(?<!=)\bFalse$|: +False\b(?![,}\]])", re.MULTILINE)

each_notebook = pytest.mark.parametrize("path", COURSE, ids=[path.stem for path in COURSE])


def faults(path: Path) -> Iterator[str]:
    """Say what is wrong with a notebook, a sentence each."""
    if path.stat().st_size > LARGEST_NOTEBOOK_BYTES:
        yield f"is {path.stat().st_size} bytes; at most {LARGEST_NOTEBOOK_BYTES} are allowed"
    notebook = read_notebook(path)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"is not a valid notebook: {error}"
        return
    # A picture may open it: a cell whose source is folded.
    opening = [cell for cell in notebook.cells[:1] if cell.metadata.get("jupyter")]
    first = notebook.cells[len(opening) :][:1]
    if not first or first[0].cell_type != "markdown" or not first[0].source.startswith("# "):
        yield "has no header: the first cell must be Markdown that begins with '# '"
    if "widgets" in notebook.metadata:
        yield "holds the state of widgets"
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code_cells]
    if not counts or counts != list(range(1, len(counts) + 1)):
        yield f"was not run once from top to bottom: its cells are numbered {counts}"
    lines = sum(map(visible_lines, code_cells))
    if lines > MOST_LINES:
        yield f"shows {lines} lines of code; at most {MOST_LINES} may be: fold what only proves"
    yield from (f"cell {cell.id!r} {fault}" for cell in code_cells for fault in cell_faults(cell))
    yield from given_away(notebook.cells)
    if path.read_text(encoding="utf-8") != to_text(tidy(read_notebook(path))):
        yield "is not in normal form: run `make notebooks`"


def burdens(cell: NotebookNode) -> Iterator[str]:
    """What a cell puts on its reader."""
    if visible_lines(cell) > MOST_LINES_OF_A_CELL:
        yield f"shows {visible_lines(cell)} lines; at most {MOST_LINES_OF_A_CELL} may be"
    moved = re.findall(r"\b(\w+)\.frame = (.*)", cell.source)
    if moved and moved[-1][1] != "0":
        yield f"leaves {moved[-1][0]} at a frame of its own: end with `{moved[-1][0]}.frame = 0`"
    if moved and cell.metadata.get("jupyter", {}).get("source_hidden") and not is_folded(cell):
        yield "drives a player for the tests: print its words under `with folded():`"


def given_away(cells: list[NotebookNode]) -> Iterator[str]:
    """Cells that print in the open what a prediction of their section asks, before they are run."""
    asked = False
    for cell in cells:
        if cell.cell_type == "markdown":
            asked = asked and not re.search(r"^## ", cell.source, re.MULTILINE)
        elif re.search(r"^(\w+ = )?ask\(", cell.source, re.MULTILINE):
            asked = True
        elif asked and only_prints(cell):
            yield f"cell {cell.id!r} answers a prediction: use `with folded():`, or fold it"


def only_prints(cell: NotebookNode) -> bool:
    """Whether words stand in the open under a cell, and nothing else."""
    is_open = not cell.metadata.get("jupyter", {}).get("outputs_hidden")
    return is_open and {output.output_type for output in cell.outputs} == {"stream"}


def is_folded(cell: NotebookNode) -> bool:
    """Whether no words stand open under a cell, in JupyterLab after its run either."""
    return all(
        output.output_type != "stream" and "text/html" in output.get("data", {})
        for output in cell.outputs
    )


def cell_faults(cell: NotebookNode) -> Iterator[str]:
    source = cell.source.rstrip()
    yield from burdens(cell)
    if source.endswith(";"):
        yield "ends in ';', which hides nothing under nbval: write `_ = ...`"
    if re.search(r"\b(interact|interactive|interactive_output|clear_output)\(", source):
        yield "calls interact or clear_output, which nbval cannot follow: use stateviz's widgets"
    for output in cell.outputs:
        if WIDGET_VIEW in output.get("data", {}):
            yield "holds a view of a widget, which is dead in a saved notebook"
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get(
            "tags", ()
        ):
            yield f"ended in {output.ename} and is not tagged raises-exception"
        if output.get("name") == "stderr":
            yield "wrote to stderr, which differs between machines"
        said = "\n".join([output.get("text", ""), output.get("data", {}).get("text/plain", "")])
        if DENIED.search(said) and "false-is-meant" not in cell.metadata.get("tags", ()):
            yield "prints False: mend what the lesson says, or tag the cell false-is-meant"
        private = re.search(
            r"\b0x[0-9a-f]{6,}|(?<!\w)/(home|root|tmp|Users)/\w+|\b[A-Z]:\\\w+", said
        )
        if private:
            yield f"prints {private[0]!r}, which differs between machines"


def test_the_course_has_notebooks() -> None:
    assert COURSE, f"no notebook was found in {NOTEBOOKS}; at least the first lesson was expected"


@each_notebook
def test_a_notebook_has_no_fault(path: Path) -> None:
    assert list(faults(path)) == []


@pytest.mark.parametrize(
    "path",
    [  # nbval compares all of them; this one compares pictures and cells too
        pytest.param(path, id=path.stem, marks=pytest.mark.nightly if place else pytest.mark.full)
        for place, path in enumerate(COURSE)
    ],
)
def test_what_is_saved_is_what_the_code_makes(path: Path) -> None:
    assert difference(path, execute(path)) == ""


def test_every_notebook_has_a_break_in_stateviz_and_one_in_its_own_claim() -> None:
    course = {path.relative_to(REPOSITORY).as_posix() for path in COURSE}
    assert course == {each.notebook for each in CODE} == {each.notebook for each in CLAIMS}


@pytest.mark.parametrize("wanted", CLAIMS, ids=str)
def test_a_break_still_fits_the_lesson(tmp_path: Path, wanted: BreakInNotebook) -> None:
    copy = tmp_path / wanted.notebook
    copy.parent.mkdir()
    copy.write_bytes((REPOSITORY / wanted.notebook).read_bytes())
    apply_break(tmp_path, wanted)


# Unbroken, the notebooks turn green in this same run: pytest collects notebooks/ too.


@pytest.mark.full
@pytest.mark.parametrize("wanted", CODE, ids=str)
def test_a_lesson_notices_a_break_in_stateviz(tmp_path: Path, wanted: BreakInCode) -> None:
    ipython = wanted.startup(tmp_path)
    assert turns_red(REPOSITORY, wanted.notebook, ipython=ipython), f"{wanted} was not noticed"


@pytest.mark.nightly
@pytest.mark.parametrize("wanted", CLAIMS, ids=str)
def test_a_lesson_notices_a_break_in_its_claim(tmp_path: Path, wanted: BreakInNotebook) -> None:
    course = copy_course(REPOSITORY, tmp_path / "course")
    apply_break(course, wanted)
    assert turns_red(course, wanted.notebook), f"nothing noticed the break {wanted.name!r}"


@pytest.mark.full
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.nightly] if place else [])
        for place, path in enumerate(COURSE)
    ],
)
def test_an_unbroken_copy_stays_green(tmp_path: Path, path: Path) -> None:
    course = copy_course(REPOSITORY, tmp_path / "course")
    assert not turns_red(course, path.relative_to(REPOSITORY).as_posix())


# From here on: the machinery above, tried on a course of one small notebook.


def test_the_small_course_is_faultless_and_green(lesson: Path) -> None:
    assert list(faults(lesson)) == []
    assert not turns_red(lesson.parent.parent, SMALL_LESSON)


@pytest.mark.parametrize(
    ("old", "new"),
    [("range(3)", "range(2)"), ("counted to 3\n", "counted to 4\n")],
    ids=["the lesson's code", "the lesson's claim"],
)
def test_the_guard_notices_a_break_in_a_lesson(lesson: Path, old: str, new: str) -> None:
    course = lesson.parent.parent
    apply_break(course, BreakInNotebook("a break", SMALL_LESSON, old, new))
    assert turns_red(course, SMALL_LESSON)


@pytest.mark.parametrize(("function", "is_red"), [("counts_twice", True), ("harmless", False)])
def test_the_guard_notices_a_break_in_the_code(
    lesson: Path, tmp_path: Path, function: str, is_red: bool
) -> None:
    course = lesson.parent.parent
    (course / "broken.py").write_text(
        "from stateviz.counter import Counter\n"
        "def counts_twice():\n"
        "    advance = Counter.advance\n"
        "    Counter.advance = lambda self: (advance(self), advance(self))\n"
        "def harmless():\n"
        "    Counter.unseen = True\n"
    )
    ipython = BreakInCode(SMALL_LESSON, function, module="broken").startup(tmp_path / "ipython")
    assert turns_red(course, SMALL_LESSON, ipython=ipython) == is_red


@pytest.mark.parametrize(
    ("old", "message"), [("range(4)", "occurs 0 times"), ("counter", "occurs . times")]
)
def test_a_break_that_cannot_be_made_is_an_error(lesson: Path, old: str, message: str) -> None:
    with pytest.raises(GuardError, match=message):
        apply_break(lesson.parent.parent, BreakInNotebook("a break", SMALL_LESSON, old, "0"))


def test_a_run_that_judges_nothing_is_an_error(lesson: Path) -> None:
    with pytest.raises(GuardError, match="did not judge"):
        turns_red(lesson.parent.parent, "notebooks/gone.ipynb")


def drives_a_player(notebook: NotebookNode) -> None:
    notebook.cells[1].source = "p.frame = 0"
    notebook.cells[1].metadata["jupyter"] = {"source_hidden": True}
    notebook.cells[1].outputs = [stream("stdout", "t = 3")]


def asks_above_what_is_printed(notebook: NotebookNode) -> None:
    notebook.cells[0].source = "# How far?"
    notebook.cells[1].source = 'ask("0.1")'
    notebook.cells[2].outputs = [stream("stdout", "so far")]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (set_source(0, "How far?"), "has no header"),
        (set_source(1, "counter;"), "ends in ';'"),
        (set_source(1, "\n".join(["1"] * 13)), "shows 13 lines; at most 12"),
        (set_source(1, "\n".join(["1"] * 70)), "shows 7[0-9] lines of code; at most 70"),
        (set_source(1, "p.frame = 0\np.frame = 7"), "leaves p at a frame of its own"),
        (drives_a_player, "print its words under"),
        (asks_above_what_is_printed, "answers a prediction"),
        (set_source(1, "from ipywidgets import interact\ninteract(f, x=3)"), "calls interact"),
        (lambda notebook: notebook.cells[2].update(execution_count=None), r"\[1, None, 3, 4\]"),
        (lambda notebook: notebook.cells[2].update(execution_count=7), r"\[1, 7, 3, 4\]"),
        (lambda notebook: notebook.cells[4].metadata.pop("tags"), "ended in ValueError"),
        (lambda notebook: notebook.cells[4].outputs[0].update(traceback=["a", "b"]), "normal form"),
        (lambda notebook: notebook.cells[1].metadata.update(scrolled=True), "normal form"),
        (lambda notebook: notebook.metadata.update(widgets={}), "holds the state of widgets"),
        (add_output(1, display({WIDGET_VIEW: {"model_id": "1"}})), "holds a view of a widget"),
        (add_output(1, stream("stderr", "a warning")), "wrote to stderr"),
        (add_output(1, stream("stdout", "<Counter at 0x7f2a00ff>")), "prints '0x7f2a00ff'"),
        (add_output(1, stream("stdout", "in /home/ada/course")), "prints '/home/ada'"),
        (add_output(1, stream("stdout", "c is below 0:  False\n")), "prints False"),
        (add_output(1, display({"text/plain": "a: True  b: False  c: True"})), "prints False"),
        (add_output(1, display({"image/png": "A" * 2_000_000})), "is 200.... bytes"),
    ],
)
def test_a_fault_is_seen(
    lesson: Path, change: Callable[[NotebookNode], object], fault: str
) -> None:
    edit(lesson, change)
    assert re.search(fault, "\n".join(faults(lesson)))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"id": "begin"', '"id": "header"', "is not in normal form"),
        ('"id": "begin",', "", "is not in normal form"),
        ('"execution_count": 2', '"execution_count": "two"', "is not a valid notebook"),
        ('"nbformat": 4', '"nbformat": 3', "has notebook format 3"),
    ],
)
def test_a_file_that_is_no_proper_notebook_is_seen(
    lesson: Path, old: str, new: str, fault: str
) -> None:
    text = lesson.read_text(encoding="utf-8")
    assert old in text
    lesson.write_text(text.replace(old, new), encoding="utf-8")
    try:
        found = "\n".join(faults(lesson))
    except NotebookError as error:
        found = str(error)
    assert fault in found


def test_a_notebook_without_its_outputs_is_seen(lesson: Path) -> None:
    edit(lesson, lambda notebook: notebook.cells[2].update(outputs=[]))
    assert turns_red(lesson.parent.parent, SMALL_LESSON)


def test_regenerating_twice_gives_the_same_bytes(lesson: Path) -> None:
    committed = lesson.read_bytes()
    assert main([str(lesson)]) == 0
    assert lesson.read_bytes() == committed
    assert b"model_id" not in committed
    assert b"<p>three</p>" in committed


def test_check_compares_and_leaves_the_file_alone(
    lesson: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check", str(lesson)]) == 0
    edit(lesson, set_source(2, "print('counted to', counter.count)"))
    committed = lesson.read_bytes()

    assert main(["--check", str(lesson)]) == 1

    assert "counted to 0" in capsys.readouterr().out
    assert lesson.read_bytes() == committed


def test_check_masks_png_and_what_the_sanitize_file_names(
    lesson: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def with_output(data: dict[str, object]) -> NotebookNode:
        notebook = read_notebook(lesson)
        notebook.cells[1].outputs = [display(data)]
        return notebook

    rules = tmp_path / "rules.cfg"
    rules.write_text("regex: payload=\\w+\nreplace: payload\n", encoding="utf-8")
    monkeypatch.setattr("tools.regenerate_notebooks.SANITIZE_FILE", rules)
    one: dict[str, object] = {"image/png": "AAAA", "text/html": "<p payload=AAAA>\n<p>one</p>"}
    lesson.write_text(to_text(with_output(one)), encoding="utf-8")

    masked: dict[str, object] = {"image/png": "BBBB", "text/html": "<p payload=BBBB>\n<p>one</p>"}
    assert difference(lesson, with_output(masked)) == ""
    assert "two" in difference(lesson, with_output({**one, "text/html": "<p>two</p>"}))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import sys; print('careful', file=sys.stderr)", "wrote to stderr"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_notebook_that_misbehaves_is_not_saved(lesson: Path, source: str, message: str) -> None:
    edit(lesson, set_source(2, source))
    with pytest.raises(NotebookError, match=message):
        execute(lesson)


def test_saving_in_jupyterlab_forgets_a_widget_only_where_html_says_the_same() -> None:
    both: dict[str, object] = {
        WIDGET_VIEW: {"model_id": "1"},
        "text/html": "<p>",
        "text/plain": "Player",
    }
    widget_alone: dict[str, object] = {WIDGET_VIEW: {"model_id": "2"}, "text/plain": "Slider"}
    cells = [
        nbformat.v4.new_markdown_cell("# A title"),
        nbformat.v4.new_code_cell("x", outputs=[display(both), display(widget_alone)]),
    ]
    content = nbformat.v4.new_notebook(cells=cells)

    forget_dead_widgets({"type": "notebook", "content": content})
    forget_dead_widgets({"type": "file", "content": "a text"})

    kept = [set(output.data) for output in content.cells[1].outputs]
    assert kept == [{"text/html", "text/plain"}, {WIDGET_VIEW, "text/plain"}]
