"""The widget check says in words what is missing."""

from __future__ import annotations

from stateviz.course import WidgetCheck


def test_python_answers_with_what_the_page_asked() -> None:
    check = WidgetCheck()
    assert check.answered == 0
    check.asked = 314
    assert check.answered == 314


def test_where_it_is_not_drawn_it_says_what_to_do() -> None:
    bundle, _ = WidgetCheck()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "make lab" in bundle["text/html"]
    assert bundle["text/html"] == WidgetCheck()._repr_mimebundle_()[0]["text/html"]
    assert bundle["text/plain"] == "WidgetCheck()"
