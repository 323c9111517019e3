"""A model that runs in a page: what a reader types, drags, clicks and chooses is what it reads."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

import stateviz
from stateviz.in_page.chain import as_text
from tests.test_live import layers, sequential

Opener = Callable[..., Page]
TELLS = ".stateviz-live > [role=status]"


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["wide", "narrow and dark"])
def opened(request: Any, chromium: Browser, tmp_path: Path) -> Iterator[Opener]:
    width, scheme = request.param
    context = chromium.new_context(
        offline=True, viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    problems: list[str] = []

    def open_live(live: stateviz.Live) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda told: problems.append(told.text))
        live.to_html(tmp_path / "live.html")
        page.goto((tmp_path / "live.html").as_uri())
        page.wait_for_selector(".stateviz-live")
        return page

    yield open_live
    context.close()
    assert problems == []


def try_live(live: Locator) -> None:
    """Agrees with Keras, and says something else after each choice."""
    live.scroll_into_view_if_needed()
    expect(live.locator(".stateviz-checked")).to_contain_text("timesteps that Keras ran")
    expect(live.get_by_role("alert")).to_have_count(0)
    said = live.locator("[role=status], code")
    for select in live.locator("select").all():
        if select.get_attribute("aria-label") in ("timesteps", "batch_size"):
            before = said.all_inner_texts()
            select.select_option(index=1 if select.input_value() == "0" else 0)
            assert said.all_inner_texts() != before
    for button in live.locator("button").all():
        button.click()
    expect(live.locator("svg").first).to_be_visible()


def letters() -> stateviz.Live:
    model = sequential(
        layers.LSTM(6, return_sequences=True, stateful=True),
        layers.Dense(4, "softmax"),
        shape=(1, 4, 4),
    )
    return stateviz.live(model, "abcdabcdabcd", vocabulary="abcd")


def series() -> stateviz.Live:
    model = sequential(layers.LSTM(4), layers.Dense(1), shape=(None, 10, 1))
    return stateviz.live(model, np.sin(np.arange(40) / 3))


def training() -> stateviz.Live:
    model = sequential(layers.LSTM(4), layers.Dense(1), shape=(50, 6, 1))
    X = np.sin(np.arange(600) / 3).reshape(100, 6, 1)
    return stateviz.live(model, X, X[:, -1])


def choose(page: Page, name: str, option: str) -> None:
    page.select_option(f"select[aria-label='{name}']", label=option)


def test_what_is_typed_is_read_and_a_border_resets(opened: Opener) -> None:
    page = opened(letters())
    tells, program = page.locator(TELLS), page.locator(".stateviz-live > code")
    expect(page.locator(".stateviz-checked")).to_contain_text("60 timesteps that Keras ran")
    expect(tells).to_contain_text("3 windows: 1 from zeros, 2 carried.")
    expect(program).to_contain_text("X.shape == (3, 4, 4)   model.predict(X, batch_size=1)")
    page.locator("textarea").press_sequentially("ab?x")  # the model knows neither ? nor x
    page.locator("textarea").press("End")
    expect(tells).to_contain_text("4 windows: 1 from zeros, 3 carried.")
    expect(program).to_contain_text("# the last 2 wait for a full batch")
    reset = page.get_by_role("button", name="reset_state() before batch 1")
    reset.focus()
    reset.press("Enter")
    expect(tells).to_contain_text("4 windows: 2 from zeros, 2 carried.")
    expect(program).to_contain_text("# reset_state() before batch 1")
    expect(reset).to_be_focused()  # though all is painted anew
    reset.click()
    expect(tells).to_contain_text("1 from zeros")
    choose(page, "batch_size", "2")
    expect(tells).to_contain_text("4 windows: 2 from zeros, 2 carried.")
    assert page.locator(".stateviz-arc").count() == 2
    page.get_by_label("stateful=True").uncheck()
    expect(tells).to_contain_text("4 windows: 4 from zeros, 0 carried.")
    assert page.get_by_role("button", name="reset_state()").count() == 0


def test_a_framed_token_moves_by_key_and_click(opened: Opener) -> None:
    page = opened(letters())
    framed = page.get_by_role("slider", name="The framed token")
    framed.focus()
    framed.press("Home")
    expect(framed).to_have_attribute("aria-valuenow", "0")
    framed.press("ArrowRight")
    expect(framed).to_have_attribute("aria-valuetext", "b, number 1")
    page.locator(".stateviz-letters text").nth(2).click()
    expect(framed).to_have_attribute("aria-valuenow", "2")
    assert page.locator(".stateviz-back").count() == 2


def test_it_writes_on_what_it_holds_for_most_probable(opened: Opener) -> None:
    live = letters()
    page = opened(live)
    page.get_by_role("button", name="Write on").click()
    expect(page.locator("textarea")).to_have_value(re.compile("^.{15}"))
    written = page.locator("textarea").input_value()[:15]
    parts = layers.LSTM(6, return_sequences=True), layers.Dense(4, "softmax")
    model = sequential(*parts, shape=(None, None, 4))
    texts = [text for layer in live._content["layers"] for text in layer["weights"]]
    weights = zip(texts, model.get_weights(), strict=True)
    model.set_weights([numbers_in(text, weight.shape) for text, weight in weights])
    known = [0, 1, 2, 3] * 3
    for _ in range(3):
        known.append(int(np.argmax(model(np.eye(4, dtype="float32")[None, known])[0, -1])))
    assert written == "".join("abcd"[number] for number in known)


def numbers_in(text: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)


def test_logits_and_words_and_no_text_at_all(opened: Opener) -> None:
    words = ["so", "it", "goes", "on"]
    parts = layers.Embedding(4, 3), layers.GRU(5), layers.Dense(4), layers.Activation("linear")
    model = sequential(*parts, shape=(None, None))
    page = opened(stateviz.live(model, "so it goes on so it goes", vocabulary=words))
    expect(page.locator(".stateviz-guess")).to_have_count(4)
    expect(page.locator(TELLS)).to_contain_text("On average it gave what came next")
    assert page.locator("select[aria-label=state]").locator("option").count() == 5  # no c
    page.locator("textarea").fill("")
    expect(page.locator(TELLS)).to_contain_text("0 windows: 0 from zeros, 0 carried.")
    page.locator("textarea").fill("goes goes")
    expect(page.locator(TELLS)).to_contain_text("1 windows")


def test_an_output_that_is_no_forecast_is_not_drawn(opened: Opener) -> None:
    alone = sequential(layers.LSTM(1), shape=(None, 5, 1))
    page = opened(stateviz.live(alone))
    assert page.locator(".stateviz-guessed").count() == 0
    page = opened(series())
    assert page.locator(".stateviz-guessed").count() == 1


def test_a_dragged_value_stays_in_its_window_or_is_carried(opened: Opener) -> None:
    page = opened(series())
    tells = page.locator(TELLS)
    expect(tells).to_contain_text("One value was changed.")
    page.get_by_role("button", name="As it was").click()
    expect(tells).to_contain_text("Nothing is changed.")
    dot = page.locator(".stateviz-dot").nth(4).bounding_box()
    assert dot is not None
    x, y = dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 30)
    page.mouse.up()
    expect(tells).to_contain_text("One value was changed.")
    value = page.get_by_role("slider")
    expect(value).to_have_attribute("aria-valuetext", re.compile(r"timestep 4: \d"))
    value.focus()
    value.press("ArrowRight")
    value.press("ArrowUp")
    expect(tells).to_contain_text("2 values were changed.")
    expect(value).to_be_focused()
    value.press("Delete")
    expect(tells).to_contain_text("One value was changed.")


def test_a_fit_goes_on_batch_by_batch(opened: Opener) -> None:
    page = opened(training())
    tells = page.locator(TELLS)
    expect(tells).to_contain_text("Epoch 0: 2 of 2 batches. Stateless: 2 from zeros")
    expect(tells).to_contain_text("Stateful: 1 from zeros")
    page.get_by_role("button", name="One batch").click()
    expect(tells).to_contain_text("Epoch 1: 1 of 2 batches. Stateless: 1 from zeros")
    expect(tells).to_contain_text("Stateful: 0 from zeros")
    page.get_by_role("button", name="50 epochs").click()
    expect(tells).to_contain_text("Epoch 51:")
    page.get_by_label("reset_state each epoch").check()
    page.get_by_role("button", name="One epoch").click()
    page.get_by_role("button", name="One epoch").click()
    expect(tells).to_contain_text("Stateful: 1 from zeros")
    choose(page, "batch_size", "100")
    expect(tells).to_contain_text("Epoch 0: 1 of 1 batches")


@pytest.mark.parametrize("make", [letters, series, training])
def test_whoever_listens_or_types_can_use_it(opened: Opener, make: Any) -> None:
    page = opened(make())
    found = Axe().run(page).response["violations"]
    assert {each["id"]: each["nodes"][0]["html"] for each in found} == {}
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


@pytest.mark.parametrize("make", [letters, series, training])
def test_a_page_that_does_not_agree_says_so_and_stops(opened: Opener, make: Any) -> None:
    live = make()
    content = json.loads(live._payload)
    [*layer] = content["layers"]
    kernel = numbers_in(layer[0]["weights"][0], (-1,)).copy()
    kernel[0] += 0.01
    layer[0]["weights"][0] = as_text(kernel)
    live._payload = json.dumps(content)
    page = opened(live)
    expect(page.get_by_role("alert")).to_contain_text("and stops")
    assert page.locator(".stateviz-live svg").count() == 0
