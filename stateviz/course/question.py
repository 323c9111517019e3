"""The question's `fit` twice as a moving picture, stateless above stateful."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

import stateviz
from stateviz.course.notebook import quietly
from stateviz.drawing import FONT, lanes, write
from stateviz.drawing.lanes import Layout
from stateviz.playing.moving import Declared, Keyed
from stateviz.playing.player import Player
from stateviz.playing.scene import Pace, Scene
from stateviz.playing.theme import soft
from stateviz.recording import Recording
from stateviz.scenes.panel import LanePanel
from stateviz.scenes.timing import Timing
from stateviz.scenes.transitions import Transition, transitions_of

_UNIT = 0
_INTERVAL_MS, _MOTION_MS = 26, 620


@dataclass(frozen=True)
class Room:
    """Where things stand, in pixels of CSS."""

    width: float
    margins: tuple[float, float]
    gap: float
    high: float  # of the threads of a run
    over: float
    between: float
    number: float  # the size of the counts


WIDE = Room(1184, (190, 62), 40, 170, 58, 46, 64)
LESSON = Room(870, (124, 66), 30, 150, 58, 40, 48)
NARROW = Room(358, (4, 14), 14, 140, 84, 92, 40)


def fitted_twice() -> tuple[Recording, Recording]:
    """One epoch of the question's `fit`, stateless and stateful, with the same data and weights."""
    with quietly():
        import keras

    both = []
    for stateful in (False, True):
        keras.utils.set_random_seed(0)
        steps = np.random.default_rng(0).normal(scale=0.3, size=(1000, 20, 1))
        X = np.cumsum(steps, axis=1).astype("float32")
        inputs = keras.Input(batch_shape=(200, 20, 1))
        layer = keras.layers.LSTM(8, stateful=stateful, name="lstm")
        model = keras.Model(inputs, keras.layers.Dense(1)(layer(inputs)))
        model.compile("adam", "mse")
        with stateviz.record(model) as recording:
            model.fit(X, X.mean(axis=1), batch_size=200, shuffle=False, verbose=0)
        both.append(recording)
    return both[0], both[1]


def play_question(
    both: Sequence[Recording] | None = None, *, room: Room = LESSON, counts: bool = False
) -> Player:
    """Plays one epoch of the question's `fit` twice: where the state stops, and where it crosses.

    Args:
        both: The stateless recording and the stateful one; where None, they are made now.
        room: How large it is: `WIDE`, `LESSON` or `NARROW`.
        counts: Whether it counts the starts from zero, which answers the question.
    """
    both = fitted_twice() if both is None else both
    return Player(lambda **_: _Picture(both, room, counts).scene())


