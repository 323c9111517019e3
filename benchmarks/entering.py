"""What it costs to enter a block and to leave it: traces, and their time."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import keras
import numpy as np

import stateviz
from benchmarks.measuring import progress, ratios, seconds, spread
from benchmarks.report import Row, Target, Topic
from benchmarks.workloads import LONG, SHORT, Workload, make_data, make_model


@dataclass
class _Measured:
    """One model's way through a block: the seconds and the traces of a fit of one batch."""

    first: float
    traced_again: float
    warm: float
    entering: float
    after: float
    traces_before: int
    traces_in_block: int
    traces_after: int


def measure(repeats: int) -> Topic:
    rows = []
    for workload in (SHORT, LONG):
        ways = []
        for number in range(repeats):
            ways.append(_way_through_a_block(workload))
            progress(
                f"[entering, {workload}] {number + 1} of {repeats}: unrecorded trace "
                f"{ways[-1].traced_again:.3g} s, recorded {ways[-1].entering:.3g} s"
            )
        rows += _rows(workload, ways)
    return Topic(
        "Entering and leaving a block",
        "A model is fitted on one batch: for the first time, after its train function was thrown "
        "away, again, in a block, and after the block. The time of entering is that of opening the "
        "block and of the first fit in it, which traces; it is divided by the time of an "
        "unrecorded fit that traces. Traces are counted in the model's train_step.",
        "ratio or count",
        rows,
    )


def _rows(workload: Workload, ways: list[_Measured]) -> list[Row]:
    entering = [way.entering for way in ways]
    return [
        Row(
            f"{workload}: entering, by an unrecorded fit that traces again",
            ratios(entering, [way.traced_again for way in ways]),
            Target(1.5),
        ),
        Row(
            "entering, by the model's very first fit, which also makes the optimizer",
            ratios(entering, [way.first for way in ways]),
            Target(1.5),
        ),
        Row("traces in the first fit", spread(way.traces_before for way in ways)),
        Row(
            "traces in the block",
            spread(way.traces_in_block for way in ways),
            Target(1),
        ),
        Row("traces after the block", spread(way.traces_after for way in ways), Target(0)),
        Row(
            "a fit after the block, by one before it, both traced",
            ratios([way.after for way in ways], [way.warm for way in ways]),
        ),
    ]


class _Traces:
    """Counts how often a model's train_step runs in Python, which is when it is traced."""

    def __init__(self, model: keras.Model) -> None:
        self._count = 0
        keras_step = model.train_step

        @functools.wraps(keras_step)
        def train_step(data: object) -> object:
            self._count += 1
            return keras_step(data)

        model.train_step = train_step

    def since_last_asked(self) -> int:
        count, self._count = self._count, 0
        return count


def _way_through_a_block(workload: Workload) -> _Measured:
    model = make_model(workload)
    data = make_data(workload, batches=1)
    fit = functools.partial(_fit, model, data)
    traces = _Traces(model)
    first = seconds(fit)
    traces_before = traces.since_last_asked()
    model.train_function = None
    traced_again = seconds(fit)
    warm = seconds(fit)
    traces.since_last_asked()
    block = stateviz.record(model)
    entering = seconds(block.__enter__) + seconds(fit)
    traces_in_block = traces.since_last_asked()
    block.__exit__(None, None, None)
    after = seconds(fit)
    return _Measured(
        first=first,
        traced_again=traced_again,
        warm=warm,
        entering=entering,
        after=after,
        traces_before=traces_before,
        traces_in_block=traces_in_block,
        traces_after=traces.since_last_asked(),
    )


def _fit(model: keras.Model, data: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = data
    model.fit(X, y, batch_size=len(X), epochs=1, shuffle=False, verbose=0)
