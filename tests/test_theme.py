"""The colours are told apart by all eyes, on both grounds, and are the ones that the page has."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from stateviz.playing import theme

# Machado, Oliveira and Fernandes (2009), severity 1: what is seen without red or green sight.
SIGHTS = {
    "all": np.eye(3),
    "without red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "without green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
}  # fmt: skip
THEMES = {"light": 0, "dark": 1}
JUST_SEEN = 0.02  # in OKLab


def linear(rgb: np.ndarray) -> np.ndarray:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Ottosson (2020), from linear light."""
    to_cones = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451,
                0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]]  # fmt: skip
    to_lab = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050,
              0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]]  # fmt: skip
    found: np.ndarray = np.array(to_lab) @ np.cbrt(np.array(to_cones) @ np.clip(rgb, 0, 1))
    return found


def seen(color: str, sight: str) -> np.ndarray:
    return oklab(SIGHTS[sight] @ linear(np.array(to_rgb(color))))


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("name", THEMES)
def test_origins_and_signs_are_told_apart_by_all_eyes(name: str, sight: str) -> None:
    colors = {each: both[THEMES[name]] for each, both in theme.TOKENS.items() if each != "ground"}
    for one, other in itertools.combinations(colors.values(), 2):
        assert np.linalg.norm(seen(one, sight) - seen(other, sight)) > 5 * JUST_SEEN, (one, other)


@pytest.mark.parametrize("name", THEMES)
def test_every_accent_stands_out_from_its_ground(name: str) -> None:
    ground = theme.TOKENS["ground"][THEMES[name]]
    weights = np.array([0.2126, 0.7152, 0.0722])
    for each, both in theme.TOKENS.items():
        if each == "ground":
            continue
        lights = [weights @ linear(np.array(to_rgb(c))) for c in (ground, both[THEMES[name]])]
        assert (max(lights) + 0.05) / (min(lights) + 0.05) >= 3, each


def test_the_scale_is_the_ground_at_zero_and_even_on_both_sides() -> None:
    table = theme.STATE_MAP(np.arange(theme.LEVELS))[:, :3]
    middle = theme.LEVELS // 2
    np.testing.assert_allclose(table[middle], to_rgb(theme.GROUND), atol=0.002)
    labs = np.array([oklab(linear(each)) for each in table])
    away = np.linalg.norm(labs - labs[middle], axis=1)
    assert (np.diff(away[middle:]) > -0.002).all()
    assert (np.diff(away[: middle + 1]) < 0.002).all()
    # A value near zero is a colour all the same: its height says how small it is.
    assert away[middle + 1] > 2 * JUST_SEEN
    assert away[middle - 1] > 2 * JUST_SEEN
    dark = theme.dark_table(theme.STATE_MAP.name)
    assert dark is not None
    np.testing.assert_allclose(dark[middle, :3] / 255, to_rgb(theme.TOKENS["ground"][1]), atol=0.01)
    assert theme.dark_table("viridis") is None
