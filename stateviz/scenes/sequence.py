"""The scene of one sample through its timesteps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.text import Text

from stateviz.drawing import gates
from stateviz.drawing.finite import finite, reach_of
from stateviz.drawing.flat import flat
from stateviz.drawing.sample import (
    StateImages,
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
    states_of,
    time_of,
    trace_of,
    until,
)
from stateviz.playing.moving import Declared, Fill, Grow, Slide, Told, standing_still
from stateviz.playing.player import Player
from stateviz.playing.scene import Pick, Scene, nothing, pace
from stateviz.recording import ORIGINS, BatchRecord, Recording, StateName
from stateviz.scenes import stack
from stateviz.scenes.choosing import check_place, clamp, layer_choice, layers_named
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
from stateviz.scenes.labels import check_labels, labelled
from stateviz.scenes.naming import in_run, left_by, told_apart

_INPUTS_IN_READOUT = 3
# A unit is chosen in the page where this many pictures of a unit can be sent with it.
_MOST_UNIT_FRAMES = 2500
# Where the state goes from here; only h leaves the layer.
_WHERE_TO: dict[StateName, str] = {
    "hidden": "it leaves the layer, upwards ↑",
    "cell": "it stays in the layer",
}


def play_sequence(
    recording: Recording,
    *,
    layer: str | Sequence[str] | None = None,
    batch: int = 0,
    sample: int = 0,
    unit: int = 0,
    labels: Sequence[str] | None = None,
    interval_ms: int | None = None,
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
        layer: The layer's name, or those of several, the lowest first; None for the only one.
        batch: The place in `LayerRecording.batches`, 0-based.
        sample: The row among the samples that were kept, 0-based.
        unit: The unit among those that were kept whose h and c are drawn as lines, 0-based.
        labels: What was read at each timestep: a text, a character each, or a list of words.
        interval_ms: How long a frame stands, in milliseconds; where None, so that a short run lasts
            for some seconds and a long one is over within a minute.

    Returns:
        A `Player`; show it at the end of a cell, or write it with `player.to_html("lesson.html")`.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named; or several are
            named whose batches do not go together; or a timestep has no label of its own.
        KeyError: There is no such layer.
        IndexError: There is no such batch, sample or unit.
    """
    names = layers_named(recording, layer)
    choices = layer_choice(recording)
    if names not in choices:
        choices = [*choices, names]
    lowest = recording[names[0]]
    place = check_place("batch", batch, len(lowest.batches), lowest.name)
    record = flat(lowest.batches[place])
    samples, _, units = record.hidden_state.shape
    check_place("sample", sample, samples, lowest.name)
    check_place("unit", unit, units, lowest.name)
    named = None if labels is None else check_labels(labels, record.timesteps)

    def make(**choice: int) -> Scene:
        scene = _chosen_scene(recording, choices, **choice)
        return labelled(scene, named, of=(batch, sample), backwards=record.go_backwards)

    return Player.of(
        make,
        interval_ms=interval_ms,
        layer=choices.index(names),
        batch=batch,
        sample=sample,
        unit=unit,
    )


def _chosen_scene(
    recording: Recording,
    choices: Sequence[tuple[str, ...]],
    *,
    layer: int,
    batch: int,
    sample: int,
    unit: int = 0,
) -> Scene:
    """The scene of a choice, each 0-based; what is out of range is brought into it."""
    chosen = [recording[name] for name in choices[layer]]
    place = clamp(batch, min(len(each.batches) for each in chosen))
    records = [flat(each.batches[place]) for each in chosen]
    row = clamp(sample, min(len(each.samples) for each in records))
    options = {
        "layer": [" and ".join(names) for names in choices],
        "batch": told_apart(chosen[0].batches),
        "sample": [str(number) for number in records[0].samples],
    }
    shown = {"layer": layer, "batch": place, "sample": row}
    if len(records) > 1:
        return stack.scene(records, row, options=options, chosen=shown)
    unit = clamp(unit, records[0].hidden_state.shape[2])
    picture = _Picture(records[0], row, unit, left_by(recording, records[0], row))
    return picture.scene(unit, options=options, chosen=shown)


