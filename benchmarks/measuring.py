"""Times things in turn, and says how far the measurements spread."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

Run = Callable[[], object]


@dataclass(frozen=True)
class Spread:
    """The median of several measurements, and their quartiles."""

    lower: float
    median: float
    upper: float
    count: int


def spread(values: Iterable[float]) -> Spread:
    measured = np.array(list(values), np.float64)
    lower, median, upper = np.quantile(measured, [0.25, 0.5, 0.75])
    return Spread(float(lower), float(median), float(upper), measured.size)


def ratios(numerators: Iterable[float], denominators: Iterable[float]) -> Spread:
    """The spread of the ratios of measurements that were made in turn, pair by pair."""
    return spread(a / b for a, b in zip(numerators, denominators, strict=True))


def differences(minuends: Iterable[float], subtrahends: Iterable[float]) -> Spread:
    """The spread of the differences of measurements that were made in turn, pair by pair."""
    return spread(a - b for a, b in zip(minuends, subtrahends, strict=True))


def seconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def in_turn(
    runs: Mapping[str, Run], *, repeats: int, what: str, after_each_round: Run = lambda: None
) -> dict[str, list[float]]:
    """Times each run once a round, so that what slows the machine down slows all of them.

    Every other round runs backwards, so that none of them always follows the same one.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(repeats):
        order = list(runs) if number % 2 == 0 else list(runs)[::-1]
        for name in order:
            times[name].append(seconds(runs[name]))
        took = ", ".join(f"{name} {times[name][-1]:.4g} s" for name in runs)
        after_each_round()
        progress(f"[{what}] {number + 1} of {repeats}: {took}")
    return times
