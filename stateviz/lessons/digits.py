"""Handwritten digits, which an LSTM reads row by row from the top.

Source: E. Alpaydin and C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine
Learning Repository, doi:10.24432/C50P49, under CC BY 4.0. The copy that scikit-learn carries holds
1797 digits of 8 x 8 pixels; nothing is downloaded.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from stateviz.scenes.answer import Still


def digit_rows(test_samples: int = 297) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Loads the digits as sequences: timestep t is row t of the image, its features are pixels.

    The digits are mixed, the same way each time, so that the test set is written by all writers.

    Args:
        test_samples: How many of the 1797 digits to keep for testing.

    Returns:
        X_train of shape (samples, timesteps, features) = (1500, 8, 8), float32 from 0 (paper) to 1
        (ink); y_train of shape (samples,), int64, the digits 0 to 9; X_test and y_test alike.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: No sample is left for training or for testing.

    Example:
        >>> X_train, y_train, X_test, y_test = digit_rows()
        >>> X_train.shape, y_train.shape, X_test.shape
        ((1500, 8, 8), (1500,), (297, 8, 8))
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "The digits come with scikit-learn, which is not installed. Run: "
            "pip install scikit-learn"
        ) from error
    digits = load_digits()
    count = len(digits.target)
    if not 0 < test_samples < count:
        raise ValueError(
            f"test_samples is between 1 and {count - 1}, since there are {count} digits; received "
            f"{test_samples}."
        )
    mixed = np.random.default_rng(0).permutation(count)
    X = (digits.images[mixed] / 16).astype(np.float32)
    y = digits.target[mixed].astype(np.int64)
    train = count - test_samples
    return X[:train], y[:train], X[train:], y[train:]


def draw_digit(image: np.ndarray) -> Figure:
    """Draws an image as an LSTM reads it: a timestep a row, from the top.

    Args:
        image: Shape (timesteps, features), from 0 (paper) to 1 (ink).

    Returns:
        A figure that a notebook shows, with one image.

    Example:
        >>> import numpy as np
        >>> draw_digit(np.eye(3)).axes[0].images[0].get_array().shape
        (3, 3)
    """
    timesteps, features = image.shape
    figure = Still(figsize=(0.4 * features + 1.2, 0.4 * timesteps + 0.4), dpi=100)
    figure.set_layout_engine("constrained")
    ax = figure.add_subplot()
    ax.imshow(image, cmap="Greys", vmin=0, vmax=1)
    ax.set_yticks(range(timesteps), [f"t = {timestep}" for timestep in range(timesteps)])
    ax.set_yticks(np.arange(timesteps + 1) - 0.5, minor=True)
    ax.grid(axis="y", which="minor", color="0.7", linewidth=1)
    ax.set_xticks([])
    ax.tick_params(which="both", length=0)
    return figure
