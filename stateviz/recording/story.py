"""A recording told in a few lines: phases, batches, and where their states came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from stateviz.recording.layers import LayerRecording
from stateviz.recording.records import Event
from stateviz.recording.resets import ResetCount, count_resets, in_order


@dataclass(frozen=True)
class Line:
    """A line of the story; what is said of a layer stands under its name."""

    text: str
    indented: bool = False


def story_of(layers: Sequence[LayerRecording], events: Sequence[Event], stopped: str) -> list[Line]:
    ran = any(event.kind == "batch" for event in events) or any(layer.batches for layer in layers)
    story = [line for layer in layers for line in _told(layer, events, others_ran=ran)]
    return [*story, Line(stopped)] if stopped else story


def _told(layer: LayerRecording, events: Sequence[Event], *, others_ran: bool) -> Iterator[Line]:
    how = "stateful" if layer.stateful else "stateless"
    backwards = ", which reads backwards" if layer.go_backwards else ""
    units = plural(layer.units, "unit").replace(",", "")
    on = {"jax": " on JAX", "torch": " on PyTorch"}.get(layer.backend, "")
    yield Line(f"Recording of {layer.name!r}: a {how} {layer.kind} of {units}{on}{backwards}")
    counts = count_resets([layer], events)
    if not len(counts):
        why = (
            "no batch: it did not run, or not in a way that can be seen"
            if others_ran
            else "no batch yet: run the model inside the record block"
        )
        yield Line(why, indented=True)
        return
    for phase, rows in _by_phase(counts):
        batches = plural(sum(row.batches for row in rows), "batch")
        epochs = len({(row.call, row.epoch) for row in rows if row.epoch is not None})
        where = f" in {plural(epochs, 'epoch')}" if epochs else ""
        calls = len({row.call for row in rows})
        where += f" of {calls:,} calls" if calls > 1 and epochs else ""
        where += f" in {calls:,} calls" if calls > 1 and not epochs else ""
        origins = in_order(row.origins for row in rows)
        began = ", ".join(f"{count:,} {origin}" for origin, count in origins.items())
        yield Line(f"{phase}: {batches}{where}; states began {began}", indented=True)
    resets = sum(event.kind == "reset_state" and event.layer == layer.name for event in events)
    tensors = plural(counts.state_tensors_zeroed, "state tensor")
    sample_states = plural(counts.sample_states_zeroed, "sample state")
    called = f"reset_state called {plural(resets, 'time')}"
    yield Line(f"began from zeros: {tensors}, {sample_states}; {called}", indented=True)
    if layer.ends_within:
        yield Line(
            f"derived beside the layer, whose own final states differ by up to "
            f"{layer.ends_within:.1g}",
            indented=True,
        )
    seen = sum(count.batches for count in counts)
    if len(layer.batches) < seen:
        yield Line(f"kept: {len(layer.batches):,} of {seen:,} batches", indented=True)


def _by_phase(counts: Iterable[ResetCount]) -> Iterator[tuple[str, list[ResetCount]]]:
    """Counts that follow each other in one phase; fit and its validation take turns."""

    def run(count: ResetCount) -> str:
        return "fit" if count.phase == "validation" else str(count.phase)

    for _, group in groupby(counts, key=run):
        phases: dict[str, list[ResetCount]] = {}
        for count in group:
            phases.setdefault(count.phase or "in an unknown phase", []).append(count)
        yield from phases.items()


def plural(count: int, noun: str) -> str:
    """The count and the noun, such as "1 batch" and "1,000 batches"."""
    many = {"batch": "batches"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else many}"
