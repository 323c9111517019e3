"""The page's script and look: the modules of page/ joined as one, without a build step."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("page")
_TYPES = re.compile(r"^ */\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)
_IMPORT = re.compile(r'^import [^;]*? from "\./([\w-]+)\.js";\n', re.MULTILINE)


@cache
def script(name: str = "player") -> str:
    """One ES module that has `render` in its default export, without the comments on types.

    Args:
        name: The module to begin with: "player", or "experiment".
    """
    joined: dict[str, str] = {}

    def join(name: str) -> None:
        if name in joined:
            return
        text = (_FOLDER / f"{name}.js").read_text(encoding="utf-8")
        for needed in _IMPORT.findall(text):
            join(needed)
        text = _TYPES.sub("", _IMPORT.sub("", text))
        joined[name] = re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE)

    join(name)
    return "\n".join(joined.values())


def inline_script(name: str = "player") -> str:
    """The same for a script in a page, with `render` in the constant `playerModule`."""
    return script(name).replace("export default", "const playerModule =")


@cache
def style(name: str = "player") -> str:
    """The player's CSS, or that of the experiment's panel around it."""
    return (_FOLDER / f"{name}.css").read_text(encoding="utf-8")
