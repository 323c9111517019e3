"""Where the time goes that a recorded epoch takes beyond an unrecorded one."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import differences, in_turn, progress, seconds, spread
from benchmarks.report import Row, Topic
from benchmarks.workloads import BATCHES, LONG, SHORT, Pair, Workload, recorded_beside_plain
from stateviz.capture import Capture, LayerCall

_FUNCTIONS = 6


def measure(repeats: int) -> Topic:
    rows, remarks = [], []
    for workload in (SHORT, LONG):
        with recorded_beside_plain(workload) as pair:
            rows += _rows(workload, pair, repeats)
            remarks.append(_profiled(workload, pair))
    return Topic(
        "Where the rest goes",
        "What a recorded batch takes beyond an unrecorded one, in parts. The graph: all but the "
        "capture, measured with a capture that drops what it gets. The capture: the time in "
        "Capture.take. Copying: a copy of the same arrays in NumPy, which no recorder can do "
        "without.",
        "ms a batch",
        rows,
        remarks,
    )


def _rows(workload: Workload, pair: Pair, repeats: int) -> list[Row]:
    progress(f"[rest, {workload}] without the capture")
    with _taken_by(_dropped):
        times = in_turn(
            {"unrecorded": pair.run_plain, "graph": pair.run_recorded},
            repeats=repeats,
            what=f"rest, graph, {workload}",
            after_each_round=pair.forget,
        )
    graph = differences(
        (1000 * each / BATCHES for each in times["graph"]),
        (1000 * each / BATCHES for each in times["unrecorded"]),
    )
    in_take: list[float] = []
    with _taken_by(_timed(in_take)):
        for _ in range(repeats):
            pair.run_recorded()
            arrays = _arrays_of(pair)
            pair.forget()
    # Kept, as a recording keeps them: memory that was never used before costs more to fill.
    kept: list[np.ndarray] = []
    copies = [1000 * seconds(lambda: kept.extend(map(np.array, arrays))) for _ in in_take]
    return [
        Row(f"{workload}: the graph", graph),
        Row("the capture", spread(1000 * each for each in in_take)),
        Row("copying alone", spread(copies)),
    ]


def _arrays_of(pair: Pair) -> list[np.ndarray]:
    """The arrays of one recorded batch."""
    batch = pair.recording["lstm"].batches[-1]
    return [value for value in vars(batch).values() if isinstance(value, np.ndarray)]


_take = Capture.take


def _dropped(capture: Capture, name: str, call: LayerCall) -> None:
    """Takes a batch and keeps nothing of it."""


def _timed(times: list[float]) -> Any:
    def take(capture: Capture, name: str, call: LayerCall) -> None:
        times.append(seconds(lambda: _take(capture, name, call)))

    return take


@contextmanager
def _taken_by(take: Any) -> Iterator[None]:
    setattr(Capture, "take", take)  # noqa: B010  (mypy forbids assigning to a method)
    try:
        yield
    finally:
        setattr(Capture, "take", _take)  # noqa: B010


def _profiled(workload: Workload, pair: Pair) -> str:
    """The functions in which the capture spends most of its time."""
    profile = cProfile.Profile()

    def take(capture: Capture, name: str, call: LayerCall) -> None:
        profile.runcall(_take, capture, name, call)

    with _taken_by(take):
        pair.run_recorded()
    pair.forget()
    # A function's place, its calls, its own time.
    stats: dict[tuple[str, int, str], Any] = vars(pstats.Stats(profile))["stats"]
    total = sum(own for _, _, own, _, _ in stats.values()) or 1.0
    most = sorted(stats.items(), key=lambda item: -item[1][2])[:_FUNCTIONS]
    named = (
        f"`{Path(file).stem + '.' if line else ''}{name.strip('<>')}` {own / total:.0%}"
        for (file, line, name), (_, _, own, _, _) in most
    )
    return f"In the capture of {workload}, by cProfile's own times: {', '.join(named)}."
