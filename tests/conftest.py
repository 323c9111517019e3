"""What tests of several files share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

# What they make takes pytest or a kernel of its own to be tried.
SLOW_FIXTURES = {"small_course", "small_project"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW_FIXTURES & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.full)


@pytest.fixture(scope="session")
def small_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the project's own settings and tools, and one notebook, run and saved."""
    from tests.building.small_course import make_course

    return make_course(tmp_path_factory.mktemp("small") / "course")


@pytest.fixture
def lesson(small_course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small notebook in a copy of its course that a test may change."""
    from tests.building.small_course import SMALL_LESSON
    from tests.mutation import copy_course
    from tools.course_environment import REPOSITORY

    course = copy_course(small_course, tmp_path / "course")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(course), str(REPOSITORY)]))
    return course / SMALL_LESSON


@pytest.fixture(scope="session")
def node() -> str:
    """The program that runs the page's code."""
    path = shutil.which("node")
    if path is None:
        _missing("Node is not on this machine, so the page's own code cannot be tested.")
    return str(path)


@pytest.fixture(scope="session")
def page_tools(node: str) -> Path:
    """The folder of the page's tools, which need Node."""
    from tools.course_environment import REPOSITORY

    tools = REPOSITORY / "node_modules"
    if not (tools / ".package-lock.json").exists():
        _missing("The page's tools are not installed (npm ci), so its code cannot be checked.")
    return tools


def _missing(what: str) -> None:
    if os.environ.get("STATEVIZ_REQUIRE_NODE") == "1":
        pytest.fail(what)
    pytest.skip(what)
