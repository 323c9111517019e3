"""The results that ship are those of the experiments, and their streams are what they claim."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from stateviz.course import does_it_help
from stateviz.course.does_it_help import Case, cases, switch_stream, windows
from stateviz.course.dot_plot import draw_points


def test_the_file_holds_each_case_once() -> None:
    with does_it_help.RESULTS.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert tuple(reader.fieldnames or ()) == does_it_help.COLUMNS
    expected = Counter((case.experiment, case.setting, str(case.seed)) for case in cases())
    found = Counter((row["experiment"], row["setting"], row["seed"]) for row in rows)
    losses = {key: count for key, count in found.items() if key[0].endswith(": loss")}
    assert found - Counter(losses) == expected
    assert len(losses) == 16
    values = np.array([float(row["value"]) for row in rows])
    assert np.isfinite(values).all()
    assert (values >= 0).all()


def test_the_results_are_by_seed_from_0_on() -> None:
    results = does_it_help.load_results()
    assert {len(seeds) for seeds in results["far from the cue"].values()} == {5}
    assert {len(seeds) for seeds in results["length or batch size"].values()} == {3}
    assert {len(seeds) for seeds in results["reset each epoch"].values()} == {4}


def test_a_result_is_made_again() -> None:
    wanted = ("length or batch size", "T=16, batch size 4", 0)
    [case] = [each for each in cases() if (each.experiment, each.setting, each.seed) == wanted]
    [row] = does_it_help.run(case)
    assert row[:3] == wanted
    assert row[3] == pytest.approx(does_it_help.load_results()[wanted[0]][wanted[1]][0], abs=0.01)


def test_the_answer_is_the_last_cue() -> None:
    x, answer, since = switch_stream(5, 900, (40, 90), seed=3)
    for lane in range(5):
        last, place = 0.0, None
        for t in range(900):
            if x[lane, t]:
                assert place is None or 40 <= t - place <= 90
                last, place = x[lane, t], t
            assert answer[lane, t] == (last > 0)
            assert since[lane, t] == (-1 if place is None else t - place)
    assert set(np.unique(x)) == {-5.0, 0.0, 5.0}


def test_a_quiet_beginning_has_no_cue() -> None:
    x, answer, since = switch_stream(20, 100, (10, 30), seed=0, quiet=50)
    assert not x[:, :50].any()
    assert not answer[:, :50].any()
    assert (since[:, :50] == -1).all()
    assert x[:, 50:].any(axis=1).all()


def test_a_row_goes_on_in_the_next_batch() -> None:
    stream = switch_stream(3, 60, (7, 9), seed=0)
    X, y, since = windows(stream, 20)
    for row in range(3):
        np.testing.assert_array_equal(X[row::3, :, 0].ravel(), stream[0][row])
        np.testing.assert_array_equal(y[row::3, 0], stream[1][row, 19::20])
        np.testing.assert_array_equal(since[row::3], stream[2][row, 19::20])


@pytest.mark.parametrize(("window", "both"), [(8, False), (16, True)])
def test_only_the_long_window_holds_cue_and_question(window: int, both: bool) -> None:
    case = next(each for each in cases() if each.window == window and each.batch_size == 4)
    X, _, since = does_it_help.samples_of(case)
    asked = since >= case.asked_after
    assert asked.mean() == window / 16
    assert (X[asked] != 0).any(axis=(1, 2)).all() == both


def test_asked_only_far_away_no_asked_window_holds_a_cue() -> None:
    case = next(each for each in cases() if each.asked_after == 100)
    X, _, since = does_it_help.samples_of(case)
    assert not X[since >= 100].any()


def test_new_data_are_new() -> None:
    case = Case("e", "s", 0, stream=400)
    assert len(does_it_help.samples_of(case, new=True)[0]) == 64 * 200
    short = replace(case, stream=100)
    old, new = (does_it_help.samples_of(short, new=each)[0] for each in (False, True))
    assert old.shape == new.shape
    assert (old != new).any()


def test_every_seed_is_drawn() -> None:
    values = {"a": [0.1, 0.2, 0.3], "b": [0.4, 0.5]}
    figure = draw_points(values, label="accuracy", chance=0.5)
    ax = figure.axes[0]
    drawn = [list(np.asarray(line.get_xdata())) for line in ax.lines[:3]]
    assert drawn == [[0.1, 0.4], [0.2, 0.5], [0.3]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    rows = np.concatenate([line.get_ydata() for line in ax.lines[:3]])
    assert np.abs(rows - np.round(rows)).max() < 0.5
    assert len({line.get_marker() for line in ax.lines[:3]}) == 3
