"""How smoothly a scene plays in a real browser, beside the other ways to animate in a notebook.

JupyterLab is opened in Chromium, one cell is run for each way, and what stands on the page is read
back at every repaint.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from playwright.sync_api import Locator, Page, sync_playwright

from benchmarks.measuring import progress, spread
from benchmarks.report import Row, Target, Topic
from tools.real_browser import ARGUMENTS, find_chromium, running_lab
from tools.regenerate_notebooks import NOTEBOOK_METADATA

_FRAME_MS = 16
_PLAY_S = 6
_KEYS = 20
_START_S = 90


@dataclass(frozen=True)
class Way:
    """A way to animate in a notebook.

    Attributes:
        name: What it is called in the results.
        code: The cell.
        shown: Finds what is repainted, in the cell's output.
        identity: JavaScript of `element`, which differs from frame to frame.
        play: Finds what starts it.
        focus: Finds what takes the arrow keys; None where it takes none.
    """

    name: str
    code: str
    shown: str
    identity: str
    play: str
    focus: str | None


_PLAY_AND_SLIDER = f"""
play = widgets.Play(min=0, max=FRAMES - 1, interval={_FRAME_MS})
slider = widgets.IntSlider(min=0, max=FRAMES - 1)
_ = widgets.jslink((play, "value"), (slider, "value"))
"""

WAYS = (
    Way(
        "stateviz",
        f"SceneToPlay(Figure(figsize=SIZE, dpi=100)).player(interval_ms={_FRAME_MS})",
        ".stateviz-player[data-ready]",
        "element.dataset.frame",
        "[data-action=play]",
        ".stateviz-slider",
    ),
    Way(
        "inline, one figure drawn again",
        "%matplotlib inline\nscene = SceneToPlay(Figure(figsize=SIZE, dpi=100))\n"
        + _PLAY_AND_SLIDER
        + """
output = widgets.Output()

def show(change):
    scene.update(change["new"])
    with output:
        clear_output(wait=True)
        display(scene.figure)

slider.observe(show, "value")
show({"new": 0})
widgets.VBox([widgets.HBox([play, slider]), output])""",
        ".jp-OutputArea-output img[src^='data:image/png']",
        "element.src.length + element.src.slice(-200, -100)",
        ".widget-play button",
        ".noUi-handle",
    ),
    Way(
        "ipympl, draw_idle",
        "%matplotlib widget\nfigure = plt.figure(figsize=SIZE, dpi=100)\n"
        "scene = SceneToPlay(figure)\n"
        + _PLAY_AND_SLIDER
        + """
def show(change):
    scene.update(change["new"])
    figure.canvas.draw_idle()

