"""The page: its script and look, the modules of page/ joined as one; and HTML without a kernel."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from functools import cache
from pathlib import Path
from typing import Any

import anywidget

from stateviz.writing import atomic_write

_PLAYER = Path(__file__).with_name("page") / "player.js"
_TYPES = re.compile(r"^ */\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)
_IMPORT = re.compile(r'^import [^;]*? from "([\w./-]+)";\n', re.MULTILINE)


class PageWidget(anywidget.AnyWidget):
    """A widget that has a form for pages without a kernel too."""

    def _forms(self) -> dict[str, str]:
        """Its other forms, by their media types."""
        return {"text/html": self._html()}

    def _html(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        return None if bundle is None else (bundle[0] | self._forms(), bundle[1])


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


def snippet(payload: bytes, interval_ms: int, poster: bytes, text: str) -> str:
    """A piece of HTML that plays; where scripts are not run, it shows the poster."""
    return _SNIPPET.format(
        payload=base64.b64encode(payload).decode(),
        interval_ms=interval_ms,
        text=html.escape(text),
        hint=_HOW_TO_PLAY,
        poster=base64.b64encode(poster).decode(),
        style=style(),
        script=_inlined(),
    )


def whole_page(
    title: str, player: str, path: str | Path | None = None, script: str | None = None
) -> str:
    """A page with players on it, on which their script alone runs, and which asks no host."""
    hashed = base64.b64encode(hashlib.sha256((script or _inlined()).encode()).digest()).decode()
    text = _PAGE.format(title=html.escape(title), player=player, hash=hashed)
    if path is not None:
        with atomic_write(Path(path)) as beside:
            beside.write_text(text, encoding="utf-8")
    return text


def _inlined() -> str:
    return f"\n{inline_script()}\n{_HOST}"


_HOW_TO_PLAY = (
    "A still picture of a player, which needs scripts. To play it in a notebook, run this cell, or "
    "trust the notebook: “Trust Notebook” in the list of commands (Ctrl+Shift+C)."
)

_SNIPPET = """<div class="stateviz" data-stateviz="{payload}" data-interval-ms="{interval_ms}">\
<img alt="{text}" src="data:image/png;base64,{poster}" style="max-width:100%"/>\
<p>{text}<br><small>{hint}</small></p></div><style>
{style}</style><script type="module">{script}</script>"""

# Stands in for the widget's model where there is no kernel.
_HOST = """for (const el of document.querySelectorAll("[data-stateviz]")) {
  const payload = el.dataset.stateviz;
  const values = { _payload: payload, frame: null, playing: false, loop: false };
  values.interval_ms = Number(el.dataset.intervalMs);
  el.removeAttribute("data-stateviz");
  const model = {
    get: (name) => values[name],
    set: (name, value) => (values[name] = value),
    on() {}, off() {}, save_changes() {},
  };
  const poster = [...el.childNodes];
  playerModule.render({ model, el }).then(() => poster.forEach((node) => node.remove()));
}
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
script-src 'sha256-{hash}'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif }}
body {{ max-width: 98rem; margin: 1.5rem auto; padding: 0 1rem }}
/* For who listens to the page; who sees it has the title on the picture. */
h1 {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{player}
</main>
</body>
</html>
"""
