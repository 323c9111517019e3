"""Plays a matplotlib figure in the browser: the stage is drawn once, the browser repaints the data.

A scene is a figure and a function `update(frame)` that changes artists, as for matplotlib's
`FuncAnimation`. The player runs it over all frames once, without rendering, and collects what every
changed artist holds. The figure without these artists is the stage, an SVG. Both go to the page
once; from then on playing needs no kernel.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import matplotlib as mpl
import numpy as np
import traitlets as t
from matplotlib.artist import Artist
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle
from matplotlib.text import Text

_SCRIPT = Path(__file__).with_name("player.js")
_POINTS_PER_INCH = 72
# A pixel of an image is one byte: 255 colours, and one value for "nothing here".
_COLORS = 255
_TRANSPARENT = 255
# What the page holds decoded, so that any frame can be shown at once.
_MAX_IMAGE_BYTES = 256 * 2**20
_POSTER_DPI = 90

_Json = Any


class Player(anywidget.AnyWidget):
    """Plays the frames of a figure, in a notebook and in HTML that needs no kernel.

    Text, lines and edges in pure black are drawn in the text colour of the reader's theme.

    Args:
        figure: The figure, made without pyplot. Its limits, ticks and labels must not change.
        update: Changes artists to show a frame (0-based) and returns those that it may change:
            images, lines, texts and rectangles.
        n_frames: The number of frames, at least 1.
        describe: Says a frame in one line of words and numbers; shown under the picture.
        hover: For an artist, what to say of the place under the pointer, for example
            `"timestep {x}, unit {y}: {value:.2f}"`.
        marks: Places to jump to, as (frame, label).
        poster_frame: The frame of the still picture that stands in for the player on paper; the
            last where None.
        interval_ms: How long a frame stands at speed 1, in milliseconds.
        title: What the player shows, in a few words.

    Attributes:
        frame: The frame that is shown, 0-based. Setting it updates `figure` and `readout`.
        n_frames: The number of frames.
        interval_ms: How long a frame stands at speed 1, in milliseconds.
        playing: Whether the page plays. It never starts by itself.
        loop: Whether it begins again at the end.
        figure: The figure, whose artists show `frame`.

    Raises:
        ValueError: There is nothing to play, or too much for a page.
        TypeError: An artist is of a kind that cannot be played.

    Example:
        >>> from matplotlib.figure import Figure
        >>> figure = Figure()
        >>> [line] = figure.add_subplot(xlim=(0, 9), ylim=(0, 9)).plot([0], [0], "o")
        >>> def update(frame):
        ...     line.set_data([frame], [frame])
        ...     return [line]
        >>> player = Player(figure, update, 10, describe=lambda frame: f"at {frame}", title="Walk")
        >>> player
        Player('Walk', 10 frames)
        >>> player.frame = 7
        >>> player.readout, line.get_xdata()
        ('at 7', [7])
    """

    _esm: ClassVar[Path] = _SCRIPT

    frame = t.Int(0).tag(sync=True)
    n_frames = t.Int(read_only=True).tag(sync=True)
    interval_ms = t.Int(200).tag(sync=True)
    playing = t.Bool(False).tag(sync=True)
    loop = t.Bool(False).tag(sync=True)
    _payload = t.Bytes().tag(sync=True)
    _own_id = t.Unicode().tag(sync=True)

    def __init__(
        self,
        figure: Figure,
        update: Callable[[int], Iterable[Artist]],
        n_frames: int,
        *,
        describe: Callable[[int], str] | None = None,
        hover: Mapping[Artist, str] | None = None,
        marks: Sequence[tuple[int, str]] = (),
        poster_frame: int | None = None,
        interval_ms: int = 200,
        title: str = "",
    ) -> None:
        if n_frames < 1:
            raise ValueError(
                f"A player needs at least one frame to show; received n_frames={n_frames}."
            )
        for frame, label in marks:
            if not 0 <= frame < n_frames:
                raise ValueError(_out_of_range(f"The mark {label!r}", frame, n_frames))
        poster_frame = n_frames - 1 if poster_frame is None else poster_frame
        if not 0 <= poster_frame < n_frames:
            raise ValueError(_out_of_range("poster_frame", poster_frame, n_frames))
        self.figure = figure
        self.title = title
        self._update = update
        self._describe = describe or (lambda frame: f"frame {frame}")
        update(poster_frame)
        self._poster = _png(figure)
        tracks = _collected(figure, update, n_frames, hover or {})
        stage = _stage(figure, [track.artist for track in tracks])
        scene = {
            "title": title,
            "stage": stage,
            "size": [size * _POINTS_PER_INCH for size in figure.get_size_inches()],
            "readouts": [self._describe(frame) for frame in range(n_frames)],
            "marks": [list(mark) for mark in marks],
        }
        self._poster_text = f"{title}. {scene['readouts'][poster_frame]}".strip(". ")
        update(0)
        super().__init__(interval_ms=interval_ms, _payload=_packed(scene, tracks))
        self.set_trait("n_frames", n_frames)
        self._own_id = self.model_id or ""

    @t.validate("frame")
    def _check_frame(self, proposal: Any) -> int:
        frame: int = proposal["value"]
        # While the widget is being made, n_frames is still 0.
        if self.n_frames and not 0 <= frame < self.n_frames:
            raise t.TraitError(_out_of_range("frame", frame, self.n_frames))
        return frame

    @t.validate("interval_ms")
    def _check_interval(self, proposal: Any) -> int:
        if proposal["value"] < 1:
            raise t.TraitError(
                f"interval_ms is a number of milliseconds from 1 on; received {proposal['value']}."
            )
        return int(proposal["value"])

    @t.observe("frame")
    def _show(self, change: Any) -> None:
        self._update(change["new"])

    @property
    def readout(self) -> str:
        """What the line under the picture says of the frame that is shown."""
        return self._describe(self.frame)

    def to_html(self, path: str | Path | None = None) -> str:
        """Makes a page that plays without kernel, network or other files.

        Args:
            path: Where to write the page, if anywhere.

        Returns:
            The page.

        Raises:
            FileNotFoundError: The folder does not exist.
        """
        page = _PAGE.format(title=html.escape(self.title or "Player"), player=self._html())
        if path is not None:
            folder = Path(path).parent
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"The folder {str(folder)!r} does not exist, so the page cannot be written "
                    f"there. Make the folder first."
                )
            Path(path).write_text(page, encoding="utf-8")
        return page

    def _html(self) -> str:
        """The player as a piece of HTML; where scripts are not run, the poster."""
        return _SNIPPET.format(
            payload=base64.b64encode(self._payload).decode(),
            interval_ms=self.interval_ms,
            text=html.escape(self._poster_text),
            poster=base64.b64encode(self._poster).decode(),
            script=_SCRIPT.read_text(encoding="utf-8"),
            host=_HOST,
        )

    def __repr__(self) -> str:
        frames = "1 frame" if self.n_frames == 1 else f"{self.n_frames} frames"
        return f"Player({self.title!r}, {frames})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        data["text/html"] = self._html()
        data["image/png"] = base64.b64encode(self._poster).decode()
        return data, metadata


def _out_of_range(what: str, frame: int, n_frames: int) -> str:
    return f"{what} is out of range: received frame {frame}; the frames are 0 to {n_frames - 1}."


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


def _png(figure: Figure) -> bytes:
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
    shows. The bytes of an image are kept apart, in `pixels`, one array a distinct state.
    """

    def __init__(self, artist: Artist, figure: Figure, hover: str | None) -> None:
        self.artist = artist
        self.kind, self._read = _reader(artist)
        self.states: list[_Json] = []
        self.frames: list[int] = []
        self.pixels: list[np.ndarray] = []
        self._places: dict[Any, int] = {}
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

    def points(self, display: np.ndarray) -> list[list[float]]:
        """Places on the display as points on the stage."""
        places = np.asarray(display, float) * self._scale
        return [[round(x, 2), round(self._height - y, 2)] for x, y in places.tolist()]

    def box(self, display: np.ndarray) -> list[float]:
        """Two or more corners on the display as left, top, width and height on the stage."""
        low, high = np.min(display, axis=0), np.max(display, axis=0)
        [[left, bottom], [right, top]] = self.points(np.array([low, high]))
        return [left, top, round(right - left, 2), round(bottom - top, 2)]

    def add(self) -> None:
        """Adds the artist's state now as the next frame."""
        state = self._read(self, self.artist) if self.artist.get_visible() else None
        pixels: np.ndarray | None = None
        if state is not None and self.kind == "image":
            state, pixels = state
        key = (json.dumps(state), None if pixels is None else pixels.tobytes())
        if key not in self._places:
            self._places[key] = len(self.states)
            self.states.append(state)
            if state is not None and pixels is not None:
                state["pixels"] = len(self.pixels)
                self.pixels.append(pixels)
        self.frames.append(self._places[key])


