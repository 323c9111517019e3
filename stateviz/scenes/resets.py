"""The scene of a whole run: where states are kept, zeroed, given or altered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stateviz.drawing import timeline
from stateviz.drawing.head import Crossing, Dot
from stateviz.drawing.sample import name_state
from stateviz.playing.moving import Declared, Grow, Told, appearing, standing_still
from stateviz.playing.player import Player
from stateviz.playing.scene import Pick, Scene, frames_of_a_motion, nothing, pace
from stateviz.recording import ORIGINS, LayerRecording, Origin, Recording
from stateviz.scenes import batches
from stateviz.scenes.choosing import (
    check_place,
    clamp,
    layers_with_batches,
    one_layer,
    unit_names,
)
from stateviz.scenes.furniture import FONT, LEFT, WIDTH, explain_markers, headline
from stateviz.scenes.naming import began, leading_origin, told_apart

_USUAL_MS = 400
_CROSSING = 0.45  # of a motion, until the state is in the batch
_MOST_MOVING = 60  # batches; in a longer run the point would only hurry


def play_resets(
    recording: Recording,
    *,
    layer: str | None = None,
    unit: int | None = None,
    interval_ms: int | None = None,
) -> Player:
    """Plays a whole run, batch after batch: where states are kept, zeroed, given or altered.

    The line is the size of the state (`stateviz.drawing.timeline.state_size`), or the state of one
    unit in the first sample. A marker at the start of each batch says how its states began; bands
    name the phases and epochs. A click on a batch opens it as `stateviz.play_batches` plays it.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.
        unit: The unit whose state is the line, 0-based; the size of the state where None.
        interval_ms: How long a frame stands, in milliseconds; where None, so that a short run lasts
            for some seconds and a long one is over within a minute.

    Returns:
        A `Player` with a stop for each batch that was kept, and a mark at each new phase or epoch.
        In a run of few batches the state moves from stop to stop.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named.
        KeyError: There is no such layer.
        IndexError: There is no such unit.
    """
    first = one_layer(recording, layer)
    played = layers_with_batches(recording)
    if unit is not None:
        check_place("unit", unit, len(_units(first)), first.name)

    def make(**choice: int) -> Scene:
        return _chosen_scene(recording, played, **choice)

    return Player.of(
        make,
        interval_ms=interval_ms,
        layer=played.index(first.name),
        line=0 if unit is None else unit + 1,
    )


def _chosen_scene(
    recording: Recording,
    played: Sequence[str],
    *,
    layer: int,
    line: int = 0,
    open: int = 0,
    **_: int,
) -> Scene:
    """The scene of a choice; `line` 0 is the size of the state, `open` 0 the whole run."""
    of = recording[played[layer]]
    units = _units(of)
    line, opened = clamp(line, len(units) + 1), clamp(open, len(of.batches) + 1)
    options = {
        "layer": list(played),
        "line": ["size of the state", *(f"unit {each}" for each in units)],
        "open": ["the whole run", *told_apart(of.batches)],
    }
    chosen = {"layer": layer, "line": line, "open": opened}
    if opened:
        return _opened(recording, of, opened - 1, max(line - 1, 0), options=options, chosen=chosen)
    return _Picture(recording, of, line - 1 if line else None).scene(options, chosen)


def _opened(
    recording: Recording,
    layer: LayerRecording,
    place: int,
    unit: int,
    *,
    options: dict[str, list[str]],
    chosen: dict[str, int],
) -> Scene:
    """One batch of the run, after the one before it, with a way back."""
    places = range(max(place - 1, 0), place + 1)
    state = layer.batches[place].state_names[-1]
    name = options["open"][chosen["open"]]
    scene = batches.scene(
        recording,
        layer,
        places,
        state,
        unit,
        title=f"{layer.name}: {name}",
        options=options,
        chosen=chosen,
    )
    back = scene.figure.add_axes((0.76, 1 - 0.36 / scene.figure.get_figheight(), 0.23, 0.06))
    back.axis("off")
    back.text(1, 0.5, "← the whole run", ha="right", va="center", fontsize=FONT)
    begins, _ = scene.marks[-1]
    return replace(scene, picks=[Pick(back, "open", "x", 0)], begins=begins)


def _units(layer: LayerRecording) -> list[str]:
    """The units of the state whose size is drawn: of c where there is one, else of h."""
    first = layer.batches[0]
    return unit_names(first, first.state_names[-1])


class _Beats:
    """The frames: before each batch's stop a motion, unless there are too many batches.

    In a motion the state first crosses from one batch to the next, and then runs through it.

    Args:
        origins: How the states of each batch began. A carried state runs on at once.
        ends: How many points of the line belong to the batches up to and with each.
    """

    def __init__(self, origins: Sequence[Origin], ends: np.ndarray) -> None:
        batches = len(origins)
        moves = batches <= _MOST_MOVING
        self._crossing = [0.0 if origin == "carried" else _CROSSING for origin in origins]
        self._motion = frames_of_a_motion(batches) if moves else 0
        self._ends = ends
        self.starts = [0, *ends[:-1].tolist()]
        self.each = self._motion + 1  # frames a batch
        self.n_frames = batches * self.each
        self.stops = range(self._motion, self.n_frames, self._motion + 1)
        self.pace = pace(batches, motions=batches if moves else 0, usual_ms=_USUAL_MS)

    def at(self, frame: int) -> tuple[int, float]:
        """The place of the batch, and how much of its motion has passed, 1 at its stop."""
        place, passed = divmod(frame, self._motion + 1)
        return place, passed / self._motion if self._motion else 1.0

    def crossed(self, frame: int) -> float:
        """How much of the way to the batch has passed, 1 in the batch."""
        place, part = self.at(frame)
        return min(part / self._crossing[place], 1.0) if self._crossing[place] else 1.0

    def run(self, frame: int) -> float:
        """How much of the batch has passed, 0 on the way to it."""
        place, part = self.at(frame)
        return max(0.0, (part - self._crossing[place]) / (1 - self._crossing[place]))

    def points(self, frame: int) -> int:
        """How many points of the line are shown."""
        place, _ = self.at(frame)
        start, end = self.starts[place], int(self._ends[place])
        passed = self.run(frame)
        return end if passed == 1 else start + int(passed * (end - start - 2)) + (passed > 0)


class _Picture:
    """All batches of a layer on one axis.

    Args:
        recording: The recording that the layer is from.
        layer: The layer.
        unit: The unit whose state is the line, 0-based; the size of the state where None.
    """

    def __init__(self, recording: Recording, layer: LayerRecording, unit: int | None) -> None:
        self.layer, self.unit = layer, unit
        self.number = None if unit is None else _units(layer)[unit]
        self.places = told_apart(layer.batches)
        self.symbol = name_state(layer.batches[0].state_names[-1])[0]
        self.figure = Figure(figsize=(WIDTH, 4.2), dpi=100)
        self.ax = self.figure.add_axes((LEFT, 0.24, 0.9, 0.55))
        how = "stateful" if layer.stateful else "stateless"
        self.title = f"{layer.name}: how the states of each batch began ({how} {layer.kind})"
        headline(self.figure, self.title, left=LEFT)
        self.calls = [batch.call for batch in layer.batches]
        self.bands = timeline.draw_phases(self.ax, layer, self.calls)
        self.line = timeline.draw_state_size(self.ax, layer, last=0, unit=unit)
        self.reset_calls = timeline.draw_reset_calls(self.ax, recording, layer)
        self.markers = timeline.draw_beginnings(self.ax, layer, last=0, unit=unit)
        self._label(self.ax)
        # All five, so that the legend tells nothing of what will come.
        words: dict[Origin, str] = {origin: origin for origin in ORIGINS}
        explain_markers(self.figure, words, at=(LEFT, 0.03), loc="lower left")
        self.x, self.y, self.ends = timeline.size_line(layer, unit=unit)
        self.began = {
            origin: timeline.beginnings(layer, origin, unit=unit) for origin in self.markers
        }
        self.origins = list(map(leading_origin, layer.batches))
        self.beats = _Beats(self.origins, self.ends)
        self._draw_head()

    def _label(self, ax: Axes) -> None:
        unit, symbol = self.unit, self.symbol
        ax.set_xlabel("batch", fontsize=FONT)
        mean = f"mean size of {symbol}"
        words = mean if unit is None else f"{symbol} of unit {self.number}, first sample"
        ax.set_ylabel(words, fontsize=FONT)
        ax.tick_params(labelsize=FONT)
        ax.set_facecolor("none")
        ax.spines[["top", "right"]].set_visible(False)

    def _draw_head(self) -> None:
        """Draws the state as a point, the one that leaves, and the gate of a reset."""
        look: dict[str, Any] = {"linestyle": "None", "marker": "o", "clip_on": False}
        ax = self.ax
        [self.leaving] = ax.plot([0], [0], markersize=9, color="#808080", zorder=4, **look)
        [self.head] = ax.plot([0], [0], markersize=11, color="black", zorder=5, **look)
        [self.core] = ax.plot([0], [0], markersize=6, color=timeline.LINE_COLOR, zorder=5.1, **look)
        color = timeline.MARKERS["reset"]["color"]
        self.gate = ax.axvline(0, color=color, linewidth=4, zorder=3)
        ends = ax.get_ylim()
        starts = [self.y[first] for first in self.beats.starts]
        finals = [None, *(self.y[end - 2] for end in self.ends[:-1])]
        self.crossings = [
            Crossing(origin, before, after, *ends)
            for origin, before, after in zip(self.origins, finals, starts, strict=True)
        ]

    def parts(self) -> list[Declared]:
        """The line and the markers, which grow, and the point that moves at the line's end."""
        beats = self.beats
        frames = range(beats.n_frames)
        # The bands do not move, but belong under the data.
        parts: list[Declared] = [standing_still(self.bands)]
        parts.append(Grow(self.line, [(self.x, self.y)], [beats.points(each) for each in frames]))
        reached = np.array([beats.at(frame)[0] - (beats.crossed(frame) < 1) for frame in frames])
        for origin, marker in self.markers.items():
            starts, sizes = self.began[origin]
            counts = np.searchsorted(starts, reached, side="right").tolist()
            parts.append(Grow(marker, [(starts, sizes)], counts))
        for place, signs in self.reset_calls:
            # A call after the last batch is told with it.
            parts.append(appearing(signs, min(place * beats.each, beats.n_frames - 1)))
        moved = [self.leaving, self.gate, self.head, self.core]
        return [*parts, Told(moved, frames, lambda frame, _: self._show_head(frame))]

    def _show_head(self, frame: int) -> None:
        place, _ = self.beats.at(frame)
        leaving = None
        crossed = self.beats.crossed(frame)
        x = place + self.beats.run(frame)
        if crossed < 1:
            dot, leaving = self.crossings[place].at(crossed)
        else:
            points = slice(self.beats.starts[place], self.ends[place] - 1)
            dot = Dot(float(np.interp(x, self.x[points], self.y[points])))
        for artist, each in ((self.head, dot), (self.core, dot), (self.leaving, leaving)):
            artist.set_visible(each is not None and bool(np.isfinite(each.y)))
            if each is not None:
                artist.set_data([x], [each.y])
                artist.set_alpha(round(each.opacity, 3))
        self.gate.set_visible(crossed < 1 and self.origins[place] == "reset")
        self.gate.set_xdata([x, x])

    def describe(self, frame: int) -> str:
        """The batch in words and numbers."""
        frame = self.beats.at(frame)[0]
        batch = self.layer.batches[frame]
        size = timeline.state_size(batch, unit=self.unit)
        origin = "carried over" if batch.origin == "carried" else batch.origin
        source = f" ({began(batch)})" if origin == "mixed" else ""
        left_by = batch.came_from
        if left_by is not None and (
            left_by != frame - 1 or self.layer.batches[left_by].phase != batch.phase
        ):
            source = f" from {self.places[left_by]}"
        unit = self.unit
        what = f"size of {self.symbol}" if unit is None else f"{self.symbol} of unit {self.number}"
        return f"{self.places[frame]}: {origin}{source}   {what} {size[0]:.3f} -> {size[-1]:.3f}"

    def _hover(self) -> dict[Artist, str]:
        """What the markers say: which batch, how it began, and how large its state was then."""
        unit = self.unit
        what = f"size of {self.symbol}" if unit is None else f"{self.symbol} of unit {self.number}"
        return {
            marker: f"#{{x}}: {origin}, {what} {{value:.3f}}"
            for origin, marker in self.markers.items()
        }

    def scene(self, options: dict[str, list[str]], chosen: dict[str, int]) -> Scene:
        """The scene, with what can be chosen and what of it is shown; "open" opens a batch."""
        calls = self.calls
        runs = [(b.phase, b.epoch, call) for b, call in zip(self.layer.batches, calls, strict=True)]
        new = [place for place, run in enumerate(runs) if not place or run != runs[place - 1]]
        return Scene(
            self.figure,
            nothing,
            self.beats.n_frames,
            describe=self.describe,
            marks=[(self.beats.stops[place], self.places[place]) for place in new],
            parts=self.parts(),
            stops=self.beats.stops,
            hover=self._hover(),
            title=self.title,
            pace=self.beats.pace,
            options=options,
            chosen=chosen,
            picks=[Pick(self.ax, "open", "x", -1)],
        )
