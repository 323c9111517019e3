"""A prediction is committed before its answer is seen."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from stateviz.course import ask, quiz
from stateviz.course.bank import questions, score
from stateviz.course.quiz import Prediction
from tools.course_environment import NOTEBOOKS
from tools.regenerate_notebooks import read_notebook

OPTIONS = {"1000": "You count samples.", "5": "You count batches.", "<b>": "Markup & more."}


def a_prediction(**options: bool) -> Prediction:
    return Prediction("How often <reset>?", OPTIONS, answer="5", **options)


def test_nothing_is_said_before_a_choice_is_committed() -> None:
    prediction = a_prediction()
    assert prediction.chosen is None
    assert prediction.correct is None
    assert prediction._commit_button.disabled
    prediction.choose("1000")
    assert not prediction._commit_button.disabled
    assert prediction.feedback == ""
    assert prediction._verdict.value == ""


def test_a_committed_choice_is_told_what_is_behind_it_and_stays() -> None:
    prediction = a_prediction()
    prediction._choices.value = "1000"
    prediction._commit_button.click()
    assert prediction.committed
    assert prediction.correct is False
    assert prediction.feedback == "You count samples."
    assert "Not quite" in prediction._verdict.value
    assert "You count samples." in prediction._verdict.value
    assert "You count batches." not in prediction._verdict.value
    assert prediction._choices.disabled
    assert prediction._choices.value == "1000"
    with pytest.raises(ValueError, match=r"'1000' is committed.*try_again\(\)"):
        prediction.choose("5")


def test_one_may_try_again_but_the_first_answer_stays_on_record() -> None:
    prediction = a_prediction()
    prediction.choose("1000")
    prediction.commit()
    assert prediction._again_button.layout.display == ""
    prediction._again_button.click()
    assert not prediction.committed
    assert prediction.feedback == ""
    prediction.choose("5")
    prediction.commit()
    prediction.commit()
    assert prediction.attempts == ("1000", "5")
    assert prediction.correct
    assert "Right" in prediction._verdict.value
    assert "You count samples." in prediction._verdict.value
    assert prediction._again_button.layout.display == "none"


def test_in_class_the_answer_waits_for_the_teacher() -> None:
    prediction = a_prediction(class_mode=True)
    prediction.choose("5")
    prediction.commit()
    assert prediction.feedback == ""
    assert "committed" in prediction._verdict.value
    assert "count" not in prediction._verdict.value
    prediction._reveal_button.click()
    assert prediction.feedback == "You count batches."
    assert prediction.revealed


def test_texts_are_escaped() -> None:
    prediction = a_prediction()
    still = prediction._still_html()
    assert "&lt;reset&gt;" in still
    assert "Markup &amp; more." in still
    assert "<summary>&lt;b&gt;</summary>" in still
    prediction.choose("5")
    prediction.commit()
    assert "&lt;b&gt;" in prediction._verdict.value


def test_its_plain_text_is_one_whole_line_without_an_address() -> None:
    question = "How often is the state reset? " * 8
    prediction = Prediction(question, OPTIONS, answer="5")
    plain = prediction._repr_mimebundle_()["text/plain"]
    assert plain == repr(prediction) == f"Prediction({question!r}, 3 options)"


def test_without_a_kernel_the_question_can_still_be_answered() -> None:
    data = a_prediction()._repr_mimebundle_()
    assert data["text/plain"] == "Prediction('How often <reset>?', 3 options)"
    assert data["text/html"].count("<details>") == len(OPTIONS)
    assert data["text/html"] == a_prediction()._repr_mimebundle_()["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


@pytest.mark.parametrize(
    ("options", "answer", "message"),
    [
        ({"5": "Yes."}, "5", r"at least two options; got \['5'\]"),
        ({"5": "Yes.", " ": "No."}, "5", "has no text"),
        ({"5 times": "Yes.", "5  times ": "No."}, "5 times", "read alike"),
        ({"5": "Yes.", "1000": " "}, "5", r"belief behind it; \['1000'\] have none"),
        (OPTIONS, "75", r"'75' is not one of the options \['1000', '5'"),
    ],
)
def test_a_bad_question_is_refused(options: dict[str, str], answer: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Prediction("?", options, answer=answer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["5", "1000"], r"feedback on each option, as in \{'5 times'.*got \['5', '1000'\]"),
        ({5: "Yes.", 1000: "No."}, r"is a str; got \{5: 'Yes.', 1000: 'No.'\}"),
        ({"5": "Yes.", "1000": None}, "is a str"),
    ],
)
def test_options_of_a_wrong_type_are_refused(options: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Prediction("?", options, answer="5")


def test_a_click_that_comes_after_the_commit_changes_nothing() -> None:
    prediction = a_prediction()
    prediction.choose("1000")
    prediction.commit()
    prediction._choices.value = "5"
    assert prediction.chosen == prediction._choices.value == "1000"
    assert prediction.correct is False
    assert prediction.attempts == ("1000",)
    assert "Not quite" in prediction._verdict.value


def test_steps_out_of_order_are_refused() -> None:
    prediction = a_prediction()
    with pytest.raises(ValueError, match=r"Nothing is chosen yet. Call choose"):
        prediction.commit()
    with pytest.raises(ValueError, match=r"Nothing is committed yet"):
        prediction.reveal()
    with pytest.raises(ValueError, match=r"'75' is not one of the options"):
        prediction.choose("75")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """What is displayed, and how, in place of a page."""
    found: list[tuple[dict[str, str], dict[str, Any]]] = []
    monkeypatch.setattr(quiz, "display", lambda data, **how: found.append((data, how)))
    return found


def test_a_click_writes_the_answer_into_the_notebook(
    shown: list[tuple[dict[str, str], dict[str, Any]]],
) -> None:
    prediction = a_prediction()
    prediction._ipython_display_()
    prediction.choose("1000")
    prediction._commit_button.click()
    prediction._again_button.click()
    prediction.choose("5")
    prediction._commit_button.click()
    asked, missed, right = [(data["text/html"], how) for data, how in shown]
    assert "<details>" in asked[0]
    assert "update" not in asked[1]
    assert missed[1]["update"]
    assert missed[1]["display_id"] == asked[1]["display_id"]
    assert "1000<br><b>✗ Not quite.</b> You count samples." in missed[0]
    assert "You count batches." not in missed[0]
    assert missed[0].count("<li>") == 1
    assert right[0].count("<li>") == 2
    assert "5<br><b>✓ Right.</b> You count batches." in right[0]


def test_an_answer_from_python_rewrites_no_output(
    shown: list[tuple[dict[str, str], dict[str, Any]]],
) -> None:
    prediction = a_prediction()
    prediction._ipython_display_()
    prediction.choose("5")
    prediction.commit()
    assert len(shown) == 1


def test_in_class_the_notebook_holds_no_answer_before_it_is_revealed(
    shown: list[tuple[dict[str, str], dict[str, Any]]],
) -> None:
    prediction = a_prediction(class_mode=True)
    prediction._ipython_display_()
    prediction.choose("5")
    prediction._commit_button.click()
    assert not any("You count" in data["text/html"] for data, _ in shown)
    assert "not revealed yet" in shown[-1][0]["text/html"]
    prediction._reveal_button.click()
    assert "You count batches." in shown[-1][0]["text/html"]


@pytest.mark.parametrize(("said", "held"), [("1", True), ("0", False), (None, False)])
def test_a_variable_sets_the_class_mode_of_a_whole_course(
    monkeypatch: pytest.MonkeyPatch, said: str | None, held: bool
) -> None:
    monkeypatch.delenv("STATEVIZ_CLASS_MODE", raising=False)
    if said is not None:
        monkeypatch.setenv("STATEVIZ_CLASS_MODE", said)
    assert a_prediction().class_mode is held
    assert a_prediction(class_mode=False).class_mode is False


def test_without_an_answer_only_the_commitment_is_kept() -> None:
    prediction = Prediction("How often?", {"5": "", "1000": ""}, answer=None)
    prediction.choose("5")
    prediction.commit()
    assert prediction.correct is None
    assert "Right" not in prediction._verdict.value
    assert "Not quite" not in prediction._still_html()
    assert prediction._reveal_button.layout.display == "none"
    with pytest.raises(ValueError, match="Ask your teacher"):
        prediction.reveal()


def test_the_order_of_the_options_tells_nothing() -> None:
    """Of all questions of the course no place holds half of the answers."""
    asked = [ask(name) for name in questions()]
    places = Counter(list(each.options).index(str(each.answer)) for each in asked)
    assert max(places.values()) < len(asked) / 2
    assert len(places) >= 4


def test_the_order_is_the_same_each_time_whatever_order_was_written() -> None:
    turned = dict(reversed(OPTIONS.items()))
    orders = [list(Prediction("?", options, answer="5").options) for options in (OPTIONS, turned)]
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == sorted(OPTIONS)


def test_each_question_of_the_course_is_asked_once_and_each_wrong_answer_is_told_why() -> None:
    cells = "\n".join(path.read_text(encoding="utf-8") for path in NOTEBOOKS.glob("*.ipynb"))
    for name, question in questions().items():
        assert cells.count(f'ask(\\"{name}\\")') == 1
        assert all(len(feedback) > 20 for feedback in question.options.values())
    with pytest.raises(ValueError, match=r"There is no question '99\.1'"):
        ask("99.1")


def test_the_score_counts_first_tries_and_says_what_to_look_at_again() -> None:
    right, wrong, waiting = (ask(f"14.{number}") for number in (1, 2, 3))
    right.choose(str(right.answer))
    right.commit()
    wrong.choose(next(option for option in wrong.options if option != wrong.answer))
    wrong.commit()
    wrong.try_again()
    wrong.choose(str(wrong.answer))
    wrong.commit()
    waiting.choose(str(waiting.answer))
    told = score("14.")
    assert (told.right, told.answered, told.asked) == (1, 2, 15)
    assert told.again == (wrong.question,)
    assert f"once more: {wrong.question}" in repr(told)
    assert "<b>1</b> right" in told._repr_html_()
    with pytest.raises(ValueError, match="no questions whose names begin with '99'"):
        score("99")


def test_the_score_of_a_class_tells_nothing_before_the_teacher_does() -> None:
    told = ask("14.15")
    told.class_mode = True
    told.choose(str(told.answer))
    before = score("14.15")
    told.commit()
    assert score("14.15") == before
    told.reveal()
    assert score("14.15").answered == 1


def test_what_the_bank_says_of_the_claims_is_the_verdict_of_the_lesson() -> None:
    lesson = read_notebook(NOTEBOOKS / "08_claims_on_trial.ipynb")
    printed = "\n".join(
        str(output.get("text") or output.get("data", {}).get("text/plain", ""))
        for cell in lesson.cells
        if cell.cell_type == "code" and "trial.judge(" in cell.source
        for output in cell.outputs
    )
    verdicts = re.findall(r"^(TRUE|HALF TRUE|FALSE): (.*)$", printed, re.MULTILINE)
    asked = [question for name, question in questions().items() if name.startswith("8.c")]
    assert [each.answer.upper() for each in asked] == [verdict for verdict, _ in verdicts]
    assert [each.question.partition('"')[2].rstrip('"') for each in asked] == [
        claim for _, claim in verdicts
    ]
