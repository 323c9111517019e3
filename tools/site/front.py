"""What moves on the front page: the question's `fit` twice, and a series that can be dragged."""

from __future__ import annotations

import stateviz
from stateviz.course import co2_model, play_question
from stateviz.course.question import NARROW, WIDE, fitted_twice


def answer_of() -> str:
    """The front page's picture as one piece of HTML, for wide screens and for narrow ones."""
    both = fitted_twice()
    parts = [
        f'<div class="front-{name}">{play_question(both, room=room, counts=True)._html()}</div>'
        for name, room in (("wide", WIDE), ("narrow", NARROW))
    ]
    return _FRONT.format(parts="\n".join(parts))


def pebble_of() -> str:
    """A series that can be dragged under the picture: the model runs in the page."""
    return stateviz.live(*co2_model())._html()


_FRONT = """<div class="front">
{parts}
<p class="front-buttons"><button type="button" class="front-again">▶ Again</button>
<a class="front-lesson" href="notebooks/00_when_does_keras_reset.html">Lesson 0: see why</a></p>
</div>"""
