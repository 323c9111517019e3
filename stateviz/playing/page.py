"""The page's script and look: the modules of page/ joined as one, without a build step."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_PLAYER = Path(__file__).with_name("page") / "player.js"
_TYPES = re.compile(r"^ */\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)
_IMPORT = re.compile(r'^import [^;]*? from "([\w./-]+)";\n', re.MULTILINE)


@cache
def script(entry: Path = _PLAYER) -> str:
    """One ES module that has `render` in its default export, without the comments on types.

    Args:
        entry: The module to begin with; all that it imports stands before it.
    """
    joined: dict[Path, str] = {}

    def join(module: Path) -> None:
        if module in joined:
            return
        text = module.read_text(encoding="utf-8")
        for needed in _IMPORT.findall(text):
            join((module.parent / needed).resolve())
        text = _TYPES.sub("", _IMPORT.sub("", text))
        joined[module] = re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE)

    join(entry.resolve())
    return "\n".join(joined.values())


def inline_script(entry: Path = _PLAYER) -> str:
    """The same for a script in a page, with `render` in the constant `playerModule`."""
    return script(entry).replace("export default", "const playerModule =")


@cache
def style() -> str:
    """The player's CSS."""
    return _PLAYER.with_suffix(".css").read_text(encoding="utf-8")
