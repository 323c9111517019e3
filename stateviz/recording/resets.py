"""Counts the states that began from zeros: what the question of 2017 asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stateviz.recording.labelled import optional
from stateviz.recording.records import ORIGINS, ZEROED, Event, Origin, Phase
from stateviz.recording.words import html_table

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class ResetCount:
    """How the states of one layer began in one epoch of one phase.

    A *state tensor* is the state of a whole batch, h and c counted as one; a *sample state* is
    one row of it. Both counts say how many were zeros at the start of a batch.
    """

    layer: str
    phase: Phase
    epoch: int | None
    batches: int
    state_tensors_zeroed: int
    sample_states_zeroed: int
    zeroed_batches: tuple[int, ...]
    origins: dict[Origin, int]


class Resets(Sequence[ResetCount]):
    """The answer to "when is the state reset?": one row for each layer, phase and epoch.

    Its own counts are those of all rows together.
    """

    def __init__(self, counts: Sequence[ResetCount]) -> None:
        self._counts = tuple(counts)

    def __getitem__(self, index: Any) -> Any:
        return self._counts[index]

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def state_tensors_zeroed(self) -> int:
        """How many batches began from zeros."""
        return sum(count.state_tensors_zeroed for count in self)

    @property
    def sample_states_zeroed(self) -> int:
        """How many samples began from zeros."""
        return sum(count.sample_states_zeroed for count in self)

    @property
    def origins(self) -> dict[Origin, int]:
        """How many batches began in which way."""
        return in_order(count.origins for count in self)

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a `pandas.DataFrame`, a row for each layer, phase and epoch; needs pandas.

        Returns:
            The columns `layer`, `phase`, `epoch` (missing where the phase has none), `batches`, one
            for each origin, `state_tensors_zeroed` and `sample_states_zeroed`.

        Raises:
            ImportError: pandas is not installed.
        """
        rows = [
            {
                "layer": count.layer,
                "phase": count.phase,
                "epoch": count.epoch,
                "batches": count.batches,
                **{origin: count.origins.get(origin, 0) for origin in ORIGINS},
                "state_tensors_zeroed": count.state_tensors_zeroed,
                "sample_states_zeroed": count.sample_states_zeroed,
            }
            for count in self
        ]
        columns = ["layer", "phase", "epoch", "batches", *ORIGINS]
        columns += ["state_tensors_zeroed", "sample_states_zeroed"]
        table: pandas.DataFrame = optional("pandas", "to_pandas()").DataFrame(rows, columns=columns)
        return table.astype({"epoch": "Int64"})

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        shown = list(self.origins)
        head = ["layer", "phase", "epoch", "batches", *shown]
        head += ["state tensors zeroed", "sample states zeroed"]

        def row(labels: list[str], batches: int, counts: ResetCount | Resets) -> list[str]:
            numbers = [batches, *(counts.origins.get(origin, 0) for origin in shown)]
            numbers += [counts.state_tensors_zeroed, counts.sample_states_zeroed]
            return labels + [f"{number:,}" for number in numbers]

        body = [
            row([c.layer, c.phase, "-" if c.epoch is None else str(c.epoch)], c.batches, c)
            for c in self
        ]
        total = row(["in all", "", ""], sum(count.batches for count in self), self)
        return head, [*body, total]

    def __repr__(self) -> str:
        head, body = self._rows()
        widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
        lines = []
        for row in [head, *body]:
            words = [
                cell.ljust(width) if column < 3 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(words).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head, body = self._rows()
        return html_table(head, body[:-1], foot=body[-1])


def count_resets(events: Iterable[Event], layers: Collection[str]) -> Resets:
    """Counts how the batches of these layers began, for each layer, phase and epoch."""
    seen: dict[tuple[str, Phase | None, int | None], list[Event]] = {}
    for event in events:
        if event.kind == "batch" and event.layer is not None and event.layer in layers:
            seen.setdefault((event.layer, event.phase, event.epoch), []).append(event)
    counts = []
    for (name, phase, epoch), batches in seen.items():
        zeroed = [(place, event) for place, event in enumerate(batches) if event.origin in ZEROED]
        counts.append(
            ResetCount(
                layer=name,
                phase=phase or "call",
                epoch=epoch,
                batches=len(batches),
                state_tensors_zeroed=len(zeroed),
                sample_states_zeroed=sum(event.batch_size or 0 for _, event in zeroed),
                zeroed_batches=tuple(
                    place if event.batch is None else event.batch for place, event in zeroed
                ),
                origins=in_order([Counter(event.origin for event in batches if event.origin)]),
            )
        )
    return Resets(counts)


def in_order(origins: Iterable[dict[Origin, int]]) -> dict[Origin, int]:
    """The counts of each origin together, in the order of `ORIGINS`."""
    together: Counter[Origin] = Counter()
    for each in origins:
        together.update(each)
    return {origin: together[origin] for origin in ORIGINS if together[origin]}
