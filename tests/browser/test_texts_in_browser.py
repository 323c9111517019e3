"""In the browser no text of a scene meets another, is cut off, or is too small to read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import stateviz
from stateviz.playing.player import Player
from stateviz.recording import Recording
from tests.browser.conftest import resize
from tests.building.payload import Unpacked

TOUCHING = 1.5  # CSS pixels by which boxes may meet: letters do not fill their box
LEAST = 13.0  # CSS pixels
WINDOWS = ((760, 900), (1024, 768), (390, 844))
LONG = "a_layer_with_a_name_that_nobody_would_want_to_read_to_its_end"

Box = tuple[str, float, float, float, float]


def run(
    layer: keras.layers.Layer,
    *,
    rows: int = 8,
    timesteps: int = 12,
    batches: int = 3,
    features: tuple[int, ...] = (1,),
    masked: bool = False,
    then: Callable[[keras.layers.Layer], Any] | None = None,
    gates: bool = True,
) -> Recording:
    keras.utils.set_random_seed(1)
    inputs = keras.Input(batch_shape=(rows, timesteps, *features))
    x = keras.layers.Masking()(inputs) if masked else inputs
    model = keras.Model(inputs, layer(x))
    X = np.random.default_rng(0).normal(size=(rows * batches, timesteps, *features))
    if masked:
        X[:, 3:6] = 0
    with stateviz.record(model, gates=gates) as recording:
        model.predict(X, batch_size=rows, verbose=0)
        if then is not None:
            then(layer)
            model.predict(X[:rows], batch_size=rows, verbose=0)
    return recording


def lstm(units: int = 8, **words: Any) -> keras.layers.Layer:
    return keras.layers.LSTM(units, **{"stateful": True, "name": "lstm"} | words)


def two_layers() -> Recording:
    stack = keras.Sequential([lstm(6, return_sequences=True, name="lower"), lstm(4, name="upper")])
    return run(stack)


def mixed() -> Recording:
    """Rows that begin anew among others that go on, and all by an assignment."""

    def half(layer: Any) -> None:
        for state in layer.states:
            value = np.array(state)
            value[::2] = 0
            state.assign(value)

    return run(lstm(), then=half)


def assigned(layer: Any) -> None:
    for state in layer.states:
        state.assign(np.array(state) * 0.5 + 0.1)


SCENES: dict[str, Callable[[], Player]] = {
    "batches": lambda: stateviz.play_batches(run(lstm())),
    "batches, one unit and one row": lambda: stateviz.play_batches(run(lstm(1), rows=1)),
    "batches, 200 rows in five": lambda: stateviz.play_batches(run(lstm(), rows=200, batches=5)),
    "batches, 1,000 rows": lambda: stateviz.play_batches(run(lstm(), rows=1000, batches=2)),
    "batches, six short ones": lambda: stateviz.play_batches(run(lstm(), timesteps=3, batches=6)),
    "batches, rows apart": lambda: stateviz.play_batches(mixed(), batches=[1, 2, 3]),
    "batches, assigned": lambda: stateviz.play_batches(run(lstm(), then=assigned)),
    "batches, reset": lambda: stateviz.play_batches(run(lstm(), then=lambda it: it.reset_state())),
    "batches, a long name": lambda: stateviz.play_batches(run(lstm(name=LONG))),
    "batches, ConvLSTM": lambda: stateviz.play_batches(
        run(keras.layers.ConvLSTM1D(2, 3, name="conv"), rows=4, features=(4, 1), gates=False)
    ),
    "compare": lambda: stateviz.compare(
        run(lstm(stateful=False)), run(lstm()), names=("stateless", LONG)
    ),
    "sequence": lambda: stateviz.play_sequence(run(lstm())),
    "sequence, 64 units": lambda: stateviz.play_sequence(run(lstm(64))),
    "sequence, one unit": lambda: stateviz.play_sequence(run(lstm(1))),
    "sequence, masked": lambda: stateviz.play_sequence(run(lstm(), masked=True)),
    "sequence, a GRU with letters": lambda: stateviz.play_sequence(
        run(keras.layers.GRU(5, name="gru"), features=(7,)), labels="abcdefghijkl"
    ),
    "sequence, a SimpleRNN": lambda: stateviz.play_sequence(run(keras.layers.SimpleRNN(3))),
    "sequence, a stack": lambda: stateviz.play_sequence(two_layers(), layer=["lower", "upper"]),
    "sequence, both ways": lambda: stateviz.play_sequence(
        (both := run(keras.layers.Bidirectional(lstm(6, stateful=False), name="both"))),
        layer=list(both.layers),
    ),
    "cell": lambda: stateviz.play_cell(run(lstm())),
    "cell of a GRU": lambda: stateviz.play_cell(run(keras.layers.GRU(3))),
    "cell of a SimpleRNN": lambda: stateviz.play_cell(run(keras.layers.SimpleRNN(3))),
    "resets": lambda: stateviz.play_resets(run(lstm(), then=lambda it: it.reset_state())),
    "resets of many": lambda: stateviz.play_resets(run(lstm(), timesteps=3, batches=90)),
    "answer": lambda: stateviz.play_answer(run(lstm(stateful=False), rows=200, batches=5)),
    "answer of eight": lambda: stateviz.play_answer(run(lstm(), rows=4, batches=8)),
}


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("name", SCENES)
def test_no_text_meets_another_and_none_is_small(page: Page, tmp_path: Path, name: str) -> None:
    player = SCENES[name]()
    player.to_html(tmp_path / "scene.html")
    unpacked = Unpacked(player)
    page.goto((tmp_path / "scene.html").as_uri())
    page.wait_for_selector(".stateviz-player[data-ready]")
    for width, height in WINDOWS:
        resize(page, width, height)
        assert smallest(page, unpacked) >= LEAST, (width, height)
    for frame in frames_of(player):
        boxes = [*boxes_on_the_stage(page), *boxes_that_move(page, unpacked, frame)]
        assert list(faults(boxes, unpacked.scene["size"])) == [], frame


def test_texts_that_meet_would_be_seen() -> None:
    one, other = ("one", 0.0, 0.0, 30.0, 12.0), ("other", 20.0, 4.0, 40.0, 12.0)
    assert list(faults([one, other], [100, 100])) == ["'one' meets 'other'"]
    assert list(faults([one, ("other", 40.0, 0.0, 80.0, 12.0)], [100, 100])) == [
        "'other' is cut off"
    ]


def frames_of(player: Player) -> list[int]:
    """Some frames of each kind: stops, and what lies between."""
    every = np.linspace(0, player.n_frames - 1, min(player.n_frames, 24)).round().astype(int)
    return sorted({*every.tolist(), *player.stops[:2], player.stops[-1]})


def smallest(page: Page, unpacked: Unpacked) -> float:
    """The size of the smallest letters, in CSS pixels."""
    shown = page.locator(".stateviz-picture").bounding_box()
    assert shown is not None
    sizes = [
        state["size"]
        for track in unpacked.scene["tracks"]
        for state in track["states"]
        if track["kind"] == "text" and state and state["text"]
    ]
    still: list[float] = page.evaluate(
        """() => [...document.querySelectorAll(".stateviz-picture > svg g[id*='-text_']")]
          .map((text) => text.querySelector("g[transform*='scale']")?.getAttribute("transform"))
          .filter(Boolean).map((all) => 100 * parseFloat(all.match(/scale\\(([\\d.]+)/)[1]))"""
    )
    return float(min(sizes + still) * shown["width"] / unpacked.scene["size"][0])


def boxes_on_the_stage(page: Page) -> list[Box]:
    """The texts that stand still, in points on the stage."""
    found: list[Any] = page.evaluate(
        """() => {
          const svg = document.querySelector(".stateviz-picture > svg");
          const view = svg.viewBox.baseVal, shown = svg.getBoundingClientRect();
          const scale = view.width / shown.width;
          return [...svg.querySelectorAll("g[id*='-text_']")].map((text) => {
            const box = text.getBoundingClientRect();
            return [text.innerHTML.match(/<!--([\\s\\S]*?)-->/)?.[1].trim() ?? text.id,
              (box.left - shown.left) * scale, (box.top - shown.top) * scale,
              box.width * scale, box.height * scale];
          }).filter(([, , , width]) => width > 0);
        }"""
    )
    return [(words, left, top, wide, high) for words, left, top, wide, high in found]


def boxes_that_move(page: Page, unpacked: Unpacked, frame: int) -> list[Box]:
    """The texts that the page draws at a frame, in points on the stage."""
    count = sum(track["kind"] == "text" for track in unpacked.scene["tracks"])
    states = [unpacked.state("text", frame, nth) for nth in range(count)]
    shown = [state for state in states if state and state["text"].strip()]
    found: list[list[float]] = page.evaluate(
        """(states) => {
          const context = new OffscreenCanvas(1, 1).getContext("2d");
          return states.map(({ text, size, bold }) => {
            context.font = `${bold ? "bold " : ""}${size}px "DejaVu Sans", sans-serif`;
            const lines = text.split("\\n").map((line) => context.measureText(line).width);
            return [Math.max(...lines), lines.length];
          });
        }""",
        shown,
    )
    boxes: list[Box] = []
    for state, (width, lines) in zip(shown, found, strict=True):
        across, down = state["align"]
        high = state["size"] * (0.78 + 1.2 * (lines - 1))
        x, y = state["at"]
        left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[across] * width
        top = y - {"top": 0.0, "center": 0.5, "center_baseline": 0.5}.get(down, 1.0) * high
        boxes.append((state["text"], left, top, width, high))
    return boxes


def faults(boxes: list[Box], size: list[float]) -> Iterator[str]:
    """What is wrong with some boxes: left, top, width and height."""
    for (one, *a), (other, *b) in itertools.combinations(boxes, 2):
        across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
        down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
        if across > TOUCHING and down > TOUCHING:
            yield f"{one!r} meets {other!r}"
    for words, left, top, width, high in boxes:
        if (
            min(left, top) < -TOUCHING
            or left + width > size[0] + TOUCHING
            or top + high > size[1] + TOUCHING
        ):
            yield f"{words!r} is cut off"
