"""The frames of batches that follow one another: before each a motion, then its timesteps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from stateviz.drawing.lanes import Layout
from stateviz.playing.scene import Pace, frames_of_a_motion, pace
from stateviz.scenes.naming import sign_of
from stateviz.scenes.transitions import Transition


@dataclass(frozen=True)
class Moment:
    """What one frame shows.

    Attributes:
        place: The place of the batch among those shown.
        column: The column of the state that is shown; in a motion that of the initial state.
        part: In a motion how much of it has passed, from 0 to 1; None at a stop.
        back: Where a gradient is on its way back: in the batch at which place, and through how many
            of its columns it has come; None where none is.
    """

    place: int
    column: int
    part: float | None = None
    back: tuple[int, int] | None = None


@dataclass(frozen=True)
class Timing:
    """The frames of some batches that stand as in a layout, with a motion before each or none.

    Attributes:
        crosses: For each batch whether its gradient goes on into the batch before; empty where no
            gradient is shown. It comes back once all are read into which it goes on.
        usual_ms: How long a stop stands where nothing speaks against it, if told.
    """

    layout: Layout
    moves: bool = True
    crosses: tuple[bool, ...] = ()
    usual_ms: int | None = None

    @cached_property
    def motion(self) -> int:
        """How many frames the motion before each batch has."""
        return frames_of_a_motion(len(self.layout.starts)) if self.moves else 0

    @cached_property
    def _moments(self) -> list[Moment]:
        found: list[Moment] = []
        read: list[int] = []
        timesteps = self.layout.timesteps
        for place, (start, steps) in enumerate(zip(self.layout.starts, timesteps, strict=True)):
            found += [Moment(place, start, k / self.motion) for k in range(self.motion)]
            found += [Moment(place, start + step) for step in range(steps + 1)]
            read.append(place)
            while read and self.crosses and not any(self.crosses[place + 1 : place + 2]):
                of, end = read.pop(), start + steps
                found += [Moment(place, end, None, (of, k + 1)) for k in range(timesteps[of] + 1)]
        return found

    @cached_property
    def first(self) -> tuple[int, ...]:
        """The first frame of each batch, or of the motion before it."""
        places = [moment.place for moment in self._moments]
        return tuple(map(places.index, range(len(self.layout.starts))))

    @property
    def n_frames(self) -> int:
        """The number of frames."""
        return len(self._moments)

    @cached_property
    def stops(self) -> tuple[int, ...]:
        """The frames at which a state was recorded."""
        return tuple(at for at, moment in enumerate(self._moments) if moment.part is None)

    @property
    def pace(self) -> Pace:
        """How long the frames stand."""
        motions = len(self.first) if self.moves else 0
        usual = self.usual_ms or (120 if self.moves else 400)
        return pace(len(self.stops), motions=motions, usual_ms=usual)

    def at(self, frame: int) -> Moment:
        """What a frame shows."""
        return self._moments[frame]

    def columns(self) -> list[int]:
        """For each frame, how many columns are filled in."""
        filled = []
        for frame in range(self.n_frames):
            moment = self.at(frame)
            if moment.part is None:
                filled.append(moment.column + 1)
            else:
                before = moment.place - 1
                filled.append(0 if before < 0 else self.layout.end(before))
        return filled

    def marks(self, transitions: Sequence[Transition]) -> list[tuple[int, str, str]]:
        """The stop at which each batch begins, with its name and how its states began."""
        begins = [first + self.motion for first in self.first]
        return [
            (begin, transition.name, sign_of(transition.record))
            for begin, transition in zip(begins, transitions, strict=True)
        ]
