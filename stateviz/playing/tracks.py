"""A scene, and what moves in it: what each artist holds, frame by frame, packed for the page.

A scene is a figure and a function `update(frame)` that changes artists, as for matplotlib's
`FuncAnimation`. It is run over all frames once, without rendering, and what every changed artist
holds is collected. The figure without these artists is the stage, an SVG. Both go to the page once.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle
from matplotlib.text import Text

_POINTS_PER_INCH = 72
# A pixel of an image is one byte: 255 colours, and one value for "nothing here".
_COLORS = 255
_TRANSPARENT = 255
# What the page holds decoded, so that any frame can be shown at once.
_MAX_IMAGE_BYTES = 256 * 2**20
_POSTER_DPI = 90

_Json = Any


@dataclass(frozen=True)
class Pick:
    """A place where a click chooses: along an axis of an axes each option has the room of 1.

    Attributes:
        ax: The axes.
        choice: The name of the choice.
        axis: "x" or "y".
        start: Where on that axis option 0 begins.
    """

    ax: Axes
    choice: str
    axis: str
    start: float


@dataclass(frozen=True)
class Scene:
    """What a player plays.

    Attributes:
        figure: The figure, made without pyplot. Its limits, ticks and labels must not change.
        update: Changes artists to show a frame (0-based) and returns those that it may change.
        n_frames: The number of frames.
        describe: Says a frame in one line of words and numbers.
        hover: For an artist, what to say of the place under the pointer.
        marks: Places to jump to, as (frame, label).
        poster_frame: The frame of the still picture; the last where None.
        title: What is shown, in a few words.
        options: What can be chosen: for the name of each choice the label of each option.
        chosen: The option of each choice that this scene shows, 0-based.
        in_page: The name of the choice that is made in the page: `update` and `describe` take its
            option as a keyword, and all its options go to the page. For another option of any other
            choice a new scene is made.
        varies: The artists that differ from option to option of `in_page`.
        picks: Where a click chooses.
    """

    figure: Figure
    update: Callable[..., Iterable[Artist]]
    n_frames: int
    describe: Callable[..., str]
    hover: Mapping[Artist, str] = field(default_factory=dict)
    marks: Sequence[tuple[int, str]] = ()
    poster_frame: int | None = None
    title: str = ""
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    chosen: Mapping[str, int] = field(default_factory=dict)
    in_page: str | None = None
    varies: Sequence[Artist] = ()
    picks: Sequence[Pick] = ()

    def __post_init__(self) -> None:
        if self.n_frames < 1:
            raise ValueError(
                f"A player needs at least one frame to show; received n_frames={self.n_frames}."
            )
        for frame, label in self.marks:
            if not 0 <= frame < self.n_frames:
                raise ValueError(out_of_range(f"The mark {label!r}", frame, self.n_frames))
        if not 0 <= self.poster < self.n_frames:
            raise ValueError(out_of_range("poster_frame", self.poster, self.n_frames))

    @property
    def poster(self) -> int:
        """The frame of the still picture."""
        return self.n_frames - 1 if self.poster_frame is None else self.poster_frame

    def show(self, frame: int, chosen: Mapping[str, int]) -> list[Artist]:
        """Shows a frame in the figure, and returns the artists that may change."""
        return list(self.update(frame, **self._within(chosen)) or ())

    def readout(self, frame: int, chosen: Mapping[str, int]) -> str:
        """Says a frame."""
        return self.describe(frame, **self._within(chosen))

    def _within(self, chosen: Mapping[str, int]) -> dict[str, int]:
        return {} if self.in_page is None else {self.in_page: chosen[self.in_page]}

    def in_page_options(self) -> list[dict[str, int]]:
        """What can be chosen in the page; one choice of nothing where nothing can."""
        if self.in_page is None:
            return [{}]
        return [{self.in_page: option} for option in range(len(self.options[self.in_page]))]


def out_of_range(what: str, frame: int, n_frames: int) -> str:
    """Says that a frame is not one of the frames."""
    return f"{what} is out of range: received frame {frame}; the frames are 0 to {n_frames - 1}."


def packed(scene: Scene) -> bytes:
    """All that the page needs of a scene; see `_packed`."""
    tracks = _collected(scene)
    described = {
        "title": scene.title,
        "stage": _stage(scene.figure, [track.artist for track in tracks]),
        "size": [size * _POINTS_PER_INCH for size in scene.figure.get_size_inches()],
        "n_frames": scene.n_frames,
        "readouts": [
            scene.readout(frame, chosen)
            for chosen in scene.in_page_options()
            for frame in range(scene.n_frames)
        ],
        "marks": [list(mark) for mark in scene.marks],
        "options": {name: list(labels) for name, labels in scene.options.items()},
        "chosen": dict(scene.chosen),
        "in_page": scene.in_page,
        "picks": [_placed(pick, scene.figure) for pick in scene.picks],
    }
    return _packed(described, tracks)


def _placed(pick: Pick, figure: Figure) -> dict[str, _Json]:
    """Where on the stage a pick is, in points from the upper left corner."""
    scale = _POINTS_PER_INCH / figure.dpi
    box = pick.ax.bbox
    left, top = box.x0 * scale, figure.get_figheight() * _POINTS_PER_INCH - box.y1 * scale
    bottom_and_top = pick.ax.get_ylim()
    return {
        "choice": pick.choice,
        "axis": pick.axis,
        "start": pick.start,
        "box": [round(v, 2) for v in (left, top, box.width * scale, box.height * scale)],
        "limits": list(pick.ax.get_xlim() if pick.axis == "x" else reversed(bottom_and_top)),
    }


# --- The stage ------------------------------------------------------------------------------------


def _stage(figure: Figure, animated: Sequence[Artist]) -> str:
    """The figure without what moves, as SVG in which black is the reader's text colour."""
    with _hidden(animated):
        svg = _saved(figure, "svg").decode()
    svg = svg[svg.index("<svg") :]
    # matplotlib's style rule would reach the whole page; the same properties go on the root.
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'^<svg [^>]*?(viewBox="[^"]*")[^>]*>', rf"<svg \1 {_SVG_ROOT}>", svg)
    svg = svg.replace("#000000", "currentColor")
    # Two players on one page must not share names.
    prefix = f"s{sha256(svg.encode()).hexdigest()[:10]}-"
    return re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{prefix}", svg)


