"""The matrix of objectives, and plans for three lengths of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.reading_time import exact
from tools.teaching.course import Lesson

_MADE_BY = "*Written by `make teaching` from the lessons. Do not edit it.*"


@dataclass(frozen=True)
class Session:
    """A piece of a plan.

    Attributes:
        name: Such as "Monday".
        minutes: How long it is.
        lessons: The numbers of its lessons, in order.
        aim: What the class can say at its end.
        parts: The sections that are taken of a lesson; of others all.
    """

    name: str
    minutes: int
    lessons: tuple[int, ...]
    aim: str
    parts: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


# The heart of four lessons, which answers the question. Lesson 0 prints it too.
ROUTE = {
    0: (
        "The question, as it was asked",
        "The data",
        "Predict",
        "Record the real thing",
        "Watch one sequence",
        "Predict again: `stateful=True`",
        "The answer",
        "Change it",
        "Three things to take along",
    ),
    2: ("Try it before you read", "Four sequences in a batch", "Try to make the rows touch"),
    3: ("Who continues whom?", "10 sequences of 14", "What does not cross: the gradient"),
    4: ("A run to look at", "The right moment", "Experiment: who resets?"),
}
ARGUED = ("0.1", "3.1", "4.1")


PLANS: dict[str, tuple[Session, ...]] = {
    "Once 90 minutes": (
        Session(
            "90 minutes",
            90,
            (0, 2, 3, 4),
            "Keras resets nothing: a stateless layer makes new zeros, a stateful one goes on",
            parts=ROUTE,
        ),
    ),
    "Four times 45 minutes": (
        Session(
            "Session 1",
            45,
            (0, 2),
            "1000 or 5: both, and no row knows another",
            parts={0: ROUTE[0], 2: (*ROUTE[2], "1000 or 5?", "State and weight", "Change it")},
        ),
        Session("Session 2", 45, (3,), "row i goes on with row i; the gradient does not"),
        Session("Session 3", 45, (4,), "only reset_state and build make zeros"),
        Session(
            "Session 4",
            45,
            (5,),
            "shuffling and a last batch of one tear a stream, without a word",
        ),
    ),
    "A week alone": (
        Session("Monday", 60, (0, 1), "there is one cell, with an h and a c at each timestep"),
        Session("Tuesday", 70, (2, 3), "no row knows another, and row i goes on with row i"),
        Session(
            "Wednesday",
            60,
            (4, 5),
            "every batch that is read moves the state, and nobody resets it but you",
        ),
        Session("Thursday", 60, (6, 7), "the state goes on over a border, learning does not"),
        Session("Friday", 60, (8, 9), "first say what a claim implies, then record"),
        Session("Saturday", 70, (12, 13), "the state is mine to look after"),
        Session("Sunday", 65, (14, 10, 11), "I can say it of a model that I have never seen"),
    ),
}


def matrix(lessons: Sequence[Lesson]) -> str:
    """Objective by lesson by question, with tasks and experiments."""
    rows = [
        "| lesson | minutes | after it you ... | questions | tasks | experiments |",
        "|---|---|---|---|---|---|",
    ]
    for each in lessons:
        link = f"[{each.number}. {each.title}](../../notebooks/{each.path.name})"
        cells = [link, str(each.minutes), each.objective, *map(_listed, _kinds(each))]
        rows.append(f"| {' | '.join(cells)} |")
    total = sum(each.minutes for each in lessons)
    words = (
        f"{total} minutes for a reader who reads all, at 200 words a minute, 4 seconds a line of "
        "code, 90 seconds an animation, a minute a question, 4 minutes an experiment, 6 a task."
    )
    return "\n".join(["# What each lesson is for", "", _MADE_BY, "", words, "", *rows, ""])


def _kinds(lesson: Lesson) -> tuple[list[str], list[str], list[str]]:
    return list(lesson.questions), lesson.tasks, lesson.experiments


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "-"


def plans(lessons: Sequence[Lesson]) -> str:
    """The plans, with what a class predicts, does and takes along in each session.

    Raises:
        ValueError: A session is shorter than a reader takes for its lessons.
    """
    by_number = {each.number: each for each in lessons}
    parts = ["# Plans", "", _MADE_BY]
    for name, sessions in PLANS.items():
        parts += ["", f"## {name}"]
        for session in sessions:
            chosen = [by_number[number] for number in session.lessons]
            needed = sum(_minutes(session, each) for each in chosen)
            if needed > session.minutes:
                raise ValueError(
                    f"{name}, {session.name}: its lessons take {needed} minutes, and it has "
                    f"{session.minutes}. Leave a lesson out, or make it longer."
                )
            parts += ["", *_session(session, chosen, needed)]
    return "\n".join([*parts, ""])


def _minutes(session: Session, lesson: Lesson) -> int:
    """The minutes of what a session takes of a lesson."""
    if lesson.number not in session.parts:
        return lesson.minutes
    return round(exact(lesson.sections(session.parts[lesson.number])))


def route(lessons: Sequence[Lesson]) -> str:
    """The 90 minutes as lesson 0 prints them."""
    [session], by_number = PLANS["Once 90 minutes"], {each.number: each for each in lessons}
    lines, spare = ["**90 minutes, with a class:**", ""], session.minutes
    for number, headings in session.parts.items():
        lesson = by_number[number]
        minutes = _minutes(session, lesson)
        spare -= minutes
        taken = "this lesson, without its task"
        if number:
            sections = ", ".join(f"*{heading}*" for heading in headings)
            taken = f"[lesson {number}]({lesson.path.name}): {sections}"
        lines.append(f"- {taken}, {minutes} minutes")
    return "\n".join([*lines, f"- {_for_the_room(spare)}"])


def _for_the_room(minutes: int) -> str:
    argued = ", ".join(ARGUED)
    return f"{minutes} minutes for the room, which argues about {argued} before each is shown"


def _session(session: Session, lessons: Sequence[Lesson], needed: int) -> list[str]:
    title = (
        session.name if session.name.endswith("minutes") else f"{session.name}, {needed} minutes"
    )
    lines = [f"### {title}", "", f'At its end they can say: "{session.aim}."', ""]
    for each in lessons:
        link = f"[{each.number}. {each.title}](../../notebooks/{each.path.name})"
        asked = _listed(list(each.questions))
        if each.number in session.parts:
            taken = ", ".join(f"*{heading}*" for heading in session.parts[each.number])
            lines.append(f"- {link}, {_minutes(session, each)} minutes: {taken}.")
            continue
        lines.append(f"- {link}, {each.minutes} minutes. Predict: {asked}.")
        if each.tasks:
            lines.append(f"  Each writes: {_listed(each.tasks)}.")
        if each.experiments:
            lines.append(f"  In pairs: {_listed(each.experiments)}.")
    spare = session.minutes - needed
    if session.parts is ROUTE:
        lines.append(f"- {_for_the_room(spare)}.")
    elif spare >= 10:
        lines.append(f"- {spare} minutes are left for what the room asks.")
    return lines
