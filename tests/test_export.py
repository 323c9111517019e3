"""A player as a film and as a row of pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib import animation
from PIL import Image

import stateviz
from stateviz.playing.export import _Pictures
from stateviz.playing.player import Player
from tests.building.recordings import a_recording, there
from tests.building.scenes import N_FRAMES, AllKinds


def test_a_gif_has_every_frame_at_the_players_speed(tmp_path: Path) -> None:
    player = AllKinds().player(interval_ms=250)
    player.frame = 1
    player.save(tmp_path / "run.gif", dpi=40, progress=False)
    with Image.open(tmp_path / "run.gif") as film:
        pictures = []
        for frame in range(getattr(film, "n_frames", 1)):
            film.seek(frame)
            assert film.info["duration"] == 250
            pictures.append(np.asarray(film.convert("RGB")).copy())
    assert len(pictures) == N_FRAMES
    assert all((one != other).any() for one, other in pairwise(pictures))
    assert player.readout == "t = 1"
    assert player.figure.axes[1].texts[0].get_text() == "frame <1>"


def test_long_work_shows_how_far_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    AllKinds().player().save(tmp_path / "run.gif", dpi=30)
    told = capsys.readouterr()
    assert f"{N_FRAMES}/{N_FRAMES}" in told.err
    assert "run.gif" in told.err


def test_a_film_that_cannot_be_written_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = AllKinds().player()
    with pytest.raises(ValueError, match=r"Unknown file type 'run.avi': use .gif or .mp4.*to_html"):
        player.save(tmp_path / "run.avi")
    with pytest.raises(FileNotFoundError, match="Make the folder first"):
        player.save(tmp_path / "nowhere" / "run.gif")
    monkeypatch.setattr(animation.writers, "is_available", lambda _: False)
    with pytest.raises(RuntimeError, match=r"ffmpeg, a program that was not found.*save a .gif"):
        player.save(tmp_path / "run.mp4")


def test_a_storyboard_shows_the_frames_that_were_asked_for() -> None:
    player = AllKinds().player()
    player.frame = 2
    board = player.storyboard([0, 3, 4], columns=2)
    shown = [ax for ax in board.axes if ax.images]
    assert [ax.get_title() for ax in shown] == [f"frame {t}:  t = {t}" for t in (0, 3, 4)]
    pictures = [np.asarray(ax.images[0].get_array()) for ax in shown]
    assert (pictures[1] != pictures[2]).any()
    assert (there(board.axes[1].get_subplotspec()).get_geometry()[:2]) == (2, 2)
    assert player.figure.axes[1].texts[0].get_text() == "frame <2>"
    assert [ax.get_title()[:7] for ax in player.storyboard().axes] == [
        f"frame {t}" for t in (0, 1, 3, 4)
    ]
    with pytest.raises(IndexError, match="got frame 9; the frames are 0 to 4"):
        player.storyboard([9])
    with pytest.raises(ValueError, match="`frames` is empty"):
        player.storyboard([])


@pytest.mark.parametrize("play", [stateviz.play_batches, stateviz.play_sequence])
def test_a_frame_of_a_film_is_what_drawing_all_of_the_figure_gives(
    play: Callable[..., Player],
) -> None:
    player = play(a_recording(2))
    scene = player._scene
    pictures = _Pictures(scene, player.chosen)
    for frame in player.stops[:4]:
        shape = (*pictures._stage.shape[:2], 4)
        film = np.frombuffer(pictures.of(frame), np.uint8).reshape(shape).astype(int)
        file = io.BytesIO()
        scene.figure.savefig(file, format="rgba", dpi=scene.figure.dpi, facecolor="white")
        whole = np.frombuffer(file.getvalue(), np.uint8).reshape(shape).astype(int)
        # Where two artists touch, the page and so the film may draw them in another order.
        assert (abs(film - whole).max(axis=-1) > 24).mean() < 0.002