def _collected(
    figure: Figure,
    update: Callable[[int], Iterable[Artist]],
    n_frames: int,
    hover: Mapping[Artist, str],
) -> list[_Track]:
    """What every changed artist holds in every frame, from the lowest artist to the topmost."""
    figure.draw_without_rendering()
    changed: dict[int, Artist] = {}
    for frame in range(n_frames):
        changed |= {id(artist): artist for artist in update(frame) or ()}
    if not changed:
        raise ValueError(
            "update(frame) returned no artist in any frame, so there is nothing to play. It must "
            "return the artists that it changes, as for matplotlib's FuncAnimation."
        )
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
    tracks = [_Track(artist, figure, hover.get(artist)) for artist in lowest_first]
    for frame in range(n_frames):
        update(frame)
        for track in tracks:
            track.add()
    size = sum(pixels.size for track in tracks for pixels in track.pixels)
    if size > _MAX_IMAGE_BYTES:
        raise ValueError(
            f"The images of all {n_frames} frames have {size:,} pixels together; a page holds at "
            f"most {_MAX_IMAGE_BYTES:,}. Play fewer frames, or fewer samples or units."
        )
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
    values: np.ma.MaskedArray = np.ma.masked_invalid(np.ma.asarray(image.get_array()))
    if values.ndim != 2:
        raise TypeError(
            f"An image to play is a table of values (rows, columns) with a colormap; received an "
            f"array of shape {values.shape}."
        )
    scaled = np.ma.masked_invalid(image.norm(values))
    levels = np.clip(np.floor(scaled.filled(0) * _COLORS), 0, _COLORS - 1).astype(np.uint8)
    levels[np.ma.getmaskarray(scaled)] = _TRANSPARENT
    return levels if image.origin == "upper" else np.flipud(levels)


