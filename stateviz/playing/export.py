"""A scene as a film or as a row of pictures, by matplotlib's own writers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import animation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from stateviz.playing.scene import Scene, out_of_range
from stateviz.playing.scripts import quiet_about_glyphs
from stateviz.writing import whole

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
            f"The file's name says what it becomes, with .gif or .mp4 at its end; received "
            f"{path.name!r}. For a page that plays, use player.to_html."
        )
    if not animation.writers.is_available(writer):
        raise RuntimeError(
            f"matplotlib writes {path.suffix} files with {writer}, a program that was not found. "
            f"Install it (for example: conda install {writer}), or save a .gif."
        )
    frames: Sequence[int] = range(scene.n_frames)
    if fps is None:
        fps, frames = _as_played(scene, interval_ms)
    FigureCanvasAgg(scene.figure)
    film = animation.FuncAnimation(
        scene.figure,
        lambda frame: scene.show(frame, chosen),
        frames=frames,
        init_func=list,  # nothing to prepare: every frame sets all that it shows
        interval=1000 / fps,
    )
    bar = tqdm(total=len(frames), unit="frame", desc=path.name, disable=not progress)
    with bar, whole(path) as beside, quiet_about_glyphs():
        film.save(
            beside,
            writer=writer,
            dpi=dpi,
            savefig_kwargs={"facecolor": "white"},
            progress_callback=lambda *_: bar.update(),
        )


def _as_played(scene: Scene, interval_ms: int) -> tuple[float, list[int]]:
    """Frames a second, and the frames of a film in which each stands as long as at speed 1."""
    between = interval_ms if scene.pace is None else min(scene.pace.between_ms, interval_ms)
    stops = {*scene.all_stops}
    longer = max(1, round(interval_ms / between))
    frames = [
        frame for frame in range(scene.n_frames) for _ in range(longer if frame in stops else 1)
    ]
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
        raise ValueError("frames names no frame to show; received an empty sequence.")
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
