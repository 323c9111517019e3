"""The scene of several layers at once: a stack, or the two directions of a Bidirectional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stateviz.drawing.sample import (
    StateImages,
    data_timestep,
    draw_cursor,
    draw_input,
    draw_state,
    mirrored,
    name_state,
    set_data_axis,
    states_in,
    states_of,
    time_of,
    until,
)
from stateviz.playing.tracks import Scene
from stateviz.recording import BatchRecord
from stateviz.scenes.choosing import (
    FONT,
    LEFT,
    WIDTH,
    began,
    draw_scale,
    headline,
    in_run,
    set_name,
)


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
    rows = [(record, state) for record in reversed(records) for state in states_in(record)]
    heights = [*[1.0] * len(rows), 0.7]
    figure = Figure(figsize=(WIDTH, 0.9 + 1.05 * sum(heights)), dpi=100)
    grid = figure.add_gridspec(
        len(heights),
        2,
        width_ratios=[1, 0.018],
        height_ratios=heights,
        left=LEFT,
        right=0.93,
        top=1 - 0.56 / figure.get_figheight(),
        bottom=0.47 / figure.get_figheight(),
        wspace=0.03,
        hspace=0.62,
    )
    lowest = records[0]
    names = " and ".join(record.layer for record in records)
    title = f"{names}: {in_run(lowest)}, sample {lowest.samples[sample]}"
    headline(figure, title, left=LEFT)
    panels: list[tuple[BatchRecord, str, Axes, StateImages]] = []
    for row, (record, state) in enumerate(rows):
        ax = figure.add_subplot(grid[row, 0])
        images = draw_state(
            ax, record, state, sample=sample, timestep=-1, by_data=record.go_backwards
        )
        draw_scale(images.timesteps, grid[row, 1])
        set_name(ax, _words(record, state, records), y="unit")
        panels.append((record, state, ax, images))
    below = figure.add_subplot(grid[len(rows), 0])
    draw_input(below, _in_order_of_the_data(lowest), sample=sample)
    both_ways = len({record.go_backwards for record in records}) > 1
    set_name(
        below, "x: the input of both directions" if both_ways else f"x: what {lowest.layer} reads"
    )
    for ax in (*(ax for _, _, ax, _ in panels), below):
        set_data_axis(ax, records, labelled=ax is below)
        ax.tick_params(labelsize=FONT - 1.5)
    times = [
        mirrored(record, time_of(record)) if record.go_backwards else time_of(record)
        for record in records
    ]
    of_record = {id(record): time for record, time in zip(records, times, strict=True)}
    cursors = [
        (draw_cursor(ax, 0, on_colors=True), of_record[id(record)]) for record, _, ax, _ in panels
    ]
    orders = {record.go_backwards: time for record, time in zip(records, times, strict=True)}
    cursors += [(draw_cursor(below, 0), time) for time in orders.values()]

    def update(frame: int) -> list[Artist]:
        changed: list[Artist] = []
        for record, state, _, images in panels:
            images.timesteps.set_data(until(states_of(record, state, sample)[1], frame - 1))
            images.show_read(frame - 1)
            changed += images.artists()
        for cursor, time in cursors:
            cursor.set_xdata([time[frame]] * 2)
            cursor.set_visible(
                frame > 0 or cursor.axes is not below
            )  # nothing is read before t = 0
            changed.append(cursor)
        return changed

    def describe(frame: int) -> str:
        words = ["before t = 0"] if frame == 0 else []
        for record in records:
            if frame == 0:
                words.append(f"{record.layer}: {began(record)}")
                continue
            sizes = [
                f"|{name_state(state)[0]}| = "
                f"{np.linalg.norm(states_of(record, state, sample)[1][frame - 1]):.3f}"
                for state in states_in(record)
            ]
            t = data_timestep(record, frame - 1)
            words.append(f"{record.layer}, t = {t}: {', '.join(sizes)}")
        return "   ".join(words)

    hover: dict[Artist, str] = {}
    for record, state, _, images in panels:
        symbol, name = name_state(state)
        of = f"{record.layer}, unit {{y}}: {symbol} = {{value:.2f}}"
        hover[images.timesteps] = f"timestep {{x}} of {of}"
        hover[images.initial] = f"initial {name} of {of}"
    return Scene(
        figure,
        update,
        lowest.timesteps + 1,
        describe=describe,
        hover=hover,
        title=title,
        options=options,
        chosen=chosen,
    )


def _in_order_of_the_data(record: BatchRecord) -> BatchRecord:
    if not record.go_backwards:
        return record
    inputs, mask = (
        None if array is None else array[:, ::-1] for array in (record.inputs, record.mask)
    )
    return replace(record, inputs=inputs, mask=mask, go_backwards=False)


def _words(record: BatchRecord, state: str, records: Sequence[BatchRecord]) -> str:
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
    backwards = ", from the right to the left" if record.go_backwards else ""
    return f"{words}{backwards}; it leaves the layer, {goes}"
