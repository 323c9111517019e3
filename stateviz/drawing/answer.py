"""One picture for the question: how many state tensors began as zeros, and how many of their rows.

A batch is a card. Its frame is the state tensor that it began with, and a ring in the frame is a
row of it that was zero; beside it are the rows' states through the timesteps, as threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from stateviz.drawing import HEAD, POINTS, draw_box, write
from stateviz.drawing.lanes import LETTER, limits_of
from stateviz.drawing.signs import rails, ring, sign
from stateviz.playing.artists import Threads, bold_rows
from stateviz.playing.theme import GROUND, STATE_MAP, color, soft
from stateviz.recording import BatchRecord

MOST_BATCHES = 8
WIDTH, HEIGHT = 760.0, 446.0  # pixels of CSS, for which sizes of letters are chosen
_TOP, _HIGH, _GAP = 146.0, 236.0, 18.0  # of the threads, and between two cards
_RINGS, _PART = 66.0, 0.46  # the width of the rings, and of a card at most
_MOST_RINGS, _ROWS_A_RING = 400, 10
_DIGIT = 43.5  # the width of a digit of the large numbers
_NUMBER = 48.0  # points


class Answer:
    """The picture of some batches.

    Args:
        ax: The axes; all of it is taken.
        batches: The batches, with their units on one axis, at most `MOST_BATCHES`.

    Attributes:
        by_batch: What is drawn of each batch.
    """

    def __init__(self, ax: Axes, batches: Sequence[BatchRecord]) -> None:
        self._ax, self._batches = ax, batches
        ax.set_xlim(0, WIDTH)
        ax.set_ylim(HEIGHT, 0)
        ax.autoscale(False)
        ax.axis("off")
        self._each = (WIDTH - _GAP * (len(batches) - 1)) / len(batches)
        held = [batch.states[-1] for batch in batches]
        self._values = [
            np.ma.masked_invalid(np.concatenate([h.initial[:, :1], h.after[:, :, 0]], axis=1))
            for h in held
        ]
        self._limits = limits_of(*self._values)
        self.rows_a_ring = 1
        if max(batch.batch_size for batch in batches) > _MOST_RINGS:
            self.rows_a_ring = _ROWS_A_RING
        self.by_batch = [self._draw_batch(place) for place in range(len(batches))]
        self._numbers = [self._text(x, 40, fontsize=_NUMBER, weight="bold") for x in (0, 0)]
        self._words = [self._text(0, y, fontsize=HEAD, weight=weight)
                       for _ in range(2)
            for y, weight in ((28, "bold"), (53, "normal"))]  # fmt: skip
        self._explain()

    def _text(self, x: float, y: float, words: str = "", **style: Any) -> Any:
        return write(self._ax, x, y, words, **style)

    def _explain(self) -> None:
        one = "a row" if self.rows_a_ring == 1 else f"{self.rows_a_ring} rows"
        symbol = "c" if len(self._batches[0].states) > 1 else "h"
        words = (
            f"one ring: {symbol} of {one}, exactly 0 in the recording. Lines: {symbol} of unit 0."
        )
        y = _TOP + _HIGH + 40
        self._ax.plot([6], [y], clip_on=False, **ring("altered", 9))
        self._text(18, y, words, color=soft(0.66))

    def _draw_batch(self, place: int) -> list[Artist]:
        batch = self._batches[place]
        x = place * (self._each + _GAP)
        look: dict[str, Any] = {"facecolor": soft(0.045), "zorder": 0.2}
        draw_box(self._ax, x, _TOP - 44, self._each, _HIGH + 56, **look)
        name = f"batch {batch.index if batch.batch is None else batch.batch}"
        self._text(x + 8, _TOP - 26, name if self._each > 90 else name.removeprefix("batch "))
        drawn: list[Artist] = []
        wide = 0.0
        if batch.zero_rows:
            wide = min(_RINGS, _PART * self._each)
            drawn += self._draw_rings(batch, x + 6, wide)
        carried = "carried" in {start.origin for start in batch.starts}
        if carried and place:
            drawn += rails(self._ax, x - _GAP, x, _TOP - 6, _TOP + _HIGH + 6)
        if batch.origin == "mixed":  # no one sign would be true of all its rows
            word = f"{batch.zero_rows:,} of {batch.batch_size:,}"
        else:
            word = batch.origin
            drawn += self._ax.plot([x + self._each - 12], [_TOP - 26], **sign(word, 11))
        if LETTER * (len(word) + len(name)) < self._each - 36:
            right = x + self._each - 24
            drawn.append(self._text(right, _TOP - 26, word, ha="right"))
        return [*drawn, self._draw_threads(place, x + (6 + wide + 2 if wide else 0))]

    def _draw_threads(self, place: int, left: float) -> Threads:
        values = self._values[place]
        extent = (left, place * (self._each + _GAP) + self._each, _TOP + _HIGH, _TOP)
        threads = Threads(self._ax, STATE_MAP, *self._limits, extent=extent, zorder=3)
        threads.set_data(values)
        threads.bold = bold_rows(values[:, -1].filled(0))
        return threads

    def _draw_rings(self, batch: BatchRecord, x: float, wide: float) -> list[Artist]:
        """A frame for the tensor, and a ring for each row of it that was zero."""
        origin = next(start.origin for start in batch.starts if start.zeros)
        look: dict[str, Any] = {"facecolor": GROUND, "edgecolor": color(origin), "zorder": 3}
        frame = draw_box(self._ax, x, _TOP - 6, wide, _HIGH + 12, linewidth=3 * POINTS, **look)
        zero = np.repeat([start.zeros for start in batch.starts],
                         [start.rows for start in batch.starts])  # fmt: skip
        count = -(-len(zero) // self.rows_a_ring)
        shown = zero[:: self.rows_a_ring]
        across = max(1, round(np.sqrt(count * wide / _HIGH)))
        down = -(-count // across)
        place = np.flatnonzero(shown)
        at_x = x + 3 + (wide - 6) / across * (place % across + 0.5)
        at_y = _TOP + _HIGH / down * (place // across + 0.5)
        size = min(9.0, 0.72 * min((wide - 6) / across, _HIGH / down))
        rings = self._ax.plot(at_x, at_y, **(ring(origin, size) | {"markeredgewidth": 0.18 * size}))
        rings[0].set_label("rings")
        return [frame, *rings]

    @property
    def texts(self) -> list[Artist]:
        """What changes as more is counted."""
        return [*self._numbers, *self._words]

    def show(self, batches: int) -> None:
        """Counts what began as zeros in the first batches.

        Args:
            batches: How many batches are counted.
        """
        counted = self._batches[:batches]
        tensors = sum(batch.zeros for batch in counted)
        sizes = [batch.zero_rows for batch in counted if batch.zero_rows]
        rows = sum(sizes)
        product = f"{len(sizes)} × {sizes[0]:,}" if len({*sizes}) == 1 else "counted one by one"
        words = (
            "state tensor of zeros" if tensors == 1 else "state tensors of zeros",
            "counted by batch",
            "row's state of zeros" if rows == 1 else "rows' states of zeros",
            f"counted by row: {product}" if sizes else "counted by row",
        )
        most = sum(batch.zeros for batch in self._batches), sum(b.zero_rows for b in self._batches)
        for place, (number, value) in enumerate(zip(self._numbers, (tensors, rows), strict=True)):
            x = place * 0.46 * WIDTH
            number.set_text(f"{value:,}")
            number.set_position((x - 3, 40))
            widest = f"{most[place]:,}"
            beside = x + _DIGIT * (len(widest) - 0.45 * widest.count(",")) + 8
            for row in range(2):
                text = self._words[2 * place + row]
                text.set_text(words[2 * place + row])
                text.set_position((beside, 28 + 25 * row))
