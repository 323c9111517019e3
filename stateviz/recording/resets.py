"""Counts the states that began from zeros: what the question of 2017 asks."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stateviz.recording.labelled import optional
from stateviz.recording.layers import LayerRecording, history_of
from stateviz.recording.records import NUMBERED_PHASES, ORIGINS, BatchOrigin, Event, Phase

if TYPE_CHECKING:
    import pandas


_MOST_ROWS, _FIRST_ROWS, _LAST_ROWS = 40, 20, 5
_WORDS: tuple[BatchOrigin, ...] = (*ORIGINS, "mixed")


@dataclass(frozen=True)
class ResetCount:
    """How the states of one layer began in one epoch of one phase of one call.

    A *state tensor* is the state of a whole batch, h and c counted as one; a *sample state* is
    one row of it. Both counts say how many were zeros at the start of a batch, also zeros that were
    passed as `initial_state`. `origins` counts batches by the word that their rows share, or
    "mixed". `call` counts the calls of fit, evaluate and predict from 0; batches of
    `train_on_batch` and its like stand in one row.
    """

    layer: str
    phase: Phase | None
    epoch: int | None
    batches: int
    state_tensors_zeroed: int
    sample_states_zeroed: int
    zeroed_batches: tuple[int, ...]
    origins: dict[BatchOrigin, int]
    call: int | None = None


class Resets(Sequence[ResetCount]):
    """The answer to "when is the state reset?": one row for each layer, call, phase and epoch.

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
    def origins(self) -> dict[BatchOrigin, int]:
        return in_order(count.origins for count in self)

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a `pandas.DataFrame`, a row for each layer, phase and epoch; needs pandas.

        Returns:
            The columns `layer`, `call`, `phase`, `epoch` (both missing where the phase has none),
            `batches`, one for each origin, `state_tensors_zeroed` and `sample_states_zeroed`.

        Raises:
            ImportError: pandas is not installed.
        """
        rows = [
            {
                "layer": count.layer,
                "call": count.call,
                "phase": count.phase,
                "epoch": count.epoch,
                "batches": count.batches,
                **{origin: count.origins.get(origin, 0) for origin in _WORDS},
                "state_tensors_zeroed": count.state_tensors_zeroed,
                "sample_states_zeroed": count.sample_states_zeroed,
            }
            for count in self
        ]
        columns = ["layer", "call", "phase", "epoch", "batches", *_WORDS]
        columns += ["state_tensors_zeroed", "sample_states_zeroed"]
        table: pandas.DataFrame = optional("pandas", "to_pandas()").DataFrame(rows, columns=columns)
        return table.astype({"call": "Int64", "epoch": "Int64"})

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        shown = list(self.origins)
        calls = self._has_calls_alike()
        head = ["layer", *["call"] * calls, "phase", "epoch", "batches", *shown]
        head += ["state tensors zeroed", "sample states zeroed"]

        def row(labels: list[str], batches: int, counts: ResetCount | Resets) -> list[str]:
            numbers = [batches, *(counts.origins.get(origin, 0) for origin in shown)]
            numbers += [counts.state_tensors_zeroed, counts.sample_states_zeroed]
            return labels + [f"{number:,}" for number in numbers]

        def label(number: int | None) -> str:
            return "-" if number is None else str(number)

        body = []
        for alike in self._alike():
            c = alike[0]
            epochs = (
                label(c.epoch) if len(alike) == 1 else f"each of {c.epoch} to {alike[-1].epoch}"
            )
            body.append(
                row([c.layer, *[label(c.call)] * calls, c.phase or "?", epochs], c.batches, c)
            )
        if len(body) > _MOST_ROWS:
            between = len(body) - _FIRST_ROWS - _LAST_ROWS
            gap = [f"... {between:,} more rows ...", *[""] * (len(head) - 1)]
            body = [*body[:_FIRST_ROWS], gap, *body[-_LAST_ROWS:]]
        total = row(["in all", "", "", *[""] * calls], sum(count.batches for count in self), self)
        return head, [*body, total]

    def _has_calls_alike(self) -> bool:
        """Whether the rows of two calls could be taken for each other."""
        places = Counter((count.layer, count.phase, count.epoch) for count in self)
        return any(count > 1 for count in places.values())

    def _alike(self) -> list[list[ResetCount]]:
        """The rows, with epochs that follow each other and count the same in one."""
        groups: list[list[ResetCount]] = []
        for count in self:
            last = groups[-1][-1] if groups else None
            if last is not None and count.epoch is not None and _follows(last, count):
                groups[-1].append(count)
            else:
                groups.append([count])
        return groups

    def __repr__(self) -> str:
        head, body = self._rows()
        widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]
        words_in = [
            head.index(name) for name in ("layer", "call", "phase", "epoch") if name in head
        ]
        lines = []
        for row in [head, *body]:
            words = [
                cell.ljust(width) if column in words_in else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(words).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head, body = self._rows()
        return _html_table(head, body[:-1], foot=body[-1])


def _follows(last: ResetCount, count: ResetCount) -> bool:
    """Whether a row says of the next epoch what the row before it said of its own."""
    return last.epoch is not None and replace(last, epoch=last.epoch + 1) == count


def count_resets(layers: Iterable[LayerRecording], events: Sequence[Event]) -> Resets:
    """Counts how the batches of these layers began, for each layer, call, phase and epoch."""
    seen: dict[tuple[str, int | None, Phase | None, int | None], list[Event]] = {}
    for layer in layers:
        for event in history_of(layer, events):
            call = event.call if event.phase in NUMBERED_PHASES else None
            seen.setdefault((layer.name, call, event.phase, event.epoch), []).append(event)
    counts = []
    for (name, call, phase, epoch), batches in seen.items():
        zeroed = [(place, event) for place, event in enumerate(batches) if event.zeros]
        counts.append(
            ResetCount(
                layer=name,
                phase=phase,
                epoch=epoch,
                batches=len(batches),
                state_tensors_zeroed=len(zeroed),
                sample_states_zeroed=sum(event.zero_rows for event in batches),
                zeroed_batches=tuple(
                    place if event.batch is None else event.batch for place, event in zeroed
                ),
                origins=in_order([Counter(event.origin for event in batches if event.origin)]),
                call=call,
            )
        )
    return Resets(counts)


def in_order(origins: Iterable[dict[BatchOrigin, int]]) -> dict[BatchOrigin, int]:
    """The counts of each origin together, in the order of `ORIGINS`, "mixed" last."""
    together: Counter[BatchOrigin] = Counter()
    for each in origins:
        together.update(each)
    return {origin: together[origin] for origin in _WORDS if together[origin]}


def _html_table(head: list[str], body: list[list[str]], foot: list[str]) -> str:
    def cells(tag: str, row: list[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"

    return (
        f"<table><thead>{cells('th', head)}</thead>"
        f"<tbody>{''.join(cells('td', row) for row in body)}</tbody>"
        f"<tfoot>{cells('th', foot)}</tfoot></table>"
    )
