"""Names in scripts that matplotlib's font does not have: the page draws them in other fonts."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.text import Text


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
