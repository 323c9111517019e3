"""What a moving artist holds, frame by frame: a class of track for each kind of artist."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from stateviz.playing.moving import Fill, Slide
from stateviz.playing.stage import Places
from stateviz.playing.style import (
    TRANSPARENT,
    colors_of,
    css_color,
    dashes,
    levels_of,
    marker_outline,
)
from stateviz.playing.theme import dark_table

_Json = Any


class Growing:
    """Keeps arrays of which the next is mostly the last one, grown: only the longest is kept.

    Args:
        lengthens: Whether an array grows by getting longer, or by being filled.
    """

    def __init__(self, *, lengthens: bool) -> None:
        self._fixed_axes = slice(-1 if lengthens else None)
        self.kept: list[np.ndarray] = []
        self._filled: list[int] = []  # how far each is filled
        self._seen: dict[bytes, int] = {}
        self._latest: dict[int, int] = {}  # of each option, the place of its last array

    def place_of(self, option: int, array: np.ndarray, filled: int) -> int:
        """The place of the kept array that begins as this one; `filled` is how far it is filled.

        The last axis of the array is the one that grows.
        """
        for place in (self._latest.get(option), self._seen.get(array.tobytes())):
            if place is None or not self._fit(self.kept[place], array):
                continue
            shared = min(filled, self._filled[place])
            if np.array_equal(array[..., :shared], self.kept[place][..., :shared], equal_nan=True):
                if filled > shared:
                    self.kept[place], self._filled[place] = array, filled
                self._latest[option] = place
                return place
        place = self._latest[option] = len(self.kept)
        self._seen[array.tobytes()] = place
        self.kept.append(array)
        self._filled.append(filled)
        return place

    def _fit(self, one: np.ndarray, other: np.ndarray) -> bool:
        return one.shape[self._fixed_axes] == other.shape[self._fixed_axes]


class Track(ABC):
    """What one artist holds, frame by frame, in the stage's points from its upper left corner.

    Equal states are kept once: `states` holds the distinct ones, `runs` says from which frame on
    which one is shown, for each option of the choice that is made in the page.
    """

    kind: ClassVar[str]

    def __init__(self, artist: Artist, figure: Figure) -> None:
        self.artist = artist
        self.places = Places(figure)
        self.states: list[_Json] = []
        self.runs: dict[int, list[tuple[int, int]]] = {}
        self._seen: dict[str, int] = {}
        clip = artist.axes.bbox if artist.axes is not None and artist.get_clip_on() else None
        self._clip = None if clip is None else self.places.box(clip.get_points())

    @abstractmethod
    def read(self, option: int) -> dict[str, _Json]:
        """The artist's state now, for an option of the choice that is made in the page."""

    def add(self, frame: int, option: int) -> None:
        """Adds the artist's state now as that of an option from a frame on; frames go forwards."""
        state = self.read(option) if self.artist.get_visible() else None
        self._add_state(frame, option, state)

    def _add_state(self, frame: int, option: int, state: _Json) -> None:
        key = json.dumps(state)
        if key not in self._seen:
            self._seen[key] = len(self.states)
            self.states.append(state)
        runs = self.runs.setdefault(option, [])
        if not runs:
            frame = 0
        if not runs or runs[-1][1] != self._seen[key]:
            runs.append((frame, self._seen[key]))

    def slide(self, part: Slide, n_frames: int, option: int) -> None:
        """Adds all frames of an option at once."""
        frames = np.array(list(part.changes(n_frames)))
        shown = frames[~np.isnan(part.boxes[frames, 0])]
        found = dict(zip(shown.tolist(), self._slid(part, shown, option), strict=True))
        for frame in frames.tolist():
            self._add_state(frame, option, found.get(frame))

    def _slid(self, part: Slide, frames: np.ndarray, option: int) -> Iterator[dict[str, _Json]]:
        """Its states at frames at which it is shown."""
        opacity = np.ones(len(frames)) if part.opacity is None else part.opacity[frames]
        looks: dict[float, dict[str, _Json]] = {}
        for frame, each in zip(frames.tolist(), opacity.tolist(), strict=True):
            if each not in looks:
                part.show(frame, option)
                looks[each] = self.read(option)
        moved = self.moved(part, frames, option) if frames.size else []
        for each, state in zip(opacity.tolist(), moved, strict=True):
            yield looks[each] | state

    def moved(self, part: Slide, frames: np.ndarray, option: int) -> Iterable[dict[str, _Json]]:
        """What of its state is another one in each of some frames."""
        raise NotImplementedError(f"A {type(self.artist).__name__} does not slide.")

    def _corners(self, part: Slide, frames: np.ndarray) -> np.ndarray:
        """Left top and right bottom in some frames, in points, shape (frames, 2, 2)."""
        assert self.artist.axes is not None  # what slides stands on an axes
        data = part.boxes[frames][:, [0, 2, 1, 3]].reshape(-1, 2)
        points = self.places.points(self.artist.axes.transData.transform(data))
        return points.reshape(-1, 2, 2)

    def described(self) -> dict[str, _Json]:
        """The track for the page, but for the pixels of images."""
        return {
            "kind": self.kind,
            "clip": self._clip,
            "states": self.states,
            "frames": [[number for run in runs for number in run] for runs in self.runs.values()],
        }


