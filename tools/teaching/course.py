"""The lessons as a teacher's papers read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from stateviz.course.bank import Question, questions
from tools.course_environment import NOTEBOOKS
from tools.reading_time import promised
from tools.regenerate_notebooks import read_notebook


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes:
        path: Its notebook.
        notebook: What is in it.
    """

    path: Path
    notebook: NotebookNode

    @property
    def number(self) -> int:
        """Its number."""
        return int(self.path.stem.partition("_")[0])

    @property
    def title(self) -> str:
        """Its title, without the number."""
        heading: str = self.texts[0].partition("\n")[0]
        return heading.partition(". ")[2]

    @property
    def minutes(self) -> int:
        """How long a reader takes."""
        return promised(self.notebook) or 0

    @property
    def texts(self) -> list[str]:
        """Its Markdown cells."""
        return [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]

    def sections(self, headings: Sequence[str]) -> list[NotebookNode]:
        """The cells under some of its second-level headings.

        Raises:
            ValueError: It has no such heading.
        """
        found: dict[str, list[NotebookNode]] = {}
        heading = ""
        for cell in self.notebook.cells:
            texts = re.split(r"(?=^## )", cell.source, flags=re.MULTILINE)
            for text in texts if cell.cell_type == "markdown" else [cell.source]:
                if cell.cell_type == "markdown" and text.startswith("## "):
                    heading = text.partition("\n")[0].removeprefix("## ")
                found.setdefault(heading, []).append(NotebookNode({**cell, "source": text}))
        missing = [each for each in headings if each not in found]
        if missing:
            raise ValueError(f"Lesson {self.number} has no section {missing[0]!r}.")
        return [cell for each in headings for cell in found[each]]

    @property
    def question(self) -> str:
        """What it asks."""
        return _after(r"\*\*The question\.\*\* ", self.texts[0])

    @property
    def objective(self) -> str:
        """What a reader can do after it."""
        return _after(r"\*\*After this lesson\*\* you ", self.texts[0])

    @property
    def questions(self) -> dict[str, Question]:
        """What it asks for a prediction, in its order."""
        asked = re.findall(r'ask\("([\w.]+)"\)', self._code)
        return {name: questions()[name] for name in asked}

    @property
    def tasks(self) -> list[str]:
        """The tasks that check themselves."""
        return list(dict.fromkeys(re.findall(r'check\("(\w+)"', self._code)))

    @property
    def experiments(self) -> list[str]:
        """The experiments."""
        return list(dict.fromkeys(re.findall(r'experiment\("(\w+)"\)', self._code)))

    @property
    def key_points(self) -> list[str]:
        """The three things to take along."""
        [text] = [each for each in self.texts if each.startswith("## Three things to take along")]
        return re.findall(r"^\d\. (.*)$", text, re.MULTILINE)

    @property
    def _code(self) -> str:
        cells = (cell.source for cell in self.notebook.cells if cell.cell_type == "code")
        return "\n".join(cells)


def course() -> Iterator[Lesson]:
    """All lessons in order."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        yield Lesson(path, read_notebook(path))


def _after(words: str, text: str) -> str:
    found = re.search(words + r"(.*?)(?:\n\n|\Z)", text, re.DOTALL)
    if not found:
        raise ValueError(f"A lesson's first text must have {words!r}; received:\n{text}")
    return " ".join(found[1].split())
