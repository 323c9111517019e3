"""The words for a batch on a picture: where in the run it stands, and how its states began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stateviz.recording import BatchRecord, Recording

_WORDS: dict[str, str] = {
    "fresh": "fresh zeros",
    "carried": "carried over",
    "reset": "reset to zeros",
}


def began(record: BatchRecord, sample: int | None = None, *, short: bool = False) -> str:
    """How a batch's states began, or that of one of its samples, in words.

    Of rows that began differently, `short` tells only how many did not go on.
    """
    if sample is not None:
        word = str(record.origins[sample])
        return _WORDS.get(word, word)
    counts = Counter(record.origins.tolist())
    if len(counts) < 2:
        return _WORDS.get(record.origin, record.origin)
    if short:
        word, count = next(each for each in counts.most_common() if each[0] != "carried")
        return f"{count} of {counts.total()} {word}"
    return ", ".join(
        f"{count} of {counts.total()} rows {_WORDS.get(word, word)}"
        for word, count in counts.most_common()
    )


def sign_of(record: BatchRecord) -> str:
    """The origin whose sign a batch has; "" where its rows began in different ways."""
    return "" if record.origin == "mixed" else record.origin


def left_by(recording: Recording, record: BatchRecord, sample: int) -> str:
    """Whose final state a sample began with, in words, as far as it is known."""
    source = record.sources[sample]
    known = source is not None and source.certain and source.layer in recording
    if source is None or source.index is None or not known:
        return ""
    whose = "" if source.layer == record.layer else f" of {source.layer!r}"
    return f"the final state{whose} of {in_run(recording[source.layer].batches[source.index])}"


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
    """Where in the run each batch stands; with its place too where that is said of several.

    Of several layers, each batch has its layer's name.
    """
    several_layers = len({record.layer for record in records}) > 1
    names = [f"{record.layer}: " * several_layers + in_run(record) for record in records]
    several = {name for name, count in Counter(names).items() if count > 1}
    return [
        f"{name} (#{record.index})" if name in several else name
        for name, record in zip(names, records, strict=True)
    ]
