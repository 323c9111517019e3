"""What a scene can declare of its artists, so that nobody has to walk all frames to find it.

Each declares when its artists can look different from the frame before, and `show` sets them for
any frame and any option of the choice that is made in the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D


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
class Part:
    """Artists that move in a stretch of frames, and stand still before and after it.

    Attributes:
        artists: The artists.
        first: The first frame of the stretch.
        last: The last.
        move: Sets them for a frame of the stretch.
    """

    artists: Sequence[Artist]
    first: int
    last: int
    move: Callable[[int], None]

    def changes(self, n_frames: int) -> Iterable[int]:
        """All frames of the stretch."""
        return range(self.first, min(self.last + 1, n_frames))

    def show(self, frame: int, option: int) -> None:
        """Sets the artists as they are in the frame of the stretch that is nearest."""
        self.move(min(max(frame, self.first), self.last))


def appearing(artists: Sequence[Artist], first: int) -> Part:
    """Artists that come at a frame and stay."""

    def move(frame: int) -> None:
        for artist in artists:
            artist.set_visible(frame >= first)

    return Part(artists, max(first - 1, 0), first, move)


def standing_still(artists: Sequence[Artist]) -> Part:
    """Artists that belong under or between those that move, and never change."""
    return Part(artists, 0, 0, lambda _: None)


@dataclass(frozen=True)
class Fill:
    """An image that fills in from the left.

    Attributes:
        image: The image.
        values: All its values at the end, shape (rows, columns).
        columns: For each frame how many columns are shown, which never become fewer.
    """

    image: AxesImage
    values: np.ma.MaskedArray
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
        mask = np.ma.getmaskarray(self.values).copy()
        mask[:, self.columns[frame] :] = True
        self.image.set_data(np.ma.array(np.ma.getdata(self.values), mask=mask))


@dataclass(frozen=True)
class Grow:
    """A line that grows at its end.

    Attributes:
        line: The line.
        wholes: All its points at the end, x and y, for each option of the choice that is made in
            the page; one for all options where it is the same for each.
        points: For each frame how many points are shown, which never become fewer.
    """

    line: Line2D
    wholes: Sequence[tuple[np.ndarray, np.ndarray]]
    points: Sequence[int]

    @property
    def artists(self) -> Sequence[Artist]:
        """The line."""
        return [self.line]

    def changes(self, n_frames: int) -> Iterable[int]:
        """Where a point is added."""
        return _where_more(self.points[:n_frames])

    def show(self, frame: int, option: int) -> None:
        """Leaves out the points that are not reached yet."""
        x, y = self.wholes[option if len(self.wholes) > 1 else 0]
        shown = self.points[frame]
        self.line.set_data(x[:shown], y[:shown])


def _where_more(counts: Sequence[int]) -> list[int]:
    """The frames at which a count is another one than before."""
    found: list[int] = np.flatnonzero(np.diff(np.asarray(counts), prepend=-1)).tolist()
    return found
