"""Minus signs on heat maps: without colour, plus and minus are told apart by them alone."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage

import stateviz
from stateviz.drawing.minus import MinusSigns, draw_minus_signs
from stateviz.drawing.sample import draw_state
from stateviz.playing.moving import Fill, Slide
from stateviz.playing.player import Player
from tests.building.recordings import a_batch, a_recording


def drawn(values: np.ndarray, *, inches: float = 5) -> MinusSigns:
    figure = plt.figure(figsize=(inches, inches))
    ax = figure.add_axes((0, 0, 1, 1))
    image = ax.imshow(values, norm=Normalize(-1, 1), aspect="auto")
    return draw_minus_signs(image, np.ma.masked_invalid(values))


def places(signs: MinusSigns) -> list[tuple[int, int]]:
    """Row and column of each sign."""
    found = [point for line in signs.lines for point in np.column_stack(line.get_data())]
    return sorted((round(y), round(x)) for x, y in found)


def test_each_cell_below_zero_has_a_sign_and_no_other() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (6, 9))
    values[2, 3], values[0, 0], values[1, 1] = np.nan, 0.0, -0.01
    signs = drawn(values)
    assert places(signs) == [tuple(each) for each in np.argwhere(values < -0.04).tolist()]


def test_a_sign_stands_out_from_its_cell() -> None:
    pale, dark = drawn(np.array([[-0.2, -0.9]])).lines
    assert (pale.get_color(), *np.asarray(pale.get_xdata())) == ("black", 0)
    assert (dark.get_color(), *np.asarray(dark.get_xdata())) == ("white", 1)


def test_where_there_is_no_room_there_is_no_sign() -> None:
    assert not drawn(-np.ones((200, 20))).lines
    assert drawn(-np.ones((20, 20))).lines


def test_signs_come_with_their_column() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, (4, 6))
    signs = drawn(values)
    for filled in (0, 1, 4, 6, 2):
        signs.show(filled)
        below = np.argwhere(values[:, :filled] < -0.04).tolist()
        assert places(signs) == [tuple(each) for each in below]


@pytest.mark.parametrize("backwards", [False, True])
def test_signs_follow_the_order_of_reading(backwards: bool) -> None:
    batch = a_batch(0, go_backwards=backwards, origin="given")
    _, ax = plt.subplots(figsize=(6, 4))
    images = draw_state(ax, batch, "hidden", sample=0, timestep=0, by_data=backwards)
    x = np.concatenate([line.get_xdata() for line in images.signs.lines])
    states = batch.hidden_state[0, 0]
    first = batch.timesteps - 1 if backwards else 0
    many = (states < -0.04 * images.timesteps.get_clim()[1]).sum()
    assert x.tolist() == [first] * many
    assert many


@pytest.mark.parametrize("play", [stateviz.play_sequence, stateviz.play_batches])
def test_at_each_frame_the_cells_below_zero_have_their_signs(play: Callable[..., Player]) -> None:
    states = np.random.default_rng(0).normal(size=(4, 30, 2))
    scene = play(a_recording(2, hidden_state=states, cell_state=states, inputs=None))._scene
    filling = [part.image for part in scene.parts if isinstance(part, Fill)]
    moving = [part.artists for part in scene.parts if isinstance(part, Slide)]
    assert filling
    seen = set()
    for frame in range(scene.n_frames):
        scene.show(frame, scene.chosen)
        for ax in (image.axes for image in filling):
            still = [each for each in ax.images if [each] not in moving]
            below = sum(map(cells_below, still))
            signs = [line for line in ax.lines if line.get_alpha() == 0.75]
            assert sum(np.size(line.get_xdata()) for line in signs) == below
            seen.add(below)
    assert len(seen) > 20


def cells_below(image: AxesImage) -> int:
    shown: np.ndarray = np.ma.filled(np.ma.asarray(image.get_array(), float), np.nan)
    return int((shown < -0.04 * image.get_clim()[1]).sum())
