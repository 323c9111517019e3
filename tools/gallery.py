"""Takes the pictures of docs/gallery.md: every scene in a real browser, in its states.

python -m tools.gallery            all of them, into docs/images/gallery/
python -m tools.gallery batches    those whose name begins so
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Locator, sync_playwright

import stateviz
from stateviz.course import quietly
from stateviz.playing.player import Player
from stateviz.recording import Recording
from tools.real_browser import ARGUMENTS, find_chromium

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images" / "gallery"
MARGIN = 10
WAVE = 14


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


def waves(lanes: int, batches: int) -> tuple[np.ndarray, np.ndarray]:
    """Sine waves of many lengths, cut into `batches` pieces, and what comes next.

    Returns:
        X of shape (batches * lanes, timesteps, 1), row i of a batch going on with row i of the
        batch before, and y of shape (batches * lanes, 1).
    """
    random = np.random.default_rng(1)
    t = np.arange(batches * WAVE + 1)
    lengths, starts = random.uniform(9, 40, (lanes, 1)), random.uniform(0, 6, (lanes, 1))
    whole = np.sin(2 * np.pi * t / lengths + starts).astype("float32")
    pieces = whole[:, :-1].reshape(lanes, batches, WAVE).transpose(1, 0, 2)
    nexts = whole[:, WAVE::WAVE].T
    return pieces.reshape(-1, WAVE, 1), nexts.reshape(-1, 1)


@cache
def trained(lanes: int, stateful: bool = True, shuffle: bool = False) -> Recording:
    """A stack of two LSTMs in training, then in use."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    X, y = waves(lanes, 5)
    inputs = keras.Input(batch_shape=(lanes, WAVE, 1))
    x = keras.layers.Masking()(inputs)
    x = keras.layers.LSTM(8, return_sequences=True, stateful=stateful, name="lower")(x)
    x = keras.layers.LSTM(6, stateful=stateful, name="upper")(x)
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    checks = X[: 2 * lanes].copy()
    checks[::2, 4:8] = 0  # masked
    with stateviz.record(model, gates=True) as recording:
        model.fit(
            X,
            y,
            batch_size=lanes,
            epochs=2,
            shuffle=shuffle,
            validation_data=(checks, y[: 2 * lanes]),
            verbose=0,
        )
        if stateful:
            stateviz.reset_state(model)
        model.predict(checks, batch_size=lanes, verbose=0)
    return recording


@cache
def both_ways() -> Recording:
    """A Bidirectional LSTM in use."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    inner = keras.layers.LSTM(6, name="lstm")
    model = keras.Sequential([keras.Input((WAVE, 1)), keras.layers.Bidirectional(inner)])
    with stateviz.record(model) as recording:
        model.predict(waves(4, 1)[0], verbose=0)
    return recording


def sequence(**options: Any) -> Callable[[], Player]:
    """One sample of the lower layer."""
    return lambda: stateviz.play_sequence(trained(10), **({"layer": "lower"} | options))


def batches(lanes: int, *, shuffle: bool = False, stateful: bool = True) -> Callable[[], Player]:
    """The lanes of the lower layer, with the rows of the data."""

    def make() -> Player:
        recording = trained(lanes, stateful=stateful, shuffle=shuffle)
        return stateviz.play_batches(recording, layer="lower", data=waves(lanes, 5)[0])

    return make


def used_after() -> Player:
    """What validation leaves to training, and a reset."""
    return stateviz.play_batches(trained(10), layer="lower", batches=[6, 7, 13, 14])


@cache
def handed() -> Recording:
    """A loop that hands the state on by hand."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    lstm = keras.layers.LSTM(8, return_state=True, name="lstm")
    X = waves(10, 3)[0]
    h = c = np.full((10, 8), 0.5, "float32")
    with stateviz.record(lstm) as recording:
        for start in range(0, 30, 10):
            _, h, c = lstm(X[start : start + 10], initial_state=[h, c])
        lstm(X[:10], initial_state=[h * 0 - 0.5, c * 0 - 0.5])
    return recording


