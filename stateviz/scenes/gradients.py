"""The scene of both ways: the state goes forwards, and the gradient of the loss comes back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from stateviz.drawing import POINTS, draw_box, lanes, write, written
from stateviz.drawing.sample import name_state
from stateviz.playing.artists import HALO, LINE, Areas
from stateviz.playing.moving import Appear, Declared, Keyed, Slide
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from stateviz.playing.theme import GROUND, INK, LEVEL_MAP, soft
from stateviz.recording import Recording
from stateviz.scenes.batches import said_lanes
from stateviz.scenes.choosing import batches_of, check_place, one_layer, unit_names
from stateviz.scenes.panel import NAMES, LanePanel, lanes_axes, room_around
from stateviz.scenes.timing import Timing
from stateviz.scenes.transitions import Transition, transitions_of

_STATE, _GRADIENT, _BETWEEN, _UNDER = 150.0, 150.0, 46.0, 50.0  # pixels of CSS
_LEAST_PITCH = 20.0
_DECADES = 12  # what is smaller lies on the lower edge
_MOST_BATCHES = 3


def play_gradients(
    recording: Recording,
    *,
    layer: str | None = None,
    batches: Sequence[int] | None = None,
    unit: int = 0,
    interval_ms: int | None = None,
) -> Player:
    """Plays both ways through batches that were trained on: the state's, and the gradient's.

    Once a batch is read, the gradient of the loss comes back through it, a timestep after the
    other: the norm of dL/dc is the area and that of dL/dh the line, on a logarithmic axis. At the
    border of the batch it is dropped, though the state has come over it; only to a layer of the
    same model, such as an encoder, it goes on. It says how much the loss depends on a state, not
    how much is learned.

    Args:
        recording: What `stateviz.record(model, gradients=True)` recorded.
        layer: The layer's name; may be left out where the recording has one layer.
        batches: The places in `LayerRecording.batches` to play, 0-based; where None the first ones
            that have gradients.
        unit: The unit among those that were kept whose state is shown, 0-based.
        interval_ms: How long a timestep stands, in milliseconds; chosen where None.

    Returns:
        A `Player` with a stop for each timestep forwards and each back.

    Raises:
        ValueError: A batch has no gradients, or the recording has several layers and none is named.
        KeyError: There is no such layer.
        IndexError: There is no such batch or unit.
    """
    of = one_layer(recording, layer)
    trained = [batch.index for batch in of.batches if batch.gradients is not None]
    places = trained if batches is None else list(batches)
    records = batches_of(of, places) if places else []
    if not records or any(record.gradients is None for record in records):
        raise ValueError(
            f"{len(trained)} of {len(of.batches)} batches of {of.name!r} have gradients: record "
            f"with gradients=True, train in the block, and choose among these with batches=."
        )
    check_place("unit", unit, len(unit_names(records[0], records[0].state_names[-1])), of.name)
    if batches is None:
        places = places[:_MOST_BATCHES]
    shown = transitions_of(recording, of, places, with_givers=True)
    if batches is None and len(shown) > len(places):  # with an encoder before each
        shown = transitions_of(recording, of, places[:2], with_givers=True)
    if any(each.record.gradients is None for each in shown):
        shown = transitions_of(recording, of, places)
    return Player(lambda: _Picture(shown, unit).scene(), interval_ms=interval_ms)


class _Picture:
    """The lanes of one unit, and under them how large the gradient is that comes back."""

    def __init__(self, transitions: Sequence[Transition], unit: int) -> None:
        self.transitions = transitions
        records = self.records = [transition.record for transition in transitions]
        many = max(len(record.samples) for record in records)
        pitch = max(_STATE / many, 0 if many > lanes.MOST_AREAS else _LEAST_PITCH)
        self.layout = lanes.lay_out(records, pitch=min(pitch, _STATE / 2))
        crosses = tuple(bool(place) and self._crosses(place) for place in range(len(records)))
        self.timing = Timing(self.layout, crosses=crosses)
        state = records[0].state_names[-1]
        self.symbol = name_state(state)[0]
        self.title = f"{self.symbol} of unit {records[0].unit_numbers[unit]} in {said_lanes(many)}"
        found = [record.gradients for record in records if record.gradients is not None]
        self.norms = {
            name: [each.norms(name) for each in found] for name in records[0].state_names[::-1]
        }
        values = lanes.state_lanes(records, state, unit, self.layout)
        limits = lanes.limits_in(self.layout, values)
        over, under = room_around(transitions)
        top = NAMES + over
        below = top + self.layout.height + under + _BETWEEN
        size = lanes.WIDTH / 96, (below + _GRADIENT + _UNDER) / 96
        self.figure = Figure(figsize=size, dpi=100)
        self.panel = LanePanel(
            self.figure, top, values, transitions, self.timing, limits, heads=over
        )
        self.panel.when_of = lambda _: ""
        self._draw(below)

    def _crosses(self, place: int) -> bool:
        """Whether the gradient goes on into the batch before, bit for bit."""
        before, after = (self.records[at].gradients for at in (place - 1, place))
        return (
            self.records[place].layer != self.records[place - 1].layer
            and before is not None
            and after is not None
            and np.array_equal(before.hidden_state[:, -1], after.initial_hidden_state)
        )

    def _draw(self, top: float) -> None:
        """Draws cards, and on them what comes back, over an axis of powers of ten."""
        layout = self.layout
        ax = self.ax = lanes_axes(self.figure, top, _GRADIENT, layout, "gradients")
        ax.set_ylim(0, 1)
        sizes = np.ma.array(np.zeros((len(self.norms), layout.columns)), mask=True)
        for row, norms in enumerate(self.norms.values()):
            for start, of_batch in zip(layout.starts, norms, strict=True):
                known = np.ma.masked_invalid(np.ma.masked_less(of_batch, 1e-300))
                sizes[row, start : start + len(known)] = np.ma.log10(known)
        most = np.ceil(sizes.max() + 0.05) if sizes.count() else 1
        low = max(np.floor(sizes.min() - 0.05), most - _DECADES) if sizes.count() else 0
        self.heights = np.ma.clip((sizes - low) / (most - low), 0, 1)
        for left, steps in zip(layout.starts, layout.timesteps, strict=True):
            draw_box(ax, left - 0.5, 0, steps + 1, 1, facecolor=soft(0.045))
        for power in range(int(most), int(low) - 1, -max(1, round((most - low) / 4))):
            y = (power - low) / (most - low)
            ax.plot([-0.5, layout.columns - 0.5], [y, y], color=soft(0.15), linewidth=POINTS)
            x, words = layout.columns - 0.5 + 8 / layout.column, f"1e{written(power, 'd')}"
            write(ax, x, y, words, color=soft(0.66))
        edges = (-0.5, layout.columns - 0.5, -1.0, 1.0)  # its zero line is the lower edge
        self.area = Areas(ax, LEVEL_MAP, -1.0, 1.0, extent=edges, zorder=2)
        self.area.set_data(self.heights[:1])
        self.lines = [
            ax.plot([], [], color=tint, linewidth=width * POINTS, zorder=4)[0]
            for width, tint in ((LINE + 2 * HALO, GROUND), (LINE, INK))
        ] * (len(self.norms) > 1)
        [self.head] = ax.plot([0], [0.5], "<", color=INK, markersize=9, clip_on=False, zorder=6)
        what = "|dL/dc| (area) and |dL/dh| (line) come back" if self.lines else "|dL/dh| comes back"
        words = f"◄ {what}, on a logarithmic axis"
        write(ax, -0.5, 1 + 22 / _GRADIENT, words, weight="bold")
        self.ends = [self._draw_end(place) for place in range(len(self.records))]

    def _draw_end(self, place: int) -> list[Artist]:
        """The border at which the gradient leaves a batch, and how much of it arrives there."""
        x, crosses = self.layout.starts[place] - 0.5, self.timing.crosses[place]
        norms = next(iter(self.norms.values()))[place]
        last = norms[np.flatnonzero(norms)[-1]] if norms.any() else 1.0
        origin = self.records[place].origin
        end = {"fresh": "nothing before", "reset": "nothing before", "given": "ends here"}
        lines = (
            f"{_share(norms[0] / last)} arrives",
            "goes on" if crosses else end.get(origin, "dropped here"),
        )
        found: list[Artist] = [
            write(self.ax, x, (-18 - 20 * row) / _GRADIENT, line, weight=("bold", "normal")[row])
            for row, line in enumerate(lines)
        ]
        if not crosses:
            return [*found, *self.ax.plot([x, x], [0, 1], color=INK, linewidth=5 * POINTS)]
        y, middle = self.heights[0, self.layout.starts[place]], x - self.layout.gap / 2
        found += self.ax.plot([x - self.layout.gap, x], [y, y], color=INK, linewidth=2 * POINTS)
        return [*found, *self.ax.plot([middle], [y], "<", color=INK, markersize=9)]

    def parts(self) -> list[Declared]:
        frames = range(self.timing.n_frames)
        arrives = np.full(self.layout.columns, self.timing.n_frames)  # a frame for each column
        heads = np.full((len(frames), 4), np.nan)
        for frame in frames:
            at = self.timing.at(frame).back
            column = self.layout.end(at[0]) - at[1] if at else 0
            if at is not None:
                arrives[column] = frame
                is_border = at[1] > self.layout.timesteps[at[0]]
                heads[frame] = np.nan if is_border else column - 0.5

        def show(frame: int, _option: int) -> None:
            shown = np.ma.masked_where(np.tile(arrives > frame, (len(heights), 1)), heights)
            self.area.set_data(shown[:1])
            for line in self.lines:
                line.set_data(np.arange(shown.shape[1]), shown[-1].filled(np.nan))

        heights = self.heights
        keys = np.searchsorted(np.sort(arrives), frames, side="right").tolist()
        parts = [*self.panel.parts(), Keyed([self.area, *self.lines], keys, show)]
        parts.append(Slide(self.head, heads))
        return parts + [
            Appear(end, int(arrives[start]))
            for start, end in zip(self.layout.starts, self.ends, strict=True)
        ]

    def describe(self, frame: int) -> str:
        """The frame in words and numbers."""
        moment = self.timing.at(frame)
        if moment.part is not None:
            return self.transitions[moment.place].said
        if moment.back is None:
            read = moment.column - self.layout.starts[moment.place]
            of = self.layout.timesteps[moment.place]
            return f"{self.transitions[moment.place].name}   {read} of {of} timesteps read"
        place, back = moment.back
        timestep = self.layout.timesteps[place] - back
        when = f"at t = {timestep}" if timestep >= 0 else "at the initial state"
        if timestep < 0 and self.timing.crosses[place]:
            when = f"at the initial state, and goes on into {self.records[place - 1].layer}"
        sizes = ", ".join(
            f"|dL/d{name_state(name)[0]}| = {norms[place][timestep + 1]:.2g}"
            for name, norms in self.norms.items()
        )
        return f"{self.transitions[place].name}   the gradient is {when}: {sizes}"

    def scene(self) -> Scene:
        title = f"{self.title}, and the gradient · {self.records[-1].layer}"
        return Scene(
            self.figure,
            self.timing.n_frames,
            describe=self.describe,
            marks=self.timing.marks(self.transitions),
            title=title,
            sentence=title,
            parts=self.parts(),
            stops=self.timing.stops,
            pace=self.timing.pace,
        )


def _share(share: float) -> str:
    """How much arrives, in words: "7 %", "6e-07", "nothing", or "2 times as much"."""
    if share >= 1:
        return f"{share:.1g} times as much"
    small = f"{share:.0e}" if share else "nothing"
    return f"{100 * share:.2g} %" if share >= 1e-3 else small
