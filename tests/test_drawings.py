"""The drawings show what the recording holds, and nothing that has not been read yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stateviz.drawing import sample as drawings
from stateviz.recording import StateName
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_batch, there


@pytest.fixture
def ax() -> Axes:
    return Figure().add_subplot()


@pytest.mark.parametrize("state", ["hidden", "cell"])
def test_a_heat_map_shows_each_unit_in_a_row_and_each_timestep_in_a_column(
    ax: Axes, state: StateName
) -> None:
    batch = a_batch(3)
    images = drawings.draw_state(ax, batch, state, sample=2)
    shown = images.timesteps.get_array()
    np.testing.assert_array_equal(shown, batch.state(state).after[2].T)
    np.testing.assert_array_equal(
        np.ma.asarray(images.initial.get_array())[:, 0], batch.state(state).initial[2]
    )
    assert list(images.timesteps.get_extent()) == [-0.5, TIMESTEPS - 0.5, UNITS - 0.5, -0.5]
    assert images.unread.get_width() == 0
    norm = images.timesteps.norm
    assert isinstance(norm.vmax, float)
    assert norm.vmin == -norm.vmax
    assert norm.vmax == pytest.approx(
        max(np.abs(there(shown)).max(), np.abs(np.ma.asarray(images.initial.get_array())).max())
    )
    assert images.initial.norm.vmax == norm.vmax


def test_what_is_not_read_yet_is_left_open_and_covered(ax: Axes) -> None:
    images = drawings.draw_state(ax, a_batch(0), "cell", sample=0, timestep=0)
    mask = np.ma.getmaskarray(np.ma.asarray(images.timesteps.get_array()))
    assert mask.all(axis=0).tolist() == [False, True, True]
    assert images.unread.get_bbox().bounds == (0.5, -0.5, 2, UNITS)


def test_a_unit_is_drawn_from_its_initial_state_on(ax: Axes) -> None:
    batch = a_batch(1)
    lines = drawings.draw_unit(ax, batch, sample=1, unit=1, timestep=1)
    for state, line in lines.items():
        x, y = line.get_data()
        np.testing.assert_array_equal(x, [-2, 0, 1])
        initial = batch.state(state).initial[1, 1]
        after = batch.state(state).after[1, :2, 1]
        np.testing.assert_array_equal(y, [initial, *after])
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines.values()}
    assert len(looks) == 2
    whole = np.asarray(drawings.draw_unit(ax, batch, sample=1, unit=1)["cell"].get_ydata())
    low, high = ax.get_ylim()
    assert low < whole.min()
    assert high > whole.max()


def test_a_layer_without_a_cell_state_has_one_line(ax: Axes) -> None:
    none: dict[str, Any] = dict.fromkeys(("initial_cell_state", "cell_state", "final_cell_state"))
    assert set(drawings.draw_unit(ax, a_batch(0, **none), sample=0, unit=0)) == {"hidden"}


@pytest.mark.parametrize("features", [1, 3])
def test_the_input_is_drawn_feature_by_feature(ax: Axes, features: int) -> None:
    inputs = np.random.default_rng(0).normal(size=(SAMPLES, TIMESTEPS, features))
    lines = drawings.draw_input(ax, a_batch(0, inputs=inputs), sample=3)
    drawn = np.stack([line.get_ydata() for line in lines], axis=1)
    np.testing.assert_array_equal(drawn, inputs[3])


def test_missing_inputs_are_said_to_be_missing(ax: Axes) -> None:
    assert drawings.draw_input(ax, a_batch(0), sample=0) == []
    assert "inputs=False" in ax.texts[0].get_text()


def test_masked_timesteps_are_hatched(ax: Axes) -> None:
    mask = np.ones((SAMPLES, TIMESTEPS), bool)
    mask[1, [0, 2]] = False
    hatched = drawings.draw_masked(ax, a_batch(0, mask=mask), sample=1)
    patches = [patch for patch in hatched if isinstance(patch, Rectangle)]
    assert [(patch.get_x(), patch.get_hatch()) for patch in patches] == [
        (-0.5, "///"),
        (1.5, "///"),
    ]
    assert drawings.draw_masked(ax, a_batch(0), sample=1) == []


@pytest.mark.parametrize("origin", ["fresh", "reset", "carried", "given", "altered"])
def test_the_origin_is_said_over_the_initial_state(ax: Axes, origin: str) -> None:
    text = drawings.draw_origin(ax, a_batch(0, origin=origin), sample=1)
    assert text.get_text().startswith(origin)
    assert text.get_position()[0] == drawings.initial_place(a_batch(0))


def test_the_time_axis_names_the_initial_state(ax: Axes) -> None:
    drawings.set_time_axis(ax, a_batch(0), labelled=True)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["initial", "0", "1", "2"]
    assert ax.get_xticks().tolist() == [-2, 0, 1, 2]
