"""A scene with an artist of each kind that the player plays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stateviz.playing.artists import Areas
from stateviz.playing.moving import Keyed
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from stateviz.playing.theme import STATE_MAP

N_FRAMES = 5
VALUES = np.random.default_rng(0).normal(size=(3, N_FRAMES))
WIDTH, HEIGHT = 432.0, 288.0  # points


def each_frame(
    figure: Figure,
    artists: Sequence[Artist],
    n_frames: int,
    show: Callable[[int], None],
    *,
    interval_ms: int | None = None,
    **words: Any,
) -> Player:
    """Plays artists that `show` sets anew for each frame."""
    parts = [Keyed(artists, range(n_frames), lambda frame, _: show(frame))]
    given: dict[str, Any] = {"describe": str, "parts": parts} | words
    scene = Scene(figure, n_frames, **given)
    return Player(lambda: scene, interval_ms=interval_ms)


class AllKinds:
    """A figure with one artist of each kind, all of which change."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
        self.figure.set_dpi(150)
        left, right = self.figure.subplots(1, 2)
        left.set(xlim=(-3, N_FRAMES - 0.5), ylim=(2.5, -0.5))
        extent = (-0.5, N_FRAMES - 0.5, 2.5, -0.5)
        self.image = Areas(left, STATE_MAP, -2, 2, extent=extent)
        self.image.set_data(np.ma.array(VALUES, mask=True))
        self.second = Areas(left, STATE_MAP, -2, 2, extent=(-3, -2, 2.5, -0.5))
        self.second.set_data(np.zeros((3, 1)))
        right.set(xlim=(0, N_FRAMES), ylim=(0, N_FRAMES))
        [self.line] = right.plot([], [], "s--", color="tab:blue")
        self.cursor = right.axvline(0, color="black", alpha=0.5)
        self.text = right.text(1, 4, "", ha="right", va="top", weight="bold")
        self.box = right.add_patch(Rectangle((0, 0), 0, 1, facecolor=(1, 0, 0, 0.25)))

    def show(self, frame: int) -> None:
        shown = np.ma.array(VALUES, mask=np.zeros(VALUES.shape, bool))
        shown[:, frame + 1 :] = np.ma.masked
        self.image.set_data(shown)
        self.line.set_data(range(frame + 1), range(frame + 1))
        self.cursor.set_xdata([frame, frame])
        self.text.set_text(f"frame <{frame}>")
        self.box.set_width(frame)
        self.box.set_visible(frame != 2)

    def player(self, **options: Any) -> Player:
        artists = [self.image, self.second, self.line, self.cursor, self.text, self.box]
        words: dict[str, Any] = {"describe": lambda frame: f"t = {frame}", "title": "All kinds"}
        return each_frame(self.figure, artists, N_FRAMES, self.show, **words | options)