class ImageTrack(Track):
    """An image of values with a colormap, which may fill in column by column."""

    kind = "image"
    artist: AxesImage

    def __init__(self, artist: AxesImage, figure: Figure) -> None:
        super().__init__(artist, figure)
        self._growing = Growing(lengthens=False)
        self.lanes = False
        self.hover: str | None = None
        self.rows: list[str] = []
        self.scales: list[float] = []

    @property
    def kept(self) -> list[np.ndarray]:
        """The distinct images, places in the colour table, row 0 on top; 255 where empty."""
        return self._growing.kept

    def read(self, option: int) -> dict[str, _Json]:
        left, right, bottom, top = self.artist.get_extent()
        corners = self.artist.get_transform().transform([[left, top], [right, bottom]])
        levels = levels_of(self.artist, np.ma.asarray(self.artist.get_array()))
        filled = np.flatnonzero((levels != TRANSPARENT).any(axis=0))
        columns = int(filled[-1]) + 1 if filled.size else 0
        return {
            "corners": self.places.points(corners).tolist(),
            "shape": list(levels.shape),
            "pixels": self._growing.place_of(option, levels, columns),
            "columns": columns,
            "opacity": self._opacity(),
        }

    def _opacity(self) -> float:
        alpha: Any = self.artist.get_alpha()
        return round(float(alpha), 3) if isinstance(alpha, float | int) else 1.0

    def fill(self, part: Fill, n_frames: int, option: int) -> None:
        """Adds all frames of an option at once."""
        part.show(n_frames - 1, option)
        state = self.read(option)
        filled = np.flatnonzero((self.kept[state["pixels"]] != TRANSPARENT).any(axis=0))
        for frame in part.changes(n_frames):
            before = int(np.searchsorted(filled, part.columns[frame]))
            columns = int(filled[before - 1]) + 1 if before else 0
            self._add_state(frame, option, state | {"columns": columns})

    def moved(self, part: Slide, frames: np.ndarray, option: int) -> Iterable[dict[str, _Json]]:
        corners = self._corners(part, frames).tolist()
        if part.values is None or part.columns is None:
            return [{"corners": each} for each in corners]
        levels = levels_of(self.artist, part.values)
        shown: dict[int, dict[str, _Json]] = {}
        for column in part.columns[frames].tolist():
            if column not in shown:
                pixels = levels[:, column : column + 1]
                columns = int((pixels != TRANSPARENT).any())
                place = self._growing.place_of(option, pixels, columns)
                shown[column] = {"shape": [*pixels.shape], "pixels": place, "columns": columns}
        at = part.columns[frames].tolist()
        return [{"corners": each} | shown[of] for each, of in zip(corners, at, strict=True)]

    def described(self) -> dict[str, _Json]:
        image = self.artist
        dark = dark_table(image.cmap.name)
        extent: Any = image.get_extent()
        return super().described() | {
            "colors": _in_base64(colors_of(image)),
            "dark_colors": None if dark is None else _in_base64(dark),
            "chart": getattr(image, "chart", "areas"),
            "bold": list(getattr(image, "bold", ())),
            "lanes": self.lanes,
            "hover": self.hover,
            "rows": self.rows,
            "extent": [float(edge) for edge in extent],
            "limits": [float(limit) for limit in image.get_clim()],
            "scales": self.scales,
            "pixels": len(self.kept),
        }


