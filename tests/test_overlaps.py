"""No text on a picture lies on another, or is cut off, at any frame of the gallery's scenes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import stateviz
from stateviz.playing.player import Player
from tests.building.recordings import a_recording
from tests.building.scenes import AllKinds
from tools import gallery

TOUCHING = 1.0  # pixels by which boxes may meet: letters do not fill their box
LEAST_POINTS = 10.4  # on 1024 pixels in JupyterLab a player has 572: 10.5 points are 11.1 pixels

Box = tuple[str, float, float, float, float]


def one_of_each() -> dict[str, gallery.Shot]:
    """A picture of each scene: not every frame, theme and size of it."""
    found: dict[object, gallery.Shot] = {}
    for shot in gallery.shots():
        found.setdefault(getattr(shot.scene, "__name__", shot.name.split("-")[0]), shot)
        if shot.name.startswith("batches"):
            found.setdefault(shot.name, shot)
    return {shot.name: shot for shot in found.values()}


SHOTS = one_of_each()


@pytest.mark.full
@pytest.mark.parametrize("name", SHOTS)
def test_no_text_lies_on_another_or_is_cut_off(name: str) -> None:
    assert list(faults(SHOTS[name].scene())) == []


@pytest.mark.parametrize("times", [-1e3, 7e4, 3e9])
def test_large_values_have_room_beside_the_state(times: float) -> None:
    recording = a_recording(2)
    for batch in recording["lstm"].batches:
        for state in batch.states:
            for array in (state.initial, state.after, state.final):
                array *= times
    for player in (
        stateviz.play_batches(recording),
        stateviz.play_sequence(recording),
        stateviz.play_resets(recording),
        stateviz.play_resets(recording, unit=0),
        stateviz.compare(recording, a_recording(2)),
        stateviz.play_answer(recording),
    ):
        assert list(faults(player)) == [], player


def test_a_text_on_another_or_beyond_the_edge_is_seen() -> None:
    scene = AllKinds()
    scene.figure.text(0.5, 0.5, "one")
    scene.figure.text(0.5, 0.51, "other")
    scene.figure.text(0.99, 0.2, "beyond")
    scene.figure.text(0.2, 0.95, "tiny", fontsize=8)
    found = "\n".join(faults(scene.player()))
    assert "'one' lies on 'other'" in found
    assert "'beyond' is cut off" in found
    assert "'tiny' has 8" in found


def faults(player: Player) -> Iterator[str]:
    """What is wrong with texts, once each, with the first frame at which it is."""
    scene = player._scene
    seen: set[tuple[str, int]] = set()
    figure = scene.figure
    scene.show(0, player.chosen)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    moving = scene.moving
    texts = list(texts_of(figure))
    still = [box_of(text, renderer) for text in texts if id(text) not in moving]
    moved = [text for text in texts if id(text) in moving]
    for frame in range(scene.n_frames):
        scene.show(frame, player.chosen)
        boxes = [box_of(text, renderer) for text in moved if is_seen(text)]
        pairs = itertools.combinations(boxes, 2) if frame else []
        of_still = itertools.combinations(still, 2) if not frame else []
        for one, other in [*pairs, *of_still, *itertools.product(boxes, still)]:
            if lie_on_each_other(one, other):
                seen.add((f"{one[0]!r} lies on {other[0]!r}", frame))
        for word, *box in [*boxes, *(still if not frame else [])]:
            left, bottom, right, top = map(float, box)
            beyond = right > figure.bbox.width or top > figure.bbox.height
            if left < 0 or bottom < 0 or beyond:
                seen.add((f"{word!r} is cut off", frame))
    for text in texts:
        if is_seen(text) and float(text.get_fontsize()) < LEAST_POINTS:
            seen.add((f"{text.get_text()!r} has {text.get_fontsize()} points", 0))
    told: set[str] = set()
    for fault, frame in sorted(seen, key=lambda each: each[1]):
        if fault not in told:
            told.add(fault)
            yield f"{fault} at frame {frame}"


def is_seen(text: Text) -> bool:
    return text.get_visible() and bool(text.get_text().strip())


def texts_of(figure: Figure) -> Iterator[Text]:
    """The texts that can be seen: also those that are hidden now, without those of no tick."""
    unseen: set[int] = set()
    for ax in figure.axes:
        axes: list[Any] = [ax.xaxis, ax.yaxis]
        for axis in axes:
            drawn = axis._update_ticks() if ax.axison else []
            shown = {id(tick) for tick in drawn}
            unseen |= {
                id(label)
                for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
                for label in (tick.label1, tick.label2)
                if id(tick) not in shown or not label.get_visible()
            }
            if not ax.axison:
                unseen.add(id(axis.label))
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if id(text) not in unseen:
            yield text


def box_of(text: Text, renderer: Any) -> Box:
    box = text.get_window_extent(renderer)
    if not is_seen(text):
        return "", 0, 0, 0, 0
    t = TOUCHING
    return text.get_text(), box.x0 + t, box.y0 + t, box.x1 - t, box.y1 - t


def lie_on_each_other(one: Box, other: Box) -> bool:
    (a, left, bottom, right, top), (b, *edges) = one, other
    across = left < edges[2] and edges[0] < right
    return bool(a and b and across and bottom < edges[3] and edges[1] < top)
