"""What the player cannot draw of a moving artist: it is refused by name, and never left out.

What stands still is drawn by matplotlib, as it is, in the stage; this is about artists that
`update(frame)` returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.cbook import is_math_text
from matplotlib.colors import same_color
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle
from matplotlib.text import Text


@dataclass(frozen=True)
class Limit:
    """Something that a kind of artist can have and the player cannot draw.

    Attributes:
        kind: The kind of artist.
        what: What it is, as the error names it.
        instead: What can be done.
        has: Whether an artist has it.
    """

    kind: type[Artist]
    what: str
    instead: str
    has: Callable[[Any], bool]


def _has_marker(line: Line2D) -> bool:
    return line.get_marker() not in (None, "None", "", " ")


def _is_hollow(line: Line2D) -> bool:
    if not _has_marker(line):
        return False
    filled = MarkerStyle(line.get_marker()).is_filled() and line.get_fillstyle() == "full"
    return not filled or same_color(line.get_markerfacecolor(), "none")


def _has_another_edge(line: Line2D) -> bool:
    colors = line.get_markeredgecolor(), line.get_markerfacecolor()
    return _has_marker(line) and not _is_hollow(line) and not same_color(*colors)


_UNMIXED = ("nearest", "none", "auto", "antialiased")
_STILL = "let it stand still, where matplotlib draws it (do not return it from update)"

LIMITS: tuple[Limit, ...] = (
    Limit(Line2D, "a hollow marker, or one of strokes such as 'x'", "use a filled one", _is_hollow),
    Limit(
        Line2D,
        "a marker whose edge has another colour",
        "give markeredgecolor the colour of the marker",
        _has_another_edge,
    ),
    Limit(Line2D, "markevery", "plot the marked points as a line of their own",
          lambda line: line.get_markevery() is not None),
    Limit(Line2D, "a gapcolor", "draw a second line under it",
          lambda line: line.get_gapcolor() is not None),
    Limit(Text, "mathematics between $ signs", "write it in letters, such as cₜ",
          lambda text: text.get_parse_math() and bool(is_math_text(text.get_text()))),
    Limit(Text, "an arrow", f"draw it without; or {_STILL}",
          lambda text: getattr(text, "arrow_patch", None) is not None),
    Limit(Text, "a box around it", f"draw a Rectangle; or {_STILL}",
          lambda text: text.get_bbox_patch() is not None),
    Limit(Text, "a slanted style", "leave it upright", lambda text: text.get_style() != "normal"),
    Limit(Rectangle, "an angle", "leave angle=0", lambda patch: bool(patch.angle % 360)),
    Limit(Rectangle, "a hatch", _STILL, lambda patch: patch.get_hatch() is not None),
    Limit(AxesImage, "an alpha for each pixel", "give one for the whole image",
          lambda image: isinstance(image.get_alpha(), np.ndarray)),
    Limit(AxesImage, "an interpolation between its values", 'use interpolation="nearest"',
          lambda image: image.get_interpolation() not in _UNMIXED),
    Limit(Artist, "path effects", "leave them out",
          lambda artist: bool(artist.get_path_effects())),
)  # fmt: skip


def refuse_what_cannot_be_drawn(artist: Artist) -> None:
    """Looks at one artist as it is now.

    Raises:
        ValueError: The page would draw it otherwise than matplotlib does; the message names what.
    """
    for limit in LIMITS:
        if isinstance(artist, limit.kind) and limit.has(artist):
            raise ValueError(
                f"The player cannot draw {limit.what}, which a {type(artist).__name__} has that "
                f"update(frame) returned. {limit.instead[0].upper()}{limit.instead[1:]}."
            )


def table() -> str:
    """All of it as a table in Markdown, as docs/player.md shows it."""
    rows = ["| a moving... | cannot have | instead |", "|---|---|---|"]
    names = {Artist: "artist of any kind"}
    for limit in LIMITS:
        kind = names.get(limit.kind, f"`{limit.kind.__name__}`")
        rows.append(f"| {kind} | {limit.what} | {limit.instead} |")
    return "\n".join(rows)
