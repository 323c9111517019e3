"""What crosses the border of a batch: the state goes forwards through it, the gradient not back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stateviz.drawing.lanes import WIDTH
from stateviz.playing.player import Player
from stateviz.playing.scene import Pace, Scene
from stateviz.playing.theme import color

_STATE, _GRADIENT = color("carried"), color("reset")
_FONT = 11.5
_GAP = 0.3  # between two batches, in timesteps


@dataclass(frozen=True)
class Cut:
    """A sequence that was read in parts, and how far its gradient went.

    Attributes:
        lengths: The timesteps of each part.
        state: The state after each timestep, shape (timesteps,).
        gradient: The derivative of the last state by the input of each timestep, (timesteps,).
    """

    lengths: tuple[int, ...]
    state: np.ndarray
    gradient: np.ndarray


def play_gradient(cuts: Mapping[str, Cut]) -> Player:
    """Plays the way forwards and the way back: which inputs does the gradient of the end reach?

    Args:
        cuts: The same sequence cut in several ways, by their names.

    Returns:
        A `Player`: the state goes from the first timestep to the last, then the gradient of the
        last state goes back, as far as it is not zero.

    Raises:
        ValueError: The cuts have not the same number of timesteps.
    """
    lengths = {sum(cut.lengths) for cut in cuts.values()}
    if len(lengths) != 1:
        raise ValueError(f"All cuts must have as many timesteps; these have {sorted(lengths)}.")
    picture = _Picture(cuts, lengths.pop())
    return Player.of(lambda **_: picture.scene())


class _Row:
    """One cut: cells for the timesteps, a line above them for the state, one under them back.

    Args:
        ax: Where it is drawn.
        y: Its height there.
        name: What stands before it.
        cut: What was measured.
    """

    def __init__(self, ax: Axes, y: float, name: str, cut: Cut) -> None:
        self.cut = cut
        self.x = np.arange(sum(cut.lengths))
        ax.text(-0.9, y, name, ha="right", va="center", fontsize=_FONT)
        self._cells(ax, y)
        look: dict[str, Any] = {"linewidth": 3.0, "solid_capstyle": "butt"}
        [self.forward] = ax.plot([], [], color=_STATE, **look)
        [self.back] = ax.plot([], [], color=_GRADIENT, **look)
        marker: dict[str, Any] = {"linestyle": "None", "markersize": 11, "clip_on": False}
        [self.state] = ax.plot([], [], marker="s", color=_STATE, **marker)
        [self.gradient] = ax.plot([], [], marker="<", color=_GRADIENT, **marker)
        self.y = y
        self.reached = int(np.count_nonzero(cut.gradient))
        self.wall_x = len(self.x) - self.reached - 0.5
        [self.wall] = ax.plot([], [], color="black", linewidth=5.0, solid_capstyle="butt")
        style: dict[str, Any] = {"ha": "left", "va": "center", "weight": "bold"}
        self.number = ax.text(self.x[-1] + 0.9, y, "", fontsize=_FONT, **style)

    def _cells(self, ax: Axes, y: float) -> None:
        self.cells = []
        start = 0
        for length in self.cut.lengths:
            edges = np.linspace(start - 0.5 + _GAP / 2, start + length - 0.5 - _GAP / 2, length + 1)
            for left, right in pairwise(edges.tolist()):
                cell = Rectangle((left, y - 0.2), right - left, 0.4, edgecolor="#767676")
                self.cells.append(ax.add_patch(cell))
            start += length

    def update(self, read: int, gone_back: int) -> list[Artist]:
        """Shows the state after `read` timesteps, and the gradient after so many on its way."""
        steps = len(self.x)
        back = min(gone_back, self.reached)
        above, under = self.y + 0.31, self.y - 0.31
        ahead = self.x[:read]
        self.forward.set_data(ahead, [above] * read)
        self.state.set_data(ahead[-1:], [above] * bool(read))
        behind = self.x[steps - back :]
        self.back.set_data(behind, [under] * back)
        self.gradient.set_data(behind[:1], [under] * bool(back))
        for place, cell in enumerate(self.cells):
            gone = place >= steps - back
            cell.set_facecolor(_GRADIENT if gone else _STATE if place < read else "none")
        stopped = gone_back >= self.reached and self.reached < steps
        height = [self.y - 0.46, self.y + 0.2] if stopped else []
        self.wall.set_data([self.wall_x] * len(height), height)
        self.number.set_text(self._said(read, gone_back))
        return [
            *self.cells,
            self.forward,
            self.state,
            self.back,
            self.gradient,
            self.wall,
            self.number,
        ]

    def _said(self, read: int, gone_back: int) -> str:
        c = f"c = {self.cut.state[read - 1]:g}" if read else ""
        if not gone_back:
            return c
        return f"{c}\n{min(gone_back, self.reached)} of {len(self.x)} inputs"


class _Picture:
    """All cuts under each other.

    Args:
        cuts: What was measured, by name.
        timesteps: How many they all have.
    """

    def __init__(self, cuts: Mapping[str, Cut], timesteps: int) -> None:
        self.timesteps = timesteps
        self.figure = Figure(figsize=(WIDTH / 96, 0.7 + 0.95 * len(cuts)), dpi=100)
        ax = self.figure.add_axes((0.01, 0.01, 0.98, 0.98))
        ax.set_xlim(-0.15 * timesteps, 1.33 * timesteps)
        ax.set_ylim(-0.6, len(cuts) + 0.25)
        ax.autoscale(False)  # an image would take the limits for itself
        ax.axis("off")
        for x, tint, words in (
            (-0.5, _STATE, "■ the state goes forwards"),
            (0.5 * timesteps, _GRADIENT, "◄ the gradient of the last c comes back"),
        ):
            ax.text(x, len(cuts) - 0.1, words, color=tint, fontsize=_FONT, weight="bold")
        self.rows = [
            _Row(ax, len(cuts) - 1 - place, name, cut)
            for place, (name, cut) in enumerate(cuts.items())
        ]
        self.names = list(cuts)

    def update(self, frame: int) -> list[Artist]:
        """Shows how far both have come."""
        read, back = min(frame, self.timesteps), max(0, frame - self.timesteps)
        return [artist for row in self.rows for artist in row.update(read, back)]

    def describe(self, frame: int) -> str:
        """How far both have come, in words."""
        if frame < self.timesteps:
            return f"{frame} of {self.timesteps} timesteps read"
        if frame == self.timesteps:
            return f"all {self.timesteps} timesteps read: the state has crossed each border"
        back = frame - self.timesteps
        reached = ", ".join(
            f"{name}: {min(back, row.reached)}"
            for name, row in zip(self.names, self.rows, strict=True)
        )
        return f"inputs that the gradient has reached: {reached}"

    def scene(self) -> Scene:
        """The scene."""
        return Scene(
            self.figure,
            self.update,
            2 * self.timesteps + 1,
            describe=self.describe,
            title="Which inputs does the gradient reach?",
            pace=Pace(350, 350),
        )
