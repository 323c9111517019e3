"""`draw_answer` and `play_answer`: 5 or 1000? Both, and what each of them counts."""

from __future__ import annotations

from itertools import takewhile

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from stateviz.drawing.answer import MOST_BATCHES, Answer
from stateviz.playing.moving import Part
from stateviz.playing.pace import Pace
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from stateviz.playing.stage import poster_png
from stateviz.recording import ZEROED, BatchRecord, LayerRecording, Recording
from stateviz.scenes.choosing import one_layer
from stateviz.scenes.furniture import FONT, LEFT, WIDTH, headline

_HEIGHT = 4.3
_BATCH_MS = 1_300


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
    of = one_layer(recording, layer)
    figure: Figure | SubFigure
    if ax is None:
        figure, ax = _a_figure(of, Still)
    else:
        figure = ax.figure
    batches = _first_epoch(of)
    Answer(ax, batches).show(len(batches))
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
    of = one_layer(recording, layer)
    figure, ax = _a_figure(of, Figure)
    batches = _first_epoch(of)
    answer = Answer(ax, batches)

    def update(frame: int) -> list[Artist]:
        return answer.show(frame)

    def describe(frame: int) -> str:
        zeroed = [batch for batch in batches[:frame] if batch.origin in ZEROED]
        rows = sum(batch.batch_size for batch in zeroed)
        return f"after {frame} of {len(batches)} batches: {len(zeroed)} by batch, {rows:,} by row"

    def shown_from(first: int, artists: list[Artist]) -> Part:
        def move(frame: int) -> None:
            for artist in artists:
                artist.set_visible(frame >= first)

        return Part(artists, first - 1, first, move)

    return Player.of(
        lambda **_: Scene(
            figure,
            update,
            len(batches) + 1,
            describe=describe,
            title=_title(of),
            parts=[shown_from(place + 1, each) for place, each in enumerate(answer.by_batch)],
            pace=Pace(_BATCH_MS, 0),
        )
    )


def _a_figure(layer: LayerRecording, kind: type[Figure]) -> tuple[Figure, Axes]:
    figure = kind(figsize=(WIDTH, _HEIGHT), dpi=100)
    headline(figure, _title(layer), left=LEFT - 0.04)
    ax = figure.add_axes((LEFT - 0.04, 0.11, 0.95, 0.78))
    figure.text(LEFT - 0.04, 0.06, _whole_run(layer), fontsize=FONT, va="center")
    return figure, ax


def _title(layer: LayerRecording) -> str:
    first = layer.batches[0]
    epoch = "" if first.epoch is None else f", epoch {first.epoch}"
    return f"{layer.name}: how the states began ({first.phase or 'unknown phase'}{epoch})"


def _first_epoch(layer: LayerRecording) -> list[BatchRecord]:
    """The batches of the first epoch of the first phase, as many as there is room for."""
    first = layer.batches[0]
    same = takewhile(lambda each: (each.phase, each.epoch) == (first.phase, first.epoch),
                     layer.batches)  # fmt: skip
    return [batch.flat for batch in same][:MOST_BATCHES]


def _whole_run(layer: LayerRecording) -> str:
    """The counts of the whole recording, where it holds more than is drawn."""
    shown = len(_first_epoch(layer))
    zeroed = [batch for batch in layer.batches if batch.origin in ZEROED]
    if shown == len(layer.batches):
        return ""
    rows = sum(batch.batch_size for batch in zeroed)
    return (
        f"In the whole recording, {len(layer.batches):,} batches: {len(zeroed):,} state tensors "
        f"and {rows:,} sample states."
    )
