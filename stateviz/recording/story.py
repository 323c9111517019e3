"""A recording told in a few lines: phases, batches, and where their states came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stateviz.recording.layers import LayerRecording, history_of, left_by
from stateviz.recording.records import NUMBERED_PHASES, Event
from stateviz.recording.resets import in_order


@dataclass(frozen=True)
class Line:
    """A line of the story; what is said of a layer stands under its name."""

    text: str
    indented: bool = False


def story_of(layers: Sequence[LayerRecording], events: Sequence[Event], stopped: str) -> list[Line]:
    ran = any(event.kind == "batch" for event in events) or any(layer.batches for layer in layers)
    story = [line for each in layers for line in _lines_of(each, events, ran or bool(stopped))]
    return [*story, Line(stopped)] if stopped else story


def _lines_of(
    layer: LayerRecording, events: Sequence[Event], something_ran: bool
) -> Iterator[Line]:
    how = "stateful" if layer.stateful else "stateless"
    backwards = ", which reads backwards" if layer.go_backwards else ""
    units = plural(layer.units, "unit").replace(",", "")
    on = {"jax": " on JAX", "torch": " on PyTorch"}.get(layer.backend, "")
    yield Line(f"Recording of {layer.name!r}: a {how} {layer.kind} of {units}{on}{backwards}")
    history = history_of(layer, events)
    if not history:
        why = (
            "no batch: it did not run, or not in a way that can be seen"
            if something_ran
            else "no batch yet: run the model inside the record block"
        )
        yield Line(why, indented=True)
        return
    phases: dict[str, list[Event]] = {}
    for event in history:
        phases.setdefault(event.phase or "in an unknown phase", []).append(event)
    for phase, batches in phases.items():
        began = _began(layer, batches, history)
        yield Line(f"{phase}: {_where(batches)}; states began {began}", indented=True)
    tensors = plural(sum(event.zeros for event in history), "state tensor")
    rows = plural(sum(event.zero_rows for event in history), "sample state")
    resets = sum(event.kind == "reset_state" and event.layer == layer.name for event in events)
    called = "" if not layer.steps_known else f"; reset_state called {plural(resets, 'time')}"
    yield Line(f"began from zeros: {tensors}, {rows}{called}", indented=True)
    if layer.ends_within:
        yield Line(
            f"derived beside the layer, whose own final states differ by up to "
            f"{layer.ends_within:.1g}",
            indented=True,
        )
    if len(layer.batches) < len(history):
        yield Line(f"kept: {len(layer.batches):,} of {len(history):,} batches", indented=True)


def _where(batches: Sequence[Event]) -> str:
    epochs = len({(event.call, event.epoch) for event in batches if event.epoch is not None})
    numbered = batches[0].phase in NUMBERED_PHASES
    calls = len({event.call for event in batches}) if numbered else 1
    words = plural(len(batches), "batch") + (f" in {plural(epochs, 'epoch')}" if epochs else "")
    return words + (f" {'of' if epochs else 'in'} {calls:,} calls" if calls > 1 else "")


def _began(layer: LayerRecording, batches: Sequence[Event], history: Sequence[Event]) -> str:
    """How many batches began in which way, and of the mixed ones how many rows."""
    words = Counter(event.origin or "altered" for event in batches)
    details: dict[str, Counter[str]] = {}
    for event in batches:
        source, of_word = event.source, details.setdefault(event.origin or "", Counter())
        if event.origin == "mixed":
            for start in event.starts:
                of_word[start.origin] += start.rows
        elif source is not None and source.layer != layer.name:
            of_word[f"from {source.layer!r}"] += 1
        elif source is not None and (batch := left_by(history, source)) is not None:
            of_word[f"from {batch.phase}"] += batch.phase not in (event.phase, None)
    return ", ".join(
        f"{count:,} {word}{_in_brackets(details.get(word), word)}"
        for word, count in in_order([words]).items()
    )


def _in_brackets(counts: Counter[str] | None, word: str) -> str:
    """The counts in words; of rows that began differently, those that went on last."""
    words = [each for each in counts.most_common() if each[1]] if counts else []
    words.sort(key=lambda each: each[0] == "carried")
    parts = [f"{count:,} {what}" for what, count in words]
    if word == "mixed" and counts:
        parts[0] = f"{words[0][1]:,} of {counts.total():,} rows {words[0][0]}"
    return f" ({', '.join(parts)})" if parts else ""


def plural(count: int, noun: str) -> str:
    """The count and the noun, such as "1 batch" and "1,000 batches"."""
    many = {"batch": "batches"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else many}"
