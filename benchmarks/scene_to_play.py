"""The scene that all ways to play are measured with; the benchmark's notebook imports it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from stateviz.playing.artists import Areas
from stateviz.playing.moving import Keyed
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from stateviz.playing.theme import STATE_MAP

SAMPLES, UNITS, FRAMES = 10, 16, 100
SIZE = (9.0, 4.5)  # inches, at 100 pixels each


class SceneToPlay:
    """Two charts of 10 samples x 16 units that fill in, with a cursor, and a line.

    Args:
        figure: Where to draw it.
    """

    def __init__(self, figure: Figure) -> None:
        random = np.random.default_rng(0)
        shape = (SAMPLES * UNITS, FRAMES)
        self.c = np.cumsum(random.normal(0, 0.15, shape), axis=1)
        self.states = [np.tanh(self.c), self.c]
        self.figure = figure
        grid = figure.add_gridspec(2, 2, height_ratios=[2, 1])
        axes = [figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])]
        self.images = [
            Areas(ax, STATE_MAP, -2, 2, extent=(-0.5, FRAMES - 0.5, shape[0] - 0.5, -0.5))
            for ax in axes
        ]
        for ax in axes:
            ax.set(xlim=(-0.5, FRAMES - 0.5), ylim=(shape[0] - 0.5, -0.5))
        below = figure.add_subplot(grid[1, :], xlim=(-1, FRAMES), ylim=(-4, 4))
        [self.line] = below.plot([], [])
        self.cursors = [ax.axvline(0, color="black") for ax in (*axes, below)]

    def update(self, frame: int) -> Iterable[Artist]:
        """Shows a frame, and returns what it may have changed."""
        for image, values in zip(self.images, self.states, strict=True):
            image.set_data(np.ma.array(values, mask=np.arange(FRAMES) > frame + 0 * values))
        self.line.set_data(np.arange(frame + 1), self.c[0, : frame + 1])
        for cursor in self.cursors:
            cursor.set_xdata([frame, frame])
        return self.artists

    @property
    def artists(self) -> list[Artist]:
        """What changes."""
        return [*self.images, self.line, *self.cursors]

    def player(self, interval_ms: int | None = None) -> Player:
        """A player of it, which sets all of it anew for each frame."""

        def show(frame: int, _: int) -> None:
            self.update(frame)

        parts = [Keyed(self.artists, range(FRAMES), show)]
        scene = Scene(self.figure, FRAMES, describe=str, parts=parts)
        return Player(lambda: scene, interval_ms=interval_ms)