slider.observe(show, "value")
widgets.VBox([widgets.HBox([play, slider]), figure.canvas])""",
        ".jupyter-matplotlib canvas",
        "[...element.getContext('2d').getImageData(0, element.height / 3, element.width, 1).data]"
        ".reduce((sum, value, place) => (sum + value * (place % 997)) % 1e9, 0)",
        ".widget-play button",
        ".noUi-handle",
    ),
    Way(
        "to_jshtml",
        "scene = SceneToPlay(Figure(figsize=SIZE, dpi=100))\nFigureCanvasAgg(scene.figure)\n"
        "film = FuncAnimation(scene.figure, scene.update, FRAMES, init_func=list)\n"
        f"HTML(film.to_jshtml(fps={1000 // _FRAME_MS}))",
        ".animation img",
        "element.src.length + element.src.slice(-200, -100)",
        "button[title='Play']",
        None,
    ),
)

_SETUP = """
import ipywidgets as widgets
import matplotlib.pyplot as plt
from IPython.display import HTML, clear_output, display
from matplotlib.animation import FuncAnimation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import stateviz
from benchmarks.scene_to_play import FRAMES, SIZE, SceneToPlay
"""

# Reads what is on the page at every repaint, until told to stop.
_WATCH = """
([place, shown]) => {
  const cell = document.querySelectorAll(".jp-CodeCell")[place];
  const seen = [];
  const look = () => {
    const element = cell.querySelector(shown);  // a new one may stand there at any repaint
    const identity = element && String(%s);
    if (identity !== seen.at(-1)?.[0]) seen.push([identity, performance.now()]);
    window.watching = requestAnimationFrame(look);
  };
  window.seen = seen;
  look();
}
"""
_STOP = "() => { cancelAnimationFrame(window.watching); return window.seen; }"

# From the end of a cell's run to the first picture in its output, in ms.
_FIRST_FRAME = """
([place, shown]) => {
  window.firstFrame = new Promise((resolve) => {
    const cell = document.querySelectorAll(".jp-CodeCell")[place];
    const before = cell.querySelector(".jp-InputPrompt").textContent;
    let began = false;
    let ended = null;
    const look = () => {
      const now = performance.now();
      const prompt = cell.querySelector(".jp-InputPrompt").textContent;
      began ||= prompt !== before;
      if (began && ended === null && !prompt.includes("*")) ended = now;
      const found = cell.querySelector(shown);
      const drawn = found && (found.tagName !== "IMG" || (found.complete && found.naturalWidth));
      if (ended !== null && drawn) resolve(now - ended);
      else requestAnimationFrame(look);
    };
    look();
  });
}
"""


@dataclass
class _Measured:
    frames_a_second: list[float]
    distinct: list[float]
    key_to_pixels: list[float]
    first_frame: list[float]


def measure(repeats: int) -> list[Topic]:
    """Plays the scene in every way, in turn."""
    measured = {way.name: _Measured([], [], [], []) for way in WAYS}
    with _lab() as page:
        _run_cell(page, 0)
        page.wait_for_timeout(3000)
        for number in range(repeats):
            for place, way in enumerate(WAYS, 1):
                _measure_once(page, place, way, measured[way.name])
                progress(f"[playing] {number + 1} of {repeats}: {way.name}")
    return [
        _topic(
            "Playing",
            "100 frames are played at 16 ms each, on a screen that is repainted 60 times a second: "
            "how many distinct frames stood on the page in a second.",
            "frames a second",
            {name: each.frames_a_second for name, each in measured.items()},
            Target(50, at_least=True),
        ),
        _topic(
            "An arrow key",
            "From the key's event to the repaint that shows the next frame.",
            "ms",
            {name: each.key_to_pixels for name, each in measured.items()},
            Target(16),
        ),
        _topic(
            "The first frame",
            "From the end of the cell to the first picture under it; 0 where it stood there first.",
            "ms",
            {name: each.first_frame for name, each in measured.items()},
            Target(500),
        ),
    ]


def _topic(
    title: str, about: str, unit: str, values: dict[str, list[float]], target: Target
) -> Topic:
    rows = [
        Row(name, spread(found), target if name == "stateviz" else None)
        for name, found in values.items()
        if found
    ]
    without = [name for name, found in values.items() if not found]
    return Topic(title, about, unit, rows, [f"{name}: it takes no arrow keys." for name in without])


def _measure_once(page: Page, place: int, way: Way, measured: _Measured) -> None:
    page.evaluate(_FIRST_FRAME, [place, way.shown])
    _run_cell(page, place)
    measured.first_frame.append(page.evaluate("() => window.firstFrame"))
    cell = _cell(page, place)
    shown = cell.locator(way.shown).first
    shown.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    if way.focus is not None:
        measured.key_to_pixels += _keys(page, place, way)
    seen = _played(page, place, way)
    elapsed = (seen[-1][1] - seen[0][1]) / 1000
    measured.frames_a_second.append((len(seen) - 1) / elapsed if elapsed else 0)
    measured.distinct.append(len({identity for identity, _ in seen}))
    cell.click(position={"x": 5, "y": 5})
    page.keyboard.press("Escape")


def _cell(page: Page, place: int) -> Locator:
    return page.locator(".jp-CodeCell").nth(place)


def _played(page: Page, place: int, way: Way) -> list[tuple[str, float]]:
    page.evaluate(_WATCH % way.identity, [place, way.shown])
    _cell(page, place).locator(way.play).first.click()
    page.wait_for_timeout(_PLAY_S * 1000)
    seen: list[tuple[str, float]] = page.evaluate(_STOP)
    return seen[1:]  # the first is the frame before it played


def _keys(page: Page, place: int, way: Way) -> list[float]:
    assert way.focus is not None
    _cell(page, place).locator(way.focus).first.focus()
    page.evaluate(
        "() => { if (!window.pressed) document.addEventListener('keydown', (event) => "
        "window.pressed.push(event.timeStamp), { capture: true }); window.pressed = []; }"
    )
    page.evaluate(_WATCH % way.identity, [place, way.shown])
    for _ in range(_KEYS):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(400)
    seen: list[tuple[str, float]] = page.evaluate(_STOP)
    pressed: list[float] = page.evaluate("window.pressed")
    changes = [at for _, at in seen[1:]]
    return [
        min(change - key for change in changes if change >= key)
        for key in pressed
        if any(change >= key for change in changes)
    ]


def _run_cell(page: Page, place: int) -> None:
    cell = _cell(page, place)
    cell.locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    running = (
        "document.querySelectorAll('.jp-CodeCell')[place]"
        ".querySelector('.jp-InputPrompt').textContent.includes('*')"
    )
    # A quick cell may have ended before anybody looks.
    page.wait_for_timeout(500)
    page.wait_for_function(f"(place) => !{running}", arg=place, timeout=_START_S * 1000)


@contextmanager
def _lab() -> Iterator[Page]:
    """A notebook with a cell for each way, open in JupyterLab in Chromium."""
    path = find_chromium()
    if path is None:
        raise RuntimeError("Playing is measured in Chromium, and none was found on this machine.")
    cells = [nbformat.v4.new_code_cell(code) for code in (_SETUP, *(way.code for way in WAYS))]
    with TemporaryDirectory() as folder:
        notebooks = Path(folder) / "notebooks"
        notebooks.mkdir()
        # Without a kernel's name JupyterLab asks for one.
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=NOTEBOOK_METADATA)
        nbformat.write(notebook, notebooks / "playing.ipynb")
        with running_lab(Path(folder), notebooks) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{address}/lab/tree/playing.ipynb?reset")
            page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=_START_S * 1000)
            page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=_START_S * 1000)
            yield page
            browser.close()
