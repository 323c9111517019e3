"""The questions of the lessons, in one place: what is predicted before something is shown.

They stand in `questions.json`, so that a lesson's code does not hold the answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stateviz.quiz import Prediction

_FILE = Path(__file__).with_name("questions.json")


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
    return Prediction(asked.question, asked.options, answer=asked.answer)
