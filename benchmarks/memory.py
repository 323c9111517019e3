"""What a recording holds against the bytes of its arrays, and what the process grows by."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stateviz
from benchmarks.measuring import progress, spread
from benchmarks.report import Row, Target, Topic
from benchmarks.workloads import NO_BOUND, Workload, make_data, make_model

_WORKLOAD = Workload(100, 100, 128)
_BATCHES = 49
_STATM = Path("/proc/self/statm")


@dataclass(frozen=True)
class _Grown:
    """What a process grew by, and what its recording held, in bytes."""

    process: int
    arrays: int


def measure(repeats: int) -> Topic:
    asked_for = _bytes_asked_for()
    rows = []
    for phase in ("predict", "fit"):
        held, grown = [], []
        for number in range(repeats):
            plain = _in_a_new_process(phase, recorded=False)
            recorded = _in_a_new_process(phase, recorded=True)
            held.append(recorded.arrays / asked_for)
            grown.append((recorded.process - plain.process) / asked_for)
            progress(
                f"[memory, {phase}] {number + 1} of {repeats}: unrecorded {plain.process / 1e6:.0f}"
                f" MB, recorded {recorded.process / 1e6:.0f} MB"
            )
        rows.append(Row(f"{phase}: arrays in the recording", spread(held), Target(1.1)))
        rows.append(Row(f"{phase}: growth of the process", spread(grown), Target(1.1)))
    return Topic(
        "Memory",
        f"{_BATCHES} batches of {_WORKLOAD} are recorded. Asked for are {asked_for / 1e6:.0f} MB: "
        "h and c before the first and after every timestep, their final values, and the inputs, in "
        "float32. The growth is that of the resident set since the model was traced, less that "
        "of an unrecorded run; each run has a new process.",
        "by bytes asked for",
        rows,
    )


def _bytes_asked_for() -> int:
    w = _WORKLOAD
    states = 2 * w.samples * (w.timesteps + 2) * w.units
    return 4 * _BATCHES * (states + w.samples * w.timesteps)


def _in_a_new_process(phase: str, *, recorded: bool) -> _Grown:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(_grown, phase, recorded).result()


def _grown(phase: str, recorded: bool) -> _Grown:
    model = make_model(_WORKLOAD)
    with contextlib.ExitStack() as stack:
        batches: list[Any] = []
        if recorded:
            block = stateviz.record(model, max_bytes=NO_BOUND)
            batches = stack.enter_context(block)["lstm"].batches
        run = _run(model, phase)
        run(2)
        batches.clear()
        gc.collect()
        before = _resident_bytes()
        run(_BATCHES)
        grown = _resident_bytes() - before
        return _Grown(grown, sum(batch.nbytes for batch in batches))


def _run(model: object, phase: str) -> Callable[[int], None]:
    X, y = make_data(_WORKLOAD, _BATCHES)

    def run(batches: int) -> None:
        samples = batches * _WORKLOAD.samples
        arguments = (X[:samples], y[:samples]) if phase == "fit" else (X[:samples],)
        getattr(model, phase)(*arguments, batch_size=_WORKLOAD.samples, verbose=0)

    return run


def _resident_bytes() -> int:
    """What the process holds in memory; where the system does not tell, the most it ever held."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
