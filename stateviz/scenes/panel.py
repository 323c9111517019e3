"""A panel of lanes, batch after batch: a unit's state, and the column that moves through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stateviz.drawing import POINTS, draw_box, lanes, write, written
from stateviz.drawing.handover import Column, Handover
from stateviz.drawing.lanes import LETTER, Layout, fitting
from stateviz.drawing.signs import KNOT, RING, draw_signs, ring, sign
from stateviz.playing.artists import Areas, Threads
from stateviz.playing.moving import Appear, Declared, Fill, Keyed, Slide
from stateviz.playing.theme import GROUND, INK, STATE_MAP, color, soft
from stateviz.scenes.naming import began
from stateviz.scenes.timing import Timing
from stateviz.scenes.transitions import Transition

_COLUMN = 12.0  # the least width of the state column, in pixels of CSS
_FRAME = (4.0, 5.0)  # how much larger its frame is on each side
_BRIDGE = 0.42  # opacity
_MOST_NUMBERED = 5  # lanes
NAMES = 36.0  # pixels of CSS that the names of the batches take


def room_around(transitions: Sequence[Transition]) -> tuple[float, float]:
    """What is left free over the lanes, under the names, and under the lanes, in pixels of CSS.

    Over them stands the box of what altered a state; under them falls what is dropped, and stands
    the tray out of which a given state comes.
    """
    origins = {origin for each in transitions for origin in each.record.origins.tolist()}
    return (62 if "altered" in origins else 30), (66 if origins & {"fresh", "given"} else 36)


class LanePanel:
    """Draws the lanes of some batches on a figure, and knows what of it moves.

    Args:
        figure: The figure, as wide as `lanes.WIDTH` and of any height.
        top: Where the lanes begin, in pixels of CSS from the top.
        values: The state, shape (lanes, columns).
        transitions: The batches, and how each came to its state.
        timing: Their frames.
        limits: The values of both ends of a lane, or of the axis of threads.
        names: Whether the batches are named.
        origins: Whether it is written over each gap how the states began.
        mirrored: Whether time runs to the left.
        room: Columns that are left free after the last.
        heads: How far the names of the batches are over the lanes, in pixels of CSS.
        has_scale: Whether the scale is drawn.
        numbers: What to write beside the state column where there are few lanes, shape (lanes,
            columns).
    """

    def __init__(
        self,
        figure: Figure,
        top: float,
        values: np.ma.MaskedArray,
        transitions: Sequence[Transition],
        timing: Timing,
        limits: tuple[float, float],
        *,
        heads: float,
        names: bool = True,
        origins: bool = True,
        mirrored: bool = False,
        room: int = 0,
        has_scale: bool = True,
        numbers: np.ma.MaskedArray | None = None,
    ) -> None:
        self.layout, self.timing = timing.layout, timing
        self.transitions, self.limits = transitions, limits
        self.values, self.heads = np.ma.masked_invalid(values), heads
        records = [transition.record for transition in transitions]
        self.ax = lanes_axes(figure, top, self.layout.height, self.layout)
        ends = -0.5, self.layout.columns - 0.5 + room
        self.ax.set_xlim(ends[::-1] if mirrored else ends)
        self.mirrored = mirrored
        self.when_of: Callable[[int], str] = lambda t: f"t = {t}" if t >= 0 else "initial"
        self.zero = limits[1] / (limits[1] - limits[0]) * self.layout.lanes - 0.5
        self.cards = lanes.draw_cards(self.ax, records, self.layout, self.zero)
        self.image = lanes.draw_lanes(self.ax, values, self.layout, limits)
        self.width = max(_COLUMN, self.layout.column + 2) / self.layout.column
        self.handovers = [
            self._handover(transition, place) for place, transition in enumerate(transitions)
        ]
        self.shown = self._shown_columns()
        self.bridge_values, self.bridge = self._draw_bridges()
        self.signs = [draw_signs(self.ax, handover) for handover in self.handovers]
        for (early, _), handover, transition in zip(
            self.signs, self.handovers, transitions, strict=True
        ):
            early += self._name_origin(handover, transition) if origins else []
        if names:
            lanes.draw_batch_names(self.ax, records, self.layout, over=heads)
        lanes.name_lanes(self.ax, records, self.layout)
        numbered = numbers is not None and self.layout.lanes <= _MOST_NUMBERED
        if has_scale and not numbered:
            lanes.draw_scale(self.ax, self.layout, limits)
        self.leaving, self.leaving_frame = self._a_column("leaving column", leaves=True)
        self.column, self.frame = self._a_column("state column", leaves=False)
        [self.rings] = self.ax.plot([], [], clip_on=False, **ring("fresh", self._ring_size))
        self.rings.set_zorder(7.5)
        self.numbers = numbers if numbered else None
        bold: dict[str, Any] = {"weight": "bold", "zorder": 8}
        self.texts = [write(self.ax, 0, 0, "", **bold) for _ in range(self.layout.lanes * numbered)]
        self.when = write(self.ax, 0, 0, "", ha="center", **bold)

    @property
    def _ring_size(self) -> float:
        return KNOT if self.layout.are_threads else min(RING, 0.34 * self.layout.pitch + 2)

    def _handover(self, transition: Transition, place: int) -> Handover:
        start = self.layout.starts[place]
        right = start - 0.5 - (self.width - 1) / 2
        before, left = None, start - self.layout.gap - 0.5
        if transition.before is not None:
            end = self.layout.end(place - 1) - 1
            before, left = self.values[:, end : end + 1], end - 0.5 - (self.width - 1) / 2
        missing = self.layout.lanes - len(transition.lanes)
        return Handover(
            before,
            self.values[:, start : start + 1],
            [*transition.record.origins.tolist(), *[""] * missing],
            np.concatenate([transition.lanes, np.full(missing, np.nan)]),
            left=left,
            right=right,
            width=self.width,
            layout=self.layout,
            word=transition.cause,
            zero=self.zero,
        )

    def _shown_columns(self) -> dict[int, int]:
        """For each column of a handover, by its identity, its place among the values.

        What is on its way and stands in no batch, such as a column that is wiped, is added.
        """
        shown: dict[int, int] = {}
        for place, handover in enumerate(self.handovers):
            shown[id(handover.after)] = self.layout.starts[place]
            added = [handover.going_on]
            if handover.before is not None:
                shown[id(handover.before)] = self.layout.end(place - 1) - 1
                added += [handover.ending, *handover.wiped]
            for column in added:
                shown[id(column)] = self.values.shape[1]
                self.values = np.ma.hstack([self.values, column])
        return shown

    def _draw_bridges(self) -> tuple[np.ma.MaskedArray, Areas | Threads]:
        shape = self.layout.lanes, self.layout.columns
        values = np.ma.array(np.zeros(shape), mask=True)
        for handover in self.handovers:
            for rows, columns, held in handover.bridges():
                values[rows, columns] = np.ma.asarray(held)[:, np.newaxis]
        if self.layout.are_threads:  # they run into the batches on both sides
            for start in self.layout.starts:
                for inner, outer in ((start - 1, start), (start - self.layout.gap, -1)):
                    outer = start - self.layout.gap - 1 if outer < 0 else outer
                    there = ~np.ma.getmaskarray(values)[:, inner]
                    if outer >= 0:
                        values[there, outer] = values[there, inner]
        image = lanes.draw_lanes(self.ax, values, self.layout, self.limits)
        image.set_alpha(1.0 if self.layout.are_threads else _BRIDGE)
        image.set_zorder(2.6)
        if isinstance(image, Threads) and isinstance(self.image, Threads):
            image.bold = self.image.bold
        return values, image

    def _name_origin(self, handover: Handover, transition: Transition) -> list[Artist]:
        """Writes over a gap, before the batch's name, how its states began, with its sign."""
        layout = self.layout
        gap = layout.gap * layout.column
        origin = transition.record.origin
        is_new = handover.alike == "reset" and transition.cause == "new"
        says_whose = origin == "carried" or is_new or transition.cause.startswith("from")
        words = (
            [transition.cause, transition.cause.replace("validation", "val")] if says_whose else []
        )
        words.append(began(transition.record, short=True) if origin == "mixed" else origin)
        card = layout.column * (transition.record.timesteps + 1)
        word = fitting((gap + 0.5 * card - 14) / LETTER, *filter(None, words))
        y = -0.5 - self.heads / layout.pitch
        right = handover.ends - 8 / layout.column
        ha = "left" if self.mirrored else "right"
        text = write(self.ax, right, y, word, ha=ha)
        if origin == "mixed":
            return [text]
        wide = text.get_window_extent().width * 96 / self.ax.figure.dpi if word else 0
        x = right - (wide + 12) / layout.column
        style = ring("reset", 10) if is_new else sign(origin, 10)
        return [text, *self.ax.plot([x], [y], **style | {"zorder": 8, "clip_on": False})]

    def _a_column(self, name: str, *, leaves: bool) -> tuple[Areas | Threads, Rectangle]:
        z = 5.0 if leaves else 6.0
        look: dict[str, Any] = {"edgecolor": INK, "linewidth": 3 * POINTS}
        if leaves:
            look = {"edgecolor": soft(0.6), "linewidth": 1.5 * POINTS, "linestyle": (0, (3, 2))}
        frame = draw_box(self.ax, 0, 0, 1, 1, facecolor=GROUND, zorder=z, **look)
        chart = Threads if self.layout.are_threads else Areas
        image = chart(self.ax, STATE_MAP, *self.limits, extent=(0, 1, 1, 0), zorder=z + 0.2)
        image.set_clip_on(False)
        image.set_data(np.zeros((self.layout.lanes, 1)))
        image.set_label(name)
        return image, frame

    @cached_property
    def _paths(self) -> tuple[_Path, _Path]:
        """Where the state column is in each frame, and the one that leaves."""
        timing, layout = self.timing, self.layout
        moves, leaves = _Path(timing.n_frames), _Path(timing.n_frames)
        for place, handover in enumerate(self.handovers):
            first, start = timing.first[place], layout.starts[place]
            for step in range(timing.motion):
                both = handover.at(step / timing.motion)
                for path, column in zip((moves, leaves), both, strict=True):
                    if column is not None:
                        path.set(first + step, column, self.shown[id(column.values)])
            stops = slice(
                first + timing.motion, first + timing.motion + layout.timesteps[place] + 1
            )
            moves.columns[stops] = np.arange(start, layout.end(place))
            moves.boxes[stops, 0] = moves.columns[stops] - self.width / 2
            moves.boxes[stops, 1] = moves.boxes[stops, 0] + self.width
            moves.boxes[stops, 2:] = -0.5, layout.lanes - 0.5
        return moves, leaves

    def parts(self) -> list[Declared]:
        """All of it: the cards, what fills in, the signs, which come and stay, and the columns."""
        timing, layout = self.timing, self.layout
        columns = timing.columns()
        shown = self.values[:, : layout.columns]
        parts: list[Declared] = [Appear(self.cards), Fill(self.image, [shown], columns)]
        moves, leaves = self._paths
        bridged = self._bridged(columns, moves)
        parts.append(Fill(self.bridge, [self.bridge_values], bridged))
        for first, (early, late) in zip(timing.first, self.signs, strict=True):
            for signs, comes in ((early, first), (late, first + timing.motion)):
                if signs:
                    parts.append(Appear(signs, comes))
        for image, frame, path in (
            (self.leaving, self.leaving_frame, leaves),
            (self.column, self.frame, moves),
        ):
            parts.append(Slide(frame, self._framed(path.boxes), path.opacity))
            parts.append(Slide(image, path.boxes, path.opacity, self.values, path.columns))
        parts.append(Keyed([self.rings], self._ring_places, self._show_rings))
        at = [timing.at(frame) for frame in range(timing.n_frames)]
        keys = [moment.column if moment.part is None else None for moment in at]
        parts.append(Keyed([self.when, *self.texts], keys, lambda frame, _: self._say(keys[frame])))
        return parts

    def _bridged(self, columns: Sequence[int], moves: _Path) -> list[int]:
        """For each frame, up to which column the bridges stand: as far as the state has come."""
        reached = []
        for frame, filled in enumerate(columns):
            moment = self.timing.at(frame)
            if moment.part is None:
                reached.append(filled)
                continue
            start = self.layout.starts[moment.place]
            x = moves.boxes[frame, 0] + self.width / 2
            up_to = start if np.isnan(x) else int(np.clip(x + 0.5, start - self.layout.gap, start))
            reached.append(max(up_to, reached[-1] if reached else 0))
        return reached

    def _framed(self, boxes: np.ndarray) -> np.ndarray:
        across, down = _FRAME[0] / self.layout.column, _FRAME[1] / self.layout.pitch
        framed: np.ndarray = boxes + np.array([-across, across, -down, down])
        return framed

    @cached_property
    def _ring_places(self) -> list[tuple[float, ...] | None]:
        """For each frame where the moving column stands if it is all zeros, and how it began."""
        is_zero: np.ndarray = np.all(self.values.filled(0) == 0, axis=0)
        boxes, found = self._paths[0].boxes, []
        for frame, column in enumerate(self._paths[0].columns.tolist()):
            moment = self.timing.at(frame)
            whole = boxes[frame, 3] - boxes[frame, 2] > 0.3 * self.layout.lanes
            there = is_zero[column] and whole and moment.part is not None
            found.append((*boxes[frame].tolist(), float(moment.place)) if there else None)
        return found

    def _show_rings(self, frame: int, _option: int) -> None:
        at = self._ring_places[frame]
        self.rings.set_visible(at is not None)
        if at is None:
            return
        left, right, top, bottom, place = at
        rows = np.array([self.zero]) if self.layout.are_threads else np.arange(self.layout.lanes)
        y = top + (rows + 0.5) / self.layout.lanes * (bottom - top)
        self.rings.set_data(np.full(len(y), (left + right) / 2), y)
        self.rings.set_markeredgecolor(color(self.transitions[int(place)].record.origins[0]))

    def _say(self, column: int | None) -> None:
        """Writes under the state column which timestep it is, and beside it what few lanes hold."""
        for text in (self.when, *self.texts):
            text.set_visible(column is not None)
        if column is None:
            return
        place = int(np.searchsorted(self.layout.starts, column, side="right")) - 1
        timestep = column - self.layout.starts[place] - 1
        self.when.set_text(self.when_of(timestep))
        self.when.set_position((column, self.layout.lanes - 0.5 + 24 / self.layout.pitch))
        x = column + self.width / 2 + 8 / self.layout.column
        for lane, text in enumerate(self.texts):
            assert self.numbers is not None
            value = self.numbers[lane, column]
            words = "" if np.ma.is_masked(value) else written(value)
            text.set_text(words)
            text.set_position((x, lane - 14 / self.layout.pitch))


def lanes_axes(
    figure: Figure, top: float, height: float, layout: Layout, name: str = "lanes"
) -> Axes:
    """An axes as wide as the lanes, without ticks: columns across, lanes downwards."""
    whole = figure.get_figheight() * 96
    ax = figure.add_axes(
        (
            layout.margins[0] / layout.width,
            1 - (top + height) / whole,
            1 - sum(layout.margins) / layout.width,
            height / whole,
        )
    )
    ax.set_xlim(-0.5, layout.columns - 0.5)
    ax.set_ylim(layout.lanes - 0.5, -0.5)
    ax.axis("off")
    ax.autoscale(False)
    ax.set_label(name)
    return ax


class _Path:
    """Where a column is in each frame: nowhere, until it is set."""

    def __init__(self, n_frames: int) -> None:
        self.boxes = np.full((n_frames, 4), np.nan)
        self.opacity = np.ones(n_frames)
        self.columns = np.zeros(n_frames, int)

    def set(self, frame: int, column: Column, shown: int) -> None:
        self.boxes[frame], self.opacity[frame] = column.box, column.opacity
        self.columns[frame] = shown
