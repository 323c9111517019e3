"""The questions of the lessons, in one place: what is predicted before something is shown.

They stand in `questions.json`, so that a lesson's code does not hold the answers.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stateviz.course.quiz import Prediction

_FILE = Path(__file__).with_name("files") / "questions.json"
_asked: dict[str, Prediction] = {}  # as each was asked last


@dataclass(frozen=True)
class Question:
    """A question of a lesson.

    Attributes:
        question: What is asked.
        options: The feedback on each option, by the option's text.
        answer: The right option.
    """

    question: str
    options: dict[str, str]
    answer: str


@cache
def questions() -> dict[str, Question]:
    """All questions by their name, such as "4.2": the second of lesson 4."""
    rows = json.loads(_FILE.read_text(encoding="utf-8"))
    return {name: Question(**row) for name, row in rows.items()}


def ask(name: str) -> Prediction:
    """Asks a question of the lessons.

    Args:
        name: The lesson and the place in it: "4.2" is the second question of lesson 4.

    Raises:
        ValueError: There is no such question.

    Example:
        >>> ask("0.1").question
        'In one epoch of fit(batch_size=200), how often does a state of the LSTM begin from zeros?'
    """
    if name not in questions():
        raise ValueError(f"There is no question {name!r}; there are {', '.join(questions())}.")
    asked = questions()[name]
    _asked[name] = Prediction(asked.question, asked.options, answer=asked.answer)
    return _asked[name]


@dataclass(frozen=True)
class Score:
    """How many of some questions were answered right at the first try.

    Attributes:
        right: How many were.
        answered: How many were answered and may be judged: in class mode, those revealed.
        asked: How many there are.
        again: The questions that were answered wrong.
    """

    right: int
    answered: int
    asked: int
    again: tuple[str, ...] = ()

    def __repr__(self) -> str:
        text = f"{self.right} right at the first try, of {self.answered} answered"
        text += f" ({self.asked} in all)"
        return "\n".join([text, *(f"  once more: {question}" for question in self.again)])

    def _repr_html_(self) -> str:
        rest = "".join(f"<li>{html.escape(question)}</li>" for question in self.again)
        text = f"<b>{self.right}</b> right at the first try, of {self.answered} answered"
        once_more = f"<p>Once more:</p><ul>{rest}</ul>" if rest else ""
        return f"<div role='status'><p>{text} ({self.asked} in all)</p>{once_more}</div>"


def score(group: str) -> Score:
    """Counts how many questions were answered right at the first try.

    Args:
        group: What their names begin with: "8.c" are the claims of lesson 8, "14." the final test.

    Raises:
        ValueError: No question has such a name.

    Example:
        >>> score("8.c")
        0 right at the first try, of 0 answered (9 in all)
    """
    names = [name for name in questions() if name.startswith(group)]
    if not names:
        raise ValueError(f"There are no questions whose names begin with {group!r}.")
    judged = [_asked[name] for name in names if name in _asked and _asked[name].revealed]
    wrong = tuple(each.question for each in judged if each.attempts[0] != each.answer)
    return Score(len(judged) - len(wrong), len(judged), len(names), wrong)
