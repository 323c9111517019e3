"""The weights beside the states: one box for all lanes and all batches, changed by training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from stateviz.drawing import FONT
from stateviz.drawing.lanes import lay_out
from stateviz.recording import BatchRecord

WEIGHTS_INCHES = 0.62
_BAR = 0.36  # of the room, what the box takes
_EDGE = (0.5, 0.5, 0.5, 1.0)
# A shade for each state of the weights; they come in turn.
_SHADES = [(0.5, 0.5, 0.5, alpha) for alpha in (0.22, 0.42, 0.62)]
# Where the optimizer makes a step for each batch; in a loop of one's own nobody can know.
_STEPS_IN = ("fit", "train_on_batch")


def steps_are_known(records: Sequence[BatchRecord]) -> bool:
    """Whether some batches are training, and all that are make a step of the optimizer each."""
    training = [record.phase for record in records if record.training]
    return bool(training) and all(phase in _STEPS_IN for phase in training)


class Weights:
    """The box of weights under some batches.

    Args:
        ax: Axes of the room, as wide as the lanes.
        records: The batches.
    """

    def __init__(self, ax: Axes, records: Sequence[BatchRecord]) -> None:
        self._steps = [record.phase in _STEPS_IN for record in records]
        self._steps_before = np.cumsum([0, *self._steps]).tolist()
        layout = lay_out(records)
        ax.set_xlim(-0.5, layout.columns - 0.5)
        ax.set_ylim(1, 0)
        ax.axis("off")
        self._ends = [layout.end(place) - 0.5 for place in range(len(records))]
        left, right = -0.5, layout.columns - 0.5
        ax.add_patch(Rectangle((left, 0.12), right - left, _BAR, facecolor="none", edgecolor=_EDGE))
        self.filled = Rectangle((left, 0.12), right - left, _BAR, linewidth=0)
        self.change = Rectangle((left, 0.12), 0, _BAR, linewidth=0)
        for patch in (self.filled, self.change):
            ax.add_patch(patch)
        [self.reads] = ax.plot([0], [0.02], marker="^", markersize=8, color="black", clip_on=False)
        self._left, self._right = left, right
        self.words = ax.text(left, 0.62, "", fontsize=FONT, va="top", ha="left")

    @property
    def changing(self) -> list[Artist]:
        """What `show` changes."""
        return [self.filled, self.change, self.words]

    def show(self, place: int, part: float | None) -> None:
        """Shows the weights while a batch reads them, or on the way to it.

        Args:
            place: The place of the batch.
            part: How much of the way to the batch has passed, from 0 to 1; None in the batch.
        """
        steps = self._steps_before[place]
        changing = part is not None and part < 0.5 and place > 0 and self._steps[place - 1]
        shade = steps - 1 if changing else steps
        self.filled.set_facecolor(_SHADES[shade % len(_SHADES)])
        self.change.set_visible(changing)
        if changing and part is not None:
            self._show_change(self._ends[place - 1], 2 * part)
        self.words.set_text(
            "weights: one set for all lanes and batches, read at every t. Steps of the optimizer "
            f"here: {steps}"
        )

    def _show_change(self, end: float, reach: float) -> None:
        """A wave that runs through the box from where a batch ended."""
        left = end + reach * (self._left - end)
        right = end + reach * (self._right - end)
        self.change.set_bounds(left, 0.12, right - left, _BAR)
        self.change.set_facecolor((0.2, 0.2, 0.2, 0.75 * (1 - reach)))
