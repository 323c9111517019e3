"""Plays a scene in the browser: the stage is drawn once, the browser repaints what changes.

The player collects what every artist that changes holds in every frame, without rendering. The
figure without these artists is the stage, an SVG. Both go to the page once; from then on playing
needs no kernel.
"""

from __future__ import annotations

import base64
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import traitlets as t
from matplotlib.figure import Figure

from stateviz.playing import page
from stateviz.playing.export import save_film, storyboard
from stateviz.playing.packing import packed
from stateviz.playing.page import snippet, whole_page
from stateviz.playing.reruns import made_by_this_run
from stateviz.playing.scene import INTERVAL_MS, Closed, Scene, Shown, out_of_range
from stateviz.playing.stage import poster_png


class Player(page.PageWidget):
    """Plays the frames of a scene, in a notebook and in HTML that needs no kernel.

    Pure black is drawn in the text colour of the reader's theme, white as its ground, and the
    reserved colours of `stateviz.playing.theme` as those of the theme.

    Args:
        make: Makes the scene for what was chosen, a keyword for each choice; the scene's `chosen`
            says what it shows. It may differ from what was asked for, where another choice left
            too few options.
        interval_ms: How long a stop stands at speed 1, in milliseconds; where None, as the scene
            says.
        chosen: The option of each choice to begin with, 0-based.

    Attributes:
        frame: The frame that is shown, 0-based; at first the one that tells the most, from where
            play begins anew. Setting it updates `figure` and `readout`; a page
            that is told of a frame between two stops moves on to the next stop.
        n_frames: The number of frames.
        interval_ms: How long a stop stands at speed 1, in milliseconds.
        playing: Whether the page plays. It never starts by itself.
        loop: Whether it begins again at the end.
        figure: The figure, whose artists show `frame`. It is drawn again when it is asked for,
            since a page needs it only once.

    Raises:
        ValueError: There is nothing to play, or too much for a page.
        TypeError: An artist is of a kind that cannot be played.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from stateviz.playing.moving import Keyed
        >>> def walk():
        ...     figure = Figure()
        ...     [dot] = figure.add_subplot(xlim=(0, 9), ylim=(0, 9)).plot([0], [0], "o")
        ...     moves = Keyed([dot], range(10), lambda frame, _: dot.set_data([frame], [frame]))
        ...     describe = "at {}".format
        ...     return Scene(figure, 10, describe=describe, title="Walk", parts=[moves])
        >>> player = Player(walk)
        >>> player
        Player('Walk', 10 frames)
        >>> player.frame = 7
        >>> player.readout
        'at 7'
    """

    # As text: of a widget whose script is a Path anywidget keeps every one alive.
    _esm: ClassVar[str] = page.script()
    _css: ClassVar[str] = page.style()

    frame = t.Int(0).tag(sync=True)
    n_frames = t.Int(read_only=True).tag(sync=True)
    interval_ms = t.Int(INTERVAL_MS).tag(sync=True)
    playing = t.Bool(False).tag(sync=True)
    loop = t.Bool(False).tag(sync=True)
    chosen = t.Dict(value_trait=t.Int(), key_trait=t.Unicode()).tag(sync=True)
    _live = t.Bool(True).tag(sync=True)
    _payload = t.Bytes().tag(sync=True)
    _own_id = t.Unicode().tag(sync=True)

    def __init__(
        self, make: Callable[..., Scene], *, interval_ms: int | None = None, **chosen: int
    ) -> None:
        self._make = make
        self._shown: Shown
        self._drawn: Callable[[], Scene | None]
        self._keeps_interval = interval_ms is not None
        payload = self._packed(make(**chosen))
        super().__init__(
            frame=self._shown.rests,
            interval_ms=interval_ms or self._shown.interval_ms,
            chosen=dict(self._shown.chosen),
            _payload=payload,
        )
        self.set_trait("n_frames", self._shown.n_frames)
        self._own_id = self.model_id or ""
        made_by_this_run(self)

    def close(self) -> None:
        """Ends the player, and lets go of all that it holds: the scene, and what the page gets.

        ipywidgets keeps a widget until it is closed. A player is closed by itself when the cell of
        a notebook that made it runs again.
        """
        super().close()
        closed: Any = Closed()
        self._shown = self._make = self._drawn = closed
        self.set_trait("_payload", b"")

    def _packed(self, scene: Scene) -> bytes:
        """The scene's bytes for the page; of its figure, some 13,000 objects, nothing is kept."""
        scene.show(scene.poster, scene.chosen)
        self._shown = Shown.of(scene, poster_png(scene.figure))
        payload = packed(scene)
        scene.show(self._shown.rests, scene.chosen)
        self._drawn = weakref.ref(scene)
        return payload

    @property
    def _scene(self) -> Scene:
        """The scene; made again where nobody has held its figure since it was last asked for."""
        scene = self._drawn()
        if scene is None:
            scene = self._make(**self._shown.chosen)
            scene.show(self.frame, self.chosen)
            self._drawn = weakref.ref(scene)
        # Whoever holds the figure, or an artist in it, sees it follow the player.
        vars(scene.figure)["_stateviz_scene"] = scene
        return scene

    @property
    def figure(self) -> Figure:
        """The figure, whose artists show `frame`."""
        return self._scene.figure

    @property
    def stops(self) -> tuple[int, ...]:
        """The frames at which something was recorded, in order; those between are motion.

        "Next", "Previous" and the arrow keys go from one to the next.
        """
        return self._shown.stops

    @property
    def payload(self) -> bytes:
        """What the page gets of the scene, packed."""
        payload: bytes = self._payload
        return payload

    @property
    def title(self) -> str:
        """What is shown, in a few words."""
        return self._shown.title

    @property
    def options(self) -> dict[str, tuple[str, ...]]:
        """What can be chosen: for each choice the labels of its options, in order."""
        return {name: tuple(labels) for name, labels in self._shown.options.items()}

    def choose(self, **options: int) -> None:
        """Chooses what to show, as the boxes over the picture do.

        Args:
            options: For the name of a choice, such as `sample=3`, the place among its options.

        Raises:
            ValueError: There is no such choice.
            IndexError: It has no such option.
        """
        for name, place in options.items():
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise ValueError(f"Unknown choice {name!r}; available: {known}.")
            count = len(self.options[name])
            if not 0 <= place < count:
                raise IndexError(
                    f"{name}={place} is out of range: there are {count} options, 0 to {count - 1}."
                )
        self.chosen = {**self.chosen, **options}

    @t.validate("frame")
    def _check_frame(self, proposal: Any) -> int:
        frame: int = proposal["value"]
        # While the widget is being made, n_frames is still 0.
        if self.n_frames and not 0 <= frame < self.n_frames:
            raise t.TraitError(out_of_range("frame", frame, self.n_frames))
        return frame

    @t.validate("interval_ms")
    def _check_interval(self, proposal: Any) -> int:
        if proposal["value"] < 1:
            raise t.TraitError(f"`interval_ms` must be >= 1; got {proposal['value']}.")
        return int(proposal["value"])

    @t.validate("chosen")
    def _check_chosen(self, proposal: Any) -> dict[str, int]:
        chosen: dict[str, int] = proposal["value"]
        options = self._shown.options
        for name, place in chosen.items():
            count = len(options.get(name, ()))
            # A layer with fewer batches or units than the one before has not all of its options.
            if name not in options or place < 0:
                raise t.TraitError(
                    f"chosen={chosen!r} cannot be chosen here. What can be: {_said(options)}."
                )
            if place >= count and {**self.chosen, name: place} == chosen:
                raise t.TraitError(
                    f"{name}={place} is out of range: there are {count} options, 0 to {count - 1}."
                )
        return {**self._shown.chosen, **chosen}

    @t.observe("frame")
    def _show(self, _: Any) -> None:
        scene = self._drawn()
        if scene is not None:
            scene.show(self.frame, self.chosen)

    @t.observe("chosen")
    def _show_chosen(self, change: Any) -> None:
        shown, chosen = self._shown, change["new"]
        here = {**shown.chosen, **{name: chosen[name] for name in (shown.in_page,) if name}}
        if chosen == here:
            self._show(change)
            return
        rests = self.frame == shown.rests
        payload = self._packed(self._make(**chosen))
        shown = self._shown
        with self.hold_sync():
            self._payload = payload
            self.set_trait("n_frames", shown.n_frames)
            if not self._keeps_interval:
                self.interval_ms = shown.interval_ms
            begins = shown.rests if rests else shown.begins
            self.frame = min(self.frame if begins is None else begins, shown.n_frames - 1)
            self.chosen = dict(shown.chosen)

    @property
    def readout(self) -> str:
        """What the line under the picture says of the frame that is shown."""
        return self._shown.readout(self.frame, self.chosen)

    def to_html(self, path: str | Path | None = None) -> str:
        """Makes a page that plays without kernel, network or other files.

        Args:
            path: Where to write the page, if anywhere.

        Returns:
            The page.

        Raises:
            FileNotFoundError: The folder does not exist.
        """
        return whole_page(self.title or "Player", self._html(), path)

    def save(
        self,
        path: str | Path,
        *,
        fps: float | None = None,
        dpi: float = 100,
        progress: bool = True,
    ) -> None:
        """Writes all frames as a film, for slides.

        Args:
            path: Where to write it. A name that ends in .gif needs nothing else, one that ends in
                .mp4 the program ffmpeg.
            fps: Frames a second; where None, each frame stands as long as at speed 1.
            dpi: Pixels an inch; the figure's size in inches is `player.figure.get_size_inches()`.
            progress: Whether to show a progress bar.

        Raises:
            ValueError: The name ends in neither.
            FileNotFoundError: The folder does not exist.
            RuntimeError: The program is not there.
        """
        scene = self._scene
        save_film(
            scene,
            self.chosen,
            path,
            fps=fps,
            interval_ms=self.interval_ms,
            dpi=dpi,
            progress=progress,
        )
        scene.show(self.frame, self.chosen)

    def storyboard(
        self, frames: Sequence[int] | None = None, *, columns: int | None = None
    ) -> Figure:
        """Puts some frames side by side in a figure, for a page that does not move.

        Args:
            frames: Which frames, 0-based; four stops from the first to the last where None.
            columns: How many stand in a row; all where None.

        Returns:
            A figure; write it with `figure.savefig("story.pdf")`. For one frame alone set
            `player.frame` and take `player.figure`.

        Raises:
            ValueError: No frame is named.
            IndexError: There is no such frame.
        """
        scene = self._scene
        board = storyboard(scene, self.chosen, frames, columns)
        scene.show(self.frame, self.chosen)
        return board

    def _html(self) -> str:
        """The player as a piece of HTML; where scripts are not run, the poster."""
        shown = self._shown
        return snippet(self._payload, self.interval_ms, shown.poster, shown.poster_text)

    def __repr__(self) -> str:
        frames = "1 frame" if self.n_frames == 1 else f"{self.n_frames} frames"
        return f"Player({self.title!r}, {frames})"

    def _forms(self) -> dict[str, str]:
        return super()._forms() | {"image/png": base64.b64encode(self._shown.poster).decode()}


def _said(options: Mapping[str, Sequence[str]]) -> str:
    """What can be chosen, and how many options it has."""
    return ", ".join(f"{name} (0 to {len(labels) - 1})" for name, labels in options.items())
