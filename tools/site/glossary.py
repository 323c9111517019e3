"""An extension of Sphinx's: a word of the glossary is a link where a page uses it first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

GLOSSARY = "docs/glossary"
_ROW = re.compile(r"^\| ([^|`]+?) \|", re.MULTILINE)
# Words that a page also uses in another sense, and the heads of the tables.
_NOT_LINKED = {"word", "---", "given", "reset", "frame", "fresh", "state"}
_NOT_ON = (GLOSSARY, "api", "docs/architecture", "docs/upstream", "CHANGELOG", "CONTRIBUTING")
_NOT_IN = (nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.raw)


def setup(app: Sphinx) -> ExtensionMetadata:
    """What Sphinx calls."""
    app.connect("source-read", _mark)
    app.connect("doctree-resolved", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def terms_of(glossary: str) -> list[str]:
    """The words of the glossary's tables that are linked.

    Args:
        glossary: The text of the page.
    """
    heads = (head for row in _ROW.findall(glossary) for head in _spoken(row))
    return [head for head in heads if head not in _NOT_LINKED]


def name_of(term: str) -> str:
    """The name of a word's place on the glossary's page."""
    return "term-" + re.sub(r"\W+", "-", term.lower())


def _spoken(row: str) -> Iterator[str]:
    """The words of a row's first column, without what explains them: "hidden state, h" is one."""
    word = row.partition(" (")[0].partition(", ")[0].strip()
    if word:
        yield word


def _mark(app: Sphinx, page: str, source: list[str]) -> None:
    """Gives each word of the glossary a name that links can lead to."""
    if page == GLOSSARY:
        for term in terms_of(source[0]):
            name = f'<span id="{name_of(term)}"></span>'
            source[0] = re.sub(
                rf"^\| (?={re.escape(term)}[ ,])", f"| {name}", source[0], count=1, flags=re.M
            )


def _link(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Links the first use of each word on a page, in its running text."""
    if page.startswith(_NOT_ON):
        return
    glossary = (Path(app.srcdir) / f"{GLOSSARY}.md").read_text(encoding="utf-8")
    # A word in the plural is the same word, and a longer word is not two.
    left = {re.sub("s$", "", term.lower()): term for term in terms_of(glossary)}
    place = app.builder.get_relative_uri(page, GLOSSARY)
    for text in list(tree.findall(nodes.Text)):
        if not left:
            return
        if any(isinstance(above, _NOT_IN) for above in _ancestors(text)):
            continue
        new = _with_links(text.astext(), left, place)
        if len(new) > 1:
            text.parent.replace(text, new)


def _with_links(text: str, left: dict[str, str], place: str) -> list[nodes.Node]:
    """A text as nodes, in which what is left to be linked is linked, and no longer left."""
    made: list[nodes.Node] = []
    words = "|".join(sorted(map(re.escape, left), key=len, reverse=True))
    end = 0
    for found in re.finditer(rf"(?<![\w-])({words})s?(?![\w-])", text, re.IGNORECASE):
        term = left.pop(found[1].lower(), None)
        if term is None:
            continue
        made.append(nodes.Text(text[end : found.start()]))
        link = nodes.reference("", found[0], refuri=f"{place}#{name_of(term)}", internal=True)
        link["classes"].append("glossary-term")
        made.append(link)
        end = found.end()
    return [*made, nodes.Text(text[end:])]


def _ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node
