"""A picture and its room: lanes lit, a full screen, a small one, a dark one, and paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, expect

import stateviz
from tests.browser.conftest import Lab
from tests.browser.test_motion_in_browser import NEXT_BATCH, a_player, frame_of, slide_to
from tests.browser.test_quiz_in_jupyterlab import KERNEL
from tests.building.recordings import SAMPLES, a_recording

Opened = Callable[..., Page]
PLAYER = ".stateviz-player"


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Opened]:
    path = tmp_path / "player.html"
    a_player().to_html(path)
    contexts = []

    def open_page(width: int = 1024, height: int = 768, **options: Any) -> Page:
        size = {"width": width, "height": height}
        context = chromium.new_context(bypass_csp=True, offline=True, viewport=size, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.goto(path.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector(f"{PLAYER}[data-ready]")
            page.focus(PLAYER)
            page.keyboard.press("Home")
        return page

    yield open_page
    for context in contexts:
        context.close()


def lit(page: Page) -> str | None:
    return page.get_attribute(PLAYER, "data-lit")


def states_box(player: stateviz.Player) -> tuple[float, float, float, float]:
    """Where the lanes of the states are, as parts of the picture: left, top, width, height."""
    ax = [ax for ax in player.figure.axes if ax.get_label() == "lanes"][-1]
    box = ax.get_position()
    return box.x0, 1 - box.y1, box.width, box.height


def click_lane(page: Page, lane: int) -> None:
    left, top, width, height = states_box(a_player())
    picture = page.locator(".stateviz-picture").bounding_box()
    assert picture is not None
    x = picture["x"] + picture["width"] * (left + width / 2)
    y = picture["y"] + picture["height"] * (top + height * (lane + 0.5) / SAMPLES)
    page.mouse.click(x, y)


def ink_in_lanes(page: Page) -> list[float]:
    """How far each lane is from white, on average."""
    left, top, width, height = states_box(a_player())
    found: list[float] = page.evaluate(
        """([left, top, width, height, lanes]) => {
          const canvas = document.querySelector(".stateviz-picture canvas");
          const context = canvas.getContext("2d");
          const each = (canvas.height * height) / lanes;
          return Array.from({ length: lanes }, (_, lane) => {
            const { data } = context.getImageData(
              canvas.width * left, canvas.height * top + lane * each, canvas.width * width, each);
            let sum = 0;
            for (let at = 0; at < data.length; at += 4)
              sum += (data[at + 3] / 255) * (255 - Math.min(data[at], data[at + 1], data[at + 2]));
            return sum / (data.length / 4);
          });
        }""",
        [left, top, width, height, SAMPLES],
    )
    return found


def test_a_lane_that_is_clicked_stays_lit(opened: Opened) -> None:
    page = opened()
    slide_to(page, NEXT_BATCH)
    before = ink_in_lanes(page)
    click_lane(page, 2)
    assert lit(page) == "2"
    assert "(lane 2 is lit)" in page.inner_text(".stateviz-readout")
    after = ink_in_lanes(page)
    more = [now - was for now, was in zip(after, before, strict=True)]
    assert min(more) >= 0, "no lane fades"
    assert max(more) == more[2] > 5
    page.focus(PLAYER)
    page.keyboard.press("ArrowRight")  # it stays so in other frames
    assert lit(page) == "2"
    click_lane(page, 2)
    assert lit(page) == ""
    assert "is lit" not in page.inner_text(".stateviz-readout")


def test_lanes_are_lit_by_keys_too(opened: Opened) -> None:
    page = opened()
    for key, lane in ((".", "0"), (".", "1"), (",", "0"), (",", ""), (",", str(SAMPLES - 1))):
        page.keyboard.press(key)
        assert lit(page) == lane
    page.keyboard.press("?")
    assert "light the previous, next lane" in page.inner_text(".stateviz-keys")


def test_the_controls_of_a_full_screen_hide_while_nobody_uses_them(opened: Opened) -> None:
    page = opened(1280, 720)
    page.keyboard.press("f")
    controls = page.locator(".stateviz-controls")

    def opacity() -> float:
        return float(controls.evaluate("(each) => getComputedStyle(each).opacity"))

    page.wait_for_timeout(400)
    assert opacity() == 1
    page.wait_for_function(
        "getComputedStyle(document.querySelector('.stateviz-controls')).opacity === '0'",
        timeout=6_000,
    )
    page.mouse.move(400, 300)
    page.wait_for_timeout(400)
    assert opacity() == 1
    box = page.locator(".stateviz-picture").bounding_box()
    assert box is not None
    width, _ = a_player().figure.get_size_inches()
    assert 10.5 / 72 * box["width"] / width >= 18  # pixels of the smallest letter
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    assert not page.locator(f"{PLAYER}.stateviz-presenting").count()


def test_on_a_small_screen_the_picture_is_moved_along(opened: Opened) -> None:
    page = opened(390, 800)
    seen = page.locator(".stateviz-window")
    assert page.locator(".stateviz-picture").evaluate("(each) => each.clientWidth") >= 700
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    slide_to(page, a_player().n_frames - 4)
    page.keyboard.press("Space")
    page.wait_for_selector(f"{PLAYER}[data-playing=false]")
    at_the_end = seen.evaluate("(each) => each.scrollLeft / (each.scrollWidth - each.clientWidth)")
    assert at_the_end > 0.95


def test_on_paper_stands_the_frame_that_tells_the_most(opened: Opened) -> None:
    page = opened()
    at_first = page.inner_text(".stateviz-readout > span:first-child")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = picture(page)
    player = a_player()
    player.frame = player._scene.poster
    assert page.inner_text(".stateviz-readout > span:first-child") == player.readout
    page.emulate_media(media="print")
    assert not page.locator(".stateviz-controls").is_visible()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.inner_text(".stateviz-readout > span:first-child") == at_first
    assert frame_of(page) == 0
    assert picture(page) != printed
    slide_to(page, player._scene.poster)
    assert picture(page) == printed


def picture(page: Page) -> str:
    found: str = page.locator(".stateviz-picture canvas").evaluate("(each) => each.toDataURL()")
    return found


def test_without_scripts_there_is_a_still_that_says_how_it_plays(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator("img").is_visible()
    words = page.inner_text("main")
    assert "carried over" in words or "t = " in words
    assert "Trust Notebook" in words
    assert not page.locator("button").count()


LIVE = """
import stateviz
run = stateviz.load("run.npz")
stateviz.play_resets(run)
"""


def test_with_a_kernel_a_batch_is_opened_a_lane_lit_and_the_way_back_found(
    chromium: Browser, jupyterlab: Lab
) -> None:
    a_recording(3).save(jupyterlab.notebooks / "run.npz")
    cells = [new_code_cell(LIVE), new_code_cell("stateviz.play_batches(run)")]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, jupyterlab.notebooks / "room.ipynb")
    page = jupyterlab.open(chromium, "room.ipynb")
    jupyterlab.run_all(page)
    whole, lanes = page.locator(PLAYER).first, page.locator(PLAYER).nth(1)
    whole.locator("[data-choice=open]").select_option(index=2)
    expect(whole).to_have_attribute("aria-label", re.compile("batch 1"), timeout=20_000)
    expect(whole.locator("[data-choice=open]")).to_have_value("2")
    picture = whole.locator(".stateviz-picture").bounding_box()
    assert picture is not None
    pixel = picture["width"] / 760
    page.mouse.click(picture["x"] + 690 * pixel, picture["y"] + 13 * pixel)
    expect(whole.locator("[data-choice=open]")).to_have_value("0", timeout=20_000)
    lanes.focus()
    page.keyboard.press(".")
    page.keyboard.press(".")
    expect(lanes).to_have_attribute("data-lit", "1")
    page.keyboard.press("ArrowRight")
    expect(lanes).to_have_attribute("data-moving", "false", timeout=20_000)
    expect(lanes).to_have_attribute("data-lit", "1")
    page.context.close()