def given() -> Player:
    """The first batch and the last, which began with a state from elsewhere."""
    return stateviz.play_batches(handed(), batches=[2, 3])


def handed_on() -> Player:
    """It, played."""
    return stateviz.play_batches(handed(), batches=[0, 1, 2])


@cache
def rows_apart() -> Recording:
    """An encoder and its decoder, whose state is then handed on in rows of another order."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    options = {"return_state": True, "return_sequences": True}
    encoder, decoder = (keras.layers.LSTM(6, **options, name=f"{e}coder") for e in ("en", "de"))
    texts, answers = keras.Input((WAVE, 1)), keras.Input((6, 1))
    _, *state = encoder(texts)
    model = keras.Model([texts, answers], decoder(answers, initial_state=state)[0])
    X = waves(6, 3)[0]
    with stateviz.record(model) as recording:
        model.predict([X[:6], X[6:12, :6]], verbose=0)
        encoded = recording["encoder"].batches[0]
        state = [each.final for each in encoded.states]
        for order in ([0, 1, 3, 3, 2, 5], [5, 1, 2, 0, 0, 4]):
            state = [np.array(each)[order] for each in state]
            state[0][order.index(2)] = state[1][order.index(2)] = 0  # a row begins anew
            _, *state = decoder(X[12:18, 4:10], initial_state=state)
    return recording


def from_encoder() -> Player:
    """The decoder, after the encoder whose state it began with."""
    return stateviz.play_batches(rows_apart(), layer="decoder", batches=[0])


def by_row() -> Player:
    """The decoder's state, handed on in rows of another order."""
    return stateviz.play_batches(rows_apart(), layer="decoder", batches=[1, 2])


def gradients() -> Player:
    """Three batches of a stateful layer in training, and the gradient of each."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    X, y = waves(8, 3)
    layers = [keras.layers.LSTM(8, stateful=True, name="lstm"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input(batch_shape=(8, WAVE, 1)), *layers])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    with stateviz.record(model, gradients=True) as recording:
        model.fit(X, y, batch_size=8, shuffle=False, verbose=0)
    return stateviz.play_gradients(recording)


def gradients_cross() -> Player:
    """An encoder and its decoder in training: the gradient goes from the one to the other."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    X, y = waves(4, 2)
    inputs = keras.Input((WAVE, 1))
    _, *state = keras.layers.LSTM(6, return_state=True, name="encoder")(inputs)
    decoded = keras.layers.LSTM(6, name="decoder")(inputs, initial_state=state)
    model = keras.Model(inputs, keras.layers.Dense(1)(decoded))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    with stateviz.record(model, gradients=True) as recording:
        model.fit(X, y, batch_size=4, shuffle=False, verbose=0)
    return stateviz.play_gradients(recording, layer="decoder")


def inside() -> Player:
    """The cell of one unit."""
    return stateviz.play_cell(trained(10), layer="lower", batch=1, unit=2)


@cache
def small(stateful: bool = True) -> Recording:
    """Two small batches."""
    with quietly():
        import keras

    keras.utils.set_random_seed(4)
    layer = keras.layers.LSTM(2, stateful=stateful, name="lstm")
    model = keras.Sequential([keras.Input(batch_shape=(4, 5, 1)), layer])
    with stateviz.record(model) as recording:
        model.predict(waves(4, 2)[0][:, :5], batch_size=4, verbose=0)
    return recording


def few() -> Player:
    """The same, with numbers in the cells."""
    return stateviz.play_batches(small())


def flow() -> Player:
    """They, carried over and dropped: the film in the README."""
    return stateviz.compare(small(), small(stateful=False), names=("stateful", "stateless"))


def answer() -> Player:
    """Columns and rows counted."""
    return stateviz.play_answer(trained(200, stateful=False), layer="lower")


def resets() -> Player:
    """The whole run."""
    return stateviz.play_resets(trained(10), layer="lower")


