"""Each lesson in JupyterLab: run, every animation played, every prediction missed and found.

Every experiment is run with its first choices and with others; of every task the stub is refused
and the solution taken.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Lab
from tests.browser.test_live_in_browser import try_live
from tests.test_notebooks import each_notebook
from tools.regenerate_notebooks import read_notebook

LIVE_PLAYER = ".jp-OutputArea-output:not(.jp-RenderedHTMLCommon) .stateviz-player"
LIVE_PANEL = ".jp-OutputArea-output:not(.jp-RenderedHTMLCommon) .stateviz-experiment"
LIVE_MODEL = ".jp-OutputArea-output:not(.jp-RenderedHTMLCommon) .stateviz-live"
LIVE_QUIZ = ".stateviz-quiz"
SIZES = {"small": (1024, 768), "usual": (1280, 800)}
RUN_S = 60
PLAY_S = 90


def seen(thing: Locator, name: str) -> None:
    """Keeps a picture for whoever wants to look, in the folder STATEVIZ_SCREENSHOTS."""
    folder = os.environ.get("STATEVIZ_SCREENSHOTS")
    if folder:
        thing.screenshot(path=Path(folder) / f"{name}.png")


def play(player: Locator, name: str) -> None:
    """Plays from the first frame to the last."""
    player.scroll_into_view_if_needed()
    expect(player).to_have_attribute("data-ready", "true")
    last = player.locator(".stateviz-slider").get_attribute("max") or ""
    player.locator(".stateviz-slider").press("Home")
    expect(player).to_have_attribute("data-frame", "0")
    seen(player, f"{name}-first")
    if not player.locator("[aria-label=Speed]").is_visible():
        player.locator("[data-action=more]").click()
    player.locator("[aria-label=Speed]").select_option("4")
    readouts = {player.locator(".stateviz-readout").inner_text()}
    player.locator("[data-action=play]").click()
    expect(player).to_have_attribute("data-frame", last, timeout=PLAY_S * 1000)
    expect(player).to_have_attribute("data-playing", "false")
    readouts.add(player.locator(".stateviz-readout").inner_text())
    assert len(readouts) == 2, "the first frame and the last say the same"
    seen(player, f"{name}-last")


def answer(quiz: Locator, option: Locator) -> str:
    option.click()
    quiz.get_by_role("button", name="Commit my prediction").click()
    return quiz.get_by_role("status").inner_text()


def predict(quiz: Locator, name: str) -> None:
    """Tries the options until one is right; each wrong one says why it is wrong."""
    quiz.scroll_into_view_if_needed()
    options = quiz.locator(".widget-radio-box label")
    told = []
    for place in range(options.count()):
        told.append(answer(quiz, options.nth(place)))
        if place == 0:
            seen(quiz, f"{name}-answered")
        if "Right." in told[-1]:
            break
        assert "Not quite." in told[-1]
        quiz.get_by_role("button", name="Try again").click()
    assert "Right." in told[-1]
    assert len(set(told)) == len(told), "two options have the same feedback"
    seen(quiz, f"{name}-right")


def try_out(panel: Locator, name: str) -> None:
    """Runs the first choices, keeps them, and runs others: both stand side by side."""
    panel.scroll_into_view_if_needed()
    kept, newest = (panel.locator(".stateviz-outcome").nth(place) for place in (0, 1))
    run = panel.locator(".stateviz-run")

    def finished() -> None:
        expect(newest).not_to_be_empty(timeout=RUN_S * 1000)
        expect(newest).not_to_contain_text("of other choices", timeout=RUN_S * 1000)
        expect(run).to_be_enabled(timeout=RUN_S * 1000)

    run.click()
    finished()
    seen(panel, f"{name}-first")
    panel.get_by_role("button", name="Keep this run").click()
    # Some choices offer one thing only.
    has_more = panel.page.locator("option:nth-child(2)")
    first = panel.locator("select[data-choice]").filter(has=has_more).first
    before = first.input_value()
    first.press("ArrowDown")
    assert first.input_value() != before
    run.click()
    finished()
    expect(kept).to_contain_text("(kept)")
    assert kept.inner_text().replace(" (kept)", "") != newest.inner_text()
    seen(panel, f"{name}-two")


def verdicts(page: Page, path: Path) -> None:
    """Every stub is refused with a hint, every solution is taken."""
    calls = sum(cell.source.count("\ncheck(") for cell in read_notebook(path).cells)
    told = page.locator(".jp-OutputArea-output p[role=status] b")
    for verdict in ("✗ Not yet.", "✓ Right."):
        expect(told.filter(has_text=verdict)).to_have_count(calls // 2)


@pytest.mark.nightly
@pytest.mark.parametrize("size", SIZES)
@each_notebook
def test_everything_in_a_lesson_can_be_used(
    chromium: Browser, jupyterlab: Lab, path: Path, size: str
) -> None:
    page: Page = jupyterlab.open(chromium, path.name, *SIZES[size])
    jupyterlab.run_all(page)
    # An error is there where the lesson shows one on purpose.
    outputs = [each for cell in read_notebook(path).cells for each in cell.get("outputs", [])]
    wanted = sum(each.output_type == "error" for each in outputs)
    said = page.locator("[data-mime-type='application/vnd.jupyter.stderr']").all_text_contents()
    assert len(said) == wanted, said
    quizzes, players = page.locator(LIVE_QUIZ), page.locator(LIVE_PLAYER)
    assert quizzes.count() > 0
    assert players.count() > 0
    name = f"{size}-{path.stem}"
    verdicts(page, path)
    for place in range(players.count()):
        play(players.nth(place), f"{name}-player-{place}")
    for place in range(quizzes.count()):
        predict(quizzes.nth(place), f"{name}-quiz-{place}")
    panels = page.locator(LIVE_PANEL)
    shown = [cell for cell in read_notebook(path).cells if cell.source.startswith("experiment(")]
    assert panels.count() == len(shown)
    for place in range(panels.count()):
        try_out(panels.nth(place), f"{name}-experiment-{place}")
    for live in page.locator(LIVE_MODEL).all():
        try_live(live)
        seen(live, f"{name}-live")
    page.context.close()
