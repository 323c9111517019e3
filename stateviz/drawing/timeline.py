"""Pictures of a whole run on one axis: each batch of a layer has the room from i to i + 1.

Each function takes an axes first and returns what it drew. `last` is the place of the last batch
that is shown; None shows all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from stateviz.drawing import FONT
from stateviz.drawing.finite import finite, mark_spans
from stateviz.drawing.flat import flat
from stateviz.recording import ORIGINS, BatchRecord, LayerRecording, Origin, Recording

_COLORS = [mpl.colors.to_hex(color) for color in mpl.color_sequences["okabe_ito"]]
LINE_COLOR = _COLORS[5]  # blue
# Orange and purple are darker than in the palette: each has 3 : 1 on white and on black.
MARKERS: dict[Origin, dict[str, Any]] = {
    "fresh": {"marker": "o", "color": "#b87400"},
    "reset": {"marker": "X", "color": _COLORS[6]},
    "carried": {"marker": ">", "color": _COLORS[3]},
    "given": {"marker": "D", "color": "#b85c92"},
    "altered": {"marker": "^", "color": "black"},
}
_BAND_COLORS = {"fit": (0.5, 0.5, 0.5, 0.16), "validation": (0.9, 0.62, 0.0, 0.28)}
_OTHER_BAND_COLOR = (0.34, 0.71, 0.91, 0.28)
_MAX_POINTS = 6000
# A label needs this part of the axis for each of its letters.
_LETTER = 0.011


def state_size(batch: BatchRecord, *, unit: int | None = None) -> np.ndarray:
    """How large the state is: the Euclidean norm over its units, averaged over the samples.

    Of c where the layer has one, else of h. With `unit` it is that unit's state in the first sample
    instead, which can be negative.

    Returns:
        Before the first and after each timestep, shape (timesteps + 1,).
    """
    batch = flat(batch)
    held = batch.state(batch.state_names[-1])
    whole = np.concatenate([held.initial[:, np.newaxis], held.after], axis=1).astype(float)
    size: np.ndarray
    size = np.linalg.norm(whole, axis=-1).mean(axis=0) if unit is None else whole[0, :, unit]
    return size


def size_line(
    layer: LayerRecording, *, unit: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`state_size` over the whole run, with a gap (nan) after each batch.

    Returns:
        x, y, and how many points belong to the batches up to and with each batch.
    """
    most = max(2, _MAX_POINTS // len(layer.batches))
    xs, ys, ends = [], [], []
    count = 0
    for place, batch in enumerate(layer.batches):
        size = state_size(batch, unit=unit)
        chosen = np.unique(np.linspace(0, len(size) - 1, min(most, len(size))).round().astype(int))
        xs += [*(place + chosen / max(len(size) - 1, 1)), np.nan]
        ys += [*size[chosen], np.nan]
        count += len(chosen) + 1
        ends.append(count)
    return np.array(xs), finite(np.array(ys)), np.array(ends)


def draw_state_size(
    ax: Axes, layer: LayerRecording, *, last: int | None = None, unit: int | None = None
) -> Line2D:
    """Draws the size of the state, or one unit, as a line that breaks between batches."""
    x, y, ends = size_line(layer, unit=unit)
    shown = len(x) if last is None else ends[last]
    [line] = ax.plot(x[:shown], y[:shown], color=LINE_COLOR, linewidth=1.3)
    sizes = [state_size(batch, unit=unit).sum() for batch in layer.batches]
    mark_spans(ax, np.array(sizes), starts=np.arange(len(sizes)), width=1)
    known = y[np.isfinite(y)]
    low, high = float(known.min(initial=0)), float(known.max(initial=0))
    reach = (high - low) or 1.0
    room = 0.012 * len(layer.batches)
    ax.set_xlim(-room, len(layer.batches) + room)
    ax.set_ylim(low - 0.06 * reach, low + 1.12 * reach)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    return line


def draw_beginnings(
    ax: Axes, layer: LayerRecording, *, last: int | None = None, unit: int | None = None
) -> dict[Origin, Line2D]:
    """Marks how each batch's states began, by shape and colour; one line an origin."""
    lines: dict[Origin, Line2D] = {}
    for origin in ORIGINS:
        x, y = beginnings(layer, origin, last=last, unit=unit)
        if not any(origin in _words_of(batch) for batch in layer.batches):
            continue
        [lines[origin]] = ax.plot(x, y, linestyle="None", markersize=6, **MARKERS[origin])
    return lines


def beginnings(
    layer: LayerRecording, origin: Origin, *, last: int | None = None, unit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Where batches with rows of one origin begin, and the size of their initial states."""
    until = len(layer.batches) if last is None else last + 1
    batches = enumerate(layer.batches[:until])
    places = [place for place, batch in batches if origin in _words_of(batch)]
    sizes = [state_size(layer.batches[place], unit=unit)[0] for place in places]
    return np.array(places, float), np.array(sizes, float)


def _words_of(batch: BatchRecord) -> set[Origin]:
    return {start.origin for start in batch.starts}


def draw_phases(
    ax: Axes, layer: LayerRecording, calls: Sequence[int | None] | None = None
) -> list[Rectangle]:
    """Draws a band for each phase and epoch, with its name over it where there is room.

    Args:
        ax: The axes.
        layer: The layer.
        calls: For each batch in which of the user's calls it ran, where that is known: the second
            `fit` is then named as such.
    """
    calls = calls or [None] * len(layer.batches)
    runs = groupby(
        enumerate(zip(layer.batches, calls, strict=True)),
        key=lambda each: (each[1][0].phase, each[1][0].epoch, each[1][1]),
    )
    bands: list[Rectangle] = []
    of_phase: dict[str, list[int | None]] = {}
    for place, ((phase, epoch, call), group) in enumerate(runs):
        numbers = [number for number, _ in group]
        known = of_phase.setdefault(phase or "?", [])
        known += [call] * (call not in known)
        again = known.index(call) + 1 if call is not None and phase != "validation" else 1
        left, width = numbers[0], len(numbers)
        color = _BAND_COLORS.get(phase, _OTHER_BAND_COLOR)
        if phase == "fit" and place % 2:
            color = (*color[:3], color[3] / 3)
        band = Rectangle(
            (left, 0), width, 1, transform=ax.get_xaxis_transform(), color=color, linewidth=0
        )
        ax.add_patch(band)
        bands.append(band)
        name = phase or "?"
        words = name if again == 1 else f"{name} #{again}"
        words += "" if epoch is None else f"{',' * (again > 1)} {epoch}"
        for label in (words, name[:3] + words[len(name) :], "" if epoch is None else str(epoch)):
            if label and _LETTER * len(label) <= width / len(layer.batches):
                ax.text(
                    left + width / 2,
                    1.02,
                    label,
                    transform=ax.get_xaxis_transform(),
                    ha="center",
                    va="bottom",
                    fontsize=FONT,
                )
                break
    return bands


def draw_reset_calls(
    ax: Axes, recording: Recording, layer: LayerRecording
) -> list[tuple[int, list[Artist]]]:
    """Points to where `reset_state` was called, between two batches.

    Returns:
        For each call the place of the batch after it, and what was drawn.
    """
    calls: list[tuple[int, list[Artist]]] = []
    place = 0
    for event in recording.events:
        if event.layer != layer.name:
            continue
        if isinstance(event, BatchRecord):
            place = event.index + 1
        if event.kind == "reset_state":
            line = ax.axvline(place, color="black", linestyle=":", linewidth=1.2)
            word = ax.text(
                place + _LETTER * len(layer.batches),
                0.98,
                "reset_state",
                transform=ax.get_xaxis_transform(),
                rotation=90,
                rotation_mode="anchor",
                ha="right",
                va="top",
                fontsize=FONT,
            )
            calls.append((place, [line, word]))
    return calls
