"""The player in a page of its own, without a kernel and without a network."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from stateviz.playing.artists import Areas
from stateviz.playing.page import snippet, whole_page
from stateviz.playing.player import Player
from stateviz.playing.theme import STATE_MAP
from tests.browser.conftest import resize
from tests.building.scenes import each_frame

ROWS, COLUMNS, N_FRAMES = 4, 6, 7
VALUES = np.linspace(-1, 1, ROWS * COLUMNS).reshape(ROWS, COLUMNS)


def a_player() -> Player:
    """Areas that fill in column by column, with a line, a text and a mark."""
    figure = Figure(figsize=(6, 4))
    left, right = figure.subplots(1, 2)
    left.set(xlim=(-0.5, COLUMNS - 0.5), ylim=(ROWS - 0.5, -0.5))
    image = Areas(left, STATE_MAP, -1, 1, extent=(-0.5, COLUMNS - 0.5, ROWS - 0.5, -0.5))
    [line] = right.plot([], [], "k-o")
    right.set(xlim=(0, N_FRAMES), ylim=(0, N_FRAMES))
    text = right.text(1, 6, "")

    def show(frame: int) -> None:
        shown = np.ma.array(VALUES, mask=np.zeros(VALUES.shape, bool))
        shown[:, frame:] = np.ma.masked
        image.set_data(shown)
        line.set_data(range(frame + 1), range(frame + 1))
        text.set_text(f"now {frame}")

    return each_frame(
        figure,
        [image, line, text],
        N_FRAMES,
        show,
        describe=lambda frame: f"{frame} columns are filled",
        hover={image: "column {x}, row {y}: {value:.2f}"},
        marks=[(2, "a place"), (5, "another")],
        interval_ms=100,
        title="Columns",
    )


@pytest.fixture
def page(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    path = tmp_path / "player.html"
    a_player().to_html(path)
    context = chromium.new_context(
        bypass_csp=True, offline=True, viewport={"width": 1024, "height": 768}
    )
    page = context.new_page()
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector(".stateviz-player[data-ready]")
    page.click("[data-action=more]")
    page.focus(".stateviz-player")
    page.keyboard.press("Home")
    yield page
    context.close()
    assert said == []


def frame_of(page: Page) -> int:
    return int(page.get_attribute(".stateviz-player", "data-frame") or -1)


def press(page: Page, action: str) -> None:
    # At the first and the last frame a button stays clickable, though it says that it does nothing.
    page.click(f"[data-action={action}]", force=True)


def color_at(page: Page, row: int, column: int) -> list[int]:
    """The canvas's colour half-way between zero and the value of a cell."""
    return list(
        page.evaluate(
            """([x, y]) => {
          const canvas = document.querySelector(".stateviz-picture canvas");
          const at = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
          return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
        }""",
            place_of(row, column),
        )
    )


def place_of(row: int, column: int) -> list[float]:
    """Half-way to a cell's value, as a part of the picture's width and height."""
    figure = a_player().figure
    figure.draw_without_rendering()
    x, y = figure.axes[0].transData.transform([column, row - VALUES[row, column] / 4])
    return [x / figure.bbox.width, 1 - y / figure.bbox.height]


# Longer than six frames of this player stand.
FORTY_REPAINTS = """() => new Promise((done) => {
  let left = 40;
  const repaint = () => (left-- ? requestAnimationFrame(repaint) : done());
  repaint();
})"""


def test_it_waits_to_be_played_and_stops_at_the_end(page: Page) -> None:
    page.reload()
    page.wait_for_selector(".stateviz-player[data-ready]")
    page.evaluate(FORTY_REPAINTS)
    assert frame_of(page) == N_FRAMES - 1  # it rests where all of it is seen
    press(page, "play")
    assert frame_of(page) < N_FRAMES - 1
    assert page.inner_text("[data-action=play]").strip() == "Pause"
    page.wait_for_function("document.querySelector('.stateviz-player').dataset.frame === '6'")
    page.wait_for_function("document.querySelector('.stateviz-player').dataset.playing === 'false'")
    assert page.inner_text("[data-action=play]").strip() == "Play"
    assert page.inner_text(".stateviz-readout") == "6 columns are filled"
    press(page, "play")
    assert frame_of(page) < 6


