"""A scene packed for the page: its stage, and what every moving artist holds in every frame."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from stateviz.playing.collecting import standing, tracks_of
from stateviz.playing.scene import Note, Pick, Scene
from stateviz.playing.stage import (
    Places,
    foreign_texts,
    hidden,
    quiet_about_glyphs,
    size_of,
    stage_svg,
)
from stateviz.playing.theme import dark_table
from stateviz.playing.tracks import ImageTrack

# What the page holds decoded, so that any frame can be shown at once.
_MAX_IMAGE_BYTES = 256 * 2**20
_LEVEL = 7  # of zlib: 9 takes twice as long, and saves at most 2 %


def packed(scene: Scene) -> bytes:
    """All that the page needs of a scene, as `payload.js` describes and decodes it.

    One zlib stream: the length of a JSON text (uint32), the text, and all images' pixels.

    Each image is stored as its difference (xor) from the one before, which makes one that fills in
    or changes little nearly free. The page undoes it once for all frames, and can then show any
    frame at once.

    Raises:
        ValueError: There is nothing to play, or more than a page holds.
        TypeError: An artist is of a kind that cannot be played.
    """
    charts = _charts(scene.figure)
    with quiet_about_glyphs(), hidden(charts):  # these would only take time
        scene.figure.draw_without_rendering()
    tracks = tracks_of(scene)
    moving = {id(track.artist) for track in tracks}
    by_the_page = [*foreign_texts(scene.figure), *charts]
    tracks += standing([each for each in by_the_page if id(each) not in moving], scene.figure)
    images = [pixels for track in tracks if isinstance(track, ImageTrack) for pixels in track.kept]
    size = sum(image.size for image in images)
    if size > _MAX_IMAGE_BYTES:
        raise ValueError(
            f"The images of all {scene.n_frames} frames have {size:,} pixels together; a page "
            f"holds at most {_MAX_IMAGE_BYTES:,}. Play fewer frames, or fewer samples or units."
        )
    described = {
        "title": scene.title,
        "notes": [_noted(note, scene.figure) for note in scene.notes],
        "stage": stage_svg(scene.figure, [track.artist for track in tracks]),
        "size": size_of(scene.figure),
        "n_frames": scene.n_frames,
        "stops": list(scene.all_stops),
        "poster": scene.poster,
        "begins": scene.begins,
        "between_ms": round(scene.pace.between_ms, 2),
        "readouts": [line for option in scene.readouts for line in option],
        "sentence": scene.sentence,
        "marks": [[frame, label, *(sign or [""])] for frame, label, *sign in scene.marks],
        "options": {name: list(labels) for name, labels in scene.options.items()},
        "chosen": dict(scene.chosen),
        "in_page": scene.in_page,
        "picks": [_placed(pick, scene.figure) for pick in scene.picks],
        "tracks": [track.described() for track in tracks],
    }
    text = json.dumps(described, separators=(",", ":")).encode()
    pixels = b"".join(_differences(track) for track in tracks if isinstance(track, ImageTrack))
    return zlib.compress(struct.pack("<I", len(text)) + text + pixels, _LEVEL)


def _charts(figure: Figure) -> list[Artist]:
    """The images whose colours are other ones on a dark page, which matplotlib cannot know."""
    images: list[Any] = [image for ax in figure.axes for image in ax.images]
    return [
        each for each in images if each.get_visible() and dark_table(each.cmap.name) is not None
    ]


def _noted(note: Note, figure: Figure) -> list[Any]:
    """Where on the stage a note is, and its words."""
    left, right, bottom, top = note.box
    corners = note.ax.transData.transform([(left, bottom), (right, top)])
    return [Places(figure).box(corners), note.words]


def _differences(track: ImageTrack) -> bytes:
    """The pixels of a track's images, each as its difference from the one before."""
    pixels = bytearray()
    before = np.zeros(0, np.uint8)
    for levels in track.kept:
        flat = levels.ravel()
        pixels += (flat ^ before if flat.size == before.size else flat).tobytes()
        before = flat
    return bytes(pixels)


def _placed(pick: Pick, figure: Figure) -> dict[str, Any]:
    """Where on the stage a pick is, in points from the upper left corner."""
    limits = pick.ax.get_xlim() if pick.axis == "x" else pick.ax.get_ylim()[::-1]
    return {
        "choice": pick.choice,
        "axis": pick.axis,
        "start": pick.start,
        "box": Places(figure).box(pick.ax.bbox.get_points()),
        "limits": [float(limit) for limit in limits],
    }
