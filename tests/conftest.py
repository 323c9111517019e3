"""What tests of several files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


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
