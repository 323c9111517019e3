"""The scene of several layers at once: a stack, or the two directions of a Bidirectional."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from stateviz.drawing.sample import (
    StateImages,
    data_timestep,
    draw_cursor,
    draw_input,
    draw_state,
    mirrored,
    name_state,
    set_data_axis,
    states_of,
    time_of,
    until,
)
from stateviz.playing.moving import Declared, Fill, Slide, standing_still
from stateviz.playing.scene import Scene, nothing, pace
from stateviz.recording import BatchRecord, StateName
from stateviz.scenes.furniture import (
    FONT,
    LEFT,
    SEQUENCE_INTERVAL_MS,
    draw_scale,
    grown_signs,
    headline,
    panels_over_time,
    set_name,
)
from stateviz.scenes.naming import began, braced, in_run


def scene(
    records: Sequence[BatchRecord],
    sample: int,
    *,
    options: dict[str, list[str]],
    chosen: dict[str, int],
) -> Scene:
    """The scene of one sample in several layers, over the timesteps of the data.

    Args:
        records: The same batch in each layer, the lowest first.
        sample: The row among the samples that were kept, 0-based.
        options: What can be chosen, and the label of each option.
        chosen: The option of each choice that is shown.
    """
    picture = _Picture(records, sample)
    return Scene(
        picture.figure,
        nothing,
        records[0].timesteps + 1,
        describe=picture.describe,
        hover=picture.hover(),
        rows={
            image: list(map(str, panel.record.unit_numbers))
            for panel in picture.panels
            for image in (panel.images.initial, panel.images.timesteps)
            if panel.record.units is not None
        },
        title=picture.title,
        pace=pace(records[0].timesteps + 1, usual_ms=SEQUENCE_INTERVAL_MS),
        options=options,
        chosen=chosen,
        parts=picture.parts(),
    )


@dataclass(frozen=True)
class _Panel:
    """One state of one layer."""

    record: BatchRecord
    state: StateName
    ax: Axes
    images: StateImages


class _Picture:
    """A panel for each state of each layer, the lowest at the bottom, and under them the input."""

    def __init__(self, records: Sequence[BatchRecord], sample: int) -> None:
        self.records, self.sample = records, sample
        rows = [(record, state) for record in reversed(records) for state in record.state_names]
        self.figure, grid = panels_over_time([*[1.0] * len(rows), 0.7], room=0.9, over=0.56)
        lowest = records[0]
        names = " and ".join(record.layer for record in records)
        self.title = f"{names}: {in_run(lowest)}, sample {lowest.samples[sample]}"
        headline(self.figure, self.title, left=LEFT)
        self.panels: list[_Panel] = []
        for row, (record, state) in enumerate(rows):
            ax = self.figure.add_subplot(grid[row, 0])
            images = draw_state(
                ax, record, state, sample=sample, timestep=-1, by_data=record.go_backwards
            )
            draw_scale(images.timesteps, grid[row, 1])
            set_name(ax, _words(record, state, records), y="unit")
            self.panels.append(_Panel(record, state, ax, images))
        self.below = self._draw_input(self.figure.add_subplot(grid[len(rows), 0]))
        for ax in (*(panel.ax for panel in self.panels), self.below):
            set_data_axis(ax, records, labelled=ax is self.below)
            ax.tick_params(labelsize=FONT)
        self.cursors = list(self._draw_cursors())

    def _draw_input(self, ax: Axes) -> Axes:
        lowest = self.records[0]
        draw_input(ax, _in_order_of_the_data(lowest), sample=self.sample)
        both_ways = len({record.go_backwards for record in self.records}) > 1
        both = "x: the input of both directions"
        set_name(ax, both if both_ways else f"x: what {lowest.layer} reads")
        return ax

    def _draw_cursors(self) -> Iterator[tuple[Line2D, np.ndarray]]:
        """A cursor for each panel and each direction of the input, and where it stands when."""
        for panel in self.panels:
            yield draw_cursor(panel.ax, 0), _time(panel.record)
        orders = {record.go_backwards: _time(record) for record in self.records}
        for time in orders.values():
            yield draw_cursor(self.below, 0), time

    def parts(self) -> list[Declared]:
        """What fills in and moves: frame f shows the states after timestep f - 1.

        Each layer fills in in its own order of reading.
        """
        frames = range(self.records[0].timesteps + 1)
        parts: list[Declared] = []
        for panel in self.panels:
            images = panel.images
            _, after = states_of(panel.record, panel.state, self.sample)
            parts.append(standing_still([images.initial, *images.initial_signs.lines]))
            parts.append(Fill(images.timesteps, [until(after, None)], frames))
            parts.append(Slide(images.unread, images.unread_boxes()))
            parts.extend(grown_signs(images.signs, frames))
        for cursor, time in self.cursors:
            boxes = np.tile(time[:, np.newaxis], 4)
            if cursor.axes is self.below:
                boxes[0] = np.nan  # before t = 0 nothing is read
            parts.append(Slide(cursor, boxes))
        return parts

    def describe(self, frame: int) -> str:
        """The frame in words and numbers."""
        words = ["before t = 0"] if frame == 0 else []
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
            words.append(f"{record.layer}, t = {t}: {', '.join(sizes)}")
        return "   ".join(words)

    def hover(self) -> dict[Artist, str]:
        """What to say of the place under the pointer."""
        hover: dict[Artist, str] = {}
        for panel in self.panels:
            symbol, name = name_state(panel.state)
            of = f"{braced(panel.record.layer)}, unit {{y}}: {symbol} = {{value:.2f}}"
            hover[panel.images.timesteps] = f"timestep {{x}} of {of}"
            hover[panel.images.initial] = f"initial {name} of {of}"
        return hover


def _time(record: BatchRecord) -> np.ndarray:
    """Where the initial state and each timestep stand among the timesteps of the data."""
    time = time_of(record)
    return mirrored(record, time) if record.go_backwards else time


def _in_order_of_the_data(record: BatchRecord) -> BatchRecord:
    if not record.go_backwards:
        return record
    inputs, mask = (
        None if array is None else array[:, ::-1] for array in (record.inputs, record.mask)
    )
    return replace(record, inputs=inputs, mask=mask, go_backwards=False)


def _words(record: BatchRecord, state: StateName, records: Sequence[BatchRecord]) -> str:
    """What a panel shows and where the state goes, as far as the recording proves it."""
    symbol, name = name_state(state)
    words = f"{symbol}: the {name} of {record.layer}"
    if state == "cell":
        return f"{words}; it stays in the layer"
    readers = [
        other.layer
        for other in records
        if other is not record
        and other.inputs is not None
        and np.array_equal(other.inputs, record.hidden_state)
    ]
    goes = f"upwards ↑: it is what {readers[0]} reads" if readers else "upwards ↑"
    backwards = ", read from the right" if record.go_backwards else ""
    return f"{words}{backwards}; it goes {goes}"
