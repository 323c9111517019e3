"""Choosing on an exported page, the presenter's view, two views of one player, accessibility."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

import stateviz
from stateviz.playing import page as player_page
from stateviz.playing.player import Player
from stateviz.recording import Recording
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_recording


def recording() -> Recording:
    inputs = np.random.default_rng(1).normal(size=(SAMPLES, TIMESTEPS, 1)).astype("float32")
    return a_recording(inputs=inputs)


def scenes() -> dict[str, Player]:
    return {
        "sequence": stateviz.play_sequence(recording()),
        "batches": stateviz.play_batches(recording()),
        "resets": stateviz.play_resets(recording()),
        "compare": stateviz.compare(recording(), recording()),
    }


def open_page(chromium: Browser, path: Path, **look: Any) -> Page:
    context = chromium.new_context(
        bypass_csp=True, offline=True, viewport={"width": 1280, "height": 900}, **look
    )
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector(".stateviz-player[data-ready]")
    page.click("[data-action=more]")
    page.focus(".stateviz-player")
    page.keyboard.press("Home")
    return page


@pytest.fixture
def sequence(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """One sample of a recording, with nobody behind it."""
    path = tmp_path / "sequence.html"
    stateviz.play_sequence(recording()).to_html(path)
    page = open_page(chromium, path)
    yield page
    page.context.close()


def readout(page: Page) -> str:
    return page.inner_text(".stateviz-readout")


def expected(frame: int, unit: int) -> str:
    player = stateviz.play_sequence(recording(), unit=unit)
    player.frame = frame
    return player.readout


def picture(page: Page) -> str:
    return str(page.evaluate("document.querySelector('.stateviz-picture canvas').toDataURL()"))


def test_a_unit_is_chosen_with_box_key_and_click_without_a_kernel(sequence: Page) -> None:
    sequence.keyboard.press("Tab")
    for _ in range(TIMESTEPS):
        sequence.focus(".stateviz-slider")
        sequence.keyboard.press("ArrowRight")
    first = picture(sequence)
    sequence.select_option("[data-choice=unit]", "1")
    assert readout(sequence) == expected(TIMESTEPS, 1)
    assert picture(sequence) != first
    sequence.focus(".stateviz-player")
    sequence.keyboard.press("Shift+U")
    assert readout(sequence) == expected(TIMESTEPS, 0)
    assert picture(sequence) == first
    sequence.keyboard.press("u")
    assert sequence.input_value("[data-choice=unit]") == "1"
    # The upper half of the lanes is unit 0.
    axes = stateviz.play_sequence(recording()).figure.axes
    ax = next(each for each in axes if each.get_label() == "lanes")
    box = sequence.locator(".stateviz-picture").bounding_box()
    assert box
    place = ax.get_position()
    x = box["x"] + box["width"] * (place.x0 + place.x1) / 2
    y = box["y"] + box["height"] * (1 - (place.y0 + (1 - 0.5 / UNITS) * place.height))
    sequence.mouse.move(x, y)
    assert "click to choose" in sequence.inner_text(".stateviz-tip")
    sequence.mouse.click(x, y)
    assert readout(sequence) == expected(TIMESTEPS, 0)


def test_what_needs_python_is_words(sequence: Page) -> None:
    assert sequence.locator("[data-choice]").count() == 1  # the unit, whose options are all here
    words = sequence.inner_text(".stateviz-choices")
    assert words.startswith("unit")
    assert "of lstm · fit, epoch 0, batch 0, sample 0" in words
    sequence.focus(".stateviz-player")
    before = readout(sequence)
    sequence.keyboard.press("s")
    assert readout(sequence) == before


def test_the_presenters_view_fills_the_screen_and_is_left_again(sequence: Page) -> None:
    small = sequence.locator(".stateviz-picture").bounding_box()
    sequence.focus(".stateviz-player")
    sequence.keyboard.press("f")
    sequence.wait_for_selector(".stateviz-presenting")
    view = sequence.locator(".stateviz-player").bounding_box()
    assert view
    size = sequence.evaluate("[innerWidth, innerHeight]")
    assert [view["width"], view["height"]] == size
    large = sequence.locator(".stateviz-picture").bounding_box()
    assert small
    assert large
    assert large["height"] > 0.5 * size[1]
    over = "document.querySelector('.stateviz-player').scrollHeight > innerHeight"
    assert not sequence.evaluate(over)
    sequence.keyboard.press("ArrowRight")
    assert readout(sequence) == expected(1, 0)
    sequence.keyboard.press("f")
    sequence.wait_for_selector(".stateviz-player:not(.stateviz-presenting)")


def test_keys_that_choose_are_listed(sequence: Page) -> None:
    sequence.click("[data-action=keys]")
    words = sequence.inner_text(".stateviz-keys")
    assert "u, U" in words
    assert "next, previous unit" in words
    assert "next, previous sample" not in words


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["sequence", "batches", "resets", "compare"])
def test_axe_finds_nothing_to_complain_about(
    chromium: Browser, tmp_path: Path, name: str, theme: str
) -> None:
    path = tmp_path / "scene.html"
    scenes()[name].to_html(path)
    page = open_page(chromium, path, color_scheme=theme)
    page.click("[data-action=keys]")
    page.focus("[data-action=next]")
    found = Axe().run(page)
    page.context.close()
    rules = [
        (each["id"], [node["html"] for node in each["nodes"]])
        for each in found.response["violations"]
    ]
    assert rules == []
    assert len(found.response["passes"]) > 10


def test_axe_would_complain(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "scene.html"
    scenes()["sequence"].to_html(path)
    page = open_page(chromium, path)
    page.evaluate("document.querySelector('[data-action=next]').removeAttribute('aria-label')")
    page.evaluate("document.querySelector('[data-action=next]').removeAttribute('title')")
    rules = [each["id"] for each in Axe().run(page).response["violations"]]
    page.context.close()
    assert rules == ["button-name"]


def test_who_asks_for_less_motion_gets_it(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "scene.html"
    scenes()["sequence"].to_html(path)
    speeds = {}
    for wish in ("no-preference", "reduce"):
        page = open_page(chromium, path, reduced_motion=wish)
        speeds[wish] = page.input_value("[aria-label=Speed]")
        page.context.close()
    assert speeds == {"no-preference": "1", "reduce": "0.25"}


# --- Two views of one player ----------------------------------------------------------------------

# Stands in for the widget's model, which both views share; it counts who listens.
TWO_VIEWS = """
const values = %s;
values._payload = Uint8Array.from(atob(values._payload), (char) => char.charCodeAt(0));
values._payload = new DataView(values._payload.buffer);
const heard = {};
window.model = {
  get: (name) => values[name],
  set: (name, value) => (values[name] = value),
  on: (what, act) => (heard[what] ??= new Set()).add(act),
  off: (what, act) => heard[what].delete(act),
  save_changes() {},
  tell: (name, value) => { values[name] = value; heard[`change:${name}`].forEach((act) => act()); },
  listeners: () => Object.values(heard).reduce((sum, acts) => sum + acts.size, 0),
};
window.closers = await Promise.all(["one", "two"].map((id) =>
  playerModule.render({ model, el: document.getElementById(id) })));
