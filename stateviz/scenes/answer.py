"""`draw_answer` and `play_answer`: 5 or 1000? Both, and what each of them counts."""

from __future__ import annotations

from itertools import takewhile

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from stateviz.drawing import FONT
from stateviz.drawing.answer import HEIGHT, MOST_BATCHES, WIDTH, Answer
from stateviz.drawing.flat import flat
from stateviz.playing.moving import Appear, Keyed
from stateviz.playing.player import Player
from stateviz.playing.scene import Pace, Scene
from stateviz.playing.stage import poster_png
from stateviz.recording import LayerRecording, Recording, Resets
from stateviz.scenes.choosing import one_layer

_BATCH_MS = 1_300
_MARGIN, _WHOLE = 8.0, 30.0  # pixels of CSS: beside the picture, and the line about the whole run


class Still(Figure):
    """A figure that a notebook shows."""

    def _repr_png_(self) -> bytes:
        return poster_png(self)


def draw_answer(
    recording: Recording, ax: Axes | None = None, *, layer: str | None = None
) -> Figure | SubFigure:
    """Draws one picture for the question of 2017: is the state reset 5 times, or 1000 times?

    The batches of the first epoch stand side by side. Each column of zeros that a batch began with
    is counted once, as a *state tensor*; its rows are counted beside it, as *sample states*.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        ax: The axes to draw on, all of which is taken; a new figure where None.
        layer: The layer's name; may be left out where the recording has one layer.

    Returns:
        The figure; a notebook shows it, and `figure.savefig("answer.pdf")` writes it.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named.
        KeyError: There is no such layer.
    """
    of = _Counted(recording, one_layer(recording, layer))
    figure: Figure | SubFigure
    if ax is None:
        figure, ax = of.figure(Still)
    else:
        figure = ax.figure
    Answer(ax, of.batches).show(len(of.batches))
    return figure


def play_answer(recording: Recording, *, layer: str | None = None) -> Player:
    """Plays the counting of `stateviz.draw_answer`, batch after batch, by rows and by columns.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name; may be left out where the recording has one layer.

    Returns:
        A `Player` with a frame before the first and one for each batch of the first epoch.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named.
        KeyError: There is no such layer.
    """
    of = _Counted(recording, one_layer(recording, layer))
    return Player(of.scene)


class _Counted:
    """The first epoch of the first call: its batches, as many as there is room for, counted.

    Args:
        recording: The recording that the layer is from.
        layer: The layer.
    """

    def __init__(self, recording: Recording, layer: LayerRecording) -> None:
        first = layer.batches[0]
        epoch = takewhile(
            lambda batch: (
                (batch.phase, batch.epoch, batch.call) == (first.phase, first.epoch, first.call)
            ),
            layer.batches,
        )
        count = len(list(epoch))
        shown = min(count, MOST_BATCHES)
        self.batches = [flat(batch) for batch in layer.batches[:shown]]
        phase = first.phase or "unknown phase"
        where = phase if first.epoch is None else f"{phase}, epoch {first.epoch}"
        part = f", the first {shown} of {count} batches" if shown < count else ""
        self.title = f"{layer.name}: how the states began ({where}{part})"
        rows = [row for row in recording.resets() if row.layer == layer.name]
        self._whole = Resets(rows)
        self._is_part = sum(row.batches for row in rows) > shown

    def figure(self, kind: type[Figure]) -> tuple[Figure, Axes]:
        """A figure of a kind, with its words and an axes for the picture."""
        height = HEIGHT + _WHOLE * self._is_part
        figure = kind(figsize=((WIDTH + 2 * _MARGIN) / 96, height / 96), dpi=100)
        whole = WIDTH + 2 * _MARGIN
        box = _MARGIN / whole, 1 - HEIGHT / height, WIDTH / whole, HEIGHT / height
        ax = figure.add_axes(box)
        if self._is_part:
            words = (
                f"In the whole recording, {sum(row.batches for row in self._whole):,} batches: "
                f"{self._whole.state_tensors_zeroed:,} state tensors and "
                f"{self._whole.sample_states_zeroed:,} sample states."
            )
            figure.text(0.016, 0.5 * _WHOLE / height, words, fontsize=FONT, va="center")
        return figure, ax

    def scene(self) -> Scene:
        """The scene of the counting: a frame before the first batch, and one for each."""
        figure, ax = self.figure(Figure)
        answer = Answer(ax, self.batches)
        frames = range(len(self.batches) + 1)
        return Scene(
            figure,
            len(frames),
            describe=self.said,
            title=self.title,
            sentence=self.title,
            parts=[
                *(Appear(each, place + 1) for place, each in enumerate(answer.by_batch)),
                Keyed(answer.texts, frames, lambda frame, _: answer.show(frame)),
            ],
            pace=Pace(_BATCH_MS, 0),
        )

    def said(self, batches: int) -> str:
        """What is counted after some batches, in words."""
        counted = self.batches[:batches]
        return (
            f"after {batches} of {len(self.batches)} batches: "
            f"{sum(batch.zeros for batch in counted)} by batch, "
            f"{sum(batch.zero_rows for batch in counted):,} by row"
        )