_SVG_ROOT = (
    'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'aria-hidden="true" fill="currentColor" stroke-linejoin="round" stroke-linecap="butt"'
)


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    # Composing images into one would draw hidden ones too.
    fixed: Any = {
        "svg.hashsalt": "stateviz",
        "svg.fonttype": "path",
        "image.composite_image": False,
    }
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with mpl.rc_context(fixed):
        if kind == "svg":
            figure.savefig(file, format=kind, transparent=True, metadata=nothing)
        else:
            figure.savefig(file, format=kind, metadata={"Software": None}, **options)
    return file.getvalue()


def poster_png(figure: Figure) -> bytes:
    """The figure as it is now, on white."""
    return _saved(figure, "png", facecolor="white", dpi=_POSTER_DPI)


@contextmanager
def _hidden(artists: Sequence[Artist]) -> Any:
    before = [artist.get_visible() for artist in artists]
    try:
        for artist in artists:
            artist.set_visible(False)
        yield
    finally:
        for artist, visible in zip(artists, before, strict=True):
            artist.set_visible(visible)


# --- What moves on it -----------------------------------------------------------------------------


class _Track:
    """What one artist holds, frame by frame, in the stage's points from its upper left corner.

    Equal states are kept once: `states` holds the distinct ones, `frames` says which one a frame
    shows, for each option of the choice that is made in the page. The bytes of images are kept
    apart, in `pixels`, and the points of lines in `lines`: of an image that fills in column by
    column, or a line that grows, only the last is kept.
    """

    def __init__(self, artist: Artist, figure: Figure, hover: str | None) -> None:
        self.artist = artist
        self.kind, self._read = _reader(artist)
        self.states: list[_Json] = []
        self.frames: dict[int, list[int]] = {}
        self.pixels: list[np.ndarray] = []
        self.lines: list[np.ndarray] = []
        self._places: dict[str, int] = {}
        self._seen: dict[bytes, int] = {}
        self._latest: dict[int, int] = {}  # of each option, the place of its last image or line
        self._filled: list[int] = []  # of each image, how many columns
        self._colored: tuple[np.ndarray, tuple[float, float], np.ndarray] | None = None
        self._scale = _POINTS_PER_INCH / figure.dpi
        self._height = figure.get_figheight() * _POINTS_PER_INCH
        clip = artist.axes.bbox if artist.axes is not None and artist.get_clip_on() else None
        self.fixed: dict[str, _Json] = {
            "kind": self.kind,
            "clip": None if clip is None else self.box(clip.get_points()),
            "hover": hover,
        }
        if isinstance(artist, AxesImage):
            self.fixed |= _image_look(artist)
        if isinstance(artist, Line2D):
            self.fixed["marker"] = _marker(artist)
            inverse = artist.axes.transData.inverted() if artist.axes is not None else None
            if inverse is not None:
                # From points on the stage back to data, to say what is under the pointer.
                corners = inverse.transform(figure.bbox.get_points())
                self.fixed["data"] = corners.tolist()

    def points(self, display: np.ndarray) -> np.ndarray:
        """Places on the display as points on the stage, shape (places, 2)."""
        x, y = (np.asarray(display, float) * self._scale).T
        return np.stack([x, self._height - y], axis=-1).round(2)

    def box(self, display: np.ndarray) -> list[float]:
        """Two or more corners on the display as left, top, width and height on the stage."""
        low, high = np.min(display, axis=0), np.max(display, axis=0)
        [[left, bottom], [right, top]] = self.points(np.array([low, high])).tolist()
        return [left, top, round(right - left, 2), round(bottom - top, 2)]

    def add(self, option: int) -> None:
        """Adds the artist's state now as the next frame of an option."""
        state = self._read(self, self.artist) if self.artist.get_visible() else None
        if state is not None and self.kind == "image":
            state, levels = state
            state["pixels"], state["columns"] = self._kept_image(option, levels)
        if state is not None and self.kind == "line":
            state, points = state
            state["line"], state["points"] = self._kept_line(option, points)
        key = json.dumps(state)
        if key not in self._places:
            self._places[key] = len(self.states)
            self.states.append(state)
        self.frames.setdefault(option, []).append(self._places[key])

    def levels(self, image: AxesImage) -> np.ndarray:
        """`color_levels` of the image; quick where only its mask has changed since the last one."""
        values: np.ma.MaskedArray = np.ma.asarray(image.get_array())
        data, limits = np.ma.getdata(values), image.get_clim()
        if self._colored is not None and self._colored[1] == limits:
            before, _, levels = self._colored
            if np.array_equal(before, data):
                shown = levels.copy()
                shown[np.ma.getmaskarray(values)] = _TRANSPARENT
                return _upright(image, shown)
        levels = _levels_of(image, data)
        self._colored = (data.copy(), limits, levels.copy())
        levels[np.ma.getmaskarray(values)] = _TRANSPARENT
        return _upright(image, levels)

    def _kept_line(self, option: int, points: np.ndarray) -> tuple[int, int]:
        """The place of the kept line whose first points these are, and how many of them."""
        for place in (self._latest.get(option), self._seen.get(points.tobytes())):
            if place is None:
                continue
            shared = min(len(points), len(self.lines[place]))
            if np.array_equal(points[:shared], self.lines[place][:shared], equal_nan=True):
                if len(points) > shared:
                    self.lines[place] = points
                self._latest[option] = place
                return place, len(points)
        place = self._latest[option] = len(self.lines)
        self._seen[points.tobytes()] = place
        self.lines.append(points)
        return place, len(points)

    def _kept_image(self, option: int, levels: np.ndarray) -> tuple[int, int]:
        """The place of the kept image whose first columns these are, and how many of them."""
        filled = np.flatnonzero((levels != _TRANSPARENT).any(axis=0))
        columns = int(filled[-1]) + 1 if filled.size else 0
        for place in (self._latest.get(option), self._seen.get(levels.tobytes())):
            if place is None or self.pixels[place].shape != levels.shape:
                continue
            shared = min(columns, self._filled[place])
            if np.array_equal(levels[:, :shared], self.pixels[place][:, :shared]):
                if columns > shared:
                    self.pixels[place], self._filled[place] = levels, columns
                self._latest[option] = place
                return place, columns
        place = self._latest[option] = len(self.pixels)
        self._seen[levels.tobytes()] = place
        self.pixels.append(levels)
        self._filled.append(columns)
        return place, columns


