"""A scene: a figure, and what of it changes from frame to frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stateviz.playing.moving import Declared

# How long a stop stands at speed 1 where a scene has no pace of its own.
INTERVAL_MS = 200

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


@dataclass(frozen=True)
class Pick:
    """A place where a click chooses: along an axis of an axes each option has the room of 1.

    Attributes:
        ax: The axes.
        choice: The name of the choice; "" where a click goes to a stop.
        axis: "x" or "y".
        start: Where on that axis option 0 begins.
    """

    ax: Axes
    choice: str
    axis: str
    start: float


@dataclass(frozen=True)
class Note:
    """What is said of a place under the pointer, at every frame.

    Attributes:
        ax: The axes.
        box: Left, right, bottom and top of the place, in the axes' data.
        words: What is said.
    """

    ax: Axes
    box: tuple[float, float, float, float]
    words: str


@dataclass(frozen=True)
class Scene:
    """What a player plays.

    Attributes:
        figure: The figure, made without pyplot. Its limits, ticks and labels must not change.
        n_frames: The number of frames.
        describe: Says a frame in one line of words and numbers.
        hover: For an artist, what to say of the place under the pointer: words in which {x}, {y}
            and {value:.2f} are filled in, and {{ and }} stand for braces.
        rows: For an image, the name of each of its rows, which {y} then says.
        scales: For an image, what to multiply the values of each of its rows by, which {value} then
            says.
        lanes: Images of which each row is a lane: a click lights it in all of them, and it stays
            lit from frame to frame.
        marks: Places to jump to, as (frame, label) or (frame, label, sign): a sign of the rail's,
            such as "carried".
        begins: The frame to begin at when the reader has chosen this scene; where None the one
            that was shown before, as far as there is one.
        title: What is shown, in a few words.
        sentence: The same with the name of each choice in braces, as in "{state} of unit {unit}":
            there stands what is chosen. Where "", the choices stand beside each other.
        options: What can be chosen: for the name of each choice the label of each option.
        chosen: The option of each choice that this scene shows, 0-based.
        in_page: The name of the choice that is made in the page: `describe` takes its option as a
            keyword, the parts show it, and all its options go to the page. For another option of
            any other choice a new scene is made.
        varies: The artists that differ from option to option of `in_page`.
        picks: Where a click chooses.
        notes: What is said of places.
        parts: The artists that change, and when. What they show depends on the frame alone.
        stops: The frames at which a reader who goes step by step stops, in order; all where None.
            The frames between are motion from one stop to the next.
        pace: How long the frames stand.
    """

    figure: Figure
    n_frames: int
    describe: Callable[..., str]
    hover: Mapping[Artist, str] = field(default_factory=dict)
    rows: Mapping[Artist, Sequence[str]] = field(default_factory=dict)
    scales: Mapping[Artist, Sequence[float]] = field(default_factory=dict)
    lanes: Sequence[Artist] = ()
    marks: Sequence[tuple[int, str] | tuple[int, str, str]] = ()
    begins: int | None = None
    title: str = ""
    sentence: str = ""
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    chosen: Mapping[str, int] = field(default_factory=dict)
    in_page: str | None = None
    varies: Sequence[Artist] = ()
    picks: Sequence[Pick] = ()
    notes: Sequence[Note] = ()
    parts: Sequence[Declared] = ()
    stops: Sequence[int] | None = None
    pace: Pace = Pace(INTERVAL_MS, 0)

    def __post_init__(self) -> None:
        if self.n_frames < 1:
            raise ValueError(f"`n_frames` must be an integer >= 1; got {self.n_frames}.")
        for frame, label, *_ in self.marks:
            if not 0 <= frame < self.n_frames:
                raise ValueError(out_of_range(f"The mark {label!r}", frame, self.n_frames))
        stops = self.all_stops
        if not stops or list(stops) != sorted({*stops}) or stops[0] < 0:
            raise ValueError(
                f"`stops` must be frames in order, each once, at least one; got {self.stops!r}."
            )
        if stops[-1] != self.n_frames - 1:
            raise ValueError(
                f"The last stop must be the last frame, {self.n_frames - 1}; got {stops[-1]}."
            )

    @property
    def all_stops(self) -> tuple[int, ...]:
        """The frames that are stops."""
        return tuple(range(self.n_frames) if self.stops is None else self.stops)

    @property
    def poster(self) -> int:
        """The frame of the still picture: the last, where all of it is seen."""
        return self.n_frames - 1

    @property
    def moving(self) -> dict[int, Artist]:
        """The artists that change, by their identities."""
        return {id(artist): artist for part in self.parts for artist in part.artists}

    def show(self, frame: int, chosen: Mapping[str, int]) -> None:
        """Shows a frame in the figure."""
        option = 0 if self.in_page is None else chosen[self.in_page]
        for part in self.parts:
            part.show(frame, option)

    @cached_property
    def readouts(self) -> list[list[str]]:
        """For each option of the choice that is made in the page, what is said of each frame."""
        return [
            [self.readout(frame, chosen) for frame in range(self.n_frames)]
            for chosen in self.in_page_options()
        ]

    def readout(self, frame: int, chosen: Mapping[str, int]) -> str:
        """Says a frame."""
        within = {} if self.in_page is None else {self.in_page: chosen[self.in_page]}
        return self.describe(frame, **within)

    def in_page_options(self) -> list[dict[str, int]]:
        """What can be chosen in the page; one choice of nothing where nothing can."""
        if self.in_page is None:
            return [{}]
        return [{self.in_page: option} for option in range(len(self.options[self.in_page]))]


@dataclass(frozen=True)
class Shown:
    """What a player keeps of the scene that it shows: all but the figure.

    Attributes:
        readouts: For each option of the choice that is made in the page, a line for each frame.
        poster: The still picture, PNG.
        poster_text: The same in words.
    """

    title: str
    n_frames: int
    stops: tuple[int, ...]
    poster_frame: int
    begins: int | None
    interval_ms: int
    options: Mapping[str, Sequence[str]]
    chosen: Mapping[str, int]
    in_page: str | None
    readouts: Sequence[Sequence[str]]
    poster: bytes
    poster_text: str

    @classmethod
    def of(cls, scene: Scene, poster: bytes) -> Shown:
        """What is kept of a scene."""
        words = scene.readout(scene.poster, scene.chosen)
        return cls(
            title=scene.title,
            n_frames=scene.n_frames,
            stops=scene.all_stops,
            poster_frame=scene.poster,
            begins=scene.begins,
            interval_ms=scene.pace.interval_ms,
            options=scene.options,
            chosen=scene.chosen,
            in_page=scene.in_page,
            readouts=scene.readouts,
            poster=poster,
            poster_text=". ".join(filter(None, [scene.title, words])),
        )

    @property
    def rests(self) -> int:
        """The frame at which a player stands before it is played."""
        return self.poster_frame if self.begins is None else self.begins

    def readout(self, frame: int, chosen: Mapping[str, int]) -> str:
        """Says a frame."""
        return self.readouts[0 if self.in_page is None else chosen[self.in_page]][frame]


class Closed:
    """What stands in a closed player for its scene."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("This player is closed. Play the recording again to see it.")

    def __call__(self, **_: int) -> Any:
        """In the place of what makes another scene."""
        return self.closed


def out_of_range(what: str, frame: int, n_frames: int) -> str:
    """Says that a frame is not one of the frames."""
    return f"{what} is out of range: got frame {frame}; the frames are 0 to {n_frames - 1}."
