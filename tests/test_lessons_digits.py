"""The digits are scikit-learn's, and their rows are the timesteps."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from stateviz.course import digit_rows, draw_digit


def test_every_digit_is_there_once_with_its_own_label() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    bundled = datasets.load_digits()
    X_train, y_train, X_test, y_test = digit_rows()
    X, y = np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test])

    def in_order(images: np.ndarray, digits: np.ndarray) -> np.ndarray:
        return np.array(sorted(map(tuple, np.c_[images.reshape(-1, 64), digits])))

    np.testing.assert_array_equal(in_order(16 * X, y), in_order(bundled.images, bundled.target))
    assert X.dtype == np.float32


def test_the_test_set_holds_all_digits_and_stays_the_same() -> None:
    pytest.importorskip("sklearn")
    *_, X_test, y_test = digit_rows()
    assert (np.bincount(y_test) > 15).all()
    for again, first in zip(digit_rows(), digit_rows(), strict=True):
        np.testing.assert_array_equal(again, first)
    assert len(X_test) == 297


@pytest.mark.parametrize("test_samples", [0, -1, 1797])
def test_a_split_without_samples_is_refused(test_samples: int) -> None:
    pytest.importorskip("sklearn")
    with pytest.raises(ValueError, match=f"from 1 to 1796.* got {test_samples}"):
        digit_rows(test_samples)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        digit_rows()


def test_the_picture_has_a_row_for_each_timestep_and_more_ink_looks_darker() -> None:
    ink = np.array([[0.0, 0.25, 0.5, 0.75, 1.0]] * 3)
    figure = draw_digit(ink)
    [image] = figure.axes[0].images
    grey = np.asarray(image.cmap(image.norm(ink)))[0, :, 0]
    assert (np.diff(grey) < 0).all()
    np.testing.assert_array_equal(image.get_array(), ink)
    top, bottom = (figure.axes[0].transData.transform((0, t))[1] for t in (0, 2))
    assert top > bottom
    named = [each.get_text() for each in figure.axes[0].get_yticklabels()]
    assert named == ["t = 0", "t = 1", "t = 2"]
