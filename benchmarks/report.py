"""Writes what was measured as a page of Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import keras
import tensorflow as tf

from benchmarks.measuring import Spread


@dataclass(frozen=True)
class Target:
    """A bound on a median: at most, or at least."""

    bound: float
    at_least: bool = False

    def met(self, measured: float) -> bool:
        return measured >= self.bound if self.at_least else measured <= self.bound

    def __str__(self) -> str:
        return f"at {'least' if self.at_least else 'most'} {self.bound:g}"


@dataclass(frozen=True)
class Row:
    """One line of a table; without a target it is there to compare with."""

    what: str
    measured: Spread
    target: Target | None = None


@dataclass(frozen=True)
class Topic:
    """One table, what it shows and what else is to say about it."""

    title: str
    about: str
    unit: str
    rows: Sequence[Row]
    remarks: Sequence[str] = ()


def page(topics: Sequence[Topic]) -> str:
    head = (
        "# What recording and playing cost\n\n"
        f"Measured on {date.today().isoformat()}, on {_machine()}. `python -m benchmarks.run` "
        "makes this page anew. What is compared was run in turn, in one process; a ratio is that "
        "of two neighbouring measurements, and the quartiles say how far the ratios spread.\n"
    )
    return "\n".join([head, *map(_section, topics)])


def _machine() -> str:
    return (
        f"{os.cpu_count()} CPU cores ({platform.machine()}, {platform.system()}) that other "
        f"programs may have used too, without a GPU; Python {platform.python_version()}, "
        f"TensorFlow {tf.__version__}, Keras {keras.__version__}"
    )


def _section(topic: Topic) -> str:
    lines = [
        f"## {topic.title}\n",
        f"{topic.about}\n",
        f"| | target | median, {topic.unit} | quartiles | measurements | |",
        "|---|---|---|---|---|---|",
        *map(_line, topic.rows),
        "",
        *(f"{remark}\n" for remark in topic.remarks),
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    measured, target = row.measured, row.target
    verdict = "" if target is None else "met" if target.met(measured.median) else "**not met**"
    quartiles = f"{_number(measured.lower)} to {_number(measured.upper)}"
    return (
        f"| {row.what} | {target or ''} | {_number(measured.median)} | {quartiles} | "
        f"{measured.count} | {verdict} |"
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
