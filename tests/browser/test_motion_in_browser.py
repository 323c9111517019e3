"""A state that moves, in a page of its own: step by step, played, and for who wants no motion."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

import stateviz
from stateviz.drawing import diagrams
from stateviz.playing import page as player_page
from stateviz.recording import LayerRecording, Recording
from tests.browser.test_choices_in_browser import TWO_VIEWS
from tests.building.recordings import TIMESTEPS, UNITS
from tests.test_motion import a_run

Opened = Callable[..., Page]


def a_player() -> stateviz.Player:
    batches = a_run("reset", "carried", "fresh")
    return stateviz.play_batches(Recording([LayerRecording("lstm", "LSTM", UNITS, True, batches)]))


STOPS = a_player().stops
AT_THE_END, NEXT_BATCH = STOPS[TIMESTEPS], STOPS[TIMESTEPS + 1]


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Opened]:
    path = tmp_path / "player.html"
    a_player().to_html(path)
    contexts = []

    def open_page(reduced_motion: str = "no-preference") -> Page:
        context = chromium.new_context(
            bypass_csp=True,  # Playwright waits with `eval`
            offline=True,
            viewport={"width": 1024, "height": 768},
            reduced_motion=reduced_motion,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector(".stateviz-player[data-ready]")
        page.click("[data-action=more]")
        page.focus(".stateviz-player")
        page.keyboard.press("Home")
        return page

    yield open_page
    for context in contexts:
        context.close()


def frame_of(page: Page) -> int:
    return int(page.get_attribute(".stateviz-player", "data-frame") or -1)


def is_moving(page: Page) -> bool:
    return page.get_attribute(".stateviz-player", "data-moving") == "true"


def at_rest(page: Page) -> int:
    page.wait_for_selector(".stateviz-player[data-moving=false]")
    return frame_of(page)


def slide_to(page: Page, frame: int) -> None:
    """As a finger on the slider does that is not let go."""
    page.locator(".stateviz-slider").evaluate(
        "(slider, frame) => { slider.value = frame; slider.dispatchEvent(new Event('input')); }",
        str(frame),
    )


def test_a_step_passes_what_lies_between_in_motion(opened: Opened) -> None:
    page = opened()
    assert frame_of(page) == 0
    page.keyboard.press("ArrowRight")
    assert is_moving(page)
    assert at_rest(page) == STOPS[0]
    for stop in STOPS[1 : TIMESTEPS + 1]:  # within a batch nothing lies between
        page.click("[data-action=next]")
        assert not is_moving(page)
        assert frame_of(page) == stop
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([from, to]) => { const at = +document.querySelector('.stateviz-player').dataset.frame;"
        " return at > from && at < to; }",
        arg=[AT_THE_END, NEXT_BATCH],
    )
    assert "is carried over, row by row" in page.inner_text(".stateviz-readout")
    assert at_rest(page) == NEXT_BATCH
    page.keyboard.press("ArrowLeft")
    assert frame_of(page) == AT_THE_END


def test_who_steps_on_while_it_moves_is_there_at_once(opened: Opened) -> None:
    page = opened()
    slide_to(page, AT_THE_END)
    page.keyboard.press("ArrowRight")
    assert is_moving(page)
    page.keyboard.press("ArrowRight")
    assert at_rest(page) == NEXT_BATCH + 1


def test_a_slider_that_is_let_go_moves_on_to_a_stop(opened: Opened) -> None:
    page = opened()
    slide_to(page, NEXT_BATCH - 3)
    assert frame_of(page) == NEXT_BATCH - 3
    page.locator(".stateviz-slider").dispatch_event("change")
    assert at_rest(page) == NEXT_BATCH


def test_every_repaint_of_a_motion_shows_something_else(opened: Opened) -> None:
    page = opened()
    page.select_option("[aria-label=Speed]", "0.25")  # to read a picture back takes its time
    slide_to(page, AT_THE_END)
    page.focus(".stateviz-player")
    page.keyboard.press("ArrowRight")
    begins = frame_of(page)
    pictures = page.evaluate(
        """() => new Promise((done) => {
          const canvas = document.querySelector(".stateviz-picture canvas");
          const seen = [];
          const look = () => {
            const size = [canvas.width, canvas.height];
            const { data } = canvas.getContext("2d").getImageData(0, 0, ...size);
            seen.push(data.reduce((sum, each) => (31 * sum + each) | 0, 0));
            if (seen.length < 30) requestAnimationFrame(look);
            else done(seen);
          };
          requestAnimationFrame(look);
        })"""
    )
    # More than the frames that passed: the page draws what lies between two of them.
    assert is_moving(page)
    assert frame_of(page) - begins < 20
    assert len(set(pictures)) >= 28


def test_played_it_goes_through_every_motion_and_ends_at_the_last_stop(opened: Opened) -> None:
    page = opened()
    page.select_option("[aria-label=Speed]", "4")
    page.click("[data-action=play]")
    page.wait_for_selector(".stateviz-player[data-playing=false]")
    assert frame_of(page) == STOPS[-1]


def test_who_wants_no_motion_jumps_from_stop_to_stop(opened: Opened) -> None:
    page = opened("reduce")
    slide_to(page, AT_THE_END)
    page.evaluate(
        """() => {
          window.shown = [];
          const player = document.querySelector(".stateviz-player");
          new MutationObserver(() => shown.push(Number(player.dataset.frame)))
            .observe(player, { attributes: true });
        }"""
    )
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f".stateviz-player[data-frame='{NEXT_BATCH}'][data-moving=false]")
    page.click("[data-action=play]")
    page.wait_for_selector(f".stateviz-player[data-frame='{NEXT_BATCH + 2}']")
    seen = set(page.evaluate("shown"))
    assert seen <= {*STOPS}
    assert {AT_THE_END, NEXT_BATCH} <= seen


def test_what_python_asks_for_between_two_stops_moves_on_to_the_next(chromium: Browser) -> None:
    player = a_player()
    values = {
        "_payload": base64.b64encode(player._payload).decode(),
        **{"_own_id": "own", "_live": True, "chosen": player.chosen, "frame": AT_THE_END},
        **{"playing": False, "loop": False, "interval_ms": player.interval_ms},
    }
    page = chromium.new_context(bypass_csp=True, offline=True).new_page()
    page.set_content("<main><h1>Two</h1><div id=one></div><div id=two></div></main>")
    page.add_style_tag(content=player_page.style())
    script = player_page.inline_script() + TWO_VIEWS % json.dumps(values)
    page.add_script_tag(content=script, type="module")
    page.wait_for_function("window.closers")
    page.click("#one [data-action=more]")
    page.select_option("#one [aria-label=Speed]", "0.5")  # time enough to see it move
    for asked in (NEXT_BATCH - 16, NEXT_BATCH):  # in the motion; then, from its beginning, its end
        page.evaluate(f"model.tell('frame', {asked})")
        assert is_moving(page)
        assert at_rest(page) == NEXT_BATCH
        assert page.evaluate("model.get('frame')") == NEXT_BATCH
        page.evaluate(f"model.tell('frame', {AT_THE_END})")
        assert (frame_of(page), is_moving(page)) == (AT_THE_END, False)
    page.context.close()


def test_a_click_under_the_cell_goes_to_a_timestep(chromium: Browser, tmp_path: Path) -> None:
    from tests.test_cell_diagram import recorded

    player = stateviz.play_cell(recorded("SimpleRNN"))
    path = tmp_path / "cell.html"
    player.to_html(path)
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector(".stateviz-player[data-ready]")
    figure, ax = player.figure, player._scene.picks[0].ax
    figure.draw_without_rendering()
    x, y = ax.transData.transform([3, sum(ax.get_ylim()) / 2])
    box = page.locator(".stateviz-picture").bounding_box()
    assert box is not None
    page.mouse.click(
        box["x"] + x / figure.bbox.width * box["width"],
        box["y"] + (1 - y / figure.bbox.height) * box["height"],
    )
    assert frame_of(page) == player.stops[4]
    # Under the pointer each part of the diagram says what it is.
    x, y = player.figure.axes[0].transData.transform(diagrams.SIMPLE.nodes[1].at)
    page.mouse.move(
        box["x"] + x / figure.bbox.width * box["width"],
        box["y"] + (1 - y / figure.bbox.height) * box["height"],
    )
    assert page.inner_text(".stateviz-tip") == diagrams.PHI
    page.close()
