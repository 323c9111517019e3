"""The values of an image as places in its colour table: a byte each, and one for "nothing here"."""

from __future__ import annotations

import numpy as np
from matplotlib.image import AxesImage

COLORS = 255
TRANSPARENT = 255


def color_levels(image: AxesImage) -> np.ndarray:
    """The image's values as places in its colour table, uint8, row 0 on top; 255 where empty."""
    values: np.ma.MaskedArray = np.ma.asarray(image.get_array())
    return masked(image, levels_of(image, np.ma.getdata(values)), values)


def levels_of(image: AxesImage, data: np.ndarray) -> np.ndarray:
    """The places in the colour table of all values, as they lie in the array."""
    if data.ndim != 2:
        raise TypeError(
            f"An image to play is a table of values (rows, columns) with a colormap; received an "
            f"array of shape {data.shape}."
        )
    scaled: np.ma.MaskedArray = np.ma.masked_invalid(image.norm(np.ma.masked_invalid(data)))
    levels: np.ndarray = np.clip(np.floor(scaled.filled(0) * COLORS), 0, COLORS - 1)
    levels = levels.astype(np.uint8)
    levels[np.ma.getmaskarray(scaled)] = TRANSPARENT
    return levels


def masked(image: AxesImage, levels: np.ndarray, values: np.ma.MaskedArray) -> np.ndarray:
    """The levels without those of masked values, row 0 on top."""
    levels[np.ma.getmaskarray(values)] = TRANSPARENT
    return levels if image.origin == "upper" else np.flipud(levels)