class _Picture:
    """One sample of a batch whose units stand on one axis, over its timesteps.

    Args:
        record: The batch.
        sample: The row among the samples that were kept, 0-based.
        unit: The unit to begin with, 0-based.
        left_by: Whose final state it began with, in words, if that was recorded.
    """

    def __init__(self, record: BatchRecord, sample: int, unit: int, left_by: str) -> None:
        self.record, self.sample, self.left_by = record, sample, left_by
        self.states = record.state_names
        self.time = time_of(record)
        units = range(record.hidden_state.shape[2])
        self.gates = [gates.gates_of(record, sample, each) for each in units]
        self.traces = {
            state: [trace_of(record, state, sample, each) for each in units]
            for state in self.states
        }
        has_gates = bool(self.gates[0])
        heights = [0.8, *[1.25] * len(self.states), *[1.25] * has_gates, 1]
        left = 0.16 if has_gates else LEFT
        self.figure, self.grid = panels_over_time(heights, room=0.7, over=0.52, left=left)
        self.axes = [self.figure.add_subplot(self.grid[row, 0]) for row in range(len(heights))]
        self.title = f"{record.layer}: {in_run(record)}, sample {record.samples[sample]}"
        headline(self.figure, self.title, left=left)
        draw_input(self.axes[0], record, sample=sample)
        draw_origin(self.axes[0], record, sample=sample)
        set_name(self.axes[0], "x: the input")
        self.images = {
            state: self._draw_state(state, row) for row, state in enumerate(self.states, start=1)
        }
        self.pointers = [
            point_to_unit(image.initial.axes, record, unit=unit) for image in self.images.values()
        ]
        self.gate_rows = self._draw_gates(unit) if has_gates else {}
        self.lines = draw_unit(
            self.axes[-1], record, sample=sample, unit=unit, timestep=-1, all_units=True
        )
        draw_held(self.axes[-1], record, sample=sample)
        self.unit_name = _name_artist(self.axes[-1], left=True)
        self.gates_name = _name_artist(self.axes[-2], left=True) if has_gates else None
        self.equations = self._equation_artists(self.axes[-2]) if has_gates else []
        for ax in self.axes:
            set_time_axis(ax, record, labelled=ax is self.axes[-1])
            ax.tick_params(labelsize=FONT)
        self.cursors = [draw_cursor(ax, self.time[0]) for ax in self.axes]

    def _draw_state(self, state: StateName, row: int) -> StateImages:
        ax = self.axes[row]
        symbol, name = name_state(state)
        images = draw_state(ax, self.record, state, sample=self.sample, timestep=-1)
        set_name(ax, f"{symbol}: the {name} of every unit; {_WHERE_TO[state]}", y="unit")
        draw_scale(images.timesteps, self.grid[row, 1])
        return images

    def _draw_gates(self, unit: int) -> dict[str, AxesImage]:
        of_all = (gate for of_unit in self.gates for gate in of_unit.values())
        reach = reach_of(*of_all, least=1.0)
        ax = self.axes[-2]
        rows = gates.draw_gates(
            ax, self.record, sample=self.sample, unit=unit, timestep=-1, reach=reach
        )
        ax.set_label("gates")
        draw_scale(next(iter(rows.values())), self.grid[len(self.axes) - 2, 1])
        return rows

    def _equation_artists(self, ax: Axes) -> list[Text]:
        """The equation in numbers, in two parts: over the name of the gates, and beside it."""
        upper, beside = _name_artist(ax, left=True), _name_artist(ax, left=False)
        upper.set_position((0, 1.06 + 1.35 * FONT / 72 / self._inches(ax)))
        return [upper, beside]

    def _inches(self, ax: Axes) -> float:
        return float(ax.get_position().height * self.figure.get_figheight())

    @property
    def _of_unit(self) -> list[Artist]:
        """What differs from unit to unit."""
        names = [self.unit_name, self.gates_name, *self.equations]
        return [
            *self.pointers,
            *(name for name in names if name is not None),
            *self.gate_rows.values(),
            *self.lines.values(),
        ]

    def parts(self, units: Sequence[int]) -> list[Declared]:
        """What fills in, grows and moves: after frame f stands the state after timestep f - 1.

        Args:
            units: The units among which the reader chooses in the page.
        """
        frames = range(self.record.timesteps + 1)
        parts: list[Declared] = []
        for state, images in self.images.items():
            _, after = states_of(self.record, state, self.sample)
            parts.append(standing_still([images.initial, *images.initial_signs.lines]))
            parts.append(Fill(images.timesteps, [until(after, None)], frames))
            parts.append(Slide(images.unread, images.unread_boxes()))
            parts.extend(grown_signs(images.signs, frames))
            traces = [self.traces[state][unit] for unit in units]
            grown = [(self.time, finite(trace)) for trace in traces]
            parts.append(Grow(self.lines[state], grown, [1 + frame for frame in frames]))
        for gate, image in self.gate_rows.items():
            rows = [until(self.gates[unit][gate][:, np.newaxis], None) for unit in units]
            parts.append(Fill(image, rows, frames))
        for place, cursor in enumerate(self.cursors):
            boxes = np.tile(self.time[:, np.newaxis], 4)
            # Before t = 0 nothing is read, and no gate has a value.
            if place == 0 or (self.gate_rows and place == len(self.cursors) - 2):
                boxes[0] = np.nan
            parts.append(Slide(cursor, boxes))

        def tell(frame: int, option: int) -> None:
            self._show_unit(units[option])

        names = [self.unit_name, *([self.gates_name] if self.gates_name else [])]
        parts.append(Told([*self.pointers, *names], [0] * len(frames), tell))
        if self.equations:

            def tell_equation(frame: int, option: int) -> None:
                self._show_equation(frame, units[option])

            parts.append(Told(self.equations, frames, tell_equation))
        return parts

    def _show_equation(self, frame: int, unit: int) -> None:
        at = {"sample": self.sample, "unit": unit, "timestep": frame - 1}
        first, _, second = gates.equation(self.record, **at).partition("    ")
        for text, words in zip(self.equations, (first, second), strict=True):
            text.set_text(words)

    def _show_unit(self, unit: int) -> None:
        for pointer, state in zip(self.pointers, self.states, strict=True):
            pointer.set_ydata([unit])
            pointer.set_visible(unit < self.record.state(state).after.shape[2])
        drawn = " and ".join(
            f"{name_state(state)[0]} ({how})"
            for state, how in zip(self.states, ["solid", "dashed"], strict=False)
        )
        number = self.record.unit_numbers[unit]
        self.unit_name.set_text(f"{drawn} of unit {number}")
        if self.gates_name is not None:
            self.gates_name.set_text(f"gates of unit {number}")

    def describe(self, frame: int, unit: int) -> str:
        """The frame in words and numbers."""
        at = {"sample": self.sample, "unit": unit, "timestep": frame - 1}
        return _readout(self.record, self.left_by, **at)

    def _hover(self) -> dict[Artist, str]:
        backwards = self.record.go_backwards
        read = "place in the order of reading" if backwards else "timestep"
        hover: dict[Artist, str] = {}
        for state, images in self.images.items():
            symbol, name = name_state(state)
            hover[images.timesteps] = f"{read} {{x}}, unit {{y}}: {symbol} = {{value:.2f}}"
            hover[images.initial] = f"initial {name}, unit {{y}}: {symbol} = {{value:.2f}}"
            hover[self.lines[state]] = f"{read} {{x}}: {symbol} = {{value:.3f}}"
        for gate, image in self.gate_rows.items():
            hover[image] = f"{read} {{x}}: {gates.label(gate)} = {{value:.2f}}"
        return hover

    def scene(self, unit: int, *, options: dict[str, list[str]], chosen: dict[str, int]) -> Scene:
        """The scene, with what else can be chosen and what of it is shown."""
        units = len(self.gates)
        n_frames = self.record.timesteps + 1
        in_page = units * n_frames <= _MOST_UNIT_FRAMES

        def describe(frame: int, unit: int = unit) -> str:
            return self.describe(frame, unit)

        return Scene(
            self.figure,
            nothing,
            n_frames,
            describe=describe,
            hover=self._hover(),
            title=self.title,
            pace=pace(n_frames, usual_ms=SEQUENCE_INTERVAL_MS),
            rows={
                image: list(map(str, self.record.unit_numbers_of(self.record.state(state))))
                for state, images in self.images.items()
                for image in (images.initial, images.timesteps)
                if self.record.units is not None
            },
            options=options | {"unit": list(map(str, self.record.unit_numbers))},
            chosen=chosen | {"unit": unit},
            in_page="unit" if in_page else None,
            varies=self._of_unit,
            parts=self.parts(range(units) if in_page else [unit]),
            picks=[Pick(ax, "unit", "y", -0.5) for ax in self.axes[1 : 1 + len(self.states)]],
        )


def _name_artist(ax: Axes, *, left: bool) -> Text:
    """A text over an axes that changes from frame to frame."""
    return ax.text(
        0 if left else 1,
        1.06,
        "",
        fontsize=FONT,
        ha="left" if left else "right",
        va="bottom",
        transform=ax.transAxes,
    )


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
    if record.inputs is not None:
        read = record.inputs[sample, timestep]
        shown = ", ".join(f"{value:.2f}" for value in read[:_INPUTS_IN_READOUT])
        more = ", ..." if len(read) > _INPUTS_IN_READOUT else ""
        words.append(f"x = {shown}" if len(read) == 1 else f"x = [{shown}{more}]")
    if record.mask is not None and not record.mask[sample, timestep]:
        words.append("masked, so the state is held:")
    return "   ".join(words + numbers + [f"(unit {record.unit_numbers[unit]})"])
