"""Pictures of a recording: functions that take a matplotlib axes and return what they drew."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.text import Text

# The size of letters on pictures, in points: 14 pixels of CSS where a picture has its own width,
# and 13 where the page shows it as small as it may.
FONT = 10.5
HEAD = 12.75
POINTS = 0.75  # in a pixel of CSS


def written(value: float, form: str = "", *, plus: str = "+") -> str:
    """A number with a minus sign that is as wide as a plus; a large one has fewer decimals."""
    forms = {9.995: ".2f", 99.95: ".1f", 9999.5: ".0f"}
    own = next((each for most, each in forms.items() if not abs(value) >= most), ".0e")
    words = f"{value:{form or plus + own}}"
    return words.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-").replace("-", "−")


def write(ax: Axes, x: float, y: float, words: str, **style: Any) -> Text:
    """Writes words in the usual size, in the middle of y."""
    usual: dict[str, Any] = {"fontsize": FONT, "va": "center", "parse_math": False}
    return ax.text(x, y, words, **usual | style)


def draw_box(
    ax: Axes, left: float, top: float, wide: float, high: float, **style: Any
) -> Rectangle:
    """Draws a rectangle, which may reach beyond the axes; without an edge where none is told."""
    box = Rectangle((left, top), wide, high, **{"linewidth": 0, "clip_on": False} | style)
    ax.add_patch(box)
    return box
