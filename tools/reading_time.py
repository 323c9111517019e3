"""How long a lesson takes a student who reads all of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nbformat import NotebookNode

WORDS_A_MINUTE = 200
SECONDS_A_LINE = 4  # of code that is not folded
SECONDS_A_PLAYER = 90
SECONDS_A_QUESTION = 60
MINUTES_A_TASK = 6
MINUTES_AN_EXPERIMENT = 4  # or a model that runs in the page
ROUNDED_TO = 5

_PLAYER = re.compile(r"Player\(")
_QUESTION = re.compile(r"\bask\(|Prediction\(")
_TASK = re.compile(r"^check\(", re.MULTILINE)
_EXPERIMENT = re.compile(r"^experiment\(|^stateviz\.live\(", re.MULTILINE)
_MARKUP = re.compile(r"\]\([^)]*\)|<[^>]+>|[*`#|>-]+")


def minutes(lesson: NotebookNode) -> int:
    """The minutes of a lesson, to the next five."""
    return max(1, round(exact(lesson.cells) / ROUNDED_TO)) * ROUNDED_TO


def exact(cells: Sequence[NotebookNode]) -> float:
    """The minutes of some cells, not rounded."""
    return sum(map(_seconds, cells)) / 60


def promised(lesson: NotebookNode) -> int | None:
    """The minutes that it promises; None where it promises none."""
    text = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    said = re.search(r"^\| Time \| (\d+) minutes", text, re.MULTILINE)
    return int(said[1]) if said else None


def visible_lines(cell: NotebookNode) -> int:
    """How many lines of code a reader sees who unfolds nothing."""
    folded = cell.metadata.get("jupyter", {}).get("source_hidden")
    return 0 if folded else sum(1 for line in cell.source.splitlines() if line.strip())


def _seconds(cell: NotebookNode) -> float:
    if cell.cell_type == "markdown":
        words = len(_MARKUP.sub(" ", cell.source).split())
        return words * 60 / WORDS_A_MINUTE
    folded = bool(cell.metadata.get("jupyter", {}).get("source_hidden"))
    if folded and "answer" in cell.metadata.get("tags", ()):
        return 0
    shown = "\n".join(
        str(output.get("data", {}).get("text/plain", "")) for output in cell.get("outputs", ())
    )
    seconds = visible_lines(cell) * SECONDS_A_LINE
    seconds += SECONDS_A_PLAYER * bool(_PLAYER.search(shown))
    seconds += SECONDS_A_QUESTION * bool(_QUESTION.search(cell.source))
    seconds += 60 * MINUTES_AN_EXPERIMENT * bool(_EXPERIMENT.search(cell.source))
    return seconds + 60 * MINUTES_A_TASK * bool(_TASK.search(cell.source))
