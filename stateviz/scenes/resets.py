"""The scene of a whole run: where states are kept, zeroed, given or altered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stateviz.drawing import timeline
from stateviz.drawing.sample import name_state
from stateviz.playing.pace import pace
from stateviz.playing.player import Player
from stateviz.playing.scene import Pick, Scene
from stateviz.recording import ORIGINS, LayerRecording, Origin, Recording
from stateviz.recording.history import history_of
from stateviz.scenes import batches
from stateviz.scenes.choosing import (
    check_place,
    clamp,
    layers_with_batches,
    one_layer,
    unit_names,
)
from stateviz.scenes.furniture import FONT, LEFT, WIDTH, explain_markers, headline
from stateviz.scenes.naming import told_apart

_USUAL_MS = 400


def play_resets(
    recording: Recording,
    *,
    layer: str | None = None,
    unit: int | None = None,
    interval_ms: int | None = None,
) -> Player:
    """Plays a whole run, batch after batch: where states are kept, zeroed, given or altered.

    The line is the size of the state (see `stateviz.timeline.state_size`), or the state of one unit
    in the first sample. A marker at the start of each batch says how its states began, and bands
    name the phases and epochs. A click on a batch opens it as `stateviz.play_batches` plays it.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.
        unit: The unit whose state is the line, 0-based; the size of the state where None.
        interval_ms: How long a frame stands, in milliseconds; where None, so that a short run lasts
            for some seconds and a long one is over within a minute.

    Returns:
        A `Player` with a frame for each batch that was kept, and a mark at each new phase or epoch.

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
    """One batch of the run, after the one before it."""
    places = range(max(place - 1, 0), place + 1)
    state = layer.batches[place].state_names[-1]
    return batches.scene(recording, layer, places, state, unit, options=options, chosen=chosen)


def _units(layer: LayerRecording) -> list[str]:
    """The units of the state whose size is drawn: of c where there is one, else of h."""
    first = layer.batches[0]
    return unit_names(first, first.state_names[-1])


def _calls(recording: Recording, layer: LayerRecording) -> list[int | None]:
    """In which of the user's calls each batch ran."""
    of = {event.record: event.call for event in history_of(layer, recording.events)}
    return [of.get(batch.index) for batch in layer.batches]


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
        self.calls = _calls(recording, layer)
        self.bands = timeline.draw_phases(self.ax, layer, self.calls)
        self.line = timeline.draw_state_size(self.ax, layer, last=0, unit=unit)
        timeline.draw_reset_calls(self.ax, recording, layer)
        self.markers = timeline.draw_beginnings(self.ax, layer, last=0, unit=unit)
        self._label(self.ax)
        # All five, so that the legend tells nothing of what will come.
        words: dict[Origin, str] = {origin: origin for origin in ORIGINS}
        explain_markers(self.figure, words, at=(LEFT, 0.03), loc="lower left")
        self.x, self.y, self.ends = timeline.size_line(layer, unit=unit)
        self.began = {
            origin: timeline.beginnings(layer, origin, unit=unit) for origin in self.markers
        }

    def _label(self, ax: Axes) -> None:
        unit, symbol = self.unit, self.symbol
        ax.set_xlabel("batch", fontsize=FONT)
        mean = f"mean size of {symbol}"
        words = mean if unit is None else f"{symbol} of unit {self.number}, first sample"
        ax.set_ylabel(words, fontsize=FONT)
        ax.tick_params(labelsize=FONT)
        ax.set_facecolor("none")
        ax.spines[["top", "right"]].set_visible(False)

    def update(self, frame: int) -> list[Artist]:
        """Shows the run up to and with a batch."""
        end = self.ends[frame]
        self.line.set_data(self.x[:end], self.y[:end])
        for origin, marker in self.markers.items():
            starts, sizes = self.began[origin]
            shown = int(np.searchsorted(starts, frame, side="right"))
            marker.set_data(starts[:shown], sizes[:shown])
        # The bands do not move, but belong under the data.
        return [*self.bands, self.line, *self.markers.values()]

    def describe(self, frame: int) -> str:
        """The batch in words and numbers."""
        batch = self.layer.batches[frame]
        size = timeline.state_size(batch, unit=self.unit)
        origin = "carried over" if batch.origin == "carried" else batch.origin
        source = ""
        if batch.came_from is not None and batch.came_from != frame - 1:
            source = f" from {self.places[batch.came_from]}"
        elif batch.origin == "altered" and batch.came_from is not None:
            source = f" by {self.places[batch.came_from]}"
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
            self.update,
            len(runs),
            describe=self.describe,
            marks=[(place, self.places[place]) for place in new],
            hover=self._hover(),
            title=self.title,
            pace=pace(len(runs), usual_ms=_USUAL_MS),
            options=options,
            chosen=chosen,
            picks=[Pick(self.ax, "open", "x", -1)],
        )