def _collected(scene: Scene) -> list[_Track]:
    """What every changed artist holds in every frame, from the lowest artist to the topmost."""
    scene.figure.draw_without_rendering()
    choices = scene.in_page_options()
    # Nearly always each frame returns the same artists. Where not, all frames are asked first.
    tracks = _tracks_of(scene, scene.show(0, choices[0]))
    if tracks is None:
        every = itertools.product(range(scene.n_frames), choices)
        tracks = _tracks_of(scene, (artist for place in every for artist in scene.show(*place)))
    if not tracks:
        raise ValueError(
            "update(frame) returned no artist in any frame, so there is nothing to play. It must "
            "return the artists that it changes, as for matplotlib's FuncAnimation."
        )
    size = sum(pixels.size for track in tracks for pixels in track.pixels)
    if size > _MAX_IMAGE_BYTES:
        raise ValueError(
            f"The images of all {scene.n_frames} frames have {size:,} pixels together; a page "
            f"holds at most {_MAX_IMAGE_BYTES:,}. Play fewer frames, or fewer samples or units."
        )
    return tracks


def _tracks_of(scene: Scene, artists: Iterable[Artist]) -> list[_Track] | None:
    """The tracks of these artists; None where a frame returns one that is not among them."""
    figure = scene.figure
    changed = {id(artist): artist for artist in artists}
    order = {id(artist): place for place, artist in enumerate(figure.findobj())}
    axes: list[Any] = figure.axes
    lowest_first = sorted(
        changed.values(),
        key=lambda artist: (
            axes.index(artist.axes) if artist.axes is not None else len(axes),
            artist.get_zorder(),
            order.get(id(artist), 0),
        ),
    )
    tracks = [_Track(artist, figure, scene.hover.get(artist)) for artist in lowest_first]
    varies = {id(artist) for artist in scene.varies}
    for frame in range(scene.n_frames):
        for option, chosen in enumerate(scene.in_page_options()):
            if not changed.keys() >= {id(artist) for artist in scene.show(frame, chosen)}:
                return None
            for track in tracks:
                if option == 0 or id(track.artist) in varies:
                    track.add(option)
    return tracks


