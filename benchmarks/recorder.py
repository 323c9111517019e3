"""Measures what recording costs and writes benchmarks/RESULTS.md; `make bench` runs it."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import entering, epoch, memory, remainder, report, rivals
from benchmarks.measuring import progress

_RESULTS = Path(__file__).with_name("RESULTS.md")
# Each with how often it is measured for one --repeats.
_TOPICS = {
    "epoch": (epoch, 3.0),
    "entering": (entering, 1.0),
    "rivals": (rivals, 1.0),
    "memory": (memory, 0.6),
    "remainder": (remainder, 2.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="more take longer and spread less")
    parser.add_argument("--only", choices=_TOPICS, help="measure this, print it, write nothing")
    arguments = parser.parse_args()
    chosen = [arguments.only] if arguments.only else list(_TOPICS)
    topics = []
    for name in chosen:
        topic, weight = _TOPICS[name]
        topics.append(topic.measure(max(1, round(weight * arguments.repeats))))
    page = report.page(topics)
    if arguments.only:
        print(page)
    else:
        _RESULTS.write_text(page, encoding="utf-8")
        progress(f"written: {_RESULTS.name}")


if __name__ == "__main__":
    main()
