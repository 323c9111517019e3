"""One picture for the question: how many state tensors began as zeros, and how many of their rows.

A batch is a block: on its left the column that its states began with, then its timesteps. Each
column of zeros is one state tensor; beside it its rows are counted, one a sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from stateviz.drawing.finite import reach_of
from stateviz.drawing.sample import STATE_MAP
from stateviz.drawing.timeline import MARKERS
from stateviz.recording import BatchRecord

MOST_BATCHES = 8
_FONT = 11.5
_TENSORS, _ROWS = "#b34700", "#0072b2"
_BLOCK, _COLUMN, _RULER = 0.78, 0.13, 0.21  # of the room of a batch
_FLOOR, _CEILING = 0.0, 1.0
_RULE = -0.3  # where the line lies that joins the columns
_EDGE = "#202020"


class Answer:
    """The picture of some batches.

    Args:
        ax: The axes; all of it is taken.
        batches: The batches, with their units on one axis, at most `MOST_BATCHES`.

    Attributes:
        by_batch: What is drawn of each batch.
    """

    def __init__(self, ax: Axes, batches: Sequence[BatchRecord]) -> None:
        self._batches = batches
        ax.set_xlim(-0.12, len(batches) + 0.02)
        ax.set_ylim(-0.62, 1.5)
        ax.autoscale(False)  # an image would take the limits for itself
        ax.axis("off")
        self.by_batch = [self._draw_batch(ax, place) for place in range(len(batches))]
        self._sums = [
            ax.text(
                0, y, "", color=color, fontsize=_FONT + 0.5, weight="bold", va="center", ha="left"
            )
            for y, color in ((1.38, _ROWS), (-0.47, _TENSORS))
        ]
        [self._rule] = ax.plot([], [], color=_TENSORS, linewidth=2.2, solid_capstyle="butt")

    def _draw_batch(self, ax: Axes, place: int) -> list[Artist]:
        batch = self._batches[place]
        held = batch.states[-1]
        left = place + _RULER
        right = place + _RULER + _BLOCK - 0.06
        reach = reach_of(held.initial[:, 0], held.after[:, :, 0])
        look: dict[str, Any] = {
            "aspect": "auto",
            "cmap": STATE_MAP,
            "interpolation": "nearest",
            "origin": "upper",
            "clim": (-reach, reach),
        }
        start = np.ma.masked_invalid(held.initial[:, :1])
        column = ax.imshow(start, extent=(left, left + _COLUMN, _FLOOR, _CEILING), **look)
        after = np.ma.masked_invalid(held.after[:, :, 0])
        steps = ax.imshow(
            after,
            extent=(left + _COLUMN + 0.02, right, _FLOOR, _CEILING),
            alpha=0.55,
            **look,
        )
        name = f"batch {batch.index if batch.batch is None else batch.batch}"
        ax.text((left + right) / 2, 1.09, name, ha="center", va="center", fontsize=_FONT - 1)
        return [column, steps, *self._draw_counts(ax, place, left)]

    def _draw_counts(self, ax: Axes, place: int, left: float) -> list[Artist]:
        batch = self._batches[place]
        zeroed = batch.zeros
        color = _EDGE if zeroed or batch.origin == "mixed" else MARKERS[batch.origin]["color"]
        frame = Rectangle((left, _FLOOR), _COLUMN, 1, fill=False, edgecolor=color, linewidth=2.4)
        ax.add_patch(frame)
        drawn: list[Artist] = [frame]
        middle = left + _COLUMN / 2
        if not zeroed:
            word = {
                "carried": "carried over",
                "mixed": f"{batch.zero_rows:,} of {batch.batch_size:,} rows",
            }.get(batch.origin, batch.origin)
            return [*drawn, ax.text(middle, -0.1, word, color=color, fontsize=_FONT - 1,
                                    ha="center", va="center")]  # fmt: skip
        for y in (0.2, 0.5, 0.8):
            drawn.append(ax.text(middle, y, "0", ha="center", va="center", fontsize=_FONT,
                                 color=_EDGE))  # fmt: skip
        ruler = left - 0.035
        ends = (_FLOOR, _CEILING)
        drawn += ax.plot([ruler, ruler], ends, color=_ROWS, linewidth=2.2)
        ticks = np.linspace(*ends, 11)
        x = np.tile([ruler - 0.02, ruler, np.nan], len(ticks))
        drawn += ax.plot(x, np.repeat(ticks, 3), color=_ROWS, linewidth=1.4)
        drawn.append(
            ax.text(
                ruler - 0.035,
                0.5,
                f"{batch.batch_size:,} rows",
                rotation=90,
                color=_ROWS,
                fontsize=_FONT - 1,
                ha="right",
                va="center",
            )
        )
        return [*drawn, *ax.plot([middle, middle], [_RULE, -0.04], color=_TENSORS, linewidth=2.2)]

    def show(self, batches: int) -> list[Artist]:
        """Counts what began as zeros in the first batches.

        Args:
            batches: How many batches are counted.
        """
        found = [place for place in range(batches) if self._batches[place].zeros]
        counts = [batch.zero_rows for batch in self._batches[:batches]]
        sizes, rows = list(filter(None, counts)), sum(counts)
        spelled = f"{len(sizes)} × {sizes[0]:,} = " if len({*sizes}) == 1 < len(sizes) else ""
        tensors = "state tensor" if len(found) == 1 else "state tensors"
        sums = [
            f"by rows, one a sequence: {spelled}{rows:,} sample states of zeros",
            f"by columns, one a batch: {len(found):,} {tensors} of zeros",
        ]
        for text, words in zip(self._sums, sums, strict=True):
            text.set_text(words)
        x = [place + _RULER + _COLUMN / 2 for place in (found[:1] + found[-1:])]
        self._rule.set_data(x, [_RULE] * len(x))
        return [*self._sums, self._rule]