class LineTrack(Track):
    """A line, or markers, which may grow at the end."""

    kind = "line"
    artist: Line2D

    def __init__(self, artist: Line2D, figure: Figure) -> None:
        super().__init__(artist, figure)
        self._growing = Growing(lengthens=True)

    def read(self, option: int) -> dict[str, _Json]:
        line = self.artist
        points = self.places.points(line.get_transform().transform(line.get_xydata()))
        width = float(line.get_linewidth())
        return {
            "color": css_color(line.get_color(), line.get_alpha()),
            "width": 0 if line.get_linestyle() in ("None", "", " ") else width,
            "dash": dashes(line),
            "marker_color": css_color(line.get_markerfacecolor(), line.get_alpha()),
            "marker_edge": css_color(line.get_markeredgecolor(), line.get_alpha()),
            "marker_width": float(line.get_markeredgewidth()),
            "line": self._growing.place_of(option, points.T, len(points)),
            "points": len(points),
        }

    def moved(self, part: Slide, frames: np.ndarray, option: int) -> Iterable[dict[str, _Json]]:
        y = np.asarray(self.artist.get_ydata(), float)
        data = np.stack(np.broadcast_arrays(part.boxes[frames, :1], y), axis=-1)
        points = self.places.points(self.artist.get_transform().transform(data.reshape(-1, 2)))
        lines = points.reshape(data.shape)
        return [{"line": self._growing.place_of(option, each.T, len(y))} for each in lines]

    def described(self) -> dict[str, _Json]:
        return super().described() | {
            "marker": marker_outline(self.artist),
            # A growing line repeats its points: a state names how many of the longest it shows.
            "lines": [_with_gaps(points.T) for points in self._growing.kept],
        }


class TextTrack(Track):
    """A text at a place."""

    kind = "text"
    artist: Text

    def read(self, option: int) -> dict[str, _Json]:
        text = self.artist
        place = text.get_transform().transform(text.get_unitless_position())
        [[x, y]] = self.places.points(np.array([place])).tolist()
        return {
            "at": [x, y],
            "text": text.get_text(),
            "color": css_color(text.get_color(), text.get_alpha()),
            "size": text.get_fontsize(),
            "bold": text.get_fontweight() in ("bold", "heavy", "semibold", 700),
            "align": [text.get_horizontalalignment(), text.get_verticalalignment()],
        }


# A rectangle is the unit square, transformed.
_UNIT_CORNERS = np.array([[0.0, 0.0], [1.0, 1.0]])


class RectangleTrack(Track):
    """A rectangle whose sides follow the axes."""

    kind = "rectangle"
    artist: Rectangle

    def read(self, option: int) -> dict[str, _Json]:
        patch = self.artist
        return {
            "box": self.places.box(patch.get_transform().transform(_UNIT_CORNERS)),
            "face": css_color(patch.get_facecolor(), None),
            "edge": css_color(patch.get_edgecolor(), None),
            "width": float(patch.get_linewidth()),
            "dash": dashes(patch),
        }

    def moved(self, part: Slide, frames: np.ndarray, option: int) -> Iterable[dict[str, _Json]]:
        corners = self._corners(part, frames)
        low, high = corners.min(axis=1), corners.max(axis=1)
        return [{"box": each} for each in np.hstack([low, (high - low).round(2)]).tolist()]


def _in_base64(colors: np.ndarray) -> str:
    return base64.b64encode(colors.tobytes()).decode()


def _with_gaps(points: np.ndarray) -> list[list[float] | None]:
    """Points for JSON; None where a line is interrupted."""
    whole = np.isfinite(points).all(axis=-1).tolist()
    return [point if there else None for point, there in zip(points.tolist(), whole, strict=True)]
