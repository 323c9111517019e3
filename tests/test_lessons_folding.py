"""What a lesson folds: it is compared whole, and stands open only where a reader opened it."""

from __future__ import annotations

from typing import Any

import pytest

from stateviz.course import notebook
from stateviz.course.notebook import Folded, folded


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    seen: list[Any] = []
    monkeypatch.setattr(notebook, "display", seen.append)
    return seen


def test_what_is_printed_is_folded_under_its_title(
    shown: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with folded("Two sums"):
        print("1 + 1 <", 3)
        print("done")
    assert shown == [Folded("Two sums", "1 + 1 < 3\ndone")]
    assert capsys.readouterr().out == ""


def test_a_page_that_cannot_fold_shows_all_of_it() -> None:
    assert repr(Folded("Two sums", "1 + 1\n2")) == "1 + 1\n2"


def test_text_is_never_markup() -> None:
    shown = Folded("a < b", "<b> & $x$")._repr_html_()
    assert "<summary>a &lt; b</summary>" in shown
    assert "&lt;b&gt; &amp; $x$</pre>" in shown
    assert "open" not in shown


def test_what_was_printed_before_an_error_is_not_lost(
    shown: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble() -> None:
        print("before")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), folded():
        stumble()
    assert shown == []
    assert capsys.readouterr().out == "before\n"
