"""Builds the site: the lessons, playing without a kernel, and the pages of docs/.

python -m tools.build_site [FOLDER]     into site/ if no folder is named

With --repository OWNER/NAME (or $GITHUB_REPOSITORY) each lesson leads to Binder too.

Nothing is written for it alone but its front page and its looks, in docs/site/. Whoever has the
folder can open index.html in a browser: no server and no network are needed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from sphinx.cmd.build import main as sphinx_build

from tools.course_environment import NOTEBOOKS, REPOSITORY
from tools.regenerate_notebooks import read_notebook, to_text
from tools.site.accessible import mend
from tools.site.downloads import offers
from tools.site.front import answer_of, pebble_of
from tools.site.playing import with_players

PAGES = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "benchmarks/RESULTS.md",
    "benchmarks/CLASS.md",
)
# What a lesson says to who could run it.
_ASKED_TO_RUN = " (Run the cell to commit a prediction.)"
_HERE = (
    "<p>On this page everything plays without Python: animations, questions, experiments. To run "
    "and change the cells, download the notebook.</p>"
)
_TO_HEADING = re.compile(r"(\]\(\w+\.ipynb#)([^)]+)")
CELL = re.compile(r"\[(\d+)\]\((\.\./notebooks/(\w+))\.ipynb\) `([\w-]+)`")


def main(arguments: Sequence[str] | None = None) -> int:
    """Gathers the sources and has Sphinx build them; a warning is an error."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_site")
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY / "site")
    parser.add_argument(
        "--repository",
        default=os.environ.get("GITHUB_REPOSITORY", ""),
        metavar="OWNER/NAME",
        help="where the lessons are on GitHub, for Binder; nothing leads there if not known",
    )
    parsed = parser.parse_args(arguments)
    folder = parsed.folder
    with tempfile.TemporaryDirectory() as kept:
        source = gathered(Path(kept) / "source", parsed.repository)
        # MyST-NB writes beside what it builds.
        built, doctrees = str(Path(kept) / "site"), str(Path(kept) / "doctrees")
        failed = sphinx_build(["-q", "-W", "--keep-going", "-d", doctrees, str(source), built])
        if not failed:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(built, folder, ignore=shutil.ignore_patterns(".buildinfo"))
            mend(folder)
            for path in NOTEBOOKS.glob("*.ipynb"):
                shutil.copy(path, folder / "notebooks")
    if not failed:
        print(f"Written to {folder}: open {folder / 'index.html'}")
    return failed


def gathered(source: Path, repository: str) -> Path:
    """Puts all that the site is made from into a folder, where it lies as in the repository.

    Args:
        source: The folder, which is made.
        repository: OWNER/NAME on GitHub, or "".
    """
    shutil.copytree(REPOSITORY / "docs" / "site", source)
    shutil.copytree(
        REPOSITORY / "docs", source / "docs", ignore=shutil.ignore_patterns("site", "slides")
    )
    for page in PAGES:
        (source / page).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / page, source / page)
    gallery, questions = source / "docs" / "gallery.md", source / "docs" / "questions.md"
    told = gallery.read_text(encoding="utf-8")
    told = told.replace("](../notebooks)", "](../index.md)")
    gallery.write_text(with_players(told), encoding="utf-8")
    told = questions.read_text(encoding="utf-8")
    wanted = {(lesson, cell) for _, _, lesson, cell in CELL.findall(told)}
    questions.write_text(CELL.sub(r'<a href="\2.html#\4">\1, \4</a>', told), encoding="utf-8")
    (source / "notebooks").mkdir()
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = read_notebook(path)
        if path.stem.startswith("00_"):
            (source / "answer.html").write_text(answer_of(), encoding="utf-8")
            (source / "pebble.html").write_text(pebble_of(), encoding="utf-8")
            (source / "map.md").write_text(map_of(notebook), encoding="utf-8")
        cells = {cell for lesson, cell in wanted if lesson == path.stem}
        page = as_a_page(notebook, cells)
        page.cells.insert(1, new_markdown_cell(offers(path.name, repository), id="offers"))
        (source / "notebooks" / path.name).write_text(to_text(page), encoding="utf-8")
    return source


def map_of(notebook: NotebookNode) -> str:
    """The map of the course, at the end of the first lesson, for a page one folder higher."""
    source: str = notebook.cells[-1].source
    return re.sub(r"\]\((\w+\.ipynb)\)", r"](notebooks/\1)", source)


def as_a_page(notebook: NotebookNode, named: set[str]) -> NotebookNode:
    """A lesson whose folded code is folded on a page too, with a mark at each cell that is named.

    Args:
        notebook: The lesson, which is changed.
        named: The cells that other pages point to.
    """
    cells = []
    for cell in notebook.cells:
        if cell.id in named:
            cells.append(new_markdown_cell(f'<span id="{cell.id}"></span>', id=f"to-{cell.id}"))
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["tags"] = [*cell.metadata.get("tags", ()), "hide-input"]
        if cell.cell_type == "markdown":
            cell.source = _TO_HEADING.sub(lambda found: found[1] + slug(found[2]), cell.source)
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", {}):
                html = _HERE if cell.source == "WidgetCheck()" else output.data["text/html"]
                # MyST turns links between notebooks into links between pages, but not in here.
                html = re.sub(r"(href=.\w+)\.ipynb", r"\1.html", html)
                output.data["text/html"] = html.replace(_ASKED_TO_RUN, "")
        cells.append(cell)
    # A page begins with its heading; the picture above it comes right after.
    heading = next(place for place, cell in enumerate(cells) if cell.source.startswith("# "))
    notebook.cells = [cells[heading], *cells[:heading], *cells[heading + 1 :]]
    return notebook


def slug(heading: str) -> str:
    """What MyST calls a heading that JupyterLab calls by its words, joined by hyphens.

    Example:
        >>> slug("Predict-again:-the-same-streams,-another-question")
        'predict-again-the-same-streams-another-question'
    """
    return re.sub(r"[^\w-]", "", heading.lower())


if __name__ == "__main__":
    sys.exit(main())
