"""The player holds, for every frame, what the artists held; and says in words what is wrong."""

from __future__ import annotations

import base64
import gc
import re
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

import stateviz
from stateviz.playing import page, theme
from stateviz.playing.artists import Areas
from stateviz.playing.moving import Appear
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from tests.building.payload import Unpacked
from tests.building.recordings import a_recording, there
from tests.building.scenes import HEIGHT, N_FRAMES, VALUES, AllKinds, each_frame


def on_stage(figure: Figure, display: Any) -> np.ndarray:
    """Display coordinates as points from the figure's upper left corner."""
    x, y = np.asarray(display, float).T * 72 / figure.dpi
    return np.stack([x, HEIGHT - y], axis=-1)


def color_levels(image: AxesImage) -> np.ndarray:
    """The image's values as places among 255 colours, row 0 on top; 255 where empty."""
    scaled = np.ma.masked_invalid(
        image.norm(np.ma.masked_invalid(np.ma.asarray(image.get_array())))
    )
    levels: np.ndarray = np.clip(np.floor(scaled * 255), 0, 254).filled(255).astype(np.uint8)
    return levels if image.origin == "upper" else levels[::-1]


def test_every_frame_holds_what_the_artists_held() -> None:
    scene = AllKinds()
    unpacked = Unpacked(scene.player())
    axes = scene.figure.axes[1]
    for frame in range(N_FRAMES):
        scene.show(frame)
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
    scene = AllKinds()
    scene.show(2)
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
    player = AllKinds().player()
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
    scene = AllKinds()
    player = scene.player()
    rests = N_FRAMES - 1  # where all of it is seen
    assert (player.frame, player.readout, player.playing) == (rests, f"t = {rests}", False)
    player.frame = 3
    assert player.readout == "t = 3"
    assert scene.text.get_text() == "frame <3>"
    assert scene.line.get_xdata()[-1] == 3
    assert player.figure is scene.figure


@pytest.mark.parametrize("frame", [-1, N_FRAMES])
def test_a_frame_out_of_range_is_refused(frame: int) -> None:
    player = AllKinds().player()
    with pytest.raises(traitlets.TraitError, match=rf"got frame {frame}; the frames are 0 to 4"):
        player.frame = frame
    assert player.frame == N_FRAMES - 1
    with pytest.raises(traitlets.TraitError):
        player.n_frames = 7
    with pytest.raises(traitlets.TraitError, match="`interval_ms` must be >= 1; got 0"):
        player.interval_ms = 0


def test_the_same_scene_gives_the_same_bytes() -> None:
    one, other = AllKinds().player(), AllKinds().player()
    assert one._payload == other._payload
    assert one._html() == other._html()


def test_what_fills_in_or_repeats_is_sent_once() -> None:
    frames, samples, units = 100, 10, 16
    figure = Figure()
    values = np.random.default_rng(0).normal(size=(samples * units, frames))
    ax = figure.add_subplot()
    image = Areas(ax, theme.STATE_MAP, -3, 3, extent=(0, frames, len(values), 0))
    image.set_data(np.ma.array(values, mask=True))

    def show(frame: int) -> None:
        shown = np.ma.array(values, mask=np.zeros(values.shape, bool))
        shown[:, frame + 1 :] = np.ma.masked
        image.set_data(shown)

    player = each_frame(figure, [image], frames, show)
    assert len(player._payload) < 0.03 * values.size * frames
    # What a live player costs once: the frames and the script.
    assert len(player._payload) + len(str(player._esm)) < 300_000


def test_in_a_notebook_it_has_a_live_form_a_still_one_and_one_that_plays_alone() -> None:
    player = AllKinds().player(title="A & B")
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
    player = AllKinds().player()
    page = player.to_html(tmp_path / "lesson.html")
    assert (tmp_path / "lesson.html").read_text() == page
    assert "<title>All kinds</title>" in page
    with pytest.raises(FileNotFoundError, match=r"nowhere' does not exist.*Make the folder first"):
        player.to_html(tmp_path / "nowhere" / "lesson.html")


