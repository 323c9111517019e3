"""The lessons' data is the real series, cut so that rows go on from batch to batch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.course import co2_lanes, counting_model, data, load_co2, quietly
from stateviz.course.data import seasonal_co2

FILE = Path(data.__file__).with_name("files") / "mauna_loa_co2.csv"


def test_the_series_is_the_published_one() -> None:
    weeks, ppm = load_co2()
    assert len(weeks) == len(ppm) == 2284
    assert (str(weeks[0]), ppm[0], ppm[1], ppm[2]) == ("1958-03-29", 316.1, 317.3, 317.6)
    assert (str(weeks[-1]), ppm[-1]) == ("2001-12-29", 371.5)
    assert set(np.diff(weeks).astype(int)) == {7}
    assert np.isfinite(ppm).all()


def test_the_missing_weeks_are_filled_on_a_straight_line() -> None:
    rows = FILE.read_text(encoding="utf-8").splitlines()[1:]
    known = np.array([not row.endswith(",") for row in rows])
    assert (len(rows), known.sum()) == (2284, 2225)  # as statsmodels counts them
    weeks, ppm = load_co2()
    missing = int(np.flatnonzero(~known)[0])
    assert str(weeks[missing]) == "1958-05-10"
    assert known[missing - 1]
    assert known[missing + 1]
    assert ppm[missing] == pytest.approx((ppm[missing - 1] + ppm[missing + 1]) / 2)


def test_the_seasonal_series_keeps_the_year_and_loses_the_rise() -> None:
    series = seasonal_co2()
    assert abs(series.mean()) < 1e-5
    assert abs(series.std() - 1) < 1e-5
    years = series[: 43 * 52].reshape(43, 52).mean(axis=1)
    assert np.abs(years).max() < 0.8
    # A year apart the weeks are alike; half a year apart they are opposite.
    assert np.corrcoef(series[:-52], series[52:])[0, 1] > 0.7
    assert np.corrcoef(series[:-26], series[26:])[0, 1] < -0.5


@pytest.mark.parametrize(
    ("samples", "timesteps", "batch_size"), [(1000, 20, 200), (30, 7, 10), (8, 5, 1)]
)
def test_each_row_goes_on_where_it_ended(samples: int, timesteps: int, batch_size: int) -> None:
    X, y = co2_lanes(samples, timesteps, batch_size)
    assert X.shape == (samples, timesteps, 1)
    assert y.shape == (samples, 1)
    assert X.dtype == y.dtype == np.float32
    np.testing.assert_array_equal(y[:-batch_size], X[batch_size:, 0])
    series = seasonal_co2()
    for row in range(batch_size):
        lane = np.concatenate([X[row::batch_size].ravel(), y[row + samples - batch_size]])
        windows = np.lib.stride_tricks.sliding_window_view(series, len(lane))
        assert (windows == lane).all(axis=1).any()


def test_other_lanes_begin_elsewhere() -> None:
    X, _ = co2_lanes()
    assert len(np.unique(X[:200, :, 0], axis=0)) == 200


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((10, 20, 4), "samples=10 is not a multiple of batch_size=4, so the last batch"),
        ((1000, 20, 1), "needs 20001 weeks, but the series has 2284. Take fewer"),
        ((0, 20, 1), "must be >= 1; got 0, 20 and 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        co2_lanes(*sizes)


@pytest.mark.parametrize("samples", [1000.0, "1000", None])
def test_sizes_that_are_not_whole_numbers_are_refused(samples: Any) -> None:
    with pytest.raises(TypeError, match=f"must be integers; got {samples!r}, 20 and 200"):
        co2_lanes(samples)


def test_a_quiet_block_silences_the_file_descriptor_and_gives_it_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def loud() -> None:
        with quietly():
            os.write(2, b"from C++\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loud()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


@pytest.mark.parametrize("stateful", [False, True])
def test_the_counting_model_sums_exactly_and_does_not_learn(stateful: bool) -> None:
    X = np.random.default_rng(0).integers(-9, 9, size=(4, 6, 1)).astype("float32")
    model = counting_model(batch_size=2, timesteps=6, stateful=stateful)
    with stateviz.record(model) as recording:
        model.fit(X, X[:, 0], batch_size=2, shuffle=False, verbose=0)
    sums = X.reshape(2, 2, 6).cumsum(axis=2)
    if stateful:
        sums[1] += sums[0, :, -1:]
    np.testing.assert_array_equal(recording["lstm"].cell_state[..., 0], sums)
    np.testing.assert_array_equal(recording["lstm"].hidden_state[..., 0], sums)
