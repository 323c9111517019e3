"""How counts and tables are written, as text and as HTML."""

from __future__ import annotations

import html


def plural(count: int, noun: str) -> str:
    """The count and the noun, such as "1 batch" and "1,000 batches"."""
    many = {"batch": "batches"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else many}"


def html_table(head: list[str], body: list[list[str]], foot: list[str]) -> str:
    """A table in HTML, all of whose cells are text."""

    def cells(tag: str, row: list[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"

    return (
        f"<table><thead>{cells('th', head)}</thead>"
        f"<tbody>{''.join(cells('td', row) for row in body)}</tbody>"
        f"<tfoot>{cells('th', foot)}</tfoot></table>"
    )
