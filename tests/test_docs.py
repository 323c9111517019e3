"""What the documentation points at is there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tools.course_environment import REPOSITORY
from tools.gallery import shots
from tools.regenerate_notebooks import read_notebook

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")])
QUESTIONS = REPOSITORY / "docs" / "questions.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
CELL = re.compile(r"\[\d+\]\(\.\./(notebooks/[^)]+)\) `(cell-[\w-]+)`")
THREAD = re.compile(
    r"https://(?:github\.com/[\w-]+/[\w-]+/issues|stackoverflow\.com/questions)/\d+"
)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    within = [link.partition("#")[0] for link in links if not re.match(r"\w+:|#", link)]
    assert [link for link in within if not (page.parent / link).exists()] == []


def test_links_between_the_lessons_lead_somewhere() -> None:
    for path in (REPOSITORY / "notebooks").glob("*.ipynb"):
        for cell in read_notebook(path).cells:
            for link in LINK.findall(cell.source) if cell.cell_type == "markdown" else ():
                if not re.match(r"\w+:|#", link):
                    assert (path.parent / link.partition("#")[0]).exists(), (path.name, link)


def test_every_question_is_answered_by_a_cell_that_exists() -> None:
    rows = [line for line in QUESTIONS.read_text(encoding="utf-8").splitlines() if "| [" in line]
    assert len(rows) > 40
    sources = {
        f"notebooks/{path.name}": {cell.id: cell.source for cell in read_notebook(path).cells}
        for path in (REPOSITORY / "notebooks").glob("*.ipynb")
    }
    for row in rows:
        cells = CELL.findall(row)
        assert cells, row
        answers = [sources[notebook][cell] for notebook, cell in cells]
        for thread in THREAD.findall(row):
            named = [thread in answer or "(../docs/questions.md)" in answer for answer in answers]
            assert any(named), (thread, cells)


def test_the_gallery_page_shows_every_picture_that_is_made() -> None:
    page = (REPOSITORY / "docs" / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"\(images/gallery/([\w-]+)\.webp\)", page)
    assert sorted(shown) == sorted(shot.name for shot in shots())


def test_the_lessons_lead_to_each_other_by_links() -> None:
    course = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
    previous: dict[str, str] = {}
    following: dict[str, str] = {}
    for path in course:
        cells = [each.source for each in read_notebook(path).cells if each.cell_type == "markdown"]
        for word, links in (("Previous", previous), ("Next", following)):
            link = rf"^\| {word} \| \[[^\]]+\]\(([^)]+)\)"
            found = re.search(link, "\n".join(cells), re.MULTILINE)
            if found:
                links[path.name] = found[1]
    names = [path.name for path in course]
    way = [names[0]]
    while way[-1] in following:
        way.append(following[way[-1]])
        assert previous[way[-1]] == way[-2]
    assert sorted(way) == names
    # What is practised comes before other versions and backends, which are appendices.
    assert [name[:2] for name in way[9:]] == ["09", "12", "13", "14", "10", "11"]


def test_the_calls_that_are_reported_to_keras_still_fail() -> None:
    script = runpy.run_path(str(REPOSITORY / "docs" / "upstream" / "docstrings.py"))
    assert script["outcomes"]() == {
        "model.reset_state()": "AttributeError",
        "lstm.reset_state(states=zeros)": "TypeError",
    }