class _Picture:
    """Both runs, one above the other, each with the number of its starts from zero."""

    def __init__(self, both: Sequence[Recording], room: Room, counts: bool) -> None:
        self.has_counts = counts
        self.transitions: list[list[Transition]] = [
            transitions_of(recording, recording["lstm"], range(5)) for recording in both
        ]
        records = [
            [transition.record for transition in transitions] for transitions in self.transitions
        ]
        layout = lanes.lay_out(
            records[0],
            pitch=room.high / len(records[0][0].samples),
            gap=room.gap,
            margins=room.margins,
            width=room.width,
        )
        self.timing = Timing(layout)
        values = [lanes.state_lanes(each, "cell", _UNIT, layout) for each in records]
        limits = lanes.limits_of(*values)
        self.room = room
        height = room.over + 2 * room.high + room.between + (36 if room is not NARROW else 56)
        self.figure = Figure(figsize=(room.width / 96, height / 96), dpi=100)
        self.panels, self.counts = [], []
        for row, transitions in enumerate(self.transitions):
            top = room.over + row * (room.high + room.between)
            names = row == 0 and room is not NARROW
            panel = LanePanel(
                self.figure,
                top,
                values[row],
                transitions,
                self.timing,
                limits,
                heads=18,
                names=names,
                origins=False,
                has_scale=room is not NARROW,
            )
            panel.when_of = lambda _: ""
            self.panels.append(panel)
            self.counts.append(self._name(row, top, height))
        self._explain(layout, height)

    def _name(self, row: int, top: float, height: float) -> tuple[Text, Text]:
        """Writes which model it is, and how often it has started from zero."""
        name = ("LSTM(8)", "LSTM(8, stateful=True)")[row]
        beside = ("once a batch,\nall 200 rows", "when it is built;\nthen carried")[row]
        wide = self.room is not NARROW
        words_at = self.figure.text

        def at(x: float, y: float) -> tuple[float, float]:
            return x / self.room.width, 1 - y / height

        size = self.room.number * 0.75
        if wide:
            words_at(*at(0, top + 10), name.replace("8, ", "8,\n  "), fontsize=11, va="top")
            low = top + (38 if row == 0 else 54)
            beside = beside if self.has_counts else ""
            words_at(*at(0, low + 74), beside, fontsize=FONT, va="top", color=soft(0.66))
            number = words_at(*at(0, low + 36), "", fontsize=size, weight="bold", va="center")
            words = words_at(*at(58, low + 36), "", fontsize=12, weight="bold", va="center")
        else:
            words_at(*at(4, top - 24), name, fontsize=FONT, va="center", color=soft(0.66))
            number = words_at(*at(2, top - 56), "", fontsize=size, weight="bold", va="center")
            words = words_at(*at(40, top - 56), "", fontsize=12, weight="bold", va="center")
        return number, words

    def _explain(self, layout: Layout, height: float) -> None:
        """Writes the time under the first batch, and that none passes between two."""
        ax = self.panels[1].ax
        y = layout.lanes - 0.5 + 18 / layout.pitch
        steps = layout.timesteps[0]
        start = layout.starts[0] - 0.5
        wide = self.room is not NARROW
        words = f"t = 0 … {steps - 1}" if wide else f"t 0…{steps - 1}"
        write(ax, start, y, words, color=soft(0.66))
        gap = 1 if self.room is WIDE else 2  # where there is room for the words
        between = layout.starts[gap] - layout.gap / 2 - 0.5
        if wide:
            write(ax, between, y, "no time passes here", ha="center", color=soft(0.66))
        key = "a line: c of unit 0 in one lane; orange above 0, blue below"
        right = layout.columns - 0.5
        if self.room is not WIDE:
            key = "c of unit 0, a line a lane: + orange, − blue"
        if not wide:
            y, right = y + 20 / layout.pitch, start
        write(ax, right, y, key, ha="right" if wide else "left", color=soft(0.66))

    def parts(self) -> list[Declared]:
        """Both panels, and their counts."""
        parts = [part for panel in self.panels for part in panel.parts()]
        places = [self.timing.at(frame) for frame in range(self.timing.n_frames)]
        reached = [each.place + (each.part is None) for each in places]
        texts = [text for both in self.counts for text in both]
        return [*parts, Keyed(texts, reached, lambda frame, _: self._count(reached[frame]))]

    def _count(self, batches: int) -> None:
        for transitions, (number, words) in zip(self.transitions, self.counts, strict=True):
            if not self.has_counts:
                continue
            count = sum(transition.record.zeros for transition in transitions[:batches])
            number.set_text(str(count))
            end = "\n" if self.room is not NARROW else " "
            words.set_text(f"{'start' if count == 1 else 'starts'}{end}from zero")

    def describe(self, frame: int) -> str:
        """What is counted, in words."""
        place = self.timing.at(frame).place
        if not self.has_counts:
            return f"batch {place}: LSTM(8) above, LSTM(8, stateful=True) below"
        counts = [
            sum(transition.record.zeros for transition in transitions[: place + 1])
            for transitions in self.transitions
        ]
        return f"batch {place}: LSTM(8) {counts[0]}, LSTM(8, stateful=True) {counts[1]}"

    def scene(self) -> Scene:
        """The scene."""
        motion = max(self.timing.motion, 1)
        return Scene(
            self.figure,
            self.timing.n_frames,
            describe=self.describe,
            title="The same fit twice: what becomes of c between two batches?",
            parts=self.parts(),
            stops=self.timing.stops,
            pace=Pace(_INTERVAL_MS, _MOTION_MS / motion),
        )
