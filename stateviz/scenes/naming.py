"""The words for a batch on a picture: where in the run it stands, and how its states began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stateviz.recording import BatchRecord, LayerRecording, Recording


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


def causes(recording: Recording, layer: LayerRecording) -> list[str]:
    """For each batch what reset, gave or altered its state, in a word; "" where nothing did."""
    found = []
    zeroed: dict[int, str] = {}
    cause = "new"
    for event in recording.events:
        if event.layer != layer.name:
            continue
        if event.kind == "reset_state":
            cause = "reset_state()"
        elif event.kind == "batch":
            if event.record is not None:
                zeroed[event.record] = cause
            cause = "set to 0"
    for batch in layer.batches:
        source = None if batch.came_from is None else layer.batches[batch.came_from]
        found.append(
            {
                "reset": zeroed.get(batch.index, "set to 0" if batch.index else "new"),
                "given": "initial_state",
                "altered": "assigned" if source is None else source.phase or "another call",
            }.get(batch.origin, "")
        )
    return found


def on_the_way(
    record: BatchRecord, before: str | None, name: str, cause: str, *, is_same: bool = False
) -> str:
    """What happens to the state before a batch, in words, for the frames of a motion.

    Args:
        record: The batch.
        before: What the batch before is called, where it is shown.
        name: What the batch is called.
        cause: What reset, gave or altered its state; see `causes`.
        is_same: Whether a given or altered state is that of the batch before.
    """
    if before is None:
        arrives = {
            "carried": "a state is carried over from a batch that is not shown",
            "fresh": "fresh zeros arrive",
            "reset": {
                "new": "zeros arrive: the state is new",
                "reset_state()": "zeros arrive, after reset_state()",
            }.get(cause, "zeros arrive"),
            "given": "the state arrives that was passed as initial_state",
            "altered": f"a state arrives that was left by {_doer(cause)}",
        }
        return f"{name}   {arrives[record.origin]}"
    left = f"the final state of {before}"
    if is_same and record.origin == "given":
        return f"{name}   {left} is handed on: it was passed as initial_state"
    if is_same and record.origin == "altered":
        return f"{name}   {left} arrives: {_doer(cause)} has altered the state"
    goes = {
        "carried": f"{left} is carried over, row by row",
        "fresh": f"{left} is dropped, and fresh zeros arrive",
        "reset": f"{left} is stopped, and zeros arrive"
        + (", by reset_state()" if cause == "reset_state()" else ""),
        "given": f"{left} is dropped, and what was passed as initial_state arrives",
        "altered": f"{left} is gone, and a state arrives that was left by {_doer(cause)}",
    }
    return f"{name}   {goes[record.origin]}"


def _doer(cause: str) -> str:
    return "an assignment" if cause == "assigned" else cause
