"""Claims on trial: what each implies, whether the recorded numbers bear it out, and the verdict."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stateviz.recording import LayerRecording, Recording, State

LESSONS = {
    0: "00_when_does_keras_reset.ipynb",
    1: "01_within_a_sequence.ipynb",
    2: "02_across_batches.ipynb",
    3: "03_stateful.ipynb",
    4: "04_resets.ipynb",
    5: "05_when_the_stream_breaks.ipynb",
    6: "06_does_it_help.ipynb",
    7: "07_one_character_at_a_time.ipynb",
    9: "09_your_own_model.ipynb",
    10: "10_versions.ipynb",
}
VERDICTS = ("true", "false", "half true")
_SIGNS = {"true": "✓", "false": "✗", "half true": "◐"}


def verdict_of(implied: Mapping[str, bool]) -> str:
    """Judges a claim by what it implies.

    Args:
        implied: For each statement that follows from the claim, whether the evidence bears it out.

    Returns:
        "true" where all statements hold, "false" where none does, "half true" where some do.

    Raises:
        ValueError: Nothing follows from the claim, so that it cannot be tried.

    Example:
        >>> verdict_of({"it has four legs": True, "it barks": False})
        'half true'
    """
    if not implied:
        raise ValueError("The claim implies nothing; name at least one statement to be tried.")
    if all(implied.values()):
        return "true"
    return "half true" if any(implied.values()) else "false"


@dataclass(frozen=True)
class Verdict:
    """What came of one claim.

    Attributes:
        claim: The claim, in words.
        source: Who says so.
        implied: The statements that follow from it, and whether each held.
        number: The recorded number that decided it, in words.
        lesson: The lesson that shows more of it; a key of `LESSONS`.
    """

    claim: str
    source: str
    implied: Mapping[str, bool]
    number: str
    lesson: int

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`: what `verdict_of` makes of the statements."""
        return verdict_of(self.implied)

    @property
    def link(self) -> str:
        """The lesson as a link in Markdown, relative to the folder of the notebooks."""
        return f"[{self.lesson}]({LESSONS[self.lesson]})"

    def _lines(self) -> list[str]:
        return [f"{'✓' if holds else '✗'} {words}" for words, holds in self.implied.items()]

    def __repr__(self) -> str:
        head = f"{self.verdict.upper()}: {self.claim}"
        return "\n".join([head, *(f"    {line}" for line in self._lines()), f"    {self.number}"])

    def _repr_html_(self) -> str:
        lines = "".join(f"<li>{html.escape(line)}</li>" for line in self._lines())
        return (
            f"<details><summary>The verdict on: {html.escape(self.claim)}</summary>"
            f"<div><b>{_SIGNS[self.verdict]} {html.escape(self.verdict.upper())}:</b> "
            f"{html.escape(self.claim)}<ul style='list-style:none;margin:0'>{lines}</ul>"
            f"<div>{html.escape(self.number)}</div></div></details>"
        )


