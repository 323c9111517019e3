"""What a moving artist can have: it is carried to the page, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import patheffects
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from stateviz.playing.limits import LIMITS, table
from stateviz.playing.player import Player
from tests.building.payload import Unpacked

PAGE = Path(__file__).parent.parent / "docs" / "player.md"
VALUES = np.arange(6.0).reshape(2, 3)

# For each limit what has it, in the order of `LIMITS`.
REFUSED: dict[str, list[Callable[[Axes], Artist]]] = {
    "a hollow marker, or one of strokes such as 'x'": [
        lambda ax: ax.plot([1, 2], "x")[0],
        lambda ax: ax.plot([1, 2], "o", markerfacecolor="none")[0],
        lambda ax: ax.plot([1, 2], "o", fillstyle="left")[0],
    ],
    "a marker whose edge has another colour": [
        lambda ax: ax.plot([1, 2], "o", markeredgecolor="red")[0]
    ],
    "markevery": [lambda ax: ax.plot([1, 2, 3], "o-", markevery=2)[0]],
    "a gapcolor": [lambda ax: ax.plot([1, 2], "--", gapcolor="red")[0]],
    "mathematics between $ signs": [lambda ax: ax.text(0, 0, "$c_t$")],
    "an arrow": [lambda ax: ax.annotate("a", (0, 0), (1, 1), arrowprops={"arrowstyle": "->"})],
    "a box around it": [lambda ax: ax.text(0, 0, "a", bbox={"facecolor": "white"})],
    "a slanted style": [lambda ax: ax.text(0, 0, "a", style="italic")],
    "an angle": [lambda ax: ax.add_patch(Rectangle((0, 0), 1, 1, angle=30))],
    "a hatch": [lambda ax: ax.add_patch(Rectangle((0, 0), 1, 1, hatch="//"))],
    "an alpha for each pixel": [lambda ax: ax.imshow(VALUES, alpha=np.full(VALUES.shape, 0.5))],
    "an interpolation between its values": [lambda ax: ax.imshow(VALUES, interpolation="bilinear")],
    "path effects": [
        lambda ax: ax.text(0, 0, "a", path_effects=[patheffects.withStroke(linewidth=3)])
    ],
}


def a_player(make: Callable[[Axes], Artist]) -> Player:
    figure = Figure()
    artist = make(figure.add_subplot(xlim=(0, 3), ylim=(0, 3)))
    return Player(figure, lambda frame: [artist], 2)


def test_every_limit_has_an_example() -> None:
    assert list(REFUSED) == [limit.what for limit in LIMITS]


@pytest.mark.parametrize(
    ("what", "make"), [(what, make) for what, makes in REFUSED.items() for make in makes]
)
def test_what_cannot_be_drawn_is_refused_by_name(what: str, make: Callable[[Axes], Artist]) -> None:
    with pytest.raises(ValueError, match="The player cannot draw") as error:
        a_player(make)
    assert f"cannot draw {what}" in str(error.value)


def test_other_kinds_of_artists_are_refused() -> None:
    with pytest.raises(TypeError, match="returned a Circle, which the player cannot play"):
        a_player(lambda ax: ax.add_patch(Circle((0, 0), 1)))


@pytest.mark.parametrize("where", ["pre", "mid", "post"])
def test_steps_are_steps(where: Literal["pre", "mid", "post"]) -> None:
    player = a_player(lambda ax: ax.step([0, 1, 2], [0, 1, 0], where=where)[0])
    [track] = Unpacked(player).scene["tracks"]
    points = np.array(track["lines"][0])
    assert len(points) > 3
    moved = np.abs(np.diff(points, axis=0))
    assert (moved.min(axis=1) < 1e-6).all()  # along one axis at a time


def test_dashes_and_opacity_are_carried() -> None:
    line = a_player(lambda ax: ax.plot([1, 2], linestyle=(0, (5, 1, 2, 1)), linewidth=2)[0])
    assert Unpacked(line).scene["tracks"][0]["states"][0]["dash"] == [10, 2, 4, 2]
    known = a_player(lambda ax: ax.plot([1, 2], "--", linewidth=1)[0])
    dash = Unpacked(known).scene["tracks"][0]["states"][0]["dash"]
    assert dash == mpl.rcParams["lines.dashed_pattern"]
    text = a_player(lambda ax: ax.text(0, 0, "a", alpha=0.4, color="red"))
    assert Unpacked(text).scene["tracks"][0]["states"][0]["color"] == "rgba(255,0,0,0.4)"
    patch = a_player(lambda ax: ax.add_patch(Rectangle((0, 0), 1, 1, color="red", alpha=0.4)))
    assert Unpacked(patch).scene["tracks"][0]["states"][0]["face"] == "rgba(255,0,0,0.4)"
    patch = a_player(lambda ax: ax.add_patch(Rectangle((0, 0), 1, 1, linestyle=(0, (3, 1)), lw=2)))
    assert Unpacked(patch).scene["tracks"][0]["states"][0]["dash"] == [6, 2]
    image = a_player(lambda ax: ax.imshow(VALUES, alpha=0.25))
    assert Unpacked(image).scene["tracks"][0]["states"][0]["opacity"] == 0.25


def test_the_page_of_limits_is_up_to_date() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")
