"""The gallery's scenes, playing: one under each heading of its page."""

from __future__ import annotations

import re
from collections.abc import Callable

from stateviz.playing.player import Player
from tools import gallery_scenes

# By the heading of the page, without its words.
_SCENES: dict[str, Callable[[], Player]] = {
    "play_sequence": gallery_scenes.sequence(batch=1, unit=2),
    "play_batches": gallery_scenes.batches(10),
    "play_gradients": gallery_scenes.gradients,
    "play_cell": gallery_scenes.inside,
    "play_resets": gallery_scenes.resets,
    "compare": gallery_scenes.compared,
    "play_answer": gallery_scenes.answer,
}
_PART = re.compile(r"^(## [^\n]*`(\w+)`[^\n]*)\n(.+?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


# The pictures show controls too, which nobody should press.
_FOLDED = """<details><summary>Pictures of its states</summary>
{}
</details>

"""


def with_players(page: str) -> str:
    """The gallery's page with a player under the heading of each scene.

    Args:
        page: Its text, in Markdown.

    Raises:
        KeyError: A heading names a scene that nobody plays.
    """
    return _PART.sub(
        lambda part: f"{part[1]}\n\n{_player(part[2])}\n{_FOLDED.format(part[3])}", page
    )


def _player(name: str) -> str:
    bundle = _SCENES[name]()._repr_mimebundle_()
    return f"```{{raw}} html\n{bundle[0]['text/html']}\n```\n"
