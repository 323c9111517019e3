"""The memory that a recording holds, against the bytes that were asked for."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

import numpy as np

import stateviz
from benchmarks.measuring import progress, spread
from benchmarks.report import Row, Target, Topic
from benchmarks.workloads import NO_BOUND, SHORT, make_data, make_model

_BATCHES = 200


def measure(repeats: int) -> Topic:
    by_arrays, by_process = [], []
    for number in range(repeats):
        arrays, process, asked_for = _held()
        by_arrays.append(arrays / asked_for)
        by_process.append(process / asked_for)
        progress(
            f"[memory] {number + 1} of {repeats}: asked for {asked_for / 2**20:.0f} MiB, arrays "
            f"{arrays / 2**20:.0f} MiB, process grew by {process / 2**20:.0f} MiB"
        )
    return Topic(
        "Memory held",
        f"A predict of {_BATCHES} batches of {SHORT} is recorded. Asked for are h and c at every "
        "timestep, before the first and after the last, and the inputs, in float32. Held is what "
        "the recording's arrays take, and by how much the process grew while they were recorded, "
        "after the same predict had run unrecorded.",
        "ratio",
        [
            Row("the arrays of the recording", spread(by_arrays), Target(1.1)),
            Row("growth of the process", spread(by_process), Target(1.1)),
        ],
    )


def _held() -> tuple[int, int, int]:
    """Bytes: of the recording's arrays, by which the process grew, and asked for."""
    model = make_model(SHORT)
    X, _ = make_data(SHORT, _BATCHES)
    options = {"batch_size": SHORT.samples, "verbose": 0}
    model.predict(X, **options)
    with stateviz.record(model, max_bytes=NO_BOUND) as recording:
        model.predict(X[: SHORT.samples], **options)
        gc.collect()
        before, batches_before = _resident(), len(recording["lstm"].batches)
        model.predict(X, **options)
        gc.collect()
        grown = _resident() - before
    recorded = recording["lstm"].batches[batches_before:]
    states = 2 * (SHORT.timesteps + 2) * SHORT.units
    asked_for = X.nbytes + len(X) * states * np.dtype(np.float32).itemsize
    return sum(batch.nbytes for batch in recorded), grown, asked_for


def _resident() -> int:
    """The bytes of memory that the process holds now; where that is unknown, its most so far."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
