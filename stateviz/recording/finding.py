"""A `Finding`, and what finding it needs: the history of a layer, and what it read."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from stateviz.recording.layers import LayerRecording, history_of, left_by, records_of
from stateviz.recording.records import BatchRecord, Event, EventKind

_FEWEST_TIMESTEPS = 8  # that differ, in what is not read twice by chance


@dataclass(frozen=True)
class Finding:
    """Something odd about the state of one layer.

    Attributes:
        layer: The layer's name.
        kind: A short name, for example "validation altered the training state".
        what: What happened, in a sentence.
        batches: The evidence: places in `LayerRecording.batches`.
        cure: What mends it.
    """

    layer: str
    kind: str
    what: str
    batches: tuple[int, ...]
    cure: str

    def __repr__(self) -> str:
        return f"{self.layer}: {self.what} {self.cure}"


class Findings(list[Finding]):
    """A list of findings, which a notebook shows with what happened and what mends it.

    Example:
        >>> Findings([Finding("lstm", "odd", "It moved.", (0,), "Reset it.")])
        - lstm: It moved. Reset it.
        >>> Findings()
        []
    """

    def __repr__(self) -> str:
        return "\n".join(f"- {found}" for found in self) or "[]"

    def _repr_html_(self) -> str:
        if not self:
            return "<p>No findings.</p>"
        rows = (
            f"<li><b>{html.escape(found.layer)}</b>: {html.escape(found.what)}"
            f"<br><i>{html.escape(found.cure)}</i></li>"
            for found in self
        )
        return f"<ul>{''.join(rows)}</ul>"


@dataclass(frozen=True)
class LayerHistory:
    """One layer of a recording.

    Attributes:
        layer: The layer.
        events: All events of the recording.
        batches: An event for each of the layer's batches, also those that were not kept.
    """

    layer: LayerRecording
    events: Sequence[Event]
    batches: Sequence[Event]

    @classmethod
    def of(cls, layer: LayerRecording, events: Sequence[Event]) -> LayerHistory:
        return cls(layer, events, history_of(layer, events))

    @property
    def name(self) -> str:
        return self.layer.name

    @property
    def is_of_keras(self) -> bool:
        """Whether Keras ran it; if not, whoever called a module of PyTorch kept its states."""
        return self.layer.steps_known

    def noted(self, kind: EventKind) -> list[Event]:
        """The batches of which something was noted, such as a row that was repeated."""
        found, last = [], None
        for event in self.events:
            if event.layer == self.name and event.kind == "batch":
                last = event
            elif event.layer == self.name and event.kind == kind:
                found.append(last or event)
        return found

    def source(self, event: Event) -> Event | None:
        """The layer's batch with whose final states all rows of a batch are known to begin."""
        source = event.source
        return left_by(self.batches, source) if source and source.layer == self.name else None

    def sources(self, event: Event) -> list[Event]:
        """The layer's batches with whose final states rows of a batch are known to begin."""
        sources = [start.source for start in event.starts]
        known = [each for each in sources if each and each.certain and each.layer == self.name]
        return [batch for each in known if (batch := left_by(self.batches, each))]

    def read(self, event: Event) -> np.ndarray | None:
        """What a batch read, where all rows of it were kept, shape (samples, timesteps, ...)."""
        if not isinstance(event, BatchRecord) or len(event.samples) != event.batch_size:
            return None
        return event.inputs

    def report(self, kind: str, found: Sequence[Event], what: str, cure: str) -> Iterator[Finding]:
        """The finding, if there are events that prove it; `what` goes on from "3 times"."""
        if found:
            times = "Once," if len(found) == 1 else f"{len(found)} times"
            yield Finding(self.name, kind, f"{times} {what}", records_of(found), cure)

    @cached_property
    def passes(self) -> list[list[Event]]:
        """The batches of fit, an epoch of a call each; and those of each other call."""
        found: dict[tuple[object, ...], list[Event]] = {}
        for event in self.batches:
            found.setdefault((event.phase, event.call, event.epoch), []).append(event)
        return list(found.values())

    def carried_pairs(self, batches: Sequence[Event]) -> list[tuple[Event, Event]]:
        """The neighbours in a pass of which row i of the second goes on with row i of the first."""
        return [
            (one, next_one)
            for one, next_one in pairwise(batches)
            if next_one.origin == "carried"
            and self.source(next_one) is one
            and [start.source and start.source.row for start in next_one.starts] == [0]
        ]


def same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    """Whether two batches are known to have read the same, bit for bit, and not by chance.

    Equal letters, or equal values of a sensor, that follow each other prove nothing.
    """
    if one is None or other is None or one.shape != other.shape or one.shape[1] < 2:
        return False
    if one.tobytes() != other.tobytes():
        return False
    timesteps = one.reshape(one.shape[0] * one.shape[1], -1)
    return len(np.unique(timesteps, axis=0)) >= _FEWEST_TIMESTEPS