def test_every_frame_is_shown_once_in_order(page: Page) -> None:
    page.evaluate(
        """() => {
          window.shown = [];
          const player = document.querySelector(".stateviz-player");
          new MutationObserver(() => {
            if (shown.at(-1) !== player.dataset.frame) shown.push(player.dataset.frame);
          }).observe(player, { attributes: true });
        }"""
    )
    press(page, "play")
    page.wait_for_function("document.querySelector('.stateviz-player').dataset.playing === 'false'")
    assert page.evaluate("shown") == [str(frame) for frame in range(N_FRAMES)]


def test_each_button_does_what_it_says(page: Page) -> None:
    for action, frame in [
        *[("next", 1), ("next", 2), ("previous", 1), ("last", 6), ("next", 6), ("previous", 5)],
        *[("first", 0), ("previous", 0), ("mark-on", 2), ("mark-on", 5), ("mark-back", 2)],
    ]:
        press(page, action)
        assert (action, frame_of(page)) == (action, frame)
        assert page.inner_text(".stateviz-readout") == f"{frame} columns are filled"
        assert page.get_attribute(".stateviz-slider", "title") == f"frame {frame} of 6"
        assert page.input_value(".stateviz-slider") == str(frame)


@pytest.mark.parametrize("place", [".stateviz-player", ".stateviz-slider", "[data-action=next]"])
def test_the_keys_work_wherever_the_focus_is(page: Page, place: str) -> None:
    page.focus(place)
    for key, frame in [
        *[("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1), ("ArrowDown", 0), ("End", 6)],
        *[("Home", 0), ("PageDown", 6), ("PageUp", 0), ("]", 2), ("[", 2)],
    ]:
        page.keyboard.press(key)
        assert (key, frame_of(page)) == (key, frame)


def test_space_plays_and_pauses(page: Page) -> None:
    page.focus(".stateviz-slider")
    page.keyboard.press("Space")
    assert page.get_attribute(".stateviz-player", "data-playing") == "true"
    page.keyboard.press("Space")
    assert page.get_attribute(".stateviz-player", "data-playing") == "false"


def test_the_question_mark_shows_the_keys(page: Page) -> None:
    assert not page.is_visible(".stateviz-keys")
    press(page, "keys")
    assert page.is_visible(".stateviz-keys")
    assert "Space" in page.inner_text(".stateviz-keys")


def test_a_loop_begins_again(page: Page) -> None:
    press(page, "loop")
    assert page.get_attribute("[data-action=loop]", "aria-pressed") == "true"
    press(page, "last")
    press(page, "play")
    page.wait_for_function("document.querySelector('.stateviz-player').dataset.frame === '6'")
    page.wait_for_function("document.querySelector('.stateviz-player').dataset.frame === '1'")
    press(page, "play")


def test_the_speed_can_be_chosen(page: Page) -> None:
    page.select_option("[aria-label=Speed]", "4")
    press(page, "play")
    page.wait_for_function(
        "document.querySelector('.stateviz-player').dataset.frame === '6'", timeout=2000
    )


def test_the_pixels_have_matplotlibs_colours(page: Page) -> None:
    figure_image = a_player().figure.axes[0].images[0]
    for frame in (0, 3, 6):
        press(page, "first")
        for _ in range(frame):
            press(page, "next")
        for row, column in [(0, 0), (2, 3), (3, 5), (1, 2)]:
            color = color_at(page, row, column)
            if column >= frame:
                assert color[3] == 0
            else:
                expected = figure_image.cmap(figure_image.norm(VALUES[row, column]), bytes=True)
                assert np.abs(np.subtract(color, expected)).max() <= 4, (frame, row, column)


def test_the_pointer_is_told_the_place_and_its_value(page: Page) -> None:
    press(page, "last")
    box = page.locator(".stateviz-picture").bounding_box()
    assert box
    for row, column in [(0, 0), (3, 5), (1, 2)]:
        x, y = place_of(row, column)
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        column_words, value = page.inner_text(".stateviz-tip").split(": ")
        assert column_words == f"column {column}, row {row}"
        assert abs(float(value) - VALUES[row, column]) < 0.01
    page.mouse.move(1, 1)
    assert not page.is_visible(".stateviz-tip")


def test_a_screen_reader_hears_the_frame(page: Page) -> None:
    assert page.get_attribute(".stateviz-readout", "aria-live") == "polite"
    press(page, "next")
    assert page.get_attribute(".stateviz-slider", "aria-valuetext") == "1 columns are filled"
    assert page.get_attribute(".stateviz-player", "aria-label") == "Player: Columns"
    unnamed = page.evaluate(
        "[...document.querySelectorAll('.stateviz-player :is(button, input, select)')]"
        ".filter((each) => !each.getAttribute('aria-label')).length"
    )
    assert unnamed == 0


def test_it_does_not_jump_in_size_while_playing(page: Page) -> None:
    def box() -> object:
        return page.locator(".stateviz-player").bounding_box()

    before = box()
    for _ in range(N_FRAMES):
        press(page, "next")
        assert box() == before


@pytest.mark.parametrize("width", [360, 1024, 2560])
def test_it_fits_the_page(page: Page, width: int) -> None:
    resize(page, width, 800)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('.stateviz-player button')]"
        ".filter((each) => Math.min(each.offsetWidth, each.offsetHeight) < 32).length"
    )
    assert small == 0