def _reader(artist: Artist) -> tuple[str, Callable[[_Track, Any], _Json]]:
    for kind, name, reader in (
        (AxesImage, "image", _read_image),
        (Line2D, "line", _read_line),
        (Text, "text", _read_text),
        (Rectangle, "rectangle", _read_rectangle),
    ):
        if isinstance(artist, kind):
            return name, reader
    raise TypeError(
        f"update(frame) returned a {type(artist).__name__}, which the player cannot play. It plays "
        f"AxesImage (imshow), Line2D (plot, axvline), Text and Rectangle."
    )


def _image_look(image: AxesImage) -> dict[str, _Json]:
    colors = image.cmap((np.arange(_COLORS) + 0.5) / _COLORS, bytes=True)
    extent: Any = image.get_extent()
    return {
        "colors": base64.b64encode(colors.tobytes()).decode(),
        "extent": [float(edge) for edge in extent],
        "limits": [float(limit) for limit in image.get_clim()],
    }


def color_levels(image: AxesImage) -> np.ndarray:
    """The image's values as places in its colour table, uint8, row 0 on top; 255 where empty."""
    values: np.ma.MaskedArray = np.ma.asarray(image.get_array())
    levels = _levels_of(image, np.ma.getdata(values))
    levels[np.ma.getmaskarray(values)] = _TRANSPARENT
    return _upright(image, levels)


def _levels_of(image: AxesImage, data: np.ndarray) -> np.ndarray:
    """The places in the colour table of all values, as they lie in the array."""
    if data.ndim != 2:
        raise TypeError(
            f"An image to play is a table of values (rows, columns) with a colormap; received an "
            f"array of shape {data.shape}."
        )
    scaled = np.ma.masked_invalid(image.norm(np.ma.masked_invalid(data)))
    levels = np.clip(np.floor(scaled.filled(0) * _COLORS), 0, _COLORS - 1).astype(np.uint8)
    levels[np.ma.getmaskarray(scaled)] = _TRANSPARENT
    return levels


def _upright(image: AxesImage, levels: np.ndarray) -> np.ndarray:
    return levels if image.origin == "upper" else np.flipud(levels)


