"""Writes all that a teacher needs: python -m tools.teaching [folder]."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from stateviz.course.bank import questions
from tools.course_environment import REPOSITORY, prepare_environment
from tools.teaching.bank import gift, qti
from tools.teaching.course import course
from tools.teaching.handout import handout
from tools.teaching.papers import matrix, plans
from tools.teaching.slides import slides

FOLDER = REPOSITORY / "docs" / "instructor"


def main(folder: Path = FOLDER) -> int:
    """Writes into the folder; says what could not be made, and goes on."""
    prepare_environment()
    lessons = list(course())
    (folder / "slides").mkdir(parents=True, exist_ok=True)
    (folder / "matrix.md").write_text(matrix(lessons), encoding="utf-8")
    (folder / "plans.md").write_text(plans(lessons), encoding="utf-8")
    (folder / "questions.gift").write_text(gift(questions()), encoding="utf-8")
    (folder / "questions-qti.zip").write_bytes(qti(questions()))
    makers: list[tuple[str, Callable[[], object]]] = [
        ("the handout", lambda: handout(lessons, folder / "handout.pdf"))
    ]
    for lesson in lessons:
        path = folder / "slides" / f"{lesson.path.stem}.html"
        makers.append(
            (path.name, lambda p=path, each=lesson: p.write_text(slides(each), encoding="utf-8"))  # type: ignore[misc]
        )
    missing = 0
    for name, make in makers:
        try:
            make()
        except FileNotFoundError as error:
            missing += 1
            print(f"{name} was not made: {error}", file=sys.stderr)
    print(f"Written to {folder}")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
