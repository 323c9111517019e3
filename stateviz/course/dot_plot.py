"""A small figure of results: a row for each setting, a point for each seed."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.figure import Figure

_MARKERS = "os^Dv"


class PointsFigure(Figure):
    """A figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()


def draw_points(
    values: Mapping[str, Sequence[float]], *, label: str, chance: float | None = None
) -> PointsFigure:
    """Draws every value of every setting; nothing is averaged.

    The points of a row stand one below the other, so that equal values stay apart; the marker and
    the colour are those of the seed.

    Args:
        values: The values, one for each seed from 0 on, by the name of the setting.
        label: What the values are.
        chance: Where to draw a line for guessing; none where None.

    Returns:
        A figure with one line artist for each seed.

    Example:
        >>> figure = draw_points({"a": [0.5, 1.0], "b": [0.9, 0.9]}, label="accuracy")
        >>> [line.get_xdata().tolist() for line in figure.axes[0].lines]
        [[0.5, 0.9], [1.0, 0.9]]
    """
    colors = matplotlib.color_sequences["okabe_ito"]
    figure = PointsFigure(figsize=(7.6, 1 + 0.4 * len(values)), dpi=100, layout="constrained")
    ax = figure.add_subplot()
    seeds = max(len(each) for each in values.values())
    for seed in range(seeds):
        known = [(row, each[seed]) for row, each in enumerate(values.values()) if seed < len(each)]
        ax.plot(
            [value for _, value in known],
            [row + 0.5 * (seed - (seeds - 1) / 2) / seeds for row, _ in known],
            color=colors[seed],
            marker=_MARKERS[seed % len(_MARKERS)],
            linestyle="None",
            markersize=5,
            label=f"seed {seed}",
        )
    if chance is not None:
        ax.axvline(chance, color="0.5", linewidth=1, linestyle="--", label="guessing", zorder=0)
    ax.set_yticks(range(len(values)), list(values))
    ax.set_ylim(len(values) - 0.5, -0.5)
    ax.set_xlabel(label)
    ax.grid(axis="y", color="0.9", linewidth=6, zorder=0)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    figure.legend(loc="outside right center", fontsize=10, frameon=False)
    return figure
