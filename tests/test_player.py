"""The player holds, for every frame, what the artists held; and says in words what is wrong."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stateviz.playing.player import Player
from stateviz.playing.tracks import color_levels

N_FRAMES = 5
VALUES = np.random.default_rng(0).normal(size=(3, N_FRAMES))
WIDTH, HEIGHT = 432.0, 288.0  # points


class Scene:
    """A figure with one artist of each kind, all of which change."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
        self.figure.set_dpi(150)
        left, right = self.figure.subplots(1, 2)
        self.image = left.imshow(np.ma.masked_all(VALUES.shape), vmin=-2, vmax=2, cmap="RdBu_r")
        # matplotlib would compose the two images into one, hidden or not.
        self.second = left.imshow(np.zeros((3, 1)), vmin=-2, vmax=2, extent=(-3, -2, 2.5, -0.5))
        right.set(xlim=(0, N_FRAMES), ylim=(0, N_FRAMES))
        [self.line] = right.plot([], [], "s--", color="tab:blue")
        self.cursor = right.axvline(0, color="black", alpha=0.5)
        self.text = right.text(1, 4, "", ha="right", va="top", weight="bold")
        self.box = right.add_patch(Rectangle((0, 0), 0, 1, facecolor=(1, 0, 0, 0.25)))

    def update(self, frame: int) -> list[Artist]:
        shown = np.ma.array(VALUES, mask=np.zeros(VALUES.shape, bool))
        shown[:, frame + 1 :] = np.ma.masked
        self.image.set_data(shown)
        self.line.set_data(range(frame + 1), range(frame + 1))
        self.cursor.set_xdata([frame, frame])
        self.text.set_text(f"frame <{frame}>")
        self.box.set_width(frame)
        self.box.set_visible(frame != 2)
        return [self.image, self.second, self.line, self.cursor, self.text, self.box]

    def player(self, **options: Any) -> Player:
        words: dict[str, Any] = {"describe": lambda frame: f"t = {frame}", "title": "All kinds"}
        return Player(self.figure, self.update, N_FRAMES, **words | options)


class Unpacked:
    """What the page makes of a player's bytes, decoded here a second time."""

    def __init__(self, player: Player) -> None:
        raw = zlib.decompress(player._payload)
        (length,) = struct.unpack("<I", raw[:4])
        self.scene = json.loads(raw[4 : 4 + length])
        rest = np.frombuffer(raw[4 + length :], np.uint8)
        self.images: dict[int, list[np.ndarray]] = {}
        for place, track in enumerate(self.scene["tracks"]):
            images: list[np.ndarray] = []
            shapes = {
                state["pixels"]: state["shape"]
                for state in filter(None, track["states"])
                if track["kind"] == "image"
            }
            for pixels in range(track["pixels"]):
                flat, rest = np.split(rest, [np.prod(shapes[pixels])])
                if images and images[-1].size == flat.size:
                    flat = flat ^ images[-1].ravel()
                images.append(flat.reshape(shapes[pixels]))
            self.images[place] = images
        assert rest.size == 0

    def state(self, kind: str, frame: int, nth: int = 0) -> Any:
        place, track = [
            (place, track)
            for place, track in enumerate(self.scene["tracks"])
            if track["kind"] == kind
        ][nth]
        state = track["states"][track["frames"][frame]]
        if kind == "image" and state:
            levels = self.images[place][state["pixels"]].copy()
            levels[:, state["columns"] :] = 255
            return levels
        if kind == "line" and state:
            return state | {"points": track["lines"][state["line"]][: state["points"]]}
        return state


def on_stage(figure: Figure, display: Any) -> np.ndarray:
    """Display coordinates as points from the figure's upper left corner."""
    x, y = np.asarray(display, float).T * 72 / figure.dpi
    return np.stack([x, HEIGHT - y], axis=-1)


def test_every_frame_holds_what_the_artists_held() -> None:
    scene = Scene()
    unpacked = Unpacked(scene.player())
    axes = scene.figure.axes[1]
    for frame in range(N_FRAMES):
        scene.update(frame)
        np.testing.assert_array_equal(unpacked.state("image", frame), color_levels(scene.image))
        line = unpacked.state("line", frame)
        data = [[place, place] for place in range(frame + 1)]
        expected = on_stage(scene.figure, axes.transData.transform(data))
        np.testing.assert_allclose(line["points"], expected, atol=0.01)
        assert (line["color"], len(line["dash"])) == ("rgba(31,119,180,1)", 2)
        cursor = unpacked.state("line", frame, nth=1)
        assert cursor["color"] == "ink 0.5"
        [[x, _]] = on_stage(scene.figure, axes.transData.transform([[frame, 0]]))
        assert [point[0] for point in cursor["points"]] == pytest.approx([x, x], abs=0.01)
        text = unpacked.state("text", frame)
        assert (text["text"], text["align"], text["bold"]) == (
            f"frame <{frame}>",
            ["right", "top"],
            True,
        )
        box = unpacked.state("rectangle", frame)
        if frame == 2:
            assert box is None
        else:
            corners = on_stage(scene.figure, axes.transData.transform([[0, 1], [frame, 0]]))
            size = corners[1] - corners[0]
            np.testing.assert_allclose(box["box"], [*corners[0], *size], atol=0.02)
            assert box["face"] == "rgba(255,0,0,0.25)"


def test_colours_are_those_of_the_colormap() -> None:
    scene = Scene()
    scene.update(2)
    levels = color_levels(scene.image)
    assert (levels[:, 3:] == 255).all()
    track = next(t for t in Unpacked(scene.player()).scene["tracks"] if t["kind"] == "image")
    table = np.frombuffer(base64.b64decode(track["colors"]), np.uint8).reshape(255, 4)
    exact = scene.image.cmap(scene.image.norm(VALUES[:, :3]), bytes=True)
    assert np.abs(table[levels[:, :3]].astype(int) - exact).max() <= 4


