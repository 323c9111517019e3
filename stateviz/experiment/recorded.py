"""Outcomes that were recorded beforehand, so that an experiment works without a kernel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from stateviz.experiment.outcome import Outcome
from stateviz.writing import whole


def save_outcomes(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Writes outcomes by their program, one a line."""
    rows = [
        json.dumps({"program": program, **outcome.for_page()})
        for program, outcome in sorted(outcomes.items())
    ]
    with whole(path) as beside:
        beside.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


def load_outcomes(path: Path) -> dict[str, Outcome]:
    """Reads them back.

    Raises:
        FileNotFoundError: There is no such file.
    """
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {row.pop("program"): Outcome.from_page(row) for row in rows}
