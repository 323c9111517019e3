"""Slides of a lesson: what it says first, what it asks, and what it plays, in one file.

reveal.js stands in the file itself, and so does each animation: nothing is fetched.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import mistune
from nbformat import NotebookNode

from stateviz.course.bank import Question, questions
from tools.course_environment import REPOSITORY
from tools.teaching.course import Lesson

REVEAL = REPOSITORY / "node_modules" / "reveal.js" / "dist"
_SKIPPED = ("Do you remember?", "Ask yourself", "The map of the course", "Your own model")
_MOST_WORDS = 70  # on a slide
_LOOK = Path(__file__).with_name("slides.css")


def slides(lesson: Lesson) -> str:
    """The slides of a lesson, as a page.

    Raises:
        FileNotFoundError: reveal.js is not there.
    """
    if not REVEAL.exists():
        raise FileNotFoundError("reveal.js is not there: install Node, and run `npm ci` once.")
    styles = (REVEAL / "reset.css", REVEAL / "reveal.css", REVEAL / "theme" / "white.css", _LOOK)
    style = "\n".join(without_addresses(path.read_text(encoding="utf-8")) for path in styles)
    script = (REVEAL / "reveal.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    sections = "\n".join(f"<section>{each}</section>" for each in _sections(lesson))
    return _PAGE.format(
        title=html.escape(f"{lesson.number}. {lesson.title}"),
        style=style,
        sections=sections,
        script=script,
    )


def without_addresses(style: str) -> str:
    """A style sheet without what it would fetch: the reader's own fonts do.

    Example:
        >>> without_addresses("@import url(./fonts/a.css); h1 { color: red }")
        ' h1 { color: red }'
    """
    return re.sub(r"@import[^;]*;|@font-face\s*{[^}]*}", "", style)


def _sections(lesson: Lesson) -> Iterator[str]:
    yield (
        f"<h1>{html.escape(lesson.title)}</h1>"
        f"<p><b>The question.</b> {_inline(lesson.question)}</p>"
        f"<p>After this lesson you {_inline(lesson.objective)}</p>"
    )
    for cell in lesson.notebook.cells:
        if cell.cell_type == "markdown":
            yield from _of_text(cell.source)
        else:
            yield from _of_code(cell)


def _of_text(text: str) -> Iterator[str]:
    """A slide for each heading, with the first words under it."""
    for heading, rest in re.findall(r"^## (.*)\n+((?:(?!^## ).*\n?)*)", text, re.MULTILINE):
        if heading in _SKIPPED:
            continue
        shown = rest if heading.startswith("Three things") else _beginning(rest)
        yield f"<h2>{_inline(heading)}</h2>{_markdown(shown)}"


def _beginning(text: str) -> str:
    """The first paragraph, with the list or the program that it announces."""
    first, *others = re.split(r"\n\n|\n(?=[-|1])", text.strip())
    if first.startswith(("<", "|", "#")):
        return ""
    announced: list[str] = []
    if first.endswith(":"):
        for each in others:
            if not each.startswith(("- ", "```")):
                break
            announced.append(each)
    return "\n".join([_first_words(first), "", *announced])


def _first_words(text: str) -> str:
    """As many whole sentences as a room reads."""
    kept: list[str] = []
    for sentence in re.split(r"(?<=[.?!:]) ", " ".join(text.split())):
        if kept and len(" ".join([*kept, sentence]).split()) > _MOST_WORDS:
            break
        kept.append(sentence)
    return " ".join(kept)


def _of_code(cell: NotebookNode) -> Iterator[str]:
    asked = re.search(r'ask\("([\w.]+)"\)', cell.source)
    if asked:
        yield from _question(questions()[asked[1]])
    for output in cell.outputs:
        page = output.get("data", {}).get("text/html", "")
        if "data-stateviz" in page:
            yield f"<iframe class='played' srcdoc='{html.escape(_FITTING + page)}'></iframe>"
        elif "image/png" in output.get("data", {}):
            yield f"<img alt='' src='data:image/png;base64,{output.data['image/png'].strip()}'>"


def _question(question: Question) -> Iterator[str]:
    """What is asked; and on the next slide what is right, and why."""
    heading = f"<h3>{html.escape(question.question)}</h3>"
    letters = dict(zip("ABCDEFGH", question.options, strict=False))
    rows = "".join(
        f"<li><b>{letter}</b> {html.escape(option)}</li>" for letter, option in letters.items()
    )
    yield f"<p class='kind'>Predict</p>{heading}<ul class='options'>{rows}</ul>"
    told = "".join(
        f"<li class='{'right' if option == question.answer else 'wrong'}'><b>{letter}</b> "
        f"{html.escape(option)}<br><small>{html.escape(question.options[option])}</small></li>"
        for letter, option in letters.items()
    )
    yield f"<p class='kind'>The answer</p>{heading}<ul class='options'>{told}</ul>"


def _inline(text: str) -> str:
    return _markdown(text).removeprefix("<p>").removesuffix("</p>\n")


def _markdown(text: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)  # a link leads nowhere on a wall
    plain = plain.removesuffix("A solution is folded under the cell.")
    return str(mistune.html(plain))


# A frame of its own: neither reveal.js's styles nor its keys reach what plays. It is drawn as large
# as the slide is high and wide.
_FITTING = """<style>
body { display: flow-root; margin: 0 auto; width: min(820px, 100%); overflow: hidden; }
body .stateviz-player { max-width: var(--stateviz-width); }
</style>
<script>
const fit = () => {
  const { style } = document.body;
  style.zoom = 1;
  const room = (innerHeight - 4) / document.body.getBoundingClientRect().height;
  style.zoom = Math.min(2.4, Math.max(0.5, Math.min(room, innerWidth / 800)));
};
const watch = new ResizeObserver(() => requestAnimationFrame(fit));
addEventListener("load", () => watch.observe(document.body));
addEventListener("resize", fit);
</script>
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<div class="reveal"><div class="slides">
{sections}
</div></div>
<script>
{script}
</script>
<script>
Reveal.initialize({{
  hash: true,
  slideNumber: "c/t",
  disableLayout: true,
}});
</script>
</body>
</html>
"""
