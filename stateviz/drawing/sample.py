"""One sample of a batch: its states, their names, and the timesteps at which they are held."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stateviz.drawing import write
from stateviz.playing.theme import soft
from stateviz.recording import BatchRecord, StateName

_NAMES: dict[StateName, tuple[str, str]] = {
    "hidden": ("h", "hidden state"),
    "cell": ("c", "cell state"),
}


def name_state(state: StateName) -> tuple[str, str]:
    """The symbol and the name of "hidden" or "cell"."""
    return _NAMES[state]


def states_of(batch: BatchRecord, state: StateName, sample: int) -> tuple[np.ndarray, np.ndarray]:
    """One sample's initial state, shape (units,), and states, shape (timesteps, units)."""
    held = batch.state(state)
    return held.initial[sample], held.after[sample]


def trace_of(batch: BatchRecord, state: StateName, sample: int, unit: int) -> np.ndarray:
    """One unit's initial state and its states, shape (timesteps + 1,).

    All nan where the state has no such unit.
    """
    initial, states = states_of(batch, state, sample)
    if unit >= len(initial):
        return np.full(batch.timesteps + 1, np.nan)
    return np.concatenate([initial[[unit]], states[:, unit]])


def data_timestep(batch: BatchRecord, place: int) -> int:
    """The timestep of the data that the layer read at a place, both 0-based."""
    return batch.timesteps - 1 - place if batch.go_backwards else place


def draw_held(ax: Axes, batch: BatchRecord, *, sample: int, first: int = 0) -> list[Artist]:
    """Hatches the masked timesteps, and says at each run of them that the state is held.

    Args:
        ax: The axes.
        batch: The batch.
        sample: The row among the samples that were kept, 0-based.
        first: Where on the axis the first timestep that was read stands.
    """
    if batch.mask is None:
        return []
    masked = np.flatnonzero(~batch.mask[sample])
    runs = np.split(masked, np.flatnonzero(np.diff(masked) > 1) + 1) if len(masked) else []
    drawn: list[Artist] = []
    for run in runs:
        ends = first + run[0] - 0.5, first + run[-1] + 0.5
        look: dict[str, Any] = {"facecolor": "none", "edgecolor": soft(0.5), "hatch": "///"}
        drawn.append(ax.axvspan(*ends, linewidth=0, **look))
        under: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "va": "bottom"}
        drawn.append(write(ax, sum(ends) / 2, 0.04, "held", ha="center", weight="bold", **under))
    return drawn
