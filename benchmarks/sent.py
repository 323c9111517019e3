"""How much a scene sends to the page, once, and how long it takes to make it."""

from __future__ import annotations

import time
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.animation import FuncAnimation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import stateviz
from benchmarks.made_up import a_run
from benchmarks.measuring import Spread, progress, spread
from benchmarks.report import Row, Target, Topic
from benchmarks.scene_to_play import FRAMES, SIZE, SceneToPlay
from stateviz.playing.player import Player
from stateviz.recording import Recording

_KB = 1000


def measure(repeats: int) -> list[Topic]:
    """Makes the scenes of two recordings, and the same pictures as a film of PNGs."""
    small = a_run(lanes=10, units=16, timesteps=FRAMES - 1, batches=2)
    large = a_run(lanes=200, units=64, timesteps=100, batches=15)
    sizes, times = [], []
    scenes: list[tuple[str, Callable[[], Player], float]] = [
        ("play_sequence, 16 units, any of them to choose", lambda: _sequence(small), 300),
        ("play_batches, 10 lanes", lambda: stateviz.play_batches(small), 300),
        ("the benchmark's scene", _plain, 300),
        (
            "play_batches, 200 lanes x 100 timesteps x 15 batches",
            lambda: stateviz.play_batches(large, batches=range(15)),
            # h or c of a unit and the input, a byte each: what is shown, nothing else.
            2 * 200 * 101 * 15 / _KB,
        ),
    ]
    for name, make, target in scenes:
        took: list[float] = []
        for _ in range(repeats):
            began = time.perf_counter()
            player = make()
            took.append(time.perf_counter() - began)
            progress(f"[sent] {name}: {took[-1]:.2f} s")
        sizes.append(Row(name, _one(len(player._payload) / _KB), Target(target)))
        times.append(Row(name, spread(took)))
    scene = SceneToPlay(Figure(figsize=SIZE, dpi=100))
    FigureCanvasAgg(scene.figure)
    film = FuncAnimation(scene.figure, scene.update, FRAMES, init_func=list)
    began = time.perf_counter()
    with mpl.rc_context({"animation.embed_limit": 100}):
        html = film.to_jshtml()
    times.append(Row("to_jshtml of the benchmark's scene", _one(time.perf_counter() - began)))
    sizes.append(Row("to_jshtml of the benchmark's scene", _one(len(html) / _KB)))
    return [
        Topic(
            "What is sent once",
            f"All {FRAMES} frames of a scene, compressed as they go to the page, beside a film of "
            "PNGs. The last scene of ours has 1515 frames; its target is one byte for each value "
            "that it shows.",
            "kB",
            sizes,
        ),
        Topic("Making a scene", "In Python, from the recording to the bytes.", "s", times),
    ]


def _sequence(recording: Recording) -> Player:
    return stateviz.play_sequence(recording, batch=1)


def _plain() -> Player:
    return SceneToPlay(Figure(figsize=SIZE, dpi=100)).player()


def _one(value: float) -> Spread:
    return spread([value])
