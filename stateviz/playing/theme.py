"""The look: reserved colours that a page turns into those of its theme, and scales with two tables.

Everything that is neither state nor origin is ink on the ground. A colour of `TOKENS` stands in
matplotlib as it is on a light page; the page draws it in the reader's theme.
"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import ListedColormap, to_rgb

LEVELS = 255  # the colours of a scale; the middle one stands for zero
INK, GROUND = "#000000", "#ffffff"
# Light and dark. Found by search: any two accents, and an accent and an end of the scale, are at
# least 0.116 apart in OKLab, for all eyes and for those without red or green (Machado et al. 2009).
TOKENS: dict[str, tuple[str, str]] = {
    "carried": ("#00a291", "#46d4cb"),
    "fresh": ("#643a00", "#ffca44"),
    "reset": ("#9a3f67", "#db5286"),
    "given": ("#6b1ca5", "#9f54cc"),
    "above": ("#ba5006", "#f79464"),
    "below": ("#2c74cd", "#76b3ff"),
    "ground": (GROUND, "#14171a"),
}
_LIGHT_END, _DARK_END = 0.56, 0.76  # OKLab's lightness of both ends of the scale
_WARM, _COOL = 46.0, 256.0  # hues
_LEAST = 0.16  # of the colour that a value near zero has: its height says how small it is
_INK_OF_BARS, _INK_OF_LEVEL = 0.62, 0.17


def color(name: str) -> str:
    """A reserved colour; ink for a name that has none, such as "altered"."""
    return TOKENS[name][0] if name in TOKENS else INK


def soft(part: float) -> tuple[float, float, float, float]:
    """Ink of which so much covers the ground."""
    return 0.0, 0.0, 0.0, part


def _oklab(rgb: Any) -> np.ndarray:
    """OKLab of sRGB (Ottosson 2020): distances in it are what eyes see."""
    rgb = np.asarray(rgb, float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [[0.4122214708, 0.2119034982, 0.0883024619], [0.5363325363, 0.6806995451, 0.2817188376],
         [0.0514459929, 0.1073969566, 0.6299787005]]
    )  # fmt: skip
    found: np.ndarray = np.cbrt(cones) @ np.array(
        [[0.2104542553, 1.9779984951, 0.0259040371], [0.7936177850, -2.4285922050, 0.7827717662],
         [-0.0040720468, 0.4505937099, -0.8086757660]]
    )  # fmt: skip
    return found


def _srgb(lightness: np.ndarray, chroma: np.ndarray, hue: np.ndarray) -> np.ndarray:
    """SRGB of OKLab's lightness, chroma and hue in degrees, clipped; shape (..., 3)."""
    a, b = chroma * np.cos(np.deg2rad(hue)), chroma * np.sin(np.deg2rad(hue))
    cones = np.stack(
        [
            lightness + 0.3963377774 * a + 0.2158037573 * b,
            lightness - 0.1055613458 * a - 0.0638541728 * b,
            lightness - 0.0894841775 * a - 1.2914855480 * b,
        ],
        axis=-1,
    )
    linear = cones**3 @ np.array(
        [[4.0767416621, -1.2684380046, -0.0041960863], [-3.3077115913, 2.6097574011, -0.7034186147],
         [0.2309699292, -0.3413193965, 1.7076147010]]
    )  # fmt: skip
    linear = np.clip(linear, 0, 1)
    found: np.ndarray
    found = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return found


def _state_table(ground: str, end: float, chroma: float) -> np.ndarray:
    """Even steps from blue over the ground to orange, shape (LEVELS, 4) in 0 to 1."""
    at = np.linspace(-1, 1, LEVELS)
    away = np.where(at == 0, 0, _LEAST + (1 - _LEAST) * np.abs(at))
    lightness = _oklab(to_rgb(ground))[0] + (end - _oklab(to_rgb(ground))[0]) * away
    colors = _srgb(lightness, chroma * away, np.where(at < 0, _COOL, _WARM))
    colors[at == 0] = to_rgb(ground)
    return np.column_stack([colors, np.ones(LEVELS)])


def _ink_table(ground: str, ink: str, part: float) -> np.ndarray:
    """Ink of which so much covers the ground, with an edge of nearly all of it."""
    found = np.ones((LEVELS, 4))
    found[:, :3] = np.array(to_rgb(ground)) * (1 - part) + np.array(to_rgb(ink)) * part
    if part < _INK_OF_BARS:
        found[[1, -2], :3] = np.array(to_rgb(ground)) * 0.1 + np.array(to_rgb(ink)) * 0.9
    found[-1, :3], found[LEVELS // 2, :3] = to_rgb(ink), to_rgb(ground)
    return found


STATE_MAP = ListedColormap(_state_table(GROUND, _LIGHT_END, 0.155), "stateviz-state")
INK_MAP = ListedColormap(_ink_table(GROUND, "#16191d", _INK_OF_BARS), "stateviz-ink")
LEVEL_MAP = ListedColormap(_ink_table(GROUND, "#16191d", _INK_OF_LEVEL), "stateviz-level")
_DARK_TABLES = {
    STATE_MAP.name: _state_table(TOKENS["ground"][1], _DARK_END, 0.135),
    INK_MAP.name: _ink_table(TOKENS["ground"][1], "#eceff2", _INK_OF_BARS),
    LEVEL_MAP.name: _ink_table(TOKENS["ground"][1], "#eceff2", _INK_OF_LEVEL),
}


def dark_table(name: str) -> np.ndarray | None:
    """The colours of a scale on a dark page, RGBA as uint8, shape (LEVELS, 4); None if the same."""
    table = _DARK_TABLES.get(name)
    return None if table is None else np.round(255 * table).astype(np.uint8)


def token_of(rgb: Any) -> str | None:
    """The name of a reserved colour; "ink" for black, None for a colour of its own."""
    return _NAMES.get(mpl.colors.to_hex(rgb))


_NAMES = {light: name for name, (light, _) in TOKENS.items()} | {INK: "ink"}
