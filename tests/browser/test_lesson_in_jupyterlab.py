"""The first lesson in JupyterLab: run and played, played without a run, and not trusted."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import LESSON, Lab

N_FRAMES = 21
OPENING, SEQUENCE = 0, 1  # the places of the lesson's players: the question, then one sequence
LIVE = ".jp-OutputArea-output:not(.jp-RenderedHTMLCommon) .stateviz-player"


def frame_of(player: Locator) -> int:
    return int(player.get_attribute("data-frame") or -1)


def press(player: Locator, action: str) -> None:
    button = player.locator(f"[data-action={action}]")
    if not button.is_visible():
        player.locator("[data-action=more]").click()
    # A button that does nothing at the first or the last frame says so, but can be pressed.
    button.click(force=button.get_attribute("aria-disabled") == "true")


def speed_up(player: Locator) -> None:
    speed = player.locator("[aria-label=Speed]")
    if not speed.is_visible():
        press(player, "more")
    speed.select_option("4")


def wait_for_end(page: Page, player: Locator) -> None:
    expect(player).to_have_attribute("data-frame", str(N_FRAMES - 1), timeout=30_000)
    expect(player).to_have_attribute("data-playing", "false")


@pytest.fixture(scope="module")
def run(chromium: Browser, jupyterlab: Lab) -> Iterator[Page]:
    """The lesson with all its cells run."""
    page = jupyterlab.open(chromium, LESSON)
    jupyterlab.run_all(page)
    yield page
    page.context.close()


@pytest.fixture
def live(run: Page) -> Locator:
    player = run.locator(LIVE).nth(SEQUENCE)
    player.scroll_into_view_if_needed()
    press(player, "first")
    expect(player).to_have_attribute("data-frame", "0")
    return player


def test_no_cell_failed(run: Page) -> None:
    assert run.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert run.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert run.locator(LIVE).count() == 3


def test_the_widget_check_says_that_all_is_there(run: Page) -> None:
    line = run.locator(".stateviz-widget-check")
    line.scroll_into_view_if_needed()
    expect(line).to_have_text("✓ The page draws widgets. ✓ Python answers. You are ready.")


def test_buttons_and_keys_move_the_page_and_the_kernel(live: Locator, jupyterlab: Lab) -> None:
    page = live.page

    def both(frame: int) -> None:
        expect(live).to_have_attribute("data-frame", str(frame))
        jupyterlab.wait_for("player.frame", str(frame))
        readout = live.locator(".stateviz-readout").inner_text()
        assert jupyterlab.ask("player.readout") == repr(readout)

    for action, frame in [("next", 1), ("next", 2), ("previous", 1), ("last", 20), ("first", 0)]:
        press(live, action)
        both(frame)
    live.locator(".stateviz-slider").focus()
    for key, frame in [("ArrowRight", 1), ("ArrowLeft", 0), ("End", 20), ("Home", 0)]:
        page.keyboard.press(key)
        both(frame)


def test_the_slider_moves_the_page_and_the_kernel(live: Locator, jupyterlab: Lab) -> None:
    box = live.locator(".stateviz-slider").bounding_box()
    assert box
    live.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(live).to_have_attribute("data-frame", re.compile("^(9|10|11)$"))
    jupyterlab.wait_for("player.frame", str(frame_of(live)))


def test_play_reaches_the_end_on_the_page_and_in_the_kernel(live: Locator, jupyterlab: Lab) -> None:
    speed_up(live)
    press(live, "play")
    wait_for_end(live.page, live)
    jupyterlab.wait_for("(player.frame, player.playing)", f"({N_FRAMES - 1}, False)")
    lanes = "next(ax for ax in player.figure.axes if ax.get_label() == 'lanes')"
    filled = f"int({lanes}.images[0].get_array().count())"
    assert jupyterlab.ask(filled) == str(N_FRAMES * 8)


def test_the_kernel_moves_the_page(live: Locator, jupyterlab: Lab) -> None:
    jupyterlab.ask("setattr(player, 'frame', 7)")
    expect(live).to_have_attribute("data-frame", "7")
    expect(live.locator(".stateviz-readout")).to_contain_text("t = 6")


def test_another_batch_is_made_by_the_kernel(live: Locator, jupyterlab: Lab) -> None:
    choice = live.locator("[data-choice=batch]")
    chosen, before = choice.input_value(), live.get_attribute("aria-label")
    choice.select_option("1")
    expect(live).to_have_attribute("aria-busy", "false")
    expect(live).not_to_have_attribute("aria-label", before or "")
    assert jupyterlab.ask("player.chosen['batch']") == "1"
    assert live.get_attribute("aria-label") == f"Player: {jupyterlab.ask('player.title')[1:-1]}"
    choice.select_option(chosen)
    expect(live).to_have_attribute("aria-label", before or "")


def test_it_plays_while_the_kernel_is_busy(live: Locator, jupyterlab: Lab) -> None:
    speed_up(live)
    began = time.monotonic()
    with jupyterlab.busy(20):
        press(live, "play")
        wait_for_end(live.page, live)
        needed = time.monotonic() - began
    assert time.monotonic() - began >= 20 > needed


def test_a_prediction_is_committed_before_it_is_answered(run: Page) -> None:
    quiz = run.locator(".stateviz-quiz").first
    quiz.scroll_into_view_if_needed()
    assert "describe the same computation" not in quiz.inner_text()
    commit = quiz.get_by_role("button", name="Commit my prediction")
    expect(commit).to_be_disabled()
    quiz.get_by_text("1000 times: once for each sequence").click()
    commit.click()
    expect(quiz).to_contain_text("Not quite. You count sample states")
    expect(quiz.get_by_role("radio").first).to_be_disabled()
    quiz.get_by_role("button", name="Try again").click()
    quiz.get_by_text("That depends on what is counted").click()
    commit.click()
    expect(quiz).to_contain_text("Right.")


def test_the_trusted_lesson_plays_without_a_cell_run(chromium: Browser, jupyterlab: Lab) -> None:
    page = jupyterlab.open(chromium, LESSON, width=1024, height=768)
    opening = page.locator(".stateviz-player").nth(OPENING)
    expect(opening).to_have_attribute("data-ready", "true")
    press(opening, "first")
    press(opening, "next")
    expect(opening.locator(".stateviz-readout")).to_contain_text("batch 0: LSTM(8) above")
    expect(opening).to_have_attribute("data-moving", "false")
    player = page.locator(".stateviz-player").nth(SEQUENCE)
    player.scroll_into_view_if_needed()
    expect(player).to_have_attribute("data-ready", "true")
    assert frame_of(player) == N_FRAMES - 1
    press(player, "first")
    press(player, "next")
    expect(player.locator(".stateviz-readout")).to_contain_text("t = 0")
    speed_up(player)
    press(player, "play")
    wait_for_end(page, player)
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
    assert "[*]:" not in prompts
    page.context.close()


def test_a_lesson_that_is_not_trusted_shows_the_poster(chromium: Browser, jupyterlab: Lab) -> None:
    content = json.loads((jupyterlab.notebooks / LESSON).read_text())
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = [*output["text"], "changed by somebody\n"]
    (jupyterlab.notebooks / "unknown.ipynb").write_text(json.dumps(content))
    page = jupyterlab.open(chromium, "unknown.ipynb")
    poster = page.locator(".jp-OutputArea-output img[alt*='t = 19']").first
    poster.scroll_into_view_if_needed()
    expect(poster).to_be_visible()
    assert poster.evaluate("image => image.naturalWidth") > 600
    assert page.locator(".stateviz-player").count() == 0
    words = poster.locator("xpath=..").get_by_text("Trust Notebook")
    expect(words).to_be_visible()  # how to make it move
    page.context.close()


@pytest.mark.parametrize("width", [1024, 1280])
def test_nothing_is_cut_off_in_a_narrow_window(
    chromium: Browser, jupyterlab: Lab, width: int
) -> None:
    page = jupyterlab.open(chromium, LESSON, width=width, height=768)
    player = page.locator(".stateviz-player").first
    player.scroll_into_view_if_needed()
    expect(player).to_have_attribute("data-ready", "true")
    over = page.evaluate(
        "[...document.querySelectorAll('.jp-OutputArea-output:has(.stateviz-player)')]"
        ".filter((each) => each.scrollWidth > each.clientWidth + 1).length"
    )
    assert over == 0
    page.context.close()


@pytest.mark.parametrize("name", [LESSON, "12_state_at_work.ipynb"])
def test_a_lesson_that_was_only_opened_is_not_marked_as_changed(
    chromium: Browser, jupyterlab: Lab, name: str
) -> None:
    page = jupyterlab.open(chromium, name)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    expect(page.locator(".stateviz-player").first).to_have_attribute("data-ready", "true")
    expect(page.locator(".lm-TabBar-tab.jp-mod-current.jp-mod-active")).to_have_count(1)
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    page.locator(".jp-CodeCell .cm-content:visible").first.click()
    page.keyboard.type("1")
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(1)
    page.context.close()
