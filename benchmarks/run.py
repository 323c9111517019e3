"""Measures what recording and playing cost, and writes RESULTS.md: python -m benchmarks.run."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import benchmarks.entering
import benchmarks.epoch
import benchmarks.making
import benchmarks.memory
import benchmarks.playing
import benchmarks.rivals
import benchmarks.sent
import benchmarks.time_spent
from benchmarks.measuring import progress
from benchmarks.report import Topic, page

RESULTS = Path(__file__).with_name("RESULTS.md")

# What is measured, and by how many repeats fewer than asked for, for what takes long.
_MEASURES: dict[str, tuple[Callable[[int], Topic | list[Topic]], int]] = {
    "epoch": (benchmarks.epoch.measure, 1),
    "entering": (benchmarks.entering.measure, 3),
    "rivals": (benchmarks.rivals.measure, 6),
    "memory": (benchmarks.memory.measure, 10),
    "time_spent": (benchmarks.time_spent.measure, 1),
    "sent": (benchmarks.sent.measure, 10),
    "making": (benchmarks.making.measure, 10),
    "playing": (benchmarks.playing.measure, 10),
}


def main() -> None:
    options = _parsed()
    chosen = [options.only] if options.only else list(_MEASURES)
    topics: list[Topic] = []
    for name in chosen:
        measure, fewer = _MEASURES[name]
        found = measure(max(3, options.repeats // fewer))
        topics += found if isinstance(found, list) else [found]
    results = page(topics)
    if options.only:
        print(results)
        return
    RESULTS.write_text(results, encoding="utf-8")
    progress(f"Wrote {os.path.relpath(RESULTS)}.")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description="Measures what recording and playing cost, and writes benchmarks/RESULTS.md.",
    )
    parser.add_argument(
        "--repeats",
        type=int,
        default=30,
        help="how often an epoch is measured (default 30); slower measures are repeated less",
    )
    parser.add_argument(
        "--only", choices=_MEASURES, help="measure only this, and print it instead of writing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