def test_ink_follows_the_theme(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "player.html"
    a_player().to_html(path)
    inks = {}
    for theme in ("light", "dark"):
        context = chromium.new_context(bypass_csp=True, offline=True, color_scheme=theme)
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector(".stateviz-player[data-ready]")
        # The line's first marker stands at the origin of the axes on the right.
        figure = a_player().figure
        x, y = figure.axes[1].transData.transform([0.0, 0.0])
        canvas = page.evaluate(
            """([x, y]) => {
              const canvas = document.querySelector(".stateviz-picture canvas");
              const left = Math.round(x * canvas.width) + 1;
              const top = Math.round(y * canvas.height) - 2;
              return [...canvas.getContext("2d").getImageData(left, top, 1, 1).data];
            }""",
            [x / figure.bbox.width, 1 - y / figure.bbox.height],
        )
        stage = page.evaluate(
            "getComputedStyle(document.querySelector('.stateviz-picture > svg')).fill"
        )
        inks[theme] = (canvas, stage)
        context.close()
    assert inks["light"] == ([0, 0, 0, 255], "rgb(0, 0, 0)")
    assert inks["dark"] == ([255, 255, 255, 255], "rgb(255, 255, 255)")


HOSTILE = (
    "<script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 1'>",
    "<svg onload='window.hit = 1'><image href='x' onerror='window.hit = 1'/></svg>",
    "<svg><a href='javascript:window.hit = 1'><text y='9'>x</text></a></svg>",
    "<iframe srcdoc='<script>parent.hit = 1</script>'></iframe>",
    "<svg><rect width='9' height='9' style='fill: url(http://other.invalid/a)'/></svg>",
    "<svg><image width='9' height='9' href='http://other.invalid/b.png'/></svg>",
    "<svg><foreignObject><img src=x onerror='window.hit = 1'></foreignObject></svg>",
)


def with_stage(payload: bytes, added: str) -> bytes:
    """A payload whose stage holds something more."""
    plain = zlib.decompress(payload)
    length = int.from_bytes(plain[:4], "little")
    described = json.loads(plain[4 : 4 + length])
    described["stage"] = added + described["stage"].replace("</svg>", f"{added}</svg>")
    text = json.dumps(described).encode()
    return zlib.compress(len(text).to_bytes(4, "little") + text + plain[4 + length :])


@pytest.mark.parametrize("added", HOSTILE)
@pytest.mark.parametrize("where", ["stage", "page"])
def test_what_a_file_or_a_page_brings_along_does_not_run(
    added: str, where: str, chromium: Browser, tmp_path: Path
) -> None:
    player = a_player()
    if where == "stage":
        hostile = with_stage(player.payload, added)
        html = "<!doctype html><body>" + snippet(hostile, 100, b"", "a still picture")
    else:
        html = whole_page("Player", player._html() + added)
    path = tmp_path / "hostile.html"
    path.write_text(html, encoding="utf-8")
    page = chromium.new_page()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.goto(path.as_uri())
    page.wait_for_selector("[data-ready=true]")
    for link in page.locator("a").all():
        link.dispatch_event("click")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hit") is None
    answered = [each for each in asked if each.url.startswith("http") and each.failure != "csp"]
    assert answered == []
    assert page.locator(".stateviz-picture svg path").count() > 10
    page.close()
