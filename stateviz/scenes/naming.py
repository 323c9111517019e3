"""The words for a batch on a picture: where in the run it stands, and how its states began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stateviz.recording import BatchRecord


def began(record: BatchRecord) -> str:
    """How a batch's states began, in words."""
    return {"fresh": "fresh zeros", "carried": "carried over", "reset": "reset to zeros"}.get(
        record.origin, record.origin
    )


def braced(name: str) -> str:
    """A user's own name as words of a hover, where braces have a meaning."""
    return name.replace("{", "{{").replace("}", "}}")


def in_run(record: BatchRecord) -> str:
    """Where in the run a batch stands, such as "fit, epoch 0, batch 3" or "call #2".

    What Keras does not number has its place in `LayerRecording.batches`.
    """
    phase = record.phase or "unknown phase"
    if record.batch is None:
        return f"{phase} #{record.index}"
    epoch = "" if record.epoch is None else f"epoch {record.epoch}, "
    return f"{phase}, {epoch}batch {record.batch}"


def told_apart(records: Sequence[BatchRecord]) -> list[str]:
    """Where in the run each batch stands; with its place too where that is said of several."""
    names = [in_run(record) for record in records]
    several = {name for name, count in Counter(names).items() if count > 1}
    return [
        f"{name} (#{record.index})" if name in several else name
        for name, record in zip(names, records, strict=True)
    ]
