"""One unit of a layer, large: c as an area and h as a line in it, and its gates under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text

from stateviz.drawing import gates, lanes, write, written
from stateviz.drawing.finite import reach_of
from stateviz.drawing.lanes import Layout
from stateviz.drawing.sample import draw_held, name_state, trace_of
from stateviz.playing.artists import Areas, Lines, OneRow
from stateviz.playing.moving import Declared, Fill, Keyed
from stateviz.playing.theme import INK_MAP, STATE_MAP, soft
from stateviz.recording import BatchRecord, StateName
from stateviz.scenes.panel import lanes_axes

# Pixels of CSS: the unit, a gate, and what lies over each of both.
_UNIT, _GATE, _OVER, _BETWEEN = 128.0, 30.0, 42.0, 8.0


class UnitPanel:
    """Draws one unit on a figure, and knows what of it moves and what differs from unit to unit.

    Args:
        figure: The figure.
        top: Where the panel begins, in pixels of CSS.
        record: The batch, with its units on one axis.
        sample: The row among the samples that were kept, 0-based.
        unit: The unit to begin with, 0-based.
        layout: Where the timesteps stand.
    """

    def __init__(
        self,
        figure: Figure,
        top: float,
        record: BatchRecord,
        sample: int,
        unit: int,
        layout: Layout,
    ) -> None:
        self._record, self._sample, self._unit = record, sample, unit
        self._layout = replace(layout, lanes=1, pitch=_UNIT)
        self._draw_states(lanes_axes(figure, top + _OVER, _UNIT, self._layout, "unit"))
        self._gates: AxesImage | None = None
        if gates.gates_of(record, sample, unit):
            self._draw_gates(figure, top + _OVER + _UNIT + _BETWEEN)

    @staticmethod
    def height(record: BatchRecord, sample: int) -> float:
        """How high the panel of a unit is, in pixels of CSS."""
        rows = len(gates.gates_of(record, sample, 0))
        return _OVER + _UNIT + (_BETWEEN + _GATE * rows) * bool(rows)

    def _draw_states(self, ax: Axes) -> None:
        layout, record = self._layout, self._record
        known: list[StateName] = list(reversed(record.state_names[:2]))
        both = [self._traces(state) for state in known]
        reach = lanes.half_lane(*both)
        lanes.draw_cards(ax, [replace(record, samples=np.zeros(1, int))], layout, 0.0)
        edges = (-0.5, layout.columns - 0.5, 0.5, -0.5)
        area = OneRow(ax, STATE_MAP, -reach, reach, extent=edges, zorder=3)
        area.set_data(both[0][:1])
        self._charts: list[tuple[AxesImage, np.ma.MaskedArray]] = [(area, both[0])]
        if len(both) > 1:
            self._charts.append((draw_lines(ax, both[1][:1], layout, reach), both[1]))
        draw_held(ax, record, sample=self._sample, first=layout.gap + 1)
        x = layout.columns - 0.5 + 6 / layout.column
        places = (-0.12, 0.12) if len(both) > 1 else (0.0,)
        self._numbers = [write(ax, x, y, "", weight="bold") for y in places]
        self._name = write(ax, -0.5, -0.5 - 12 / _UNIT, "")

    def _traces(self, state: StateName) -> np.ma.MaskedArray:
        """Each unit's state, shape (units, columns)."""
        units = range(self._record.hidden_state.shape[2])
        traces = np.stack([trace_of(self._record, state, self._sample, each) for each in units])
        return columns_of(traces[:, 0], traces[:, 1:].T, self._layout)

    def _draw_gates(self, figure: Figure, top: float) -> None:
        found = gates.gates_of(self._record, self._sample, self._unit)
        layout = replace(self._layout, lanes=len(found), pitch=_GATE)
        ax = lanes_axes(figure, top, layout.height, layout, "gates")
        # Of all units: a gate keeps its height when another unit is chosen.
        units = range(self._record.hidden_state.shape[2])
        reach = 1.02 * reach_of(*map(self._gates_of, units), least=1.0)
        edges = (-0.5, layout.columns - 0.5, layout.lanes - 0.5, -0.5)
        self._gates = Areas(ax, INK_MAP, -reach, reach, extent=edges, zorder=3)
        self._gates.set_data(self._gates_of(self._unit))
        first, last = layout.gap + 0.5, layout.columns - 0.5
        for row, name in enumerate(found):
            ax.plot([first, last], [row] * 2, color=soft(0.3), linewidth=0.75)
            write(ax, first - 0.2, row, gates.label(name), ha="right", color=soft(0.66))
        x = last + 8 / layout.column
        self._gate_numbers = [write(ax, x, row, "") for row in range(layout.lanes)]

    def _gates_of(self, unit: int) -> np.ma.MaskedArray:
        """One unit's gates, shape (gates, columns)."""
        found = gates.gates_of(self._record, self._sample, unit)
        none = np.full((len(found), self._layout.gap + 1), np.nan)
        values: np.ma.MaskedArray
        values = np.ma.masked_invalid(np.hstack([none, np.stack(list(found.values()))]))
        return values

    @property
    def varies(self) -> list[Artist]:
        """What differs from unit to unit."""
        of_gates = [] if self._gates is None else [self._gates, *self._gate_numbers]
        return [self._name, *self._numbers, *(chart for chart, _ in self._charts), *of_gates]

    def parts(self, units: Sequence[int], columns: Sequence[int]) -> list[Declared]:
        """What fills in, and what is said.

        Args:
            units: The units among which the reader chooses in the page.
            columns: For each frame, how many columns are filled in.
        """
        parts: list[Declared] = []
        for chart, values in self._charts:
            parts.append(Fill(chart, [values[unit : unit + 1] for unit in units], columns))
        texts: list[Text] = [self._name, *self._numbers]
        if self._gates is not None:
            parts.append(Fill(self._gates, [self._gates_of(unit) for unit in units], columns))
            texts += self._gate_numbers
        frames = range(len(columns))
        return [
            *parts,
            Keyed(texts, frames, lambda frame, option: self._say(frame, units[option])),
        ]

    def _say(self, frame: int, unit: int) -> None:
        known: list[StateName] = list(reversed(self._record.state_names[:2]))
        transitions = zip(known, ["area", "line"], strict=False)
        drawn = " and ".join(f"{name_state(state)[0]} ({how})" for state, how in transitions)
        self._name.set_text(f"{drawn} of unit {self._record.unit_numbers[unit]}")
        for text, (_, values), state in zip(self._numbers, self._charts, known, strict=True):
            value = values[unit, self._layout.gap + frame]
            text.set_text(
                "" if np.ma.is_masked(value) else f"{name_state(state)[0]} {written(value)}"
            )
        if self._gates is None:
            return
        found = gates.gates_of(self._record, self._sample, unit)
        for text, of_gate in zip(self._gate_numbers, found.values(), strict=True):
            text.set_text(written(of_gate[frame - 1], plus="") if frame else "")


def columns_of(initial: np.ndarray, after: np.ndarray, layout: Layout) -> np.ma.MaskedArray:
    """States as lanes: initial (units,) and after (timesteps, units) as (units, columns)."""
    gap = np.zeros((len(initial), layout.gap))
    values = np.hstack([gap, initial[:, np.newaxis], after.T]).astype(float)
    mask = np.zeros(values.shape, bool)
    mask[:, : layout.gap] = True
    return np.ma.array(values, mask=mask)


def draw_lines(ax: Axes, values: np.ma.MaskedArray, layout: Layout, reach: float) -> Lines:
    """Draws a state as lines over the areas of another, on the same zero lines."""
    edges = (-0.5, layout.columns - 0.5, len(values) - 0.5, -0.5)
    lines = Lines(ax, INK_MAP, -reach, reach, extent=edges, zorder=3.5)
    lines.set_data(np.ma.masked_invalid(values))
    return lines
