"""Takes the pictures of docs/gallery.md: every scene in a real browser, in its states.

python -m tools.gallery            all of them, into docs/images/gallery/
python -m tools.gallery batches    those whose name begins so
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Locator, sync_playwright

from stateviz.playing.player import Player
from tools import gallery_scenes as scenes
from tools.real_browser import ARGUMENTS, find_chromium

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images" / "gallery"
MARGIN = 10


@dataclass(frozen=True)
class Shot:
    """One picture: a scene at a frame, in a theme, in a window of a width.

    Attributes:
        name: The file's name.
        scene: Makes the player.
        frame: Which stop; negative ones count from the last.
        theme: "light" or "dark".
        width: Of the window, in CSS pixels.
        keys: What is pressed then.
        scale: Device pixels a CSS pixel.
        between: How far back from this stop, as a part of the way from the stop before.
    """

    name: str
    scene: Callable[[], Player]
    frame: int
    theme: str = "light"
    width: int = 1024
    keys: Sequence[str] = ()
    scale: float = 1
    between: float = 0


def shots() -> Iterator[Shot]:
    """All pictures of the gallery."""
    yield Shot("sequence-first", scenes.sequence(batch=1, unit=2), 0)
    yield Shot("sequence-middle", scenes.sequence(batch=1, unit=2), 8)
    yield Shot("sequence-last", scenes.sequence(batch=1, unit=2), -1)
    yield Shot("sequence-dark", scenes.sequence(batch=1, unit=2), 8, theme="dark")
    yield Shot("sequence-masked", scenes.sequence(batch=5, unit=2), 7)
    yield Shot("sequence-presented", scenes.sequence(batch=1, unit=2), 8, width=1600, keys=["f"])
    yield Shot("sequence-phone", scenes.sequence(batch=1, unit=2), 8, width=390, scale=2)
    yield Shot("stack-middle", scenes.stack, 8)
    yield Shot("directions-middle", scenes.directions, 6)
    for lanes in (1, 10, 200):
        yield Shot(f"batches-{lanes}-middle", scenes.batches(lanes), 22)
        yield Shot(f"batches-{lanes}-carried", scenes.batches(lanes), 30, between=0.5)
        yield Shot(f"batches-{lanes}-fresh", scenes.batches(lanes, stateful=False), 30, between=0.5)
        yield Shot(f"batches-{lanes}-last", scenes.batches(lanes), -1)
    yield Shot("batches-10-first", scenes.batches(10), 0, between=0.5)
    yield Shot("batches-10-validation", scenes.used_after, 15, between=0.5)
    yield Shot("batches-10-reset", scenes.used_after, -scenes.WAVE - 1, between=0.5)
    yield Shot("batches-10-given", scenes.given, 15, between=0.5)
    yield Shot("batches-10-handed-on", scenes.handed_on, 15, between=0.5)
    yield Shot("batches-encoder", scenes.from_encoder, scenes.WAVE + 1, between=0.4)
    yield Shot("batches-by-row", scenes.by_row, -1)
    yield Shot("batches-10-dark", scenes.batches(10), 30, theme="dark", width=1600, between=0.5)
    yield Shot("batches-10-lit", scenes.batches(10), 30, keys=["."] * 5, between=0.5)
    yield Shot("batches-4-numbers", scenes.few, 8)
    yield Shot("batches-10-shuffled", scenes.batches(10, shuffle=True), -1)
    yield Shot("resets-first", scenes.resets, 0)
    yield Shot("resets-validation", scenes.resets, 7, between=0.75)
    yield Shot("resets-wall", scenes.resets, 14, between=0.8)
    yield Shot("resets-last", scenes.resets, -1)
    yield Shot("resets-dark", scenes.resets, -1, theme="dark", width=1600)
    yield Shot("resets-opened", scenes.opened, 20)
    yield Shot("compare-middle", scenes.compared, 25)
    yield Shot("compare-boundary", scenes.compared, 30, between=0.5)
    yield Shot("compare-numbers", scenes.flow, 8)
    yield Shot("compare-dark", scenes.compared, -1, theme="dark")
    yield Shot("gradients-read", scenes.gradients, scenes.WAVE)
    yield Shot("gradients-back", scenes.gradients, 3 * scenes.WAVE + 9)
    yield Shot("gradients-last", scenes.gradients, -1)
    yield Shot("gradients-dark", scenes.gradients, -1, theme="dark", width=1600)
    yield Shot("gradients-encoder", scenes.gradients_cross, -1)
    yield Shot("cell-first", scenes.inside, 0)
    yield Shot("cell-on-the-way", scenes.inside, 4, between=0.5)
    yield Shot("cell-middle", scenes.inside, 4)
    yield Shot("cell-dark", scenes.inside, 4, theme="dark", width=1600)
    yield Shot("answer-middle", scenes.answer, 3)
    yield Shot("answer-last", scenes.answer, -1)


def frame_of(player: Player, shot: Shot) -> int:
    """The frame of a picture."""
    place = range(len(player.stops))[shot.frame]
    stop = player.stops[place]
    before = player.stops[place - 1] if place else 0
    return round(stop - shot.between * (stop - before))


def take(browser: Browser, shot: Shot, page_file: Path) -> None:
    """Opens the scene's page, goes to the frame, and saves what is seen."""
    player = shot.scene()
    player.to_html(page_file)
    context = browser.new_context(
        offline=True,
        viewport={"width": shot.width, "height": 900},
        color_scheme="dark" if shot.theme == "dark" else "light",
        device_scale_factor=shot.scale,
    )
    page = context.new_page()
    page.goto(page_file.as_uri())
    page.wait_for_selector(".stateviz-player[data-ready]")
    frame = frame_of(player, shot)
    # As a finger on the slider does; let go, the player would move on to the next stop.
    page.locator(".stateviz-slider").evaluate(
        "(slider, frame) => { slider.value = frame; slider.dispatchEvent(new Event('input')); }",
        str(frame),
    )
    if shot.keys:
        page.focus(".stateviz-player")
    for key in shot.keys:
        page.keyboard.press(key)
        page.wait_for_timeout(300)
    seen = page.locator(".stateviz-player")
    shown = seen.get_attribute("data-frame")
    if shown != str(frame):
        raise RuntimeError(f"{shot.name}: frame {frame} was asked for, {shown} is shown.")
    if "f" in shot.keys:
        page.wait_for_selector(".stateviz-idle")
        page.wait_for_timeout(300)
        data = page.screenshot()
    else:
        page.evaluate("document.activeElement.blur()")
        data = page.screenshot(full_page=True, clip=_with_margin(page.locator("main")))
    context.close()
    picture = Image.open(BytesIO(data)).convert("RGB")
    picture.save(FOLDER / f"{shot.name}.webp", lossless=True, method=6)


def _with_margin(element: Locator) -> FloatRect:
    """Where an element stands, and the room around it that the page leaves."""
    box = element.bounding_box()
    assert box is not None
    margin = min(MARGIN, box["x"], box["y"])
    return {
        "x": box["x"] - margin,
        "y": box["y"] - margin,
        "width": box["width"] + 2 * margin,
        "height": box["height"] + 2 * margin,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="tools.gallery", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("start", nargs="?", default="", help="only names that begin so")
    start = parser.parse_args(arguments).start
    wanted = [shot for shot in shots() if shot.name.startswith(start)]
    if "film".startswith(start):
        scenes.flow().save(FOLDER / "film.gif", dpi=80, progress=False)
        print("film")
    path = find_chromium()
    if path is None:
        print("The gallery needs Chromium, and none was found.", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for place, shot in enumerate(wanted, 1):
            take(browser, shot, Path(folder) / "scene.html")
            print(f"{place} of {len(wanted)}: {shot.name}", flush=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
