"""A player as HTML that needs no kernel: its bytes, the poster, and the script that plays them."""

from __future__ import annotations

import base64
import html

from stateviz.playing import page


def snippet(payload: bytes, interval_ms: int, poster: bytes, text: str) -> str:
    """A piece of HTML that plays; where scripts are not run, it shows the poster."""
    return _SNIPPET.format(
        payload=base64.b64encode(payload).decode(),
        interval_ms=interval_ms,
        text=html.escape(text),
        hint=_HOW_TO_PLAY,
        poster=base64.b64encode(poster).decode(),
        style=page.style(),
        script=page.inline_script(),
        host=_HOST,
    )


def whole_page(title: str, player: str) -> str:
    """A page with one player on it."""
    return _PAGE.format(title=html.escape(title), player=player)


_HOW_TO_PLAY = (
    "A still picture of a player, which needs scripts. To play it in a notebook, run this cell, or "
    "trust the notebook: “Trust Notebook” in the list of commands (Ctrl+Shift+C)."
)

_SNIPPET = """<div class="stateviz" data-stateviz="{payload}" data-interval-ms="{interval_ms}">\
<img alt="{text}" src="data:image/png;base64,{poster}" style="max-width:100%"/>\
<p>{text}<br><small>{hint}</small></p></div><style>
{style}</style><script type="module">
{script}
{host}</script>"""

# Stands in for the widget's model where there is no kernel.
_HOST = """for (const el of document.querySelectorAll("[data-stateviz]")) {
  const payload = el.dataset.stateviz;
  const values = { _payload: payload, frame: 0, playing: false, loop: false };
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
