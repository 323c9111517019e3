"""Tasks that check themselves: by recording what the reader's code does, never by reading it.

A check runs the code under `stateviz.record`, or looks at a recording that it made, and compares
states. Where it is wrong, the hint names the belief behind it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from stateviz.course import practice_checks, task_checks
from stateviz.course.task_checks import NOTHING, NotYet

Check = Callable[[Any], str]

# Keras writes some words of its errors in bold.
_TERMINAL_CODES = re.compile(r"(\x1b)?\[[01]m")


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        right: Whether the task is done.
        words: What was seen, and where it is wrong a hint.
    """

    right: bool
    words: str

    def __repr__(self) -> str:
        return f"{'✓ Right.' if self.right else '✗ Not yet.'} {self.words}"

    def _repr_html_(self) -> str:
        sign, rest = ("✓ Right.", "") if self.right else ("✗ Not yet.", " Change it and run again.")
        return f"<p role='status'><b>{sign}</b> {html.escape(self.words)}{rest}</p>"


def check(task: str, answer: Any) -> Verdict:
    """Checks what a reader made.

    Args:
        task: One of `TASKS`.
        answer: What the task asks for: a function, a class or a recording.

    Raises:
        ValueError: There is no such task.

    Example:
        >>> check("zero_row", lambda model: None)
        ✗ Not yet. Row 3 still holds 27.0. Find the layer's states: they are variables, and a
            new value gets into one by state.assign(value).
    """
    if task not in TASKS:
        raise ValueError(f"There is no task {task!r}; there are {', '.join(TASKS)}.")
    if answer is None or answer is ...:
        return Verdict(False, NOTHING)
    try:
        return Verdict(True, TASKS[task](answer))
    except NotYet as hint:
        return Verdict(False, str(hint))
    except Exception as error:
        said = shorten(_TERMINAL_CODES.sub("", str(error)), 300, placeholder=" ...")
        return Verdict(False, f"Your code raised {type(error).__name__}: {said}{_advice(error)}")


def _advice(error: Exception) -> str:
    if isinstance(error, AttributeError) and "reset_state" in str(error):
        return " In Keras 3 a model has no such method; each of its layers has reset_state()."
    return ""


TASKS: dict[str, Check] = {
    "two_counts": task_checks.two_counts,
    "reset_each_epoch": task_checks.reset_each_epoch,
    "zero_row": task_checks.zero_row,
    "lanes": task_checks.lanes,
    "one_sample": task_checks.one_sample,
    "three_faults": task_checks.three_faults,
    "hand_over": task_checks.hand_over,
    "one_at_a_time": task_checks.one_at_a_time,
    "padding": task_checks.padding,
    "one_timestep": practice_checks.one_timestep,
    "zeros_made": practice_checks.zeros_made,
    "shortest_window": practice_checks.shortest_window,
    "own_model": practice_checks.own_model,
    "hand_on": practice_checks.hand_on,
    "forecast": practice_checks.forecast,
}
