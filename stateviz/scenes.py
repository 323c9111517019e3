"""The scenes: a recording's drawings, and what moves in them from frame to frame."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stateviz.drawings import (
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

_SIZE = (9.0, 5.2)  # inches, at 100 pixels each
_FONT = 10.5
_INTERVAL_MS = 400
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

    Frame 0 shows the initial state alone; frame t + 1 the state after timestep t.

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
    chosen = _one_layer(recording, layer)
    record = chosen.batches[_place("batch", batch, len(chosen.batches), chosen.name)]
    samples, _, units = record.hidden_state.shape
    _place("sample", sample, samples, chosen.name)
    _place("unit", unit, units, chosen.name)
    states = states_in(record)

    figure = Figure(figsize=_SIZE, dpi=100)
    grid = figure.add_gridspec(
        len(states) + 2,
        2,
        width_ratios=[1, 0.018],
        height_ratios=[0.8, *[1.25] * len(states), 1],
        left=0.075,
        right=0.93,
        top=0.9,
        bottom=0.09,
        wspace=0.03,
        hspace=0.62,
    )
    axes = [figure.add_subplot(grid[row, 0]) for row in range(len(states) + 2)]
    figure.text(
        0.075, 0.965, _title(record, sample), fontsize=_FONT + 1.5, weight="bold", va="center"
    )

    draw_input(axes[0], record, sample=sample)
    draw_origin(axes[0], record)
    _name(axes[0], "x: the input")
    images = {}
    for row, state in enumerate(states, start=1):
        symbol, name = name_state(state)
        images[state] = draw_state(axes[row], record, state, sample=sample, timestep=-1)
        point_to_unit(axes[row], record, unit=unit)
        _name(axes[row], f"{symbol}: the {name} of every unit", y="unit")
        scale = figure.colorbar(images[state].timesteps, cax=figure.add_subplot(grid[row, 1]))
        scale.ax.tick_params(labelsize=_FONT - 2)
        scale.outline.set_visible(False)
    lines = draw_unit(axes[-1], record, sample=sample, unit=unit, timestep=-1)
    drawn = " and ".join(
        f"{name_state(state)[0]} ({how})"
        for state, how in zip(states, ["solid", "dashed"], strict=False)
    )
    _name(axes[-1], f"{drawn} of unit {unit}")
    for ax in axes:
        set_time_axis(ax, record, labelled=ax is axes[-1])
        ax.tick_params(labelsize=_FONT - 1.5)
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
        for cursor in cursors:
            cursor.set_xdata([time[frame]] * 2)
        return [*changed, *cursors]

    def describe(frame: int) -> str:
        return _readout(record, states, sample=sample, unit=unit, timestep=frame - 1)

    hover: dict[Artist, str] = {}
    for state in states:
        symbol, name = name_state(state)
        hover[images[state].timesteps] = f"timestep {{x}}, unit {{y}}: {symbol} = {{value:.2f}}"
        hover[images[state].initial] = f"initial {name}, unit {{y}}: {symbol} = {{value:.2f}}"
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


def _one_layer(recording: Recording, name: str | None) -> LayerRecording:
    if name is not None:
        chosen = recording[name]
    elif len(recording.layers) == 1:
        chosen = recording[recording.layers[0]]
    else:
        raise ValueError(
            f"The recording has {len(recording.layers)} layers: "
            f"{', '.join(map(repr, recording.layers))}. Say which to play, for example "
            f"layer={recording.layers[0]!r}."
        )
    if not chosen.batches:
        raise ValueError(
            f"The recording of layer {chosen.name!r} holds no batch, so there is nothing to play. "
            f"Run the model inside the `with stateviz.record(model)` block."
        )
    return chosen


def _place(what: str, index: int, count: int, layer: str) -> int:
    if not 0 <= index < count:
        raise IndexError(
            f"{what}={index} is out of range: the recording of layer {layer!r} has {count} "
            f"{'batches' if what == 'batch' else what + 's'} here, 0 to {count - 1}."
        )
    return index


def _name(ax: Axes, text: str, *, y: str = "") -> None:
    ax.set_title(text, loc="left", fontsize=_FONT, pad=4)
    ax.set_ylabel(y, fontsize=_FONT - 1)


def _title(record: BatchRecord, sample: int) -> str:
    place = [record.phase]
    place += [] if record.epoch is None else [f"epoch {record.epoch}"]
    place += [] if record.batch is None else [f"batch {record.batch}"]
    return f"{record.layer}: {', '.join(place)}, sample {record.samples[sample]}"


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
    words = [f"t = {timestep}"]
    if record.inputs is not None:
        read = record.inputs[sample, timestep]
        shown = ", ".join(f"{value:.2f}" for value in read[:_INPUTS_IN_READOUT])
        more = ", ..." if len(read) > _INPUTS_IN_READOUT else ""
        words.append(f"x = {shown}" if len(read) == 1 else f"x = [{shown}{more}]")
    if record.mask is not None and not record.mask[sample, timestep]:
        words.append("masked, so the state is held:")
    return "   ".join(words + numbers + [f"(unit {unit})"])
