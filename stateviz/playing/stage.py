"""The stage: a figure without what moves, as SVG, and where on it things stand."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.text import Text

from stateviz.playing.theme import INK, TOKENS

POINTS_PER_INCH = 72
_POSTER_DPI = 90


class Places:
    """Turns places on the display into points on the stage, from its upper left corner."""

    def __init__(self, figure: Figure) -> None:
        self._scale = POINTS_PER_INCH / figure.dpi
        self._height = figure.get_figheight() * POINTS_PER_INCH

    def points(self, display: Any) -> np.ndarray:
        """Places as points, shape (places, 2)."""
        x, y = (np.asarray(display, float) * self._scale).T
        return np.stack([x, self._height - y], axis=-1).round(2)

    def box(self, display: Any) -> list[float]:
        """Two or more corners as left, top, width and height."""
        low, high = np.min(display, axis=0), np.max(display, axis=0)
        [[left, bottom], [right, top]] = self.points(np.array([low, high])).tolist()
        return [left, top, round(right - left, 2), round(bottom - top, 2)]


def size_of(figure: Figure) -> list[float]:
    """Width and height of the stage, in points."""
    return [float(size) * POINTS_PER_INCH for size in figure.get_size_inches()]


def stage_svg(figure: Figure, animated: Sequence[Artist]) -> str:
    """The figure without what moves, as SVG in which black is the reader's text colour."""
    with hidden(animated):
        svg = _saved(figure, "svg").decode()
    svg = svg[svg.index("<svg") :]
    # matplotlib's style rule would reach the whole page; the same properties go on the root.
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'^<svg [^>]*?(viewBox="[^"]*")[^>]*>', rf"<svg \1 {_SVG_ROOT}>", svg)
    svg = svg.replace(INK, "currentColor")
    for name, (light, _) in TOKENS.items():
        svg = svg.replace(light, f"var(--stateviz-{name},{light})")
    # Two players on one page must not share names.
    prefix = f"s{sha256(svg.encode()).hexdigest()[:10]}-"
    return re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{prefix}", svg)


def stage_rgba(figure: Figure, animated: Sequence[Artist]) -> np.ndarray:
    """The figure without what moves as pixels, RGBA, of which what is empty is transparent."""
    with hidden(animated):
        return np.frombuffer(_saved(figure, "rgba"), np.uint8)


_SVG_ROOT = (
    'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'aria-hidden="true" fill="currentColor" stroke-linejoin="round" stroke-linecap="butt"'
)


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    # Composing images into one would draw hidden ones too.
    fixed: Any = {
        "svg.hashsalt": "stateviz",
        "svg.fonttype": "path",
        "image.composite_image": False,
    }
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with mpl.rc_context(fixed), quiet_about_glyphs():
        if kind == "svg":
            figure.savefig(file, format=kind, transparent=True, metadata=nothing)
        elif kind == "rgba":
            figure.savefig(file, format=kind, transparent=True, dpi=figure.dpi)
        else:
            figure.savefig(file, format=kind, metadata={"Software": None}, **options)
    return file.getvalue()


def poster_png(figure: Figure) -> bytes:
    """The figure as it is now, on white."""
    return _saved(figure, "png", facecolor="white", dpi=_POSTER_DPI)


@contextmanager
def hidden(artists: Sequence[Artist]) -> Iterator[None]:
    before = [artist.get_visible() for artist in artists]
    try:
        for artist in artists:
            artist.set_visible(False)
        yield
    finally:
        for artist, visible in zip(artists, before, strict=True):
            artist.set_visible(visible)


def foreign_texts(figure: Figure) -> list[Text]:
    """The visible texts of a figure with a letter that their font does not have."""
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return [text for text in texts if text.get_visible() and _has_no_glyph(text)]


def _has_no_glyph(text: Text) -> bool:
    words = text.get_text()
    if words.isascii():
        return False
    known = get_font(findfont(text.get_fontproperties())).get_charmap()
    return any(ord(letter) not in known for letter in words if not letter.isspace())


@contextmanager
def quiet_about_glyphs() -> Iterator[None]:
    """A still shows a box for such a letter; matplotlib would warn of each, at each draw."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
