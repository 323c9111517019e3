"""A scene as a film or as a row of pictures, by matplotlib's own writers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import animation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from tqdm.auto import tqdm

from stateviz.playing.collecting import lowest_first
from stateviz.playing.scene import Scene, out_of_range
from stateviz.playing.stage import quiet_about_glyphs, stage_rgba
from stateviz.writing import atomic_write

_WRITERS = {".gif": "pillow", ".mp4": "ffmpeg"}
_FRAMES_IN_STORYBOARD = 4
_DPI = 200
_TITLE_SIZE = 10


def save_film(
    scene: Scene,
    chosen: Mapping[str, int],
    path: str | Path,
    *,
    fps: float | None,
    interval_ms: int,
    dpi: float,
    progress: bool,
) -> None:
    """Writes all frames of a scene to a GIF or MP4 file; see `Player.save`."""
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ValueError(
            f"Unknown file type {path.name!r}: use .gif or .mp4. For a page that plays, use "
            f"player.to_html."
        )
    if not animation.writers.is_available(writer):
        raise RuntimeError(
            f"matplotlib writes {path.suffix} files with {writer}, a program that was not found. "
            f"Install it (for example: conda install {writer}), or save a .gif."
        )
    frames = [(frame, 1) for frame in range(scene.n_frames)]
    if fps is None:
        fps, frames = _as_played(scene, interval_ms)
    film = _Film(figsize=tuple(scene.figure.get_size_inches()))
    make_writer: Any = animation.writers[writer]  # its types allow whole numbers only
    out = make_writer(fps=fps)
    total = sum(times for _, times in frames)
    bar = tqdm(total=total, unit="frame", desc=path.name, disable=not progress)
    with bar, atomic_write(path) as beside, quiet_about_glyphs(), out.saving(film, beside, dpi):
        # The writer may have made the sides even, as a codec wants them.
        with _drawn_at(scene.figure, film.get_size_inches(), dpi):
            pictures = _Pictures(scene, chosen)
            for frame, times in frames:
                film.picture = pictures.of(frame)
                for _ in range(times):
                    out.grab_frame()
                    bar.update()


class _Film(Figure):
    """Hands pictures to matplotlib's writers, which ask a figure to save itself frame by frame."""

    picture = b""

    def savefig(self, file: Any, **_: Any) -> None:  # type: ignore[override]
        """Writes the picture, RGBA."""
        file.write(self.picture)


class _Pictures:
    """Draws a scene frame by frame as the page does: what moves anew, and the stage over it.

    Args:
        scene: The scene; its figure has the size and the dpi of the film.
        chosen: The option of each choice.
    """

    def __init__(self, scene: Scene, chosen: Mapping[str, int]) -> None:
        self._scene, self._chosen = scene, chosen
        figure = scene.figure
        self._renderer = FigureCanvasAgg(figure).get_renderer()
        moving = scene.moving | {id(image): image for image in figure.findobj(AxesImage)}
        self._moving = lowest_first(figure, moving.values())
        width, height = map(int, self._renderer.get_canvas_width_height())
        self._stage = stage_rgba(figure, self._moving).reshape(height, width, 4)[::-1]

    def of(self, frame: int) -> bytes:
        """A frame as pixels, RGBA."""
        self._scene.show(frame, self._chosen)
        pixels = np.asarray(self._renderer.buffer_rgba())
        pixels[:] = 255
        for artist in self._moving:
            artist.draw(self._renderer)
        self._renderer.draw_image(self._renderer.new_gc(), 0, 0, self._stage)
        return pixels.tobytes()


@contextmanager
def _drawn_at(figure: Figure, inches: Any, dpi: float) -> Iterator[None]:
    before = figure.get_size_inches().copy(), figure.dpi
    try:
        figure.set_size_inches(*inches)
        figure.set_dpi(dpi)
        yield
    finally:
        figure.set_size_inches(*before[0])
        figure.set_dpi(before[1])


def _as_played(scene: Scene, interval_ms: int) -> tuple[float, list[tuple[int, int]]]:
    """Pictures a second, and for each frame how many it stands for, to last as at speed 1."""
    between: float = interval_ms
    if scene.pace.between_ms:
        between = min(scene.pace.between_ms, interval_ms)
    stops = {*scene.all_stops}
    longer = max(1, round(interval_ms / between))
    frames = [(frame, longer if frame in stops else 1) for frame in range(scene.n_frames)]
    return 1000 / between, frames


def storyboard(
    scene: Scene, chosen: Mapping[str, int], frames: Sequence[int] | None, columns: int | None
) -> Figure:
    """Some frames of a scene side by side; see `Player.storyboard`."""
    if frames is None:
        stops = np.array(scene.all_stops)
        evenly = np.linspace(0, len(stops) - 1, _FRAMES_IN_STORYBOARD)
        frames = stops[np.unique(evenly.round().astype(int))].tolist()
    if not len(frames):
        raise ValueError("`frames` is empty; name at least one frame to show.")
    for frame in frames:
        if not 0 <= frame < scene.n_frames:
            raise IndexError(out_of_range("frames", frame, scene.n_frames))
    columns = min(columns or len(frames), len(frames))
    rows = -(-len(frames) // columns)
    width, height = scene.figure.get_size_inches()
    room = 3 * _TITLE_SIZE / 72
    board = Figure(figsize=(columns * width, rows * (height + room)), layout="constrained")
    places: Any = board.subplots(rows, columns, squeeze=False)
    for ax in places.flat:
        ax.set_axis_off()
    for frame, ax in zip(frames, places.flat, strict=False):
        ax.imshow(_picture(scene, frame, chosen), interpolation="none")
        ax.set_title(f"frame {frame}:  {scene.readout(frame, chosen)}", fontsize=_TITLE_SIZE)
    return board


def _picture(scene: Scene, frame: int, chosen: Mapping[str, int]) -> np.ndarray:
    """A frame as pixels, shape (rows, columns, 4)."""
    scene.show(frame, chosen)
    figure = scene.figure
    before, face = figure.dpi, figure.get_facecolor()
    canvas = FigureCanvasAgg(figure)
    try:
        figure.set_dpi(_DPI)
        figure.set_facecolor("white")
        with quiet_about_glyphs():
            canvas.draw()
        return np.asarray(canvas.buffer_rgba()).copy()
    finally:
        figure.set_dpi(before)
        figure.set_facecolor(face)
