"""How long the frames of a scene stand: long enough to look, and over in less than a minute."""

from __future__ import annotations

from dataclasses import dataclass

_SHORTEST_PLAY_MS = 6_000
_LONGEST_PLAY_MS = 55_000
_LONGEST_FRAME_MS = 1_200
_MOTION_MS = 2_000
# Of a long play, motion takes no more than this part.
_MOTION_SHARE = 0.5
# In the page, what moves is drawn between two frames too; this many are enough for a curved path.
_FRAMES_OF_A_MOTION, _FEWEST_FRAMES_OF_A_MOTION, _MOST_FRAMES_OF_MOTIONS = 24, 4, 480


@dataclass(frozen=True)
class Pace:
    """How long frames stand at speed 1, in milliseconds.

    Attributes:
        interval_ms: A stop.
        between_ms: A frame between two stops.
    """

    interval_ms: int
    between_ms: float


def frames_of_a_motion(motions: int) -> int:
    """How many frames each of some motions has."""
    most = _MOST_FRAMES_OF_MOTIONS // max(motions, 1)
    return min(_FRAMES_OF_A_MOTION, max(_FEWEST_FRAMES_OF_A_MOTION, most))


def pace(stops: int, *, motions: int = 0, usual_ms: int = 120) -> Pace:
    """The pace of a scene.

    Args:
        stops: How many frames are stops.
        motions: How many motions lie between them.
        usual_ms: How long a stop stands where nothing speaks against it.
    """
    motion = min(_MOTION_MS, _MOTION_SHARE * _LONGEST_PLAY_MS / max(motions, 1))
    rest = stops or 1
    enough = (_SHORTEST_PLAY_MS - motions * motion) / rest
    most = (_LONGEST_PLAY_MS - motions * motion) / rest
    interval = min(max(usual_ms, min(enough, _LONGEST_FRAME_MS)), most)
    return Pace(max(1, round(interval)), motion / frames_of_a_motion(motions))
