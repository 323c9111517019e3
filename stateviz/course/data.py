"""The data sets of the lessons, none of which is downloaded.

Carbon dioxide in the air at Mauna Loa, Hawaii, each week from March 1958 to December 2001.
    C. D. Keeling and T. P. Whorf (2004), "Atmospheric CO2 concentrations derived from flask air
    samples at sites in the SIO network", in Trends: A Compendium of Data on Global Change, Carbon
    Dioxide Information Analysis Center, Oak Ridge National Laboratory, U.S. Department of Energy.
    The values are those of the data set `co2` of the Python package statsmodels, which gives them
    as public domain.
A short text to learn letter by letter.
    William Shakespeare, "Sonnet 18", in "Shake-speares Sonnets", London 1609; here in modern
    spelling. Public domain.
Handwritten digits, which an LSTM reads row by row from the top.
    E. Alpaydin and C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository, doi:10.24432/C50P49, under CC BY 4.0. The copy that scikit-learn carries
    holds 1797 digits of 8 x 8 pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from stateviz.scenes.answer import Still

_FILE = Path(__file__).with_name("files") / "mauna_loa_co2.csv"


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
            f"`samples`, `timesteps` and `batch_size` must be integers; got "
            f"{samples!r}, {timesteps!r} and {batch_size!r}."
        )
    if min(sizes) < 1:
        raise ValueError(
            f"`samples`, `timesteps` and `batch_size` must be >= 1; got "
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


SONNET_18 = """\
Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date:
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance, or nature's changing course, untrimm'd;
But thy eternal summer shall not fade,
Nor lose possession of that fair thou ow'st;
Nor shall Death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:
So long as men can breathe, or eyes can see,
So long lives this, and this gives life to thee.
"""


def text_lanes(
    text: str = SONNET_18, *, lanes: int = 8, timesteps: int = 32
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Cuts a text into lanes: row i of a batch goes on where row i of the last batch ended.

    The lanes begin at equal distances. Each reads as much of the text as whole windows allow, and
    begins the text anew where it ends.

    Args:
        text: The text.
        lanes: The batch size.
        timesteps: The letters of a sample, at most as many as the text has.

    Returns:
        X of shape (samples, timesteps, characters), float32, 1 at the character that is read; y of
        shape (samples, timesteps), int, the place of the character that comes next; and the
        characters in order. The samples fill whole batches.

    Example:
        >>> X, y, characters = text_lanes("abcabd", lanes=2, timesteps=3)
        >>> X.shape, characters
        ((4, 3, 4), ['a', 'b', 'c', 'd'])
        >>> ["".join(characters[place] for place in row) for row in y]
        ['bca', 'bda', 'bda', 'bca']
    """
    characters = sorted(set(text))
    codes = np.array([characters.index(character) for character in text])
    windows = len(text) // timesteps
    starts = np.arange(lanes) * len(text) // lanes
    read = codes[(starts[:, np.newaxis] + np.arange(windows * timesteps + 1)) % len(text)]

    def samples(codes_of_lanes: np.ndarray) -> np.ndarray:
        cut = codes_of_lanes.reshape(lanes, windows, timesteps)
        return cut.swapaxes(0, 1).reshape(-1, timesteps)

    return one_hot(samples(read[:, :-1]), len(characters)), samples(read[:, 1:]), characters


def one_hot(codes: np.ndarray, classes: int) -> np.ndarray:
    """Gives each code a row that is 1 at its place and 0 elsewhere, float32.

    Example:
        >>> one_hot(np.array([2, 0]), 3)
        array([[0., 0., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    rows: np.ndarray = np.eye(classes, dtype=np.float32)[codes]
    return rows


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
            f"`test_samples` must be from 1 to {count - 1}, as there are {count} digits; got "
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
