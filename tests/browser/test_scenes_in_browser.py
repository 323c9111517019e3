"""Each scene plays in a page of its own: it rests on its end, and plays when it is asked to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import stateviz
from stateviz.course import play_question
from stateviz.playing.player import Player
from stateviz.recording import Gates, Recording
from tests.building.gradients import falling, trained
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_recording
from tests.test_motion import a_run, recorded

PLAYER = ".stateviz-player"
LONGEST_PLAY_MS = 60_000
FASTEST = 3


def with_gates() -> Recording:
    recording = a_recording(2)
    gate = np.full((SAMPLES, TIMESTEPS, UNITS), 0.5, "float32")
    batches = recording["lstm"].batches
    batches[:] = [replace(batch, gates=Gates(gate, gate, gate, gate)) for batch in batches]
    return recording


def two_batches_compared() -> Player:
    return stateviz.compare(a_recording(2), a_recording(2, origin="fresh"))


def the_question() -> Player:
    runs = (
        a_run("fresh", "fresh", "fresh", "fresh", "fresh"),
        a_run("reset", "carried", "carried", "carried", "carried"),
    )
    return play_question([recorded(run) for run in runs])


SCENES: dict[str, Callable[[], Player]] = {
    "sequence": lambda: stateviz.play_sequence(with_gates()),
    "batches": lambda: stateviz.play_batches(a_recording(2)),
    "resets": lambda: stateviz.play_resets(a_recording(3)),
    "gradients": lambda: stateviz.play_gradients(trained(falling(10), falling(10))),
    "cell": lambda: stateviz.play_cell(with_gates()),
    "compare": two_batches_compared,
    "answer": lambda: stateviz.play_answer(a_recording(2)),
    "question": the_question,
}


def picture(page: Page) -> str:
    canvases = "Array.from(document.querySelectorAll('.stateviz-picture canvas'))"
    drawn: str = page.evaluate(f"{canvases}.map((canvas) => canvas.toDataURL()).join()")
    return drawn


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_plays_from_its_first_frame_to_its_last(
    chromium: Browser, tmp_path: Path, scene: str
) -> None:
    player = SCENES[scene]()
    player.to_html(tmp_path / "scene.html")
    player.frame = player.n_frames - 1
    context = chromium.new_context(offline=True, viewport={"width": 1024, "height": 768})
    page = context.new_page()
    page.set_default_timeout(LONGEST_PLAY_MS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto((tmp_path / "scene.html").as_uri())
    page.wait_for_selector(f"{PLAYER}[data-ready][data-frame='{player.n_frames - 1}']")
    at_rest = picture(page)
    page.click("[data-action=more]")
    page.focus(PLAYER)
    page.keyboard.press("Home")
    assert picture(page) != at_rest
    page.select_option("[aria-label=Speed]", index=FASTEST)
    page.click("[data-action=play]")
    page.wait_for_selector(f"{PLAYER}[data-frame='{player.n_frames - 1}'][data-playing=false]")
    assert picture(page) == at_rest
    assert player.readout in page.inner_text("body")
    assert errors == []
    context.close()