"""


@pytest.fixture
def two_views(chromium: Browser) -> Iterator[Page]:
    player = stateviz.play_sequence(recording())
    values = {
        "_payload": base64.b64encode(player._payload).decode(),
        "_own_id": "own",
        "_live": True,
        "chosen": player.chosen,
        "frame": 0,
        "playing": False,
        "loop": False,
        "interval_ms": 50,
    }
    page = chromium.new_context(bypass_csp=True, offline=True).new_page()
    page.set_content("<main><h1>Two</h1><div id=one></div><div id=two></div></main>")
    page.add_style_tag(content=player_page.style())
    script = player_page.inline_script() + TWO_VIEWS % json.dumps(values)
    page.add_script_tag(content=script, type="module")
    page.wait_for_function("document.querySelectorAll('.stateviz-player[data-ready]').length === 2")
    page.wait_for_function("window.closers")
    yield page
    page.context.close()


def frames(page: Page) -> list[str]:
    return list(
        page.evaluate(
            "[...document.querySelectorAll('.stateviz-player')].map((each) => each.dataset.frame)"
        )
    )


def test_two_views_stay_in_step(two_views: Page) -> None:
    two_views.click("#one [data-action=next]")
    assert frames(two_views) == ["1", "1"]
    two_views.evaluate("model.tell('frame', 3)")
    assert frames(two_views) == ["3", "3"]
    two_views.select_option("#two [data-choice=unit]", "1")
    assert two_views.input_value("#one [data-choice=unit]") == "1"
    assert readout(two_views) == expected(3, 1)
    two_views.evaluate("model.tell('frame', 0)")
    two_views.click("#two [data-action=play]")
    ended = f"model.get('frame') === {TIMESTEPS} && !model.get('playing')"
    two_views.wait_for_function(ended)
    assert frames(two_views) == [str(TIMESTEPS)] * 2


def test_an_echo_of_play_stops_nothing(two_views: Page) -> None:
    two_views.click("#one [data-action=play]")
    two_views.evaluate("model.tell('playing', true)")
    two_views.wait_for_function(f"model.get('frame') === {TIMESTEPS} && !model.get('playing')")


def test_a_closed_view_leaves_no_listener_behind(two_views: Page) -> None:
    def on_document() -> int:
        session = two_views.context.new_cdp_session(two_views)
        found = session.send("Runtime.evaluate", {"expression": "document"})
        object_id = found["result"]["objectId"]
        listeners = session.send("DOMDebugger.getEventListeners", {"objectId": object_id})
        return len(listeners["listeners"])

    assert (on_document(), two_views.evaluate("model.listeners()")) == (2, 6)
    two_views.evaluate("closers[0]()")
    assert (on_document(), two_views.evaluate("model.listeners()")) == (1, 6)
    two_views.evaluate("model.tell('frame', 2)")
    assert frames(two_views) == ["2"]
    two_views.evaluate("closers[1]()")
    assert (on_document(), two_views.evaluate("model.listeners()")) == (0, 0)
    assert frames(two_views) == []


def from_kernel(page: Page, player: Player) -> None:
    """Gives the page the scene of a player, as the kernel does."""
    page.evaluate(
        """async (payload) => {
          const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
          model.tell("_payload", new DataView(bytes.buffer));
        }""",
        base64.b64encode(player._payload).decode(),
    )


def test_a_new_scene_from_the_kernel_takes_the_place_of_the_old(two_views: Page) -> None:
    two_views.select_option("#one [data-choice=sample]", "2")
    assert two_views.get_attribute("#two .stateviz-player", "aria-busy") == "true"
    asked = two_views.evaluate("model.get('chosen')")
    assert asked["sample"] == 2
    player = stateviz.play_sequence(recording())
    player.choose(sample=2)
    player.frame = 0
    from_kernel(two_views, player)
    two_views.wait_for_selector("#two .stateviz-player[aria-busy=false]")
    assert readout(two_views) == player.readout
    assert "sample 2" in (two_views.get_attribute("#one .stateviz-player", "aria-label") or "")
    # What was shown before needs no kernel any more.
    two_views.select_option("#two [data-choice=sample]", "0")
    assert readout(two_views) == expected(0, 0)


def test_a_late_echo_of_the_kernel_does_not_stop_what_plays(two_views: Page) -> None:
    player = stateviz.play_sequence(recording())
    two_views.click("#one [data-action=play]")
    # The kernel makes a scene again that the page had kept, and has shown for a while.
    from_kernel(two_views, player)
    two_views.wait_for_function(f"model.get('frame') === {TIMESTEPS}")
    assert frames(two_views) == [str(TIMESTEPS)] * 2
