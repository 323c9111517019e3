"""What a scene can declare of its artists, so that nobody has to walk all frames to find it.

Each declares when its artists can look different from the frame before, and `show` sets them for
any frame and any option of the choice that is made in the page.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle


class Declared(Protocol):
    """Some artists, and the frames at which they change."""

    @property
    def artists(self) -> Sequence[Artist]:
        """The artists; no other part of the scene changes them."""

    def changes(self, n_frames: int) -> Iterable[int]:
        """The frames at which they can look different from the frame before, from 0 on."""

    def show(self, frame: int, option: int) -> None:
        """Sets the artists for a frame and an option of the choice that is made in the page."""


@dataclass(frozen=True)
class Appear:
    """Artists that come at a frame and stay.

    Attributes:
        artists: The artists.
        first: The frame; at 0 they stand still, under or between those that move.
    """

    artists: Sequence[Artist]
    first: int = 0

    def changes(self, n_frames: int) -> Iterable[int]:
        """The frame at which they come, and the first."""
        return [0, self.first] if 0 < self.first < n_frames else [0]

    def show(self, frame: int, option: int) -> None:
        """Hides them before they come."""
        for artist in self.artists:
            artist.set_visible(frame >= self.first)


@dataclass(frozen=True)
class Fill:
    """An image that fills in from the left.

    Attributes:
        image: The image.
        wholes: All its values at the end, shape (rows, columns), for each option of the choice
            that is made in the page; one for all options where it is the same for each.
        columns: For each frame how many columns are shown, which never become fewer.
    """

    image: AxesImage
    wholes: Sequence[np.ma.MaskedArray]
    columns: Sequence[int]

    @property
    def artists(self) -> Sequence[Artist]:
        """The image."""
        return [self.image]

    def changes(self, n_frames: int) -> Iterable[int]:
        """Where a column is added."""
        return _where_more(self.columns[:n_frames])

    def show(self, frame: int, option: int) -> None:
        """Leaves out what is not filled in yet."""
        values = self.wholes[option if len(self.wholes) > 1 else 0]
        mask = np.ma.getmaskarray(values).copy()
        mask[:, self.columns[frame] :] = True
        self.image.set_data(np.ma.array(np.ma.getdata(values), mask=mask))


@dataclass(frozen=True)
class Slide:
    """An image, a rectangle or a line that stands at a place of its own in each frame.

    Attributes:
        artist: The artist. A line moves from left to right only.
        boxes: Where it stands in data: left, right, top and bottom, shape (frames, 4); where left
            is NaN it is hidden. Of a line only left counts.
        opacity: Of each frame, shape (frames,); None where it stays as it is.
        values: For an image the columns that it can show, shape (rows, columns).
        columns: For an image which of them each frame shows, shape (frames,).
    """

    artist: AxesImage | Rectangle | Line2D
    boxes: np.ndarray
    opacity: np.ndarray | None = None
    values: np.ma.MaskedArray | None = None
    columns: np.ndarray | None = None

    @property
    def artists(self) -> Sequence[Artist]:
        """The artist."""
        return [self.artist]

    def changes(self, n_frames: int) -> Iterable[int]:
        """Where anything of it differs from the frame before."""
        seen = [self.boxes[:n_frames]]
        seen += [
            each[:n_frames, np.newaxis] for each in (self.opacity, self.columns) if each is not None
        ]
        rows = np.concatenate(seen, axis=1)
        same = (rows[1:] == rows[:-1]) | (np.isnan(rows[1:]) & np.isnan(rows[:-1]))
        found: list[int] = (np.flatnonzero(~same.all(axis=1)) + 1).tolist()
        return [0, *found]

    def show(self, frame: int, option: int) -> None:
        """Puts it where it stands."""
        left, right, top, bottom = self.boxes[frame].tolist()
        artist = self.artist
        artist.set_visible(not np.isnan(left))
        if np.isnan(left):
            return
        if self.opacity is not None:
            artist.set_alpha(float(self.opacity[frame]))
        if isinstance(artist, Rectangle):
            artist.set_bounds(left, top, right - left, bottom - top)
        elif isinstance(artist, Line2D):
            artist.set_xdata([left] * np.size(artist.get_xdata()))
        else:
            if self.values is not None and self.columns is not None:
                column = int(self.columns[frame])
                artist.set_data(self.values[:, column : column + 1])
            artist.set_extent((left, right, bottom, top))


@dataclass(frozen=True)
class Keyed:
    """Artists that are set anew at the frames that differ in their keys.

    Attributes:
        artists: The artists.
        keys: A key for each frame; frames that look the same have the same.
        tell: Sets the artists for a frame and an option of the choice that is made in the page.
    """

    artists: Sequence[Artist]
    keys: Sequence[Hashable]
    tell: Callable[[int, int], None]

    def changes(self, n_frames: int) -> Iterable[int]:
        """Where the key is another one than before."""
        keys = self.keys
        return [at for at in range(n_frames) if not at or keys[at] != keys[at - 1]]

    def show(self, frame: int, option: int) -> None:
        """Sets the artists."""
        self.tell(frame, option)


def _where_more(counts: Sequence[int]) -> list[int]:
    """The frames at which a count is another one than before."""
    found: list[int] = np.flatnonzero(np.diff(np.asarray(counts), prepend=-1)).tolist()
    return found