def _read_image(track: _Track, image: AxesImage) -> tuple[_Json, np.ndarray]:
    left, right, bottom, top = image.get_extent()
    corners = image.get_transform().transform([[left, top], [right, bottom]])
    levels = track.levels(image)
    return {"corners": track.points(corners).tolist(), "shape": list(levels.shape)}, levels


def _read_line(track: _Track, line: Line2D) -> tuple[_Json, np.ndarray]:
    points = track.points(line.get_transform().transform(line.get_xydata()))
    dashes = {
        "--": mpl.rcParams["lines.dashed_pattern"],
        ":": mpl.rcParams["lines.dotted_pattern"],
        "-.": mpl.rcParams["lines.dashdot_pattern"],
    }.get(str(line.get_linestyle()), [])
    width = float(line.get_linewidth())
    look = {
        "color": _color(line.get_color(), line.get_alpha()),
        "width": 0 if line.get_linestyle() in ("None", "", " ") else width,
        "dash": [round(dash * width, 2) for dash in dashes],
        "marker_color": _color(line.get_markerfacecolor(), line.get_alpha()),
    }
    return look, points


def _marker(line: Line2D) -> _Json:
    """The marker as a polygon about the origin, in points, y downwards; None for no marker."""
    if line.get_marker() in (None, "None", "", " "):
        return None
    style = MarkerStyle(line.get_marker())
    polygons = style.get_path().transformed(style.get_transform()).to_polygons()
    if not polygons:
        return None
    outline = np.asarray(polygons[0]) * line.get_markersize() * [1, -1]
    return np.round(outline, 2).tolist()


def _read_text(track: _Track, text: Text) -> _Json:
    place = text.get_transform().transform([text.get_unitless_position()])
    [[x, y]] = track.points(place).tolist()
    return {
        "at": [x, y],
        "text": text.get_text(),
        "color": _color(text.get_color(), text.get_alpha()),
        "size": text.get_fontsize(),
        "bold": text.get_fontweight() in ("bold", "heavy", "semibold", 700),
        "align": [text.get_horizontalalignment(), text.get_verticalalignment()],
        "turn": text.get_rotation(),
    }


def _read_rectangle(track: _Track, patch: Rectangle) -> _Json:
    return {
        "box": track.box(np.asarray(patch.get_verts())),
        "face": _color(patch.get_facecolor(), None),
        "edge": _color(patch.get_edgecolor(), None),
        "width": float(patch.get_linewidth()),
    }


def _color(color: Any, alpha: float | None) -> str:
    """A CSS colour; "ink" and its opacity for black, which the page draws in its text colour."""
    if isinstance(color, str) and color.lower() == "none":
        return ""
    *rgb, a = to_rgba(color, alpha)
    if a == 0:
        return ""
    if not any(rgb):
        return f"ink {a:.3g}"
    return "rgba({},{},{},{:.3g})".format(*(round(255 * channel) for channel in rgb), a)


# --- To the page ----------------------------------------------------------------------------------


def _packed(scene: dict[str, _Json], tracks: Sequence[_Track]) -> bytes:
    """One zlib stream: the length of a JSON text (uint32), the text, and all images' pixels.

    Each image is stored as its difference (xor) from the one before, which makes one that fills in
    or changes little nearly free. The page undoes it once for all frames, and can then show any
    frame at once.
    """
    pixels = bytearray()
    described = []
    for track in tracks:
        before = np.zeros(0, np.uint8)
        for levels in track.pixels:
            flat = levels.ravel()
            pixels += (flat ^ before if flat.size == before.size else flat).tobytes()
            before = flat
        described.append(
            track.fixed
            | {
                "states": track.states,
                # A growing line repeats its points: a state names how many of the longest it shows.
                "lines": [_with_gaps(points) for points in track.lines],
                "frames": [frame for frames in track.frames.values() for frame in frames],
                "pixels": len(track.pixels),
            }
        )
    text = json.dumps(scene | {"tracks": described}, separators=(",", ":")).encode()
    return zlib.compress(struct.pack("<I", len(text)) + text + bytes(pixels), 9)


def _with_gaps(points: np.ndarray) -> list[list[float] | None]:
    """Points for JSON; None where a line is interrupted."""
    whole = np.isfinite(points).all(axis=-1).tolist()
    return [point if there else None for point, there in zip(points.tolist(), whole, strict=True)]
