"""A verdict follows from the evidence alone, and the table of verdicts says what was found."""

from __future__ import annotations

import numpy as np
import pytest

import stateviz
from stateviz.course import counting_model
from stateviz.course.trial import LESSONS, Trial, Verdict, side_by_side, some_rows, verdict_of
from stateviz.recording import Recording


@pytest.mark.parametrize(
    ("held", "verdict"),
    [
        ([True], "true"),
        ([True, True], "true"),
        ([False], "false"),
        ([False, False], "false"),
        ([True, False], "half true"),
        ([False, False, True], "half true"),
    ],
)
def test_the_verdict_follows_from_what_held(held: list[bool], verdict: str) -> None:
    assert verdict_of({f"statement {i}": each for i, each in enumerate(held)}) == verdict


def test_a_claim_that_implies_nothing_cannot_be_tried() -> None:
    with pytest.raises(ValueError, match="implies nothing"):
        verdict_of({})
    with pytest.raises(ValueError, match="implies nothing"):
        tried(Trial(), implied={})


def tried(trial: Trial, claim: str = "a claim", **changes: object) -> Verdict:
    evidence = {"source": "a forum", "implied": {"it holds": True}, "number": "5 of 5", "lesson": 2}
    return trial.judge(claim, **(evidence | changes))  # type: ignore[arg-type]


def test_the_evidence_may_be_of_numpy() -> None:
    one = tried(Trial(), implied={"it holds": np.bool_(True), "so does this": np.bool_(False)})
    assert one.implied == {"it holds": True, "so does this": False}
    assert one.verdict == "half true"


def test_the_counts_are_those_of_the_rows() -> None:
    trial = Trial()
    tried(trial, "one")
    tried(trial, "two", implied={"it holds": False})
    tried(trial, "three", implied={"it holds": False})
    assert trial.counts == {"true": 1, "false": 2, "half true": 0}
    tried(trial, "two")
    assert [each.claim for each in trial.verdicts] == ["one", "two", "three"]
    assert trial.counts == {"true": 2, "false": 1, "half true": 0}


def test_a_verdict_shows_each_statement() -> None:
    one = tried(Trial(), implied={"it holds": True, "so does this": False})
    assert repr(one) == "HALF TRUE: a claim\n    ✓ it holds\n    ✗ so does this\n    5 of 5"
    for words in ("HALF TRUE", "a claim", "✓ it holds", "✗ so does this", "5 of 5"):
        assert words in one._repr_html_()


def test_the_table_has_a_row_for_each_claim_and_links_to_its_lesson() -> None:
    trial = Trial()
    tried(trial, "one")
    tried(trial, "a | b", lesson=10)
    lines = repr(trial).splitlines()
    assert len(lines) == 4
    assert lines[2] == "| 1 | one | a forum | true | 5 of 5 | [2](02_across_batches.ipynb) |"
    assert "a \\| b" in lines[3]
    assert "[10](10_versions.ipynb)" in lines[3]
    assert trial._repr_html_().count("<tr>") == 3
    assert "<a href='10_versions.ipynb'>10</a>" in trial._repr_html_()


def test_html_is_escaped() -> None:
    trial = Trial()
    one = tried(
        trial,
        "c < 1 & <script>",
        source="<me>",
        number="1 < 2",
        implied={"<b>": True},
    )
    for shown in (trial._repr_html_(), one._repr_html_()):
        assert "<script>" not in shown
        assert "c &lt; 1 &amp; &lt;script&gt;" in shown
        assert "1 &lt; 2" in shown
    assert "&lt;me&gt;" in trial._repr_html_()
    assert "&lt;b&gt;" in one._repr_html_()


def test_an_unknown_lesson_is_refused() -> None:
    with pytest.raises(ValueError, match="no lesson 8"):
        tried(Trial(), lesson=8)


def test_the_lessons_are_named_as_their_numbers() -> None:
    assert all(name.startswith(f"{number:02}_") for number, name in LESSONS.items())


def one_by_one(samples: int, **options: object) -> Recording:
    X = np.arange(samples * 3, dtype="float32").reshape(samples, 3, 1)
    model = counting_model(batch_size=1, timesteps=3, **options)  # type: ignore[arg-type]
    with stateviz.record(model) as recording:
        model.predict(X, batch_size=1, verbose=0)
    return recording


def test_batches_of_one_are_put_side_by_side() -> None:
    single = one_by_one(6)
    wide = side_by_side(single, 3)["lstm"]
    assert len(wide.batches) == 2
    assert wide.cell_state.shape == (2, 3, 3, 1)
    recorded = single["lstm"].cell_state
    np.testing.assert_array_equal(wide.cell_state, recorded.reshape(2, 3, 3, 1))
    assert [each.origin for each in wide.batches] == ["fresh", "fresh"]
    np.testing.assert_array_equal(
        wide.batches[1].final_cell_state, [[30], [39], [48]]
    )  # 9 + 10 + 11, and so on


def test_only_what_fits_is_put_side_by_side() -> None:
    with pytest.raises(ValueError, match="rows of 4"):
        side_by_side(one_by_one(6), 4)
    with pytest.raises(ValueError, match="carried, reset"):
        side_by_side(one_by_one(4, stateful=True), 2)


def test_some_rows_are_kept_as_they_were_recorded() -> None:
    wide = side_by_side(one_by_one(6), 3)
    few = some_rows(wide, [2, 0])["lstm"]
    np.testing.assert_array_equal(few.cell_state, wide["lstm"].cell_state[:, [2, 0]])
    assert [list(each.samples) for each in few.batches] == [[2, 0], [2, 0]]
    assert [each.batch_size for each in few.batches] == [3, 3]
    with pytest.raises(IndexError):
        some_rows(wide, [3])
