"""An experiment in a page: without a kernel it shows what was recorded, with one it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, expect

import stateviz
from tests.browser.conftest import Lab
from tests.browser.test_quiz_in_jupyterlab import KERNEL
from tests.test_experiment import made_up

PANEL = ".stateviz-experiment"
LIVE = """
import stateviz
from stateviz.course import question_program
stateviz.course.Experiment(question_program, stateful=[False, True], epochs=[1, 500])
"""
IN_ONE_GO = """panel => {
  const buttons = [...panel.querySelectorAll("button")];
  const button = (name) => buttons.find((each) => each.textContent.includes(name));
  const choose = (name, option) => {
    const select = panel.querySelector(`[data-choice=${name}]`);
    select.value = String([...select.options].findIndex((each) => each.label === option));
    select.dispatchEvent(new Event("change"));
  };
  button("Keep this run").click();
  choose("epochs", "1");
  choose("stateful", "False");
  button("Run").click();
}"""


@pytest.fixture(params=["light", "dark"])
def page(request: Any, chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """The panel without a kernel; all but the last of its programs were recorded."""
    offers: dict[str, Any] = {"batches": [2, 3], "origin": ["carried", "fresh"]}
    stateviz.course.Experiment(made_up, **offers).record_all(tmp_path / "all.json")
    offers["origin"] = [*offers["origin"], "given"]
    experiment = stateviz.course.Experiment(made_up, recorded=tmp_path / "all.json", **offers)
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Experiment</title>"
        "<style>:root { color-scheme: light dark }</style><main><h1>Lesson</h1><h2>Try</h2>"
        f"<h3>Experiment</h3>{experiment._html()}</main></html>",
        encoding="utf-8",
    )
    context = chromium.new_context(
        offline=True, viewport={"width": 1280, "height": 800}, color_scheme=request.param
    )
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(path.as_uri())
    opened.wait_for_selector(PANEL)
    yield opened
    context.close()
    assert problems == []


def choose(page: Page, name: str, option: str) -> None:
    page.select_option(f"[data-choice={name}]", label=option)


def run(page: Page) -> None:
    page.locator(".stateviz-run").click()


def test_what_was_recorded_is_shown_when_it_is_asked_for(page: Page) -> None:
    expect(page.locator(PANEL)).to_contain_text("Predict what will be counted")
    expect(page.locator(".stateviz-counts")).to_have_count(0)
    choose(page, "batches", "3")
    expect(page.locator(".stateviz-counts")).to_have_count(0)
    new = [line.strip() for line in page.locator("mark").all_inner_texts()]
    assert new == ["recording = a_recording(3, origin='carried')"]
    run(page)
    expect(page.locator(".stateviz-counts")).to_contain_text("3 batches")
    expect(page.locator(".stateviz-player")).to_have_attribute("data-ready", "true")
    # Other choices: what stands there is dimmed until it is run.
    choose(page, "origin", "fresh")
    expect(page.locator(".stateviz-stale")).to_contain_text("of other choices")


def test_what_was_not_recorded_needs_a_kernel_and_says_so(page: Page) -> None:
    choose(page, "origin", "given")
    expect(page.get_by_role("status")).to_contain_text("need a kernel")
    run(page)
    expect(page.get_by_role("status")).to_contain_text("needs a kernel")
    expect(page.locator(".stateviz-counts")).to_have_count(0)


def test_a_kept_run_plays_in_step_with_the_next(page: Page) -> None:
    run(page)
    page.get_by_role("button", name="Keep this run").click()
    choose(page, "origin", "fresh")
    run(page)
    players = page.locator(".stateviz-player")
    expect(players).to_have_count(2)
    expect(page.locator(".stateviz-outcome").first).to_contain_text("(kept)")
    # It plays when it has run, and the kept run with it.
    for player in players.all():
        expect(player).to_have_attribute("data-playing", "true")
    players.nth(1).locator("[data-action=play]").click()
    expect(players.first).to_have_attribute("data-playing", "false")


def test_what_plays_goes_on_while_something_else_is_chosen(page: Page) -> None:
    run(page)
    player = page.locator(".stateviz-player")
    expect(player).to_have_attribute("data-playing", "true")
    player.locator("[data-action=play]").click()
    frame = player.get_attribute("data-frame")
    choose(page, "origin", "fresh")
    expect(page.locator(".stateviz-outcome").last).to_contain_text("(of other choices)")
    assert player.get_attribute("data-frame") == frame


def test_two_experiments_of_a_page_show_their_own_runs(chromium: Browser, tmp_path: Path) -> None:
    panels = []
    for batches in (2, 3):
        offers: dict[str, Any] = {"batches": [batches], "origin": ["carried"]}
        path = tmp_path / f"{batches}.json"
        stateviz.course.Experiment(made_up, **offers).record_all(path)
        panels.append(stateviz.course.Experiment(made_up, recorded=path, **offers)._html())
    (tmp_path / "two.html").write_text("<!doctype html>" + "".join(panels), encoding="utf-8")
    opened = chromium.new_page()
    opened.goto((tmp_path / "two.html").as_uri())
    expect(opened.locator(PANEL)).to_have_count(2)
    for place in (0, 1):
        opened.locator(".stateviz-run").nth(place).click()
    sliders = opened.locator(".stateviz-player .stateviz-slider")
    expect(sliders).to_have_count(2)
    lengths = [int(each.get_attribute("max") or 0) for each in sliders.all()]
    assert lengths[0] < lengths[1]
    opened.close()


def test_it_works_by_keys_and_axe_finds_nothing(page: Page) -> None:
    page.locator("[data-choice=batches]").focus()
    page.keyboard.press("ArrowDown")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".stateviz-counts")).to_contain_text("3 batches")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_in_jupyterlab_it_runs_keras_and_can_be_stopped(chromium: Browser, jupyterlab: Lab) -> None:
    name = "experiment.ipynb"
    notebook = new_notebook(cells=[new_code_cell(LIVE)], metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, jupyterlab.notebooks / name)
    page = jupyterlab.open(chromium, name)
    jupyterlab.run_all(page)
    panel = page.locator(PANEL)
    choose(page, "stateful", "True")
    run(page)
    expect(panel.get_by_role("progressbar")).to_be_visible()
    expect(panel.locator(".stateviz-counts")).to_contain_text(
        "1 state tensor zeroed", timeout=90_000
    )
    expect(panel.locator(".stateviz-player")).to_have_attribute("data-ready", "true")
    choose(page, "epochs", "500")
    run(page)
    expect(panel.get_by_role("status")).to_contain_text("batches recorded", timeout=60_000)
    panel.get_by_role("button", name="Stop").click()
    expect(panel.get_by_role("status")).to_contain_text("Stopped", timeout=60_000)
    expect(panel.locator(".stateviz-run")).to_be_enabled()
    # The run before still stands there, and the next one may begin.
    # All at once: the last choice is not sent yet when Run asks for the program that it means.
    panel.evaluate(IN_ONE_GO)
    # Both are one picture on one clock.
    expect(panel.locator(".stateviz-counts")).to_have_count(2, timeout=60_000)
    expect(panel.locator(".stateviz-player")).to_have_count(1)
    picture = panel.locator(".stateviz-player")
    expect(picture).to_contain_text("stateful=True")
    expect(picture).to_contain_text("stateful=False")
    expect(panel.locator(".stateviz-counts").last).to_contain_text("5 state tensors zeroed")
    page.context.close()


def test_a_table_from_a_file_is_text(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    stateviz.course.Experiment(made_up, batches=[2]).record_all(file)
    table = "<table><tr><th>a<img src=x onerror='window.hit = 1'></th><td>5</td></tr></table>"
    [row] = json.loads(file.read_text(encoding="utf-8"))
    hostile = row | {"table": table + "<img src=x onerror='window.hit = 1'>"}
    file.write_text(json.dumps([hostile]), encoding="utf-8")
    path = tmp_path / "page.html"
    experiment = stateviz.course.Experiment(made_up, recorded=file, batches=[2])
    path.write_text("<!doctype html><body>" + experiment._html(), encoding="utf-8")
    page = chromium.new_page()
    page.goto(path.as_uri())
    run(page)
    page.wait_for_selector(".stateviz-counts")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hit") is None
    assert page.locator("details td").text_content() == "5"
    page.close()
