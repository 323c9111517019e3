"""The slides of a lesson in a browser: they go on by keys, they play, and they fetch nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tools.teaching.course import course
from tools.teaching.slides import slides

LESSON = 3


@pytest.fixture(scope="module")
def show(
    chromium: Browser, page_tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """The slides of a lesson with three players and an experiment."""
    assert page_tools.exists()
    [lesson] = [each for each in course() if each.number == LESSON]
    path = tmp_path_factory.mktemp("slides") / "slides.html"
    path.write_text(slides(lesson), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(path.as_uri())
    page.wait_for_function("Reveal.isReady()")
    yield page
    others = [url for url in fetched if not url.startswith(("file:", "data:", "blob:"))]
    page.close()
    assert others == []


def slide_with(page: Page, words: str) -> Locator:
    """Goes to the first slide that holds these words, and gives it."""
    page.evaluate(
        "words => Reveal.slide(Reveal.getHorizontalSlides()"
        ".findIndex(slide => slide.innerHTML.includes(words)))",
        words,
    )
    return page.locator(".slides > section.present")


def test_keys_go_from_a_question_to_its_answer(show: Page) -> None:
    current = slide_with(show, 'class="kind"')
    expect(current.locator(".kind")).to_have_text("Predict")
    expect(current.locator(".right")).to_have_count(0)
    show.keyboard.press("ArrowRight")
    expect(current.locator(".kind")).to_have_text("The answer")
    expect(current.locator(".right")).to_be_visible()


def test_a_player_plays_and_its_keys_do_not_leave_the_slide(show: Page) -> None:
    player = slide_with(show, "data-stateviz=").frame_locator("iframe").locator(".stateviz-player")
    expect(player).to_be_visible()
    player.locator(".stateviz-slider").focus()
    before = show.evaluate("Reveal.getIndices().h")
    show.keyboard.press("ArrowRight")
    expect(player).not_to_have_attribute("data-frame", "0")
    assert show.evaluate("Reveal.getIndices().h") == before


def test_an_experiment_runs_on_a_slide(show: Page) -> None:
    experiment = slide_with(show, "data-stateviz-experiment").frame_locator("iframe")
    experiment.get_by_role("button", name="Run").click()
    expect(experiment.locator(".stateviz-player")).to_be_visible()


def test_every_player_fits_on_its_slide(show: Page) -> None:
    count = show.evaluate("Reveal.getHorizontalSlides().length")
    seen = 0
    for place in range(count):
        show.evaluate("place => Reveal.slide(place)", place)
        frame = show.locator(".slides > section.present iframe")
        if frame.count() == 1:
            inside = frame.content_frame.locator("html")
            expect(
                inside.locator(".stateviz-player, .stateviz-live, [data-stateviz-experiment]")
            ).not_to_have_count(0)
            show.wait_for_timeout(400)
            height = inside.evaluate("page => page.scrollHeight - innerHeight")
            assert height <= 0, place
            seen += 1
    assert seen >= 4
