"""Carbon dioxide in the air at Mauna Loa, Hawaii, each week from March 1958 to December 2001.

Source: C. D. Keeling and T. P. Whorf (2004), "Atmospheric CO2 concentrations derived from flask
air samples at sites in the SIO network", in Trends: A Compendium of Data on Global Change, Carbon
Dioxide Information Analysis Center, Oak Ridge National Laboratory, U.S. Department of Energy. The
values are those of the data set `co2` of the Python package statsmodels, which gives them as
public domain.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

_FILE = Path(__file__).with_name("mauna_loa_co2.csv")


def load_co2() -> tuple[np.ndarray, np.ndarray]:
    """Loads the series; its 59 missing weeks are filled by a straight line between neighbours.

    Returns:
        The weeks, datetime64[D], and the concentration in parts per million, float64, both of
        shape (weeks,).

    Example:
        >>> weeks, ppm = load_co2()
        >>> print(len(weeks), weeks[0], ppm[0])
        2284 1958-03-29 316.1
    """
    rows = np.genfromtxt(_FILE, delimiter=",", skip_header=1, dtype=None, encoding="utf-8")
    weeks = np.array([row[0] for row in rows], "datetime64[D]")
    ppm = np.array([row[1] for row in rows], float)
    known = np.isfinite(ppm)
    places = np.arange(len(ppm))
    return weeks, np.interp(places, places[known], ppm[known])


def seasonal_co2() -> np.ndarray:
    """The series without its rise: what a parabola in time leaves, with mean 0 and deviation 1.

    What is left is mostly the yearly breath of the plants of the northern half of the Earth.

    Returns:
        float32, shape (weeks,).
    """
    _, ppm = load_co2()
    time = np.linspace(-1, 1, len(ppm))
    left = ppm - np.polyval(np.polyfit(time, ppm, 2), time)
    scaled: np.ndarray = ((left - left.mean()) / left.std()).astype(np.float32)
    return scaled


def co2_lanes(
    samples: int = 1000, timesteps: int = 20, batch_size: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """Cuts the seasonal series into lanes: row i of a batch goes on where row i of the last ended.

    So the state that a stateful layer carries over from batch to batch is always that of the same
    stretch of the series. The lanes begin at equal distances and may overlap.

    Args:
        samples: The number of samples, a multiple of `batch_size`.
        timesteps: The number of weeks in a sample.
        batch_size: The number of lanes.

    Returns:
        X of shape (samples, timesteps, 1), the weeks of each sample, and y of shape (samples, 1),
        the week after it. Both float32.

    Raises:
        TypeError: A size is not a whole number.
        ValueError: The samples do not fill whole batches, or a lane is longer than the series.

    Example:
        >>> X, y = co2_lanes(samples=1000, timesteps=20, batch_size=200)
        >>> X.shape, y.shape
        ((1000, 20, 1), (1000, 1))
        >>> bool(y[7] == X[200 + 7, 0])  # row 7 goes on in the next batch
        True
    """
    sizes = (samples, timesteps, batch_size)
    if not all(isinstance(size, int | np.integer) for size in sizes):
        raise TypeError(
            f"samples, timesteps and batch_size are whole numbers; received "
            f"{samples!r}, {timesteps!r} and {batch_size!r}."
        )
    if min(sizes) < 1:
        raise ValueError(
            f"samples, timesteps and batch_size are counted from 1 on; received "
            f"{samples}, {timesteps} and {batch_size}."
        )
    if samples % batch_size:
        raise ValueError(
            f"samples={samples} is not a multiple of batch_size={batch_size}, so the last batch "
            f"would be short and its rows would not go on where the batch before ended."
        )
    series = seasonal_co2()
    lane = samples // batch_size * timesteps + 1
    if lane > len(series):
        raise ValueError(
            f"A lane of {samples // batch_size} batches of {timesteps} timesteps and one more "
            f"needs {lane} weeks, but the series has {len(series)}. Take fewer samples "
            f"or timesteps, or a larger batch_size."
        )
    apart = (len(series) - lane) // max(batch_size - 1, 1)
    starts = np.arange(batch_size) * apart
    lanes = series[starts[:, np.newaxis] + np.arange(lane)]
    windows = lanes[:, :-1].reshape(batch_size, -1, timesteps)
    X = windows.swapaxes(0, 1).reshape(samples, timesteps, 1)
    y = lanes[:, timesteps::timesteps].T.reshape(samples, 1)
    return X, y
