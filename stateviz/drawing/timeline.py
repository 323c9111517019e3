"""Pictures of a whole run on one axis: each batch of a layer has the room from i to i + 1.

The size of the state is a level that fills and empties. Where a batch begins, a shape says how its
states began, as between the lanes of `handover.py`: a wall for a reset, a rift for what was
altered, a sign for each under it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stateviz.drawing import FONT, POINTS, draw_box, write, written
from stateviz.drawing.finite import mark_spans
from stateviz.drawing.flat import flat
from stateviz.drawing.lanes import LETTER, fitting
from stateviz.drawing.signs import rift, sign
from stateviz.playing.artists import OneRow
from stateviz.playing.theme import LEVEL_MAP, color, soft
from stateviz.recording import ORIGINS, BatchRecord, LayerRecording, Origin, Recording

_MOST_COLUMNS = 6000
SIGNS_BELOW, NUMBERS_BELOW = 22.0, 42.0  # pixels of CSS under the level
_SIGN = 11.0  # pixels of CSS


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


def level_of(layer: LayerRecording, *, unit: int | None = None) -> np.ma.MaskedArray:
    """`state_size` over the whole run, shape (1, columns): as many columns for each batch."""
    longest = max(batch.timesteps for batch in layer.batches) + 1
    each = max(2, min(longest, _MOST_COLUMNS // len(layer.batches)))
    columns = []
    for batch in layer.batches:
        size = state_size(batch, unit=unit)
        columns.append(size[np.linspace(0, len(size) - 1, each).round().astype(int)])
    return np.ma.masked_invalid(np.concatenate(columns)[np.newaxis])


def draw_level(ax: Axes, layer: LayerRecording, *, unit: int | None = None) -> OneRow:
    """Draws the size of the state, or one unit, as an area over the run, and its scale."""
    level = level_of(layer, unit=unit)
    count = len(layer.batches)
    low, high = float(level.min()) if level.count() else 0.0, 1.18 * float(np.abs(level).max() or 1)
    ax.set_xlim(-0.5, count - 0.5)
    ax.set_ylim(0 if low >= 0 else -high, high)
    ax.autoscale(False)
    image = OneRow(ax, LEVEL_MAP, -high, high, extent=(-0.5, count - 0.5, -high, high), zorder=1)
    image.set_data(level)
    sizes = [state_size(batch, unit=unit).sum() for batch in layer.batches]
    mark_spans(ax, np.array(sizes), starts=np.arange(len(sizes)) - 0.5, width=1)
    ax.set_facecolor("none")
    ax.spines[:].set_visible(False)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0, labelsize=FONT, labelcolor=soft(0.66))
    ax.locator_params(axis="y", nbins=5)
    ax.yaxis.set_major_formatter(lambda value, _: written(value, ".4g"))
    for value in ax.get_yticks():
        if ax.get_ylim()[0] <= value <= high:
            strength = 0.3 if value == 0 else 0.1
            ax.axhline(value, color=soft(strength), linewidth=POINTS, zorder=0.5)
    return image


def draw_phases(ax: Axes, layer: LayerRecording, calls: Sequence[int | None], width: float) -> None:
    """Draws over the level a bracket for each phase and epoch, with its name where there is room.

    Args:
        ax: The axes.
        layer: The layer.
        calls: For each batch in which of the user's calls it ran, where that is known: the second
            `fit` is then named as such.
        width: The width of the axes, in pixels of CSS.
    """
    each = width / len(layer.batches)
    runs = groupby(
        enumerate(zip(layer.batches, calls, strict=True)),
        key=lambda each: (each[1][0].phase, each[1][0].epoch, each[1][1]),
    )
    of_phase: dict[str, list[int | None]] = {}
    for (phase, epoch, call), group in runs:
        numbers = [number for number, _ in group]
        known = of_phase.setdefault(phase or "?", [])
        known += [call] * (call not in known)
        again = known.index(call) + 1 if call is not None and phase != "validation" else 1
        left, count = numbers[0] - 0.5, len(numbers)
        strong = phase == "fit"
        over: dict[str, Any] = {"transform": ax.get_xaxis_transform()}
        bracket = left + min(2 / each, 0.2), 1.03, count - min(4 / each, 0.4), 0.022
        draw_box(ax, *bracket, facecolor=soft(0.55 if strong else 0.2), **over)
        name = phase or "?"
        words = name if again == 1 else f"{name} #{again}"
        words += "" if epoch is None else f"{',' * (again > 1)} {epoch}"
        labels = words, name[:3] + words[len(name) :], "" if epoch is None else str(epoch)
        over |= {"ha": "center", "va": "bottom", "color": soft(1 if strong else 0.66)}
        write(ax, left + count / 2, 1.08, fitting(count * each / LETTER, *labels), **over)


def origins_of(batch: BatchRecord) -> list[Origin]:
    """How rows of a batch began, each origin once."""
    found = {start.origin for start in batch.starts}
    return [origin for origin in ORIGINS if origin in found]


def draw_origins(
    ax: Axes, recording: Recording, layer: LayerRecording, *, width: float, height: float
) -> list[list[Artist]]:
    """Draws where each batch begins how its states did so.

    Args:
        ax: The axes of the level.
        recording: The recording that the layer is from.
        layer: The layer.
        width, height: The size of the axes, in pixels of CSS.

    Returns:
        What was drawn of each batch.
    """
    each = width / len(layer.batches)
    low, high = ax.get_ylim()
    below = low - SIGNS_BELOW / height * (high - low)
    size = min(_SIGN, max(3.0, 0.8 * each))
    resets = _places_of_calls(recording, layer)
    drawn: list[list[Artist]] = []
    for place, batch in enumerate(layer.batches):
        origins, x = origins_of(batch), place - 0.5
        artists: list[Artist] = []
        if "reset" in origins and (place or 0 in resets):  # the first zeros are those of the build
            wide = min(6, 0.5 * each) / each
            look: dict[str, Any] = {"facecolor": color("reset"), "zorder": 4}
            artists.append(draw_box(ax, x - wide / 2, low, wide, high - low, **look))
        if "altered" in origins:
            artists += rift(ax, x, min(4, 0.3 * each) / each, np.linspace(low, high, 15), 4)
        for row, origin in enumerate(origins):
            y = below - 15 * row / height * (high - low)
            artists += ax.plot([x], [y], zorder=5, label=origin, **sign(origin, size))
        if place in resets and each * (len(layer.batches) - place) > LETTER * 14:
            artists.append(write(ax, x + 6 / each, high, "reset_state()", va="top", zorder=6))
        drawn.append(artists)
    return drawn


def _places_of_calls(recording: Recording, layer: LayerRecording) -> set[int]:
    """The batches before which `reset_state` was called; also the place after the last."""
    found, place = set(), 0
    for event in recording.events:
        if event.layer != layer.name:
            continue
        if isinstance(event, BatchRecord):
            place = event.index + 1
        if event.kind == "reset_state":
            found.add(place)
    return found


def number_batches(ax: Axes, layer: LayerRecording, *, width: float, height: float) -> None:
    """Writes under the level the number of each batch, or of every n-th where there are many."""
    each = width / len(layer.batches)
    low, high = ax.get_ylim()
    y = low - NUMBERS_BELOW / height * (high - low)
    numbers = [batch.index if batch.batch is None else batch.batch for batch in layer.batches]
    step = -(-LETTER * (len(str(max(numbers))) + 1) // each)
    for place in range(0, len(numbers), int(step)):
        write(ax, place, y, str(numbers[place]), ha="center", color=soft(0.66))
