"""The scene of a whole run: where states are kept, zeroed, given or altered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from stateviz.drawing import POINTS, timeline, write
from stateviz.drawing.lanes import LETTER, WIDTH, Layout
from stateviz.drawing.sample import name_state
from stateviz.drawing.signs import sign
from stateviz.playing.moving import Appear, Declared, Fill, Keyed
from stateviz.playing.player import Player
from stateviz.playing.scene import Pick, Scene
from stateviz.playing.theme import INK
from stateviz.recording import ORIGINS, LayerRecording, Origin, Recording
from stateviz.scenes import batches, choosing
from stateviz.scenes.naming import began, sign_of, told_apart
from stateviz.scenes.timing import Timing

_USUAL_MS = 400
_MOST_MOVING = 60  # batches; in a longer run the state would only hurry
# Pixels of CSS: over the level, its height, under it; beside it; and where the counts are.
_TOP, _HIGH, _UNDER, _LEFT, _RIGHT, _LEGEND_BELOW = 52.0, 190.0, 96.0, 46.0, 24.0, 74.0


def play_resets(
    recording: Recording,
    *,
    layer: str | None = None,
    unit: int | None = None,
    interval_ms: int | None = None,
) -> Player:
    """Plays a whole run, batch after batch: where states are kept, zeroed, given or altered.

    The level is the size of the state (`stateviz.drawing.timeline.state_size`), or the state of one
    unit in the first sample. A shape at the start of each batch says how its states began; brackets
    name the phases and epochs. A click on a batch opens it as `stateviz.play_batches` plays it.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.
        unit: The unit whose state is the level, 0-based; the size of the state where None.
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
    first = choosing.one_layer(recording, layer)
    played = choosing.layers_with_batches(recording)
    if unit is not None:
        choosing.check_place("unit", unit, len(_units(first)), first.name)
    return Player(
        partial(_chosen_scene, recording, played),
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
    symbol = name_state(of.batches[0].state_names[-1])[0]
    line, opened = choosing.clamp(line, len(units) + 1), choosing.clamp(open, len(of.batches) + 1)
    options = {
        "layer": list(played),
        "line": [
            f"size of {symbol}",
            *(f"unit {each}" for each in units),
        ],
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
    height = 26 / 96 / scene.figure.get_figheight()
    back = scene.figure.add_axes((0.78, 1 - height, 0.22, height))
    back.axis("off")
    write(back, 0.96, 0.5, "← the whole run", ha="right")
    begins, *_ = scene.marks[-1]
    return replace(scene, picks=[Pick(back, "open", "x", 0)], begins=begins)


def _units(layer: LayerRecording) -> list[str]:
    """The units of the state whose size is drawn: of c where there is one, else of h."""
    first = layer.batches[0]
    return choosing.unit_names(first, first.state_names[-1])


def _timing(batches: int) -> Timing:
    """Before each batch's stop the state runs through it, unless there are many."""
    layout = Layout(tuple(range(batches)), (0,) * batches, batches, 1, 0, 1.0, _HIGH)
    return Timing(layout, moves=batches <= _MOST_MOVING, usual_ms=_USUAL_MS)


class _Picture:
    """All batches of a layer on one axis.

    Args:
        recording: The recording that the layer is from.
        layer: The layer.
        unit: The unit whose state is the level, 0-based; the size of the state where None.
    """

    def __init__(self, recording: Recording, layer: LayerRecording, unit: int | None) -> None:
        self.layer, self.unit = layer, unit
        self.places = told_apart(layer.batches)
        self.symbol = name_state(layer.batches[0].state_names[-1])[0]
        number = None if unit is None else _units(layer)[unit]
        self.what = f"size of {self.symbol}" if unit is None else f"{self.symbol} of unit {number}"
        how = "stateful" if layer.stateful else "stateless"
        self.title = f"{self.what} in the whole run · {layer.name} ({how} {layer.kind})"
        height = _TOP + _HIGH + _UNDER
        self.figure = Figure(figsize=(WIDTH / 96, height / 96), dpi=100)
        self.ax = self.figure.add_axes((0, 0, 1, 1))
        self.image = timeline.draw_level(self.ax, layer, unit=unit)
        labels = [label.get_window_extent().width for label in self.ax.get_yticklabels()]
        left = max(_LEFT, 8 + 96 / self.figure.dpi * max(labels))
        wide = self.wide = WIDTH - left - _RIGHT
        self.ax.set_position((left / WIDTH, _UNDER / height, wide / WIDTH, _HIGH / height))
        self.level: np.ma.MaskedArray = np.ma.asarray(self.image.get_array())
        timeline.draw_phases(self.ax, layer, [batch.call for batch in layer.batches], wide)
        room = {"width": wide, "height": _HIGH}
        self.signs = timeline.draw_origins(self.ax, recording, layer, **room)
        timeline.number_batches(self.ax, layer, **room)
        self.timing = _timing(len(layer.batches))
        self.each: int = self.level.shape[1] // len(layer.batches)  # columns a batch
        [self.head] = self.ax.plot([], [], linestyle="None", marker="o", markersize=10 * POINTS,
                                   color=INK, zorder=6, clip_on=False)  # fmt: skip
        self.counted = [timeline.origins_of(batch) for batch in layer.batches]
        self.legend = self._draw_legend()

    def _draw_legend(self) -> dict[Origin, tuple[Line2D, Text]]:
        """The origins that occur, each with its sign; how often is said as it is reached."""
        found = [origin for origin in ORIGINS if any(origin in each for each in self.counted)]
        legend: dict[Origin, tuple[Line2D, Text]] = {}
        low, high = self.ax.get_ylim()
        y = low - _LEGEND_BELOW / _HIGH * (high - low)
        pixel = len(self.counted) / self.wide
        x = -0.5 + 6 * pixel
        for origin in found:
            [drawn] = self.ax.plot([x], [y], **sign(origin, 11))
            text = write(self.ax, x + 13 * pixel, y, "")
            legend[origin] = drawn, text
            most = f"{sum(origin in each for each in self.counted):,} {origin}"
            x += (LETTER * len(most) + 44) * pixel
        return legend

    def parts(self) -> list[Declared]:
        """The level, which fills, the signs, and what is counted."""
        timing, level = self.timing, self.level
        frames = range(timing.n_frames)
        filled = [self._filled(frame) for frame in frames]
        parts: list[Declared] = [Fill(self.image, [level], filled)]
        parts += [
            Appear(signs, timing.first[place]) for place, signs in enumerate(self.signs) if signs
        ]
        parts.append(Keyed([self.head], frames, lambda frame, _: self._show_head(frame)))
        counted = [artist for each in self.legend.values() for artist in each]
        reached = [timing.at(frame).place for frame in frames]
        parts.append(Keyed(counted, reached, lambda frame, _: self._count(reached[frame])))
        return parts

    def _passed(self, frame: int) -> tuple[int, float]:
        """The place of the batch that runs, and how much of it has been run."""
        moment = self.timing.at(frame)
        return moment.place, 1.0 if moment.part is None else moment.part

    def _filled(self, frame: int) -> int:
        """How many columns of the level are filled."""
        place, part = self._passed(frame)
        return place * self.each + max(1, round(part * self.each))

    def _show_head(self, frame: int) -> None:
        """Puts the point where the state has come to, at a height that was recorded."""
        value = self.level[0, self._filled(frame) - 1]
        self.head.set_visible(not np.ma.is_masked(value))
        self.head.set_data([sum(self._passed(frame)) - 0.5], [float(np.ma.filled(value, 0))])

    def _count(self, place: int) -> None:
        for origin, (drawn, text) in self.legend.items():
            count = sum(origin in each for each in self.counted[: place + 1])
            text.set_text(f"{count:,} {origin}")
            drawn.set_visible(count > 0)
            text.set_visible(count > 0)

    def describe(self, frame: int) -> str:
        """The batch in words and numbers."""
        place = self.timing.at(frame).place
        batch = self.layer.batches[place]
        size = timeline.state_size(batch, unit=self.unit)
        origin = "carried over" if batch.origin == "carried" else batch.origin
        source = f" ({began(batch)})" if origin == "mixed" else ""
        left_by = batch.came_from
        if left_by is not None and (
            left_by != place - 1 or self.layer.batches[left_by].phase != batch.phase
        ):
            source = f" from {self.places[left_by]}"
        return (
            f"{self.places[place]}: {origin}{source}   {self.what} {size[0]:.3f} → {size[-1]:.3f}"
        )

    def scene(self, options: dict[str, list[str]], chosen: dict[str, int]) -> Scene:
        """The scene, with what can be chosen and what of it is shown; "open" opens a batch."""
        batches = self.layer.batches
        runs = [(batch.phase, batch.epoch, batch.call) for batch in batches]
        new = [place for place, run in enumerate(runs) if not place or run != runs[place - 1]]
        return Scene(
            self.figure,
            self.timing.n_frames,
            describe=self.describe,
            marks=[
                (self.timing.stops[place] if place else 0, self.places[place],
                 sign_of(batches[place]))
                for place in new
            ],
            parts=self.parts(),
            stops=self.timing.stops,
            hover={self.image: f"#{{x}}: {self.what} {{value:.3f}}"},
            title=self.title,
            sentence="{line} · {layer} · {open}",
            pace=self.timing.pace,
            options=options,
            chosen=chosen,
            picks=[Pick(self.ax, "open", "x", -1.5)],
        )  # fmt: skip
