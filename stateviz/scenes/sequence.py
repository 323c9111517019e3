"""The scene of one sample through its timesteps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from stateviz.drawing import gates
from stateviz.drawing.sample import (
    data_timestep,
    draw_cursor,
    draw_held,
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
from stateviz.playing.player import Player
from stateviz.playing.tracks import Pick, Scene
from stateviz.recording import ORIGINS, BatchRecord, Recording
from stateviz.scenes import stack
from stateviz.scenes.choosing import (
    FONT,
    LEFT,
    SEQUENCE_INTERVAL_MS,
    WIDTH,
    check_place,
    draw_scale,
    headline,
    in_run,
    layer_choice,
    layers_named,
    set_name,
    told_apart,
    within,
)

_INPUTS_IN_READOUT = 3
# A unit is chosen in the page where this many pictures of a unit can be sent with it.
_MOST_UNIT_FRAMES = 2500
# Where the state goes from here; only h leaves the layer.
_WHERE_TO = {"hidden": "it leaves the layer, upwards ↑", "cell": "it stays in the layer"}


def play_sequence(
    recording: Recording,
    *,
    layer: str | Sequence[str] | None = None,
    batch: int = 0,
    sample: int = 0,
    unit: int = 0,
    interval_ms: int = SEQUENCE_INTERVAL_MS,
) -> Player:
    """Plays one sample of one batch, timestep by timestep.

    Frame 0 shows the initial state alone; frame t + 1 the state after timestep t. Where the gates
    were recorded, those of the unit are drawn too, with the cell's equation in their numbers.

    Several layers are shown together, the lowest at the bottom, as a stack or as the two
    directions of a Bidirectional. A layer that reads backwards then fills in from the right.

    The reader can choose another layer, batch, sample and unit; a click on a row of a heat map
    chooses its unit.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name, or the names of several from the lowest to the highest; may be left
            out where the recording has one layer.
        batch: The place in `LayerRecording.batches`, 0-based.
        sample: The row among the samples that were kept, 0-based.
        unit: The unit among those that were kept whose h and c are drawn as lines, 0-based.
        interval_ms: How long a frame stands, in milliseconds.

    Returns:
        A `Player`; show it at the end of a cell, or write it with `player.to_html("lesson.html")`.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named; or several are
            named whose batches do not go together.
        KeyError: There is no such layer.
        IndexError: There is no such batch, sample or unit.
    """
    names = layers_named(recording, layer)
    choices = layer_choice(recording)
    if names not in choices:
        choices = [*choices, names]
    lowest = recording[names[0]]
    record = lowest.batches[check_place("batch", batch, len(lowest.batches), lowest.name)].flat
    samples, _, units = record.hidden_state.shape
    check_place("sample", sample, samples, lowest.name)
    check_place("unit", unit, units, lowest.name)

    def make(*, layer: int, batch: int, sample: int, unit: int = 0) -> Scene:
        chosen = [recording[name] for name in choices[layer]]
        place = within(batch, min(len(each.batches) for each in chosen))
        records = [each.batches[place].flat for each in chosen]
        row = within(sample, min(len(each.samples) for each in records))
        options = {
            "layer": [" and ".join(names) for names in choices],
            "batch": told_apart(chosen[0].batches),
            "sample": [str(number) for number in records[0].samples],
        }
        shown = {"layer": layer, "batch": place, "sample": row}
        if len(records) > 1:
            return stack.scene(records, row, options=options, chosen=shown)
        unit = within(unit, records[0].hidden_state.shape[2])
        came_from = records[0].came_from
        source = None if came_from is None else chosen[0].batches[came_from]
        return scene(records[0], row, unit, source, options=options, chosen=shown)

    return Player.of(
        make,
        interval_ms=interval_ms,
        layer=choices.index(names),
        batch=batch,
        sample=sample,
        unit=unit,
    )


def scene(
    record: BatchRecord,
    sample: int,
    unit: int,
    source: BatchRecord | None,
    *,
    options: dict[str, list[str]],
    chosen: dict[str, int],
) -> Scene:
    """The scene of one sample of a batch whose units stand on one axis.

    Args:
        record: The batch.
        sample: The row among the samples that were kept, 0-based.
        unit: The unit to begin with, 0-based.
        source: The batch whose final state it began with, if that was recorded.
        options: What else can be chosen, and the label of each option.
        chosen: The option of each of these that is shown.
    """
    units = record.hidden_state.shape[2]
    states = states_in(record)
    of_unit = [gates.gates_of(record, sample, each) for each in range(units)]
    heights = [0.8, *[1.25] * len(states), *[1.25] * bool(of_unit[0]), 1]
    left = 0.115 if of_unit[0] else LEFT
    figure, grid = _figure(heights, left)
    axes = [figure.add_subplot(grid[row, 0]) for row in range(len(heights))]
    title = f"{record.layer}: {in_run(record)}, sample {record.samples[sample]}"
    headline(figure, title, left=left)

    draw_input(axes[0], record, sample=sample)
    draw_origin(axes[0], record)
    set_name(axes[0], "x: the input")
    images = {}
    pointers = []
    for row, state in enumerate(states, start=1):
        symbol, name = name_state(state)
        images[state] = draw_state(axes[row], record, state, sample=sample, timestep=-1)
        pointers.append(point_to_unit(axes[row], record, unit=unit))
        set_name(axes[row], f"{symbol}: the {name} of every unit; {_WHERE_TO[state]}", y="unit")
        draw_scale(images[state].timesteps, grid[row, 1])
    rows = {}
    if of_unit[0]:
        reach = max(
            1.0,
            *(float(np.nanmax(np.abs(gate), initial=0)) for of in of_unit for gate in of.values()),
        )
        rows = gates.draw_gates(
            axes[-2], record, sample=sample, unit=unit, timestep=-1, reach=reach
        )
        axes[-2].set_label("gates")
        draw_scale(next(iter(rows.values())), grid[len(heights) - 2, 1])
    lines = draw_unit(axes[-1], record, sample=sample, unit=unit, timestep=-1, all_units=True)
    draw_held(axes[-1], record, sample=sample)
    drawn = " and ".join(
        f"{name_state(state)[0]} ({how})"
        for state, how in zip(states, ["solid", "dashed"], strict=False)
    )
    names = [_name_artist(axes[-1], left=True)]
    if rows:
        names += [_name_artist(axes[-2], left=True), _name_artist(axes[-2], left=False)]
    for ax in axes:
        set_time_axis(ax, record, labelled=ax is axes[-1])
        ax.tick_params(labelsize=FONT - 1.5)
    cursors = [draw_cursor(ax, time_of(record)[0], on_colors=bool(ax.images)) for ax in axes]
    # Before t = 0 nothing is read, and no gate has a value.
    at_timesteps = [cursors[0], *(cursors[-2:-1] if rows else [])]

    time = time_of(record)
    after = {state: states_of(record, state, sample)[1] for state in states}
    traces = {
        state: [trace_of(record, state, sample, each) for each in range(units)] for state in states
    }

    of_units = [*pointers, *names, *rows.values(), *lines.values()]
    of_all = [artist for state in states for artist in images[state].artists()]
    moving: list[Artist] = [*of_units, *of_all, *cursors]
    shown = [-1]

    def update(frame: int, unit: int = unit) -> list[Artist]:
        timestep = frame - 1
        for state in states:
            lines[state].set_data(time[: frame + 1], traces[state][unit][: frame + 1])
        for gate, image in rows.items():
            image.set_data(until(of_unit[unit][gate][:, np.newaxis], timestep))
        for pointer in pointers:
            pointer.set_ydata([unit])
        names[0].set_text(f"{drawn} of unit {unit}")
        if rows:
            names[1].set_text(f"gates of unit {unit}")
            words = gates.equation(record, sample=sample, unit=unit, timestep=timestep)
            names[2].set_text(words)
        if frame != shown[0]:  # what is the same for every unit
            for state in states:
                images[state].timesteps.set_data(until(after[state], timestep))
                images[state].show_read(timestep)
            for cursor in cursors:
                cursor.set_xdata([time[frame]] * 2)
            for cursor in at_timesteps:
                cursor.set_visible(frame > 0)
            shown[0] = frame
        return moving

    def describe(frame: int, unit: int = unit) -> str:
        place = {"sample": sample, "unit": unit, "timestep": frame - 1}
        return _readout(record, states, source, **place)

    hover: dict[Artist, str] = {}
    read = "place in the order of reading" if record.go_backwards else "timestep"
    for state in states:
        symbol, name = name_state(state)
        hover[images[state].timesteps] = f"{read} {{x}}, unit {{y}}: {symbol} = {{value:.2f}}"
        hover[images[state].initial] = f"initial {name}, unit {{y}}: {symbol} = {{value:.2f}}"
        hover[lines[state]] = f"{read} {{x}}: {symbol} = {{value:.3f}}"
    for gate, image in rows.items():
        hover[image] = f"{read} {{x}}: {gates.label(gate)} = {{value:.2f}}"
    return Scene(
        figure,
        update,
        record.timesteps + 1,
        describe=describe,
        hover=hover,
        title=title,
        options=options | {"unit": [str(each) for each in range(units)]},
        chosen=chosen | {"unit": unit},
        in_page="unit" if units * (record.timesteps + 1) <= _MOST_UNIT_FRAMES else None,
        varies=of_units,
        picks=[Pick(axes[row], "unit", "y", -0.5) for row in range(1, 1 + len(states))],
    )


def _figure(heights: Sequence[float], left: float) -> tuple[Figure, GridSpec]:
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
    return figure, grid


def _name_artist(ax: Axes, *, left: bool) -> Any:
    """A text over an axes that changes from frame to frame."""
    return ax.text(
        0 if left else 1,
        1.06,
        "",
        fontsize=FONT if left else FONT - 1.5,
        ha="left" if left else "right",
        va="bottom",
        transform=ax.transAxes,
    )


def _readout(
    record: BatchRecord,
    states: tuple[str, ...],
    source: BatchRecord | None,
    *,
    sample: int,
    unit: int,
    timestep: int,
) -> str:
    """The frame in words and numbers, in the order of the picture."""
    numbers = []
    for state in states:
        initial, after = states_of(record, state, sample)
        value = initial[unit] if timestep < 0 else after[timestep, unit]
        numbers.append(f"{name_state(state)[0]} = {value:.3f}")
    if timestep < 0:
        why = ORIGINS[record.origin]
        if record.origin == "altered" and source is not None:
            why = f"by {in_run(source)}"
        words = [f"before t = 0: {record.origin}, {why}"]
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