def _read_image(track: _Track, image: AxesImage) -> tuple[_Json, np.ndarray]:
    left, right, bottom, top = image.get_extent()
    corners = image.get_transform().transform([[left, top], [right, bottom]])
    levels = color_levels(image)
    return {"corners": track.points(corners), "shape": list(levels.shape)}, levels


def _read_line(track: _Track, line: Line2D) -> _Json:
    places = line.get_transform().transform(line.get_xydata())
    dashes = {
        "--": mpl.rcParams["lines.dashed_pattern"],
        ":": mpl.rcParams["lines.dotted_pattern"],
        "-.": mpl.rcParams["lines.dashdot_pattern"],
    }.get(str(line.get_linestyle()), [])
    width = float(line.get_linewidth())
    return {
        "points": [
            None if np.isnan(place).any() else track.points(place[np.newaxis])[0]
            for place in places
        ],
        "color": _color(line.get_color(), line.get_alpha()),
        "width": 0 if line.get_linestyle() in ("None", "", " ") else width,
        "dash": [round(dash * width, 2) for dash in dashes],
        "marker_color": _color(line.get_markerfacecolor(), line.get_alpha()),
    }


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
    [[x, y]] = track.points(text.get_transform().transform([text.get_unitless_position()]))
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
                # A growing line repeats its points: name only how many of the longest it shows.
                "line": _shared_points(track.states) if track.kind == "line" else None,
                "frames": track.frames,
                "pixels": len(track.pixels),
            }
        )
    text = json.dumps(scene | {"tracks": described}, separators=(",", ":")).encode()
    return zlib.compress(struct.pack("<I", len(text)) + text + bytes(pixels), 9)


def _shared_points(states: list[_Json]) -> list[_Json]:
    """Replaces points that begin the longest line by their number, and returns that line."""
    lines = [state["points"] for state in states if state is not None]
    longest: list[_Json] = max(lines, key=len, default=[])
    for state in states:
        if state is not None and state["points"] == longest[: len(state["points"])]:
            state["points"] = len(state["points"])
    return longest


_SNIPPET = """<div class="stateviz" data-stateviz="{payload}" data-interval-ms="{interval_ms}">\
<img alt="{text}" src="data:image/png;base64,{poster}" style="max-width:100%"/>\
</div><script type="module">
{script}
{host}</script>"""

# Stands in for the widget's model where there is no kernel.
_HOST = """for (const el of document.querySelectorAll("[data-stateviz]")) {
  const payload = el.dataset.stateviz;
  const values = { _payload: payload, frame: 0, playing: false, loop: false };
  values.interval_ms = Number(el.dataset.intervalMs);
  el.removeAttribute("data-stateviz");
  const model = {
    get: (name) => values[name],
    set: (name, value) => (values[name] = value),
    on() {}, off() {}, save_changes() {},
  };
  const poster = [...el.childNodes];
  playerModule.render({ model, el }).then(() => poster.forEach((node) => node.remove()));
}
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif }}
body {{ max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem }}
</style>
</head>
<body>
<main>
{player}
</main>
</body>
</html>
"""
