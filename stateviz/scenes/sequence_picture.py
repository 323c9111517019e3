"""One sample of a batch through its timesteps, in one layer or in several: the picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from stateviz.drawing import HEAD, gates, lanes, write
from stateviz.drawing.finite import reach_of
from stateviz.drawing.lanes import LEFT, LETTER, RIGHT, WIDTH, Layout
from stateviz.drawing.sample import data_timestep, name_state, states_of
from stateviz.playing.artists import Areas, Lines, Threads
from stateviz.playing.moving import Appear, Declared, Fill, Keyed, Slide
from stateviz.playing.scene import Pick, Scene
from stateviz.playing.theme import INK, INK_MAP
from stateviz.recording import ORIGINS, BatchRecord
from stateviz.scenes.naming import began, braced, in_run
from stateviz.scenes.panel import NAMES, LanePanel, lanes_axes, room_around
from stateviz.scenes.timing import Timing
from stateviz.scenes.transitions import Transition
from stateviz.scenes.unit import UnitPanel, columns_of, draw_lines

_INPUTS_IN_READOUT = 3
# A unit is chosen in the page where this many pictures of a unit can be sent with it.
_MOST_UNIT_FRAMES = 2500
# Pixels of CSS: the gap, all threads, what was read, and what stands under it.
_GAP, _THREADS, _BARS, _UNDER, _LABELS = 72.0, 190.0, 40.0, 44.0, 22.0
_PITCHES = ((5, 44.0), (8, 33.0), (lanes.MOST_AREAS, 27.0))
_MOST_ROWS = 4  # features that have a row each


class SequencePicture:
    """One sample of a batch in one layer or in several, over its timesteps.

    Args:
        records: The batch in each layer, with its units on one axis, the lowest first.
        transitions: How the sample came to its state in each.
        sample: The row among the samples that were kept, 0-based.
        unit: The unit that is shown large, where there is one layer, 0-based.
        left_by: Whose final state it began with, in words, if that was recorded.
        labels: What was read at each timestep of the data, if that is known.
    """

    def __init__(
        self,
        records: Sequence[BatchRecord],
        transitions: Sequence[Transition],
        sample: int,
        unit: int,
        left_by: str,
        labels: Sequence[str] | None,
    ) -> None:
        self.records, self.transitions, self.sample, self.unit = records, transitions, sample, unit
        self.left_by, self.labels = left_by, labels
        self.first, self.alone = records[0], len(records) == 1
        both_ways = {record.go_backwards for record in records} == {True, False}
        self.by_data = not self.alone and (both_ways or self.first.go_backwards)
        gap = max(1, ceil(_GAP * (records[0].timesteps + 1) / (WIDTH - LEFT - RIGHT - _GAP) - 0.25))
        self.room = gap + 1 if both_ways else 0
        self.gap = gap
        names = " and ".join(record.layer for record in records)
        number = self.first.samples[sample]
        self.title = f"{names}: {in_run(self.first)}, sample {number}"
        self.panels: list[LanePanel] = []
        self.lines: list[tuple[Lines, np.ma.MaskedArray]] = []
        self._draw()

    def _layout(self, lanes_count: int, pitch: float) -> Layout:
        steps = self.first.timesteps
        columns = self.gap + 1 + steps
        column = (WIDTH - LEFT - RIGHT) / (columns + self.room)
        return Layout((self.gap,), (steps,), columns, lanes_count, self.gap, column, pitch)

    def _timing(self, transition: Transition) -> Timing:
        units = len(transition.record.samples)
        own = next((high for most, high in _PITCHES if units <= most), _THREADS / units)
        return Timing(self._layout(units, own), moves=False)

    def _draw(self) -> None:
        """Draws the panels from the top, and around them what is read."""
        timing = [self._timing(transition) for transition in self.transitions]
        has_inputs = self.first.has_inputs
        bars = (_BARS + 14) * has_inputs
        heights = [each.layout.height for each in timing]
        tray = 36 * any("given" in each.record.origins for each in self.transitions)
        self.over = max(room_around([each])[0] for each in self.transitions)
        over = NAMES + self.over + (bars if self.alone else 30 + tray)
        unit = UnitPanel.height(self.first, self.sample) if self.alone else 0.0
        labels = _LABELS * (self.labels is not None)
        between = 0 if self.alone else bars + 10
        height = sum(heights) + over * len(timing) + unit + between + _UNDER + labels
        self.figure = Figure(figsize=(WIDTH / 96, height / 96), dpi=100)
        self._draw_cursors(height, height - _UNDER - labels)
        top = 0.0
        for record, transition, each in reversed(
            list(zip(self.records, self.transitions, timing, strict=True))
        ):
            top += over
            self._draw_panel(record, transition, each, top)
            top += each.layout.height
        self.panels.reverse()
        self.lines.reverse()
        self.timing = timing[0]
        self.large = None
        if self.alone:
            layout = self.timing.layout
            self.large = UnitPanel(self.figure, top, self.first, self.sample, self.unit, layout)
            top += unit
        self.bars = []
        if has_inputs:
            self.bars = self._draw_inputs(NAMES + 18 if self.alone else top + 10)
            top += between
        self._draw_when(top, labels)

    def _draw_panel(
        self, record: BatchRecord, transition: Transition, timing: Timing, top: float
    ) -> None:
        symbol = record.state_names[-1]
        initial, after = states_of(record, symbol, self.sample)
        layout = timing.layout
        values = columns_of(initial, after, layout)
        reach = lanes.half_lane(values)
        limits = lanes.limits_of(values) if layout.are_threads else (-reach, reach)
        mirrored = self.by_data and record.go_backwards
        panel = LanePanel(
            self.figure,
            top,
            values,
            [transition],
            timing,
            limits,
            heads=self.over + ((_BARS + 14) * self.first.has_inputs if self.alone else 0),
            names=self.alone,
            mirrored=mirrored,
            room=self.room,
            has_scale=not mirrored,
        )
        self.panels.append(panel)
        if not self.alone:
            at = 1 - (top - NAMES - self.over - 8) / (self.figure.get_figheight() * 96)
            name = _panel_name(record, self.records)
            self.figure.text(0.004, at, name, fontsize=HEAD, weight="bold", va="center",
                             parse_math=False)  # fmt: skip
        if len(record.state_names) > 1 and not layout.are_threads:
            initial, after = states_of(record, record.state_names[0], self.sample)
            if len(initial) == layout.lanes:
                h = columns_of(initial, after, layout)
                self.lines.append((draw_lines(panel.ax, h, layout, reach), h))

    def _draw_inputs(self, top: float) -> list[Areas | Threads]:
        """Draws what was read, a row a feature where there are few; pale where it will be read."""
        assert self.first.inputs is not None
        read = self.first.inputs[self.sample].T
        if self.by_data and self.first.go_backwards:
            read = read[:, ::-1]
        layout = self._layout(1, _BARS)
        ax = lanes_axes(self.figure, top, _BARS, layout, "inputs")
        ends = -0.5, layout.columns - 0.5 + self.room
        ax.set_xlim(ends)
        none = np.full((len(read), self.gap + 1), np.nan)
        values: np.ma.MaskedArray = np.ma.masked_invalid(np.hstack([none, read]))
        self.inputs = values
        reach = 1.02 * reach_of(values)
        charts: list[Areas | Threads] = []
        for alpha in (0.25, 1.0):
            edges = (-0.5, layout.columns - 0.5, 0.5, -0.5)
            kind = Areas if len(read) <= _MOST_ROWS else Threads
            chart = kind(ax, INK_MAP, -reach, reach, extent=edges, alpha=alpha, zorder=2 + alpha)
            chart.set_data(values)
            charts.append(chart)
        beside: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "ha": "right"}
        write(ax, -12 / (WIDTH - LEFT - RIGHT), 0, "x", weight="bold", **beside)
        return charts

    def _draw_cursors(self, height: float, bottom: float) -> None:
        """Draws a line through everything where it is read, and under the state columns."""
        layout = self._layout(1, 1.0)
        ax = self.reading = lanes_axes(self.figure, 0, height, layout, "reading")
        ax.set_xlim(-0.5, layout.columns - 0.5 + self.room)
        ax.set_ylim(height, 0)
        first = NAMES + 14 if self.alone else bottom - _BARS - 12
        orders = [False, True] if self.room else [self.by_data and self.first.go_backwards]
        self.cursors = []
        for backwards in orders:
            [cursor] = ax.plot([0, 0], [first, bottom + 4], color=INK, linewidth=1.1)
            self.cursors.append((cursor, backwards))

    def _draw_when(self, bottom: float, labels: float) -> None:
        """Writes the labels under the last panel, and under them which timestep is read."""
        y = bottom + 18
        for timestep, label in self._shown_labels(self._layout(1, 1.0)):
            write(self.reading, self._x(timestep), y, label, ha="center")
        self.when = write(self.reading, 0, y + labels, "", ha="center", weight="bold")
        for panel in self.panels:
            panel.when_of = lambda _: ""

    def _x(self, place: int, *, backwards: bool = False) -> float:
        """Where a place in the order of reading stands; -1 is the initial state."""
        column = self.gap + 1 + place
        return self._layout(1, 1.0).columns - 1 + self.room - column if backwards else column

    def _shown_labels(self, layout: Layout) -> list[tuple[int, str]]:
        """The labels for which there is room, and the places where they were read."""
        found, free = [], -1.0  # where the last one ends
        for place, label in enumerate(self._labels_in_order()):
            half = (len(label) + 0.6) * LETTER / layout.column / 2
            if place - half >= free - 0.5:
                found.append((place, label))
                free = place + half + 0.5
        return found

    def _labels_in_order(self) -> Sequence[str]:
        if self.labels is None:
            return ()
        turned = self.first.go_backwards and not self.by_data
        return tuple(reversed(self.labels)) if turned else self.labels

    def parts(self, units: Sequence[int]) -> list[Declared]:
        """What fills in, grows and moves: after frame f stands the state after timestep f - 1.

        Args:
            units: The units among which the reader chooses in the page.
        """
        frames = range(self.first.timesteps + 1)
        columns = [self.gap + 1 + frame for frame in frames]
        parts = [part for panel in self.panels for part in panel.parts()]
        parts += [Fill(line, [values], columns) for line, values in self.lines]
        if self.bars:
            pale, read = self.bars
            parts += [Appear([pale]), Fill(read, [self.inputs], columns)]
        for cursor, backwards in self.cursors:
            x = [self._x(frame - 1, backwards=backwards) + 0.5 - backwards for frame in frames]
            parts.append(Slide(cursor, np.tile(np.array(x)[:, np.newaxis], 4).astype(float)))
        parts.append(Keyed([self.when], frames, lambda frame, _: self._say_when(frame)))
        if self.large is not None:
            parts += self.large.parts(units, columns)
        return parts

    def _say_when(self, frame: int) -> None:
        timestep = data_timestep(self.first, frame - 1) if self.alone else frame - 1
        words = f"t = {timestep}" if frame else "initial"
        if frame and self.room:
            words = ""  # each direction reads another one
        self.when.set_text(words)
        backwards = self.by_data and self.first.go_backwards
        x = self._x(frame - 1, backwards=backwards)
        self.when.set_position((max(x, 1.0) if frame else x, self.when.get_position()[1]))

    def describe(self, frame: int, unit: int) -> str:
        """The frame in words and numbers."""
        if not self.alone:
            return self._describe_stack(frame)
        labels = self._labels_in_order()
        label = f" {labels[frame - 1]!r}" if labels and frame else ""
        at = {"sample": self.sample, "unit": unit, "timestep": frame - 1}
        words = _readout(self.first, self.left_by, **at)
        if label:
            first, *rest = words.split("   ")
            words = "   ".join([f"{first}{label}", *rest])
        equation = gates.equation(self.first, **at)
        return words + (f"\n{equation}" if equation else "")

    def _describe_stack(self, frame: int) -> str:
        words = ["before t = 0"] if frame == 0 else []
        labels = self._labels_in_order()
        for record in self.records:
            if frame == 0:
                words.append(f"{record.layer}: {began(record, self.sample)}")
                continue
            sizes = [
                f"|{name_state(state)[0]}| = "
                f"{np.linalg.norm(states_of(record, state, self.sample)[1][frame - 1]):.3f}"
                for state in record.state_names
            ]
            t = data_timestep(record, frame - 1)
            label = f" {labels[t]!r}" if labels else ""
            words.append(f"{record.layer}, t = {t}{label}: {', '.join(sizes)}")
        return "   ".join(words)

    def _hover(self) -> dict[Artist, str]:
        hover: dict[Artist, str] = {}
        for record, panel in zip(self.records, self.panels, strict=True):
            symbol = name_state(record.state_names[-1])[0]
            whose = "" if self.alone else f" of {braced(record.layer)}"
            hover[panel.image] = f"unit {{y}}{whose}: {symbol} = {{value:.2f}}"
        return hover

    def scene(self, *, options: dict[str, list[str]], chosen: dict[str, int]) -> Scene:
        """The scene, with what else can be chosen and what of it is shown."""
        n_frames = self.first.timesteps + 1
        units = self.first.hidden_state.shape[2]
        in_page = self.alone and units * n_frames <= _MOST_UNIT_FRAMES
        sentence = "{batch}, sample {sample} · {layer}"
        picks = []
        if self.alone:
            options = options | {"unit": list(map(str, self.first.unit_numbers))}
            chosen = chosen | {"unit": self.unit}
            sentence = "unit {unit} of {layer} · {batch}, sample {sample}"
            picks = [Pick(self.panels[0].ax, "unit", "y", -0.5)] * (
                not self.timing.layout.are_threads
            )
        return Scene(
            self.figure,
            n_frames,
            describe=self.describe if in_page else partial(self.describe, unit=self.unit),
            hover=self._hover(),
            title=self.title,
            sentence=sentence,
            marks=[(0, in_run(self.first), str(self.first.origins[self.sample]))],
            pace=self.timing.pace,
            rows={
                panel.image: [str(number) for number in transition.record.samples]
                for panel, transition in zip(self.panels, self.transitions, strict=True)
            },
            options=options,
            chosen=chosen,
            in_page="unit" if in_page else None,
            varies=[] if self.large is None else self.large.varies,
            parts=self.parts(range(units) if in_page else [self.unit]),
            picks=picks,
        )


def _panel_name(record: BatchRecord, records: Sequence[BatchRecord]) -> str:
    """What a panel shows and where its h goes, as far as the recording proves it."""
    readers = [
        other.layer
        for other in records
        if other is not record
        and other.inputs is not None
        and np.array_equal(other.inputs, record.hidden_state)
    ]
    goes = f"; its h goes up ↑: it is what {readers[0]} reads" if readers else ""
    backwards = ", read from the right" if record.go_backwards else ""
    return f"{record.layer}{backwards}{goes}"


def _readout(
    record: BatchRecord,
    left_by: str,
    *,
    sample: int,
    unit: int,
    timestep: int,
) -> str:
    """The frame in words and numbers, in the order of the picture."""
    numbers = []
    for state in record.state_names:
        initial, after = states_of(record, state, sample)
        if unit >= len(initial):
            continue  # a cell of the user's own may have states of other sizes
        value = initial[unit] if timestep < 0 else after[timestep, unit]
        numbers.append(f"{name_state(state)[0]} = {value:.3f}")
    if timestep < 0:
        origin = record.origins[sample]
        words = [f"before t = 0: {origin}, {left_by or ORIGINS[origin]}"]
        return "   ".join(words + numbers + [f"(unit {record.unit_numbers[unit]})"])
    words = [f"t = {data_timestep(record, timestep)}"]
    if record.inputs is not None and record.has_inputs:
        read = record.inputs[sample, timestep]
        shown = ", ".join(f"{value:.2f}" for value in read[:_INPUTS_IN_READOUT])
        more = ", ..." if len(read) > _INPUTS_IN_READOUT else ""
        words.append(f"x = {shown}" if len(read) == 1 else f"x = [{shown}{more}]")
    if record.mask is not None and not record.mask[sample, timestep]:
        words.append("masked, so the state is held:")
    return "   ".join(words + numbers + [f"(unit {record.unit_numbers[unit]})"])
