"""The weights beside the states: one box for all lanes and all batches, changed by training."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from stateviz.drawing.lanes import lay_out
from stateviz.recording import BatchRecord

WEIGHTS_INCHES = 0.62
_FONT = 10.5
_BAR = 0.36  # of the room, what the box takes
_EDGE = (0.5, 0.5, 0.5, 1.0)
# A shade for each state of the weights; they come in turn.
_SHADES = [(0.5, 0.5, 0.5, alpha) for alpha in (0.22, 0.42, 0.62)]
# What changes the weights: Keras's own phases of training.
_TRAINING = ("fit", "train_on_batch")


class Weights:
    """The box of weights under some batches.

    Args:
        ax: Axes of the room, as wide as the lanes.
        records: The batches.
    """

    def __init__(self, ax: Axes, records: Sequence[BatchRecord]) -> None:
        self._changed = [record.phase in _TRAINING for record in records]
        layout = lay_out(records)
        ax.set_xlim(-0.5, layout.columns - 0.5)
        ax.set_ylim(1, 0)
        ax.axis("off")
        self._bounds = [
            (start - 0.5, layout.end(place) - 0.5) for place, start in enumerate(layout.starts)
        ]
        left, right = -0.5, layout.columns - 0.5
        ax.add_patch(Rectangle((left, 0.12), right - left, _BAR, facecolor="none", edgecolor=_EDGE))
        self.filled = Rectangle((left, 0.12), 0, _BAR, linewidth=0, clip_on=False)
        self.change = Rectangle((left, 0.0), 0, _BAR + 0.24, linewidth=0, color="black")
        for patch in (self.filled, self.change):
            ax.add_patch(patch)
        [self.reads] = ax.plot([0], [0.02], marker="^", markersize=8, color="black", clip_on=False)
        self._left, self._right = left, right
        self.words = ax.text(left, 0.62, "", fontsize=_FONT, va="top", ha="left")

    def show(self, place: int, column: int, part: float | None) -> list[Artist]:
        """Shows the weights while a batch reads them, or on the way to it.

        Args:
            place: The place of the batch.
            column: The column that is read.
            part: How much of the way to the batch has passed, from 0 to 1; None in the batch.
        """
        changes = sum(self._changed[:place])
        before = place - 1
        changing = part is not None and before >= 0 and self._changed[before] and part < 0.5
        shade = changes - 1 if changing else changes
        self.filled.set_facecolor(_SHADES[shade % len(_SHADES)])
        self.filled.set_bounds(self._left, 0.12, self._right - self._left, _BAR)
        self._show_change(before, part, changing=changing)
        self.reads.set_data([column], [0.02])
        self.reads.set_visible(part is None)
        times = "not changed" if not changes else f"changed {changes} time{'s' * (changes > 1)}"
        self.words.set_text(
            f"weights: one set for all lanes and batches, read at every t. So far {times}"
        )
        return [self.filled, self.change, self.reads, self.words]

    def _show_change(self, before: int, part: float | None, *, changing: bool) -> None:
        """A wave runs through the box, once all of a batch was read."""
        self.change.set_visible(changing)
        if not changing or part is None:
            return
        end = self._bounds[before][1]
        reach = 2 * part
        left = end + reach * (self._left - end)
        right = end + reach * (self._right - end)
        self.filled.set_bounds(self._left, 0.12, self._right - self._left, _BAR)
        self.change.set_bounds(left, 0.12, right - left, _BAR)
        self.change.set_facecolor((0.2, 0.2, 0.2, 0.75 * (1 - reach)))


def draw_weights(ax: Axes, records: Sequence[BatchRecord]) -> Weights:
    """Draws the box of weights under some batches."""
    return Weights(ax, records)
