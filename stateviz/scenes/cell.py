"""`play_cell`: the diagram of the cell, with the numbers of one unit, timestep after timestep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from stateviz.drawing import POINTS, cell, diagrams, gates, write
from stateviz.drawing.diagrams import BODY, HIGH, WIDE
from stateviz.drawing.finite import reach_of
from stateviz.drawing.flat import flat
from stateviz.drawing.lanes import half_lane
from stateviz.drawing.sample import data_timestep, name_state, trace_of
from stateviz.playing.artists import Lines, OneRow
from stateviz.playing.moving import Declared, Fill, Keyed
from stateviz.playing.player import Player
from stateviz.playing.scene import Note, Pace, Pick, Scene, pace
from stateviz.playing.theme import INK, INK_MAP, STATE_MAP, soft
from stateviz.recording import BatchRecord, GRUGates, LayerRecording, Recording
from stateviz.scenes.choosing import check_place, clamp, layers_with_batches, one_layer
from stateviz.scenes.naming import began, in_run, told_apart

_FRAMES_OF_A_STEP = 5
_USUAL_MS = 900
_HIGH, _TIMELINE = 56.0, 96.0  # pixels of CSS: the states over time, and the room for them


def play_cell(
    recording: Recording,
    *,
    layer: str | None = None,
    batch: int = 0,
    sample: int = 0,
    unit: int = 0,
    interval_ms: int | None = None,
) -> Player:
    """Plays the inside of a cell: its diagram, filled in with the numbers of one unit.

    What is carried is a stream, as thick as its value is large; a gate is a pair of jaws that
    narrow it. What is kept of the old state and what is added to it meet. Under the diagram stands
    the whole sequence with the timestep that is shown; a click there goes to another.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened. Of an LSTM or a GRU
            it needs the gates: `stateviz.record(model, gates=True)`.
        layer: The layer's name; may be left out where the recording has one layer.
        batch: The place in `LayerRecording.batches`, 0-based.
        sample: The row among the samples that were kept, 0-based.
        unit: The unit among those that were kept, 0-based.
        interval_ms: How long a timestep stands, in milliseconds; where None, as suits the sequence.

    Returns:
        A `Player` with a stop before the first and after each timestep, and motion between them.

    Raises:
        ValueError: The recording is empty, has several layers and none is named, has no gates, or
            the cell is none of an LSTM, a GRU and a SimpleRNN.
        KeyError: There is no such layer.
        IndexError: There is no such batch, sample or unit.
    """
    first = one_layer(recording, layer)
    record = first.batches[check_place("batch", batch, len(first.batches), first.name)]
    _diagram_of(record, first)
    check_place("sample", sample, len(record.samples), first.name)
    check_place("unit", unit, len(record.unit_numbers), first.name)
    played = [name for name in layers_with_batches(recording) if _has_diagram(recording[name])]
    return Player(
        partial(_chosen_scene, recording, played),
        interval_ms=interval_ms,
        layer=played.index(first.name),
        batch=batch,
        sample=sample,
        unit=unit,
    )


def _has_diagram(layer: LayerRecording) -> bool:
    try:
        _diagram_of(layer.batches[0], layer)
    except ValueError:
        return False
    return True


def _diagram_of(record: BatchRecord, layer: LayerRecording) -> diagrams.Diagram:
    """The diagram of a layer's cell.

    Raises:
        ValueError: There is none, or the gates that it needs were not recorded.
    """
    if record.is_projected:
        raise ValueError(
            f"Layer {layer.name!r} projects what its gates let out onto fewer units (proj_size), "
            f"which the diagram of a cell does not show. Play its states with "
            f"stateviz.play_sequence."
        )
    if record.hidden_state.ndim == 3:
        if record.gates is not None:
            return diagrams.GRU if isinstance(record.gates, GRUGates) else diagrams.LSTM
        if layer.kind == "SimpleRNN":
            return diagrams.SIMPLE
        if layer.kind in ("LSTM", "GRU"):
            raise ValueError(
                f"The diagram of a cell needs its gates, which were not recorded of layer "
                f"{layer.name!r}. Record with stateviz.record(model, gates=True)."
            )
    raise ValueError(
        f"There is a diagram of the cell of an LSTM, a GRU and a SimpleRNN; layer {layer.name!r} "
        f"is a {layer.kind}. Play its states with stateviz.play_sequence."
    )


def _chosen_scene(
    recording: Recording,
    played: Sequence[str],
    *,
    layer: int,
    batch: int,
    sample: int,
    unit: int,
) -> Scene:
    """The scene of a choice, each 0-based; what is out of range is brought into it."""
    of = recording[played[layer]]
    batch = clamp(batch, len(of.batches))
    record = flat(of.batches[batch])
    sample, unit = clamp(sample, len(record.samples)), clamp(unit, len(record.unit_numbers))
    picture = _Picture(record, _diagram_of(record, of), sample, unit)
    n_frames = 1 + record.timesteps * _FRAMES_OF_A_STEP
    stops = range(0, n_frames, _FRAMES_OF_A_STEP)
    # A timestep stands as long as the way to it takes.
    interval = pace(2 * len(stops), usual_ms=_USUAL_MS).interval_ms
    return Scene(
        picture.figure,
        n_frames,
        describe=picture.describe,
        title=picture.title,
        sentence="inside {layer}: unit {unit} · {batch}, sample {sample}",
        parts=picture.parts(n_frames),
        stops=stops,
        marks=[(0, picture.title, str(record.origins[sample]))],
        pace=Pace(interval, interval / (_FRAMES_OF_A_STEP - 1)),
        options={
            "layer": list(played),
            "batch": told_apart(of.batches),
            "sample": list(map(str, record.samples)),
            "unit": list(map(str, record.unit_numbers)),
        },
        chosen={"layer": layer, "batch": batch, "sample": sample, "unit": unit},
        picks=[Pick(picture.timeline, "", "x", -1.5)],
        notes=[Note(picture.cell.ax, box, words) for box, words in picture.cell.notes()],
    )


class _Picture:
    """The diagram, and under it the unit's states over all timesteps."""

    def __init__(
        self, record: BatchRecord, diagram: diagrams.Diagram, sample: int, unit: int
    ) -> None:
        self.record, self.sample, self.unit = record, sample, unit
        self._known: dict[int, dict[str, float]] = {}
        self.traces = {
            state: trace_of(record, state, sample, unit) for state in record.state_names[:2]
        }
        self.number = record.unit_numbers[unit]
        self.title = (
            f"{record.layer}: the cell of unit {self.number}, {in_run(record)}, "
            f"sample {record.samples[sample]}"
        )
        height = HIGH + _TIMELINE
        self.figure = Figure(figsize=(WIDE / 96, height / 96), dpi=100)
        inputs = [] if record.inputs is None else [record.inputs[sample]]
        reach = max(1.0, reach_of(*self.traces.values(), *inputs))
        ax = self.figure.add_axes((0, 1 - HIGH / height, 1, HIGH / height))
        self.cell = cell.Cell(ax, self._with_activation(diagram), reach)
        self._draw_timeline(height)

    def _with_activation(self, diagram: diagrams.Diagram) -> diagrams.Diagram:
        """The diagram with the sign φ for an activation that is not tanh."""
        found = gates.gates_of(self.record, self.sample, self.unit)
        if "output" not in found:
            return diagram
        h, c = (trace[1:] for trace in self.traces.values())
        used = np.array([not self._is_held(t) for t in range(self.record.timesteps)], bool)
        if gates.is_squashed_by_tanh(h[used], found["output"][used], c[used]):
            return diagram
        nodes = [
            replace(each, symbol="φ", words=diagrams.PHI) if each.symbol == "tanh" else each
            for each in diagram.nodes
        ]
        return replace(diagram, nodes=tuple(nodes))

    def _draw_timeline(self, height: float) -> None:
        """Draws the unit's states over all timesteps, as in the other scenes."""
        left, _, wide, _ = BODY
        ax = self.timeline = self.figure.add_axes(
            (left / WIDE, (_TIMELINE - _HIGH - 6) / height, wide / WIDE, _HIGH / height)
        )
        steps = self.record.timesteps
        ax.set_xlim(-1.5, steps - 0.5)
        ax.set_ylim(0.5, -0.5)
        ax.axis("off")
        ax.autoscale(False)
        both = list(reversed(self.traces.items()))
        reach = half_lane(*(np.ma.masked_invalid(trace) for _, trace in both))
        ax.plot([-1.5, steps - 0.5], [0, 0], color=soft(0.3), linewidth=POINTS)
        edges = (-1.5, steps - 0.5, 0.5, -0.5)
        self.charts: list[tuple[AxesImage, np.ma.MaskedArray]] = []
        for kind, scale, (_, trace) in zip(
            (OneRow, Lines), (STATE_MAP, INK_MAP), both, strict=False
        ):
            chart = kind(ax, scale, -reach, reach, extent=edges, zorder=3)
            values = np.ma.masked_invalid(trace[np.newaxis])
            chart.set_data(values)
            self.charts.append((chart, values))
        symbols = ", ".join(name_state(state)[0] for state, _ in both)
        beside = -1.5 - 12 * (steps + 1) / wide
        write(ax, beside, 0, symbols, ha="right")
        self.when = write(ax, 0, 0.5 + 14 / _HIGH, "", ha="center", weight="bold")
        [self.cursor] = ax.plot([-1, -1], [-0.5, 0.5], color=INK, linewidth=1.1, zorder=6)

    def parts(self, n_frames: int) -> list[Declared]:
        """The states, which fill in, and each part of the diagram with what it shows when."""
        frames = [self._at(frame) for frame in range(n_frames)]
        filled = [step + 2 for step, _ in frames]
        parts: list[Declared] = [Fill(chart, [values], filled) for chart, values in self.charts]

        for names, artists, show in self.cell.parts():
            keys = [
                (step, part is None or all(part >= _known_from(name) for name in names))
                for step, part in frames
            ]
            parts.append(Keyed(artists, keys, partial(self._show, show)))
        return [*parts, Keyed([self.cursor, self.when], filled, self._show_when)]

    def _at(self, frame: int) -> tuple[int, float | None]:
        """The last timestep that is reached, -1 before the first; and the part of the way on."""
        steps, passed = divmod(frame, _FRAMES_OF_A_STEP)
        return steps - 1, passed / _FRAMES_OF_A_STEP if passed else None

    def _before(self, timestep: int) -> dict[str, float]:
        """The states before a timestep by their names in the diagram."""
        return {
            f"{name_state(state)[0]} before": float(trace[timestep])
            for state, trace in self.traces.items()
        }

    def _values(self, timestep: int) -> dict[str, float]:
        """All numbers of a timestep by their names in the diagram."""
        if timestep not in self._known:
            self._known[timestep] = self._looked_up(timestep)
        return self._known[timestep]

    def _looked_up(self, timestep: int) -> dict[str, float]:
        before = self._before(timestep)
        now = {name_state(s)[0]: float(trace[timestep + 1]) for s, trace in self.traces.items()}
        x = {}
        if self.record.inputs is not None and self.record.inputs.shape[2] == 1:
            x = {"x": float(self.record.inputs[self.sample, timestep, 0])}
        if self._is_held(timestep):
            return before | now | x
        found = gates.gates_of(self.record, self.sample, self.unit)
        g = {gates.symbol(name): float(values[timestep]) for name, values in found.items()}
        values = before | now | x | g
        if "f" in g:
            values |= {"kept": g["f"] * before["c before"], "added": g["i"] * g["g"]}
            values["squashed"] = now["h"] / g["o"] if g["o"] else 0.0
        elif "z" in g:
            values["1 − z"] = 1 - g["z"]
            values |= {"kept": g["z"] * before["h before"], "added": (1 - g["z"]) * g["g"]}
        return values

    def _is_held(self, timestep: int) -> bool:
        mask = self.record.mask
        return mask is not None and not mask[self.sample, timestep]

    def _show(self, show: Callable[[Mapping[str, float]], None], frame: int, _: int) -> None:
        """Shows of a part of the diagram a timestep, or what is known on the way to the next."""
        timestep, part = self._at(frame)
        going_to = timestep + (part is not None)
        values = self._before(0) if going_to < 0 else self._values(going_to)
        if part is not None:
            values = {name: value for name, value in values.items() if part >= _known_from(name)}
        show(values)

    def _show_when(self, frame: int, _: int) -> None:
        timestep, _part = self._at(frame)
        self.cursor.set_xdata([timestep + 0.5] * 2)
        step = data_timestep(self.record, timestep)
        self.when.set_text(f"t = {step}" if timestep >= 0 else "initial")
        self.when.set_x(max(timestep, -0.6))

    def _equation(self, timestep: int) -> str:
        if timestep < 0:
            return ""
        if self._is_held(timestep):
            return "held: this timestep is masked, and the cell stands still"
        at = {"sample": self.sample, "unit": self.unit, "timestep": timestep}
        return gates.equation(self.record, **at) or (
            "h = φ(W x + U h_before + b), over all features and all units of h before; φ is the "
            "layer's activation: tanh, unless another was chosen"
        )

    def describe(self, frame: int) -> str:
        """The frame in words and numbers."""
        timestep, part = self._at(frame)
        if part is not None:
            step = data_timestep(self.record, timestep + 1)
            return f"on the way to t = {step}   (unit {self.number})"
        numbers = [
            f"{name_state(state)[0]} = {trace[timestep + 1]:.3f}"
            for state, trace in self.traces.items()
        ]
        when = f"before t = 0: {began(self.record, self.sample)}"
        if timestep >= 0:
            when = f"t = {data_timestep(self.record, timestep)}"
            when += "   held, for it is masked" * self._is_held(timestep)
        words = "   ".join([when, *numbers, f"(unit {self.number})"])
        return "\n".join(filter(None, [words, self._equation(timestep)]))


def _known_from(name: str) -> float:
    """The part of the way to a timestep from which on a value of it is known."""
    if name.endswith("before") or name == "x":
        return 0.0
    if name in ("kept", "added"):
        return 0.45
    return {"c": 0.6, "squashed": 0.7, "h": 0.7}.get(name, 0.3)