def test_an_image_drawn_upwards_has_its_last_row_on_top() -> None:
    figure = Figure()
    image = figure.add_subplot().imshow([[0.0], [1.0]], origin="lower")
    assert color_levels(image).ravel().tolist() == [254, 0]


def test_the_stage_is_what_does_not_move() -> None:
    player = Scene().player()
    stage = Unpacked(player).scene["stage"]
    assert stage.startswith("<svg")
    assert "<image" not in stage
    assert "frame &lt;" not in stage
    assert "<style" not in stage
    assert "#000000" not in stage
    assert "currentColor" in stage
    ids = re.findall(r'id="([^"]+)"', stage)
    assert all(re.match(r"s[0-9a-f]{10}-", each) for each in ids)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', stage)) <= set(ids)


def test_setting_the_frame_moves_the_artists_and_the_readout() -> None:
    scene = Scene()
    player = scene.player()
    assert (player.frame, player.readout, player.playing) == (0, "t = 0", False)
    player.frame = 3
    assert player.readout == "t = 3"
    assert scene.text.get_text() == "frame <3>"
    assert scene.line.get_xdata()[-1] == 3
    assert player.figure is scene.figure


@pytest.mark.parametrize("frame", [-1, N_FRAMES])
def test_a_frame_out_of_range_is_refused(frame: int) -> None:
    player = Scene().player()
    with pytest.raises(
        traitlets.TraitError, match=rf"received frame {frame}; the frames are 0 to 4"
    ):
        player.frame = frame
    assert player.frame == 0
    with pytest.raises(traitlets.TraitError):
        player.n_frames = 7
    with pytest.raises(traitlets.TraitError, match="from 1 on; received 0"):
        player.interval_ms = 0


def test_the_same_scene_gives_the_same_bytes() -> None:
    one, other = Scene().player(), Scene().player()
    assert one._payload == other._payload
    assert one._html() == other._html()


def test_what_fills_in_or_repeats_is_sent_once() -> None:
    frames, samples, units = 100, 10, 16
    figure = Figure()
    values = np.random.default_rng(0).normal(size=(samples * units, frames))
    image = figure.add_subplot().imshow(np.ma.masked_all(values.shape), vmin=-3, vmax=3)

    def update(frame: int) -> list[Artist]:
        shown = np.ma.array(values, mask=np.zeros(values.shape, bool))
        shown[:, frame + 1 :] = np.ma.masked
        image.set_data(shown)
        return [image]

    player = Player(figure, update, frames)
    assert len(player._payload) < 0.03 * values.size * frames
    # What a live player costs once: the frames and the script.
    assert len(player._payload) + len(str(player._esm)) < 300_000


def test_in_a_notebook_it_has_a_live_form_a_still_one_and_one_that_plays_alone() -> None:
    player = Scene().player(title="A & B")
    data, _ = player._repr_mimebundle_()
    assert data["text/plain"] == repr(player) == "Player('A & B', 5 frames)"
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    html = data["text/html"]
    assert 'alt="A &amp; B. t = 4"' in html
    payload = re.search(r'data-stateviz="([^"]*)"', html)
    assert payload
    assert base64.b64decode(payload[1]) == player._payload
    for outside in ("http://", "https://", 'src="/', "import("):
        assert outside not in html.replace("http://www.w3.org/", "")


def test_the_page_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    player = Scene().player()
    page = player.to_html(tmp_path / "lesson.html")
    assert (tmp_path / "lesson.html").read_text() == page
    assert "<title>All kinds</title>" in page
    with pytest.raises(FileNotFoundError, match=r"nowhere' does not exist.*Make the folder first"):
        player.to_html(tmp_path / "nowhere" / "lesson.html")


def test_each_frame_may_change_other_artists() -> None:
    figure = Figure()
    ax = figure.add_subplot()
    texts = [ax.text(0, row, "") for row in range(3)]

    def update(frame: int) -> list[Artist]:
        texts[frame].set_text(f"frame {frame}")
        return [texts[frame]]

    scene = Unpacked(Player(figure, update, 3)).scene
    assert len(scene["tracks"]) == 3
    shown = [track["states"][track["frames"][2]]["text"] for track in scene["tracks"]]
    assert shown == ["frame 0", "frame 1", "frame 2"]


def test_what_cannot_be_played_is_refused_in_words() -> None:
    figure = Figure()
    dots = figure.add_subplot().scatter([0], [0])
    with pytest.raises(TypeError, match=r"a PathCollection, which the player cannot play.*Line2D"):
        Player(figure, lambda _: [dots], 3)
    with pytest.raises(ValueError, match=r"returned no artist in any frame"):
        Player(figure, lambda _: [], 3)
    with pytest.raises(ValueError, match=r"at least one frame.*n_frames=0"):
        Player(figure, lambda _: [dots], 0)
    with pytest.raises(ValueError, match=r"The mark 'end' is out of range: received frame 9"):
        Scene().player(marks=[(9, "end")])
    colored = figure.add_subplot().imshow(np.zeros((2, 2, 3)))
    with pytest.raises(TypeError, match=r"array of shape \(2, 2, 3\)"):
        Player(figure, lambda _: [colored], 3)


def test_a_page_is_not_given_more_than_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stateviz.playing.tracks._MAX_IMAGE_BYTES", 10)
    with pytest.raises(ValueError, match=r"have 18 pixels together; a page holds at most 10"):
        Scene().player()
