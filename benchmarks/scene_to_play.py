"""The scene that all ways to play are measured with; the benchmark's notebook imports it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

SAMPLES, UNITS, FRAMES = 10, 16, 100
SIZE = (9.0, 4.5)  # inches, at 100 pixels each


class SceneToPlay:
    """Two heat maps of 10 samples x 16 units that fill in, with a cursor, and a line.

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
            ax.imshow(np.ma.masked_invalid(np.full(shape, np.nan)), aspect="auto", cmap="RdBu_r")
            for ax in axes
        ]
        for image in self.images:
            image.set_clim(-2, 2)
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
        return [*self.images, self.line, *self.cursors]
