"""One page for every student: the answer in a picture, and what to take along."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from matplotlib.figure import Figure
from playwright.sync_api import sync_playwright

import stateviz
from stateviz.course.counting import counting_model
from tools.real_browser import ARGUMENTS, find_chromium
from tools.teaching.course import Lesson

ON_THE_PAGE = (0, 1, 2, 3, 4, 5, 6, 12)  # the lessons whose points stand on it
ORIGINS = {
    "fresh": "a stateless layer made new zeros for this call",
    "reset": "zeros: the layer was built, or reset_state() was called",
    "carried": "the same rows of the batch before ended so, bit for bit",
    "given": "passed as initial_state",
    "altered": "none of these: an assignment, a pass that was not recorded",
}


def handout(lessons: Sequence[Lesson], path: Path) -> None:
    """Writes the page as a PDF.

    Args:
        lessons: All lessons.
        path: Where to.

    Raises:
        FileNotFoundError: There is no Chromium, which prints it.
    """
    chromium = find_chromium()
    if chromium is None:
        raise FileNotFoundError(
            "A Chromium prints the handout: install one, or name it in STATEVIZ_CHROMIUM."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page()
        page.set_content(handout_page(lessons))
        page.pdf(path=path, format="A4", print_background=True)
        browser.close()


def handout_page(lessons: Sequence[Lesson]) -> str:
    """The page as HTML."""
    chosen = [each for each in lessons if each.number in ON_THE_PAGE]
    points = "".join(
        f"<section><h3>{each.number}. {html.escape(each.title)}</h3><ul>"
        + "".join(f"<li>{_marked(point)}</li>" for point in each.key_points)
        + "</ul></section>"
        for each in chosen
    )
    rows = "".join(f"<tr><th>{name}</th><td>{words}</td></tr>" for name, words in ORIGINS.items())
    return _PAGE.format(picture=_picture(), origins=rows, points=points)


def _picture() -> str:
    """The answer of the course, drawn from a recording of the question's own shape."""
    import numpy as np

    model = counting_model(batch_size=None, timesteps=20)
    with stateviz.record(model) as recording:
        model.predict(np.ones((1000, 20, 1)), batch_size=200, verbose=0)
    ax = stateviz.draw_answer(recording)
    figure = ax.figure
    assert isinstance(figure, Figure)
    drawn = StringIO()
    figure.savefig(drawn, format="svg", bbox_inches="tight")
    return drawn.getvalue().partition("?>")[2]


def _marked(text: str) -> str:
    """Text with its bold words and its code."""
    escaped = html.escape(text, quote=False)
    escaped = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escaped)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escaped)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>When does Keras reset an LSTM's state?</title>
<style>
@page {{ size: A4; margin: 12mm; }}
body {{ font: 9.2pt/1.32 system-ui, sans-serif; margin: 0; color: black; }}
h1 {{ font-size: 16pt; margin: 0 0 1mm; }}
h3 {{ font-size: 9.6pt; margin: 0 0 0.6mm; color: #0072b2; }}
p {{ margin: 0 0 2mm; }}
svg {{ width: 62%; height: auto; display: block; margin: 0 auto 2mm; }}
table {{ border-collapse: collapse; margin: 0 0 3mm; width: 100%; }}
caption {{ text-align: left; font-weight: bold; padding: 0 0 1mm; }}
th, td {{ text-align: left; padding: 0.5mm 2mm; border-top: 0.2mm solid #999; }}
main {{ columns: 2; column-gap: 7mm; }}
section {{ break-inside: avoid; margin-bottom: 2mm; }}
ul {{ margin: 0; padding-left: 4mm; }}
code {{ font-size: 8.4pt; }}
</style></head><body>
<h1>When does Keras reset an LSTM's state?</h1>
<p><b>1000 sequences in batches of 200: 5 tensors of zeros an epoch, with 1000 rows in all.</b>
A stateless layer is never reset: it makes new zeros. A stateful one begins from zeros once, and
again when you call <code>layer.reset_state()</code>.</p>
{picture}
<table><caption>How the state of a batch can begin: its <i>origin</i></caption>{origins}</table>
<main>{points}</main>
</body></html>
"""
