"""Mends what a page of the theme or of Sphinx lacks for who does not see it, or has no mouse."""

from __future__ import annotations

import re
from pathlib import Path

_REPLACED = (
    # A heading without its level.
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    # Two landmarks of one kind are told apart by their names.
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="All pages">'),
    ('<aside class="toc-drawer', '<aside aria-label="On this page" class="toc-drawer'),
    # A page of results has a heading before there are results.
    ('<div id="search-results">', '<h1>Search</h1><div id="search-results">'),
)


# The corner of a table, which is no heading.
_CORNER = re.compile(r"<th[^>]*>(?:<p></p>)?</th>")
# The parameters of a long signature, which Sphinx makes a list of definitions without terms.
_PARAMETERS = re.compile(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>")


def mend(site: Path) -> None:
    """Mends all pages of a built site."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for before, after in _REPLACED:
            text = text.replace(before, after)
        text = _CORNER.sub("<td></td>", text)
        text = _PARAMETERS.sub(_without_list, text)
        path.write_text(text, encoding="utf-8")


def _without_list(found: re.Match[str]) -> str:
    lines = found[1].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'<span class="sig-lines">{lines}</span>'