class Trial:
    """The claims that have been tried so far, shown as a table.

    Example:
        >>> trial = Trial()
        >>> trial.judge(
        ...     "a state holds a row for each sample", source="a forum", lesson=2,
        ...     implied={"4 samples have 4 rows": True}, number="4 rows",
        ... )
        TRUE: a state holds a row for each sample
            ✓ 4 samples have 4 rows
            4 rows
        >>> trial.counts
        {'true': 1, 'false': 0, 'half true': 0}
    """

    def __init__(self) -> None:
        self._verdicts: dict[str, Verdict] = {}

    def judge(
        self, claim: str, *, source: str, implied: Mapping[str, bool], number: str, lesson: int
    ) -> Verdict:
        """Tries one claim; the same claim tried again replaces its row.

        Args:
            claim: The claim, in words.
            source: Who says so.
            implied: Statements that follow from the claim, and whether the evidence bears them out.
            number: The recorded number that decides, in words.
            lesson: The lesson that shows more of it.

        Raises:
            ValueError: Nothing is implied, or there is no such lesson.
        """
        if lesson not in LESSONS:
            raise ValueError(f"There is no lesson {lesson!r}; there are {sorted(LESSONS)}.")
        verdict_of(implied)  # raises where nothing is implied
        holds = {words: bool(each) for words, each in implied.items()}
        self._verdicts[claim] = Verdict(claim, source, holds, number, lesson)
        return self._verdicts[claim]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What came of each claim, in the order in which they were first tried."""
        return tuple(self._verdicts.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many claims are true, false and half true."""
        counted = Counter(each.verdict for each in self.verdicts)
        return {verdict: counted[verdict] for verdict in VERDICTS}

    def __repr__(self) -> str:
        rows = ["| | claim | who says so | verdict | the number that decided | lesson |"]
        rows += ["|---|---|---|---|---|---|"]
        for place, each in enumerate(self.verdicts, start=1):
            cells = [str(place), each.claim, each.source, each.verdict, each.number, each.link]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        head = ["", "claim", "who says so", "verdict", "the number that decided", "lesson"]
        rows = ["".join(f"<th style='text-align:left'>{cell}</th>" for cell in head)]
        for place, each in enumerate(self.verdicts, start=1):
            mark = f"{_SIGNS[each.verdict]} {each.verdict}"
            cells = [str(place), each.claim, each.source, mark, each.number]
            row = "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in cells)
            link = f"<a href='{LESSONS[each.lesson]}'>{each.lesson}</a>"
            rows.append(f"{row}<td>{link}</td>")
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def side_by_side(recording: Recording, rows: int) -> Recording:
    """Puts the batches of a recording next to each other, as the rows of larger batches.

    Every number is as it was recorded. So a run with one sequence in a batch can be looked at
    beside a run of the same sequences with many in a batch.

    Args:
        recording: A recording of one layer, whose batches hold one sample each.
        rows: How many of them make a new batch.

    Returns:
        A new recording; a state of a new batch has the shape (rows, units).

    Raises:
        ValueError: The number of batches is no multiple of `rows`, or those of one new batch
            did not begin in the same way.
    """
    [name] = recording.layers
    old = recording[name]
    if rows < 1 or len(old.batches) % rows:
        raise ValueError(
            f"{len(old.batches)} batches cannot be laid out in rows of {rows}; take a number that "
            f"divides them."
        )
    new = LayerRecording(old.name, old.kind, old.units, old.stateful)
    for place in range(0, len(old.batches), rows):
        batches = old.batches[place : place + rows]
        origins = {each.origin for each in batches}
        if len(origins) > 1:
            raise ValueError(
                f"Batches {place} to {place + rows - 1} began in different ways, "
                f"{', '.join(sorted(origins))}; only batches that began alike can share a batch."
            )
        states = zip(*(each.states for each in batches), strict=True)
        new.batches.append(
            replace(
                batches[0],
                index=len(new.batches),
                batch=len(new.batches),
                batch_size=rows,
                starts=(replace(batches[0].starts[0], rows=rows, source=None),),
                samples=np.arange(rows),
                inputs=None,
                mask=None,
                gates=None,
                gradients=None,
                states=tuple(map(_joined, states)),
            )
        )
    return Recording([new])


def some_rows(recording: Recording, rows: Sequence[int]) -> Recording:
    """Keeps some rows of each batch, for a picture with few lanes.

    Args:
        recording: A recording of one layer.
        rows: The rows to keep, 0-based.

    Returns:
        A new recording; every number is as it was recorded.

    Raises:
        IndexError: A batch has no such row.
    """
    [name] = recording.layers
    old = recording[name]
    new = LayerRecording(old.name, old.kind, old.units, old.stateful)
    chosen = list(rows)
    for batch in old.batches:
        states = tuple(
            State(each.initial[chosen], each.after[chosen], each.final[chosen])
            for each in batch.states
        )
        kept: dict[str, Any] = {"samples": batch.samples[chosen], "states": states}
        kept |= dict.fromkeys(("inputs", "mask", "gates", "gradients"))
        new.batches.append(replace(batch, **kept))
    return Recording([new])


def _joined(states: Sequence[State]) -> State:
    """The rows of several batches' state as those of one."""
    return State(
        np.concatenate([each.initial for each in states]),
        np.concatenate([each.after for each in states]),
        np.concatenate([each.final for each in states]),
    )
