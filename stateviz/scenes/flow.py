"""The state column of some lanes, from the first frame to the last: one object that moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from stateviz.drawing import FONT
from stateviz.drawing.handover import Column, Handover, draw_signs
from stateviz.drawing.lanes import draw_ground, edges, fitting, letters_of
from stateviz.drawing.timeline import MARKERS
from stateviz.playing.moving import Declared, Slide, Told, appearing, standing_still
from stateviz.scenes.beats import Beats
from stateviz.scenes.naming import began
from stateviz.scenes.ways import Way

_COLUMN_INCHES = 0.14  # the least width of the state column
_ZERO_INCHES = 0.15  # a lane so high has a zero of its own
_DARK = "#202020"
_LEAVING = (0.45, 0.45, 0.45, 1.0)


class Flow:
    """Draws the lanes' state column on the axes of their states, and what moves it.

    Args:
        ax: The axes, at its place in the figure and with its limits.
        trail: The image of all columns, whose colours the state column has.
        values: All states, shape (lanes, columns).
        ways: The batches, and how each came to its state.
        beats: Their frames.
        over, under: The room over and under the axes, in inches.
        numbered: Whether the values stand in the cells, the zeros too.
    """

    def __init__(
        self,
        ax: Axes,
        trail: AxesImage,
        values: np.ma.MaskedArray,
        ways: Sequence[Way],
        beats: Beats,
        *,
        over: float,
        under: float,
        numbered: bool = False,
    ) -> None:
        self._numbered = numbered
        self.values, self.beats = np.ma.masked_invalid(values), beats
        ax.autoscale(False)
        figure = ax.get_figure(root=True)
        assert figure is not None
        box = ax.get_position()
        inches = box.width * figure.get_figwidth() / beats.layout.columns
        lanes_an_inch = beats.layout.lanes / (box.height * figure.get_figheight())
        self.width = max(1.0, _COLUMN_INCHES / inches)
        room = over * lanes_an_inch, under * lanes_an_inch
        self.handovers = [self._handover(way, place, room) for place, way in enumerate(ways)]
        self.shown = self._shown_columns()
        self.ground = draw_ground(ax, [way.record for way in ways], width=self.width)
        self.signs = [draw_signs(ax, handover) for handover in self.handovers]
        self._name_ways(ax, ways)
        self.column, self.frame = _a_column(ax, trail, _DARK, linewidth=1.8, zorder=4)
        self.column.set_label("state column")
        # Around it in the reader's own colour, which is light on a dark page.
        self.halo = Rectangle(
            (0, 0),
            1,
            1,
            facecolor="none",
            edgecolor="black",
            linewidth=4,
            clip_on=False,
            zorder=3.9,
        )
        ax.add_patch(self.halo)
        self.leaving, self.leaving_frame = _a_column(
            ax, trail, _LEAVING, linewidth=1.4, zorder=3, linestyle=(0, (2, 1.2))
        )
        self.leaving.set_label("leaving column")
        self.moves, self.leaves = self._paths()
        self.zeros = self._zero_digits(
            ax, 1 if lanes_an_inch * _ZERO_INCHES > 1 else beats.layout.lanes
        )

    def _handover(self, way: Way, place: int, room: tuple[float, float]) -> Handover:
        layout = self.beats.layout
        start = layout.starts[place]
        before, left = None, start - layout.gap - 0.5
        if way.before is not None:
            end = layout.end(place - 1) - 1
            before, left = self.values[:, end : end + 1], end - 0.5
        return Handover(
            way.record.origin,
            before,
            self.values[:, start : start + 1],
            left=left,
            right=start - 0.5,
            width=self.width,
            over=room[0],
            under=room[1],
            word=way.cause,
            is_same=way.is_same,
            lanes_before=self._of_all_lanes(way.lanes, np.nan) if way.by_row else None,
            origins=self._of_all_lanes(way.record.origins, "").tolist() if way.by_row else (),
        )

    def _of_all_lanes(self, of_rows: np.ndarray, other: object) -> np.ndarray:
        """An array with an element for each lane, also for those that a batch has no row for."""
        lanes = self.beats.layout.lanes
        return np.concatenate([of_rows, np.full(lanes - len(of_rows), other, of_rows.dtype)])

    def _shown_columns(self) -> dict[int, int]:
        """For each column of a handover, by its identity, its place among the values.

        Where rows go different ways, what some of them hold is added to the values.
        """
        layout, shown = self.beats.layout, {}
        for place, handover in enumerate(self.handovers):
            shown[id(handover.after)] = layout.starts[place]
            added = [] if handover.lanes_before is None else [handover.going_on]
            if handover.before is not None:
                shown[id(handover.before)] = layout.end(place - 1) - 1
                added += [handover.ending] if added else []
            for column in added:
                shown[id(column)] = self.values.shape[1]
                self.values = np.ma.hstack([self.values, column])
        return shown

    def _name_ways(self, ax: Axes, ways: Sequence[Way]) -> None:
        """Writes under each gap in a word what becomes of the state there."""
        letters = letters_of(self.beats.layout)
        y = self.beats.layout.lanes - 0.5 + 1.12 * self.handovers[0].under
        for handover, signs, way in zip(self.handovers, self.signs, ways, strict=True):
            room = letters * (way.record.timesteps + 1 + self.beats.layout.gap) - 1
            word = {
                "carried": fitting(room, *_shorter(handover.word), "carried over", "carried"),
                "fresh": fitting(room, "fresh zeros", "fresh"),
                "reset": fitting(room, "reset to zeros", "reset"),
                "given": fitting(room, handover.word, "given"),
                "altered": "altered",
                "mixed": fitting(room, began(way.record), began(way.record, short=True), "mixed"),
            }[handover.origin]
            x = (handover.left + handover.right + handover.width) / 2
            origin = handover.origin
            signs.append(
                ax.text(
                    x,
                    y,
                    word,
                    ha="center",
                    va="top",
                    fontsize=FONT,
                    weight="bold",
                    color="black" if origin == "mixed" else MARKERS[origin]["color"],
                    zorder=6,
                )
            )

    def _zero_digits(self, ax: Axes, count: int) -> list[Text]:
        return [
            ax.text(
                0,
                0,
                "0",
                ha="center",
                va="center",
                fontsize=FONT,
                color="black",
                zorder=6,
                visible=False,
            )
            for _ in range(count)
        ]

    def _paths(self) -> tuple[_Path, _Path]:
        """Where the state column is in each frame, and the one that leaves."""
        beats, layout = self.beats, self.beats.layout
        moves, leaves = _Path(beats.n_frames), _Path(beats.n_frames)
        for place, handover in enumerate(self.handovers):
            first, start = beats.first[place], layout.starts[place]
            for step in range(beats.motion):
                for path, column in zip(
                    (moves, leaves), handover.at(step / beats.motion), strict=True
                ):
                    if column is not None:
                        path.set(first + step, column, self.shown[id(column.values)])
            stops = slice(first + beats.motion, first + beats.motion + layout.timesteps[place] + 1)
            moves.columns[stops] = np.arange(start, layout.end(place))
            moves.boxes[stops, 0] = moves.columns[stops] - 0.5
            moves.boxes[stops, 1] = moves.boxes[stops, 0] + self.width
            moves.boxes[stops, 2:] = edges(layout)
        return moves, leaves

    def parts(self) -> list[Declared]:
        """All of it: the lanes as they wait, the signs, which come and stay, and the columns."""
        parts: list[Declared] = [standing_still(self.ground)]
        for first, signs in zip(self.beats.first, self.signs, strict=True):
            parts.append(appearing(signs, first))
        parts.append(Slide(self.halo, self.moves.boxes))
        for image, frame, path in (
            (self.column, self.frame, self.moves),
            (self.leaving, self.leaving_frame, self.leaves),
        ):
            parts.append(Slide(image, path.boxes, path.opacity, self.values, path.columns))
            parts.append(Slide(frame, path.boxes, path.opacity))
        return [*parts, Told(self.zeros, self._zero_places, self._show_zeros)]

    @cached_property
    def _zero_places(self) -> list[tuple[float, ...] | None]:
        """For each frame where the column stands if it is all zeros and all of it is there."""
        is_zero: np.ndarray = np.all(self.values.filled(0) == 0, axis=0)
        boxes = self.moves.boxes
        whole = boxes[:, 3] - boxes[:, 2] > 0.85 * self.beats.layout.lanes
        shown = is_zero[self.moves.columns] & whole
        if self._numbered:
            shown[list(self.beats.stops)] = False
        return [
            tuple(box) if here else None for box, here in zip(boxes.tolist(), shown, strict=True)
        ]

    def _show_zeros(self, frame: int, _option: int) -> None:
        place = self._zero_places[frame]
        for lane, digit in enumerate(self.zeros):
            digit.set_visible(place is not None)
            if place is not None:
                left, right, top, bottom = place
                row = (lane + 0.5) / len(self.zeros)
                digit.set_position(((left + right) / 2, top + row * (bottom - top)))


def _shorter(word: str) -> list[str]:
    """A word such as "from validation", and a shorter one; none where there is no word."""
    return [word, word.replace("validation", "val")] if word else []


class _Path:
    """Where a column is in each frame: nowhere, until it is set."""

    def __init__(self, n_frames: int) -> None:
        self.boxes = np.full((n_frames, 4), np.nan)
        self.opacity = np.ones(n_frames)
        self.columns = np.zeros(n_frames, int)

    def set(self, frame: int, column: Column, shown: int) -> None:
        self.boxes[frame], self.opacity[frame] = column.box, column.opacity
        self.columns[frame] = shown


def parts_of_columns(
    texts: Mapping[int, Sequence[Artist]], columns: Sequence[int]
) -> list[Declared]:
    """Texts of columns, each column's shown once it is filled in.

    Args:
        texts: The texts of each column.
        columns: For each frame, how many columns are filled in.
    """
    firsts = np.searchsorted(columns, np.array(list(texts)) + 1).tolist()
    return [appearing(each, first) for first, each in zip(firsts, texts.values(), strict=True)]


def _a_column(
    ax: Axes, trail: AxesImage, color: Any, *, zorder: float, **edge: Any
) -> tuple[AxesImage, Rectangle]:
    image = AxesImage(
        ax,
        cmap=trail.get_cmap(),
        interpolation="nearest",
        origin="upper",
        extent=(0, 1, 1, 0),
        zorder=zorder,
        clip_on=False,
    )
    image.set_data(np.zeros((1, 1)))
    image.set_clim(*trail.get_clim())
    ax.add_image(image)
    frame = Rectangle(
        (0, 0), 1, 1, facecolor="none", edgecolor=color, clip_on=False, zorder=zorder + 0.5, **edge
    )
    ax.add_patch(frame)
    return image, frame