def test_what_appears_comes_at_its_frame_and_stays() -> None:
    figure = Figure()
    ax = figure.add_subplot()
    parts = [Appear([ax.text(0, row, f"from {row} on")], row) for row in range(4)]
    unpacked = Unpacked(Player(lambda: Scene(figure, 3, describe=str, parts=parts)))
    shown = [
        [row for row in range(4) if unpacked.state("text", frame, nth=row) is not None]
        for frame in range(3)
    ]
    assert shown == [[0], [0, 1], [0, 1, 2]]


def test_what_cannot_be_played_is_refused_in_words() -> None:
    figure = Figure()
    dots = figure.add_subplot().scatter([0], [0])

    def player(artists: list[Any], n_frames: int = 3) -> Player:
        return each_frame(figure, artists, n_frames, lambda _: None)

    with pytest.raises(TypeError, match=r"a PathCollection, which cannot be played.*Line2D"):
        player([dots])
    with pytest.raises(ValueError, match=r"no part that changes, so there is nothing to play"):
        player([])
    with pytest.raises(ValueError, match=r"`n_frames` must be an integer >= 1; got 0"):
        player([dots], 0)
    with pytest.raises(ValueError, match=r"The mark 'end' is out of range: got frame 9"):
        AllKinds().player(marks=[(9, "end")])
    colored = figure.add_subplot().imshow(np.zeros((2, 2)))
    with pytest.raises(TypeError, match=r"a AxesImage, which cannot be played.*artists"):
        player([colored])


def test_a_page_is_not_given_more_than_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stateviz.playing.packing._MAX_IMAGE_BYTES", 10)
    with pytest.raises(ValueError, match=r"have 18 pixels together; a page holds at most 10"):
        AllKinds().player()


def test_reserved_colors_go_to_the_page_by_their_names() -> None:
    figure = Figure()
    ax = figure.add_subplot()
    text = ax.text(0, 0, "", color="white", alpha=0.5)
    [line] = ax.plot([0], [0], "o", color=theme.color("carried"), markeredgecolor="black")
    still = ax.add_patch(Rectangle((0, 0), 1, 1, color=theme.color("reset")))

    player = each_frame(figure, [text, line], 2, lambda frame: text.set_text(str(frame)))
    scene = Unpacked(player).scene
    of_text, of_line = (
        next(track["states"][0] for track in scene["tracks"] if track["kind"] == kind)
        for kind in ("text", "line")
    )
    assert of_text["color"] == "ground 0.5"
    assert (of_line["marker_color"], of_line["marker_edge"]) == ("carried 1", "ink 1")
    assert still.get_visible()
    assert "var(--stateviz-reset,#9a3f67)" in scene["stage"]


def test_the_pages_colors_are_those_of_the_theme() -> None:
    light, dark = re.findall(r"--stateviz-carried: (#\w+)", page.style())
    assert (light, dark) == theme.TOKENS["carried"]
    for name, both in theme.TOKENS.items():
        if name != "ground":
            assert re.findall(rf"--stateviz-{name}: (#\w+)", page.style()) == list(both)


def values_in(figure: Figure) -> tuple[AxesImage, np.ndarray]:
    """The first image of a figure that has several columns, and what it shows."""
    images = [image for ax in figure.axes for image in ax.images]
    image = next(each for each in images if there(each.get_array()).shape[1] > 1)
    return image, shown_by(image)


def shown_by(image: AxesImage) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(image.get_array()), np.nan)


def test_a_player_keeps_no_figure_and_draws_it_again_when_it_is_asked_for() -> None:
    recording = a_recording(2)
    stateviz.play_sequence(recording)  # imports and caches of matplotlib
    gc.collect()
    before = len(gc.get_objects())
    player = stateviz.play_sequence(recording)
    gc.collect()
    assert len(gc.get_objects()) - before < 1_000
    player.frame = 2
    figure = weakref.ref(player.figure)
    held, at_2 = values_in(player.figure)
    player.frame = 0
    assert player.figure is figure()  # whoever holds an artist sees it move
    assert not np.array_equal(shown_by(held), at_2, equal_nan=True)
    player.frame = 2
    words = player.readout
    del held
    gc.collect()
    assert figure() is None
    np.testing.assert_array_equal(values_in(player.figure)[1], at_2)
    assert player.readout == words
