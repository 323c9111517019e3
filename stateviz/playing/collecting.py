"""Collects what every moving artist of a scene holds, frame by frame.

The scene is run over all its frames once, without rendering; of what it declares only the frames at
which something changes are looked at. To play another kind of artist, write its class of track and
add it to `_KINDS`.
"""

from __future__ import annotations

import itertools
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


def _track_of(artist: Artist, figure: Figure, hover: str | None) -> Track:
    for kind, track in _KINDS.items():
        if isinstance(artist, kind):
            return track(artist, figure, hover)
    raise TypeError(
        f"update(frame) returned a {type(artist).__name__}, which the player cannot play. It plays "
        f"Line2D (plot, axvline), Text, Rectangle, and the charts of stateviz.playing.artists."
    )


def tracks_of(scene: Scene) -> list[Track]:
    """What every changed artist holds in every frame, from the lowest artist to the topmost.

    Raises:
        ValueError: Nothing changes, so that there is nothing to play.
        TypeError: An artist is of a kind that cannot be played.
    """
    choices = scene.in_page_options()
    # Nearly always each frame returns the same artists. Where not, all frames are asked first.
    tracks = _filled(scene, scene.show(0, choices[0]))
    if tracks is None:
        every = itertools.product(range(scene.n_frames), choices)
        tracks = _filled(scene, (artist for place in every for artist in scene.show(*place)))
    if not tracks:
        raise ValueError(
            "update(frame) returned no artist in any frame, so there is nothing to play. It must "
            "return the artists that it changes, as for matplotlib's FuncAnimation."
        )
    return tracks


def standing(artists: Iterable[Artist], figure: Figure) -> list[Track]:
    """The tracks of artists that stand still, and are drawn by the page all the same."""
    tracks = [_track_of(artist, figure, None) for artist in artists]
    for track in tracks:
        track.add(0, 0)
    return tracks


def _filled(scene: Scene, artists: Iterable[Artist]) -> list[Track] | None:
    """The tracks of these artists; None where a frame returns one that is not among them."""
    tracks = _empty_tracks(scene, {id(artist): artist for artist in artists})
    declared = {id(artist) for part in scene.parts for artist in part.artists}
    varies = {id(artist) for artist in scene.varies}
    updated = {at: track for at, track in tracks.items() if at not in declared}
    bar = tqdm(
        range(scene.n_frames),
        desc="collecting frames",
        unit="frame",
        delay=_QUIET_S,
        leave=False,
        disable=scene.n_frames < _MANY_FRAMES,
    )
    for frame in bar:
        for option, chosen in enumerate(scene.in_page_options()):
            if not updated.keys() >= {id(artist) for artist in scene.updated(frame, chosen)}:
                return None
            for at, track in updated.items():
                if option == 0 or at in varies:
                    track.add(frame, option)
    for part in scene.parts:
        many = any(id(artist) in varies for artist in part.artists)
        for option in range(len(scene.in_page_options()) if many else 1):
            _add_declared([tracks[id(artist)] for artist in part.artists], part, scene, option)
    return list(tracks.values())


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


def _empty_tracks(scene: Scene, changed: dict[int, Artist]) -> dict[int, Track]:
    """An empty track for each artist, the lowest artist first."""
    figure = scene.figure
    tracks = {
        id(artist): _track_of(artist, figure, scene.hover.get(artist))
        for artist in lowest_first(figure, changed.values())
    }
    for track in tracks.values():
        track.rows = list(scene.rows.get(track.artist, ()))
        track.scales = [float(scale) for scale in scene.scales.get(track.artist, ())]
        if isinstance(track, ImageTrack):
            track.lanes = any(image is track.artist for image in scene.lanes)
    return tracks
