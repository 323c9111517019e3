"""The scenes: a recording's drawings, and what moves in them from frame to frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stateviz import gates, lanes, timeline
from stateviz.drawings import (
    INPUT_MAP,
    STATE_MAP,
    data_timestep,
    draw_cursor,
    draw_input,
    draw_origin,
    draw_state,
    draw_unit,
    name_state,
    point_to_unit,
    set_time_axis,
    states_in,
    states_of,
    time_of,
    trace_of,
    until,
)
from stateviz.player import Player
from stateviz.recording import ORIGINS, BatchRecord, LayerRecording, Recording
from stateviz.staging import (
    BATCHES_INTERVAL_MS,
    FONT,
    LEFT,
    WIDTH,
    batches_of,
    began,
    check_place,
    headline,
    in_run,
    one_layer,
    set_name,
    state_of,
)

_INTERVAL_MS = 400
_LANES_IN_READOUT = 4
_INPUTS_IN_READOUT = 3


def play_sequence(
    recording: Recording,
    *,
    layer: str | None = None,
    batch: int = 0,
    sample: int = 0,
    unit: int = 0,
    interval_ms: int = _INTERVAL_MS,
) -> Player:
    """Plays one sample of one batch, timestep by timestep.

    Frame 0 shows the initial state alone; frame t + 1 the state after timestep t. Where the gates
    were recorded, those of the unit are drawn too, with the cell's equation in their numbers.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.
        batch: The place in `LayerRecording.batches`, 0-based.
        sample: The row among the samples that were kept, 0-based.
        unit: The unit among those that were kept whose h and c are drawn as lines, 0-based.
        interval_ms: How long a frame stands, in milliseconds.

    Returns:
        A `Player`; show it at the end of a cell, or write it with `player.to_html("lesson.html")`.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named.
        KeyError: There is no such layer.
        IndexError: There is no such batch, sample or unit.
    """
    chosen = one_layer(recording, layer)
    record = chosen.batches[check_place("batch", batch, len(chosen.batches), chosen.name)].flat
    samples, _, units = record.hidden_state.shape
    check_place("sample", sample, samples, chosen.name)
    check_place("unit", unit, units, chosen.name)
    states = states_in(record)

    of_unit = gates.gates_of(record, sample, unit)
    heights = [0.8, *[1.25] * len(states), *[1.25] * bool(of_unit), 1]
    left = 0.115 if of_unit else LEFT
    figure = Figure(figsize=(WIDTH, 0.7 + 1.05 * sum(heights)), dpi=100)
    grid = figure.add_gridspec(
        len(heights),
        2,
        width_ratios=[1, 0.018],
        height_ratios=heights,
        left=left,
        right=0.93,
        top=1 - 0.52 / figure.get_figheight(),
        bottom=0.47 / figure.get_figheight(),
        wspace=0.03,
        hspace=0.62,
    )
    axes = [figure.add_subplot(grid[row, 0]) for row in range(len(heights))]
    headline(figure, _title(record, sample), left=left)

    draw_input(axes[0], record, sample=sample)
    draw_origin(axes[0], record)
    set_name(axes[0], "x: the input")
    images = {}
    for row, state in enumerate(states, start=1):
        symbol, name = name_state(state)
        images[state] = draw_state(axes[row], record, state, sample=sample, timestep=-1)
        point_to_unit(axes[row], record, unit=unit)
        set_name(axes[row], f"{symbol}: the {name} of every unit", y="unit")
        scale = figure.colorbar(images[state].timesteps, cax=figure.add_subplot(grid[row, 1]))
        scale.ax.tick_params(labelsize=FONT - 2)
        scale.outline.set_visible(False)
    rows = {}
    if of_unit:
        rows = gates.draw_gates(axes[-2], record, sample=sample, unit=unit, timestep=-1)
        set_name(axes[-2], f"gates of unit {unit}")
        scale = figure.colorbar(
            next(iter(rows.values())), cax=figure.add_subplot(grid[len(heights) - 2, 1])
        )
        scale.ax.tick_params(labelsize=FONT - 2)
        scale.outline.set_visible(False)
        sum_up = axes[-2].text(
            1, 1.06, "", fontsize=FONT - 1.5, ha="right", va="bottom", transform=axes[-2].transAxes
        )
    lines = draw_unit(axes[-1], record, sample=sample, unit=unit, timestep=-1)
    drawn = " and ".join(
        f"{name_state(state)[0]} ({how})"
        for state, how in zip(states, ["solid", "dashed"], strict=False)
    )
    set_name(axes[-1], f"{drawn} of unit {unit}")
    for ax in axes:
        set_time_axis(ax, record, labelled=ax is axes[-1])
        ax.tick_params(labelsize=FONT - 1.5)
    cursors = [draw_cursor(ax, time_of(record)[0], on_colors=bool(ax.images)) for ax in axes]

    time = time_of(record)
    after = {state: states_of(record, state, sample)[1] for state in states}
    traces = {state: trace_of(record, state, sample, unit) for state in states}

    def update(frame: int) -> list[Artist]:
        timestep = frame - 1
        changed: list[Artist] = []
        for state in states:
            images[state].timesteps.set_data(until(after[state], timestep))
            images[state].unread.set_bounds(timestep + 0.5, -0.5, record.timesteps - frame, units)
            lines[state].set_data(time[: frame + 1], traces[state][: frame + 1])
            changed += [*images[state].artists(), lines[state]]
        for gate, image in rows.items():
            image.set_data(until(of_unit[gate][:, np.newaxis], timestep))
            changed.append(image)
        if rows:
            sum_up.set_text(gates.equation(record, sample=sample, unit=unit, timestep=timestep))
            changed.append(sum_up)
        for cursor in cursors:
            cursor.set_xdata([time[frame]] * 2)
        return [*changed, *cursors]

    def describe(frame: int) -> str:
        return _readout(record, states, sample=sample, unit=unit, timestep=frame - 1)

    hover: dict[Artist, str] = {}
    read = "place in the order of reading" if record.go_backwards else "timestep"
    for state in states:
        symbol, name = name_state(state)
        hover[images[state].timesteps] = f"{read} {{x}}, unit {{y}}: {symbol} = {{value:.2f}}"
        hover[images[state].initial] = f"initial {name}, unit {{y}}: {symbol} = {{value:.2f}}"
    for gate, image in rows.items():
        hover[image] = f"{read} {{x}}: {gates.label(gate)} = {{value:.2f}}"
    return Player(
        figure,
        update,
        record.timesteps + 1,
        describe=describe,
        hover=hover,
        poster_frame=record.timesteps,
        interval_ms=interval_ms,
        title=_title(record, sample),
    )


def _title(record: BatchRecord, sample: int) -> str:
    return f"{record.layer}: {in_run(record)}, sample {record.samples[sample]}"


def _readout(
    record: BatchRecord, states: tuple[str, ...], *, sample: int, unit: int, timestep: int
) -> str:
    """The frame in words and numbers, in the order of the picture."""
    numbers = []
    for state in states:
        initial, after = states_of(record, state, sample)
        value = initial[unit] if timestep < 0 else after[timestep, unit]
        numbers.append(f"{name_state(state)[0]} = {value:.3f}")
    if timestep < 0:
        words = [f"before t = 0: {record.origin}, {ORIGINS[record.origin]}"]
        return "   ".join(words + numbers + [f"(unit {unit})"])
    words = [f"t = {data_timestep(record, timestep)}"]
    if record.inputs is not None:
        read = record.inputs[sample, timestep]
        shown = ", ".join(f"{value:.2f}" for value in read[:_INPUTS_IN_READOUT])
        more = ", ..." if len(read) > _INPUTS_IN_READOUT else ""
        words.append(f"x = {shown}" if len(read) == 1 else f"x = [{shown}{more}]")
    if record.mask is not None and not record.mask[sample, timestep]:
        words.append("masked, so the state is held:")
    return "   ".join(words + numbers + [f"(unit {unit})"])


def play_batches(
    recording: Recording,
    *,
    layer: str | None = None,
    batches: Sequence[int] | None = None,
    state: str | None = None,
    unit: int = 0,
    interval_ms: int = BATCHES_INTERVAL_MS,
) -> Player:
    """Plays batch after batch with all samples as lanes, which run side by side and never meet.

    At the start of a batch each lane shows the state that it begins with: zeros, or what the same
    lane ended with in the batch before.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.
        batches: The places in `LayerRecording.batches` to play, 0-based; where None, as many of
            the first ones as can be told apart.
        state: "hidden" or "cell"; where None the cell state, if the layer has one.
        unit: The unit among those that were kept, 0-based.
        interval_ms: How long a frame stands, in milliseconds.

    Returns:
        A `Player` with a frame for each initial state and each timestep, and a mark at each batch.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named, or no such
            state.
        KeyError: There is no such layer.
        IndexError: There is no such batch or unit.
    """
    chosen = one_layer(recording, layer)
    records = batches_of(chosen, batches)
    state = state_of(chosen, state)
    check_place("unit", unit, records[0].hidden_state.shape[2], chosen.name)
    layout = lanes.lay_out(records)
    symbol, name = name_state(state)
    panels = [(f"{symbol}: the {name} of unit {unit}, a lane for each sample", STATE_MAP)]
    values = [lanes.state_lanes(records, state, unit)]
    if all(record.inputs is not None for record in records):
        panels.insert(0, ("x: what each lane reads (feature 0)", INPUT_MAP))
        values.insert(0, lanes.input_lanes(records, 0))

    figure = Figure(figsize=(WIDTH, 1.6 + 1.85 * len(panels)), dpi=100)
    grid = figure.add_gridspec(
        len(panels),
        2,
        width_ratios=[1, 0.018],
        left=LEFT,
        right=0.93,
        top=0.76 if len(panels) > 1 else 0.64,
        bottom=0.09,
        wspace=0.03,
        hspace=0.45,
    )
    title = (
        f"{chosen.name}: {layout.lanes} {'lane' if layout.lanes == 1 else 'lanes'}, "
        f"{len(records)} {'batch' if len(records) == 1 else 'batches'}"
    )
    headline(figure, title, left=LEFT)
    images, cursors = [], []
    for row, ((words, colors), shown) in enumerate(zip(panels, values, strict=True)):
        ax = figure.add_subplot(grid[row, 0])
        images.append(lanes.draw_lanes(ax, shown, cmap=colors, column=layout.frames[0]))
        lanes.set_batch_axis(ax, records, labelled=row == len(panels) - 1)
        ax.set_ylabel("lane", fontsize=FONT - 1)
        ax.tick_params(labelsize=FONT - 1.5)
        scale = figure.colorbar(images[-1], cax=figure.add_subplot(grid[row, 1]))
        scale.ax.tick_params(labelsize=FONT - 2)
        scale.outline.set_visible(False)
        if row == 0:
            names = [f"{in_run(record)}\n{began(record)}" for record in records]
            lanes.draw_batch_names(ax, records, names)
            ax.set_title(words, loc="left", fontsize=FONT, pad=34)
        else:
            set_name(ax, words, y="lane")
        cursors.append(draw_cursor(ax, layout.frames[0], on_colors=True))
    ax = images[-1].axes
    lanes.draw_batch_frames(ax, records)
    handovers = lanes.draw_handovers(ax, records, timeline.MARKERS)

    def update(frame: int) -> list[Artist]:
        column = layout.frames[frame]
        for image, shown in zip(images, values, strict=True):
            image.set_data(lanes.until_column(shown, column))
        for cursor in cursors:
            cursor.set_xdata([column] * 2)
        for place, handover in enumerate(handovers):
            handover.set_visible(place <= layout.batches[frame])
        return [*images, *cursors, *handovers]

    def describe(frame: int) -> str:
        record = records[layout.batches[frame]]
        timestep = layout.frames[frame] - layout.starts[layout.batches[frame]] - 1
        when = f"t = {timestep}" if timestep >= 0 else f"before t = 0: {began(record)}"
        now = values[-1][:, layout.frames[frame]].compressed()
        by_lane = ", ".join(f"{value:.2f}" for value in now[:_LANES_IN_READOUT])
        more = ", ..." if len(now) > _LANES_IN_READOUT else ""
        return f"{in_run(record)}   {when}   {symbol} by lane = {by_lane}{more}"

    return Player(
        figure,
        update,
        len(layout.frames),
        describe=describe,
        hover=dict.fromkeys(images, "lane {y}: {value:.2f}"),
        marks=[
            (layout.frames.index(start), in_run(record))
            for start, record in zip(layout.starts, records, strict=True)
        ],
        interval_ms=interval_ms,
        title=title,
    )


def play_resets(
    recording: Recording, *, layer: str | None = None, interval_ms: int = _INTERVAL_MS
) -> Player:
    """Plays a whole run, batch after batch: where states are kept, zeroed, given or altered.

    The line is the size of the state (see `stateviz.timeline.state_size`). A marker at the start
    of each batch says how its states began, and bands name the phases and epochs.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.
        interval_ms: How long a frame stands, in milliseconds.

    Returns:
        A `Player` with a frame for each batch that was kept, and a mark at each new phase or epoch.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named.
        KeyError: There is no such layer.
    """
    chosen = one_layer(recording, layer)
    batches = chosen.batches
    symbol = name_state(states_in(batches[0])[-1])[0]
    figure = Figure(figsize=(9.0, 4.2), dpi=100)
    ax = figure.add_axes((0.075, 0.24, 0.9, 0.55))
    how = "stateful" if chosen.stateful else "stateless"
    title = f"{chosen.name}: how the states of each batch began ({how} {chosen.kind})"
    figure.text(0.075, 0.94, title, fontsize=FONT + 1.5, weight="bold", va="center")
    bands = timeline.draw_phases(ax, chosen)
    line = timeline.draw_state_size(ax, chosen, last=0)
    timeline.draw_reset_calls(ax, recording, chosen)
    markers = timeline.draw_beginnings(ax, chosen, last=0)
    ax.set_xlabel("batch", fontsize=FONT)
    ax.set_ylabel(f"mean size of {symbol}", fontsize=FONT)
    ax.tick_params(labelsize=FONT - 1.5)
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(
        handles=[
            Line2D([], [], linestyle="None", markersize=7, label=f"{count} {origin}", **look)
            for origin, count, look in _counted(chosen)
        ],
        loc="lower left",
        bbox_to_anchor=(0.065, 0.0),
        ncols=len(markers),
        frameon=False,
        fontsize=FONT,
        handletextpad=0.2,
    )
    x, y, ends = timeline.size_line(chosen)

    def update(frame: int) -> list[Artist]:
        line.set_data(x[: ends[frame]], y[: ends[frame]])
        for origin, marker in markers.items():
            marker.set_data(*timeline.beginnings(chosen, origin, last=frame))
        # The bands do not move, but belong under the data.
        return [*bands, line, *markers.values()]

    def describe(frame: int) -> str:
        batch = batches[frame]
        size = timeline.state_size(batch)
        origin = "carried over" if batch.origin == "carried" else batch.origin
        source = ""
        if batch.came_from is not None and batch.came_from != frame - 1:
            source = f" from {in_run(batches[batch.came_from])}"
        elif batch.origin == "altered" and batch.came_from is not None:
            source = f" by {in_run(batches[batch.came_from])}"
        return (
            f"{in_run(batch)}: {origin}{source}   size of {symbol} {size[0]:.3f} -> {size[-1]:.3f}"
        )

    new = [0] + [
        place
        for place in range(1, len(batches))
        if (batches[place].phase, batches[place].epoch)
        != (batches[place - 1].phase, batches[place - 1].epoch)
    ]
    return Player(
        figure,
        update,
        len(batches),
        describe=describe,
        marks=[(place, in_run(batches[place])) for place in new],
        interval_ms=interval_ms,
        title=title,
    )


def _counted(layer: LayerRecording) -> list[tuple[str, int, dict[str, Any]]]:
    """Each origin that occurs, how often, and how its marker looks."""
    counts = Counter(batch.origin for batch in layer.batches)
    return [
        (origin, counts[origin], look)
        for origin, look in timeline.MARKERS.items()
        if counts[origin]
    ]
