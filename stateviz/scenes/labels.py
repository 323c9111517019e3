"""What was read at each timestep, in letters or words, under the time axis and in the readout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from matplotlib.axes import Axes

from stateviz.drawing import FONT
from stateviz.playing.scene import Scene

_SEEN = {" ": "·", "\n": "⏎", "\t": "⇥"}
_LETTER = 0.62 * FONT / 72  # inches


def check_labels(labels: Sequence[str], timesteps: int) -> tuple[str, ...]:
    """The labels, one for each timestep of the data.

    Raises:
        TypeError: They are not texts.
        ValueError: There are more or fewer than timesteps.
    """
    found = tuple(labels)
    if not all(isinstance(each, str) for each in found):
        raise TypeError(f"`labels` must be a text or a list of texts; got {labels!r}.")
    if len(found) != timesteps:
        raise ValueError(
            f"labels= needs one label for each timestep: this batch has {timesteps}, and "
            f"{len(found)} were given. A text has one for each of its characters; give a list for "
            "words."
        )
    return tuple(_SEEN.get(each, each) for each in found)


def labelled(
    scene: Scene, labels: Sequence[str] | None, *, of: tuple[int, int], backwards: bool
) -> Scene:
    """The scene with labels under its time axis and in its readouts, where they are its own.

    Args:
        scene: A scene over timesteps, whose frame t + 1 shows timestep t in the order of reading.
        labels: One for each timestep of the data, if there are any.
        of: The batch and the sample whose labels they are.
        backwards: Whether the lowest layer reads backwards.
    """
    if labels is None or (scene.chosen["batch"], scene.chosen["sample"]) != of:
        return scene
    # Of one layer alone the axis is the order of reading, of several it is that of the data.
    alone = "unit" in scene.chosen
    shown = tuple(reversed(labels)) if backwards and alone else tuple(labels)
    [ax] = [ax for ax in scene.figure.axes if ax.get_xlabel()]
    _write(ax, shown)
    said: Callable[..., str] = scene.describe

    def describe(frame: int, **chosen: int) -> str:
        words = said(frame, **chosen)
        if frame == 0:
            return words
        first, *rest = words.split("   ")
        return "   ".join([f"{first} {shown[frame - 1]!r}", *rest])

    return replace(scene, describe=describe)


def _write(ax: Axes, labels: Sequence[str]) -> None:
    """Puts each label under its timestep, where there is room for it, instead of a number."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    texts = {
        float(place): text.get_text()
        for place, text in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
        if not text.get_text().isdecimal()
    }
    left, right = ax.get_xlim()
    wide = ax.get_position().width * figure.get_figwidth() / (right - left)
    free = -1.0  # where the last label ends
    for place, label in enumerate(labels):
        half = (len(label) + 0.6) * _LETTER / wide / 2
        if place - half >= free:
            free = place + half
            texts[place] = label
    ax.set_xticks(sorted(texts))
    ax.set_xticklabels([texts[place] for place in sorted(texts)], parse_math=False)
    ax.set_xlabel("what was read at each timestep", fontsize=FONT)
