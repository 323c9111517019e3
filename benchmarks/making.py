"""How long a player takes to make, how that grows, and how a long one plays in the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Browser, sync_playwright

import stateviz
from benchmarks.made_up import a_run
from benchmarks.measuring import progress, ratios, seconds, spread
from benchmarks.report import Row, Target, Topic
from stateviz.playing.moving import Keyed
from stateviz.playing.packing import packed
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from tools.real_browser import ARGUMENTS, find_chromium

_LONG = 10_000
_PLAYED_S = 4
_DOUBLINGS = 3


def measure(repeats: int) -> list[Topic]:
    return [_walked(repeats), _grown(repeats), _played(repeats)]


def _walked(repeats: int) -> Topic:
    """Each scene, and the same scene without what it declares."""
    scenes = {
        "play_batches, 200 lanes x 100 timesteps x 15 batches": (
            stateviz.play_batches(a_run(lanes=200, timesteps=100, batches=15), batches=range(15)),
            8,
        ),
        "play_sequence, 16 units x 100 timesteps": (
            stateviz.play_sequence(a_run(timesteps=100, units=16)),
            2,
        ),
    }
    rows = []
    for name, (player, target) in scenes.items():
        declared, walked = [], []
        for number in range(repeats):
            declared.append(seconds(partial(packed, player._scene)))
            walked.append(seconds(partial(packed, _walking(player))))
            progress(f"[making, {name}] {number + 1} of {repeats}: {declared[-1]:.2f} s")
        rows.append(Row(name, ratios(walked, declared), Target(target, at_least=True)))
    return Topic(
        "Making a player",
        "A scene says beforehand what fills in, grows and moves. Beside it is measured the same "
        "scene without saying so, of which all frames are walked, as all were before. The ratio is "
        "the time of walking by that of declaring; both send the page the same.",
        "ratio",
        rows,
    )


def _walking(player: Player) -> Scene:
    """The scene of a player, all of which is set anew for each frame."""
    scene = player._scene

    def show(frame: int, option: int) -> None:
        scene.show(frame, {**scene.chosen, **({scene.in_page: option} if scene.in_page else {})})

    artists = [*scene.moving.values()]
    return replace(scene, parts=[Keyed(artists, range(scene.n_frames), show)])


def _grown(repeats: int) -> Topic:
    """By which power the time grows with the size, along each axis."""
    axes: dict[str, tuple[Callable[[int], Player], int]] = {
        "batches, play_batches": (
            lambda size: stateviz.play_batches(a_run(batches=size), batches=range(size)),
            100,
        ),
        "batches, compare": (
            lambda size: stateviz.compare(run := a_run(batches=size), run, batches=range(size)),
            50,
        ),
        "batches, play_resets": (lambda size: stateviz.play_resets(a_run(batches=size)), 500),
        "lanes": (lambda size: stateviz.play_batches(a_run(lanes=size)), 2_000),
        "timesteps, play_batches": (
            lambda size: stateviz.play_batches(a_run(timesteps=size)),
            500,
        ),
        "timesteps, play_sequence": (
            lambda size: stateviz.play_sequence(a_run(timesteps=size, batches=1)),
            500,
        ),
        "units": (lambda size: stateviz.play_sequence(a_run(units=size, batches=1)), 250),
        "layers": (
            lambda size: stateviz.play_sequence(
                run := a_run(layers=size, batches=1), layer=run.layers
            ),
            5,
        ),
    }
    rows = []
    for name, (play, least) in axes.items():
        sizes = [least * 2**doubling for doubling in range(_DOUBLINGS)]
        found = []
        for number in range(max(2, repeats // 2)):
            times = [_seconds_of(partial(play, size)) for size in sizes]
            found.append(float(np.polyfit(np.log(sizes), np.log(times), 1)[0]))
            progress(f"[growth, {name}] {number + 1}: {found[-1]:.2f}, {times[-1]:.2f} s")
        what = f"{name}: {', '.join(f'{size:,}' for size in sizes)}"
        rows.append(Row(what, spread(found), Target(1.15)))
    return Topic(
        "How the time of making grows",
        "The exponent of the size along one axis, the others kept: 1 is in proportion, 2 would be "
        "the square.",
        "exponent",
        rows,
    )


def _seconds_of(make: Callable[[], Player]) -> float:
    players: list[Player] = []
    taken = seconds(lambda: players.append(make()))
    players[0].close()
    return taken


def _played(repeats: int) -> Topic:
    """Frames a second and the page's memory, for the longest."""
    path = find_chromium()
    if path is None:
        raise RuntimeError("Playing is measured in Chromium, and none was found on this machine.")
    players = {
        f"play_resets, {_LONG:,} batches": stateviz.play_resets(
            a_run(batches=_LONG, lanes=2, timesteps=2)
        ),
        f"play_batches, {_LONG:,} timesteps": stateviz.play_batches(
            a_run(timesteps=_LONG // 4), batches=range(4)
        ),
        f"play_sequence, {_LONG:,} timesteps": stateviz.play_sequence(
            a_run(timesteps=_LONG, batches=1)
        ),
    }
    rows = []
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, "--enable-precise-memory-info"]
        )
        for name, player in players.items():
            file = Path(folder) / "player.html"
            player.to_html(file)
            found = [_in_page(browser, file) for _ in range(max(2, repeats // 3))]
            progress(f"[long, {name}] {found}")
            frames, heap = zip(*found, strict=True)
            rows.append(Row(f"{name}: frames a second", spread(frames), Target(55, at_least=True)))
            rows.append(Row(f"{name}: MiB of heap", spread(heap), Target(50)))
        browser.close()
    return Topic(
        "A long player in the page",
        "Its second half is played: how often a second the page is painted, and what its scripts "
        "hold then.",
        "frames a second or MiB",
        rows,
    )


def _in_page(browser: Browser, file: Path) -> tuple[float, float]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(file.as_uri())
    page.wait_for_selector(".stateviz-player[data-ready]", timeout=60_000)
    page.locator(".stateviz-slider").evaluate(
        "(slider) => { slider.value = slider.max / 2; slider.dispatchEvent(new Event('input')); }"
    )
    frames: float = page.evaluate(
        """(seconds) => new Promise((done) => {
          const root = document.querySelector(".stateviz-player");
          root.querySelector("[data-action=play]").click();
          const begun = performance.now();
          let frames = 0;
          const look = () => {
            frames++;
            if (performance.now() - begun < 1000 * seconds) requestAnimationFrame(look);
            else done(frames / seconds);
          };
          requestAnimationFrame(look);
        })""",
        _PLAYED_S,
    )
    page.request_gc()
    heap: int = page.evaluate("performance.memory.usedJSHeapSize")
    page.close()
    return frames, heap / 2**20
