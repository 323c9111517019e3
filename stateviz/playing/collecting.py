"""Collects what every moving artist of a scene holds, frame by frame.

Nothing is rendered, and only the frames at which something changes are looked at. To play another
kind of artist, write its class of track and add it to `_KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from tqdm.auto import tqdm

from stateviz.playing.artists import Chart
from stateviz.playing.moving import Declared, Fill, Slide
from stateviz.playing.scene import Scene
from stateviz.playing.tracks import ImageTrack, LineTrack, RectangleTrack, TextTrack, Track

# A scene of many frames shows a progress bar, if it takes longer than this.
_MANY_FRAMES, _QUIET_S = 3000, 2

_KINDS: dict[type[Artist], type[Track]] = {
    Chart: ImageTrack,
    Line2D: LineTrack,
    Text: TextTrack,
    Rectangle: RectangleTrack,
}


def _track_of(artist: Artist, figure: Figure) -> Track:
    for kind, track in _KINDS.items():
        if isinstance(artist, kind):
            return track(artist, figure)
    raise TypeError(
        f"A part of the scene changes a {type(artist).__name__}, which cannot be played. Use a "
        f"Line2D (plot, axvline), Text, Rectangle, or a chart of stateviz.playing.artists."
    )


def tracks_of(scene: Scene) -> list[Track]:
    """What every artist that changes holds in every frame, from the lowest artist to the topmost.

    Raises:
        ValueError: Nothing changes, so that there is nothing to play.
        TypeError: An artist is of a kind that cannot be played.
    """
    tracks = _empty_tracks(scene)
    if not tracks:
        raise ValueError(
            "The scene has no part that changes, so there is nothing to play. Give it parts, such "
            "as those of stateviz/playing/moving.py."
        )
    varies = {id(artist) for artist in scene.varies}
    bar = tqdm(
        scene.parts,
        desc="collecting frames",
        unit="part",
        delay=_QUIET_S,
        leave=False,
        disable=scene.n_frames < _MANY_FRAMES,
    )
    for part in bar:
        many = any(id(artist) in varies for artist in part.artists)
        for option in range(len(scene.in_page_options()) if many else 1):
            _add_declared([tracks[id(artist)] for artist in part.artists], part, scene, option)
    return list(tracks.values())


def standing(artists: Iterable[Artist], figure: Figure) -> list[Track]:
    """The tracks of artists that stand still, and are drawn by the page all the same."""
    tracks = [_track_of(artist, figure) for artist in artists]
    for track in tracks:
        track.add(0, 0)
    return tracks


def _add_declared(tracks: Sequence[Track], part: Declared, scene: Scene, option: int) -> None:
    """Adds all frames of an option, from what a scene declares of some artists."""
    track = tracks[0]
    if isinstance(part, Fill) and isinstance(track, ImageTrack):
        track.fill(part, scene.n_frames, option)
    elif isinstance(part, Slide) and not isinstance(track, TextTrack):
        track.slide(part, scene.n_frames, option)
    else:
        for frame in part.changes(scene.n_frames):
            part.show(frame, option)
            for each in tracks:
                each.add(frame, option)


def lowest_first(figure: Figure, artists: Iterable[Artist]) -> list[Artist]:
    """Artists in the order in which a figure draws them."""
    order = {id(artist): place for place, artist in enumerate(figure.findobj())}
    axes: list[Any] = figure.axes
    places = {id(ax): place for place, ax in enumerate(axes)}
    return sorted(
        artists,
        key=lambda artist: (
            places.get(id(artist.axes), len(axes)),
            artist.get_zorder(),
            order.get(id(artist), 0),
        ),
    )


def _empty_tracks(scene: Scene) -> dict[int, Track]:
    """An empty track for each artist, the lowest artist first."""
    tracks = {
        id(artist): _track_of(artist, scene.figure)
        for artist in lowest_first(scene.figure, scene.moving.values())
    }
    for track in tracks.values():
        if isinstance(track, ImageTrack):
            track.hover = scene.hover.get(track.artist)
            track.rows = list(scene.rows.get(track.artist, ()))
            track.scales = [float(scale) for scale in scene.scales.get(track.artist, ())]
            track.lanes = any(image is track.artist for image in scene.lanes)
    return tracks
