"""Where the time goes that recording adds to an epoch."""

from __future__ import annotations

import cProfile
import pstats
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks.measuring import Spread, differences, in_turn, progress, seconds, spread
from benchmarks.report import Row, Topic
from benchmarks.workloads import BATCHES, LONG, SHORT, Pair, Workload, recorded_beside_plain
from stateviz.recorder.capture import Capture
from stateviz.recorder.layer_patches import LayerPatch

_FUNCTIONS_SHOWN = 6


def measure(repeats: int) -> Topic:
    rows, remarks = [], []
    for workload in (SHORT, LONG):
        progress(f"[time spent] tracing {workload}")
        with recorded_beside_plain(workload) as pair:
            rows += _rows(pair, repeats)
            remarks.append(_profiled(pair))
    return Topic(
        "Where the time of a recorded epoch goes",
        f"The same two models, without gates, an epoch of {BATCHES} batches each. First the graph "
        "yields the states, but the call that it makes to the host does nothing; then the host "
        "is called and packs what it got, but Capture.take does nothing; then all is as it is. "
        "What the host does overlaps with the rest of the graph where a core is free, so the "
        "parts need not add up to the whole.",
        "ms per batch",
        rows,
        remarks,
    )


def _rows(pair: Pair, repeats: int) -> list[Row]:
    clock = _Clock()
    times = in_turn(
        {
            "unrecorded": pair.run_plain,
            "host call does nothing": lambda: _run_with(pair, LayerPatch, "_deliver", _nothing),
            "take does nothing": lambda: _run_with(pair, Capture, "take", _nothing),
            "recorded": pair.run_recorded,
            "recorded, with a clock": lambda: _run_with(pair, Capture, "take", clock.timed),
        },
        repeats=repeats,
        what=f"time spent, {pair.workload}",
        after_each_round=pair.forget,
    )
    copying = [_seconds_to_copy(pair.workload) for _ in range(repeats)]
    plain, idle = times["unrecorded"], times["host call does nothing"]
    parts = {
        "an unrecorded batch": spread(plain),
        "added by yielding the states to the host": differences(idle, plain),
        "added by packing them, with Capture.take doing nothing": differences(
            times["take does nothing"], idle
        ),
        "added by Capture.take": differences(times["recorded"], times["take does nothing"]),
        "added in all": differences(times["recorded"], plain),
        "inside Capture.take, by a clock": spread(clock.total(BATCHES)),
        "one copy of h and c of all timesteps": spread(copying),
    }
    return [
        Row(f"{pair.workload}: {what}", _milliseconds_a_batch(each)) for what, each in parts.items()
    ]


def _milliseconds_a_batch(epoch: Spread) -> Spread:
    scale = 1000 / BATCHES
    return Spread(scale * epoch.lower, scale * epoch.median, scale * epoch.upper, epoch.count)


def _nothing(*_: object) -> None:
    """Stands for a method that receives a batch."""


@contextmanager
def _swapped(owner: type, name: str, stand_in: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _run_with(pair: Pair, owner: type, name: str, stand_in: Any) -> None:
    with _swapped(owner, name, stand_in):
        pair.run_recorded()


class _Clock:
    """Times every call of Capture.take."""

    def __init__(self) -> None:
        self._seconds: list[float] = []
        take = Capture.take

        def timed(capture: Capture, name: str, call: Any) -> None:
            start = time.perf_counter()
            take(capture, name, call)
            self._seconds.append(time.perf_counter() - start)

        self.timed = timed

    def total(self, batches: int) -> list[float]:
        """The seconds in each epoch of so many batches."""
        sums: list[float] = np.reshape(self._seconds, (-1, batches)).sum(axis=1).tolist()
        return sums


def _seconds_to_copy(workload: Workload) -> float:
    """Copies as many states as an epoch holds, batch by batch, into memory that is new."""
    shape = (2, workload.samples, workload.timesteps, workload.units)
    states = np.ones(shape, np.float32)
    copies: list[np.ndarray] = []
    return seconds(lambda: copies.extend(np.array(states) for _ in range(BATCHES)))


def _profiled(pair: Pair) -> str:
    """The functions that Capture.take spends most time in, in words."""
    profile, take, lock = cProfile.Profile(), Capture.take, threading.Lock()

    def profiled(capture: Capture, name: str, call: Any) -> None:
        with lock:
            profile.runcall(take, capture, name, call)

    for _ in range(3):
        _run_with(pair, Capture, "take", profiled)
        pair.forget()
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    slowest = sorted(stats.items(), key=lambda each: -each[1][2])[:_FUNCTIONS_SHOWN]
    named = ", ".join(f"`{name}` {own / total:.0%}" for (_, _, name), (_, _, own, *_) in slowest)
    return f"cProfile inside Capture.take, own time, {pair.workload}: {named}."
