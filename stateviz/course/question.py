"""The question of 2017 as a moving picture: its two readings side by side, and no answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from stateviz.drawing.lanes import WIDTH, limits_of
from stateviz.playing.artists import Threads
from stateviz.playing.player import Player
from stateviz.playing.scene import Pace, Scene
from stateviz.playing.theme import INK_MAP, color

_FRAMES_OF_A_BATCH = 20
_FONT = 12.5
_SEQUENCES_MARKED = 12  # of those in a batch, at their ends
_SEQUENCE, _BATCH = color("given"), color("fresh")


def play_question(X: np.ndarray, batch_size: int) -> Player:
    """Plays one epoch over the data: what "after each sequence" counts, and "after each batch".

    Args:
        X: The data, shape (samples, timesteps, features).
        batch_size: The rows of a batch.

    Returns:
        A `Player` with a stop before the first batch and one after each.
    """
    picture = _Picture(X, batch_size)
    return Player.of(lambda **_: picture.scene())


class _Picture:
    """The data in their batches, and two counts.

    Args:
        X: The data, shape (samples, timesteps, features).
        batch_size: The rows of a batch.
    """

    def __init__(self, X: np.ndarray, batch_size: int) -> None:
        self.samples, self.timesteps = X.shape[:2]
        self.starts = range(0, self.samples, batch_size)
        self._ends = [*self.starts, self.samples]  # after how many batches how many sequences
        self.figure = Figure(figsize=(WIDTH / 96, 3.6), dpi=100)
        ax = self.figure.add_axes((0.02, 0.03, 0.96, 0.94))
        ax.set_xlim(0, len(self.starts))
        ax.set_ylim(-0.55, 1.75)
        ax.autoscale(False)  # an image would take the limits for itself
        ax.axis("off")
        limits = limits_of(np.ma.array(X[..., 0]))
        self.blocks = []
        for place, start in enumerate(self.starts):
            rows = X[start : start + batch_size, :, 0]
            extent = (place + 0.06, place + 0.94, 0, 1)
            block = Threads(ax, INK_MAP, *limits, extent=extent, alpha=0.25)
            block.set_data(rows)
            self.blocks.append(block)
            words = f"batch {place}\n{len(rows):,} sequences"
            ax.text(place + 0.5, 1.04, words, ha="center", va="bottom", fontsize=_FONT - 2)
        self.words = [
            ax.text(0.06, y, "", color=color, fontsize=_FONT, weight="bold", va="center")
            for y, color in ((1.5, _SEQUENCE), (-0.3, _BATCH))
        ]
        [self.cursor] = ax.plot([0, 0], [-0.04, 1.04], color="black", linewidth=2.5)
        look: dict[str, Any] = {"linestyle": "None", "clip_on": False}
        [self.by_sequence] = ax.plot([], [], marker="<", markersize=7, color=_SEQUENCE, **look)
        [self.by_batch] = ax.plot([], [], marker="^", markersize=12, color=_BATCH, **look)

    def _at(self, frame: int) -> tuple[int, float]:
        """How many batches are done, and the part of the next one that has passed."""
        done, passed = divmod(frame, _FRAMES_OF_A_BATCH)
        return done, passed / _FRAMES_OF_A_BATCH

    def update(self, frame: int) -> list[Artist]:
        """Shows what is read, and both counts so far."""
        done, part = self._at(frame)
        for place, block in enumerate(self.blocks):
            block.set_alpha(1.0 if place < done or (place == done and part > 0) else 0.25)
        self.cursor.set_visible(part > 0)
        self.cursor.set_xdata([done + 0.06 + 0.88 * part] * 2)
        rows = np.linspace(0.03, 0.97, _SEQUENCES_MARKED)
        ends = np.arange(done) + 0.97
        self.by_sequence.set_data(np.repeat(ends, len(rows)), np.tile(rows, done))
        self.by_batch.set_data(ends - 0.03, [-0.08] * done)
        for text, words in zip(self.words, self._said(done), strict=True):
            text.set_text(words)
        return [*self.blocks, self.cursor, self.by_sequence, self.by_batch, *self.words]

    def _said(self, done: int) -> tuple[str, str]:
        return (
            f"a reset after each sequence?   {self._ends[done]:,} so far",
            f"a reset after each batch?   {done} so far",
        )

    def describe(self, frame: int) -> str:
        """Both counts in words."""
        done, _ = self._at(frame)
        return f"{done} of {len(self.starts)} batches read: {self._ends[done]:,} sequences"

    def scene(self) -> Scene:
        """The scene."""
        count = len(self.starts)
        return Scene(
            self.figure,
            self.update,
            count * _FRAMES_OF_A_BATCH + 1,
            describe=self.describe,
            title=f"{self.samples:,} or {count}?",
            stops=range(0, count * _FRAMES_OF_A_BATCH + 1, _FRAMES_OF_A_BATCH),
            pace=Pace(500, 1_500 / _FRAMES_OF_A_BATCH),
        )
