"""The frames of batches that follow one another: before each a motion, then its timesteps."""

from __future__ import annotations

import bisect
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
    """

    place: int
    column: int
    part: float | None


@dataclass(frozen=True)
class Timing:
    """The frames of some batches that stand as in a layout, with a motion before each or none."""

    layout: Layout
    moves: bool = True

    @cached_property
    def motion(self) -> int:
        """How many frames the motion before each batch has."""
        return frames_of_a_motion(len(self.layout.starts)) if self.moves else 0

    @cached_property
    def first(self) -> tuple[int, ...]:
        """The first frame of the motion before each batch."""
        found, frame = [], 0
        for steps in self.layout.timesteps:
            found.append(frame)
            frame += self.motion + steps + 1
        return tuple(found)

    @cached_property
    def n_frames(self) -> int:
        """The number of frames."""
        return self.first[-1] + self.motion + self.layout.timesteps[-1] + 1

    @cached_property
    def stops(self) -> tuple[int, ...]:
        """The frames at which a state was recorded."""
        return tuple(
            first + self.motion + step
            for first, steps in zip(self.first, self.layout.timesteps, strict=True)
            for step in range(steps + 1)
        )

    @property
    def pace(self) -> Pace:
        """How long the frames stand."""
        motions = len(self.first) if self.moves else 0
        return pace(len(self.stops), motions=motions, usual_ms=120 if self.moves else 400)

    def at(self, frame: int) -> Moment:
        """What a frame shows."""
        place = bisect.bisect_right(self.first, frame) - 1
        passed = frame - self.first[place]
        start = self.layout.starts[place]
        if passed < self.motion:
            return Moment(place, start, passed / self.motion)
        return Moment(place, start + passed - self.motion, None)

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