def opened() -> Player:
    """A batch of it, opened."""
    player = resets()
    player.choose(open=6)
    return player


def compared() -> Player:
    """The same data, stateful and stateless."""
    return stateviz.compare(
        trained(10), trained(10, stateful=False), layer="lower", names=("stateful", "stateless")
    )


def stack() -> Player:
    """Both layers."""
    return stateviz.play_sequence(trained(10), layer=("lower", "upper"), batch=1)


def directions() -> Player:
    """Both directions."""
    recording = both_ways()
    return stateviz.play_sequence(recording, layer=recording.layers)


def shots() -> Iterator[Shot]:
    """All pictures of the gallery."""
    yield Shot("sequence-first", sequence(batch=1, unit=2), 0)
    yield Shot("sequence-middle", sequence(batch=1, unit=2), 8)
    yield Shot("sequence-last", sequence(batch=1, unit=2), -1)
    yield Shot("sequence-dark", sequence(batch=1, unit=2), 8, theme="dark")
    yield Shot("sequence-masked", sequence(batch=5, unit=2), 7)
    yield Shot("sequence-presented", sequence(batch=1, unit=2), 8, width=1600, keys=["f"])
    yield Shot("sequence-phone", sequence(batch=1, unit=2), 8, width=390, scale=2)
    yield Shot("stack-middle", stack, 8)
    yield Shot("directions-middle", directions, 6)
    for lanes in (1, 10, 200):
        yield Shot(f"batches-{lanes}-middle", batches(lanes), 22)
        yield Shot(f"batches-{lanes}-carried", batches(lanes), 30, between=0.5)
        yield Shot(f"batches-{lanes}-fresh", batches(lanes, stateful=False), 30, between=0.5)
        yield Shot(f"batches-{lanes}-last", batches(lanes), -1)
    yield Shot("batches-10-first", batches(10), 0, between=0.5)
    yield Shot("batches-10-validation", used_after, 15, between=0.5)
    yield Shot("batches-10-reset", used_after, -WAVE - 1, between=0.5)
    yield Shot("batches-10-given", given, 15, between=0.5)
    yield Shot("batches-10-handed-on", handed_on, 15, between=0.5)
    yield Shot("batches-encoder", from_encoder, WAVE + 1, between=0.4)
    yield Shot("batches-by-row", by_row, -1)
    yield Shot("batches-10-dark", batches(10), 30, theme="dark", width=1600, between=0.5)
    yield Shot("batches-10-lit", batches(10), 30, keys=["."] * 5, between=0.5)
    yield Shot("batches-4-numbers", few, 8)
    yield Shot("batches-10-shuffled", batches(10, shuffle=True), -1)
    yield Shot("resets-first", resets, 0)
    yield Shot("resets-validation", resets, 7, between=0.75)
    yield Shot("resets-wall", resets, 14, between=0.8)
    yield Shot("resets-last", resets, -1)
    yield Shot("resets-dark", resets, -1, theme="dark", width=1600)
    yield Shot("resets-opened", opened, 20)
    yield Shot("compare-middle", compared, 25)
    yield Shot("compare-boundary", compared, 30, between=0.5)
    yield Shot("compare-numbers", flow, 8)
    yield Shot("compare-dark", compared, -1, theme="dark")
    yield Shot("gradients-read", gradients, WAVE)
    yield Shot("gradients-back", gradients, 3 * WAVE + 9)
    yield Shot("gradients-last", gradients, -1)
    yield Shot("gradients-dark", gradients, -1, theme="dark", width=1600)
    yield Shot("gradients-encoder", gradients_cross, -1)
    yield Shot("cell-first", inside, 0)
    yield Shot("cell-on-the-way", inside, 4, between=0.5)
    yield Shot("cell-middle", inside, 4)
    yield Shot("cell-dark", inside, 4, theme="dark", width=1600)
    yield Shot("answer-middle", answer, 3)
    yield Shot("answer-last", answer, -1)


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
        flow().save(FOLDER / "film.gif", dpi=80, progress=False)
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
